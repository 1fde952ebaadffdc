"""Regressions of spend beside the headline become rows and findings."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells
from cxlink.estimands.coefficients import spend_coefficients
from cxlink.estimands.e_values import e_values
from cxlink.estimands.estimand import NOT_LEADING
from cxlink.estimands.spend_estimands import LEADING, spend_rows
from cxlink.estimands.support_checks import finding
from cxlink.spend.fitted_regressions import NoSpendFit, SpendFit
from cxlink.spend.regressions import fit_spend, variance_power
from cxlink.spend.spend_cells import SpendCells
from cxlink.spend.standardised_means import SpendQuestion, group_means, spend_question, unanswered

Row = dict[str, Any]


def spend_model_rows(
    counts: Counts, spells: Spells, headline: Iterable[Row], rng: np.random.Generator, *, leads: bool = False
) -> tuple[list[Row], list[Row], list[Row]]:
    """Fit the additive Poisson, the quasi-gamma and both two-part models, and say what they give.

    Their rows are standardised over all strata; not adjusted where there is nothing to standardise over.

    Parameters
    ----------
    counts : Counts
        With or without spend.
    spells : Spells
        Of the same counts.
    headline : iterable of dict
        Rows already made: the headline ratio is among them.
    rng : Generator
        Advanced.
    leads : bool
        Whether page one stands on the additive Poisson; its E-value is then among the rows.

    Returns
    -------
    rows, findings, coefficients : list of dict
        For the tables of estimates, of diagnostics and of coefficients; all empty without spend.
    """
    spec = counts.spec
    if spec.spend is None:
        return [], [], []
    question = spend_question(counts, spells)
    rows: list[Row] = []
    findings: list[Row] = []
    coefficients: list[Row] = []
    for fit in fit_spend(question.cells, question.effect, spec.spend.refunds):
        if isinstance(fit, SpendFit):
            first = LEADING if leads and fit.model == "poisson" else NOT_LEADING
            rows += spend_rows(group_means(fit, question, rng), spec, first)
            coefficients += spend_coefficients(fit, question.cells, spec)
        findings += fit_findings(fit, question)
    findings += _variance(question.cells)
    findings += agreement(rows, headline, spec.contrast(spec.analysis.contrasts[0]))
    return [*rows, *e_values(rows)], findings, coefficients


def fit_findings(fit: SpendFit | NoSpendFit, question: SpendQuestion) -> Iterator[Row]:
    """Say whether a model converged, how it was held where it would not, and what it cannot answer."""
    if isinstance(fit, NoSpendFit):
        yield finding(fit.model, "fit", "", np.nan, False, f"no row: {fit.reason}")
        return
    yield finding(fit.model, "converged", "", 1.0, True, "the estimating equations are solved to rounding")
    note = "number of parameters of all parts; standard errors are robust (HC2)"
    yield finding(fit.model, "parameters", "", float(fit.n_parameters), None, note)
    yield finding(fit.model, "dispersion", "", fit.dispersion, None, _DISPERSION[fit.model])
    for name in dict.fromkeys(fit.penalised):
        note = (
            "nobody spent there, or everybody did: a weak log-F(1,1) penalty, half a spender, holds the effect "
            "against the cohort, and its draws follow the penalised likelihood"
        )
        yield finding(fit.model, "separated", name, 1.0, None, note)
    for name in fit.averaged:
        note = "nobody spent there: the amount of whoever would is taken to be that of the others"
        yield finding(fit.model, "no_amounts", name, 1.0, None, note)
    for group in unanswered(fit, question):
        note = "no row: its mean in some stratum cannot be told from these counts, even with additive effects"
        yield finding(fit.model, "not_estimable", group, np.nan, False, note)


_DISPERSION = {
    "poisson": "Pearson's, in the currency: the robust errors allow for it",
    "gamma": "Pearson's: the squared coefficient of variation, zeros in",
    "two_part": "Pearson's: the squared coefficient of variation of positive amounts",
    "log_ols": "residual variance of the logarithm of positive amounts",
}


def _variance(cells: SpendCells) -> Iterator[Row]:
    """Say how the variance grows with the mean, and how many spent nothing."""
    n = float(cells.n.sum())
    if not n:
        return
    share = 1 - float(cells.positive.sum()) / n
    yield finding("", "spent_nothing", "", share, None, "share of the customers with a complete window")
    power = variance_power(cells)
    if np.isfinite(power):
        note = (
            "power of the mean that the variance of spend grows with, zeros in (Park test; Manning & Mullahy 2001): 1 "
            "is the Poisson's, 2 the gamma's"
        )
        yield finding("", "variance_power", "", power, None, note)


def agreement(rows: Iterable[Row], headline: Iterable[Row], sides: tuple[str, str]) -> Iterator[Row]:
    """Set each model's ratio of the headline contrast against the headline's.

    Parameters
    ----------
    rows, headline : iterable of dict
        Rows of the models, and those that hold the headline.
    sides : (str, str)
        Group and reference of the headline contrast.
    """
    leading = [r for r in headline if r["estimand"] == "spend_ratio" and r.get("headline")]
    if not leading or not 0 < leading[0]["estimate"] < np.inf:
        return
    for found in rows:
        if found["estimand"] == "spend_ratio" and (found["group"], found["reference"]) == sides:
            inside = bool(leading[0]["conf_low"] <= found["estimate"] <= leading[0]["conf_high"])
            note = (
                "ratio of means over that of the headline; judged is whether the headline's interval holds it"
            )
            against = float(found["estimate"] / leading[0]["estimate"])
            yield finding(found["model"], "agreement", ":".join(sides), against, inside, note)

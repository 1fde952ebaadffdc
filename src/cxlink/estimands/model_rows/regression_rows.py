"""Regressions of spend beside the headline become rows and findings."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from cxlink.checks import Check, Fact
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells
from cxlink.estimands.e_values import e_values
from cxlink.estimands.estimand import NOT_LEADING
from cxlink.estimands.model_rows.coefficients import spend_coefficients
from cxlink.estimands.spend_estimands import LEADING, spend_rows
from cxlink.spend.concentration import MOST
from cxlink.spend.fitted_regressions import NoSpendFit, SpendFit
from cxlink.spend.regressions import SPEND_MODELS, fit_poisson, fit_spend, variance_power
from cxlink.spend.spend_cells import SpendCells
from cxlink.spend.standardised_means import SpendQuestion, group_means, inestimable_groups, spend_question
from cxlink.survival.sparsity import FEWEST

Row = dict[str, Any]


def spend_model_rows(
    counts: Counts, spells: Spells, headline: Iterable[Row], rng: np.random.Generator, *, leads: bool = False
) -> tuple[list[Row], list[Check], list[Row]]:
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
    reason = _withheld(question.cells, refunds=spec.spend.refunds, leads=leads)
    if reason:
        unfitted = [NoSpendFit(model, reason) for model in SPEND_MODELS]
        return [], [check for one in unfitted for check in fit_findings(one, question)], []
    rows: list[Row] = []
    findings: list[Check] = []
    coefficients: list[Row] = []
    for fit in fit_spend(question.cells, question.effect, spec.spend.refunds, leads=leads):
        if isinstance(fit, SpendFit):
            first = LEADING if leads and fit.model == "poisson" else NOT_LEADING
            rows += spend_rows(group_means(fit, question, rng), spec, first)
            coefficients += spend_coefficients(fit, question.cells, spec)
        findings += fit_findings(fit, question)
    findings += spend_trend(question.cells, spec.analysis.level)
    findings += _variance(question.cells)
    findings += agreement(rows, headline, spec.contrast(spec.analysis.contrasts[0]))
    return [*rows, *e_values(rows)], findings, coefficients


def _withheld(cells: SpendCells, *, refunds: bool, leads: bool) -> str:
    """Why no regression of spend says anything of these customers; empty where they do.

    They are fewer than ten, unless page one stands on them; or one of them spent most of it.
    """
    n, total = float(cells.n.sum()), float(cells.total.sum())
    if 0 < n < FEWEST and not leads:
        return "few_customers"
    alone = not refunds and total > 0 and float(cells.squares.sum()) / total**2 >= MOST and n >= FEWEST
    return "one_customer_spent" if alone else ""


def spend_trend(cells: SpendCells, level: float) -> Iterator[Check]:
    """Give the ratio of mean spend of one step of the score towards better, by a Wald test; nothing for one level.

    The additive Poisson with a linear effect of the score and robust errors: log μ = a + b·step + strata.

    Parameters
    ----------
    cells : SpendCells
        Customers with a complete window.
    level : float
        Coverage of the interval.
    """
    fit = fit_poisson(cells, "linear") if len(cells.levels) > 1 else None
    if not isinstance(fit, SpendFit):
        return
    terms = [fit.terms[0].design.terms[column] for column in fit.terms[0].columns]
    for j in (j for j, term in enumerate(terms) if term.basis == "linear"):
        slope, error = float(fit.stack.theta[0][j]), float(np.sqrt(fit.stack.covariance[j, j]))
        if not error > 0:
            return
        low, high = (float(np.exp(slope + sign * ndtri((1 + level) / 2) * error)) for sign in (-1, 1))
        facts: dict[str, Fact] = {"z": slope / error, "p": 2 * float(ndtr(-abs(slope / error)))}
        yield Check("spend_trend", "poisson", "", float(np.exp(slope)), low, high, facts=facts)


def fit_findings(fit: SpendFit | NoSpendFit, question: SpendQuestion) -> Iterator[Check]:
    """Convergence, penalised effects and inestimable groups of a regression of spend."""
    if isinstance(fit, NoSpendFit):
        yield Check("not_fitted", fit.model, passed=False, facts={"case": "spend", "reason": fit.reason})
        return
    yield Check("converged", fit.model, value=1.0, passed=True, facts={"case": "equations"})
    yield Check("parameters", fit.model, value=float(fit.n_parameters))
    yield Check("dispersion", fit.model, value=fit.dispersion, facts={"case": fit.model})
    levels = {str(level) for level in question.cells.levels}
    for name in dict.fromkeys(fit.penalised):
        group = name if name in levels else ""
        yield Check("separated", fit.model, group, 1.0, facts={"case": "spend", "term": name})
    for name in fit.averaged:
        yield Check("no_amounts", fit.model, name if name in levels else "", 1.0, facts={"term": name})
    for group in inestimable_groups(fit, question):
        yield Check("not_estimable", fit.model, group, passed=False)


def _variance(cells: SpendCells) -> Iterator[Check]:
    """Share without spend, and the power in Var(y) ∝ μ^λ."""
    n = float(cells.n.sum())
    if not n:
        return
    yield Check("spent_nothing", value=1 - float(cells.positive.sum()) / n, facts={"case": "customers"})
    power = variance_power(cells)
    if np.isfinite(power):
        yield Check("variance_power", value=power)


def agreement(rows: Iterable[Row], headline: Iterable[Row], sides: tuple[str, str]) -> Iterator[Check]:
    """Compare each model's ratio of the headline contrast with the headline's.

    Parameters
    ----------
    rows, headline : iterable of dict
        Rows of the models, and those of the headline.
    sides : (str, str)
        Group and reference of the headline contrast.
    """
    leading = [r for r in headline if r["estimand"] == "spend_ratio" and r.get("headline")]
    if not leading or not 0 < leading[0]["estimate"] < np.inf or np.isnan(leading[0]["conf_low"]):
        return
    for ratio in rows:
        if ratio["estimand"] == "spend_ratio" and (ratio["group"], ratio["reference"]) == sides:
            inside = bool(leading[0]["conf_low"] <= ratio["estimate"] <= leading[0]["conf_high"])
            against = float(ratio["estimate"] / leading[0]["estimate"])
            yield Check(
                "agreement", ratio["model"], sides[0], against, passed=inside, facts={"reference": sides[1]}
            )

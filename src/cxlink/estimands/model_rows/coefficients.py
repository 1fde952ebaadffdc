"""Every term of every fitted model, as ``coefficients.csv`` holds it: one row a term, on the scale it was fitted on.

A term is a level of a variable of the spec against its reference, on a log scale: exp(estimate) is the ratio that
``scale`` names. Terms without a reference are intercepts, levels with a location of their own, and a family's further
parameters, on their link. Intervals are Wald's, estimate ± z · std_error; where the model's draws are not normal (a
penalised term, one with few losses, a parameter at its bound, a monotone effect) they are quantiles of its draws. What
effectively fewer than six customers, or buckets of clusters, alone inform has no interval where errors are made of what
customers contribute to the score.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cxlink.cohort.count.spells import Spells
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.strata import stratum_variables
from cxlink.estimands.model_rows.coefficient_support import family_freedom, hazard_freedom, spend_freedom
from cxlink.estimands.tidy import interval
from cxlink.estimation.design_terms import SCORE, DesignTerm
from cxlink.groups.effective_buckets import FEWEST_EFFECTIVE
from cxlink.spend.fitted_regressions import SpendFit
from cxlink.spend.spend_cells import SpendCells
from cxlink.survival.families.fitted import Fit
from cxlink.survival.proportional_hazards.grouped_ph import MODEL
from cxlink.survival.proportional_hazards.hazard_draws import drawn, estimated
from cxlink.survival.proportional_hazards.hazard_fit import HazardFit

Row = dict[str, Any]
COLUMNS = (
    "model", "adjusted", "part", "term", "level", "reference", "scale", "estimate", "std_error", "conf_low",
    "conf_high", "level_of_interval", "n",
)  # fmt: skip
_NUMBERS = ("estimate", "std_error", "conf_low", "conf_high")
_STREAM = 12


@dataclass(frozen=True, slots=True, eq=False)
class _Parameters:
    """Parameters of a fit, (n_parameters,) each, and draws of them, (n_draws, n_parameters).

    ``by_draws`` says which have their interval from the draws.
    """

    estimate: np.ndarray
    std_error: np.ndarray
    draws: np.ndarray
    by_draws: np.ndarray

    def ends(self, k: int, level: float) -> np.ndarray:
        """Estimate, standard error and interval of one of them, (4,); the interval holds the estimate."""
        estimate, error = float(self.estimate[k]), float(self.std_error[k])
        if self.by_draws[k]:
            error, low, high = interval(self.draws[:, k], level)
            return np.array([estimate, error, min(low, estimate), max(high, estimate)])
        reach = float(ndtri((1 + level) / 2)) * error
        return np.array([estimate, error, estimate - reach, estimate + reach])


def hazard_coefficients(fit: HazardFit, spells: Spells, spec: CohortSpec, adjusted: str) -> list[Row]:
    """Log hazard ratios of grouped proportional hazards; the baseline hazard is no term.

    Parameters
    ----------
    fit : HazardFit
        To the spells.
    spells : Spells
        Customers of each level and category.
    spec : CohortSpec
        Level of the intervals, number of draws and seed.
    adjusted : {"no", "conditional", "interacting"}
        By score alone, strata in the model, or with interactions of score and strata too.

    Returns
    -------
    list of dict
        Rows of the table, for `coefficient_table`.
    """
    beta = estimated(fit).beta[0]
    positions, level = np.arange(len(beta)), spec.analysis.level
    by_draws = np.isin(positions, [one.index for one in (*fit.separated, *fit.few)])
    by_draws |= (fit.effect == "monotone") & (positions < fit.design.n_score)
    draws = drawn(fit, spec.analysis.draws, _stream(spec)).beta if by_draws.any() else _none(beta)
    parameters = _Parameters(beta, fit.standard_errors, draws, by_draws)
    labels = {"model": MODEL, "adjusted": adjusted, "part": "", "scale": "log_hazard_ratio"}
    customers, freedom = scored_customers(spells), hazard_freedom(fit, spells)
    return [
        coefficient_row(labels, term, parameters.ends(k, level), level, customers, freedom=float(freedom[k]))
        for k, term in enumerate(fit.design.terms)
    ]


def family_coefficients(fit: Fit, spells: Spells, spec: CohortSpec, adjusted: str) -> list[Row]:
    """Parameters of a parametric family: ``part`` names the parameter that a term acts on.

    The location of each score level, and each further parameter, is on its link (``log``, ``logit``, ``identity``).
    Effects on the location are signed as the ratio that ``scale`` names, such as a time ratio of a Weibull's rate.

    Parameters
    ----------
    fit : Fit
        To the spells.
    spells, spec
        See `hazard_coefficients`.
    adjusted : {"no", "conditional"}
        By score alone, or strata in the model.
    """
    positions, level = np.arange(len(fit.estimate)), spec.analysis.level
    by_draws = np.isin(positions, [one.index for one in fit.marginals]) | (fit.centre != fit.estimate)
    by_draws |= fit.monotone & (positions < fit.n_score)
    draws = fit.draws(spec.analysis.draws, _stream(spec)) if by_draws.any() else _none(fit.estimate)
    errors = np.sqrt(np.maximum(np.diag(fit.covariance), 0.0))
    parameters, customers = _Parameters(fit.estimate, errors, draws, by_draws), scored_customers(spells)
    owner = np.repeat(np.arange(len(fit.matrices)), [matrix.shape[1] for matrix in fit.matrices])
    freedom = family_freedom(fit, spells)
    rows = []
    for k, term in enumerate(fit.terms):
        own, ends = fit.family.parameters[owner[k]], parameters.ends(k, level)
        scale, ends = own.link.name, ends / own.link.unit
        if term.references:
            scale, ends = fit.family.location_ratio.scale, _signed(ends, fit.family.location_ratio.sign)
        labels = {"model": fit.family.name, "adjusted": adjusted, "part": own.name, "scale": scale}
        rows.append(coefficient_row(labels, term, ends, level, customers, freedom=float(freedom[k])))
    return rows


def spend_coefficients(fit: SpendFit, cells: SpendCells, spec: CohortSpec) -> list[Row]:
    """Parameters of a regression of spend, with robust standard errors (HC2).

    ``part`` is ``mean``; in a two-part model ``any_spend`` (log odds of having spent) and ``amount`` of those who
    did, and for least squares of log y ``smearing``, the log of each level's factor (Duan 1983,
    doi 10.2307/2288126). A level of the score has the log mean of its customers in the reference categories, in the
    currency. A monotone effect is as it was fitted, before it is projected.

    Parameters
    ----------
    fit : SpendFit
        To the cells.
    cells : SpendCells
        Customers with a complete window, and those who spent, by level and stratum.
    spec : CohortSpec
        See `hazard_coefficients`.
    """
    ends = np.cumsum([len(theta) for theta in fit.stack.theta])[:-1]
    errors = np.split(np.sqrt(np.maximum(np.diag(fit.stack.covariance), 0.0)), ends)
    draws = fit.stack.draws(spec.analysis.draws, _stream(spec))
    rows: list[Row] = []
    freedom = spend_freedom(fit, cells, _parts(fit))
    for k, (part, layer) in enumerate(zip(_parts(fit), fit.terms, strict=True)):
        terms = [layer.design.terms[column] for column in layer.columns]
        unit = np.log(fit.unit) if part in ("mean", "amount") else 0.0
        moved = np.array([0.0 if term.references else unit for term in terms])
        by_draws = np.isin(np.arange(len(terms)), [one.index for one in fit.stack.marginals[k]])
        parameters = _Parameters(fit.stack.theta[k] + moved, errors[k], draws[k] + moved, by_draws)
        n = cells.n if part in ("mean", "any_spend") else cells.positive
        customers = customers_by(cells.levels, cells.strata, (cells.level, cells.stratum), n)
        for j, term in enumerate(terms):
            labels = {
                "model": fit.model,
                "adjusted": "conditional" if len(cells.strata.columns) else "no",
                "part": part,
                "scale": _SPEND_SCALES[part, fit.model == "log_ols"][bool(term.references)],
            }
            level, own = spec.analysis.level, float(freedom[k][j])
            rows.append(
                coefficient_row(labels, term, parameters.ends(j, level), level, customers, freedom=own)
            )
    return rows


_SPEND_SCALES = {
    ("mean", False): ("log", "log_mean_ratio"),
    ("amount", False): ("log", "log_mean_ratio"),
    ("amount", True): ("log", "log_geometric_mean_ratio"),
    ("any_spend", False): ("logit", "log_odds_ratio"),
    ("any_spend", True): ("logit", "log_odds_ratio"),
    ("smearing", True): ("log", ""),
}
"""Of a part, of log-OLS or not: the scale of a term without and with a reference."""


def _parts(fit: SpendFit) -> list[str]:
    """Give the names of a regression's equations, in their order."""
    if fit.model in ("poisson", "gamma"):
        return ["mean"]
    first = ["any_spend"] if fit.terms[0].share else []
    return [*first, "amount", *(["smearing"] if fit.model == "log_ols" else [])]


def coefficient_table(rows: Iterable[Row], smallest: int = 0) -> pd.DataFrame:
    """Collect rows into the table, in their order.

    Parameters
    ----------
    rows : iterable of dict
        Of the functions above.
    smallest : int
        Rows about fewer customers than this, at the term's level or at its reference, are blank.

    Returns
    -------
    DataFrame
        Of `COLUMNS`; ``n`` are the customers at the term's level, and where it has none all of the part's.
    """
    table = pd.DataFrame(list(rows), columns=[*COLUMNS, "n_reference", "freedom"])
    table = table.astype({**dict.fromkeys((*_NUMBERS, "level_of_interval"), float), "n": "Int64"})
    table.loc[table["freedom"] < FEWEST_EFFECTIVE, list(_NUMBERS[1:])] = np.nan
    small = table[["n", "n_reference"]].min(axis=1) < smallest
    table.loc[small, list(_NUMBERS)] = np.nan
    table.loc[small, "n"] = pd.NA
    return table[list(COLUMNS)]


def coefficient_row(
    labels: Row,
    term: DesignTerm,
    ends: np.ndarray,
    level: float,
    customers: pd.DataFrame,
    *,
    freedom: float = np.inf,
) -> Row:
    """One row of the table: a term, its estimate, standard error and interval, (4,), and who stands at its levels.

    ``freedom`` are the degrees of freedom of the interval, see `TermSupport`.
    """
    numbers = dict(zip(_NUMBERS, ends.tolist(), strict=True))
    return {
        **labels, **numbers, "term": term.name, "level": term.level, "reference": term.reference,
        "level_of_interval": level, "n": _size(customers, term, term.levels),
        "n_reference": _size(customers, term, term.references), "freedom": freedom,
        "levels_compared": (*term.levels, *term.references) if term.variables == (SCORE,) and not term.basis else (),
    }  # fmt: skip


def _signed(ends: np.ndarray, sign: float) -> np.ndarray:
    """Turn an estimate and its interval round where the sign is −1."""
    estimate, error, low, high = ends
    return np.array([estimate, error, low, high] if sign > 0 else [-estimate, error, -high, -low])


def _stream(spec: CohortSpec) -> np.random.Generator:
    """Draws of coefficients by themselves: they change no other draws, and are the same for each fit."""
    return np.random.default_rng([spec.analysis.seed, _STREAM])


def _none(estimate: np.ndarray) -> np.ndarray:
    return np.empty((0, len(estimate)))


def scored_customers(spells: Spells) -> pd.DataFrame:
    """Customers with a score, by its level and the adjustment variables."""
    n = np.bincount(spells.pair, spells.n, spells.n_pairs)
    return customers_by(spells.levels, spells.strata, (spells.level, spells.stratum), n)


def customers_by(
    levels: Sequence[int], strata: pd.DataFrame, at: tuple[np.ndarray, np.ndarray], n: np.ndarray
) -> pd.DataFrame:
    """Customers ``n`` of each pair of level and stratum, with the names of both."""
    level, stratum = at
    frame = strata.iloc[stratum].reset_index(drop=True).astype(str)
    frame.columns = pd.Index(stratum_variables(frame))
    frame[SCORE], frame["n"] = [str(levels[k]) for k in level], n
    return frame


def _size(customers: pd.DataFrame, term: DesignTerm, at: tuple[str, ...]) -> int:
    """Customers at these levels of a term's variables; a score that is a number leaves nobody out."""
    inside = np.ones(len(customers), dtype=bool)
    if at:
        for variable, level, value in zip(term.variables, term.levels, at, strict=True):
            if level:
                inside &= (customers[variable] == value).to_numpy()
    return round(float(customers["n"].to_numpy()[inside].sum()))

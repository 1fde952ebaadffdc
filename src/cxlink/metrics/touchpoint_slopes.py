"""Association of retention and spend with the score at each touchpoint, in separate models and in a joint model.

For each touchpoint (person, phone, web, social …) the slope of the log hazard of loss, and of log mean spend, per point
towards better, strata additive. *Alone* is a model of the customers surveyed at that touchpoint; *together* is one
model with a common baseline and common strata, and a level and a slope of each touchpoint, so that the slopes can be
compared and their difference tested.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.mix import MISSING
from cxlink.cohort.count.spells import PersonPeriods, Spells, person_periods, spells_of
from cxlink.cohort.strata import stratum_column
from cxlink.estimation.penalties import Penalty
from cxlink.spend.spend_cells import spend_cells
from cxlink.survival.proportional_hazards.cloglog import Grouped, solve
from cxlink.survival.proportional_hazards.hazard_fit import narrowed
from cxlink.survival.proportional_hazards.robust_errors import errors_of

_VARIABLE = "(touchpoint)"
_COLUMN = stratum_column(_VARIABLE)
_STEPS = 100
_FARTHEST = 30.0
_RUNAWAY = 10.0  # a hazard ratio of 20,000 over the range of a column, or an error as wide


@dataclass(frozen=True, slots=True, eq=False)
class Slopes:
    """Change of a logarithm per point of the score towards better, by touchpoint.

    Attributes
    ----------
    touchpoints : tuple of str
        Those with an estimable slope: two scores or more, losses and non-losses (or spend above 0).
    n : int ndarray of shape (n_touchpoints,)
        Customers.
    alone, together : ndarray of shape (n_touchpoints, 2)
        Slope and standard error; NaN where it could not be fitted.
    differ : (float, float)
        Wald's χ² of equal slopes in the joint model, and its p-value; NaN for a single touchpoint.
    """

    touchpoints: tuple[str, ...]
    n: np.ndarray
    alone: np.ndarray
    together: np.ndarray
    differ: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """Rows of a fit: touchpoint, score in points from the worst level, dummies of strata, customers."""

    touchpoint: np.ndarray
    score: np.ndarray
    strata: np.ndarray
    n: np.ndarray


_Fit = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray] | None]
"""Of which rows, and their design: coefficients and their covariance."""


def by_touchpoint(counts: Counts) -> Counts | None:
    """Scored cells with the touchpoint as one more stratum; None where no touchpoint is recorded."""
    if "touchpoint" not in counts.cells:
        return None
    cells = counts.scored
    cells = cells[cells["touchpoint"] != MISSING].rename(columns={"touchpoint": _COLUMN})
    if not len(cells):
        return None
    adjust = counts.spec.adjust.model_copy(update={"columns": (*counts.spec.adjust.columns, _VARIABLE)})
    return replace(counts, cells=add_up(cells), spec=counts.spec.model_copy(update={"adjust": adjust}))


def retention_slopes(counts: Counts) -> Slopes | None:
    """Slopes of the log hazard of loss; None where no touchpoint has an estimable slope.

    Parameters
    ----------
    counts : Counts
        The result of `by_touchpoint`.
    """
    spells = spells_of(counts)
    periods = person_periods(spells)
    n = np.bincount(spells.pair, spells.n, spells.n_pairs)
    cells = _cells(spells, periods.level, periods.stratum, n)
    informative = _informative(periods)
    d, r = (counted[:, informative].sum(axis=1) for counted in (periods.lost, periods.at_risk))
    return _slopes(cells, np.column_stack([d, r - d]), partial(_hazards, periods))


def spend_slopes(counts: Counts) -> Slopes | None:
    """Slopes of log mean spend; None where no touchpoint has an estimable slope.

    Parameters
    ----------
    counts : Counts
        The result of `by_touchpoint`, with spend.
    """
    spells = spells_of(counts)
    sums = spend_cells(counts, spells)
    cells = _cells(spells, sums.level, sums.stratum, sums.n)
    return _slopes(cells, sums.total[:, None], partial(_poisson, (sums.n, sums.total, sums.squares)))


def _cells(spells: Spells, level: np.ndarray, stratum: np.ndarray, n: np.ndarray) -> _Cells:
    strata = spells.strata.iloc[stratum]
    steps = np.abs(np.array(spells.levels, float) - spells.levels[0])
    others = strata.drop(columns=_COLUMN)
    dummies = pd.get_dummies(others, drop_first=True, dtype=float) if others.shape[1] else others
    return _Cells(strata[_COLUMN].to_numpy(str), steps[level], dummies.to_numpy(float), n)


def _slopes(cells: _Cells, evidence: np.ndarray, fit: _Fit) -> Slopes | None:
    names = [
        name
        for name in sorted(set(cells.touchpoint))
        if (evidence[cells.touchpoint == name].sum(axis=0) > 0).all()
        and np.ptp(cells.score[cells.touchpoint == name]) > 0
    ]
    if not names:
        return None
    alone = np.full((len(names), 2), np.nan)
    for k, name in enumerate(names):
        single = _fitted(cells, [name], fit)
        if single is not None:
            alone[k] = single[0][0], np.sqrt(single[1][0, 0])
    together, differ = alone, (np.nan, np.nan)
    joint = _fitted(cells, names, fit) if len(names) > 1 else None
    if joint is not None:
        together = np.column_stack([joint[0], np.sqrt(np.diag(joint[1]))])
        differ = _differ(*joint)
    elif len(names) > 1:
        together = np.full_like(alone, np.nan)
    n = np.array([int(cells.n[cells.touchpoint == name].sum()) for name in names])
    return Slopes(tuple(names), n, alone, together, differ)


def _fitted(cells: _Cells, names: list[str], fit: _Fit) -> tuple[np.ndarray, np.ndarray] | None:
    """Slopes of these touchpoints in one model of their customers, and their covariance."""
    inside = np.isin(cells.touchpoint, names)
    at = np.array([cells.touchpoint[inside] == name for name in names], dtype=float).T
    # centred, to reduce the collinearity of levels and slopes
    score = cells.score[inside] - np.average(cells.score[inside], weights=cells.n[inside])
    strata = cells.strata[inside]
    design = np.column_stack([at * score[:, None], at[:, 1:], strata[:, np.ptp(strata, axis=0) > 0]])
    result = fit(inside, design)
    return None if result is None else (result[0][: len(names)], result[1][: len(names), : len(names)])


def _informative(periods: PersonPeriods) -> np.ndarray:
    """Periods with both a loss and a survivor."""
    lost, at_risk = periods.lost.sum(axis=0), periods.at_risk.sum(axis=0)
    return (lost > 0) & (lost < at_risk)


def _hazards(
    periods: PersonPeriods, rows: np.ndarray, design: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Grouped proportional hazards, errors over customers; if an estimate diverges, all have a log-F(1,1) penalty."""
    mine = narrowed(periods, _informative(periods), rows)
    informative = _informative(mine)
    if not informative.any():
        return None
    mine = narrowed(mine, informative)
    grouped = Grouped(mine.at_risk, mine.lost, design, np.empty((0, *mine.at_risk.shape)))
    span = np.ptp(design, axis=0)
    penalties = [Penalty(j, row, scale=float(span[j])) for j, row in enumerate(np.eye(design.shape[1]))]
    solution = solve(grouped)
    errors = np.sqrt(np.maximum(np.diag(np.linalg.pinv(solution.information, hermitian=True)), 0.0))
    if ((np.abs(solution.beta) + errors) * span < _RUNAWAY).all() and (errors > 0).all():
        penalties = []
    else:
        solution = solve(grouped, penalties)
    return solution.beta, errors_of(grouped, solution, penalties, mine.exposures).covariance


def _poisson(
    sums: tuple[np.ndarray, ...], rows: np.ndarray, design: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """Poisson pseudo-likelihood with a log link, and its robust covariance from Σ(y − μ)² = Σy² − 2μΣy + nμ²."""
    n, total, squares = (part[rows] for part in sums)
    x = np.column_stack([design, np.ones(len(design))])
    theta = np.zeros(x.shape[1])
    theta[-1] = np.log(total.sum() / n.sum()) if total.sum() > 0 else np.nan
    if not np.isfinite(theta[-1]):
        return None
    for _ in range(_STEPS):
        mean = np.exp(np.clip(x @ theta, -_FARTHEST, _FARTHEST))
        bread = np.linalg.pinv(x.T @ ((n * mean)[:, None] * x), rcond=1e-12, hermitian=True)
        step = bread @ (x.T @ (total - n * mean))
        theta = theta + step / max(1.0, float(np.abs(step).max()) / 2)
        if np.abs(step).max() < 1e-10:
            break
    else:
        return None
    mean = np.exp(x @ theta)
    left = np.maximum(squares - 2 * mean * total + n * mean**2, 0.0)
    customers = float(n.sum())
    if customers <= x.shape[1]:
        return None
    bread = np.linalg.pinv(x.T @ ((n * mean)[:, None] * x), rcond=1e-12, hermitian=True)
    robust = bread @ (x.T @ (left[:, None] * x)) @ bread * customers / (customers - x.shape[1])
    return theta[:-1], robust[:-1, :-1]


def _differ(slopes: np.ndarray, covariance: np.ndarray) -> tuple[float, float]:
    """Wald's test of equal slopes: χ² and p-value."""
    contrast = np.column_stack([-np.ones(len(slopes) - 1), np.eye(len(slopes) - 1)])
    apart = contrast @ slopes
    square = float(apart @ np.linalg.pinv(contrast @ covariance @ contrast.T, hermitian=True) @ apart)
    return square, float(chdtrc(len(slopes) - 1, square))

"""Outcomes after a backtest origin, and predictions of a family fitted up to it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlink.cohort.count.spells import PersonPeriods, Spells
from cxlink.groups.curves import Standard, areas
from cxlink.groups.support import FEWEST_AT_RISK
from cxlink.survival.families.fitted import Fit
from cxlink.survival.families.projection import drawn_survival, group_survival
from cxlink.survival.families.projection_plan import Target, plan_for
from cxlink.survival.families.survival_at_times import at_times

_DRAWS = 400
LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class BacktestCells:
    """Customers retained at an origin, or who entered after it, and their outcomes.

    Attributes
    ----------
    level, stratum, start, stop : int ndarray of shape (n_cells,)
        Positions, and the periods from which and to which they were followed.
    lost : bool ndarray of shape (n_cells,)
        Whether they were lost in the last of those periods.
    n : ndarray of shape (n_cells,)
        Customers.
    """

    level: np.ndarray
    stratum: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    lost: np.ndarray
    n: np.ndarray

    @classmethod
    def of(cls, spells: Spells, periods: PersonPeriods, origin: int, end: int) -> "BacktestCells":
        """Collect the customers of spells, followed to the end at most; strata merged where those of periods are."""
        level, stratum = spells.level[spells.pair], spells.stratum[spells.pair]
        if len(periods.strata) == 1:
            stratum = np.zeros_like(stratum)
        start, stop = np.maximum(spells.entry, origin), np.minimum(spells.exit, end)
        lost = (spells.cause > 0) & (spells.exit <= end)
        keep = stop > start
        keys = np.column_stack([level, stratum, start, stop, lost])[keep]
        unique, at = np.unique(keys, axis=0, return_inverse=True)
        n = np.bincount(at.ravel(), spells.n[keep], minlength=len(unique))
        level, stratum, start, stop, left = unique.T
        return cls(level, stratum, start, stop, left.astype(bool), n)


def outcome_probabilities(one: Fit, cells: BacktestCells) -> np.ndarray:
    """Probability of what each cell's customers did, given that they were there at its start.

    Parameters
    ----------
    one : Fit
        To what was known at the origin.
    cells : BacktestCells
        What came after.

    Returns
    -------
    ndarray of shape (n_cells,)
        S(stop − 1) − S(stop) over S(start) where they were lost, S(stop)/S(start) where not; 1e-12 at least.
    """
    pairs, at = np.unique(np.column_stack([cells.level, cells.stratum]), axis=0, return_inverse=True)
    linked = one.linked(one.estimate[None], pairs[:, 0], pairs[:, 1])
    log_s = at_times(one.family, linked, np.arange(cells.stop.max() + 1.0))[0]
    survival = np.minimum.accumulate(np.exp(np.nan_to_num(log_s, nan=-np.inf)), axis=-1)
    at = at.ravel()
    there, at_stop = survival[at, cells.start], survival[at, cells.stop]
    left = survival[at, cells.stop - 1] - at_stop
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(cells.lost, left, at_stop) / there
    probability: np.ndarray = np.clip(np.nan_to_num(p, nan=0.0), LEAST, 1.0)
    return probability


@dataclass(frozen=True, slots=True)
class Later:
    """What came after an origin, by level.

    Attributes
    ----------
    origin, end : int
        First and last period.
    level, stratum : int ndarray of shape (n_pairs,)
        Pairs with customers just after the origin.
    weight : ndarray of shape (n_pairs,)
        How many.
    levels : int ndarray of shape (n_levels,)
        Levels scored.
    n, survival, tenure, error : ndarray of shape (n_levels,)
        Customers at risk, observed survival from the origin to the end, restricted mean and its standard error.
    """

    origin: int
    end: int
    level: np.ndarray
    stratum: np.ndarray
    weight: np.ndarray
    levels: np.ndarray
    n: np.ndarray
    survival: np.ndarray
    tenure: np.ndarray
    error: np.ndarray

    @classmethod
    def of(cls, periods: PersonPeriods, origin: int, end: int) -> "Later":
        """Collect the levels with ten customers at risk just after the origin, and at the end."""
        r, d = (
            np.array([counts[periods.level == k, origin:end].sum(axis=0) for k in range(len(periods.levels))])
            for counts in (periods.at_risk, periods.lost)
        )
        levels = np.flatnonzero(
            (r[:, 0] >= FEWEST_AT_RISK) & (r[:, -1] >= FEWEST_AT_RISK) & (r > 0).all(axis=1)
        )
        r, d = r[levels].astype(float), d[levels].astype(float)
        survival = np.concatenate([np.ones((len(levels), 1)), np.cumprod(1 - d / r, axis=1)], axis=1)
        pieces = areas(survival)
        ahead = np.cumsum(pieces[:, ::-1], axis=1)[:, ::-1]
        after = np.concatenate([ahead[:, 1:], np.zeros((len(levels), 1))], axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            greenwood = np.where(r > d, d / (r * (r - d)), 0.0)
        inside = np.isin(periods.level, levels) & (periods.at_risk[:, origin] > 0)
        return cls(
            origin, end, periods.level[inside], periods.stratum[inside],
            periods.at_risk[inside, origin].astype(float), levels, r[:, 0], survival[:, -1], pieces.sum(axis=1),
            np.sqrt((after**2 * greenwood).sum(axis=1)),
        )  # fmt: skip


def _target(later: Later) -> Target:
    """Survival from the origin on by level, over the customers who were there."""
    standards = []
    for level, n in zip(later.levels, later.n, strict=True):
        (mine,) = np.nonzero(later.level == level)
        share = later.weight[mine] / later.weight[mine].sum()
        origin = np.full(len(mine), later.origin)
        standards.append(Standard(str(level), mine, origin, share, int(n), 0))
    last = np.full(len(standards), later.end)
    return Target(later.level, later.stratum, tuple(standards), (later.end - later.origin,), last, {})


def backtest_errors(
    one: Fit, later: Later, rng: np.random.Generator
) -> tuple[dict[str, float], pd.DataFrame]:
    """Errors and coverage of one family from one origin, and its points of the calibration.

    Parameters
    ----------
    one : Fit
        To what was known at the origin.
    later : Later
        What came after.
    rng : Generator
        For the interval, which holds the error of the observed mean as well.
    """
    if not len(later.levels):
        nothing = {"survival_error": 0.0, "tenure_error": 0.0, "covered": np.nan}
        return nothing, pd.DataFrame(columns=["level", "predicted", "observed", "n"])
    plan = plan_for(_target(later))
    point = group_survival(one, one.estimate[None], plan)
    drawn = drawn_survival(one, one.draws(_DRAWS, rng), plan, point)
    upto = plan.grid.whole[plan.grid.periods <= later.end - later.origin]
    curve = np.concatenate([part[0][..., upto] for part in (point, *drawn)])
    tenure = areas(curve) @ np.diff(plan.grid.time[upto])
    noise = later.error * rng.standard_normal((_DRAWS, len(later.levels)))
    low, high = np.quantile(tenure[1:] + noise, [0.025, 0.975], axis=0)
    weight = later.n / later.n.sum()
    covered = (low <= later.tenure) & (later.tenure <= high)
    predicted = curve[0, :, -1]
    made = {
        "survival_error": float(weight @ (predicted - later.survival)),
        "tenure_error": float(weight @ (tenure[0] - later.tenure)),
        "covered": float(covered.mean()),
    }
    points = {"level": later.levels, "predicted": predicted, "observed": later.survival, "n": later.n}
    return made, pd.DataFrame(points)

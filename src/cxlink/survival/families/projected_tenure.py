"""Expected tenure from fitted families: retention, restricted and unrestricted means, medians, with draws."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxlink.cohort.count.spells import PersonPeriods
from cxlink.groups.curves import Standard
from cxlink.survival.families.fitted import Fit
from cxlink.survival.families.projection import drawn_survival, group_survival, known_areas
from cxlink.survival.families.projection_plan import ProjectionPlan, Target, plan_for
from cxlink.survival.families.time_grid import Grid, areas_to, medians, tail_areas, weighted

_TEN = 10
_GONE = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class ProjectedDraws:
    """A quantity of each group: its estimate and draws of it.

    Attributes
    ----------
    point : ndarray of shape (n_groups, ...)
        The estimate.
    draws : ndarray of shape (n_draws, n_groups, ...)
        Draws of the same.
    """

    point: np.ndarray
    draws: np.ndarray


QUANTITIES = ("retention", "restricted", "mean", "median", "discounted", "curtate", "remaining", "plot")
"""Attributes of `Tenure` that are drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Tenure:
    """What a model says of how long groups stay after the survey.

    Attributes
    ----------
    model : str
        As in the estimates table.
    labels : dict of str to str
        See `Target.labels`.
    groups : tuple of str
        Reported groups.
    n, n_events : int ndarray of shape (n_groups,)
        Customers in each, and losses among them.
    horizons, given : tuple of int
        In periods.
    retention, restricted : ProjectedDraws, of shape (n_groups, n_horizons)
        S(h), and the restricted mean to h in periods.
    mean, median : ProjectedDraws, of shape (n_groups,)
        In periods; may be infinite. A mean is infinite where the estimate or more than half of its draws
        are: where S still falls no faster than 1/t at 6,561 times the last horizon.
    discounted : ProjectedDraws, of shape (n_groups, n_horizons + 1)
        ∫S(t)·e^(−δt)dt to each horizon and, last, to infinity; in periods.
    curtate : ProjectedDraws, of shape (n_groups, n_horizons)
        S(1) + … + S(h): whole periods completed.
    remaining : ProjectedDraws, of shape (n_groups, n_given, n_horizons + 1)
        Restricted mean of what is left after `given` periods, to each horizon from there and, last, to infinity.
    last : int ndarray of shape (n_groups,)
        Last period after the survey in which all entries of a group are within follow-up (ten at risk).
    known, total : ndarray of shape (n_groups, n_given + 1, n_horizons + 1)
        Area within follow-up, and in all, of each restricted mean and, last, of the mean: from the survey on, and then
        from each of `given` on.
    grid : Grid
        Times of `curve`.
    curve : ndarray of shape (n_groups, n_times)
        S at them.
    plot_times : int ndarray of shape (n_plotted,)
        Whole periods to the last horizon, at most 61.
    plot : ProjectedDraws, of shape (n_groups, n_plotted)
        S at those, in single precision: for pictures.
    """

    model: str
    labels: dict[str, str]
    groups: tuple[str, ...]
    n: np.ndarray
    n_events: np.ndarray
    horizons: tuple[int, ...]
    given: tuple[int, ...]
    retention: ProjectedDraws
    restricted: ProjectedDraws
    mean: ProjectedDraws
    median: ProjectedDraws
    discounted: ProjectedDraws
    curtate: ProjectedDraws
    remaining: ProjectedDraws
    last: np.ndarray
    known: np.ndarray
    total: np.ndarray
    grid: Grid
    curve: np.ndarray
    plot_times: np.ndarray
    plot: ProjectedDraws

    @property
    def beyond_areas(self) -> np.ndarray:
        """Share of each area that lies beyond follow-up, of the shape of `known`; 1 where the mean is infinite."""
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.clip(1 - self.known / self.total, 0.0, 1.0)
        ends = np.add.outer(np.r_[0, self.given], np.r_[self.horizons, np.inf])
        inside = ends <= self.last[:, None, None]
        return np.where(inside, 0.0, np.where(self.total > 0, share, 1.0))

    @property
    def beyond_retention(self) -> np.ndarray:
        """1 where S(h) lies beyond follow-up for any entry, else 0; of shape (n_groups, n_horizons)."""
        return (np.asarray(self.horizons) > self.last[:, None]).astype(float)

    @property
    def beyond_median(self) -> np.ndarray:
        """1 where the median lies beyond follow-up for any entry, else 0; of shape (n_groups,)."""
        return (self.median.point > self.last).astype(float)


def last_with_ten(periods: PersonPeriods, level: np.ndarray, standards: Sequence[Standard]) -> np.ndarray:
    """Find the last period of the clock in which each group has ten customers at risk.

    Parameters
    ----------
    periods : PersonPeriods
        The cohort.
    level : int ndarray of shape (n_curves,)
        Level (position in ``periods.levels``) of each curve of the standards.
    standards : sequence of Standard
        The groups: all customers of their levels count.

    Returns
    -------
    int ndarray of shape (n_groups,)
        0 where a group never has ten.
    """
    last = []
    for standard in standards:
        mine = np.isin(periods.level, level[standard.curve])
        enough = np.flatnonzero(periods.at_risk[mine].sum(axis=0) >= _TEN)
        last.append(int(enough[-1]) + 1 if enough.size else 0)
    return np.array(last)


def project(fit: Fit, target: Target, n_draws: int, rng: np.random.Generator) -> tuple[Tenure, ...]:
    """Project a fitted family to horizons, with draws, in blocks of them so that memory stays small.

    Parameters
    ----------
    fit : Fit
        Made on the person-periods that ``target`` counts in.
    target : Target
        What is asked.
    n_draws : int
        Draws of each quantity.
    rng : Generator
        Source of the draws.

    Returns
    -------
    tuple of Tenure
        With the score's effect lasting for ever, and then one for each of ``target.waning``.
    """
    plan = plan_for(target)
    curve = group_survival(fit, fit.estimate[None], plan)
    drawn = drawn_survival(fit, fit.draws(n_draws, rng), plan, curve)
    found = [_quantities(plan, survival, fit.family.whole_periods) for survival in (curve, *drawn)]
    known = known_areas(fit, plan)
    return tuple(
        _tenure(
            fit,
            plan,
            [part[k] for part in found],
            known=known,
            scenario=scenario,
            curve=_waned(plan, curve[0], end)[0],
        )
        for k, (scenario, end) in enumerate([("", np.inf), *((f"waning={w}", w) for w in target.waning)])
    )


def _tenure(
    fit: Fit,
    plan: ProjectionPlan,
    parts: Sequence[dict[str, np.ndarray]],
    *,
    known: np.ndarray,
    scenario: str,
    curve: np.ndarray,
) -> Tenure:
    """Put estimate (the first part) and blocks of draws together."""
    target, point = plan.target, parts[0]
    drawn = {
        key: ProjectedDraws(point[key][0], np.concatenate([block[key] for block in parts[1:]]))
        for key in QUANTITIES
    }
    for key in ("mean", "discounted", "remaining"):
        drawn[key] = settled(drawn[key])
    first = np.column_stack([drawn["restricted"].point, drawn["mean"].point])[:, None]
    given = target.given if not scenario else ()
    return Tenure(
        model=fit.family.name,
        labels={**target.labels, "scenario": scenario} if scenario else target.labels,
        groups=tuple(standard.group for standard in target.standards),
        n=np.array([standard.n for standard in target.standards]),
        n_events=np.array([standard.n_events for standard in target.standards]),
        horizons=target.horizons,
        given=given,
        last=target.last - plan.latest,
        known=known[:, : 1 + len(given)],
        total=np.concatenate([first, drawn["remaining"].point], axis=1),
        grid=plan.grid,
        curve=curve,
        plot_times=plan.plot_times,
        **drawn,
    )


def _quantities(plan: ProjectionPlan, survival: np.ndarray, whole: bool) -> list[dict[str, np.ndarray]]:
    """Give the drawn attributes of `Tenure`, each of shape (n_draws, n_groups, ...), for every scenario."""
    first, *later = survival
    none = np.empty((*first.shape[:2], 0, len(plan.target.horizons) + 1))
    remaining = np.stack([_areas(plan, rest, whole) for rest in later], axis=2) if later else none
    return [
        {**_of_curve(plan, first, whole), "remaining": remaining},
        *(
            {**_of_curve(plan, _waned(plan, first, end), whole), "remaining": none}
            for end in plan.target.waning
        ),
    ]


def _of_curve(plan: ProjectionPlan, survival: np.ndarray, whole: bool) -> dict[str, np.ndarray]:
    grid, target = plan.grid, plan.target
    area = _areas(plan, survival, whole)
    worth = np.exp(-target.discount * grid.time)
    ends = np.searchsorted(grid.periods, target.horizons)
    return {
        "retention": survival[..., grid.at(target.horizons)],
        "restricted": area[..., :-1],
        "mean": area[..., -1],
        "median": medians(survival, grid, whole),
        "discounted": _areas(plan, survival * worth, whole) if target.discount > 0 else area,
        "curtate": weighted(survival, grid, grid.sum_weights, ends),
        "plot": survival[..., grid.at(plan.plot_times)].astype(np.float32),
    }


def _areas(plan: ProjectionPlan, survival: np.ndarray, whole: bool) -> np.ndarray:
    """Areas to each horizon and, last, to infinity."""
    grid = plan.grid
    ends = np.r_[np.searchsorted(grid.periods, plan.target.horizons), len(grid.periods) - 1]
    area = areas_to(survival, grid, whole, ends)
    area[..., -1] += tail_areas(survival, grid)
    return area


def _waned(plan: ProjectionPlan, survival: np.ndarray, end: float) -> np.ndarray:
    """Let each group's hazard come to that of all: log h = log h_all + w·(log h_g − log h_all).

    w is 1 to the group's last observed period, falls in a straight line, and is 0 from ``end`` on. Hazards are those
    of the intervals between the times of the grid, w that of their middles.
    """
    time, target = plan.grid.time, plan.target
    if np.isinf(end) or target.share is None:
        return survival
    middle = (time[1:] + time[:-1]) / 2
    last = (target.last - plan.latest)[:, None]
    share = np.clip((end - middle) / np.maximum(end - last, 1e-9), 0.0, 1.0)
    share = np.where(middle <= last, 1.0, np.where(middle >= end, 0.0, share))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_h = _log_hazards(survival)
        everybody = _log_hazards(target.share @ survival)[:, None]
        mixed = np.exp(everybody + share * (log_h - everybody))
    fall = np.concatenate([np.zeros((*mixed.shape[:-1], 1)), np.cumsum(mixed, axis=-1)], axis=-1)
    waned: np.ndarray = np.exp(-fall)
    return waned


def _log_hazards(survival: np.ndarray) -> np.ndarray:
    """Of the intervals between the times of the grid."""
    fall = -np.diff(np.log(np.maximum(survival, _GONE)), axis=-1)
    found: np.ndarray = np.log(np.maximum(fall, _GONE))
    return found


def settled(mean: ProjectedDraws) -> ProjectedDraws:
    """Call a mean infinite where more than half of its draws are."""
    return ProjectedDraws(np.where(np.isinf(mean.draws).mean(axis=0) > 0.5, np.inf, mean.point), mean.draws)

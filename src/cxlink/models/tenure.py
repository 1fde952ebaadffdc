"""Expected tenure from fitted families: retention, restricted and unrestricted means, medians, with draws."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxlink.cohort.spells import PersonPeriods
from cxlink.models.curves import Standard
from cxlink.models.fitted import Fit
from cxlink.models.horizon import Grid, areas_to, medians, tail_areas
from cxlink.models.projection import (
    Plan,
    Target,
    blocks,
    group_survival,
    known_areas,
    meshed,
    plan_for,
)

_TEN = 10


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
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
    horizons : tuple of int
        In periods.
    retention, restricted : Drawn, of shape (n_groups, n_horizons)
        S(h), and the restricted mean to h in periods.
    mean, median : Drawn, of shape (n_groups,)
        In periods; may be infinite. A mean is infinite where the estimate or more than half of its draws
        are: where S still falls no faster than 1/t at 6,561 times the last horizon.
    last : int ndarray of shape (n_groups,)
        Last period after the survey in which all entries of a group are within follow-up (ten at risk).
    known, total : ndarray of shape (n_groups, n_horizons + 1)
        Area within follow-up, and in all, of each restricted mean and, last, of the mean.
    grid : Grid
        Times of `curve`.
    curve : ndarray of shape (n_groups, n_times)
        S at them.
    plot_times : int ndarray of shape (n_plotted,)
        Whole periods to the last horizon, at most 61.
    plot : Drawn, of shape (n_groups, n_plotted)
        S at those, in single precision: for pictures.
    """

    model: str
    labels: dict[str, str]
    groups: tuple[str, ...]
    n: np.ndarray
    n_events: np.ndarray
    horizons: tuple[int, ...]
    retention: Drawn
    restricted: Drawn
    mean: Drawn
    median: Drawn
    last: np.ndarray
    known: np.ndarray
    total: np.ndarray
    grid: Grid
    curve: np.ndarray
    plot_times: np.ndarray
    plot: Drawn

    @property
    def beyond_areas(self) -> np.ndarray:
        """Share of each restricted mean's area, and of the mean's, that lies beyond follow-up.

        Of shape (n_groups, n_horizons + 1); 1 where the mean is infinite.
        """
        share = np.clip(1 - self.known / self.total, 0.0, 1.0)
        inside = np.array([*self.horizons, np.inf]) <= self.last[:, None]
        return np.where(inside, 0.0, share)

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


def project(fit: Fit, target: Target, n_draws: int, rng: np.random.Generator) -> Tenure:
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
    """
    plan = plan_for(target)
    curve = group_survival(fit, fit.estimate[None], plan)
    point = _quantities(fit, plan, curve)
    few = meshed(fit, plan, curve)
    found = [
        _quantities(fit, few, group_survival(fit, block, few))
        for block in blocks(fit, fit.draws(n_draws, rng), few)
    ]
    drawn = {key: Drawn(point[key][0], np.concatenate([block[key] for block in found])) for key in point}
    drawn["mean"] = settled(drawn["mean"])
    return Tenure(
        model=fit.family.name,
        labels=target.labels,
        groups=tuple(standard.group for standard in target.standards),
        n=np.array([standard.n for standard in target.standards]),
        n_events=np.array([standard.n_events for standard in target.standards]),
        horizons=target.horizons,
        last=target.last - plan.latest,
        known=known_areas(fit, plan),
        total=np.column_stack([drawn["restricted"].point, drawn["mean"].point]),
        grid=plan.grid,
        curve=curve[0],
        plot_times=plan.plot_times,
        **drawn,
    )


def _quantities(fit: Fit, plan: Plan, survival: np.ndarray) -> dict[str, np.ndarray]:
    """Give the drawn attributes of `Tenure`, each of shape (n_draws, n_groups, ...)."""
    grid, whole = plan.grid, fit.family.whole_periods
    area = areas_to(survival, grid, whole)
    return {
        "retention": survival[..., grid.at(plan.target.horizons)],
        "restricted": area[..., np.searchsorted(grid.periods, plan.target.horizons)],
        "mean": area[..., -1] + tail_areas(survival, grid),
        "median": medians(survival, grid, whole),
        "plot": survival[..., grid.at(plan.plot_times)].astype(np.float32),
    }


def settled(mean: Drawn) -> Drawn:
    """Call a mean infinite where more than half of its draws are."""
    return Drawn(np.where(np.isinf(mean.draws).mean(axis=0) > 0.5, np.inf, mean.point), mean.draws)

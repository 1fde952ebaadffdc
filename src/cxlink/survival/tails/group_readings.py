"""Groups read off continued curves: survival at the times that are asked about, areas, medians, and a tail."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from cxlink.groups.curves import cumulative_areas
from cxlink.groups.requests import Request
from cxlink.groups.retained import retained_weights
from cxlink.survival.families.projected_tenure import settled
from cxlink.survival.families.time_grid import Grid, areas_to, make_grid, medians, tail_areas, weighted
from cxlink.survival.survival import Drawn, Survival, Tail
from cxlink.survival.tails.curve_plan import ContinuedPlan
from cxlink.survival.tails.curve_readings import CurveReadings

MODEL = "spliced"
_SHOWN = 61
_RATIO = 1.08


def reading_grid(horizons: Sequence[int], n_periods: int, times: np.ndarray) -> Grid:
    """Times after the survey at which groups are read off: whole periods, ever fewer beyond the data, and a tail.

    Parameters
    ----------
    horizons : sequence of int
        Steps of the ladder; each is among the times.
    n_periods : int
        With data: each of them is.
    times : int ndarray
        More that are.
    """
    last = max([*horizons, int(times.max(initial=1)), 1])
    tail = make_grid((last,))
    periods = _thinned(n_periods, last, np.concatenate([np.asarray(horizons, int), times]))
    time = np.concatenate([periods.astype(float), tail.time[tail.inside :]])
    sums = np.zeros((len(periods), len(periods)))
    for k, (a, b) in enumerate(pairwise(periods)):
        share = (np.arange(a + 1, b + 1) - a) / (b - a)
        sums[k, k + 1 :] += (1 - share).sum()
        sums[k + 1, k + 1 :] += share.sum()
    empty = np.zeros((len(periods), len(periods)))
    return Grid(time, np.arange(len(periods)), len(periods), empty, sums, tail.tail_weight)


def _thinned(n_periods: int, last: int, more: np.ndarray) -> np.ndarray:
    """0 to ``n_periods``, then ever fewer to ``last``."""
    dense = np.arange(min(n_periods, last) + 1)
    n_later = (
        int(np.ceil(np.log(max(last, 1) / max(n_periods, 1)) / np.log(_RATIO))) + 1 if last > n_periods else 0
    )
    later = (
        np.geomspace(max(n_periods, 1), last, max(n_later, 0)).round().astype(int) if n_later else dense[:0]
    )
    return np.unique(np.concatenate([dense, later, more[(more >= 0) & (more <= last)]])).astype(int)


def read_retained(plan: ContinuedPlan, curves: CurveReadings, times: np.ndarray, given: int) -> np.ndarray:
    """Average curves over the customers retained after some periods, see `cxlink.groups.retained`.

    Parameters
    ----------
    plan : ContinuedPlan
        The groups.
    curves : CurveReadings
        Of its curves.
    times : ndarray of shape (n_times,)
        From then on, from 0 on.
    given : int
        Periods already stayed.

    Returns
    -------
    ndarray of shape (n_draws, n_groups, n_times)
    """
    request = plan.request
    weights = retained_weights(request.standards, request.scored, partial(curves.retained, given))
    return curves.averaged(plan.averages, times, np.concatenate(weights), given)


def spliced_survival(
    plan: ContinuedPlan,
    grid: Grid,
    parts: tuple[np.ndarray, np.ndarray],
    *,
    discount: float,
    scenario: str = "",
    given: int = 0,
) -> Survival:
    """Put the estimate and the draws of a request together.

    Parameters
    ----------
    plan : ContinuedPlan
        What was asked.
    grid : Grid
        Times at which groups were read off.
    parts : (ndarray, ndarray)
        S of the groups: the estimate, (1, n_groups, n_times), and draws.
    discount : float
        Of one period.
    scenario : str
        What differs; empty in the main analysis.
    given : int
        Periods already stayed when time starts.
    """
    request = plan.request
    values = [_quantities(request, grid, survival, discount) for survival in parts]
    drawn = {key: Drawn(values[0][key][0], values[1][key]) for key in values[0]}
    horizons = (*request.horizons, np.inf)
    shown = _shown(grid, request)
    tail = Tail(
        drawn["median"], settled(drawn["discounted"]), drawn["curtate"], grid, parts[0][0], shown,
        Drawn(parts[0][0][:, grid.at(shown)], parts[1][..., grid.at(shown)].astype(np.float32)),
    )  # fmt: skip
    counted: dict[str, Any] = {
        "groups": tuple(s.group for s in request.standards),
        "n": np.array([s.n for s in request.standards]),
        "n_events": np.array([s.n_events for s in request.standards]),
    }
    return Survival(
        model=MODEL, labels={**request.labels, **({"scenario": scenario} if scenario else {})}, **counted,
        times=_times(request), point=drawn["retention"].point, draws=drawn["retention"].draws, horizons=horizons,
        area=settled(drawn["area"]), inside=_inside(parts[0][0], grid, horizons, np.maximum(plan.until - given, 0)),
        observed_until=plan.until - given, given=given, last=np.zeros(len(request.standards), dtype=int),
        own=request.own, contrasts=request.contrasts, sparse=plan.sparse, tail=tail,
    )  # fmt: skip


def lagged_survival(first: Survival, parts: tuple[np.ndarray, np.ndarray], given: int, rest: int) -> Survival:
    """Retention of those who have stayed some periods, at one time from then on.

    Parameters
    ----------
    first : Survival
        From the survey on.
    parts : (ndarray, ndarray)
        S at that time: the estimate, (n_groups,), and draws, (n_draws, n_groups).
    given, rest : int
        Periods already stayed, and from then on.
    """
    none = Drawn(first.area.point[:, :0], first.area.draws[..., :0])
    return replace(
        first, times=np.array([rest]), point=parts[0][:, None], draws=parts[1][..., None], horizons=(), area=none,
        inside=first.inside[:, :0], observed_until=first.observed_until - given, given=given, tail=None,
    )  # fmt: skip


def _times(request: Request) -> np.ndarray:
    times: np.ndarray = np.unique(np.concatenate([request.times, np.array(request.horizons, dtype=int)]))
    return times


def _shown(grid: Grid, request: Request) -> np.ndarray:
    """Whole periods to draw at, 61 at most."""
    periods: np.ndarray = grid.periods[grid.periods <= max(request.horizons, default=grid.periods[-1])]
    picked = np.linspace(0, len(periods) - 1, min(_SHOWN, len(periods))).round().astype(int)
    shown: np.ndarray = periods[np.unique(picked)]
    return shown


def _quantities(request: Request, grid: Grid, survival: np.ndarray, discount: float) -> dict[str, np.ndarray]:
    """What is drawn of `Survival`, each of shape (n_draws, n_groups, ...)."""
    ends = np.searchsorted(grid.periods, request.horizons)
    factor = np.exp(-discount * grid.time)
    return {
        "retention": survival[..., grid.at(_times(request))],
        "area": _areas(survival, grid, ends),
        "discounted": _areas(survival * factor, grid, ends),
        "curtate": weighted(survival, grid, grid.sum_weights, ends),
        "median": medians(survival, grid, whole=True),
    }


def _areas(survival: np.ndarray, grid: Grid, ends: np.ndarray) -> np.ndarray:
    """Areas to each horizon and, last, to infinity."""
    area = areas_to(survival, grid, True, np.r_[ends, len(grid.periods) - 1])
    area[..., -1] += tail_areas(survival, grid)
    return area


def _inside(survival: np.ndarray, grid: Grid, horizons: Sequence[float], until: np.ndarray) -> np.ndarray:
    """The part of each area up to the last time with ten at risk: (n_groups, n_horizons)."""
    area = cumulative_areas(survival[:, : grid.inside], grid.periods)
    ends = np.minimum(np.minimum.outer(until, np.array(horizons)), grid.periods[-1])
    return np.array([np.interp(end, grid.periods, own) for end, own in zip(ends, area, strict=True)])

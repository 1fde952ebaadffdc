"""Survival and expected tenure: observed while ten are at risk, then by hazards of each stratum, with their error.

Design rule 8. Of each curve the steps of Kaplan–Meier stand where ten customers are at risk; from there on
S(t) = S(end)·exp(−Σ hazards), the hazards of its level and stratum as `cxlink.survival.tails.tail_fit` has them. Beyond
T they are multiplied by e^δ, as `cxlink.survival.tails.extrapolation_error` draws it. Curve and hazards are drawn from
the same customers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from threadpoolctl import threadpool_limits

from cxlink.cohort.count.spells import Spells, each_pair, risk_sets
from cxlink.groups.curves import Mixture, cumulative_areas
from cxlink.groups.discrete_hazard import carried, hazards
from cxlink.groups.requests import Request
from cxlink.survival.bootstrap import resample
from cxlink.survival.families.projected_tenure import settled
from cxlink.survival.families.time_grid import Grid, areas_to, medians, tail_areas, weighted
from cxlink.survival.survival import Drawn, Survival, Tail
from cxlink.survival.tails.continued_hazards import ContinuedHazards, cells_of, last_with_ten
from cxlink.survival.tails.curve_plan import (
    ContinuedPlan,
    continued_log_survival,
    lay_out_continued,
    reading_grid,
)
from cxlink.survival.tails.extrapolation_error import Errors, error_paths
from cxlink.survival.tails.tails import Tails, tails_of

MODEL = "spliced"
_BLOCK = 2_000_000
_SHOWN = 61
_MOST = 60.0


def spliced(
    spells: Spells,
    requests: Sequence[Request],
    n_draws: int,
    rng: np.random.Generator,
    *,
    horizon: int,
    errors: Errors | None = None,
    tails: Tails | None = None,
    discount: float = 0.0,
) -> tuple[Survival, ...]:
    """Estimate survival and expected tenure of all requested groups, within and beyond follow-up.

    Parameters
    ----------
    spells : Spells
        The cohort.
    requests : sequence of Request
        From `by_level`, `pooled` or ``standardised(spells, spec, None)``, with the times and horizons that are wanted.
    n_draws : int
        Draws of each quantity.
    rng : Generator
        Children of it are advanced.
    horizon : int
        At which sparse groups are identified, in periods.
    errors : Errors, optional
        Constants of the extrapolation error; by default those of the published curves.
    tails : Tails, optional
        What continues curves, its own errors included; chosen and fitted by default.
    discount : float
        Of one period: future time counts exp(−discount · periods).

    Returns
    -------
    tuple of Survival
        One for each request.
    """
    bootstrap, noise, paths, choice = rng.spawn(4)
    tails = tails or tails_of(spells, choice, errors=errors)
    plans = [lay_out_continued(spells, request, horizon) for request in requests]
    readings = [_Reading.of(plan, spells.n_periods) for plan in plans]
    drawn_paths = error_paths(tails.errors, last_with_ten(spells), *tails.own.draws(n_draws, paths), paths)
    model = ContinuedHazards(spells, tails.fit, *_steps(readings, spells.n_periods), drawn_paths)
    # many small products of matrices: threads of their own would wait for each other
    with threadpool_limits(1, "blas"):
        points = _estimates(model, plans, readings)
        draws = _draws(model, plans, readings, n_draws, (bootstrap, noise))
    return tuple(
        _survival(plan, reading, (point, drawn), discount)
        for plan, reading, point, drawn in zip(plans, readings, points, draws, strict=True)
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """Times after the survey at which groups are read off."""

    grid: Grid
    entries: tuple[int, ...]

    @classmethod
    def of(cls, plan: ContinuedPlan, n_periods: int) -> "_Reading":
        request = plan.request
        return cls(
            reading_grid(request.horizons, n_periods, request.times), tuple(p.entry for p in plan.parts)
        )


def _steps(readings: Sequence[_Reading], n_periods: int) -> tuple[np.ndarray, np.ndarray]:
    """Begins and ends of steps since the time origin: whole periods with data, then those that are read off."""
    later = [
        reading.grid.time + entry for reading in readings for entry in {0, max(reading.entries, default=0)}
    ]
    times = np.unique(np.concatenate([np.arange(n_periods + 1.0), *later]))
    times = times[(times >= n_periods) | (times == np.floor(times))]
    return times[:-1], times[1:]


def _estimates(
    model: ContinuedHazards, plans: Sequence[ContinuedPlan], readings: Sequence[_Reading]
) -> list[np.ndarray]:
    cumulative = model.estimate()
    customers = _customers(model, model.spells.n[:, None], cumulative)
    return [
        _read(
            plan,
            reading,
            continued_log_survival(plan, plan.observed, plan.hazard[..., None], cumulative, customers),
            model,
        )
        for plan, reading in zip(plans, readings, strict=True)
    ]


def _draws(
    model: ContinuedHazards,
    plans: Sequence[ContinuedPlan],
    readings: Sequence[_Reading],
    n_draws: int,
    streams: tuple[np.random.Generator, np.random.Generator],
) -> list[np.ndarray]:
    """Survival of the groups of each request at its reading times: (n_draws, n_groups, n_times)."""
    spells, (bootstrap, noise) = model.spells, streams
    count = risk_sets(spells, each_pair(spells))
    rooms = [
        np.empty((n_draws, len(p.request.standards), len(r.grid.time)))
        for p, r in zip(plans, readings, strict=True)
    ]
    last = [plan.hazard for plan in plans]
    widest = len(model.fit.terms.matrix) * (len(model.begin) + 1)
    start = 0
    for weights in resample(spells.n, n_draws, int(np.clip(_BLOCK // widest, 10, n_draws)), bootstrap):
        at = slice(start, start + weights.shape[1])
        cumulative = model.drawn(weights, at, noise).cumulated()
        customers = _customers(model, weights, cumulative)
        counted = count(weights)
        for k, (plan, reading) in enumerate(zip(plans, readings, strict=True)):
            hazard, last[k] = _hazards(plan, counted, last[k])
            log_s = continued_log_survival(plan, plan.drawn, hazard, cumulative, customers)
            rooms[k][at] = _read(plan, reading, log_s, model)
        start = at.stop
    return rooms


def _hazards(
    plan: ContinuedPlan, counted: tuple[np.ndarray, np.ndarray], last: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Kaplan–Meier hazards of the curves in a block of draws, and those of its last draw."""
    at_risk, lost = ((plan.pool @ x.reshape(len(x), -1)).reshape(-1, *x.shape[1:]) for x in counted)
    filled, last = carried(hazards(at_risk, lost)[None], at_risk == 0, last[None])
    return filled[0], last[0]


def _customers(model: ContinuedHazards, weights: np.ndarray, cumulative: np.ndarray) -> np.ndarray:
    """Customers of each cell at time 0, those who enter late with those whom they outlasted: (n_cells, n_draws)."""
    spells, cell = model.spells, cells_of(model.spells)[model.spells.pair]
    collect = coo_array(
        (np.ones(len(cell)), (cell, np.arange(len(cell)))), shape=(len(cumulative), len(cell))
    ).tocsr()
    if spells.entry.any():
        weights = weights * np.exp(np.minimum(cumulative[cell, spells.entry], _MOST))
    total: np.ndarray = collect @ weights
    return total


def _read(plan: ContinuedPlan, reading: _Reading, log_s: np.ndarray, model: ContinuedHazards) -> np.ndarray:
    """Average curves over their groups at the reading times: (n_draws, n_groups, n_times)."""
    nodes, wanted = np.concatenate([model.begin[:1], model.end]), reading.grid.time
    total = np.zeros((len(plan.request.standards), len(wanted), log_s.shape[-1]))
    for part in plan.parts:
        total += _part(part, log_s[part.curves], nodes, wanted)
    return np.ascontiguousarray(np.moveaxis(total, -1, 0))


def _part(part: Mixture, log_s: np.ndarray, nodes: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Σ w·S(e + h)/S(e) of the customers who enter at one time: (n_groups, n_times, n_draws)."""
    values = _between(log_s, nodes, part.entry + wanted)
    values -= values[:, :1].copy()
    return part.mixed(np.exp(values, out=values))


def _between(log_s: np.ndarray, nodes: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Log S at some times, straight between its nodes."""
    after = np.clip(np.searchsorted(nodes, times), 1, len(nodes) - 1)
    share = ((times - nodes[after - 1]) / (nodes[after] - nodes[after - 1])).clip(0, 1)
    if ((share == 0) | (share == 1)).all():
        return log_s[:, np.where(share == 1, after, after - 1)]
    between: np.ndarray = log_s[:, after - 1] * (1 - share)[:, None] + log_s[:, after] * share[:, None]
    return between


def _survival(
    plan: ContinuedPlan, reading: _Reading, parts: tuple[np.ndarray, np.ndarray], discount: float
) -> Survival:
    """Put the estimate and draws of a request together."""
    request, grid = plan.request, reading.grid
    values = [_quantities(request, grid, survival, discount) for survival in parts]
    drawn = {key: Drawn(values[0][key][0], values[1][key]) for key in values[0]}
    horizons = (*request.horizons, np.inf)
    shown = _shown(grid, request)
    tail = Tail(
        drawn["median"], settled(drawn["discounted"]), drawn["curtate"], grid, parts[0][0], shown,
        Drawn(parts[0][0][:, grid.at(shown)], parts[1][..., grid.at(shown)].astype(np.float32)),
    )  # fmt: skip
    labels: dict[str, Any] = {
        "groups": tuple(s.group for s in request.standards),
        "n": np.array([s.n for s in request.standards]),
        "n_events": np.array([s.n_events for s in request.standards]),
    }
    return Survival(
        model=MODEL, labels=request.labels, **labels, times=_times(request), point=drawn["retention"].point,
        draws=drawn["retention"].draws, horizons=horizons, area=settled(drawn["area"]),
        inside=_inside(parts[0][0], grid, horizons, plan.until), observed_until=plan.until,
        last=np.zeros(len(request.standards), dtype=int), own=request.own, contrasts=request.contrasts,
        sparse=plan.sparse, tail=tail,
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

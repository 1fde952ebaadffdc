"""Kaplan–Meier on counts, with a customer bootstrap: the headline's estimator.

Kaplan & Meier (1958), doi 10.1080/01621459.1958.10501452; late entry as in Tsai, Jewell & Wang (1987),
doi 10.1093/biomet/74.4.883; cumulative incidence as in Aalen & Johansen (1978).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from cxlink.cohort.count.spells import PersonPeriods, Spells, person_periods
from cxlink.groups.discrete_hazard import EXTINCT, carried, hazards, log_survival
from cxlink.groups.layout import CurvePlan, block_size, counter, lay_out, some_groups, times_read
from cxlink.groups.mixtures import by_entry, standardise
from cxlink.groups.requests import Request
from cxlink.groups.retained import retained_shares, retained_weights
from cxlink.groups.support import FEWEST_AT_RISK, last_at_risk, last_with
from cxlink.survival.bootstrap import drawn_customers
from cxlink.survival.small_groups import sparse_draws, split
from cxlink.survival.sparsity import Added, added_to, pairs_of
from cxlink.survival.survival import Drawn, Survival, inside_areas, read_off


@dataclass(frozen=True, slots=True)
class Resampled:
    """What one customer bootstrap gave.

    Attributes
    ----------
    curves : tuple of Survival
        One for each request.
    influence : ndarray of shape (n_draws, n_scores)
        Of each score that was asked about, see `ResampledCustomers.influence`.
    """

    curves: tuple[Survival, ...]
    influence: np.ndarray


@dataclass(frozen=True, slots=True)
class _Room:
    """Draws of one request, filled block by block; of sparse groups, weights of their terms among those retained.

    Sparse groups, those that customers are added to, have draws of their own: the bootstrap's are made of the others,
    which ``drawn`` lays out; ``left`` of the last few customers is drawn as well, see `_left`.
    """

    drawn: CurvePlan
    survival: np.ndarray
    tenure: np.ndarray
    incidence: np.ndarray
    emptied: np.ndarray
    sparse: np.ndarray
    left: np.ndarray
    added: dict[int, Added]
    weights: dict[int, np.ndarray]


def kaplan_meier(
    spells: Spells,
    requests: Sequence[Request],
    n_draws: int,
    rng: np.random.Generator,
    *,
    horizon: int,
    scores: csr_array,
) -> Resampled:
    """Estimate all requested curves from one bootstrap of customers, so that they share their draws.

    Parameters
    ----------
    spells : Spells
        The cohort.
    requests : sequence of Request
        Which pairs are pooled into which curves, which groups are averages of them, and the times wanted. A curve
        ends where its last customer at risk does.
    n_draws : int
        Bootstrap draws.
    rng : Generator
        Children of it are advanced.
    horizon : int
        At which sparse groups are identified and incidence is reported, in periods.
    scores : sparse matrix of shape (n_scores, n_spells)
        Sums over each spell's customers of what is to be drawn jointly (their influence on means of spend); of each
        place where customers are clustered.
    """
    bootstrap, others = rng.spawn(2)
    count = counter(spells)
    every = [one for request in requests for one in (request, *request.later)]
    plans = [lay_out(spells, one, _until(one, horizon), count) for one in every]
    rooms = [_room(spells, plan, n_draws, others) for plan in plans]
    last = [plan.hazard for plan in plans]
    influence = np.empty((n_draws, scores.shape[0]))
    start = 0
    for customers in drawn_customers(spells, n_draws, block_size(spells, plans, n_draws), bootstrap):
        at = slice(start, start + customers.weights.shape[1])
        if plans:
            counted = count(customers.weights)
            last = [_fill(*one, at, counted) for one in zip(plans, rooms, last, strict=True)]
        if scores.shape[0]:
            influence[at] = customers.influence(scores, spells.n).T
        start = at.stop
    periods = person_periods(spells)
    made = [_curves(spells, periods, plan, room, others) for plan, room in zip(plans, rooms, strict=True)]
    return Resampled(tuple(_nested(made, requests)), influence)


def _until(request: Request, horizon: int) -> int:
    """Periods to where groups are judged: of a lag to the horizon, else so many from where times start."""
    return horizon - request.given if request.given and not request.horizons else horizon


def _nested(curves: Sequence[Survival], requests: Sequence[Request]) -> Iterator[Survival]:
    rest = iter(curves)
    for request in requests:
        first = next(rest)
        yield replace(first, later=tuple(next(rest) for _ in request.later))


def point_curves(spells: Spells, request: Request) -> np.ndarray:
    """Kaplan–Meier at the request's times, without draws.

    Returns
    -------
    ndarray of shape (n_groups, n_times)
        NaN where it is not known.
    """
    plan = lay_out(spells, request, int(request.times.max()), counter(spells))
    log_s = log_survival(plan.hazard[0, ..., None])
    survival = _survival(plan, log_s, _weights(plan, log_s))
    points, _ = _reported(plan, survival)
    at_times: np.ndarray = points[0]
    return at_times


def _room(spells: Spells, plan: CurvePlan, n_draws: int, rng: np.random.Generator) -> _Room:
    shape, standards = (n_draws, plan.n_groups), plan.request.standards
    each = [added_to(spells, plan.request, s, plan.horizon) for s in standards]
    added = {g: one for g, one in enumerate(each) if one is not None}
    sparse = np.isin(np.arange(plan.n_groups), list(added))
    redrawn = np.flatnonzero(sparse) if plan.request.given else ()
    return _Room(
        some_groups(plan, ~sparse),
        np.empty((*shape, len(plan.request.times))),
        np.empty((*shape, len(plan.request.horizons))),
        np.empty((*shape, plan.n_causes)),
        np.zeros(plan.n_groups),
        sparse,
        _left(plan, n_draws, rng),
        added,
        {int(g): np.empty((len(standards[g].curve), n_draws)) for g in redrawn},
    )


def _left(plan: CurvePlan, n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the share left after the last period of curves whose last few customers were all lost.

    Resampled, it is always 0. Of none left of r, half the draws are 0 and half follow Beta(1, r), whose upper limits
    are those of Clopper & Pearson (1934, doi 10.1093/biomet/26.4.404): together their mid-p confidence distribution.

    Returns
    -------
    ndarray of shape (n_places, n_draws)
        Of the places of ``plan.last_few``.
    """
    at_risk = plan.at_risk[:, : plan.last_few.shape[1]][plan.last_few]
    if not at_risk.size:
        return np.empty((0, n_draws))
    mine = rng.spawn(1)[0]
    share = mine.beta(1.0, at_risk[:, None], size=(len(at_risk), n_draws))
    left: np.ndarray = np.where(mine.random(share.shape) < 0.5, 0.0, share)
    return left


def _fill(
    plan: CurvePlan, room: _Room, last: np.ndarray, at: slice, counted: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Compute a block of draws; returns the hazards of its last draw, which the next block may have to take over."""
    needed = plan.hazard.shape[-1]
    at_risk, *lost = (_pooled(plan.pool, x[:, :needed]) for x in (counted[0], *counted[1]))
    hazard, empty = hazards(at_risk, np.stack(lost)), at_risk == 0
    hazard, last = carried(hazard, empty, last)
    hazard[:, plan.last_few] *= 1 - room.left[:, at]
    log_s, often, drawn = log_survival(hazard[0]), ~room.sparse, room.drawn
    weights = _weights(plan, log_s)
    for g, kept in room.weights.items():
        kept[:, at] = weights[g]
    if often.any():
        survival = _survival(drawn, log_s, [w for w, there in zip(weights, often, strict=False) if there])
        room.survival[at, often], room.tenure[at, often] = _reported(drawn, survival)
        room.incidence[at, often] = _incidence(drawn, hazard, log_s)
        room.emptied[often] += _emptied(drawn, empty, log_s)
    return last


def _pooled(pool: csr_array, counts: np.ndarray) -> np.ndarray:
    total: np.ndarray = (pool @ counts.reshape(len(counts), -1)).reshape(-1, *counts.shape[1:])
    return total


def _weights(plan: CurvePlan, log_s: np.ndarray) -> list[np.ndarray]:
    """Weights of the terms of each group among the customers retained; none at the survey."""
    if not plan.request.given:
        return []
    return retained_weights(plan.at_survey, plan.request.scored, retained_shares(log_s, plan.request.given))


def _survival(plan: CurvePlan, log_s: np.ndarray, weights: Sequence[np.ndarray]) -> np.ndarray:
    """Survival of the groups: (n_draws, n_groups, n_times); 0 at times that are not read."""
    survival = np.zeros((log_s.shape[-1], plan.n_groups, plan.n_times))
    survival[..., plan.read] = standardise(
        log_s, plan.averages, plan.read, weights if plan.request.given else None
    )
    return survival


def _incidence(plan: CurvePlan, hazard: np.ndarray, log_s: np.ndarray) -> np.ndarray:
    """Cumulative incidence Σ_u S(u − 1) / S(e) · h_u over u = e + 1, …, e + horizon: (n_draws, n_groups, n_causes)."""
    total = np.zeros((plan.n_causes, plan.n_groups, hazard.shape[-1]))
    for part in by_entry(plan.request.standards) if len(total) else ():
        steps = hazard[1:, part.curves, part.entry : part.entry + plan.horizon]
        before = log_s[part.curves, part.entry : part.entry + steps.shape[2]]
        before = np.exp(before - log_s[part.curves, part.entry, None])
        for cause, step in enumerate(steps):
            total[cause] += part.mixed((before * step).sum(axis=1, keepdims=True))[:, 0]
    total[:, plan.known < plan.horizon] = np.nan
    return np.moveaxis(total, 0, -1).swapaxes(0, 1)


def _emptied(plan: CurvePlan, empty: np.ndarray, log_s: np.ndarray) -> np.ndarray:
    """Draws in which each group had a cell with an empty risk set, before the horizon and before all were lost."""
    rows = empty.any(axis=-1) & plan.before_horizon
    gone = empty[rows] & (log_s[:, :-1][rows] > EXTINCT / 2)
    by_curve = np.zeros((len(empty), empty.shape[-1]), dtype=bool)
    np.logical_or.at(by_curve, np.nonzero(rows)[0], gone)
    return np.array([by_curve[np.unique(s.curve)].any(axis=0).sum() for s in plan.request.standards])


def _reported(
    plan: CurvePlan, survival: np.ndarray, groups: slice = slice(None)
) -> tuple[np.ndarray, np.ndarray]:
    """Survival at the times wanted, and restricted means to the steps of the ladder; NaN where not known."""
    request = plan.request
    return read_off(
        survival,
        request.times,
        request.horizons,
        plan.known[groups],
        shift=plan.shift[groups],
    )


def _sparse_curves(
    spells: Spells, periods: PersonPeriods, plan: CurvePlan, g: int, rng: np.random.Generator,
    *, room: _Room, weight: np.ndarray,
) -> tuple[np.ndarray, ...]:  # fmt: skip
    """Draws of a sparse group: survival at the times wanted, restricted means, and incidence."""
    n_draws, request = len(room.survival), plan.request
    standard = replace(request.standards[g], weight=weight)
    wanted = max([request.times.max() - plan.shift[g], *request.horizons, plan.horizon])
    size = (n_draws, int(min(wanted, plan.known[g])) + 1, plan.horizon)
    end = min(plan.horizon, size[1] - 1)
    read = np.union1d(times_read(request, plan.shift[g : g + 1], size[1]), end)
    pieces = []
    added, weights = room.added[g], room.weights.get(g)
    rng = rng.spawn(1)[0] if added.to_each else rng
    drawn = sparse_draws(periods, request, standard, size, rng, read=read, added=added, weights=weights)
    for values in drawn:
        survival = np.zeros((len(values), 1, size[1]))
        survival[:, 0, read] = values
        reported = (one[:, 0] for one in _reported(plan, survival, slice(g, g + 1)))
        pieces.append((*reported, 1 - survival[:, 0, end]))
    values, tenure, gone = (np.concatenate(part) for part in zip(*pieces, strict=True))
    if not plan.n_causes:
        return values, tenure, np.empty((n_draws, 0))
    gone = gone if plan.known[g] >= plan.horizon else np.full(n_draws, np.nan)
    return values, tenure, split(spells, pairs_of(request, standard), gone, plan.n_causes, rng)


def _curves(
    spells: Spells, periods: PersonPeriods, plan: CurvePlan, room: _Room, rng: np.random.Generator
) -> Survival:
    request, standards = plan.request, plan.request.standards
    log_s = log_survival(plan.hazard[0, ..., None])
    weights = _weights(plan, log_s)
    survival = _survival(plan, log_s, weights)
    for g in np.flatnonzero(room.sparse):
        weight = weights[g][:, 0] if weights else standards[g].weight
        room.survival[:, g], room.tenure[:, g], room.incidence[:, g] = _sparse_curves(
            spells, periods, plan, int(g), rng, room=room, weight=weight
        )
    point, area = (x[0] for x in _reported(plan, survival))
    ten = np.minimum(last_with(standards, plan.at_risk, FEWEST_AT_RISK), plan.known)
    last = np.clip(last_at_risk(standards, plan.at_risk), 0, np.maximum(plan.known, 0))
    causes = spells.causes if room.incidence.shape[-1] else ()
    incidence = Drawn(_incidence(plan, plan.hazard[..., None], log_s)[0], room.incidence)
    return Survival(
        model="kaplan_meier",
        labels=request.labels,
        groups=tuple(standard.group for standard in standards),
        n=np.array([standard.n for standard in standards]),
        n_events=np.array([standard.n_events for standard in standards]),
        times=request.times,
        point=point,
        draws=room.survival,
        horizons=request.horizons,
        area=Drawn(area, room.tenure),
        inside=inside_areas(survival[0], request.horizons, ten),
        observed_until=ten + plan.shift,
        last=last + plan.shift,
        own=request.own,
        contrasts=request.contrasts,
        sparse=room.sparse,
        separated=np.array(
            [g in room.added and room.added[g].to_each for g in range(plan.n_groups)], dtype=bool
        ),
        observed=True,
        emptied=np.where(room.sparse, 0.0, room.emptied / max(len(room.survival), 1)),
        causes=causes,
        incidence=incidence if causes else None,
        given=request.given,
    )

"""Kaplan–Meier on counts, with a customer bootstrap: the headline's estimator.

Kaplan & Meier (1958), doi 10.1080/01621459.1958.10501452; late entry as in Tsai, Jewell & Wang (1987),
doi 10.1093/biomet/74.4.883; cumulative incidence as in Aalen & Johansen (1978).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from cxlink.cohort.spells import RiskSets, Spells, each_pair, risk_sets
from cxlink.models.bootstrap import resample
from cxlink.models.curves import (
    EXTINCT,
    Curves,
    Mixture,
    areas,
    log_survival,
    mixtures,
    restricted_mean,
    standardise,
)
from cxlink.models.sparse import borrow, is_sparse, pairs_of, split
from cxlink.models.standards import Request
from cxlink.models.support import FOREVER, known_to, known_until, last_at_risk, last_with

_BLOCK = 4_000_000
_TEN = 10


@dataclass(frozen=True, slots=True)
class Resampled:
    """What one customer bootstrap gave.

    Attributes
    ----------
    curves : tuple of Curves
        One for each request.
    influence : ndarray of shape (n_draws, n_scores)
        Σ over spells of (w* / n − 1) · score, for each score that was asked about.
    """

    curves: tuple[Curves, ...]
    influence: np.ndarray


@dataclass(frozen=True, slots=True)
class _Counter:
    """Counts customers at risk and lost by pair: of all losses, and of each competing cause."""

    all: RiskSets
    causes: tuple[RiskSets, ...]

    def __call__(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """At risk (n_pairs, n_periods, n_draws), and lost (1 + n_causes, n_pairs, n_periods, n_draws)."""
        at_risk, lost = self.all(weights)
        by_cause = [(cause.losses @ weights).reshape(lost.shape) for cause in self.causes]
        return at_risk, np.stack([lost, *by_cause]) if by_cause else lost[None]


@dataclass(frozen=True, slots=True)
class _Plan:
    """A request, laid out to be computed for many draws.

    Attributes
    ----------
    pool : sparse matrix of shape (n_curves, n_pairs)
        Which pairs make each curve.
    parts : tuple of Mixture
        The groups, by entry.
    at_risk, lost : int ndarray of shape (n_curves, n_periods)
        Of the data; all periods of the clock.
    hazard : ndarray of shape (1 + n_causes, n_curves, n_needed)
        Of the data, in the periods of the clock that the request needs.
    known : int ndarray of shape (n_groups,)
        Last time after entry at which each group is known.
    shift : int ndarray of shape (n_groups,)
        Entry of each group, where times count from signup; 0 otherwise.
    n_times : int
        Times after entry to compute, from 0 on.
    before_horizon : bool ndarray of shape (n_curves, n_needed)
        Periods between an entry and the horizon in which somebody was at risk.
    """

    request: Request
    pool: csr_array
    parts: tuple[Mixture, ...]
    at_risk: np.ndarray
    lost: np.ndarray
    hazard: np.ndarray
    known: np.ndarray
    shift: np.ndarray
    n_times: int
    horizon: int
    before_horizon: np.ndarray

    @property
    def n_groups(self) -> int:
        """Reported groups."""
        return len(self.request.standards)


@dataclass(frozen=True, slots=True)
class _Room:
    """Draws of one request, filled block by block."""

    survival: np.ndarray
    tenure: np.ndarray
    incidence: np.ndarray
    emptied: np.ndarray


def hazards(at_risk: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Share of those at risk that is lost in each period: d / r; 0 where nobody is at risk."""
    ratio: np.ndarray = np.divide(
        lost, at_risk, out=np.zeros(np.broadcast_shapes(lost.shape, at_risk.shape)), where=at_risk > 0
    )
    return ratio


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
        Where sparse groups are judged and incidence is given, in periods.
    scores : sparse matrix of shape (n_scores, n_spells)
        Sums over each spell's customers of what is to be drawn jointly (their influence on means of spend).
    """
    bootstrap, others = rng.spawn(2)
    count = _counter(spells)
    plans = [_plan(spells, request, horizon, count) for request in requests]
    rooms = [_room(plan, n_draws) for plan in plans]
    last = [plan.hazard for plan in plans]
    influence = np.empty((n_draws, scores.shape[0]))
    start = 0
    for weights in resample(spells.n, n_draws, _block(spells, plans, n_draws), bootstrap):
        at = slice(start, start + weights.shape[1])
        counted = count(weights) if plans else None
        for i, plan in enumerate(plans):
            if counted is not None:
                last[i] = _fill(plan, rooms[i], at, counted, last[i])
        if len(influence.T):
            influence[at] = (scores @ (weights / spells.n[:, None] - 1)).T
        start = at.stop
    curves = [_curves(spells, plan, room, others) for plan, room in zip(plans, rooms, strict=True)]
    return Resampled(tuple(curves), influence)


def point_curves(spells: Spells, request: Request) -> np.ndarray:
    """Kaplan–Meier at the request's times, without draws.

    Returns
    -------
    ndarray of shape (n_groups, n_times)
        NaN where it is not known.
    """
    plan = _plan(spells, request, int(request.times.max()), _counter(spells))
    return _reported(plan, _survival(plan, plan.hazard[..., None])[0])[0][0]


def _counter(spells: Spells) -> _Counter:
    pairs, competing = each_pair(spells), len(spells.causes) > 1
    causes = tuple(risk_sets(spells, pairs, c + 1) for c in range(len(spells.causes)) if competing)
    return _Counter(risk_sets(spells, pairs), causes)


def _plan(spells: Spells, request: Request, horizon: int, count: _Counter) -> _Plan:
    standards = request.standards
    pool = _pool(request, spells.n_pairs)
    at_risk, lost = (x[..., 0] for x in count(spells.n[:, None]))
    at_risk, lost = pool @ at_risk, np.stack([pool @ d for d in lost])
    known = known_until(standards, known_to(at_risk, lost[0]))
    entry = np.array([s.entry.max() for s in standards] or [0])
    first = np.array([s.entry.min() for s in standards] or [0])
    ends = np.where(known < FOREVER // 2, known, spells.n_periods - first) if standards else np.zeros(1, int)
    n_times = int(min(max([request.times.max(), *request.horizons]), ends.max())) + 1
    needed = int(min(entry.max() + max(n_times - 1, horizon), spells.n_periods))
    return _Plan(
        request=request,
        pool=pool,
        parts=mixtures(standards),
        at_risk=at_risk,
        lost=lost[0],
        hazard=hazards(at_risk, lost)[..., :needed],
        known=known,
        shift=first if request.since_signup else np.zeros_like(known),
        n_times=n_times,
        horizon=horizon,
        before_horizon=_before_horizon(request, horizon, at_risk)[:, :needed],
    )


def _pool(request: Request, n_pairs: int) -> csr_array:
    """Which pairs make each curve: shape (n_curves, n_pairs)."""
    pair = np.concatenate(request.members)
    curve = np.repeat(np.arange(len(request.members)), [len(pairs) for pairs in request.members])
    return coo_array(
        (np.ones(len(pair), np.int64), (curve, pair)), shape=(len(request.members), n_pairs)
    ).tocsr()


def _before_horizon(request: Request, horizon: int, at_risk: np.ndarray) -> np.ndarray:
    """Periods between an entry and the horizon in which somebody was at risk."""
    inside = np.zeros(at_risk.shape, dtype=bool)
    for standard in request.standards:
        for curve, entry in zip(standard.curve, standard.entry, strict=True):
            inside[curve, entry : entry + horizon] = True
    return inside & (at_risk > 0)


def _block(spells: Spells, plans: Sequence[_Plan], n_draws: int) -> int:
    """Draws at a time: some 32 MB an array."""
    sizes = [plan.hazard.size for plan in plans] + [plan.n_groups * plan.n_times for plan in plans]
    counted = spells.n_pairs * spells.n_periods * (len(spells.causes) + 1)
    return int(np.clip(_BLOCK // max(len(spells.n), *sizes, counted if plans else 1), 10, n_draws))


def _room(plan: _Plan, n_draws: int) -> _Room:
    shape = (n_draws, plan.n_groups)
    return _Room(
        np.empty((*shape, len(plan.request.times))),
        np.empty((*shape, len(plan.request.horizons))),
        np.empty((*shape, len(plan.hazard) - 1)),
        np.zeros(plan.n_groups),
    )


def _fill(
    plan: _Plan, room: _Room, at: slice, counted: tuple[np.ndarray, np.ndarray], last: np.ndarray
) -> np.ndarray:
    """Compute a block of draws; returns the hazards of its last draw, which the next block may have to take over."""
    needed = plan.hazard.shape[-1]
    at_risk, *lost = (_pooled(plan.pool, x[:, :needed]) for x in (counted[0], *counted[1]))
    hazard, empty = hazards(at_risk, np.stack(lost)), at_risk == 0
    hazard, last = carried(hazard, empty, last)
    survival, log_s = _survival(plan, hazard)
    room.survival[at], room.tenure[at] = _reported(plan, survival)
    room.incidence[at] = _incidence(plan, hazard, log_s)
    room.emptied[:] += _emptied(plan, empty, log_s)
    return last


def _pooled(pool: csr_array, counts: np.ndarray) -> np.ndarray:
    total: np.ndarray = (pool @ counts.reshape(len(counts), -1)).reshape(-1, *counts.shape[1:])
    return total


def carried(hazard: np.ndarray, empty: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leave out draws in the periods whose risk set they emptied: there, the draw before counts again.

    Cells hold different customers, and Kaplan–Meier hazards of different periods are uncorrelated, so that this is
    the law of the draws that empty nothing; leaving out whole draws would leave none where strata are many.

    Parameters
    ----------
    hazard : ndarray of shape (n_kinds, n_curves, n_periods, n_draws)
        Changed in place.
    empty : bool ndarray of shape (n_curves, n_periods, n_draws)
        Where a draw has nobody at risk.
    last : ndarray of shape (n_kinds, n_curves, n_periods)
        Hazards of the draw before the first.

    Returns
    -------
    hazard, last : ndarray
        Both without the gaps.
    """
    rows = empty.any(axis=-1)
    if rows.any():
        known = np.concatenate([last[:, rows][..., None], hazard[:, rows]], axis=-1)
        source = np.where(empty[rows], 0, np.arange(1, known.shape[-1]))
        source = np.maximum.accumulate(source, axis=-1)
        hazard[:, rows] = np.take_along_axis(known, source[None], axis=-1)
    return hazard, hazard[..., -1].copy()


def _survival(plan: _Plan, hazard: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Survival of the groups (n_draws, n_groups, n_times), and log S of the curves."""
    log_s = log_survival(hazard[0])
    return standardise(log_s, plan.parts, plan.n_times), log_s


def _incidence(plan: _Plan, hazard: np.ndarray, log_s: np.ndarray) -> np.ndarray:
    """Cumulative incidence Σ_u S(u − 1) / S(e) · h_u over u = e + 1, …, e + horizon: (n_draws, n_groups, n_causes)."""
    total = np.zeros((len(hazard) - 1, plan.n_groups, hazard.shape[-1]))
    for part in plan.parts if len(total) else ():
        steps = hazard[1:, part.curves, part.entry : part.entry + plan.horizon]
        before = log_s[part.curves, part.entry : part.entry + steps.shape[2]]
        before = np.exp(before - log_s[part.curves, part.entry, None])
        for cause, step in enumerate(steps):
            total[cause] += part.mixed((before * step).sum(axis=1, keepdims=True))[:, 0]
    total[:, plan.known < plan.horizon] = np.nan
    return total.transpose(2, 1, 0)


def _emptied(plan: _Plan, empty: np.ndarray, log_s: np.ndarray) -> np.ndarray:
    """In how many draws each group had a cell with nobody at risk, before the horizon and before all were lost."""
    rows = empty.any(axis=-1) & plan.before_horizon
    gone = empty[rows] & (log_s[:, :-1][rows] > EXTINCT / 2)
    by_curve = np.zeros((len(empty), empty.shape[-1]), dtype=bool)
    np.logical_or.at(by_curve, np.nonzero(rows)[0], gone)
    return np.array([by_curve[np.unique(s.curve)].any(axis=0).sum() for s in plan.request.standards])


def _reported(
    plan: _Plan, survival: np.ndarray, groups: slice = slice(None)
) -> tuple[np.ndarray, np.ndarray]:
    """Survival at the times wanted, and restricted means to the steps of the ladder; NaN where not known."""
    known, shift = plan.known[groups, None], plan.shift[groups, None]
    times, horizons = plan.request.times - shift, np.array(plan.request.horizons, dtype=int)
    last = survival.shape[-1] - 1
    values = np.take_along_axis(survival, np.clip(times, 0, last)[None], axis=-1)
    values[:, (times > known) | ((times <= 0) & (shift > 0))] = np.nan
    area = (
        np.cumsum(areas(survival), axis=-1) if len(horizons) and last else np.zeros((*survival.shape[:2], 1))
    )
    tenure = area[..., np.clip(horizons, 1, max(last, 1)) - 1]
    tenure[:, horizons > known] = np.nan
    return values, tenure


def _borrowed(spells: Spells, plan: _Plan, room: _Room, g: int, rng: np.random.Generator) -> None:
    """Replace the draws of a sparse group."""
    request, standard = plan.request, plan.request.standards[g]
    wanted = max([request.times.max() - plan.shift[g], *request.horizons, plan.horizon])
    size = (len(room.survival), int(min(wanted, plan.known[g])) + 1, plan.horizon)
    gone = np.full(size[0], np.nan)
    start = 0
    for survival in borrow(spells, request, standard, size, rng):
        at = slice(start, start + len(survival))
        values, tenure = _reported(plan, survival[:, None], slice(g, g + 1))
        room.survival[at, g], room.tenure[at, g] = values[:, 0], tenure[:, 0]
        if plan.known[g] >= plan.horizon:
            gone[at] = 1 - survival[:, plan.horizon]
        start = at.stop
    n_causes = room.incidence.shape[-1]
    if n_causes:
        room.incidence[:, g] = split(spells, pairs_of(request, standard), gone, n_causes, rng)


def _curves(spells: Spells, plan: _Plan, room: _Room, rng: np.random.Generator) -> Curves:
    request, standards = plan.request, plan.request.standards
    judged = np.array([is_sparse(spells, request, s, plan.horizon) for s in standards], dtype=bool)
    for g in np.flatnonzero(judged):
        _borrowed(spells, plan, room, int(g), rng)
    survival, log_s = _survival(plan, plan.hazard[..., None])
    point, tenure = (x[0] for x in _reported(plan, survival))
    ten = np.minimum(last_with(standards, plan.at_risk, _TEN), plan.known)
    last = np.clip(last_at_risk(standards, plan.at_risk), 0, np.maximum(plan.known, 0))
    return Curves(
        model="kaplan_meier",
        labels=request.labels,
        groups=tuple(standard.group for standard in standards),
        times=request.times,
        point=point,
        draws=room.survival,
        horizons=request.horizons,
        tenure=tenure,
        tenure_draws=room.tenure,
        beyond_ten=_beyond(request, survival[0], tenure, ten),
        last=last + plan.shift,
        ten=ten + plan.shift,
        n=np.array([standard.n for standard in standards]),
        n_events=np.array([standard.n_events for standard in standards]),
        sparse=judged,
        emptied=np.where(judged, 0.0, room.emptied / max(len(room.survival), 1)),
        own=request.own,
        contrasts=request.contrasts,
        causes=spells.causes if room.incidence.shape[-1] else (),
        incidence=_incidence(plan, plan.hazard[..., None], log_s)[0],
        incidence_draws=room.incidence,
    )


def _beyond(request: Request, survival: np.ndarray, tenure: np.ndarray, ten: np.ndarray) -> np.ndarray:
    """Share of each restricted mean beyond the last period with ten customers at risk."""
    shares = np.zeros(tenure.shape)
    for h, horizon in enumerate(request.horizons):
        for g, last in enumerate(ten):
            inner = restricted_mean(survival[g], min(int(last), horizon))
            shares[g, h] = 1 - inner / tenure[g, h] if last < horizon else 0.0
    return shares

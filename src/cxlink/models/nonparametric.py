"""Kaplan–Meier on counts, with a customer bootstrap: the headline's estimator.

Kaplan & Meier (1958), doi 10.1080/01621459.1958.10501452; late entry as in Tsai, Jewell & Wang (1987),
doi 10.1093/biomet/74.4.883. Resampling spells is identical to resampling customers (Efron 1981,
doi 10.1080/01621459.1981.10477650).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cxlink.cohort.spells import RiskSets, Spells, risk_sets
from cxlink.models.curves import EXTINCT, Curves, Standard, restricted_mean, standardise
from cxlink.models.sparse import borrow, is_sparse
from cxlink.models.standards import Request, known_to

_BLOCK = 8_000_000
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
class _Counters:
    """How a request counts: all losses, and those of each competing cause."""

    request: Request
    all: RiskSets
    causes: tuple[RiskSets, ...]


def log_survival(at_risk: np.ndarray, lost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Kaplan–Meier on the log scale: log S(t) = Σ_{u ≤ t} log(1 − d_u / r_u).

    Parameters
    ----------
    at_risk, lost : ndarray of shape (..., n_periods)
        r and d.

    Returns
    -------
    log_s, gaps : ndarray of shape (..., n_periods + 1)
        log S(t) at t = 0, 1, …, with a step of `EXTINCT` where all at risk were lost, and the number of periods up to
        t in which nobody was at risk.
    """
    empty = at_risk <= 0
    hazard = np.divide(lost, at_risk, out=np.zeros(at_risk.shape), where=~empty)
    with np.errstate(divide="ignore"):
        step = np.maximum(np.log1p(-hazard), EXTINCT)
    return _cumulated(step), _cumulated(empty.astype(np.int32))


def _cumulated(steps: np.ndarray) -> np.ndarray:
    """Running sums along the last axis, from 0 on."""
    result = np.zeros((*steps.shape[:-1], steps.shape[-1] + 1), steps.dtype)
    np.cumsum(steps, axis=-1, out=result[..., 1:])
    return result


def resample(spells: Spells, n_draws: int, block: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Resample customers, in blocks so that memory stays small.

    Yields
    ------
    int64 ndarray of shape (n_spells, n_block)
        Customers in each spell.
    """
    n = spells.n.sum()
    for start in range(0, n_draws, block):
        yield rng.multinomial(n, spells.n / n, size=min(block, n_draws - start)).T


def kaplan_meier(
    spells: Spells,
    requests: Sequence[Request],
    n_draws: int,
    rng: np.random.Generator,
    *,
    horizon: int,
    scores: sparse.csr_array,
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
        Advanced by the draws.
    horizon : int
        Where sparse groups are judged and incidence is given, in periods.
    scores : sparse matrix of shape (n_scores, n_spells)
        Sums over each spell's customers of what is to be drawn jointly (their influence on means of spend).
    """
    counters = [_counters(spells, request) for request in requests]
    pieces: list[list[tuple[np.ndarray, ...]]] = [[] for _ in requests]
    influence = []
    for weights in resample(spells, n_draws, _block(spells, requests, n_draws), rng):
        for i, counter in enumerate(counters):
            survival, incidence = _estimate(counter, weights, horizon)
            pieces[i].append((*_at(counter.request, survival), incidence))
        influence.append((scores @ (weights / spells.n[:, None] - 1)).T)
    curves = []
    for counter, parts in zip(counters, pieces, strict=True):
        draws = tuple(np.concatenate(part) for part in zip(*parts, strict=True))
        curves.append(_curves(spells, counter, draws, horizon, rng))
    return Resampled(tuple(curves), np.concatenate(influence))


def point_curves(spells: Spells, request: Request) -> np.ndarray:
    """Kaplan–Meier at the request's times, without draws.

    Returns
    -------
    ndarray of shape (n_groups, n_times)
    """
    log_s, gaps = log_survival(*risk_sets(spells, request.members)(spells.n))
    return standardise(log_s, request.standards, _n_times(request), gaps)[:, request.times]


def _block(spells: Spells, requests: Sequence[Request], n_draws: int) -> int:
    """Draws at a time: some 64 MB an array."""
    sizes = [len(r.members) * spells.n_periods + len(r.standards) * _n_times(r) for r in requests]
    return int(np.clip(_BLOCK // max([len(spells.n), *sizes]), 10, n_draws))


def _n_times(request: Request) -> int:
    return int(max([request.times.max(), *request.horizons])) + 1


def _at(request: Request, survival: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Survival at the times wanted, and restricted means to the steps of the ladder."""
    tenure = [restricted_mean(survival, horizon) for horizon in request.horizons]
    return survival[..., request.times], np.stack(tenure, axis=-1) if tenure else np.empty((*survival.shape[:-1], 0))


def _counters(spells: Spells, request: Request) -> _Counters:
    competing = len(spells.causes) > 1
    causes = tuple(risk_sets(spells, request.members, c + 1) for c in range(len(spells.causes)) if competing)
    return _Counters(request, risk_sets(spells, request.members), causes)


def _estimate(counter: _Counters, weights: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Survival (n_block, n_groups, n_times) and incidence (n_block, n_groups, n_causes) with these weights."""
    at_risk, lost = (np.moveaxis(x, -1, 0) for x in counter.all(weights))
    log_s, gaps = log_survival(at_risk, lost)
    standards = counter.request.standards
    survival = standardise(log_s, standards, max(_n_times(counter.request), horizon + 1), gaps)
    incidence = np.empty((*survival.shape[:2], len(counter.causes)))
    for c, count in enumerate(counter.causes):
        mine = np.moveaxis(count(weights)[1], -1, 0)
        hazard = np.divide(mine, at_risk, out=np.zeros(at_risk.shape), where=at_risk > 0)
        for g, standard in enumerate(standards):
            incidence[:, g, c] = _incidence(log_s, hazard, standard, horizon)
    incidence[np.isnan(survival[..., horizon])] = np.nan
    return survival, incidence


def _incidence(log_s: np.ndarray, hazard: np.ndarray, standard: Standard, horizon: int) -> np.ndarray:
    """Cumulative incidence Σ_u S(u − 1) / S(e) · h_u over u = e + 1, …, e + horizon (Aalen & Johansen 1978)."""
    total = np.zeros(log_s.shape[0])
    for entry in np.unique(standard.entry):
        at = standard.entry == entry
        curve = standard.curve[at]
        steps = hazard[:, curve, entry : entry + horizon]
        before = log_s[:, curve, entry : entry + steps.shape[-1]] - log_s[:, curve, entry, None]
        total += np.einsum("bkt,bkt,k->b", np.exp(before), steps, standard.weight[at])
    return total


def _curves(
    spells: Spells, counter: _Counters, draws: tuple[np.ndarray, ...], horizon: int, rng: np.random.Generator
) -> Curves:
    request = counter.request
    at_risk, lost = counter.all(spells.n)
    reach = known_to(at_risk, lost)
    survival, incidence = (x[0] for x in _estimate(counter, spells.n[:, None], horizon))
    judged = [is_sparse(spells, request, standard, horizon) for standard in request.standards]
    for g, standard in enumerate(request.standards):
        if judged[g]:
            size = (draws[0].shape[0], horizon)
            s, by_cause = borrow(spells, request, standard, (survival[g], incidence[g]), size, rng)
            draws[0][:, g], draws[1][:, g] = _at(request, s)
            draws[2][:, g] = by_cause
    point, tenure = _at(request, survival)
    ten = np.array([_last(standard, at_risk, reach, _TEN) for standard in request.standards])
    return Curves(
        model="kaplan_meier",
        labels=request.labels,
        groups=tuple(standard.group for standard in request.standards),
        times=request.times,
        point=point,
        draws=draws[0],
        horizons=request.horizons,
        tenure=tenure,
        tenure_draws=draws[1],
        beyond_ten=_beyond(request, survival, tenure, ten),
        last=np.array([_last(standard, at_risk, reach, 1) for standard in request.standards]),
        ten=ten,
        n=np.array([standard.n for standard in request.standards]),
        n_events=np.array([standard.n_events for standard in request.standards]),
        sparse=np.array(judged),
        own=request.own,
        contrasts=request.contrasts,
        causes=spells.causes if counter.causes else (),
        incidence=incidence,
        incidence_draws=draws[2],
    )


def _beyond(request: Request, survival: np.ndarray, tenure: np.ndarray, ten: np.ndarray) -> np.ndarray:
    """Share of each restricted mean beyond the last period with ten customers at risk."""
    shares = np.zeros(tenure.shape)
    for h, horizon in enumerate(request.horizons):
        for g, last in enumerate(ten):
            inner = restricted_mean(survival[g], min(int(last), horizon))
            shares[g, h] = 1 - inner / tenure[g, h] if last < horizon else 0.0
    return shares


def _last(standard: Standard, at_risk: np.ndarray, reach: np.ndarray, fewest: int) -> int:
    """Last time after entry at which a group has that many at risk, and its curve is known."""
    n_periods = at_risk.shape[1]
    entry = np.minimum(standard.entry, n_periods)
    known = int((reach[standard.curve, entry] - standard.entry).min())
    total = np.zeros(n_periods)
    for curve in np.unique(standard.curve):
        first = int(standard.entry[standard.curve == curve].min())
        if first < n_periods:
            total[: n_periods - first] += at_risk[curve, first:]
    enough = np.flatnonzero(total >= fewest)
    return max(min(known, int(enough[-1]) + 1 if enough.size else 0), 0)

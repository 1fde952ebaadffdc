"""Groups with hardly a loss, or hardly a survivor: intervals that stay finite and honest (design rule 10).

A bootstrap of such a group hardly moves. Its draws borrow the shape of all levels' hazard instead, with one free
parameter, a log hazard ratio β that carries a weak log-F(1, 1) penalty: half a loss in all (Greenland & Mansournia
2015, doi 10.1002/sim.6537).
"""

import numpy as np
from scipy.special import xlogy

from cxlink.cohort.spells import Spells, risk_sets
from cxlink.models.curves import Standard, standardise
from cxlink.models.standards import Request

FEWEST = 10
_GRID = np.linspace(-15, 15, 3001)


def is_sparse(spells: Spells, request: Request, standard: Standard, horizon: int) -> bool:
    """Whether a group has, at the horizon, fewer than ten losses or fewer than ten customers outlasting it.

    Where the group was not followed that far, it is judged where its follow-up ends; under late entry, over all of
    its follow-up.
    """
    inside = np.isin(spells.pair, _pairs(request, standard)) & (spells.exit > spells.entry)
    leave, n, lost = spells.exit[inside], spells.n[inside], spells.cause[inside] > 0
    if (standard.entry > 0).any() or (spells.entry[inside] > 0).any():
        return bool(min(n[lost].sum(), n[~lost].sum()) < FEWEST)
    at = min(horizon, int(leave.max(initial=0)))
    gone = n[lost & (leave <= at)].sum()
    outlasting = n[(leave > at) | (~lost & (leave == at))].sum()
    return bool(min(gone, outlasting) < FEWEST)


def borrow(
    spells: Spells,
    request: Request,
    standard: Standard,
    point: tuple[np.ndarray, np.ndarray],
    size: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a sparse group's survival and incidence from all levels' hazard with one free parameter.

    Parameters
    ----------
    spells, request, standard
        The cohort, and the group in it.
    point : ndarrays of shape (n_times,) and (n_causes,)
        Its Kaplan–Meier curve, whose unknown times stay unknown, and its cumulative incidence by cause.
    size : (int, int)
        Number of draws, and the horizon of the incidence.
    rng : Generator
        Advanced.

    Returns
    -------
    survival, incidence : ndarray of shape (n_draws, n_times) and (n_draws, n_causes)
    """
    n_draws, horizon = size
    survival_point, incidence_point = point
    curves = np.unique(standard.curve)
    shapes = tuple(
        np.flatnonzero(np.isin(spells.stratum, np.unique(spells.stratum[request.members[curve]]))) for curve in curves
    )
    step = _shape(*risk_sets(spells, shapes)(spells.n))
    at_risk, lost = risk_sets(spells, [request.members[curve] for curve in curves])(spells.n)
    beta = posterior(step, at_risk, lost, n_draws, rng)
    # a curve that reached 0 is known beyond the data, its draws are not: they go on with the last period's hazard
    beyond = len(survival_point) + int(standard.entry.max()) - step.shape[1]
    step = np.pad(step, ((0, 0), (0, max(beyond, 0))), mode="edge")
    log_s = np.exp(beta)[:, None, None] * np.pad(np.cumsum(step, axis=1), ((0, 0), (1, 0)))
    at = np.searchsorted(curves, standard.curve)
    moved = Standard(standard.group, at, standard.entry, standard.weight, standard.n, standard.n_events)
    survival = standardise(log_s, (moved,), len(survival_point))[:, 0]
    gone = 1 - survival[:, [min(horizon, len(survival_point) - 1)]]
    survival[:, np.isnan(survival_point)] = np.nan
    return survival, _split(spells, _pairs(request, standard), gone, incidence_point, rng)


def _pairs(request: Request, standard: Standard) -> np.ndarray:
    return np.unique(np.concatenate([request.members[curve] for curve in np.unique(standard.curve)]))


def _shape(at_risk: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Steps of log S of all levels, kept off 0 and 1 by half a loss where a hazard is neither."""
    r, d = at_risk.astype(float), lost.astype(float)
    if d.sum() == 0:
        d = d + 0.5 * r / max(r.sum(), 1.0)
    top = np.maximum(r - 0.5, 0.0)
    hazard = np.divide(np.minimum(d, top), r, out=np.zeros_like(r), where=r > 0)
    return np.log1p(-hazard)


def posterior(
    step: np.ndarray, at_risk: np.ndarray, lost: np.ndarray, n_draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw β of H(t) = e^β·H₀(t) from its penalised likelihood.

    ℓ(β) = Σ d·log(1 − exp(e^β Δ₀)) + (r − d)·e^β Δ₀ + β/2 − log(1 + e^β), on a grid, by inversion.

    Parameters
    ----------
    step : ndarray of shape (n_curves, n_periods)
        Δ₀, the steps of log S₀.
    at_risk, lost : ndarray of shape (n_curves, n_periods)
        The group's r and d.
    n_draws : int
        How many.
    rng : Generator
        Advanced.

    Returns
    -------
    ndarray of shape (n_draws,)
    """
    used = (step < 0) & (at_risk > 0)
    delta = np.exp(_GRID)[:, None] * step[used]
    r, d = at_risk[used], lost[used]
    log_lik = (xlogy(d, -np.expm1(delta)) + (r - d) * delta).sum(axis=1) + _GRID / 2 - np.logaddexp(0, _GRID)
    density = np.exp(log_lik - log_lik.max())
    cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return np.interp(rng.random(n_draws) * cumulative[-1], cumulative, _GRID)


def _split(
    spells: Spells, pairs: np.ndarray, gone: np.ndarray, incidence: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Divide the share lost among causes: Dirichlet of the group's losses and half a loss in all."""
    if not incidence.size:
        return np.empty((len(gone), 0))
    inside = np.isin(spells.pair, pairs)
    losses = np.array([spells.n[inside & (spells.cause == c + 1)].sum() for c in range(len(incidence))])
    share = rng.dirichlet(losses + 0.5 / len(losses), size=len(gone))
    drawn: np.ndarray = np.where(np.isnan(incidence), np.nan, gone * share)
    return drawn

"""Groups with hardly a loss, or hardly a survivor: intervals that stay finite and honest (design rule 10).

A bootstrap of such a group hardly moves. Its draws borrow the shape of all levels' hazard instead, with one free
parameter, a log hazard ratio β that carries a weak log-F(1, 1) penalty: half a loss in all (Greenland & Mansournia
2015, doi 10.1002/sim.6537).
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.special import xlogy

from cxlink.cohort.spells import Spells, risk_sets
from cxlink.models.curves import Standard, mixtures, standardise
from cxlink.models.standards import Request

FEWEST = 10
_BLOCK = 4_000_000
_WIDEST = 15.0
_GRID = 601


def is_sparse(spells: Spells, request: Request, standard: Standard, horizon: int) -> bool:
    """Whether a group has, at the horizon, fewer than ten losses or fewer than ten customers outlasting it.

    Where the group was not followed that far, it is judged where its follow-up ends; under late entry, over all of
    its follow-up.
    """
    inside = np.isin(spells.pair, pairs_of(request, standard)) & (spells.exit > spells.entry)
    leave, n, lost = spells.exit[inside], spells.n[inside], spells.cause[inside] > 0
    if (standard.entry > 0).any() or (spells.entry[inside] > 0).any():
        return bool(min(n[lost].sum(), n[~lost].sum()) < FEWEST)
    at = min(horizon, int(leave.max(initial=0)))
    gone = n[lost & (leave <= at)].sum()
    outlasting = n[(leave > at) | (~lost & (leave == at))].sum()
    return bool(min(gone, outlasting) < FEWEST)


def pairs_of(request: Request, standard: Standard) -> np.ndarray:
    """The pairs of level and stratum that a group is made of."""
    return np.unique(np.concatenate([request.members[curve] for curve in np.unique(standard.curve)]))


def borrow(
    spells: Spells, request: Request, standard: Standard, size: tuple[int, int], rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Draw a sparse group's survival from all levels' hazard with one free parameter.

    Parameters
    ----------
    spells, request, standard
        The cohort, and the group in it.
    size : (int, int)
        Numbers of draws and of times. Beyond the data, where the estimate has reached 0, draws go on with the hazard
        of the last period.
    rng : Generator
        Advanced.

    Yields
    ------
    ndarray of shape (n_block, n_times)
        S(t) at t = 0, 1, …
    """
    n_draws, n_times = size
    curves, at = np.unique(standard.curve, return_inverse=True)
    members = [request.members[curve] for curve in curves]
    step = _shape(spells, members)
    beta = posterior(step, *risk_sets(spells, members)(spells.n), n_draws, rng)
    beyond = n_times - 1 + int(standard.entry.max()) - step.shape[1]
    step = np.pad(step, ((0, 0), (0, max(beyond, 0))), mode="edge")
    log_s = np.pad(np.cumsum(step, axis=1), ((0, 0), (1, 0)))[..., None]
    parts = mixtures([replace(standard, curve=at.ravel())])
    block = max(_BLOCK // log_s.size, 10)
    for start in range(0, n_draws, block):
        yield standardise(log_s * np.exp(beta[start : start + block]), parts, n_times)[:, 0]


def _shape(spells: Spells, members: list[np.ndarray]) -> np.ndarray:
    """Steps of log S of all levels together in the strata of each curve.

    Where a stratum has few customers its hazard leans on the cohort's, by the weight of one customer.

    Returns
    -------
    ndarray of shape (n_curves, n_periods)
    """
    everybody = np.arange(spells.n_pairs)
    strata = [np.flatnonzero(np.isin(spells.stratum, spells.stratum[pairs])) for pairs in members]
    at_risk, lost = (x.astype(float) for x in risk_sets(spells, [everybody, *strata])(spells.n))
    cohort = _off_the_edges(at_risk[0], lost[0])
    return np.log1p(-(lost[1:] + cohort) / (at_risk[1:] + 1))


def _off_the_edges(at_risk: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """The cohort's hazard: nobody lost counts as one loss in all, everybody lost as all but half a customer."""
    if lost.sum() == 0:
        lost = at_risk / max(at_risk.sum(), 1.0)
    return np.divide(
        np.minimum(lost, np.maximum(at_risk - 0.5, 0)), at_risk, out=np.zeros_like(at_risk), where=at_risk > 0
    )


def posterior(
    step: np.ndarray, at_risk: np.ndarray, lost: np.ndarray, n_draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw β of H(t) = e^β·H₀(t) from its penalised likelihood.

    ℓ(β) = Σ d·log(1 − exp(e^β Δ₀)) + (r − d)·e^β Δ₀ + β/2 − log(1 + e^β), on a grid where it matters, by inversion.

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
    delta, r, d = step[used], at_risk[used], lost[used]

    def log_density(beta: np.ndarray) -> np.ndarray:
        moved = np.exp(beta)[:, None] * delta
        value: np.ndarray = (xlogy(d, -np.expm1(moved)) + (r - d) * moved).sum(axis=1)
        return value + beta / 2 - np.logaddexp(0, beta)

    grid = np.linspace(-_WIDEST, _WIDEST, _GRID)
    for _ in range(3):
        height = log_density(grid)
        matters = grid[height > height.max() - 20]
        wider = grid[1] - grid[0]
        grid = np.linspace(matters[0] - wider, matters[-1] + wider, _GRID)
    density = np.exp(log_density(grid) - height.max())
    cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return np.interp(rng.random(n_draws) * cumulative[-1], cumulative, grid)


def split(
    spells: Spells, pairs: np.ndarray, gone: np.ndarray, n_causes: int, rng: np.random.Generator
) -> np.ndarray:
    """Divide the share lost among causes: Dirichlet of a group's losses and half a loss in all.

    Parameters
    ----------
    spells, pairs
        The cohort, and the pairs of the group.
    gone : ndarray of shape (n_draws,)
        Draws of the share lost.
    n_causes : int
        Competing causes.
    rng : Generator
        Advanced.

    Returns
    -------
    ndarray of shape (n_draws, n_causes)
    """
    inside = np.isin(spells.pair, pairs)
    losses = np.array([spells.n[inside & (spells.cause == c + 1)].sum() for c in range(n_causes)])
    share: np.ndarray = rng.dirichlet(losses + 0.5 / n_causes, size=len(gone))
    return gone[:, None] * share

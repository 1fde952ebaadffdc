"""Draws from grouped proportional hazards.

They follow the joint distribution of the estimate: effects are normal, with the covariance of the fit, but for
penalised ones, which follow their penalised profile likelihood; given them, the baseline hazards of
the periods are independent (`HazardErrors`).
"""

from dataclasses import dataclass

import numpy as np

from cxlink.estimation.effects import monotone
from cxlink.estimation.optimise import Optimum
from cxlink.estimation.penalties import Penalties, Penalty, stacked
from cxlink.estimation.profile_draws import Marginal, exchange, marginals
from cxlink.groups.discrete_hazard import EXTINCT
from cxlink.survival.proportional_hazards.cloglog import (
    Grouped,
    Solution,
    baseline,
    clipped,
    log_likelihood,
    log_likelihood_of,
    shifted,
)
from cxlink.survival.proportional_hazards.hazard_fit import HazardFit, score_rows

_LITTLE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class HazardDraws:
    """Effects and baselines, estimated or drawn.

    Attributes
    ----------
    beta : ndarray of shape (n_draws, n_effects)
        Log hazard ratios.
    cumulative : ndarray of shape (n_draws, n_periods + 1)
        Cumulative baseline hazard Λ(t) at t = 0, 1, …, but for the periods in which all were lost.
    """

    beta: np.ndarray
    cumulative: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class ProfileDraws:
    """The penalised log-likelihood of β, the baseline profiled out: what draws of separated effects follow.

    Attributes
    ----------
    grouped : Grouped
        Counts and design.
    solution : Solution
        Their maximum.
    penalties : tuple of Penalty
        Over the effects.
    stacked_penalties : Penalties
        The same.
    """

    grouped: Grouped
    solution: Solution
    penalties: tuple[Penalty, ...]
    stacked_penalties: Penalties

    def value(self, theta: np.ndarray) -> float:
        """Profile log-likelihood at these effects; the baseline is fixed where these cells barely inform it."""
        grouped, solution = self.grouped, self.solution
        fixed, before = grouped.shift(theta), solution.alpha + grouped.shift(solution.beta)
        moved = (fixed != grouped.shift(solution.beta)).any(axis=1)
        penalties = self.stacked_penalties.value(theta)
        if solution.weight[moved].sum() < _LITTLE * solution.weight.sum():
            new, old = (clipped(eta[moved]) for eta in (solution.alpha + fixed, before))
            counts = grouped.at_risk[moved], grouped.lost[moved]
            change = log_likelihood_of(*counts, new) - log_likelihood_of(*counts, old)
            return solution.log_likelihood + change + penalties
        alpha = shifted(grouped, solution, theta[None])[0]
        # one step: the profile is flat in the baseline, so that its error is squared
        alpha = baseline(grouped, fixed, alpha, steps=1)
        return log_likelihood(grouped, clipped(alpha + fixed)) + penalties

    def values(self, thetas: np.ndarray) -> np.ndarray:
        """The same at several points, (n, n_effects); of shape (n,)."""
        return np.array([self.value(theta) for theta in thetas])


def _tables(fit: HazardFit) -> tuple[Marginal, ...]:
    """Distributions of the penalised effects, and of those with few losses."""
    penalties = (*fit.separated, *fit.few)
    if not penalties:
        return ()
    profile = ProfileDraws(fit.grouped, fit.solution, penalties, stacked(penalties, fit.grouped.n_effects))
    beta = fit.solution.beta
    optimum = Optimum(beta, -fit.solution.information, 0.0, np.zeros(len(beta), bool))
    return marginals(profile, optimum, fit.covariance, fit.grouped.n_effects)


def estimated(fit: HazardFit) -> HazardDraws:
    """Give the estimate as one draw; a monotone effect projected, its baseline fitted to it."""
    beta = _projected(fit, fit.solution.beta[None])
    alpha = fit.solution.alpha
    if not np.array_equal(beta[0], fit.solution.beta):
        alpha = baseline(fit.grouped, fit.grouped.shift(beta[0]), shifted(fit.grouped, fit.solution, beta)[0])
    return HazardDraws(beta, _cumulated(fit, np.exp(alpha)[None]))


def drawn(fit: HazardFit, n_draws: int, rng: np.random.Generator) -> HazardDraws:
    """Draw effects and baselines jointly.

    Parameters
    ----------
    fit : HazardFit
        What to draw from.
    n_draws : int
        How many.
    rng : Generator
        Advanced.
    """
    eigenvalues, axes = np.linalg.eigh(fit.covariance)
    normal = rng.standard_normal((n_draws, len(eigenvalues))) * np.sqrt(np.maximum(eigenvalues, 0)) @ axes.T
    beta = _projected(fit, fit.solution.beta + exchange(normal, _tables(fit)))
    alpha = shifted(fit.grouped, fit.solution, beta) + fit.errors.baseline_noise(normal, rng)
    return HazardDraws(beta, _cumulated(fit, np.exp(alpha)))


def with_half_a_loss(
    draws: HazardDraws, exposure: float, periods: int, rng: np.random.Generator
) -> HazardDraws:
    """Give the periods before the first loss a hazard of its own in each draw, Gamma(1/2, exposure).

    Nobody was lost in them, so that their hazards are estimated as 0 without an error. Half a loss is added, as to a
    level that lost nobody.

    Parameters
    ----------
    draws : HazardDraws
        Of effects and baselines.
    exposure : float
        Person-periods at risk in these periods.
    periods : int
        How many they are, from the first.
    rng : Generator
        Advanced.
    """
    hazard = rng.gamma(0.5, 1 / exposure, len(draws.beta))
    passed = np.minimum(np.arange(draws.cumulative.shape[1]), periods)
    return HazardDraws(draws.beta, draws.cumulative + hazard[:, None] * passed)


def _projected(fit: HazardFit, beta: np.ndarray) -> np.ndarray:
    """Project the levels' effects to monotone ones where that is asked for; the first columns are theirs."""
    n = fit.design.n_score
    if fit.effect != "monotone" or n == 0:
        return beta
    effects = level_effects(fit, beta)
    weights, variance = _from_the_mean(fit)
    estimate = level_effects(fit, fit.solution.beta[None])[0]
    _, moved, _ = monotone(estimate, effects, variance)
    projected = beta.copy()
    projected[:, :n] = (moved - moved[:, [fit.design.reference]]) @ weights
    return projected


def _from_the_mean(fit: HazardFit) -> tuple[np.ndarray, np.ndarray]:
    """Back from levels to columns, (n_levels, n_score); and the variance of each level's effect from the mean one."""
    rows, n = score_rows(fit), fit.design.n_score
    centred = rows - fit.share @ rows
    variance = np.einsum("ki,ij,kj->k", centred, fit.covariance[:n, :n], centred)
    return np.linalg.pinv(rows).T, variance


def level_effects(fit: HazardFit, beta: np.ndarray) -> np.ndarray:
    """Log hazard ratio of each level against the reference, of shape (n_draws, n_levels)."""
    effects: np.ndarray = beta[:, : fit.design.n_score] @ score_rows(fit).T
    return effects


def _cumulated(fit: HazardFit, hazard: np.ndarray) -> np.ndarray:
    """Λ(t) from hazards of the informative periods; nothing is added in the others."""
    every = np.zeros((len(hazard), len(fit.informative) + 1))
    every[:, 1:][:, fit.informative] = hazard
    return np.cumsum(every, axis=1)


def extinction(fit: HazardFit) -> np.ndarray:
    """What log S falls by, by t = 0, 1, …, in the periods in which all at risk were lost."""
    fall: np.ndarray = EXTINCT * np.concatenate([[0.0], np.cumsum(fit.extinct)])
    return fall

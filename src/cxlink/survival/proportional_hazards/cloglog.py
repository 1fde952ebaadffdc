"""The likelihood of grouped proportional hazards, and its maximum: a free baseline beside some effects.

In period t a customer of cell g is lost with probability h, log(−log(1 − h)) = α_t + x_g'β: what proportional hazards
in continuous time are when seen in whole periods (Prentice & Gloeckler 1978, Biometrics 34:57–67,
doi 10.2307/2529588). With λ = e^η, r at risk and d lost, ℓ = Σ d·log(1 − e^−λ) − (r − d)·λ is concave. The baseline's
block of the Hessian is diagonal and eliminated (Schur complement), so hundreds of periods cost little.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxlink.estimation.penalties import Penalties, Penalty, stacked

_LOWEST, _HIGHEST = -40.0, 6.0
_STEPS = 200
_HALVINGS = 40
_LONGEST = 4.0
_DECREMENT = 1e-13
_GRAIN = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """Counts and design of a fit, in the periods that say anything of hazard ratios.

    Attributes
    ----------
    at_risk, lost : ndarray of shape (n_cells, n_periods)
        Of each cell; every period has both a loss and a survivor.
    design : ndarray of shape (n_cells, n_columns)
        Covariates that stay the same.
    varying : ndarray of shape (n_varying, n_cells, n_periods)
        Covariates that change with time; their coefficients come last.
    """

    at_risk: np.ndarray
    lost: np.ndarray
    design: np.ndarray
    varying: np.ndarray

    @property
    def n_effects(self) -> int:
        """Coefficients beside the baseline."""
        return int(self.design.shape[1]) + len(self.varying)

    def shift(self, beta: np.ndarray) -> np.ndarray:
        """Log hazard ratios of each cell and period, (n_cells, n_periods) or (n_cells, 1)."""
        fixed: np.ndarray = (self.design @ beta[: self.design.shape[1]])[:, None]
        if not len(self.varying):
            return fixed
        return fixed + np.tensordot(beta[self.design.shape[1] :], self.varying, axes=1)

    def gather(self, values: np.ndarray) -> np.ndarray:
        """Sum values of shape (n_cells, n_periods) times each column over cells: (n_effects, n_periods)."""
        return np.concatenate([self.design.T @ values, (self.varying * values).sum(axis=1)])

    def crossed(self, weight: np.ndarray) -> np.ndarray:
        """Σ weight · x x' over cells and periods, of shape (n_effects, n_effects)."""
        corner: np.ndarray = self.design.T @ (weight.sum(axis=1)[:, None] * self.design)
        if not len(self.varying):
            return corner
        weighted = self.varying * weight
        side = weighted.sum(axis=2) @ self.design
        last = np.tensordot(weighted, self.varying, axes=([1, 2], [1, 2]))
        return np.block([[corner, side.T], [side, last]])


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """A maximum of the penalised likelihood.

    Attributes
    ----------
    alpha : ndarray of shape (n_periods,)
        Log cumulative hazard of each period at covariates 0.
    beta : ndarray of shape (n_effects,)
        Log hazard ratios.
    weight : ndarray of shape (n_cells, n_periods)
        Expected information of each η: r·λ² / (e^λ − 1).
    information : ndarray of shape (n_effects, n_effects)
        Expected, of β with the baseline profiled out; penalties included.
    log_likelihood : float
        Without penalties.
    """

    alpha: np.ndarray
    beta: np.ndarray
    weight: np.ndarray
    information: np.ndarray
    log_likelihood: float


def log_likelihood(grouped: Grouped, eta: np.ndarray) -> float:
    """ℓ at linear predictors of shape (n_cells, n_periods)."""
    return log_likelihood_of(grouped.at_risk, grouped.lost, eta)


def log_likelihood_of(at_risk: np.ndarray, lost: np.ndarray, eta: np.ndarray) -> float:
    """ℓ of some cells, all arrays of shape (n_cells, n_periods)."""
    rate = np.exp(eta)
    return float(np.sum(lost * np.log(-np.expm1(-rate)) - (at_risk - lost) * rate))


def solve(grouped: Grouped, penalties: Sequence[Penalty] = ()) -> Solution:
    """Maximise the penalised likelihood by Newton steps, halved where they do not rise.

    Standard errors are from the expected information, as in a generalised linear model.
    """
    total = grouped.lost.sum(axis=0)
    alpha = np.log(-np.log1p(-total / grouped.at_risk.sum(axis=0)))
    beta = np.zeros(grouped.n_effects)
    penalty = stacked(penalties, grouped.n_effects)
    value = _penalised(grouped, alpha, beta, penalty)
    for _ in range(_STEPS):
        step_alpha, step_beta, decrement = _newton(grouped, alpha, beta, penalty)
        alpha, beta, value, moved = _searched(grouped, penalty, (alpha, beta, value), (step_alpha, step_beta))
        if decrement < _DECREMENT or not moved:
            break
    return _solution(grouped, alpha, beta, penalty)


def baseline(grouped: Grouped, fixed: np.ndarray, alpha: np.ndarray, steps: int = 3) -> np.ndarray:
    """Maximise over the baseline alone, from close by.

    Parameters
    ----------
    grouped : Grouped
        Counts.
    fixed : ndarray of shape (n_cells, n_periods) or (n_cells, 1)
        Log hazard ratios.
    alpha : ndarray of shape (n_periods,)
        Where to start.
    steps : int
        Newton steps; a start from `shifted` needs few.
    """
    for _ in range(steps):
        gradient, curvature = derivatives(grouped, clipped(alpha + fixed))
        alpha = alpha + np.clip(gradient.sum(axis=0) / _positive(curvature.sum(axis=0)), -_LONGEST, _LONGEST)
    return alpha


def shifted(grouped: Grouped, solution: Solution, beta: np.ndarray) -> np.ndarray:
    """Give the baseline that goes with other effects, α_t − log Σ_g (w_gt / w_t)·e^{x_g'(β − β̂)}.

    Exact to first order, and in full where hazards are small (Breslow's form).

    Parameters
    ----------
    grouped : Grouped
        Its varying covariates are taken at their weighted mean in the period.
    solution : Solution
        The maximum.
    beta : ndarray of shape (n_draws, n_effects)
        Other effects.

    Returns
    -------
    ndarray of shape (n_draws, n_periods)
    """
    share = solution.weight / _positive(solution.weight.sum(axis=0))
    n_fixed = grouped.design.shape[1]
    move = beta - solution.beta
    ratio = np.exp(np.clip(move[:, :n_fixed] @ grouped.design.T, _LOWEST, -_LOWEST))
    alpha: np.ndarray = solution.alpha - np.log(ratio @ share)
    if len(grouped.varying):
        alpha = alpha - move[:, n_fixed:] @ (grouped.varying * share).sum(axis=1)
    return alpha


def clipped(eta: np.ndarray) -> np.ndarray:
    """Keep linear predictors within what a double can raise e^e^η to."""
    bounded: np.ndarray = np.clip(eta, _LOWEST, _HIGHEST)
    return bounded


def _positive(values: np.ndarray) -> np.ndarray:
    bounded: np.ndarray = np.maximum(values, 1e-300)
    return bounded


def _penalised(grouped: Grouped, alpha: np.ndarray, beta: np.ndarray, penalty: Penalties) -> float:
    return log_likelihood(grouped, clipped(alpha + grouped.shift(beta))) + penalty.value(beta)


def derivatives(grouped: Grouped, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and minus second derivative of ℓ by η, each of shape (n_cells, n_periods)."""
    rate = np.exp(eta)
    odds = rate / -np.expm1(-rate)
    gradient = grouped.lost * odds - grouped.at_risk * rate
    bend = grouped.lost * rate * (odds - 1) / np.expm1(rate)
    return gradient, (grouped.at_risk - grouped.lost) * rate + bend


def mean_covariates(grouped: Grouped, weight: np.ndarray) -> np.ndarray:
    """Σ weight · x over the cells, as a mean: (n_effects, n_periods)."""
    mean: np.ndarray = grouped.gather(weight) / _positive(weight.sum(axis=0))
    return mean


def _newton(
    grouped: Grouped, alpha: np.ndarray, beta: np.ndarray, penalty: Penalties
) -> tuple[np.ndarray, np.ndarray, float]:
    """Newton step of the baseline and of the effects, and the rise it promises (twice)."""
    gradient, curvature = derivatives(grouped, clipped(alpha + grouped.shift(beta)))
    by_alpha, own = gradient.sum(axis=0), _positive(curvature.sum(axis=0))
    by_beta = grouped.gather(gradient).sum(axis=1) + penalty.gradient(beta)
    mixed = grouped.gather(curvature)
    left = information_of(grouped, curvature) + penalty.information(beta)
    right = by_beta - mixed @ (by_alpha / own)
    # a grain on the diagonal: effects that the counts cannot tell apart take no step, and the others' is the same
    grain = _GRAIN * (np.diag(left) + np.diag(left).max(initial=0.0)) + 1e-300
    step_beta = np.linalg.solve(left + np.diag(grain), right)
    step_alpha = (by_alpha - step_beta @ mixed) / own
    return step_alpha, step_beta, float(by_alpha @ step_alpha + by_beta @ step_beta)


def information_of(grouped: Grouped, weight: np.ndarray) -> np.ndarray:
    """Information of β once the baseline is profiled out (Schur complement)."""
    taken = mean_covariates(grouped, weight) @ grouped.gather(weight).T
    left: np.ndarray = grouped.crossed(weight) - taken
    return left


def _searched(
    grouped: Grouped,
    penalty: Penalties,
    at: tuple[np.ndarray, np.ndarray, float],
    step: tuple[np.ndarray, np.ndarray],
) -> tuple[np.ndarray, np.ndarray, float, bool]:
    """Take as much of a step as raises the likelihood, and say whether any did."""
    (alpha, beta, value), (step_alpha, step_beta) = at, step
    longest = max(np.abs(step_alpha).max(initial=0.0), np.abs(step_beta).max(initial=0.0))
    size = min(1.0, _LONGEST / max(float(longest), 1e-300))
    for _ in range(_HALVINGS):
        new = alpha + size * step_alpha, beta + size * step_beta
        tried = _penalised(grouped, *new, penalty)
        if tried >= value - 1e-12 * abs(value):
            return *new, tried, True
        size /= 2
    return alpha, beta, value, False


def _solution(grouped: Grouped, alpha: np.ndarray, beta: np.ndarray, penalty: Penalties) -> Solution:
    eta = clipped(alpha + grouped.shift(beta))
    rate = np.exp(eta)
    weight = grouped.at_risk * rate**2 / np.expm1(rate)
    information = information_of(grouped, weight) + penalty.information(beta)
    return Solution(alpha, beta, weight, information, log_likelihood(grouped, eta))

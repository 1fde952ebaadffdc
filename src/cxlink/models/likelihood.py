"""The one likelihood of grouped durations, with its derivatives: the same for every parametric family.

With at-risk r and losses d per group and period, and Δ = log S(t) − log S(t−1),

    ℓ = Σ d·log(1 − e^Δ) + (r − d)·Δ,        0·log 0 = 0,

exact for durations in whole periods, late entry and right censoring (Prentice & Gloeckler 1978, Biometrics
34:57–67, doi 10.2307/2529588). The location of a family is a sum of effects, η = Xθ, so derivatives by
``autograd`` are needed for η and for the few other parameters only; the chain rule through X does the rest,
whatever the number of strata.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import autograd.numpy as anp
import numpy as np
from autograd import grad
from scipy.special import expit

from cxlink.cohort.spells import PersonPeriods

LogSurvival = Callable[..., np.ndarray]
_FLOOR = 1e-100


@dataclass(frozen=True, slots=True)
class Stretches:
    """Person-periods as flat stretches: neighbouring periods with one risk set and no loss are one stretch.

    Attributes
    ----------
    pair : int ndarray of shape (n_stretches,)
        Position of the level and stratum.
    start, stop : ndarray of shape (n_stretches,)
        The stretch is (start, stop] on the clock, in periods.
    lost, kept : ndarray of shape (n_stretches,)
        Customers lost in it, and those still there at its end.
    """

    pair: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    lost: np.ndarray
    kept: np.ndarray


def stretches(periods: PersonPeriods) -> Stretches:
    """Lay person-periods out as stretches; exact, since Σ(r − d)Δ telescopes where nobody leaves."""
    pair, period = np.nonzero(periods.at_risk > 0)
    at_risk = periods.at_risk[pair, period].astype(float)
    lost = periods.lost[pair, period].astype(float)
    first = np.ones(len(pair), dtype=bool)
    first[1:] = (
        (np.diff(pair) != 0)
        | (np.diff(period) != 1)
        | (np.diff(at_risk) != 0)
        | (lost[1:] > 0)
        | (lost[:-1] > 0)
    )
    last = np.append(first[1:], True)[: len(first)]
    return Stretches(
        pair[first], period[first].astype(float), period[last] + 1.0, lost[first], (at_risk - lost)[first]
    )


@dataclass(frozen=True, slots=True)
class Penalty:
    """The weak log-F(1,1) penalty ½β − log(1 + e^β), with β = scale·(direction·θ − centre).

    Half a loss in all (Greenland & Mansournia 2015, Statistics in Medicine 34:3133–3143,
    doi 10.1002/sim.6537).

    Attributes
    ----------
    index : int
        Position of the parameter it is there for.
    direction : ndarray of shape (n_parameters,)
    centre, scale : float
        See above.
    """

    index: int
    direction: np.ndarray
    centre: float = 0.0
    scale: float = 1.0

    def _beta(self, theta: np.ndarray) -> float:
        return float(self.scale * (self.direction @ theta - self.centre))

    def value(self, theta: np.ndarray) -> float:
        """Log-density at θ, up to a constant."""
        beta = self._beta(theta)
        return 0.5 * beta - float(np.logaddexp(0, beta))

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Gradient of `value`, of shape (n_parameters,)."""
        return (0.5 - expit(self._beta(theta))) * self.scale * self.direction

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """Hessian of `value`, of shape (n_parameters, n_parameters)."""
        p = expit(self._beta(theta))
        return -p * (1 - p) * self.scale**2 * np.outer(self.direction, self.direction)


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Log-likelihood of effects on the location and of a family's other parameters.

    Attributes
    ----------
    log_survival : callable
        log S(t) of (t, η, *others), all on the link scale, written in autograd's numpy.
    stretches : Stretches
        The counts.
    design : ndarray of shape (n_pairs, n_effects)
        η of each pair is its row times the first ``n_effects`` parameters.
    penalties : tuple of Penalty
        Added to the log-likelihood where it has no maximum by itself.
    """

    log_survival: LogSurvival
    stretches: Stretches
    design: np.ndarray
    penalties: tuple[Penalty, ...] = ()

    def plain(self, theta: np.ndarray) -> float:
        """Log-likelihood without penalties; -inf where it cannot be computed."""
        eta, others = self._split(theta)
        with np.errstate(all="ignore"):
            value = float(_cells(self.log_survival, self.stretches, eta, others))
        return value if np.isfinite(value) else -np.inf

    def value(self, theta: np.ndarray) -> float:
        """Penalised log-likelihood."""
        return self.plain(theta) + sum(penalty.value(theta) for penalty in self.penalties)

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Gradient of `value`, of shape (n_parameters,)."""
        eta, others = self._split(theta)
        with np.errstate(all="ignore"):
            by_eta, by_others = grad(self._cells(), (0, 1))(eta, others)
        plain = np.concatenate([self._gather(by_eta), by_others])
        return np.sum([plain, *(penalty.gradient(theta) for penalty in self.penalties)], axis=0)

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """Hessian of `value`, of shape (n_parameters, n_parameters)."""
        eta, others = self._split(theta)
        cells, n_effects = self._cells(), self.design.shape[1]
        hessian = np.zeros((len(theta), len(theta)))
        with np.errstate(all="ignore"):
            curvature = grad(lambda e: anp.sum(grad(cells)(e, others)))(eta)
            per_pair = np.bincount(self.stretches.pair, curvature, minlength=len(self.design))
            hessian[:n_effects, :n_effects] = self.design.T @ (per_pair[:, None] * self.design)
            for k in range(len(others)):
                # k is bound now: the lambda is used within this turn of the loop
                cross, corner = grad(lambda e, o, k=k: grad(cells, 1)(e, o)[k], (0, 1))(eta, others)
                hessian[n_effects + k, :n_effects] = hessian[:n_effects, n_effects + k] = self._gather(cross)
                hessian[n_effects + k, n_effects:] = corner
        return np.sum([hessian, *(penalty.hessian(theta) for penalty in self.penalties)], axis=0)

    def with_penalties(self, penalties: Sequence[Penalty]) -> "Likelihood":
        """Give the same likelihood with other penalties."""
        return replace(self, penalties=tuple(penalties))

    def _split(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n_effects = self.design.shape[1]
        return (self.design @ theta[:n_effects])[self.stretches.pair], theta[n_effects:]

    def _cells(self) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        return lambda eta, others: _cells(self.log_survival, self.stretches, eta, others)

    def _gather(self, by_stretch: np.ndarray) -> np.ndarray:
        gathered: np.ndarray = (
            np.bincount(self.stretches.pair, by_stretch, minlength=len(self.design)) @ self.design
        )
        return gathered


def _cells(
    log_survival: LogSurvival, stretches: Stretches, eta: np.ndarray, others: np.ndarray
) -> np.ndarray:
    """Sum of the cells; ``eta`` one value a stretch, so that its gradient is one value a stretch too."""
    shape = [others[k] for k in range(len(others))]
    late = stretches.start > 0
    # log S(0) = 0 by definition; asking families for it at t > 0 only keeps their gradients free of 0·inf.
    before = anp.where(late, log_survival(np.where(late, stretches.start, 1.0), eta, *shape), 0.0)
    delta = log_survival(stretches.stop, eta, *shape) - before
    loss = stretches.lost > 0
    kept = stretches.kept > 0
    # The floor is far below any share of losses, and keeps second derivatives in a double's range.
    lost_term = anp.log(anp.maximum(-anp.expm1(anp.where(loss, delta, -1.0)), _FLOOR))
    lost_term = anp.where(loss, stretches.lost * lost_term, 0.0)
    kept_term = anp.where(kept, stretches.kept * anp.where(kept, delta, 0.0), 0.0)
    total: np.ndarray = anp.sum(lost_term) + anp.sum(kept_term)
    return total

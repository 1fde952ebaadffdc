"""The one likelihood of grouped durations, with its derivatives: the same for every parametric family.

With at-risk r and losses d per group and period, and Δ = log S(t) − log S(t−1),

    ℓ = Σ d·log(1 − e^Δ) + (r − d)·Δ,        0·log 0 = 0,

exact for durations in whole periods, late entry and right censoring (Prentice & Gloeckler 1978, Biometrics
34:57–67, doi 10.2307/2529588). Each parameter of a family is a sum of effects on its link scale, η = Xθ, so
derivatives (`autodiff`) are needed for the few η of each point only; the chain rule through X does the rest,
whatever the number of strata.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cxlink.cohort.count.spells import PersonPeriods
from cxlink.estimation.autodiff import seeds
from cxlink.estimation.penalties import Penalty

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
        The stretch is (start, stop] since the time origin, in periods.
    lost, retained : ndarray of shape (n_stretches,)
        Customers lost in it, and those retained at its end.
    points : Points
        Where log S is needed.
    """

    pair: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    lost: np.ndarray
    retained: np.ndarray
    points: "Points"


@dataclass(frozen=True, slots=True)
class Points:
    """The pairs and times at which stretches begin and end, each once.

    Attributes
    ----------
    pair : int ndarray of shape (n_points,)
    time : ndarray of shape (n_points,)
        Over 0.
    start, stop : int ndarray of shape (n_stretches,)
        Position of each stretch's ends; n_points for time 0.
    """

    pair: np.ndarray
    time: np.ndarray
    start: np.ndarray
    stop: np.ndarray


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
    start, stop = period[first].astype(float), period[last] + 1.0
    points = _points(pair[first], start, stop)
    return Stretches(pair[first], start, stop, lost[first], (at_risk - lost)[first], points)


def _points(pair: np.ndarray, start: np.ndarray, stop: np.ndarray) -> Points:
    ends = np.column_stack([np.tile(pair, 2), np.r_[start, stop]])
    unique, position = np.unique(ends, axis=0, return_inverse=True)
    late = unique[:, 1] > 0
    at = np.where(late, np.cumsum(late) - 1, int(late.sum()))[position.ravel()]
    return Points(unique[late, 0].astype(int), unique[late, 1], at[: len(pair)], at[len(pair) :])


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Log-likelihood of the effects on a family's parameters.

    Attributes
    ----------
    log_survival : callable
        log S(t) of (t, *parameters), all on the link scale, for arrays and for hyper-dual numbers.
    stretches : Stretches
        The counts.
    designs : tuple of ndarray, each of shape (n_pairs, n_effects)
        One a parameter of the family: its value for each pair is its row times its own part of θ.
    penalties : tuple of Penalty
        Added to the log-likelihood where it has no maximum by itself.
    """

    log_survival: LogSurvival
    stretches: Stretches
    designs: tuple[np.ndarray, ...]
    penalties: tuple[Penalty, ...] = ()

    def plain(self, theta: np.ndarray) -> float:
        """Log-likelihood without penalties; -inf where it cannot be computed."""
        return float(self._plain(theta))

    def value(self, theta: np.ndarray) -> float:
        """Penalised log-likelihood."""
        return self.plain(theta) + sum(penalty.value(theta) for penalty in self.penalties)

    def values(self, thetas: np.ndarray) -> np.ndarray:
        """Penalised log-likelihood at several points, (n, n_parameters), at once; of shape (n,)."""
        penalties = [sum(penalty.value(theta) for penalty in self.penalties) for theta in thetas]
        total: np.ndarray = self._plain(thetas) + np.array(penalties, float)
        return total

    def _plain(self, theta: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            log_s = self.log_survival(self._points.time, *self._linked(theta))
            total = _cells(self.stretches, self._fall(log_s))[0]
        value: np.ndarray = np.where(np.isfinite(total), total, -np.inf)
        return value

    def derivatives(self, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Give `value`, its gradient (n_parameters,) and its Hessian (n_parameters, n_parameters)."""
        linked = self._linked(theta)
        ends = np.cumsum([0, *(design.shape[1] for design in self.designs)])
        gradient, hessian = np.empty(len(theta)), np.empty((len(theta), len(theta)))
        with np.errstate(all="ignore"):
            log_s: Any = self.log_survival(self._points.time, *seeds(linked))
            total, first, second = _cells(self.stretches, self._fall(log_s.value))
            value = float(total)
            falls = [self._fall(slope) for slope in log_s.first]
            for k, design in enumerate(self.designs):
                gradient[ends[k] : ends[k + 1]] = self._by_pair(first * falls[k]) @ design
                for other in range(k, len(linked)):
                    curvature = second * falls[k] * falls[other] + first * self._fall(log_s.second[k, other])
                    block = design.T @ (self._by_pair(curvature)[:, None] * self.designs[other])
                    hessian[ends[k] : ends[k + 1], ends[other] : ends[other + 1]] = block
                    hessian[ends[other] : ends[other + 1], ends[k] : ends[k + 1]] = block.T
        for penalty in self.penalties:
            value += penalty.value(theta)
            gradient += penalty.gradient(theta)
            hessian += penalty.hessian(theta)
        return (value if np.isfinite(value) else -np.inf), gradient, hessian

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Gradient of `value`, of shape (n_parameters,)."""
        return self.derivatives(theta)[1]

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """Hessian of `value`, of shape (n_parameters, n_parameters)."""
        return self.derivatives(theta)[2]

    def with_penalties(self, penalties: Sequence[Penalty]) -> "Likelihood":
        """Give the same likelihood with other penalties."""
        return replace(self, penalties=tuple(penalties))

    @property
    def _points(self) -> "Points":
        return self.stretches.points

    def _linked(self, theta: np.ndarray) -> list[np.ndarray]:
        """Each parameter on its link scale, one value a point (on the last axis)."""
        ends = np.cumsum([design.shape[1] for design in self.designs])[:-1]
        parts = np.split(theta, ends, axis=-1)
        pair = self._points.pair
        return [(part @ design.T)[..., pair] for design, part in zip(self.designs, parts, strict=True)]

    def _fall(self, by_point: np.ndarray) -> np.ndarray:
        """From values at points to differences over stretches; log S and its derivatives are 0 at time 0."""
        points = np.concatenate([by_point, np.zeros((*by_point.shape[:-1], 1))], axis=-1)
        fall: np.ndarray = points[..., self._points.stop] - points[..., self._points.start]
        return fall

    def _by_pair(self, by_stretch: np.ndarray) -> np.ndarray:
        return np.bincount(self.stretches.pair, by_stretch, minlength=len(self.designs[0]))


def _cells(stretches: Stretches, fall: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-likelihood of the stretches from Δ, and its first and second derivatives by Δ.

    d·log(1 − e^Δ) + (r − d)·Δ; a curve that rises (a spline's may) has no more likelihood than one that stays.
    """
    lost, retained, rising = stretches.lost, stretches.retained, fall > 0
    delta = np.minimum(fall, 0.0)
    gone = -np.expm1(delta)
    # The floor is far below any share of losses, and keeps second derivatives in a double's range.
    share = np.maximum(gone, _FLOOR)
    odds = np.where(gone > _FLOOR, np.exp(delta) / share, 0.0)
    loss = lost > 0
    value = np.where(loss, lost * np.log(share), 0.0) + np.where(retained > 0, retained * delta, 0.0)
    first = np.where(rising, 0.0, retained - np.where(loss, lost * odds, 0.0))
    second = np.where(rising | ~loss, 0.0, -lost * odds * (1 + odds))
    return value.sum(axis=-1), first, second

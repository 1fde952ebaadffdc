"""Maximising a likelihood: a trust-region search with its Hessian, Newton steps to a small gradient, and bounds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import minimize, nnls

from cxlink.estimation.likelihood import Likelihood

Derivatives = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]
_GTOL = 1e-6
_POLISHED = 1e-11
_ITERATIONS = 200
_POLISH = 8
_NO_LOSS = 1e-8
_SLACK = 1e-9
_BINDS = 1e-6
_NEAR = 14.0
_PROBES = (3.0, 6.0, 9.0, 12.0, 15.0, 18.0)
_FTOL = 1e-14
_LEVEL = 1e-6
_AWAY = 1.0
_LARGEST = 1e20
CONVERGED = 1e-6
"""A largest gradient entry per loss that small is called converged."""


@dataclass(frozen=True, slots=True)
class Optimum:
    """A maximum of a likelihood.

    Attributes
    ----------
    theta : ndarray of shape (n_parameters,)
        Where it is, on the link scale.
    hessian : ndarray of shape (n_parameters, n_parameters)
        Of the penalised log-likelihood.
    gradient_norm : float
        Largest absolute entry of the gradient per loss, over the parameters that are at no bound.
    bound : bool ndarray of shape (n_parameters,)
        Whether a parameter is at a bound.
    edge : bool
        Whether a combination of parameters is as small as it may be.
    """

    theta: np.ndarray
    hessian: np.ndarray
    gradient_norm: float
    bound: np.ndarray
    edge: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """Bounds of the parameters.

    Attributes
    ----------
    low, high : ndarray of shape (n_parameters,)
        Infinite where there is none.
    rising : ndarray of shape (n_constraints, n_parameters)
        Combinations that may not be negative.
    """

    low: np.ndarray
    high: np.ndarray
    rising: np.ndarray

    def holds(self, theta: np.ndarray) -> bool:
        """Whether no combination is negative."""
        return bool((self.rising @ theta >= -_SLACK).all())


def maximise(likelihood: Likelihood, starts: Sequence[np.ndarray], box: Box, every: bool = False) -> Optimum:
    """Maximise a likelihood per loss, from several starts if need be.

    Parameters
    ----------
    likelihood : Likelihood
        What to maximise.
    starts : sequence of ndarray of shape (n_parameters,)
        Tried in turn until one converges to no less than all of them have; if none does, the best is kept.
    box : Box
        A parameter that leaves it is fixed at its bound, and so is one that gains nothing by being inside.
    every : bool
        Whether to search from every start.
    """
    values = [likelihood.value(start) for start in starts]
    order = sorted((k for k in range(len(starts)) if np.isfinite(values[k])), key=lambda k: -values[k])
    if not order:
        n = len(starts[0])
        return Optimum(starts[0], np.full((n, n), np.nan), np.inf, np.zeros(n, bool))
    enough = values[order[0]] - _NO_LOSS * _size(likelihood)
    optima: list[tuple[float, Optimum]] = []
    for k in order:
        optimum = _bounded(likelihood, starts[k], box)
        optima.append((likelihood.value(optimum.theta), optimum))
        settled = optimum.gradient_norm < CONVERGED and not _stranded(likelihood, optimum, starts[k])
        if not every and settled and optima[-1][0] >= enough:
            return optimum
    return max(optima, key=lambda pair: pair[0])[1]


def _stranded(likelihood: Likelihood, optimum: Optimum, start: np.ndarray) -> bool:
    """Whether a free parameter has stayed where the likelihood is flat: a start so far out is left by no search.

    One that has gone there runs away, which other starts would not change.
    """
    flat = ~optimum.bound & ~(-np.diag(optimum.hessian) > _LEVEL * _size(likelihood))
    flat[[penalty.index for penalty in likelihood.penalties]] = False
    return bool((np.abs(optimum.theta - start)[flat] < _AWAY).any())


def _size(likelihood: Likelihood) -> float:
    return max(float(likelihood.stretches.lost.sum()), 1.0)


def _bounded(likelihood: Likelihood, start: np.ndarray, box: Box) -> Optimum:
    """Search; fix what leaves the box, or gains nothing inside, at its bound, and search again."""
    theta, derivatives = start, _recalling(likelihood)
    fixed = (start <= box.low) | (start >= box.high)
    for _ in range(2 * len(start) + 2):
        theta = _search(derivatives, theta, ~fixed, _size(likelihood))
        out = ~fixed & ((theta < box.low) | (theta > box.high))
        out |= _idle(likelihood, np.clip(theta, box.low, box.high), box, ~fixed & ~out)
        if not out.any():
            inside = _inside(likelihood, theta, box, fixed)
            if inside is None:
                break
            theta, fixed = inside, fixed & (inside == theta)
            continue
        nearer = np.where(theta - box.low < box.high - theta, box.low, box.high)
        theta = np.where(out, nearer, theta)
        fixed |= out
    found = _polished(derivatives, theta, ~fixed, _size(likelihood))
    if len(box.rising):
        binds = bool((box.rising @ theta < _BINDS).any()) and not found.gradient_norm < CONVERGED
        if binds or not box.holds(theta):
            return _on_the_edge(likelihood, start if box.holds(start) else theta, box)
    return found


def _inside(likelihood: Likelihood, theta: np.ndarray, box: Box, fixed: np.ndarray) -> np.ndarray | None:
    """Find a better point inside for a parameter that is fixed at a bound; None where there is none.

    At the bound of a logit the likelihood is flat, so that its gradient there says nothing.
    """
    best, found = likelihood.value(theta) + _NO_LOSS * _size(likelihood), None
    for j in np.flatnonzero(fixed):
        toward = 1.0 if theta[j] <= box.low[j] else -1.0
        for distance in _PROBES:
            tried = theta.copy()
            tried[j] += toward * distance
            value = likelihood.value(tried) if box.low[j] < tried[j] < box.high[j] else -np.inf
            if value > best:
                best, found = value, tried
    return found


def _on_the_edge(likelihood: Likelihood, start: np.ndarray, box: Box) -> Optimum:
    """Maximise where no combination is negative: sequential quadratic programming, from a point that holds.

    The gradient that is left is what no pull of the constraints that bind accounts for (Karush, Kuhn and Tucker).
    """
    size = _size(likelihood)
    found = minimize(  # type: ignore[call-overload]  # its stubs know dtype float64 only
        lambda theta: -likelihood.value(theta) / size,
        start,
        jac=lambda theta: _finite(-likelihood.gradient(theta) / size),
        method="SLSQP",
        constraints={"type": "ineq", "fun": lambda theta: box.rising @ theta, "jac": lambda _: box.rising},
        options={"ftol": _FTOL, "maxiter": _ITERATIONS},
    )
    theta = np.asarray(found.x)
    theta, binding = _settled(likelihood, theta, box)
    _, gradient, hessian = likelihood.derivatives(theta)
    if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
        return Optimum(theta, np.full_like(hessian, np.nan), np.inf, np.zeros(len(theta), bool), edge=True)
    left = gradient
    if len(binding):
        pull, _ = nnls(binding.T, -gradient)
        left = gradient + binding.T @ pull
    return Optimum(theta, hessian, float(np.abs(left).max() / size), np.zeros(len(theta), bool), edge=True)


def _settled(likelihood: Likelihood, theta: np.ndarray, box: Box) -> tuple[np.ndarray, np.ndarray]:
    """Newton steps along the constraints that bind."""
    binding = box.rising[box.rising @ theta < _BINDS]
    for _ in range(_POLISH):
        _, gradient, hessian = likelihood.derivatives(theta)
        if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            break
        along = null_space(binding) if len(binding) else np.eye(len(theta))
        step = along @ np.linalg.lstsq(along.T @ hessian @ along, along.T @ gradient, rcond=1e-12)[0]
        tried = theta - step
        better = likelihood.value(tried) >= likelihood.value(theta)
        if not (better and box.holds(tried)):
            break
        theta = tried
    return theta, binding


def _idle(likelihood: Likelihood, theta: np.ndarray, box: Box, free: np.ndarray) -> np.ndarray:
    """Find parameters that could as well be at the nearer bound."""
    found = np.zeros(len(theta), bool)
    for j in np.flatnonzero(free & (np.isfinite(box.low) | np.isfinite(box.high))):
        moved = theta.copy()
        moved[j] = box.low[j] if theta[j] - box.low[j] < box.high[j] - theta[j] else box.high[j]
        if abs(moved[j] - theta[j]) < _NEAR:
            found[j] = likelihood.value(moved) >= likelihood.value(theta) - _NO_LOSS * _size(likelihood)
    return found


def _recalling(likelihood: Likelihood) -> Derivatives:
    """Give value, gradient and Hessian in one pass; those of the last point are not computed again."""
    last: dict[bytes, tuple[float, np.ndarray, np.ndarray]] = {}

    def derivatives(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        key = theta.tobytes()
        if key not in last:
            last.clear()
            last[key] = likelihood.derivatives(theta)
        return last[key]

    return derivatives


def _search(derivatives: Derivatives, start: np.ndarray, free: np.ndarray, size: float) -> np.ndarray:
    """Trust-region search over the free parameters."""
    among = np.ix_(free, free)
    if not free.any():
        return start

    def whole(part: np.ndarray) -> np.ndarray:
        theta = start.copy()
        theta[free] = part
        return theta

    # A derivative out of a double's range stops the search; the next start is tried.
    result = minimize(  # type: ignore[call-overload]  # its stubs know dtype float64 only
        lambda part: -derivatives(whole(part))[0] / size,
        start[free],
        jac=lambda part: _finite(-derivatives(whole(part))[1][free] / size),
        hess=lambda part: _finite(-derivatives(whole(part))[2][among] / size),
        method="trust-exact",
        options={"gtol": _GTOL, "maxiter": _ITERATIONS},
    )
    return whole(np.asarray(result.x))


def _finite(derivative: np.ndarray) -> np.ndarray:
    """The derivative, or zeros where it is so large that a search would leave a double's range."""
    return derivative if (np.abs(derivative) < _LARGEST).all() else np.zeros_like(derivative)


def _polished(derivatives: Derivatives, theta: np.ndarray, free: np.ndarray, size: float) -> Optimum:
    """Newton steps for as long as they make the gradient smaller."""
    among = np.ix_(free, free)
    _, gradient, hessian = derivatives(theta)
    for _ in range(_POLISH):
        if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return Optimum(theta, np.full_like(hessian, np.nan), np.inf, ~free)
        norm = float(np.abs(gradient[free]).max(initial=0.0))
        if norm < _POLISHED * size:
            break
        tried = theta.copy()
        tried[free] -= np.linalg.lstsq(hessian[among], gradient[free], rcond=1e-12)[0]
        _, new, bent = derivatives(tried)
        if not np.abs(new[free]).max(initial=0.0) < norm:
            break
        theta, gradient, hessian = tried, new, bent
    return Optimum(theta, hessian, float(np.abs(gradient[free]).max(initial=0.0) / size), ~free)

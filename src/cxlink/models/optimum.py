"""Maximising a likelihood: a trust-region search with its Hessian, then Newton steps to a small gradient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from cxlink.models.likelihood import Likelihood

_GTOL = 1e-9
_ITERATIONS = 200
_POLISH = 8
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
        Largest absolute entry of the gradient per loss.
    """

    theta: np.ndarray
    hessian: np.ndarray
    gradient_norm: float


def maximise(likelihood: Likelihood, starts: Sequence[np.ndarray]) -> Optimum:
    """Maximise a likelihood per loss, from several starts if need be.

    Parameters
    ----------
    likelihood : Likelihood
        What to maximise.
    starts : sequence of ndarray of shape (n_parameters,)
        Tried in turn until one converges; if none does, the best is kept.
    """
    found: list[tuple[float, Optimum]] = []
    for start in starts:
        if not np.isfinite(likelihood.value(start)):
            continue
        optimum = _search(likelihood, start)
        found.append((likelihood.value(optimum.theta), optimum))
        if optimum.gradient_norm < CONVERGED:
            return optimum
    if not found:
        n = len(starts[0])
        return Optimum(starts[0], np.full((n, n), np.nan), np.inf)
    return max(found, key=lambda pair: pair[0])[1]


def _search(likelihood: Likelihood, start: np.ndarray) -> Optimum:
    size = max(float(likelihood.stretches.lost.sum()), 1.0)
    # A derivative out of a double's range stops the search; the next start is tried.
    result = minimize(  # type: ignore[call-overload]  # its stubs know dtype float64 only
        lambda theta: -likelihood.value(theta) / size,
        start,
        jac=lambda theta: _finite(-likelihood.gradient(theta) / size),
        hess=lambda theta: _finite(-likelihood.hessian(theta) / size),
        method="trust-exact",
        options={"gtol": _GTOL, "maxiter": _ITERATIONS},
    )
    return _polished(likelihood, np.asarray(result.x), size)


def _finite(derivative: np.ndarray) -> np.ndarray:
    return derivative if np.isfinite(derivative).all() else np.zeros_like(derivative)


def _polished(likelihood: Likelihood, theta: np.ndarray, size: float) -> Optimum:
    """Newton steps for as long as they make the gradient smaller."""
    gradient, hessian = likelihood.gradient(theta), likelihood.hessian(theta)
    for _ in range(_POLISH):
        if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return Optimum(theta, np.full_like(hessian, np.nan), np.inf)
        tried = theta - np.linalg.lstsq(hessian, gradient, rcond=1e-12)[0]
        new = likelihood.gradient(tried)
        if not np.abs(new).max() < np.abs(gradient).max():
            break
        theta, gradient, hessian = tried, new, likelihood.hessian(tried)
    return Optimum(theta, hessian, float(np.abs(gradient).max() / size))

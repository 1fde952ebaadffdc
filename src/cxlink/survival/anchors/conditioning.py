"""Paths of the extrapolation error given anchors: Gaussian by linearisation, then weighted for what that leaves out.

The lasting errors a = (a₀, a₁) of the levels are normal with covariance s²·(ρ·11' + (1 − ρ)·I) each. An anchor tells
y = g(a) + ε, ε ~ N(0, V). With G the derivatives of g at m, close to the most likely a,

    a* = a + C·G'·(G·C·G' + V)⁻¹·(y − ε − g(m) − G·(a − m))

has the distribution of a given y, were g straight (Matheron's rule). A draw of curves, with its path, weighs

    w = N(y; g(m) − G·m, G·C·G' + V) · N(y; g(a*), V) / N(y; g(m) + G·(a* − m), V)

(target over proposal: importance sampling), so that the draws of curves that make the anchors likely count for more,
and the weights are exact whatever m is.
"""

from dataclasses import dataclass

import numpy as np

from cxlink.survival.anchors.anchored_shares import OpenCurves

_STEPS = 4


@dataclass(frozen=True, slots=True, eq=False)
class LastingErrors:
    """Draws of a₀ and a₁, and what they are drawn from.

    Attributes
    ----------
    drawn : ndarray of shape (2, n_levels, n_draws)
        Before any anchor.
    factor : ndarray of shape (n_draws,)
        s.
    shared : ndarray of shape (n_draws,)
        ρ.
    """

    drawn: np.ndarray
    factor: np.ndarray
    shared: np.ndarray

    def spread(self, slope: np.ndarray) -> np.ndarray:
        """Multiply derivatives by the covariance: C·G', of shape (n_anchors, 2, n_levels, n_draws)."""
        both = self.shared * slope.sum(axis=2, keepdims=True) + (1 - self.shared) * slope
        return np.asarray(self.factor**2 * both)


def conditioned(
    curves: OpenCurves,
    errors: LastingErrors,
    covariance: np.ndarray,
    noise: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw lasting errors given the anchors, one for each draw of the curves.

    Parameters
    ----------
    curves : OpenCurves
        Draws of curves, and the anchors.
    errors : LastingErrors
        As they are without.
    covariance : ndarray of shape (n_anchors, n_anchors)
        V.
    noise : ndarray of shape (n_anchors, n_draws)
        ε; 0 with ``drawn`` of 0 for the most likely errors.

    Returns
    -------
    lasting : ndarray of shape (2, n_levels, n_draws)
        a*.
    log_weight : ndarray of shape (n_draws,)
        log w.
    """
    told = curves.shares.value[:, None]
    centre = np.zeros_like(errors.drawn)
    for _ in range(_STEPS):
        value, slope = curves.read(centre)
        spread = errors.spread(slope)
        total = _total(slope, spread, covariance)
        centre = _moved(spread, total, told - value + _along(slope, centre))
    value, slope = curves.read(centre)
    spread = errors.spread(slope)
    total = _total(slope, spread, covariance)
    straight = value - _along(slope, centre)
    lasting = errors.drawn + _moved(spread, total, told - noise - straight - _along(slope, errors.drawn))
    there, _ = curves.read(lasting)
    near = np.broadcast_to(covariance, total.shape)
    log_weight = (
        log_normal(told - straight, total)
        + log_normal(told - there, near)
        - log_normal(told - straight - _along(slope, lasting), near)
    )
    return lasting, log_weight


def _along(slope: np.ndarray, lasting: np.ndarray) -> np.ndarray:
    """G·a, of shape (n_anchors, n_draws)."""
    return np.asarray(np.einsum("icld,cld->id", slope, lasting))


def _total(slope: np.ndarray, spread: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """G·C·G' + V, of shape (n_draws, n_anchors, n_anchors)."""
    return np.asarray(np.einsum("icld,jcld->dij", slope, spread) + covariance)


def _moved(spread: np.ndarray, total: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """C·G'·(G·C·G' + V)⁻¹·apart, of shape (2, n_levels, n_draws)."""
    solved = np.linalg.solve(total, apart.T[..., None])[..., 0]
    return np.asarray(np.einsum("icld,di->cld", spread, solved))


def log_normal(apart: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Log density of a normal with mean 0.

    Parameters
    ----------
    apart : ndarray of shape (n_values, n_draws)
        Where.
    covariance : ndarray of shape (n_draws, n_values, n_values)
        Its covariance in each draw.

    Returns
    -------
    ndarray of shape (n_draws,)
    """
    solved = np.linalg.solve(covariance, apart.T[..., None])[..., 0]
    _, volume = np.linalg.slogdet(covariance)
    density: np.ndarray = -0.5 * ((solved * apart.T).sum(axis=1) + volume + len(apart) * np.log(2 * np.pi))
    return density


def effective(log_weight: np.ndarray) -> float:
    """Effective sample size of weights, (Σw)² / Σw² (Kong 1992)."""
    weight = np.exp(log_weight - log_weight.max())
    return float(weight.sum() ** 2 / (weight @ weight))


def resampled(log_weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw positions by their weights, systematically: each n·w times, to the whole number below or above.

    Parameters
    ----------
    log_weight : ndarray of shape (n_draws,)
        Logs of the weights.
    rng : Generator
        Advanced.

    Returns
    -------
    int ndarray of shape (n_draws,)
        Rising.
    """
    weight = np.exp(log_weight - log_weight.max())
    ends = np.cumsum(weight)
    n = len(weight)
    picked = np.searchsorted(ends / ends[-1], (np.arange(n) + rng.random()) / n, side="right")
    return np.asarray(np.minimum(picked, n - 1))

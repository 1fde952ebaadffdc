"""Special functions of the families: incomplete gamma, ratios of gammas, (e^x − 1)/x.

Each takes arrays or hyper-dual numbers (`autodiff`).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import digamma, gammainc, gammaincc, gammaln

from cxlink.estimation.autodiff import HyperDual, applied, chosen, trigamma

Array = np.ndarray
LogDistribution = Callable[[Array, Array], Array]
_NEAR = 0.001
_STEP = 0.02
_TINY = 1e-280
_REMEMBERED = 50_000
_STIRLING = 30.0
_BERNOULLI = ((1 / 12, 1), (-1 / 360, 3), (1 / 1260, 5), (-1 / 1680, 7))
_STENCIL = (-2, -1, 0, 1, 2)


def log_gamma_survival(w: Any, q: Any) -> Any:
    """Log P(W > w) of the standard generalised log-gamma distribution (Prentice 1974, doi 10.1093/biomet/61.3.539).

    With a = q⁻² and x = a·e^{qw}: the upper incomplete gamma ratio Q(a, x) for q > 0, the lower one for q < 0, and the
    normal distribution at q = 0. W = (log T − μ)/σ; q = 1 is Weibull. Derivatives with respect to q are by five points:
    no closed form is known.

    Parameters
    ----------
    w, q : ndarray or HyperDual
        By broadcasting; hyper-dual numbers of one shape.
    """
    if not isinstance(w, HyperDual):
        return _bridged(_log_survival, *np.broadcast_arrays(np.asarray(w, float), np.asarray(q, float)))
    at, shape = w.value, q.value
    levels = [_bridged(_log_survival, at, shape + k * _STEP) for k in _STENCIL]
    hazards = [
        np.exp(_bridged(_log_density, at, shape + k * _STEP) - level)
        for k, level in zip(_STENCIL, levels, strict=True)
    ]
    slope = np.where(np.abs(shape) < 1e-8, -at, -np.expm1(shape * at) / np.where(shape == 0, 1.0, shape))
    bend_w = -hazards[2] * (slope + hazards[2])
    bend_q = (-levels[0] + 16 * levels[1] - 30 * levels[2] + 16 * levels[3] - levels[4]) / (12 * _STEP**2)
    cross = -_first(hazards)
    return applied((w, q), levels[2], (-hazards[2], _first(levels)), ((bend_w, cross), (cross, bend_q)))


def _first(f: list[Array]) -> Array:
    slope: Array = (f[0] - 8 * f[1] + 8 * f[3] - f[4]) / (12 * _STEP)
    return slope


def _log_survival(w: Array, q: Array) -> Array:
    """Log P(W > w) of the standard generalised log-gamma distribution with |q| well over 0; see `log_gamma_survival`.

    The derivatives at one point need it at a handful of values of q, each several times: small arrays are remembered.
    """
    if w.size > _REMEMBERED or not w.size:
        return _tails(w, q)
    if (q == q.flat[0]).all():
        # pairs that share a distribution share the times: each w once
        each, at = np.unique(w, return_inverse=True)
        found = _recalled(each.tobytes(), np.full(1, q.flat[0]).tobytes())
        return found[at.reshape(w.shape)]
    return _recalled(w.tobytes(), q.tobytes()).reshape(w.shape)


@lru_cache(maxsize=32)
def _recalled(w: bytes, q: bytes) -> Array:
    return _tails(np.frombuffer(w), np.frombuffer(q))


def _tails(w: Array, q: Array) -> Array:
    a = q**-2.0
    with np.errstate(all="ignore"):
        log_x = np.log(a) + q * w
        x = np.exp(np.minimum(log_x, 700.0))
        up = q > 0
        value = np.where(up, gammaincc(a, x), gammainc(a, x))
        log_s = np.log(value)
        small = value < _TINY
        if small.any():
            # first terms of the asymptotic series of the upper tail, and of the power series of the lower one
            upper = -x + (a - 1) * log_x - gammaln(a) - np.log1p(np.minimum((1 - a) / x, 0.5))
            lower = a * log_x - x - gammaln(a + 1) + np.log1p(x / (a + 1))
            log_s = np.where(small, np.where(up, upper, lower), log_s)
    bounded: Array = np.minimum(log_s, 0.0)
    return bounded


def _log_density(w: Array, q: Array) -> Array:
    """Log-density of the same distribution."""
    a = q**-2.0
    with np.errstate(over="ignore"):
        known = a * np.log(a) - gammaln(a) + np.log(np.abs(q))
        density: Array = a * (q * w - np.exp(np.minimum(q * w, 700.0))) + known
    return density


def _bridged(f: LogDistribution, w: Array, q: Array) -> Array:
    """A function of (w, q), by the cubic through q = ±0.001, ±0.002 where |q| is under 0.001: 1e-9 there."""
    w, q = np.broadcast_arrays(np.asarray(w, float), np.asarray(q, float))
    near = np.abs(q) < _NEAR
    if not near.any():
        return f(w, q)
    found = np.empty(w.shape)
    found[~near] = f(w[~near], q[~near])
    nodes = _NEAR * np.array([-2.0, -1.0, 1.0, 2.0])
    total = np.zeros(int(near.sum()))
    for k, node in enumerate(nodes):
        others = np.delete(nodes, k)
        weight = np.prod([(q[near] - other) / (node - other) for other in others], axis=0)
        total += weight * f(w[near], np.full(total.shape, node))
    found[near] = total
    return found


def log_rising(a: Any, t: Any) -> Any:
    """Log Γ(a + t)/Γ(a), without the loss of digits of a difference where a is large.

    From a = 30 on by Stirling's series (Abramowitz & Stegun 1964, 6.1.40), to 1e-13.

    Parameters
    ----------
    a, t : ndarray or HyperDual
        Over 0.

    Examples
    --------
    >>> print(np.exp(log_rising(3.0, 2.0)).round(6))  # Γ(5)/Γ(3) = 3·4
    12.0
    """
    at, by = (np.asarray(x.value if isinstance(x, HyperDual) else x, float) for x in (a, t))
    end, large = at + by, at > _STIRLING
    safe = np.where(large, at, _STIRLING)
    stop = safe + by
    value = chosen(
        large,
        lambda: by * np.log(stop) + (safe - 0.5) * np.log1p(by / safe) - by + _bend(stop) - _bend(safe),
        lambda: gammaln(end) - gammaln(at),
    )
    if not isinstance(a, HyperDual):
        return value
    steps = sum(-c * k * (stop ** -(k + 1) - safe ** -(k + 1)) for c, k in _BERNOULLI)
    slope = np.log1p(by / safe) - 0.5 * (1 / stop - 1 / safe) + steps
    turns = sum(c * k * (k + 1) * (stop ** -(k + 2) - safe ** -(k + 2)) for c, k in _BERNOULLI)
    curve = -by / (safe * stop) + 0.5 * (stop**-2.0 - safe**-2.0) + turns
    by_a = np.where(large, slope, digamma(end) - digamma(at))
    by_t, late = digamma(end), trigamma(end)
    by_a_a = np.where(large, curve, late - trigamma(at))
    return applied((a, t), value, (by_a, by_t), ((by_a_a, late), (late, late)))


def _bend(x: Array) -> Array:
    """What log Γ(x) has beyond (x − ½)·log x − x + ½·log 2π, for x of 30 and over."""
    u = 1 / (x * x)
    bend: Array = sum(c * u ** ((k - 1) // 2) for c, k in _BERNOULLI) / x
    return bend


def mean_exponent(x: Any) -> Any:
    """(e^x − 1)/x, and 1 at 0.

    Parameters
    ----------
    x : ndarray or HyperDual
        Over 700 it is taken for 700.
    """
    at = np.minimum(x.value if isinstance(x, HyperDual) else np.asarray(x, float), 700.0)
    near = np.abs(at) < 1e-2
    safe = np.where(near, 1.0, at)
    value = np.where(near, 1 + at / 2 + at**2 / 6 + at**3 / 24 + at**4 / 120, np.expm1(safe) / safe)
    if not isinstance(x, HyperDual):
        return value
    grown = np.exp(safe)
    slope = np.where(near, 1 / 2 + at / 3 + at**2 / 8 + at**3 / 30, (grown - value) / safe)
    bend = np.where(near, 1 / 3 + at / 4 + at**2 / 10 + at**3 / 36, (grown - 2 * slope) / safe)
    return applied((x,), value, (slope,), ((bend,),))

"""Parameters of each family from two years of retention, in closed form where there is one.

A third parameter is fixed. A spline through two years has no inner knot and is the Weibull.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammainccinv, gammaincinv, ndtri

from cxlink.estimation.special_functions import mean_exponent
from cxlink.survival.families.catalogue import (
    BETA_DISCRETE_WEIBULL,
    EXPONENTIAL,
    GENERALISED_GAMMA,
    LOG_LOGISTIC,
    LOG_NORMAL,
    SHIFTED_BETA_GEOMETRIC,
    WEIBULL,
    cure,
    gompertz,
)
from cxlink.survival.families.family import Family

_CURVED = 1e-9

Array = np.ndarray
Solved = tuple[Array, ...]


@dataclass(frozen=True, slots=True)
class Assumption:
    """A family, and its parameters from two years of retention.

    Attributes
    ----------
    family : Family
        The curve.
    solve : callable
        Its parameters from S(1) and S(2)/S(1), arrays of one shape; NaN where no curve of the family has both.
    second : str
        Name of the parameter that S(2)/S(1) fixes; empty for a family without one.
    fixed : str
        Name of the third parameter, which is fixed; empty for a family without one.
    fixed_at : float
        Its value; 0 for a family without one.
    """

    family: Family
    solve: Callable[[Array, Array], Solved]
    second: str = ""
    fixed: str = ""
    fixed_at: float = 0.0


def _exponential(r: Array, r2: Array) -> Solved:
    return (np.where(np.abs(r2 - r) < _CURVED, -np.log(r), np.nan),)


def _weibull(r: Array, r2: Array) -> Solved:
    shape = np.log2(1 + np.log(r2) / np.log(r))
    return (-np.log(r)) ** (1 / shape), shape


def _gompertz(r: Array, r2: Array) -> Solved:
    shape = np.log(np.log(r2) / np.log(r))
    return -np.log(r) / np.asarray(mean_exponent(shape)), shape


def _log_normal(r: Array, r2: Array) -> Solved:
    first, second = ndtri(r), ndtri(r * r2)
    sigma = np.log(2) / (first - second)
    return sigma * first, sigma


def _log_logistic(r: Array, r2: Array) -> Solved:
    odds, later = 1 / r - 1, 1 / (r * r2) - 1
    shape = np.log2(later / odds)
    return odds ** (-1 / shape), shape


def _generalised_gamma(q: float) -> Assumption:
    def solve(r: Array, r2: Array) -> Solved:
        inverse = gammainccinv if q > 0 else gammaincinv
        first, second = (np.log(q**2 * inverse(q**-2, s)) / q for s in (r, r * r2))
        sigma = np.log(2) / (second - first)
        return -sigma * first, sigma, np.full_like(r, q)

    return Assumption(GENERALISED_GAMMA, solve, "sigma", "q", q)


def _cure(r: Array, r2: Array) -> Solved:
    """A share π is never lost, the others at a constant rate: S(1) − S(2) = (S(1) − π)·(1 − S_u(1))."""
    staying = (r - r * r2) / (1 - r)
    return (r - staying) / (1 - staying), -np.log(staying)


def _beta_discrete_weibull(shape: float) -> Assumption:
    family = BETA_DISCRETE_WEIBULL

    def polarisation(r: float, r2: float) -> float:
        def miss(polarised: float) -> float:
            values = (np.asarray(x) for x in (1 - r, polarised, shape))
            return float(family.log_survival(np.asarray(2.0), *values)) - float(np.log(r * r2))

        low, high = 1e-7, 1 - 1e-7
        return float(brentq(miss, low, high, xtol=1e-13)) if miss(low) < 0 < miss(high) else np.nan

    def solve(r: Array, r2: Array) -> Solved:
        dispersion = np.array([polarisation(float(a), float(b)) for a, b in zip(r, r2, strict=True)])
        return 1 - r, dispersion, np.full_like(r, shape)

    return Assumption(family, solve, "polarisation", "shape", shape)


ASSUMPTIONS: tuple[Assumption, ...] = (
    Assumption(EXPONENTIAL, _exponential),
    Assumption(SHIFTED_BETA_GEOMETRIC, lambda r, r2: (1 - r, (r2 - r) / (1 - r)), "polarisation"),
    Assumption(WEIBULL, _weibull, "shape"),
    _beta_discrete_weibull(0.9),
    _beta_discrete_weibull(1.1),
    _generalised_gamma(0.5),
    Assumption(LOG_NORMAL, _log_normal, "sigma"),
    _generalised_gamma(-0.5),
    Assumption(LOG_LOGISTIC, _log_logistic, "shape"),
    Assumption(gompertz(1.0), _gompertz, "shape"),
    Assumption(cure(EXPONENTIAL), _cure, "rate"),
)
"""Every class of families, roughly in the order of expected years."""

"""Estimating equations of spend, as functions of a cell's sums.

With η = x'θ the linear predictor of a cell, each of its customers i contributes x·u_i to the estimating equation; the
sums of u_i and of u_i² over a cell follow from the cell's sums, since η is constant in it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

Cellwise = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class SpendFamily:
    """One estimating equation; functions of ``(total, n, eta)`` arrays of shape (n_cells,).

    Attributes
    ----------
    name : str
        For messages.
    value : callable
        The concave function that the estimate maximises.
    slope : callable
        Σu, its derivative.
    curvature : callable
        −∂Σu/∂η.
    squared : callable
        Σu², of (total, squares, n, η).
    weight : callable
        Expected curvature of one customer, a function of η; leverages are computed from it.
    variance : callable
        Var(u) up to a constant of proportionality, a function of η.
    """

    name: str
    value: Cellwise
    slope: Cellwise
    curvature: Cellwise
    squared: Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    weight: Callable[[np.ndarray], np.ndarray]
    variance: Callable[[np.ndarray], np.ndarray]


def _squared_deviations(
    total: np.ndarray, squares: np.ndarray, n: np.ndarray, mean: np.ndarray
) -> np.ndarray:
    """Σ(y − μ)² = Σy² − 2μΣy + nμ², with rounding error set to 0."""
    deviations = squares - 2 * mean * total + n * mean**2
    rounding = 1e-12 * (squares + 2 * np.abs(mean * total) + n * mean**2)
    return np.where(deviations < rounding, 0.0, deviations)


POISSON = SpendFamily(
    name="Poisson",
    value=lambda total, n, eta: total * eta - n * np.exp(eta),
    slope=lambda total, n, eta: total - n * np.exp(eta),
    curvature=lambda total, n, eta: n * np.exp(eta),  # noqa: ARG005  # one signature for all
    squared=lambda total, squares, n, eta: _squared_deviations(total, squares, n, np.exp(eta)),
    weight=np.exp,
    variance=np.exp,
)
"""Poisson pseudo-likelihood, u = y − μ, log μ = η (Gourieroux, Monfort & Trognon 1984, doi 10.2307/1913472)."""

GAMMA = SpendFamily(
    name="gamma",
    value=lambda total, n, eta: -total * np.exp(-eta) - n * eta,
    slope=lambda total, n, eta: total * np.exp(-eta) - n,
    curvature=lambda total, n, eta: total * np.exp(-eta),  # noqa: ARG005
    squared=lambda total, squares, n, eta: (
        _squared_deviations(total, squares, n, np.exp(eta)) * np.exp(-2 * eta)
    ),
    weight=np.ones_like,
    variance=np.ones_like,
)
"""Quasi-likelihood of the gamma, u = (y − μ)/μ, log μ = η.

Manning & Mullahy 2001, doi 10.1016/S0167-6296(01)00086-8.
"""


def tweedie(power: float) -> SpendFamily:
    """Quasi-likelihood with a variance of μ^power, 1 < power < 2: u = (y − μ)·μ^(1 − power), log μ = η.

    Between the Poisson (1) and the gamma (2), with a mass at zero (Jørgensen 1987, doi
    10.1111/j.2517-6161.1987.tb01685.x).
    """
    a, b = 1.0 - power, 2.0 - power
    return SpendFamily(
        name="Tweedie",
        value=lambda total, n, eta: total * np.exp(a * eta) / a - n * np.exp(b * eta) / b,
        slope=lambda total, n, eta: total * np.exp(a * eta) - n * np.exp(b * eta),
        curvature=lambda total, n, eta: -a * total * np.exp(a * eta) + b * n * np.exp(b * eta),
        squared=lambda total, squares, n, eta: (
            _squared_deviations(total, squares, n, np.exp(eta)) * np.exp(2 * a * eta)
        ),
        weight=lambda eta: np.exp(b * eta),
        variance=lambda eta: np.exp((2 * a + power) * eta),
    )


LOGIT = SpendFamily(
    name="logit",
    value=lambda total, n, eta: total * eta - n * np.logaddexp(0, eta),
    slope=lambda total, n, eta: total - n * expit(eta),
    curvature=lambda total, n, eta: n * expit(eta) * expit(-eta),  # noqa: ARG005
    squared=lambda total, squares, n, eta: total * expit(-eta) ** 2 + (n - total) * expit(eta) ** 2,  # noqa: ARG005
    weight=lambda eta: expit(eta) * expit(-eta),
    variance=lambda eta: expit(eta) * expit(-eta),
)
"""Any spend, u = 1(y > 0) − p, logit p = η; ``total`` is the number of spenders."""

NORMAL = SpendFamily(
    name="least squares",
    value=lambda total, n, eta: total * eta - n * eta**2 / 2,
    slope=lambda total, n, eta: total - n * eta,
    curvature=lambda total, n, eta: n + 0 * eta,  # noqa: ARG005
    squared=lambda total, squares, n, eta: _squared_deviations(total, squares, n, eta),
    weight=np.ones_like,
    variance=np.ones_like,
)
"""Least squares of log y, u = log y − η."""

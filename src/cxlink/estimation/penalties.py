"""The weak penalty of an effect that the counts alone do not bound: one, and several at once as arrays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit


@dataclass(frozen=True, slots=True)
class Penalty:
    """The weak log-F(1,1) penalty ½β − log(1 + e^β), with β = scale·(curve(direction·θ) − centre).

    Half a loss in all (Greenland & Mansournia 2015, Statistics in Medicine 34:3133–3143,
    doi 10.1002/sim.6537).

    Attributes
    ----------
    index : int
        Position of the parameter it is there for.
    direction : ndarray of shape (n_parameters,)
    centre, scale : float
        See above.
    curve : callable, optional
        From a number to a function of it and its first and second derivatives; the number itself where left out.
    """

    index: int
    direction: np.ndarray
    centre: float = 0.0
    scale: float = 1.0
    curve: Callable[[float], tuple[float, float, float]] | None = None

    def _beta(self, theta: np.ndarray) -> tuple[float, float, float]:
        """β, and its derivatives along the direction."""
        at = float(self.direction @ theta)
        value, slope, bend = (at, 1.0, 0.0) if self.curve is None else self.curve(at)
        return self.scale * (value - self.centre), self.scale * slope, self.scale * bend

    def value(self, theta: np.ndarray) -> float:
        """Log-density at θ, up to a constant."""
        beta = self._beta(theta)[0]
        return 0.5 * beta - float(np.logaddexp(0, beta))

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Gradient of `value`, of shape (n_parameters,)."""
        beta, slope, _ = self._beta(theta)
        return (0.5 - expit(beta)) * slope * self.direction

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """Hessian of `value`, of shape (n_parameters, n_parameters)."""
        beta, slope, bend = self._beta(theta)
        p = expit(beta)
        along = (0.5 - p) * bend - p * (1 - p) * slope**2
        return along * np.outer(self.direction, self.direction)


@dataclass(frozen=True, slots=True, eq=False)
class Penalties:
    """Several weak penalties as arrays, so that many cost no more than one; see `Penalty`.

    Attributes
    ----------
    directions : ndarray of shape (n_penalties, n_effects)
    centres, scales : ndarray of shape (n_penalties,)
        β = scale·(direction·θ − centre).
    """

    directions: np.ndarray
    centres: np.ndarray
    scales: np.ndarray

    def value(self, theta: np.ndarray) -> float:
        """Sum of the log-densities, up to a constant."""
        beta = self._beta(theta)
        return float(np.sum(0.5 * beta - np.logaddexp(0, beta)))

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Gradient of `value`."""
        slope: np.ndarray = ((0.5 - expit(self._beta(theta))) * self.scales) @ self.directions
        return slope

    def information(self, theta: np.ndarray) -> np.ndarray:
        """Minus the Hessian of `value`."""
        p = expit(self._beta(theta))
        bend: np.ndarray = (self.directions.T * (p * (1 - p) * self.scales**2)) @ self.directions
        return bend

    def _beta(self, theta: np.ndarray) -> np.ndarray:
        beta: np.ndarray = self.scales * (self.directions @ theta - self.centres)
        return beta


def stacked(penalties: Sequence[Penalty], n_effects: int) -> Penalties:
    """Put penalties over the same effects together."""
    return Penalties(
        np.array([one.direction for one in penalties]).reshape(len(penalties), n_effects),
        np.array([one.centre for one in penalties]),
        np.array([one.scale for one in penalties]),
    )

"""Several weak penalties at once, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from cxlink.estimation.likelihood import Penalty


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

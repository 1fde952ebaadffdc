"""Joint errors of hazard ratios and of the baseline hazard, and what they are made of."""

from dataclasses import dataclass

import numpy as np

LEAST_VARIANCE = 1e-15
_LEAST_SHAPE = 0.5
"""Of the gamma that a period's hazard is drawn from: half a loss."""


@dataclass(frozen=True, slots=True, eq=False)
class HazardErrors:
    """Joint errors of the effects and of the baseline's log hazards.

    Given the effects the periods of the baseline are independent, unless customers are clustered.

    Attributes
    ----------
    covariance : ndarray of shape (n_effects, n_effects)
        Of the effects.
    lean : ndarray of shape (n_effects, n_periods)
        How log hazards of the baseline move with each effect, beside the move that maximises the likelihood.
    variance : ndarray of shape (n_periods,)
        What is left of theirs.
    between : ndarray of shape (n_periods, n_periods), optional
        The covariance of what is left, where customers are clustered.
    """

    covariance: np.ndarray
    lean: np.ndarray
    variance: np.ndarray
    between: np.ndarray | None = None

    def baseline_noise(self, moves: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw what log hazards of the baseline differ by from those that maximise the likelihood at drawn effects.

        What is left is gamma (of clustered customers log-normal), so that a hazard has the estimate as its mean however
        few its losses are (the gamma process of Kalbfleisch 1978, Journal of the Royal Statistical Society B
        40:214–221).

        Parameters
        ----------
        moves : ndarray of shape (n_draws, n_effects)
            Normal distances of the effects from the estimate.
        rng : Generator
            Advanced.

        Returns
        -------
        ndarray of shape (n_draws, n_periods)
        """
        explained = np.sum(self.lean * (self.covariance @ self.lean), axis=0)
        if self.between is not None:
            variances, axes = np.linalg.eigh(self.between)
            root = axes * np.sqrt(np.maximum(variances, 0.0))
            left = rng.standard_normal((len(moves), len(root))) @ root.T
            both: np.ndarray = moves @ self.lean + left - (explained + np.diag(self.between)) / 2
            return both
        shape = np.maximum(1 / self.variance, _LEAST_SHAPE)
        own = rng.standard_gamma(shape, (len(moves), len(shape))) / shape
        noise: np.ndarray = moves @ self.lean - explained / 2 + np.log(own)
        return noise

    def joint(self, middle: np.ndarray) -> np.ndarray:
        """Give the covariance of effects and log hazards of the baseline together.

        Parameters
        ----------
        middle : ndarray of shape (n_effects, n_periods)
            Mean covariates, by which the baseline moves against the effects.
        """
        moved = self.lean - middle
        across = self.covariance @ moved
        within = moved.T @ across + (np.diag(self.variance) if self.between is None else self.between)
        joint: np.ndarray = np.block([[self.covariance, across], [across.T, within]])
        return joint


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """What each customer's period gives to the score of its linear predictor.

    Attributes
    ----------
    rate, odds : ndarray of shape (n_cells, n_periods)
        Taken off in a period at risk, and added in that of the loss.
    curvature : ndarray of shape (n_cells, n_periods)
        Minus the score's derivative, of all customers at risk.
    """

    rate: np.ndarray
    odds: np.ndarray
    curvature: np.ndarray

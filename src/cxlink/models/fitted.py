"""Fitted families: their parameters, and draws of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxlink.models.families import Family
from cxlink.models.marginals import Marginal, exchange
from cxlink.models.optimum import CONVERGED


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted family.

    Attributes
    ----------
    family : Family
        What was fitted.
    names : tuple of str
        Of the parameters: the location of each level (``rate[7]``), the effect of each stratum but the
        reference on its link (``rate[plan=basic]``), and the family's other parameters (``shape``).
    estimate : ndarray of shape (n_parameters,)
        On the link scale.
    covariance : ndarray of shape (n_parameters, n_parameters)
        Inverse of the negative Hessian, on the link scale.
    n_levels : int
        Levels fitted: that many locations come first.
    reference : int
        Position of the stratum whose effect is 0.
    log_likelihood : float
        At the estimate, without penalties.
    gradient_norm : float
        Largest absolute entry of the gradient per loss.
    notes : tuple of str
        Whole sentences on penalties and on what did not work.
    marginals : tuple of Marginal
        Of the penalised parameters.
    """

    family: Family
    names: tuple[str, ...]
    estimate: np.ndarray
    covariance: np.ndarray
    n_levels: int
    reference: int
    log_likelihood: float
    gradient_norm: float
    notes: tuple[str, ...] = ()
    marginals: tuple[Marginal, ...] = ()

    @property
    def n_parameters(self) -> int:
        """Number of free parameters."""
        return len(self.estimate)

    @property
    def aic(self) -> float:
        """Akaike's information criterion, 2·n_parameters − 2·log_likelihood."""
        return 2.0 * self.n_parameters - 2.0 * self.log_likelihood

    @property
    def converged(self) -> bool:
        """Whether the gradient is small."""
        return self.gradient_norm < CONVERGED

    def draws(self, n_draws: int, rng: np.random.Generator) -> np.ndarray:
        """Draw parameters on the link scale, of shape (n_draws, n_parameters).

        Normal from estimate and covariance, but for what `exchange` puts in the place of penalised ones.
        """
        spread, axes = np.linalg.eigh(self.covariance)
        normal = rng.standard_normal((n_draws, self.n_parameters)) * np.sqrt(np.maximum(spread, 0)) @ axes.T
        drawn: np.ndarray = self.estimate + exchange(normal, self.marginals)
        return drawn

    def locations(self, theta: np.ndarray, level: np.ndarray, stratum: np.ndarray) -> np.ndarray:
        """Location of pairs of level and stratum, on the link scale; pairs without customers included.

        Parameters
        ----------
        theta : ndarray of shape (n_draws, n_parameters)
            As `draws` gives them.
        level, stratum : int ndarray of shape (n_pairs,)
            Positions in the person-periods that were fitted.

        Returns
        -------
        ndarray of shape (n_draws, n_pairs)
        """
        n_others = len(self.family.parameters) - 1
        effects = theta[:, self.n_levels : theta.shape[1] - n_others]
        effects = np.insert(effects, self.reference, 0.0, axis=1)
        located: np.ndarray = theta[:, level] + effects[:, stratum]
        return located

    def others(self, theta: np.ndarray) -> np.ndarray:
        """Give the family's other parameters on the link scale, of shape (n_draws, n_others)."""
        return theta[:, theta.shape[1] - len(self.family.parameters) + 1 :]


@dataclass(frozen=True, slots=True)
class Unfitted:
    """A family that these counts cannot carry, and why.

    Attributes
    ----------
    family : Family
        What was not fitted.
    reason : str
        A sentence.
    """

    family: Family
    reason: str


def aic_weights(fits: Sequence[Fit]) -> np.ndarray:
    """Akaike weights w ∝ exp(−ΔAIC/2), 0 for what did not converge (Burnham & Anderson 2002, section 2.9).

    Parameters
    ----------
    fits : sequence of Fit
        On the same counts.

    Returns
    -------
    ndarray of shape (n_fits,)
        Shares that sum to 1, or zeros where none converged.
    """
    usable = np.array([fit.converged for fit in fits], dtype=bool)
    aic = np.array([fit.aic for fit in fits])
    weights = np.zeros(len(fits))
    if usable.any():
        weights[usable] = np.exp(-(aic[usable] - aic[usable].min()) / 2)
        weights /= weights.sum()
    return weights

"""Fitted families: their parameters, and draws of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from cxlink.models.families import Family
from cxlink.models.likelihood import Likelihood
from cxlink.models.optimum import CONVERGED, Optimum


@dataclass(frozen=True, slots=True)
class Marginal:
    """Distribution of one penalised parameter, from the penalised likelihood itself.

    Attributes
    ----------
    index : int
        Position of the parameter.
    value, cumulative : ndarray of shape (n_points,)
        Its values, and the probability of being under each, the others held at their estimate.
    stretch : float
        How much wider the marginal is than that conditional, in the normal approximation; 1 where the
        parameter is unrelated to the others.
    """

    index: int
    value: np.ndarray
    cumulative: np.ndarray
    stretch: float


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

        Normal from estimate and covariance; a penalised parameter's own axis is bent so that it follows its
        `Marginal` (a normal copula), because its likelihood is far from a normal one.
        """
        spread, axes = np.linalg.eigh(self.covariance)
        normal = rng.standard_normal((n_draws, self.n_parameters)) * np.sqrt(np.maximum(spread, 0)) @ axes.T
        drawn: np.ndarray = self.estimate + normal
        for m in self.marginals:
            share = ndtr(normal[:, m.index] / np.sqrt(self.covariance[m.index, m.index]))
            value = np.interp(share, m.cumulative, m.value)
            drawn[:, m.index] = self.estimate[m.index] + m.stretch * (value - self.estimate[m.index])
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


def marginal(likelihood: Likelihood, optimum: Optimum, covariance: np.ndarray, index: int) -> Marginal:
    """Tabulate one parameter's penalised likelihood, out to where its density is e^-14 of the highest.

    Parameters
    ----------
    likelihood : Likelihood
        Penalised.
    optimum : Optimum
        Its maximum.
    covariance : ndarray of shape (n_parameters, n_parameters)
        Inverse of the negative Hessian there.
    index : int
        Position of the parameter.
    """
    axis = np.eye(len(optimum.theta))[index]
    top = likelihood.value(optimum.theta)
    ends = []
    for sign in (-1.0, 1.0):
        reach = 0.25
        while reach < 60 and likelihood.value(optimum.theta + sign * reach * axis) > top - 14:
            reach *= 1.3
        ends.append(sign * reach)
    offset = np.linspace(ends[0], ends[1], 241)
    density = np.exp([likelihood.value(optimum.theta + o * axis) - top for o in offset])
    cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    information = -optimum.hessian[index, index]
    stretch = float(np.sqrt(max(covariance[index, index] * information, 1.0)))
    return Marginal(index, optimum.theta[index] + offset, cumulative / cumulative[-1], stretch)


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

"""Fitted families: their parameters, and draws of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cxlink.checks import Check
from cxlink.estimation.design_terms import DesignTerm
from cxlink.estimation.effects import monotone
from cxlink.estimation.optimise import CONVERGED, Box
from cxlink.estimation.profile_draws import Marginal, exchange
from cxlink.survival.families.family import Family


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted family.

    Attributes
    ----------
    family : Family
        What was fitted.
    names : tuple of str
        Of the parameters: the location of each level (``rate[7]``), the effect of each stratum but the reference on
        its link (``rate[plan=basic]``), and the family's other parameters (``shape``).
    terms : tuple of DesignTerm
        What the parameters stand for.
    matrices : tuple of ndarray, each of shape (n_levels * n_strata, n_effects)
        Of each parameter of the family, for every combination of level and stratum in row-major order.
    n_strata : int
        Strata.
    n_score : int
        Effects of the score on the location; they come first.
    cohort : ndarray of shape (n_own_parameters,)
        The family's parameters for the cohort as one group, on their link scales.
    estimate : ndarray of shape (n_parameters,)
        Maximum likelihood, on the link scale; held at a bound where `at_bound` says so.
    centre, covariance : ndarray of shape (n_parameters,), (n_parameters, n_parameters)
        Of the draws: mode and inverse of the negative Hessian of the likelihood that they follow. It is the estimate
        but where a parameter is at a bound or weakly identified by the counts.
    box : Box
        Bounds, which draws keep.
    log_likelihood : float
        At the estimate, without penalties.
    gradient_norm : float
        Largest absolute entry of the gradient per loss.
    condition : float
        Condition number of the information, scaled to a unit diagonal.
    at_bound, penalised : tuple of str
        Names of parameters.
    checks : tuple of Check
        On penalties and on what did not work.
    marginals : tuple of Marginal
        Of the parameters whose draws are not normal.
    monotone : bool
        Whether the levels' effects are projected to monotone ones.
    held : ndarray of shape (n_parameters, n_parameters)
        Information of the penalties of the likelihood that draws follow; empty without any.
    """

    family: Family
    names: tuple[str, ...]
    terms: tuple[DesignTerm, ...]
    matrices: tuple[np.ndarray, ...]
    n_strata: int
    n_score: int
    cohort: np.ndarray
    estimate: np.ndarray
    centre: np.ndarray
    covariance: np.ndarray
    box: Box
    log_likelihood: float
    gradient_norm: float
    condition: float
    at_bound: tuple[str, ...] = ()
    penalised: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    marginals: tuple[Marginal, ...] = ()
    monotone: bool = False
    held: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def aic(self) -> float:
        """Akaike's information criterion, 2k − 2·log_likelihood of k parameters, those at a bound included."""
        return 2.0 * len(self.estimate) - 2.0 * self.log_likelihood

    def bic(self, n: int) -> float:
        """Schwarz's criterion, k·log(n) − 2·log_likelihood of k parameters, n the customers."""
        return float(np.log(max(n, 1))) * len(self.estimate) - 2.0 * self.log_likelihood

    @property
    def converged(self) -> bool:
        """Whether the gradient is small."""
        return self.gradient_norm < CONVERGED

    @property
    def shared_shape(self) -> bool:
        """Whether all levels share all parameters but the location."""
        return all(matrix.shape[1] == 1 for matrix in self.matrices[1:])

    def draws(self, n_draws: int, rng: np.random.Generator) -> np.ndarray:
        """Draw parameters on the link scale, of shape (n_draws, n_parameters).

        Normal from centre and covariance, but for what `exchange` puts in the place of penalised ones.
        """
        eigenvalues, axes = np.linalg.eigh(self.covariance)
        normal = (
            rng.standard_normal((n_draws, len(eigenvalues))) * np.sqrt(np.maximum(eigenvalues, 0)) @ axes.T
        )
        drawn: np.ndarray = self.centre + exchange(normal, self.marginals)
        drawn = np.clip(drawn, self.box.low, self.box.high)
        return self._projected(drawn) if self.monotone else drawn

    def _projected(self, drawn: np.ndarray) -> np.ndarray:
        """Project the levels' effects of each draw, in the direction of the estimate."""
        n = self.n_score
        mean = np.eye(n) - 1 / n
        variance = np.diag(mean @ self.covariance[:n, :n] @ mean)
        _, moved, _ = monotone(self.estimate[:n], drawn[:, :n], variance)
        projected = drawn.copy()
        projected[:, :n] = moved
        return projected

    def linked(self, theta: np.ndarray, level: np.ndarray, stratum: np.ndarray) -> list[np.ndarray]:
        """Parameters of pairs of level and stratum, on link scales; pairs without customers included.

        Parameters
        ----------
        theta : ndarray of shape (n_draws, n_parameters)
            As `draws` gives them.
        level, stratum : int ndarray of shape (n_pairs,)
            Positions in the person-periods that were fitted.

        Returns
        -------
        list of ndarray of shape (n_draws, n_pairs)
            One a parameter; (n_draws, 1) where all pairs share it.
        """
        at = level * self.n_strata + stratum
        parts = np.split(theta, np.cumsum([matrix.shape[1] for matrix in self.matrices])[:-1], axis=1)
        return [
            part if k and matrix.shape[1] == 1 else part @ matrix[at].T
            for k, (part, matrix) in enumerate(zip(parts, self.matrices, strict=True))
        ]


@dataclass(frozen=True, slots=True)
class Unfitted:
    """A family that these counts cannot carry, and why.

    Attributes
    ----------
    family : Family
        What was not fitted.
    reason : str
        A name: ``nobody_lost``, ``few_periods``.
    facts : mapping of str to int
        Numbers that go with it.
    """

    family: Family
    reason: str
    facts: Mapping[str, int] = field(default_factory=dict)

"""Equations solved together: their layers, parameters and joint covariance, and draws of them."""

from dataclasses import dataclass

import numpy as np

from cxlink.estimation.optimise import Optimum
from cxlink.estimation.profile_draws import Marginal, exchange, marginals
from cxlink.spend.solve import Objective


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One equation of a stack, or the smearing factors above them.

    Attributes
    ----------
    rows : ndarray of shape (n_cells, n_parameters)
        Its design.
    theta : ndarray of shape (n_parameters,)
        Its estimate.
    n : ndarray of shape (n_cells,)
        Customers in the equation.
    leverage : ndarray of shape (n_cells,)
        Of one customer.
    variance : ndarray of shape (n_cells,)
        Variance of u of one customer, up to a constant of proportionality.
    objective : Objective or None
        The function it maximises, if any.
    by_bucket : ndarray of shape (n_cells, n_buckets), optional
        Σu of the customers of each cell by the bucket of their clusters; None where they are independent.
    """

    rows: np.ndarray
    theta: np.ndarray
    n: np.ndarray
    leverage: np.ndarray
    variance: np.ndarray
    objective: Objective | None = None
    by_bucket: np.ndarray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Equations solved together.

    Attributes
    ----------
    theta : tuple of ndarray
        Parameters of each layer.
    covariance : ndarray of shape (n_parameters, n_parameters)
        Joint covariance; each customer's u divided by √(1 − leverage) (HC2, MacKinnon & White 1985,
        doi 10.1016/0304-4076(85)90158-7), as for the saturated means. Of clustered customers from the sums of their
        buckets, times G / (G − 1).
    plain : ndarray of the same shape
        The same without leverages (HC0), penalties and the factor.
    marginals : tuple of tuple of Marginal
        Of the penalised parameters of each layer.
    """

    theta: tuple[np.ndarray, ...]
    covariance: np.ndarray
    plain: np.ndarray
    marginals: tuple[tuple[Marginal, ...], ...]

    def draws(self, n_draws: int, rng: np.random.Generator) -> list[np.ndarray]:
        """Draw the parameters of each layer, (n_draws, n_parameters) each; jointly normal but for penalised ones."""
        variances, axes = np.linalg.eigh(self.covariance)
        normal = rng.standard_normal((n_draws, len(variances))) * np.sqrt(np.maximum(variances, 0)) @ axes.T
        edges = np.cumsum([0, *(len(theta) for theta in self.theta)])
        return [
            theta + exchange(normal[:, a:b], tables)
            for theta, tables, a, b in zip(self.theta, self.marginals, edges[:-1], edges[1:], strict=True)
        ]


def penalised_marginals(layer_: Layer, covariance: np.ndarray) -> tuple[Marginal, ...]:
    """Distributions of the penalised parameters of a layer; none without any."""
    if layer_.objective is None or not layer_.objective.penalties:
        return ()
    optimum = Optimum(
        layer_.theta, layer_.objective.hessian(layer_.theta), 0.0, np.zeros(len(layer_.theta), bool)
    )
    return marginals(layer_.objective, optimum, covariance, len(layer_.theta))

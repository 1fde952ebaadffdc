"""What buckets of clusters do to posterior draws in standardised coordinates, and the covariance that follows.

With z the draws in coordinates of mean 0 and covariance I, a bucket of clusters moves the posterior mean of z by its
influence u_b = Cov(z, ℓ_b), the posterior covariance with the log-likelihood of its customers: the infinitesimal
jackknife, which needs no maximum, no derivatives and no sandwich of its own, and so serves every model (Giordano &
Broderick 2023, arXiv 2305.06466). Left out altogether it moves them by (I − H_b)⁻¹u_b, H_b the information of its
customers; the step matters for large accounts (Bell & McCaffrey 2002, Survey Methodology 28:169–181, their CR3). The
draws are given the covariance

    M = I + (G − 1)/G·Σ_b m_b·m_b' − H,        m_b = (I − H_b)⁻¹u_b,    H = Σ_b H_b,

where I − H is what the prior adds to the posterior's own covariance J⁻¹(J_data + P)J⁻¹: with it a quantity of which the
counts say nothing keeps the spread of its prior, and independent customers that of their posterior. The rule for
composite likelihoods, J⁻¹KJ⁻¹ (Ribatet, Cooley & Davison 2012, Statistica Sinica 22:813–845; Shaby 2014,
doi 10.1214/14-BA911), and the infinitesimal jackknife alone leave the first without any.

Tried on 60 cohorts each of customers in accounts with an intraclass correlation of .3, ten levels in twelve strata,
retention of each level and its differences (normal draws about the mode, mean standard errors over the deviation of the
estimates): 3,000 customers in accounts of 1 to 200 (Zipf) 0.40 as sampled, 0.81 by the infinitesimal jackknife, 0.99 by
M; 800 customers in accounts of 1 to 6: 0.83, 1.00, 1.12, where the jackknife alone had less than the stated coverage.
"""

from dataclasses import dataclass

import numpy as np

LARGEST = 0.75
"""Share of the information in a direction from one bucket, beyond which no more is made up for: a factor of 4."""


@dataclass(frozen=True, slots=True, eq=False)
class Influences:
    """What buckets contribute, in standardised coordinates.

    Attributes
    ----------
    influence : ndarray of shape (n_coordinates, n_buckets)
        u_b of each bucket with customers.
    factors : ndarray of shape (n_coordinates, n_factors)
        Directions f in which customers inform.
    weights : ndarray of shape (n_factors, n_buckets)
        H_b is the sum of f·f' times these.
    """

    influence: np.ndarray
    factors: np.ndarray
    weights: np.ndarray

    @property
    def n_buckets(self) -> int:
        """Buckets with customers."""
        return int(self.influence.shape[1])

    @property
    def information(self) -> np.ndarray:
        """H, (n_coordinates, n_coordinates)."""
        information: np.ndarray = (self.factors * self.weights.sum(axis=1)) @ self.factors.T
        return information

    def covariance(self, n_draws: int) -> np.ndarray:
        """M, less what u_b from so many draws adds to it by chance, (n_coordinates, n_coordinates).

        An influence on z from n independent draws varies by tr(…)/n about its own: Wishart's E[ĈΓĈ] = CΓC + C·tr(ΓC)/n.
        """
        moves = np.column_stack([self._left_out(b) for b in range(self.n_buckets)])
        between = moves @ moves.T * (self.n_buckets - 1) / self.n_buckets
        more = between - self.information
        chance = max(float(np.trace(more)), 0.0) / n_draws
        covariance: np.ndarray = (1 - chance) * np.eye(len(more)) + more
        return covariance

    def _left_out(self, bucket: int) -> np.ndarray:
        """(I − H_b)⁻¹u_b, by the smaller one of H_b and its Gram matrix."""
        weight, influence = self.weights[:, bucket], self.influence[:, bucket]
        seen = np.flatnonzero(weight > 0)
        part = self.factors[:, seen] * np.sqrt(weight[seen])
        if part.shape[1] >= len(part):
            share, axes = np.linalg.eigh(part @ part.T)
            inflated: np.ndarray = axes @ (axes.T @ influence / (1 - np.minimum(share, LARGEST)))
            return inflated
        share, axes = np.linalg.eigh(part.T @ part)
        axes, share = axes[:, share > 0], share[share > 0]
        # (1/(1 − s) − 1)/s, s the share of the information in a direction
        more = (1 / (1 - np.minimum(share, LARGEST)) - 1) / share
        moved: np.ndarray = influence + part @ (axes @ (more * (axes.T @ (part.T @ influence))))
        return moved

"""Influences of buckets of clusters on a posterior of retention, whatever the model: from its hazards alone."""

import numpy as np

from cxlink.bayes.assessment.pointwise import cells_of, kept_blocks
from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.pooled_counts import PooledPeriods
from cxlink.bayes.rescaling.bucket_influences import Influences

_LEAST = -1e-300


def retention_influences(posterior: Posterior, pooled: PooledPeriods, z: np.ndarray) -> Influences:
    """Give the influences of the buckets of clusters.

    A customer at risk has log(1 − h), and one lost log h − log(1 − h) beside: with k and e their covariances with z in
    each cell, u_b is the sum of k over those at risk and of e over those lost; the information is r·h(1 − h)·e·e'.

    Parameters
    ----------
    posterior : Posterior
        Of ``bayes`` or ``bayes_sbg``, as sampled.
    pooled : PooledPeriods
        What it was sampled from, with customers in buckets.
    z : ndarray of shape (n_draws, n_coordinates)
        Its draws in standardised coordinates.
    """
    assert pooled.customers is not None
    n_cells = len(cells_of(pooled)[0])
    of_kept, of_lost = np.zeros((2, z.shape[1], n_cells))
    hazard = np.zeros(n_cells)
    for draws, cells, kept in kept_blocks(posterior, pooled):
        lost = np.log(-np.expm1(np.minimum(kept, _LEAST)))
        of_kept[:, cells] += z[draws].T @ kept
        of_lost[:, cells] += z[draws].T @ (lost - kept)
        hazard[cells] += -np.expm1(kept).sum(axis=0)
    of_kept, of_lost, hazard = of_kept / len(z), of_lost / len(z), hazard / len(z)
    at_risk, lost = _by_bucket(pooled)
    influence = of_kept @ at_risk + of_lost @ lost
    return Influences(influence, of_lost * np.sqrt(hazard * (1 - hazard)), at_risk)


def _by_bucket(pooled: PooledPeriods) -> tuple[np.ndarray, np.ndarray]:
    """Customers at risk and lost in each cell, by bucket: (n_cells, n_buckets) each, of the buckets there are."""
    customers = pooled.customers
    assert customers is not None
    assert customers.bucket is not None
    n_periods = pooled.at_risk.shape[-1]
    shape = (int(np.prod(pooled.coding.shape)), n_periods)
    at = np.ravel_multi_index(cells_of(pooled), pooled.at_risk.shape)
    sums = []
    for bucket in np.unique(customers.bucket):
        mine = customers.of_bucket(int(bucket))
        sums.append([one.ravel()[at] for one in mine.by_period(mine.n, shape)])
    at_risk, lost = (np.array(one, dtype=float).T for one in zip(*sums, strict=True))
    return at_risk, lost

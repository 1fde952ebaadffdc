"""Influences of buckets of clusters on a posterior of spend, a hurdle and a gamma, from the sums of its cells."""

import numpy as np
from scipy.special import digamma, expit, gammaln, polygamma

from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.rescaling.bucket_influences import Influences
from cxlink.bayes.stacked_spend import StackedCells


def spend_influences(posterior: Posterior, stack: StackedCells, z: np.ndarray) -> Influences:
    """Give the influences of the buckets of clusters.

    The log-likelihood is a sum of n₀, n₊, Σlog y and Σy times functions of the draw (`stacked_spend`), with whose
    covariances with z the sums of a bucket make its influence. The information is p(1 − p) of who spends, and of a
    gamma of shape k and mean m the covariance of log y and y: ψ'(k), m/k and m²/k.

    Parameters
    ----------
    posterior : Posterior
        Of `spend_posterior.sample_spend`, as sampled.
    stack : StackedCells
        What it was sampled from, with buckets.
    z : ndarray of shape (n_draws, n_coordinates)
        Its draws in standardised coordinates.
    """
    assert stack.buckets is not None
    at = (slice(None), stack.cohort, stack.level, stack.stratum)
    share, amount, k = (
        *(posterior.draws(name)[at] for name in ("share", "amount")),
        posterior.draws("shape"),
    )
    k = k[:, stack.level]
    functions = (
        -np.logaddexp(0, share), -np.logaddexp(0, -share) + k * (np.log(k) - amount) - gammaln(k), k - 1,
        -k * np.exp(-amount),
    )  # fmt: skip
    nothing, something, log_y, y = (z.T @ one / len(z) for one in functions)
    present = stack.buckets.n.any(axis=0)
    n, positive, total, log_total = (
        getattr(stack.buckets, name)[:, present] for name in ("n", "positive", "total", "log_total")
    )
    influence = nothing @ (n - positive) + something @ positive + log_y @ log_total + y @ total
    p, m, k = expit(share).mean(axis=0), np.exp(amount).mean(axis=0), k.mean(axis=0)
    spends = something - nothing + log_y * (digamma(k) - np.log(k / m)) + y * m
    first = np.sqrt(polygamma(1, k))
    both = m / k / first
    rest = np.sqrt(np.maximum(m**2 / k - both**2, 0.0))
    factors = np.hstack([spends * np.sqrt(p * (1 - p)), log_y * first + y * both, y * rest])
    return Influences(influence, factors, np.vstack([n, n * p[:, None], n * p[:, None]]))

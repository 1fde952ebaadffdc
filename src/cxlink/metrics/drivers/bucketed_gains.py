"""Gains of scores where customers are clustered: folds of whole buckets, and errors over buckets.

With c_b what the held-out customers of bucket b gain, w_b the sum of their weights and ḡ = Σc / Σw of the fold, a
bucket's influence is u_b = c_b − ḡ·w_b, and the covariance of the gains Σc / Σw over all folds is
Σ s_b·u_b·u_b' / (Σw)² (Bayle, Bayle, Janson & Mackey 2020, arXiv 2007.12671, with buckets for observations);
s_b = 1 / (1 − 2h + Σh²), h the bucket's share of the fold.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.spell_buckets import bucket_spread
from cxlink.groups.bucket_folds import fold_of_buckets
from cxlink.groups.effective_buckets import effective_of
from cxlink.survival.proportional_hazards.effect_shapes import FOLDS

Contributions = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """Customers who are predicted, in rows.

    Attributes
    ----------
    bucket : int ndarray of shape (n_rows,)
        Of their clusters.
    n : ndarray of shape (n_rows,)
        Customers.
    weight : ndarray of shape (n_rows,)
        Sums of their weights.
    """

    bucket: np.ndarray
    n: np.ndarray
    weight: np.ndarray

    @property
    def effective(self) -> float:
        """Buckets that a mean over the customers stands on, see `effective_of`."""
        return effective_of(np.bincount(self.bucket, self.weight, BUCKETS))


def summed_over_folds(
    held: HeldOut, contributions: Contributions, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """Give the gains and their covariance.

    Parameters
    ----------
    held : HeldOut
        The customers.
    contributions : callable
        Of a bool ndarray of shape (n_rows,), the rows that models are fitted to: what each row gains, weights
        included, (n_comparisons, n_rows).
    rng : Generator
        Deals buckets into folds; advanced.

    Returns
    -------
    (ndarray of shape (n_comparisons,), ndarray of shape (n_comparisons, n_comparisons)) or None
        None where all customers are in one bucket.
    """
    size = np.bincount(held.bucket, held.n, BUCKETS)
    folds = min(FOLDS, int((size > 0).sum()))
    if folds < 2:
        return None
    fold = fold_of_buckets(size, folds, rng)[held.bucket]
    parts = [_of_fold(held, contributions(fold != k), fold == k) for k in range(folds)]
    whole = float(held.weight.sum())
    gains, spreads = (np.sum(one, axis=0) for one in zip(*parts, strict=True))
    return gains / whole, spreads / whole**2


def _of_fold(held: HeldOut, gained: np.ndarray, out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum of what a fold gains, and of the outer products of its buckets' influences."""
    gained, weight, bucket = gained[:, out], held.weight[out], held.bucket[out]
    total = gained.sum(axis=1)
    if not weight.sum() > 0:
        return total, np.zeros((len(total),) * 2)
    apart = gained - np.outer(total / weight.sum(), weight)
    each = np.array([np.bincount(bucket, one, BUCKETS) for one in apart])
    share = np.bincount(bucket, weight, BUCKETS)
    there = np.flatnonzero(share > 0)
    spread = bucket_spread(share[there], np.zeros(len(there), dtype=int))
    return total, (each[:, there] * spread) @ each[:, there].T

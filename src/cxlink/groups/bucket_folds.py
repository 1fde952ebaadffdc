"""Whole buckets of clusters in folds of cross-validation, so that no account is on both sides."""

import numpy as np


def fold_of_buckets(size: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Deal buckets into folds, the largest first into the fold with fewest customers.

    Parameters
    ----------
    size : ndarray of shape (n_buckets,)
        Customers of each; those without any are in the first fold.
    folds : int
        At most as many as there are buckets with customers.
    rng : Generator
        Decides between buckets of one size; advanced.

    Returns
    -------
    int ndarray of shape (n_buckets,)
    """
    present = np.flatnonzero(size > 0)
    fold, filled = np.zeros(len(size), dtype=int), np.zeros(folds)
    shuffled = rng.permutation(present)
    for bucket in shuffled[np.argsort(-size[shuffled], kind="stable")]:
        fold[bucket] = int(np.argmin(filled))
        filled[fold[bucket]] += size[bucket]
    return fold

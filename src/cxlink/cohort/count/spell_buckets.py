"""Customers of spells by the bucket of their cluster: the units that are drawn, and whose influences are added up."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array

from cxlink.cohort.count.clusters import BUCKETS

MOST_SPREAD = 4.0
"""Variance of a bucket with half of a pair's customers, the others being small; one with more is not made up for."""


@dataclass(frozen=True, slots=True, eq=False)
class SpellBuckets:
    """Customers of each spell by place: a place is one bucket's customers of one pair of level and stratum.

    Attributes
    ----------
    pair, bucket : int ndarray of shape (n_places,)
        Of each place.
    customers : sparse matrix of shape (n_spells, n_places)
        Customers.
    number, total : sparse matrices of the same shape
        Of customers with a complete window: how many, and Σy.
    """

    pair: np.ndarray
    bucket: np.ndarray
    customers: csr_array
    number: csr_array
    total: csr_array

    @property
    def spread(self) -> np.ndarray:
        """Variance that a weight of each place needs, of shape (n_places,); see `bucket_spread`."""
        n = np.asarray(self.customers.sum(axis=0), dtype=float).ravel()
        return bucket_spread(n, self.pair)

    def of_windows(self, complete: np.ndarray) -> "SpellBuckets":
        """Customers with a complete window alone, in some of the spells.

        Parameters
        ----------
        complete : bool ndarray of shape (n_spells,)
            Spells that stay.
        """
        number = self.number[complete]
        return replace(self, customers=number, number=number, total=self.total[complete])

    def scaled(self, factor: np.ndarray) -> "SpellBuckets":
        """Multiply what customers of each spell spent by a factor, of shape (n_spells,)."""
        return replace(self, total=csr_array(self.total.multiply(factor[:, None])))


def bucket_spread(n: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Variance that a weight of each bucket of a part needs, 1 / (1 − 2h + Σh²).

    With h the bucket's share of the customers of its part: a bucket's mean differs from the part's, of which it is a
    piece, by so much less than from the truth, where the buckets' means vary alike (G / (G − 1) for G buckets of one
    size; Bell & McCaffrey 2002, Survey Methodology 28:169–181). At most `MOST_SPREAD`, and half of that for a part of
    one bucket, which has nothing to differ from.

    Parameters
    ----------
    n : ndarray of shape (n_places,)
        Customers of each bucket of a part.
    part : int ndarray of shape (n_places,)
        Which part: a pair of level and stratum, or a fold.

    Returns
    -------
    ndarray of shape (n_places,)

    Examples
    --------
    >>> bucket_spread(np.array([10.0, 10.0, 10.0]), np.array([0, 0, 0])).round(6).tolist()
    [1.5, 1.5, 1.5]
    """
    whole = np.bincount(part, n)[part]
    share = np.divide(n, whole, out=np.zeros(len(n)), where=whole > 0)  # a pair may have no complete window
    left = 1 - 2 * share + np.bincount(part, share**2)[part]
    spread = 1 / np.maximum(left, 1 / MOST_SPREAD)
    alone: np.ndarray = np.bincount(part)[part] == 1
    return np.where(alone, MOST_SPREAD / 2, spread)


def buckets_of(cells: pd.DataFrame, spell: np.ndarray, pair: np.ndarray) -> SpellBuckets:
    """Sort the customers of cells by spell and place.

    Parameters
    ----------
    cells : DataFrame
        Scored cells with ``bucket`` and ``n``, and where there is spend ``spend_n`` and ``spend_sum``.
    spell : int ndarray of shape (n_cells,)
        Spell of each cell.
    pair : int ndarray of shape (n_spells,)
        Pair of level and stratum of each spell.
    """
    key = pair[spell] * BUCKETS + cells["bucket"].to_numpy(int)
    places, place = np.unique(key, return_inverse=True)
    shape = (len(pair), len(places))

    def collected(name: str) -> csr_array:
        amount = cells[name].to_numpy(float) if name in cells else np.zeros(len(cells))
        made = coo_array((amount, (spell, place.ravel())), shape=shape).tocsr()
        made.sum_duplicates()
        return made

    names = ("n", "spend_n", "spend_sum")
    return SpellBuckets(places // BUCKETS, places % BUCKETS, *(collected(name) for name in names))

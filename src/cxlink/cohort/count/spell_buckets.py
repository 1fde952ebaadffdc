"""Customers of spells by the bucket of their cluster: the units that are drawn, and whose influences are added up."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array

from cxlink.cohort.count.clusters import BUCKETS


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
    def per_pair(self) -> np.ndarray:
        """Buckets with customers in the pair of each place, of shape (n_places,)."""
        sizes: np.ndarray = np.bincount(self.pair, minlength=1)[self.pair]
        return sizes

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

"""Mean spend of the cells of a frame by bucket of clusters: its variance, and what a bucket moves it by."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from cxlink.cohort.count.spells import Spells
from cxlink.comparison.clustered.bucket_noise import BucketedCells, bucketed_cells, customers_by_bucket
from cxlink.spend.means import CellMeans


@dataclass(frozen=True, slots=True, eq=False)
class BucketedMeans:
    """What buckets contribute to the customers and means of cells.

    Attributes
    ----------
    cells : BucketedCells
        Customers, and how far those of a bucket are alike.
    variance : ndarray of shape (n_levels, n_places)
        Of the mean, over buckets; of a cell of one bucket what its customers' likeness makes it; NaN without customers.
    customers, scores : sparse matrices of shape (n_cells, n_bucket_places)
        Customers of each place of `SpellBuckets`, and what they add to a cell's mean.
    """

    cells: BucketedCells
    variance: np.ndarray
    customers: csr_array
    scores: csr_array


def bucketed_means(
    spells: Spells, means: CellMeans, place: np.ndarray, shape: tuple[int, int]
) -> BucketedMeans:
    """Collect them.

    Parameters
    ----------
    spells : Spells
        Clustered customers with a complete window.
    means : CellMeans
        Of the cells.
    place : int ndarray of shape (n_spells,)
        Cell of each spell; −1: none.
    shape : (int, int)
        Levels and places of the cells.
    """
    buckets = spells.buckets
    assert buckets is not None
    n_cells = shape[0] * shape[1]
    inside = np.flatnonzero(place >= 0)
    collect = csr_array(
        coo_array((np.ones(len(inside)), (place[inside], inside)), shape=(n_cells, len(place)))
    )
    variance = (means.scores.power(2) @ buckets.spread).reshape(shape)
    n = customers_by_bucket(spells, place, n_cells).reshape(*shape, -1)
    size = n.sum(axis=-1)
    single = np.where(size > 1, size * means.variance.reshape(shape), np.nan)
    cells = bucketed_cells(n, variance, single)
    alone = means.variance.reshape(shape) * cells.inflation
    variance = np.where(cells.buckets > 1, variance, np.where(size > 0, alone, np.nan))
    customers = csr_array(collect @ buckets.customers)
    return BucketedMeans(cells, variance, customers, csr_array(means.scores))

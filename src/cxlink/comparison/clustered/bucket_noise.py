"""Cells of clustered customers: their noise over buckets of clusters, and the draws of those that no weight varies."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.spells import RiskSets, Spells
from cxlink.comparison.cell_windows import counted_in, window_steps
from cxlink.comparison.common_support import Frame

_AT_ONCE = 20
"""Buckets that are counted together, so that memory stays small."""


@dataclass(frozen=True, slots=True, eq=False)
class BucketedCells:
    """Customers of the cells of a frame by bucket, and how far those of a bucket are alike.

    Attributes
    ----------
    n : ndarray of shape (n_levels, n_places, n_buckets)
        Customers.
    likeness : float
        Correlation of what two customers of a cell and bucket do, from 0 to 1.
    """

    n: np.ndarray
    likeness: float

    @property
    def buckets(self) -> np.ndarray:
        """Buckets with customers of each cell."""
        number: np.ndarray = (self.n > 0).sum(axis=-1)
        return number

    @property
    def inflation(self) -> np.ndarray:
        """Variance of each cell's mean over that of independent customers, 1 + ρ (Σ m² / n − 1)."""
        inflated: np.ndarray = 1 + self.likeness * np.maximum(_size(self.n) - 1, 0.0)
        return inflated

    @property
    def noise_of_square(self) -> np.ndarray:
        """Standard deviation of a squared deviation less its variance, in variances of one customer over n."""
        noise: np.ndarray = self.inflation * np.sqrt(2 * self.buckets / np.maximum(self.buckets - 1, 1))
        return noise

    @property
    def overall(self) -> float:
        """`inflation`, averaged over customers: what a number of losses is divided by to say as much."""
        n = self.n.sum(axis=-1)
        return float((n * self.inflation).sum() / n.sum()) if n.sum() > 0 else 1.0

    def alike(self, cells: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
        """Draw a normal number for each of some cells of one bucket: alike where the bucket is the same.

        Parameters
        ----------
        cells : bool ndarray of shape (n_levels, n_places)
            Cells, each of one bucket.
        size : int
            Draws.
        rng : Generator
            Advanced.

        Returns
        -------
        ndarray of shape (n_chosen, size)
            Standard normal; of cells of one bucket with the correlation that the likeness of their customers gives.
        """
        chosen = self.n[cells]
        n = chosen.sum(axis=1)
        part = self.likeness * n / (1 + (n - 1) * self.likeness)
        shared = rng.standard_normal((size, BUCKETS))[:, chosen.argmax(axis=1)]
        own = rng.standard_normal((size, len(n)))
        drawn: np.ndarray = (np.sqrt(part) * shared + np.sqrt(1 - part) * own).T
        return drawn


def _size(n: np.ndarray) -> np.ndarray:
    """Mean bucket of a customer, Σ m² / n; 1 without customers."""
    total = n.sum(axis=-1)
    size: np.ndarray = np.divide((n**2).sum(axis=-1), total, out=np.ones(total.shape), where=total > 0)
    return size


def customers_by_bucket(spells: Spells, cell: np.ndarray, n_cells: int) -> np.ndarray:
    """Customers of each cell and bucket, (n_cells, n_buckets); ``cell`` of each spell, −1: none."""
    assert spells.buckets is not None
    inside = np.flatnonzero(cell >= 0)
    collect = csr_array(coo_array((np.ones(len(inside)), (cell[inside], inside)), shape=(n_cells, len(cell))))
    whole: np.ndarray = (collect @ by_bucket(spells)).astype(float)
    return whole


def by_bucket(spells: Spells) -> np.ndarray:
    """Customers of each spell by bucket, (n_spells, n_buckets)."""
    assert spells.buckets is not None
    places = len(spells.buckets.bucket)
    into = coo_array((np.ones(places), (np.arange(places), spells.buckets.bucket)), shape=(places, BUCKETS))
    dense: np.ndarray = (spells.buckets.customers @ csr_array(into)).toarray()
    return dense


def variance_over_buckets(
    spells: Spells, count: RiskSets, frame: Frame, cell: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give the customers of each place by bucket, and the variance of the log of its retained share over buckets.

    Σ_b s_b (Σ_t (d_bt − r_bt·d_t/r_t) / (r_t − d_t))², with s_b as `SpellBuckets.spread` has it.

    Parameters
    ----------
    spells : Spells
        A cohort, its customers clustered.
    count : RiskSets
        By level × stratum.
    frame : Frame
        The places.
    cell : int ndarray of shape (n_spells,)
        Level × stratum of each spell; −1: none.

    Returns
    -------
    n : ndarray of shape (n_levels, n_places, n_buckets)
    variance : ndarray of shape (n_levels, n_places)
    """
    shape = (len(frame.levels), len(frame.strata))
    n = customers_by_bucket(spells, cell, shape[0] * shape[1]).reshape(*shape, -1)[:, frame.stratum]
    spread = _spread(spells, cell, shape)[:, frame.stratum]
    at_risk, lost = counted_in(count, spells.n[:, None].astype(float), frame)
    weights, variance = by_bucket(spells), np.zeros(n.shape[:2])
    for start in range(0, BUCKETS, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        mine, gone = counted_in(count, weights[:, part], frame)
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = np.where(at_risk > lost, (gone - mine * lost / at_risk) / (at_risk - lost), 0.0)
        variance += (spread[..., part] * window_steps(moved, frame) ** 2).sum(axis=-1)
    return n, variance


def _spread(spells: Spells, cell: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """`SpellBuckets.spread` of each cell and bucket, (n_levels, n_strata, n_buckets); 0 without customers."""
    assert spells.buckets is not None
    of_pair = np.zeros((spells.n_pairs, BUCKETS))
    of_pair[spells.buckets.pair, spells.buckets.bucket] = spells.buckets.spread
    table = np.zeros((shape[0] * shape[1], BUCKETS))
    table[cell[cell >= 0]] = of_pair[spells.pair[cell >= 0]]
    return table.reshape(*shape, -1)


def bucketed_cells(n: np.ndarray, variance: np.ndarray, single: np.ndarray) -> BucketedCells:
    """Estimate how far customers of a cell and bucket are alike, from cells of two buckets or more.

    By moments: the variance of a cell's mean is v₁/n·(1 + ρ (Σ m²/n − 1)), v₁ that of one customer, so that
    ρ = Σ (n·v − v₁) / Σ v₁ (Σ m²/n − 1).

    Parameters
    ----------
    n : ndarray of shape (n_levels, n_places, n_buckets)
        Customers.
    variance : ndarray of shape (n_levels, n_places)
        Of each cell's mean, over buckets.
    single : ndarray of shape (n_levels, n_places)
        Of one customer; NaN where it is not known.
    """
    used = ((n > 0).sum(axis=-1) > 1) & np.isfinite(variance) & np.isfinite(single)
    over = (n.sum(axis=-1) * np.nan_to_num(variance) - np.nan_to_num(single))[used]
    against = (np.nan_to_num(single) * (_size(n) - 1))[used]
    likeness = over.sum() / against.sum() if against.sum() > 0 else 0.0
    return BucketedCells(n, float(np.clip(likeness, 0.0, 1.0)))

"""Two cohorts of which one or both are clustered: whose buckets are drawn, and how many a figure stands on.

Where both name the same column, an account with customers in both is one: its bucket has one weight in both cohorts.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.counts import Counts
from cxlink.groups.effective_buckets import effective_number

Streams = tuple[np.random.Generator, np.random.Generator]


@dataclass(frozen=True, slots=True, eq=False)
class PairedBuckets:
    """Customers of both cohorts by place and bucket.

    Attributes
    ----------
    n : pair of ndarray of shape (n_levels, n_places, n_buckets), or None
        Of the base and of the new cohort; None where its customers are independent.
    """

    n: tuple[np.ndarray | None, np.ndarray | None]

    def effective(self, cells: np.ndarray, *, new_alone: bool = False) -> float:
        """Degrees of freedom of what is said of some places, (Σq)² / Σq²: infinite where nobody is clustered.

        With q the squares of what a bucket's customers weigh together in the means of both cohorts, added up; see
        `effective_buckets`.

        Parameters
        ----------
        cells : bool ndarray of shape (n_levels, n_places)
            The places.
        new_alone : bool
            Whether the figure is of the new cohort alone.
        """
        tables = [one for one in (self.n[1:] if new_alone else self.n) if one is not None]
        if not tables:
            return np.inf
        squares = np.zeros(BUCKETS)
        for table in tables:
            n = table[cells].sum(axis=0)
            squares += (n / max(n.sum(), 1.0)) ** 2
        return effective_number(squares)

    def freedom(self, cells: Sequence[np.ndarray]) -> np.ndarray:
        """Degrees of freedom of views, last of everybody: (2, n_views + 1), of both cohorts and of the new one."""
        table = next((one for one in self.n if one is not None), None)
        everybody = [] if table is None else [np.ones(table.shape[:2], bool)]
        if not everybody:
            return np.full((2, len(cells) + 1), np.inf)
        views = [*cells, *everybody]
        return np.array([[self.effective(one, new_alone=alone) for one in views] for alone in (False, True)])


def paired_streams(rng: np.random.Generator, *, shared: bool) -> Streams:
    """Give what buckets of either cohort are drawn from: the same numbers, where accounts are shared."""
    one, two = rng.spawn(2)
    return (one, copy.deepcopy(one)) if shared else (one, two)


def together(moved: Sequence[np.ndarray | None], *, shared: bool) -> tuple[np.ndarray, np.ndarray] | None:
    """Put what buckets move the figures of both cohorts by side by side: of shared accounts in one column.

    Parameters
    ----------
    moved : pair of ndarray of shape (n_figures, n_buckets), or None
        Of the base and of the new cohort; None where its customers are independent.
    shared : bool
        Whether a bucket is the same in both.

    Returns
    -------
    pair of ndarray of shape (n_figures, n_columns), or None
        None where no cohort is clustered.
    """
    tables = [one for one in moved if one is not None]
    if not tables:
        return None
    base, new = (np.zeros_like(tables[0]) if one is None else one for one in moved)
    if shared:
        return base, new
    nothing = np.zeros_like(base)
    return np.hstack([base, nothing]), np.hstack([nothing, new])


def response_error(cohorts: tuple[Counts, Counts], *, shared: bool) -> tuple[float, float]:
    """Give the standard error of the change of the share with a score, and its degrees of freedom.

    Of clustered customers V = G / (G − 1)·Σ_b (x_b − R·n_b)² / n² (Cochran 1977, chapter 6), of others R (1 − R) / n.

    Parameters
    ----------
    cohorts : pair of Counts
        Base and new.
    shared : bool
        Whether a bucket is the same in both.
    """
    independent, sizes = 0.0, []
    moved: list[np.ndarray | None] = []
    for one in cohorts:
        n = one.cells["n"].to_numpy(float)
        scored = n * one.cells["score"].notna().to_numpy()
        share = scored.sum() / n.sum()
        if "bucket" not in one.cells:
            independent += share * (1 - share) / n.sum()
            moved.append(None)
            continue
        bucket = one.cells["bucket"].to_numpy(int)
        of_bucket = np.bincount(bucket, n, BUCKETS)
        n_buckets = int((of_bucket > 0).sum())
        change = np.bincount(bucket, scored - share * n, BUCKETS) / n.sum()
        moved.append((change * np.sqrt(n_buckets / max(n_buckets - 1, 1)))[None])
        sizes.append((of_bucket / n.sum()) ** 2)
    both = together(moved, shared=shared)
    over = 0.0 if both is None else float(((both[1] - both[0]) ** 2).sum())
    return float(np.sqrt(over + independent)), effective_number(np.sum(sizes, axis=0)) if sizes else np.inf

"""Spend by score level and stratum, as sums: the data of the regressions of spend."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.counts import SPEND, Counts
from cxlink.cohort.count.spells import Spells

_BUCKETED = ("n", "positive", "total", "log_total")
_SUMS = ("n", "positive", "total", "squares", "log_total", "log_squares", "total_log")


@dataclass(frozen=True, slots=True, eq=False)
class BucketSums:
    """Sums of cells by the bucket of their customers' clusters; see `SpendCells`.

    Attributes
    ----------
    n, positive, total, log_total : ndarray of shape (n_cells, n_buckets)
        Customers with a complete window, those who spent, Σy and Σlog y.
    """

    n: np.ndarray
    positive: np.ndarray
    total: np.ndarray
    log_total: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class SpendCells:
    """Customers with a complete window, by level and stratum.

    Attributes
    ----------
    levels : tuple of int
        Score levels with customers, from the worst to the best, as in the spells.
    strata : DataFrame of shape (n_strata, n_variables)
        The strata with customers, as in the spells.
    level, stratum : int ndarray of shape (n_cells,)
        Positions in the above; each pair with complete windows once.
    n, positive : ndarray of shape (n_cells,)
        Customers, and those of them whose spend is not 0.
    total, squares : ndarray of shape (n_cells,)
        Σy and Σy².
    log_total, log_squares, total_log : ndarray of shape (n_cells,)
        Σlog y, Σ(log y)² and Σy·log y of positive y.
    buckets : BucketSums or None
        The same customers by bucket; None where they are independent.
    """

    levels: tuple[int, ...]
    strata: pd.DataFrame
    level: np.ndarray
    stratum: np.ndarray
    n: np.ndarray
    positive: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    log_total: np.ndarray
    log_squares: np.ndarray
    total_log: np.ndarray
    buckets: BucketSums | None = None

    @property
    def positive_mean(self) -> float:
        """Mean spend of the cohort's spenders; NaN without any."""
        spenders = float(self.positive.sum())
        return float(self.total.sum()) / spenders if spenders else np.nan


def spend_cells(counts: Counts, spells: Spells) -> SpendCells:
    """Add the scored cells of counts up by level and stratum, whatever the entry, the exit and the cause.

    Parameters
    ----------
    counts : Counts
        With spend.
    spells : Spells
        Of the same counts; gives the levels and strata.
    """
    cells = counts.scored
    names = list(spells.strata.columns)
    place = {level: i for i, level in enumerate(spells.levels)}
    at = spells.strata.assign(stratum=np.arange(len(spells.strata)))
    keys = [*names, *(["bucket"] if "bucket" in cells else [])]
    frame = cells[[*keys, *SPEND]].assign(level=cells["score"].astype(int).map(place))
    frame = frame.merge(at, how="left", on=names) if names else frame.assign(stratum=0)
    apart, frame = frame, frame.groupby(["level", "stratum"], sort=True, as_index=False)[list(SPEND)].sum()
    frame = frame[frame["spend_n"] > 0]
    sums = {name: frame[column].to_numpy(float) for name, column in zip(_SUMS, SPEND, strict=True)}
    sums["positive"] = sums["n"] - sums["positive"]
    level, stratum = frame["level"].to_numpy(int), frame["stratum"].to_numpy(int)
    buckets = _by_bucket(apart, level, stratum) if "bucket" in apart else None
    return SpendCells(spells.levels, spells.strata, level, stratum, **sums, buckets=buckets)


def _by_bucket(frame: pd.DataFrame, level: np.ndarray, stratum: np.ndarray) -> BucketSums:
    """Add up customers and spend of each cell, given by its level and stratum, in each bucket."""
    cells = pd.DataFrame({"level": level, "stratum": stratum, "cell": np.arange(len(level))})
    frame = frame[frame["spend_n"] > 0].merge(cells, how="left", on=["level", "stratum"])
    place = frame["cell"].to_numpy(int) * BUCKETS + frame["bucket"].to_numpy(int)
    size = len(level) * BUCKETS
    spend_n, zero, total, log_total = (
        np.bincount(place, frame[name].to_numpy(float), size).reshape(-1, BUCKETS)
        for name in ("spend_n", "spend_zero", "spend_sum", "spend_sum_log")
    )
    return BucketSums(spend_n, spend_n - zero, total, log_total)


def merged(cells: SpendCells) -> SpendCells:
    """Pool the strata into one without a name."""
    level, at = np.unique(cells.level, return_inverse=True)
    sums = {name: np.bincount(at, getattr(cells, name), len(level)) for name in _SUMS}
    strata = pd.DataFrame(index=range(1))
    buckets = None
    if cells.buckets is not None:
        each = {name: np.zeros((len(level), BUCKETS)) for name in _BUCKETED}
        for name, pooled in each.items():
            np.add.at(pooled, at, getattr(cells.buckets, name))
        buckets = BucketSums(**each)
    return SpendCells(cells.levels, strata, level, np.zeros(len(level), int), **sums, buckets=buckets)


def in_units(cells: SpendCells, unit: float) -> SpendCells:
    """Measure spend in multiples of an amount: y becomes y / unit."""
    log, buckets = np.log(unit), cells.buckets
    if buckets is not None:
        logs = buckets.log_total - buckets.positive * log
        buckets = replace(buckets, total=buckets.total / unit, log_total=logs)
    return replace(
        cells,
        buckets=buckets,
        total=cells.total / unit,
        squares=cells.squares / unit**2,
        log_total=cells.log_total - cells.positive * log,
        log_squares=cells.log_squares - 2 * log * cells.log_total + cells.positive * log**2,
        total_log=(cells.total_log - cells.total * log) / unit,
    )

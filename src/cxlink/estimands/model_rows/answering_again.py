"""Whether those whose scores fell had answered again as often as those they are compared with.

At the same present score p, those who fell to it gave a higher score l before, and those who stayed at it gave p. If
customers answer again by their last score *and* by what decides who is lost, the two differ in that however little a
fall does (`several-surveys.md`). What can be seen of it is the share r(s) who answer again after a first score of s:
the average of r(p) − r(l) over the surveys that fell is 0 where answering does not depend on the score.

Who has left cannot answer, so that the share is of customers still there when asked. Counts hold that time in bands:
the earliest and the latest time of each band bound the share, and so the difference.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.read.columns import band_labels
from cxlink.cohort.spec.cohort_spec import SINCE_LAST, SURVEY_NUMBER, CohortSpec
from cxlink.cohort.strata import stratum_column
from cxlink.groups.changed_scores import moves, repeated


@dataclass(frozen=True, slots=True)
class AnsweringAgain:
    """Shares of customers who answer again, averaged over the surveys that fell.

    Attributes
    ----------
    surveys : int
        That fell.
    fallen_to, fallen_from : float
        After the scores that these fell to, and after those that they fell from; of those there at the earliest time.
    low, high : float
        Ends of an interval of the first less the second, whenever within the bands customers were asked.
    """

    surveys: int
    fallen_to: float
    fallen_from: float
    low: float
    high: float

    @property
    def differs(self) -> bool:
        """Whether one is more than the other, beyond chance."""
        return self.low > 0 or self.high < 0


def answering_again(counts: Counts) -> AnsweringAgain | None:
    """Compare how often customers answer again after the scores that surveys fell to, and that they fell from.

    Parameters
    ----------
    counts : Counts
        Of a cohort whose surveys all count.

    Returns
    -------
    AnsweringAgain or None
        None where no score fell between levels that somebody gave first, or where counts have no buckets.
    """
    cells, spec = repeated(counts), counts.spec
    first = counts.scored[counts.scored["previous"].isna()]
    known = cells["score"].isin(first["score"]) & cells["previous"].isin(first["score"])
    fell = cells[(moves(cells, spec) < 0) & known]
    if not len(fell) or "bucket" not in cells:
        return None
    size = int(fell["n"].sum())
    to, since = (_by_bucket(fell, column, spec).sum(axis=0) / size for column in ("score", "previous"))
    bands = list(_bands(counts, (to + since) > 0))
    earliest, latest = (_difference([band[side] for band in bands], to, since, spec) for side in (0, 1))
    low, high = min(earliest[2], latest[2]), max(earliest[3], latest[3])
    return AnsweringAgain(size, *earliest[:2], low, high)


_Shares = tuple[np.ndarray, np.ndarray]
"""Customers by bucket and level: who answered again in a band, of those at risk at one time of it."""


def _bands(counts: Counts, used: np.ndarray) -> Iterator[tuple[_Shares, _Shares]]:
    """Give who answered a second survey by the time since the first, and who was there at its earliest and latest."""
    cells, spec = counts.scored, counts.spec
    first, second = cells[cells["previous"].isna()], cells[cells[stratum_column(SURVEY_NUMBER)] == "2"]
    cuts = spec.cuts.get(SINCE_LAST, ())
    ends, names = [0.0, *cuts, np.inf], band_labels(cuts) if cuts else [""]
    for (start, end), name in zip(pairwise(ends), names, strict=True):
        mine = second[second[stratum_column(SINCE_LAST)] == name] if name else second
        if len(mine):
            again = _by_bucket(mine, "previous", spec)
            earliest, latest = _at_risk(first, again.sum(axis=0) * used, (start, end), spec)
            yield (again, earliest), (again, latest)


def _at_risk(
    first: pd.DataFrame, answered: np.ndarray, ends: tuple[float, float], spec: CohortSpec
) -> tuple[np.ndarray, np.ndarray]:
    """Who was there at the earliest time, and at the latest at which so many of each level can have answered."""

    def there(time: float) -> np.ndarray:
        rows = (first["exit"] > time) | ((first["exit"] == time) & (first["cause"] == ""))
        return _by_bucket(first[rows], "score", spec)

    earliest = latest = there(np.floor(ends[0]))
    for time in np.arange(np.floor(ends[0]), min(ends[1], first["exit"].max())) + 1:
        later = there(time)
        if (later.sum(axis=0) < answered).any():
            break
        latest = later
    return earliest, latest


def _by_bucket(cells: pd.DataFrame, column: str, spec: CohortSpec) -> np.ndarray:
    """Customers by bucket and level of a score: (n_buckets, n_levels)."""
    size = len(spec.scale.levels)
    place = cells[column].to_numpy(int) - spec.scale.low
    n = np.bincount(cells["bucket"].to_numpy(int) * size + place, cells["n"], BUCKETS * size)
    return n.reshape(BUCKETS, size)


def _difference(
    bands: list[_Shares], to: np.ndarray, since: np.ndarray, spec: CohortSpec
) -> tuple[float, float, float, float]:
    """Both shares, and the interval of their difference: buckets are the units, their errors linear."""
    share, moved = np.zeros(len(to)), np.zeros(BUCKETS)
    for again, at_risk in bands:
        total = np.maximum(at_risk.sum(axis=0), 1)
        rate = again.sum(axis=0) / total
        share += rate
        moved += ((again - rate * at_risk) / total) @ (to - since)
    groups = int((moved != 0).sum())
    error = float(np.sqrt(np.sum(moved**2) * groups / max(groups - 1, 1)))
    width = error * float(stdtrit(max(groups - 1, 1), (1 + spec.analysis.level) / 2))
    difference = float((to - since) @ share)
    return float(to @ share), float(since @ share), difference - width, difference + width

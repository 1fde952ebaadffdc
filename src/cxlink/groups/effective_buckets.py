"""How many buckets of clusters a group, or a contrast, effectively stands on: the degrees of freedom of its interval.

With q_b = W_b², W_b what the customers of bucket b weigh in it together, (Σq)² / Σq² (Satterthwaite 1946,
doi 10.2307/3002019): a bucket adds W_b² to a variance where its customers are all alike, and of all correlations that
buckets may have in common this gives the fewest degrees of freedom (Carter, Schnepel & Steigerwald 2017,
doi 10.1162/REST_a_00639). Were customers of a bucket taken for independent, one large account would hardly count.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells
from cxlink.cohort.errors import InputError
from cxlink.cohort.strata import stratum_column
from cxlink.groups.requests import Request

FEWEST_EFFECTIVE = 6
"""Effective buckets under which an estimate has no interval."""
FEWEST_BUCKETS = 10
"""Buckets of either side of the headline under which the additive models take over."""
NOT_SCORED = "not_scored"


def effective_number(parts: np.ndarray) -> float:
    """(Σq)² / Σq² of parts of a whole: as many as there are where all are equal; 0 of nothing.

    Examples
    --------
    >>> effective_number(np.array([2.0, 2.0, 0.0, 2.0]))
    3.0
    """
    squares = float((parts**2).sum())
    return float(parts.sum()) ** 2 / squares if squares > 0 else 0.0


def effective_of(weight: np.ndarray) -> float:
    """Effective number of buckets, from what the customers of each weigh together; by their squares.

    Examples
    --------
    >>> effective_of(np.array([1.0, 1.0, 1.0, 3.0]))
    1.7142857142857142
    """
    return effective_number(weight**2)


@dataclass(frozen=True, slots=True, eq=False)
class EffectiveBuckets:
    """Customers of a cohort by level, stratum and bucket.

    Attributes
    ----------
    counts : Counts
        With buckets.
    cells : DataFrame of shape (n_pairs, n_variables + 1)
        ``score`` (missing: not scored) and the strata of each row of `n`.
    n : ndarray of shape (n_pairs, n_buckets)
        Customers.
    which : int ndarray of shape (n_pairs,)
        Position of the stratum of each row.
    standard : tuple of int
        Levels of the score whose strata are the standard population; empty: all customers scored.
    """

    counts: Counts
    cells: pd.DataFrame
    n: np.ndarray
    which: np.ndarray
    standard: tuple[int, ...] = ()

    def effective(self, sides: tuple[str, ...], adjusted: str, stratum: str = "") -> float:
        """Effective number of buckets that a group, or the two sides of a contrast, stand on.

        Parameters
        ----------
        sides : tuple of str
            Groups: one, or a group and its reference.
        adjusted : {"no", "standardised", "conditional", …}
            Whether each level is pooled over the strata, or every stratum has the weight of all customers scored:
            those in which each level has customers of two buckets or more, as in `support.reaches`.
        stratum : str
            ``plan=basic``, where the estimate is of one category.

        Returns
        -------
        float
            0 without customers.

        Raises
        ------
        InputError
            If a group is no set of levels of the score.
        """
        pooled = adjusted in ("no", "")
        inside = self._of_stratum(stratum)
        if not pooled:
            inside &= self._several(sides)
        squares = np.zeros(BUCKETS)
        for side in sides:
            squares += (self._weights(side, inside, pooled=pooled) @ self.n) ** 2
        return effective_number(squares)

    def share_of_several(self, sides: tuple[str, ...], stratum: str = "") -> float:
        """Share of the standard population in strata where each level of the sides has two buckets or more."""
        n = np.where(self._of_stratum(stratum) & self._standard(), self.n.sum(axis=1), 0.0)
        return float(n[self._several(sides)].sum()) / max(float(n.sum()), 1.0)

    def buckets(self, side: str) -> int:
        """Number of buckets with customers of a group."""
        return int((self.n[self._of_group(side)].sum(axis=0) > 0).sum())

    def _of_group(self, side: str) -> np.ndarray:
        score = self.cells["score"]
        if side == NOT_SCORED:
            return score.isna().to_numpy()
        return score.isin(self.counts.spec.group(side)).fillna(False).to_numpy(bool)

    def _of_stratum(self, stratum: str) -> np.ndarray:
        if not stratum:
            return np.ones(len(self.cells), dtype=bool)
        name, _, category = stratum.partition("=")
        column = stratum_column(name)
        if column not in self.cells:
            raise InputError(f"{stratum!r} is no stratum of this cohort")
        return (self.cells[column] == category).to_numpy(bool)

    def _several(self, sides: tuple[str, ...]) -> np.ndarray:
        """Which rows are of strata where each level of these groups has customers of two buckets or more."""
        which, score = self.which, self.cells["score"].to_numpy(float, na_value=np.nan)
        several = (self.n > 0).sum(axis=1) > 1
        held = np.ones(len(which), dtype=bool)
        for side in sides:
            mine = self._of_group(side)
            for level in np.unique(score[mine]):
                own = mine & ((score == level) | (np.isnan(score) & np.isnan(level)))
                held &= np.isin(which, which[own & several])
        return held

    def _standard(self) -> np.ndarray:
        """Which rows are of the standard population."""
        score = self.cells["score"]
        if self.standard:
            return score.isin(self.standard).fillna(False).to_numpy(bool)
        return score.notna().to_numpy()

    def _weights(self, side: str, inside: np.ndarray, *, pooled: bool) -> np.ndarray:
        """Weight of one customer of each row of `n` in a group."""
        mine = self._of_group(side) & inside
        size = self.n.sum(axis=1)
        if pooled:
            return np.where(mine, 1 / max(float(size[mine].sum()), 1.0), 0.0)
        scored = self._standard() & inside
        which = self.which
        of_stratum = np.bincount(which[scored], size[scored], which.max(initial=0) + 1)
        own = np.bincount(which[mine], size[mine], len(of_stratum))
        # every stratum has its share, whatever the group's customers in it
        weight = np.divide(of_stratum, own, out=np.zeros(len(own)), where=own > 0)
        return np.where(mine, weight[which] / max(float(of_stratum.sum()), 1.0), 0.0)


def buckets_of_curve(spells: Spells, request: Request, group: int) -> float:
    """Effective number of buckets that a group of a request for observed curves stands on.

    Parameters
    ----------
    spells : Spells
        The cohort, with buckets.
    request : Request
        Its curves are pools of pairs of level and stratum.
    group : int
        Position of the group among its standards.
    """
    assert spells.buckets is not None
    standard, buckets = request.standards[group], spells.buckets
    of_place = np.asarray(buckets.customers.sum(axis=0)).ravel()
    weight = np.zeros(BUCKETS)
    for curve in np.unique(standard.curve):
        inside = np.isin(buckets.pair, request.members[curve])
        n = np.bincount(buckets.bucket[inside], of_place[inside], BUCKETS)
        weight += n * standard.weight[standard.curve == curve].sum() / max(n.sum(), 1.0)
    return effective_of(weight)


def headline_buckets(counts: Counts) -> float:
    """Effective number of buckets of both sides of the headline contrast; NaN where none are known."""
    buckets = effective_buckets(counts)
    sides = counts.spec.contrast(counts.spec.analysis.contrasts[0])
    return buckets.effective(sides, "no") if buckets is not None else np.nan


def effective_buckets(counts: Counts) -> EffectiveBuckets | None:
    """Sort customers by level, stratum and bucket; None where none are known."""
    if "bucket" not in counts.cells:
        return None
    names = [stratum_column(name) for name in counts.spec.stratum_variables]
    keys = ["score", *names]
    cells = counts.cells.groupby([*keys, "bucket"], dropna=False)["n"].sum().reset_index()
    rows = cells[keys].drop_duplicates(ignore_index=True)
    at = cells.groupby(keys, dropna=False, sort=False).ngroup().to_numpy()
    n = np.zeros((len(rows), BUCKETS))
    np.add.at(n, (at, cells["bucket"].to_numpy(int)), cells["n"].to_numpy(float))
    which = rows.groupby(names, dropna=False).ngroup().to_numpy() if names else np.zeros(len(rows), dtype=int)
    return EffectiveBuckets(counts, rows, n, which)

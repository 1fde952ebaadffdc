"""Spells and person-periods: counts as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.exposures import Exposures
from cxlink.cohort.count.mix import Mix, mix_of
from cxlink.cohort.count.spell_buckets import SpellBuckets, buckets_of
from cxlink.cohort.strata import stratum_column

_NOBODY = 1e-9
"""What is left of weights that are no whole numbers once everybody has left."""
SPEND_MOMENTS = ("spend_n", "spend_sum", "spend_sum_sq")


@dataclass(frozen=True, slots=True)
class Spells:
    """Scored customers by level, stratum, entry, exit and cause: what a customer bootstrap resamples.

    Attributes
    ----------
    levels : tuple of int
        Score levels with customers, from the worst to the best.
    strata : DataFrame of shape (n_strata, n_variables)
        The strata with customers; one row and no column where nothing is adjusted for.
    causes : tuple of str
        Causes of loss; positions in it count from 1 below, 0 for customers retained.
    level, stratum : int ndarray of shape (n_pairs,)
        Which level and stratum (positions in the above) each pair of them with customers is.
    pair, entry, exit, cause : int ndarray of shape (n_spells,)
        Sorted by pair; entry and exit in whole periods.
    n : ndarray of shape (n_spells,)
        Customers; whole numbers, but where surveys are weighted.
    spend : ndarray of shape (n_spells, 3)
        Of customers with a complete window: number, Σy, Σy².
    mix : Mix or None
        Standard population by stratum and entry; None where it is all customers scored.
    buckets : SpellBuckets or None
        The same customers by the bucket of their cluster; None where rows are independent.
    """

    levels: tuple[int, ...]
    strata: pd.DataFrame
    causes: tuple[str, ...]
    level: np.ndarray
    stratum: np.ndarray
    pair: np.ndarray
    entry: np.ndarray
    exit: np.ndarray
    cause: np.ndarray
    n: np.ndarray
    spend: np.ndarray
    mix: Mix | None = None
    buckets: SpellBuckets | None = None

    @property
    def n_pairs(self) -> int:
        """Pairs of a level and a stratum with customers."""
        return len(self.level)

    @property
    def n_periods(self) -> int:
        """Last period since the time origin in which anybody was at risk; at least 1."""
        return max(int(self.exit.max(initial=0)), 1)


@dataclass(frozen=True, slots=True)
class PersonPeriods:
    """Customers at risk and lost, by period.

    Attributes
    ----------
    levels : tuple of int
        Score levels with customers, from the worst to the best.
    strata : DataFrame of shape (n_strata, n_variables)
        The strata with customers; one row and no column where nothing is adjusted for.
    level, stratum : int ndarray of shape (n_pairs,)
        Which level and stratum (positions in the above) each pair of them with customers is.
    at_risk, lost : int64 ndarray of shape (n_pairs, n_periods)
        Column ``t`` is period ``t + 1`` since the time origin.
    exposures : Exposures, optional
        The customers whose counts these are: what a covariance over customers needs beside.
    """

    levels: tuple[int, ...]
    strata: pd.DataFrame
    level: np.ndarray
    stratum: np.ndarray
    at_risk: np.ndarray
    lost: np.ndarray
    exposures: Exposures | None = None


def spells_of(counts: Counts) -> Spells:
    """Collect the scored cells of counts, calendar quarters added up."""
    cells = counts.scored
    order = {level: i for i, level in enumerate(counts.spec.scale.levels)}
    names = [stratum_column(name) for name in counts.spec.stratum_variables]
    if names:
        strata = cells[names].drop_duplicates().sort_values(names, ignore_index=True)
        stratum = cells.groupby(names, sort=True).ngroup().to_numpy()
    else:
        strata, stratum = pd.DataFrame(index=range(1)), np.zeros(len(cells), dtype=int)
    causes = tuple(sorted(set(cells["cause"]) - {""}))
    ranks = cells["score"].astype(int).map(order)
    present = np.unique(ranks)
    # numbers that stand for text: they are sorted and grouped a good deal more quickly, and in the same order
    coded = cells.assign(
        level=np.searchsorted(present, ranks),
        stratum=stratum,
        cause=cells["cause"].map({"": 0} | {c: i for i, c in enumerate(causes, 1)}).astype(int),
    )
    keys = ["level", "stratum", "entry", "exit", "cause"]
    moments = [name for name in SPEND_MOMENTS if name in cells]
    by_spell = coded.groupby(keys, sort=True, as_index=False)
    frame = by_spell[["n", *moments]].sum()
    pairs = frame[["level", "stratum"]].drop_duplicates(ignore_index=True)
    pair = frame.groupby(["level", "stratum"], sort=True).ngroup().to_numpy(int)
    spend = np.column_stack([frame[m] if m in frame else np.zeros(len(frame)) for m in SPEND_MOMENTS])
    late = counts.spec.subscription is not None and counts.spec.subscription.clock == "signup"
    everybody = counts.spec.analysis.target == "customers"
    return Spells(
        levels=tuple(level for level in counts.spec.scale.levels if order[level] in set(present)),
        strata=strata,
        causes=causes,
        level=pairs["level"].to_numpy(int),
        stratum=pairs["stratum"].to_numpy(int),
        pair=pair,
        entry=frame["entry"].to_numpy(int),
        exit=frame["exit"].to_numpy(int),
        cause=frame["cause"].to_numpy(int),
        n=_customers(frame["n"].to_numpy(float)),
        spend=spend.astype(float),
        mix=mix_of(counts.cells, strata, late) if everybody else None,
        buckets=buckets_of(coded, by_spell.ngroup().to_numpy(int), pair) if "bucket" in coded else None,
    )


def _customers(n: np.ndarray) -> np.ndarray:
    """Give whole numbers as such; sums of weights, which are not all whole, as they are."""
    whole = n.astype(np.int64)
    return whole if (whole == n).all() else n


@dataclass(frozen=True, slots=True)
class RiskSets:
    """Adds spells up to customers at risk and lost in each period, for pooled pairs and for many draws at once.

    Attributes
    ----------
    shape : (int, int)
        Curves and periods.
    steps, losses : sparse matrices of shape (n_curves * n_periods, n_spells)
        Entries less exits, and losses; of one cause only where it was made so.
    """

    shape: tuple[int, int]
    steps: sparse.csr_array
    losses: sparse.csr_array

    def __call__(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Count with these weights.

        Parameters
        ----------
        weights : ndarray of shape (n_spells, ...)
            Customers in each spell: ``spells.n``, or bootstrap draws of it.

        Returns
        -------
        at_risk, lost : ndarray of shape (n_curves, n_periods, ...)
            r_t = Σ w·1(entry < t ≤ exit), d_t = Σ w·1(lost, exit = t).
        """
        shape = (*self.shape, *weights.shape[1:])
        at_risk = np.cumsum((self.steps @ weights).reshape(shape), axis=1)
        if at_risk.dtype.kind == "f":
            at_risk[np.abs(at_risk) < _NOBODY] = 0.0
        return at_risk, (self.losses @ weights).reshape(shape)


def risk_sets(spells: Spells, members: Sequence[np.ndarray], cause: int | None = None) -> RiskSets:
    """Prepare to count customers at risk and lost.

    Parameters
    ----------
    spells : Spells
        The cohort.
    members : sequence of int ndarray
        The pairs that are pooled into each curve.
    cause : int, optional
        Count losses of this cause only (position in `Spells.causes`, from 1).
    """
    n_periods = spells.n_periods
    curve, spell = _contents(spells, members)
    entry, leave = spells.entry[spell], spells.exit[spell]
    gone = spells.cause[spell] > 0 if cause is None else spells.cause[spell] == cause
    leaving, first = leave < n_periods, curve * n_periods
    rows = np.concatenate([first + entry, (first + leave)[leaving]])
    columns = np.concatenate([spell, spell[leaving]])
    signs = np.repeat(np.array([1, -1]), [len(spell), int(leaving.sum())])
    shape = (len(members) * n_periods, len(spells.n))
    steps = sparse.coo_array((signs, (rows, columns)), shape=shape).tocsr()
    at_loss = ((first + leave - 1)[gone], spell[gone])
    losses = sparse.coo_array((np.ones(len(at_loss[0]), np.int64), at_loss), shape=shape).tocsr()
    return RiskSets((len(members), n_periods), steps, losses)


def _contents(spells: Spells, members: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The spells with time at risk in each curve, as two columns: curve and spell."""
    edges = np.searchsorted(spells.pair, np.arange(spells.n_pairs + 1))
    pairs = np.concatenate([*members, np.empty(0, int)]).astype(int)
    size = edges[pairs + 1] - edges[pairs]
    curve = np.repeat(np.repeat(np.arange(len(members)), [len(m) for m in members]), size)
    offset = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    spell = np.repeat(edges[pairs], size) + offset
    seen = spells.exit[spell] > spells.entry[spell]
    return curve[seen], spell[seen]


def each_pair(spells: Spells) -> tuple[np.ndarray, ...]:
    """Members of curves that are one pair each."""
    return tuple(np.array([pair]) for pair in range(spells.n_pairs))


def person_periods(spells: Spells) -> PersonPeriods:
    """Customers at risk and lost by pair and period."""
    at_risk, lost = risk_sets(spells, each_pair(spells))(spells.n)
    return PersonPeriods(
        spells.levels, spells.strata, spells.level, spells.stratum, at_risk, lost, _exposures(spells)
    )


def _exposures(spells: Spells) -> Exposures:
    """The customers of the spells; those of a bucket apart where they are clustered."""
    lost = spells.cause > 0
    if spells.buckets is None:
        return Exposures(spells.pair, spells.entry, spells.exit, lost, spells.n)
    each = spells.buckets.customers.tocoo()
    at, place = each.coords
    bucket = spells.buckets.bucket[place]
    return Exposures(spells.pair[at], spells.entry[at], spells.exit[at], lost[at], each.data, bucket)


def merged_over_strata(periods: PersonPeriods) -> PersonPeriods:
    """Person-periods by level alone: one stratum without a name."""
    n_levels = len(periods.levels)
    shape = (n_levels, periods.at_risk.shape[1])
    at_risk, lost = np.zeros(shape, periods.at_risk.dtype), np.zeros(shape, periods.lost.dtype)
    np.add.at(at_risk, periods.level, periods.at_risk)
    np.add.at(lost, periods.level, periods.lost)
    return PersonPeriods(
        periods.levels,
        pd.DataFrame(index=range(1)),
        np.arange(n_levels),
        np.zeros(n_levels, int),
        at_risk,
        lost,
        periods.exposures and replace(periods.exposures, row=periods.level[periods.exposures.row]),
    )


def level_positions(levels: Sequence[int], wanted: Sequence[int]) -> np.ndarray:
    """Positions in ``levels`` of those that are wanted."""
    return np.array([i for i, level in enumerate(levels) if level in set(wanted)], dtype=int)


def has_spend(spells: Spells) -> np.ndarray:
    """Whether each pair has a complete window, and where customers are clustered those of two buckets or more.

    Returns
    -------
    bool ndarray of shape (n_pairs, n_periods + 1)
        The same for every entry.
    """
    known = np.bincount(spells.pair, spells.spend[:, 0], spells.n_pairs) > 0
    if spells.buckets is not None:
        known &= several_buckets(spells.buckets.number, spells)
    return np.repeat(known[:, None], spells.n_periods + 1, axis=1)


def several_buckets(customers: sparse.csr_array, spells: Spells) -> np.ndarray:
    """Whether each pair has customers of two buckets or more: those of one alone tell nothing of their own error.

    Parameters
    ----------
    customers : sparse matrix of shape (n_spells, n_places)
        ``customers`` or ``number`` of `SpellBuckets`.
    spells : Spells
        With buckets.

    Returns
    -------
    bool ndarray of shape (n_pairs,)
    """
    assert spells.buckets is not None
    places = spells.buckets.pair[np.asarray(customers.sum(axis=0)).ravel() > 0]
    several: np.ndarray = np.bincount(places, minlength=spells.n_pairs) > 1
    return several

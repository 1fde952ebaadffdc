"""How far each curve is estimable, and for which customers."""

from collections.abc import Sequence

import numpy as np

from cxlink.cohort.count.spells import Spells, each_pair, risk_sets, several_buckets
from cxlink.groups.curves import Standard

FOREVER = 10**6
"""A period beyond any horizon: a curve that reached 0 is known from there on."""
FEWEST_AT_RISK = 10
"""Customers at risk under which a curve is not read: it ends, is continued by a model, or counts as extrapolated."""
LEAST_OF_ENTRIES = 0.9
"""Share of a group's weight whose entries must have so many at risk, as a headline needs nine tenths of support."""
_ROUNDING = 1e-9


def estimable_to(at_risk: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Find, from each entry, the last period to which a curve is estimable.

    Parameters
    ----------
    at_risk, lost : ndarray of shape (n_curves, n_periods)
        Customers at risk, and lost.

    Returns
    -------
    int ndarray of shape (n_curves, n_periods + 1)
        Column ``e``: the last t such that somebody was at risk in each of the periods e + 1, …, t; `FOREVER` where
        all at risk were lost on the way.
    """
    n_curves, n_periods = at_risk.shape
    reach = np.full((n_curves, n_periods + 1), n_periods, dtype=np.int64)
    for t in range(n_periods - 1, -1, -1):
        here = at_risk[:, t] > 0
        ended = here & (lost[:, t] == at_risk[:, t])
        reach[:, t] = np.where(ended, FOREVER, np.where(here, reach[:, t + 1], t))
    return reach


def reaches(spells: Spells, horizon: int) -> np.ndarray:
    """Whether each pair has customers at risk from an entry on to the horizon, or lost all on the way.

    Pairs that lost all say nothing of a horizon to which nobody of the others is followed: they alone would make a
    curve that is 0 there. Where customers are clustered, a pair of one bucket alone has no error that could be known.

    Returns
    -------
    bool ndarray of shape (n_pairs, n_periods + 1)
    """
    at_risk, lost = risk_sets(spells, each_pair(spells))(spells.n)
    reach = estimable_to(at_risk, lost)
    entry = np.arange(reach.shape[1])
    ended, followed = reach == FOREVER, (reach < FOREVER) & (reach - entry >= horizon)
    censored = (reach > entry) & ~ended & ~followed
    inside = followed.any(axis=0) | ~censored.any(axis=0)
    found: np.ndarray = followed | (ended & inside)
    if spells.buckets is not None:
        found &= several_buckets(spells.buckets.customers, spells)[:, None]
    return found


def reaches_after(spells: Spells, given: int, until: int) -> np.ndarray:
    """Whether each pair has customers at risk after some periods from an entry, and reaches some later period.

    Parameters
    ----------
    spells : Spells
        The cohort.
    given, until : int
        Periods after entry: customers are at risk in the period after the first, and to the second, unless all are
        lost before it.

    Returns
    -------
    bool ndarray of shape (n_pairs, n_periods + 1)
    """
    at_risk, _ = risk_sets(spells, each_pair(spells))(spells.n)
    there = np.zeros((spells.n_pairs, spells.n_periods + 1), dtype=bool)
    later = at_risk[:, given:] > 0
    there[:, : later.shape[1]] = later
    there &= reaches(spells, until)
    return there


def estimable_until(standards: Sequence[Standard], reach: np.ndarray) -> np.ndarray:
    """Find the last time after entry at which each group is estimable: where the first of its curves ends.

    Parameters
    ----------
    standards : sequence of Standard
        The groups.
    reach : ndarray of shape (n_curves, n_periods + 1)
        Last estimable period by entry, from `estimable_to`.

    Returns
    -------
    int ndarray of shape (n_groups,)
        In whole periods; beyond `FOREVER` / 2 where all its curves reached 0.
    """
    return np.array([int((reach[s.curve, s.entry] - s.entry).min()) for s in standards], dtype=np.int64)


def last_at_risk(standards: Sequence[Standard], at_risk: np.ndarray) -> np.ndarray:
    """Find the last time after entry at which any customer of each group was at risk.

    Parameters
    ----------
    standards : sequence of Standard
        The groups.
    at_risk : ndarray of shape (n_curves, n_periods)
        Customers at risk.

    Returns
    -------
    int ndarray of shape (n_groups,)
        In whole periods; 0 where nobody ever was.
    """
    last = _last(at_risk > 0)
    return np.array([int((last[s.curve] - s.entry).max(initial=0)) for s in standards], dtype=np.int64)


def known_until(
    standards: Sequence[Standard], at_risk: np.ndarray, lost: np.ndarray, censored: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the last time after entry at which each group is known, and whether the last few of it were all lost.

    Where fewer than ten were at risk at the end and were all lost, while others of the group were censored before, the
    curve is 0 on the evidence of those few alone: nothing is known of later times.

    Parameters
    ----------
    standards : sequence of Standard
        The groups.
    at_risk, lost : ndarray of shape (n_curves, n_periods)
        Customers at risk, and lost.
    censored : ndarray of shape (n_curves,)
        Customers who were not lost, from `censored_customers`.

    Returns
    -------
    known : int ndarray of shape (n_groups,)
        As `estimable_until`, but to the last period at risk in those groups.
    few : bool ndarray of shape (n_groups,)
        Which they are.
    """
    known = estimable_until(standards, estimable_to(at_risk, lost))
    some = np.array([bool((censored[s.curve] > 0).any()) for s in standards], dtype=bool)
    end = last_at_risk(standards, at_risk)
    few = (known > FOREVER // 2) & (end > last_with(standards, at_risk, FEWEST_AT_RISK)) & some
    return np.where(few, end, known), few


def censored_customers(spells: Spells) -> np.ndarray:
    """Customers of each pair who were at risk and not lost: (n_pairs,)."""
    stayed = (spells.exit > spells.entry) & (spells.cause == 0)
    return np.bincount(spells.pair[stayed], spells.n[stayed], spells.n_pairs)


def modelled_to(at_risk: np.ndarray, lost: np.ndarray, censored: np.ndarray) -> np.ndarray:
    """Find the same as `estimable_to`, but not by the last few: for comparisons, and models with a free baseline.

    Parameters
    ----------
    at_risk, lost : ndarray of shape (n_curves, n_periods)
        Customers at risk, and lost.
    censored : ndarray of shape (n_curves,)
        Customers who were not lost.

    Returns
    -------
    int ndarray of shape (n_curves, n_periods + 1)
        Before the last period of a curve, where it had fewer than ten customers at risk who were all lost, and others
        were censored: its hazard of 1 has no error that could be known.
    """
    reach = estimable_to(at_risk, lost)
    last = _last(at_risk > 0)
    end = np.arange(len(last)), np.maximum(last - 1, 0)
    few = (at_risk[end] < FEWEST_AT_RISK) & (lost[end] == at_risk[end]) & (censored > 0)
    return np.where(few[:, None], np.minimum(reach, last[:, None] - 1), reach)


def last_with(standards: Sequence[Standard], at_risk: np.ndarray, fewest: int) -> np.ndarray:
    """Find the last time after entry at which each group has so many customers at risk.

    Where customers enter at different times, it is the last t at which entries e that carry nine tenths of the group's
    weight have so many at risk in period e + t: the mixture that the estimate averages, and no straggler ends it.

    Parameters
    ----------
    standards : sequence of Standard
        The groups.
    at_risk : ndarray of shape (n_curves, n_periods)
        Customers at risk.
    fewest : int
        How many.

    Returns
    -------
    int ndarray of shape (n_groups,)
        In whole periods after entry; 0 where it never has.
    """
    held = np.array([_share_with(s, at_risk, fewest) >= LEAST_OF_ENTRIES - _ROUNDING for s in standards])
    return _last(held.reshape(len(standards), at_risk.shape[1]))


def _share_with(standard: Standard, at_risk: np.ndarray, fewest: int) -> np.ndarray:
    """Share of a group's weight whose entries have so many at risk 1, 2, … periods later: (n_periods,)."""
    enough = at_risk[np.unique(standard.curve)].sum(axis=0) >= fewest
    entries, at = np.unique(standard.entry, return_inverse=True)
    n_periods = len(enough)
    later = np.pad(enough, (0, int(entries.max(initial=0))))
    weight = np.bincount(at, standard.weight, len(entries))
    share: np.ndarray = weight @ later[entries[:, None] + np.arange(n_periods)] / max(weight.sum(), _ROUNDING)
    return share


def _last(held: np.ndarray) -> np.ndarray:
    """Last period, counted from 1, in which something holds; 0 where it never does."""
    periods = np.arange(1, held.shape[1] + 1)
    position: np.ndarray = np.where(held, periods, 0).max(axis=1, initial=0)
    return position

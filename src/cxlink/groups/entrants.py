"""Averages of conditional survival from many entries: windows of a curve that move with the entry.

Σ_e a_e·S(e + t) with a_e = w_e / S(e) needs the exponentials of a curve once, whatever the entries, and no copies.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from scipy.sparse import csr_array

from cxlink.groups.discrete_hazard import survival_of

_DEEP = -600.0
"""Where log S(e) is below it, 1 / S(e) is near the end of double precision, or a step of `EXTINCT` came before the
entry: S is then taken relative to that entry."""
_GAP = 8


@dataclass(frozen=True, slots=True, eq=False)
class Entrants:
    """Terms of several groups on one curve.

    Attributes
    ----------
    curve : int
        Which.
    groups : int ndarray of shape (n_own,)
        Groups that it is part of.
    entry : int ndarray of shape (n_entries,)
        At which they enter, rising.
    collect : sparse matrix of shape (n_own * n_entries, n_terms)
        Which of all terms enter when.
    """

    curve: int
    groups: np.ndarray
    entry: np.ndarray
    collect: csr_array

    def share(self, weight: np.ndarray) -> np.ndarray:
        """Weights of each group at each entry, from those of all terms: (n_own, n_entries, n_draws or 1)."""
        found: np.ndarray = self.collect @ weight
        return found.reshape(len(self.groups), len(self.entry), -1)


@dataclass(frozen=True, slots=True, eq=False)
class Since:
    """Draws of which a curve is read relative to a later survival, since S(0) is too far above it.

    Attributes
    ----------
    draws : int ndarray of shape (n_some,)
        Positions of the draws.
    log_survival : ndarray of shape (n_some,)
        log S to which theirs is relative.
    """

    draws: np.ndarray
    log_survival: np.ndarray


def survival_since(log_survival: np.ndarray, since: Since | None) -> np.ndarray:
    """S of one curve, from log S of all draws, (n_times, n_draws); relative to a later one: 1 before."""
    if since is not None:
        log_survival = np.minimum(log_survival[:, since.draws] - since.log_survival, 0.0)
    return survival_of(log_survival)


Sums = Callable[[int, np.ndarray, np.ndarray, Since | None], np.ndarray]
"""Σ a_e·S(e + t) of a curve, its entries, and a of shape (n_own, n_entries, n_draws): (n_own, n_times, n_draws)."""


def moving(log_survival: np.ndarray, times: np.ndarray, last: int) -> Sums:
    """Read curves at whole periods after an entry, by windows that move with it.

    Parameters
    ----------
    log_survival : ndarray of shape (n_curves, n_nodes, n_draws)
        log S at 0, 1, …; nothing is added after the last.
    times : int ndarray of shape (n_times,)
        Rising, from 0 on.
    last : int
        Last entry.
    """
    n_read = last + int(times[-1]) + 1
    runs = np.split(times, np.flatnonzero(np.diff(times) > _GAP) + 1)

    def sums(curve: int, entry: np.ndarray, amount: np.ndarray, since: Since | None) -> np.ndarray:
        known, first = log_survival[curve, :n_read], int(entry[0])
        survival = np.zeros((n_read - first, amount.shape[-1]))
        survival[: len(known) - first] = survival_since(known[first:], since)
        every = np.zeros((len(amount), int(entry[-1]) - first + 1, amount.shape[-1]))
        every[:, entry - first] = amount
        return np.concatenate([_moving_sums(survival, every, run) for run in runs], axis=1)

    return sums


def amounts(before: np.ndarray, share: np.ndarray) -> Iterator[tuple[Since | None, np.ndarray]]:
    """Give w / S(e) of each entry: (n_entries, n_draws), first in all draws, then in those with entries left.

    Parameters
    ----------
    before : ndarray of shape (n_entries, n_draws)
        log S(e).
    share : ndarray of shape (n_own, n_entries, n_draws) or (n_own, n_entries, 1)
        w.
    """
    since, depth = None, before
    while depth.size:
        near = (depth > _DEEP) & (depth <= 0)
        own = share if since is None or share.shape[-1] == 1 else share[..., since.draws]
        yield since, own * np.where(near, np.exp(-np.clip(depth, _DEEP, 0.0)), 0.0)
        deep = depth <= _DEEP
        left = deep.any(axis=0)
        draws = np.flatnonzero(left) if since is None else since.draws[left]
        since = Since(draws, before[deep[:, left].argmax(axis=0), draws])
        depth = before[:, draws] - since.log_survival


def _moving_sums(survival: np.ndarray, amount: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Σ_e a_e·S(e + t) at times near each other: (n_own, n_times, n_draws)."""
    period, draw = survival.strides
    first, n_draws = int(times[0]), survival.shape[1]
    shape = (amount.shape[1], int(times[-1]) - first + 1, n_draws)
    window = as_strided(survival[first:], shape, (period, period, draw), writeable=False)
    total: np.ndarray = np.einsum("ged,etd->gtd", amount, window)[:, times - first]
    return total


def by_curve(curve: np.ndarray, entry: np.ndarray, group: np.ndarray) -> Iterator[Entrants]:
    """Part terms, given by their curve, entry and group, by their curve."""
    for which, term in parted(curve, np.argsort(curve, kind="stable")):
        groups, rank = np.unique(group[term], return_inverse=True)
        entries, place = np.unique(entry[term], return_inverse=True)
        row = rank.ravel() * len(entries) + place.ravel()
        shape = (len(groups) * len(entries), len(curve))
        yield Entrants(which, groups, entries, csr_array((np.ones(len(term)), (row, term)), shape=shape))


def parted(key: np.ndarray, order: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Positions with each key, in an order that sorts it."""
    values, first = np.unique(key[order], return_index=True)
    yield from zip(values.tolist(), np.split(order, first)[1:], strict=True)

"""Groups as averages of conditional survival S(e + t) / S(e), over curves and over the entries e of customers.

From few entries, exponentials of differences are taken entry by entry; from many, see `cxlink.groups.entrants`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from cxlink.groups.curves import Standard
from cxlink.groups.discrete_hazard import survival_of
from cxlink.groups.entrants import Entrants, Sums, amounts, by_curve, moving, parted

_FEW = 2


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Terms of several groups that enter at one time.

    Attributes
    ----------
    entry : int
        Whole periods already passed at the survey.
    curves : int ndarray of shape (n_used,)
        Their curves, each once.
    weight : sparse matrix of shape (n_groups, n_used)
        Of each curve in each group.
    row, term : int ndarray of shape (n_terms,)
        Position in ``curves`` of each term's curve, and of the term among those of all groups.
    collect : sparse matrix of shape (n_groups, n_terms)
        Which terms are each group's.
    """

    entry: int
    curves: np.ndarray
    weight: csr_array
    row: np.ndarray
    term: np.ndarray
    collect: csr_array

    def mixed(self, values: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """Average values, (n_used, n_times, n_draws), to (n_groups, n_times, n_draws).

        Weights are their own, or those of all terms draw by draw.
        """
        if weight is None:
            matrix, terms = self.weight, values
        else:
            matrix, terms = self.collect, values[self.row] * weight[self.term][:, None]
        mean: np.ndarray = (matrix @ terms.reshape(len(terms), -1)).reshape(-1, *values.shape[1:])
        return mean

    def since(self, before: np.ndarray, after: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """Average S(e + t) / S(e), from log S(e), (n_used, n_draws), and log S(e + t)."""
        return self.mixed(survival_of(after - before[:, None] if before.any() else after), weight)


@dataclass(frozen=True, slots=True, eq=False)
class Mixtures:
    """Groups as weighted averages of curves, each from its own entry on.

    Attributes
    ----------
    n_groups : int
        Groups.
    weight : ndarray of shape (n_terms,)
        Of each term of all groups.
    entries : int ndarray
        At which terms enter, each once, rising.
    parts : tuple of Mixture
        Terms by entry, where entries are few.
    entrants : tuple of Entrants
        Terms by curve.
    """

    n_groups: int
    weight: np.ndarray
    entries: np.ndarray
    parts: tuple[Mixture, ...]
    entrants: tuple[Entrants, ...]

    def averaged(
        self, log_survival: np.ndarray, times: np.ndarray, weight: np.ndarray | None = None, given: int = 0
    ) -> np.ndarray:
        """Average curves at whole periods.

        Parameters
        ----------
        log_survival : ndarray of shape (n_curves, n_nodes, n_draws)
            log S at 0, 1, …; `EXTINCT` lower than before where all at risk were lost.
        times : int ndarray of shape (n_times,)
            Rising, from 0 on.
        weight : ndarray of shape (n_terms, n_draws), optional
            Of all terms, draw by draw; their own by default.
        given : int
            Periods by which every entry is later.

        Returns
        -------
        ndarray of shape (n_groups, n_times, n_draws)
            Σ w·S(e + t) / S(e). A curve adds nothing after its last node.
        """
        n_nodes, n_draws = log_survival.shape[1:]
        if len(self.entries) > _FEW:
            sums = moving(log_survival, times, int(self.entries[-1]) + given)
            return self.collected(log_survival, len(times), sums, weight, given)
        total = np.zeros((self.n_groups, len(times), n_draws))
        for part in self.parts:
            start = part.entry + given
            inside = times[start + times < n_nodes]
            if inside.size:
                after = _read(log_survival, part.curves, start + inside)
                total[:, : len(inside)] += part.since(log_survival[part.curves, start], after, weight)
        return total

    def collected(
        self, log_survival: np.ndarray, n_times: int, sums: Sums, weight: np.ndarray | None, given: int
    ) -> np.ndarray:
        """Add up what the groups have on each curve; see `averaged`.

        Parameters
        ----------
        log_survival : ndarray of shape (n_curves, n_nodes, n_draws)
            log S at 0, 1, …, as far as the last entry.
        n_times : int
            Times after entry that are read.
        sums : callable
            Reads them off a curve.
        weight, given
            As `averaged` takes them.
        """
        total = np.zeros((self.n_groups, n_times, log_survival.shape[-1]))
        weight = self.weight[:, None] if weight is None else weight
        for one in self.entrants:
            inside = one.entry + given < log_survival.shape[1]
            entry, share = one.entry[inside] + given, one.share(weight)[:, inside]
            for since, amount in amounts(log_survival[one.curve, entry], share):
                draws = slice(None) if since is None else since.draws
                part = sums(one.curve, entry, amount, since)
                for group, own in zip(one.groups, part, strict=True):
                    total[group][:, draws] += own
        return total


def _read(values: np.ndarray, curves: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Values of some curves, each once and rising, at some nodes; no copy where that is not needed."""
    first, last = int(nodes[0]), int(nodes[-1])
    if len(curves) == len(values) and last - first == len(nodes) - 1:
        return values[:, first : last + 1]
    return values[np.ix_(curves, nodes)]


def mixtures(standards: Sequence[Standard]) -> Mixtures:
    """Lay standardised averages out."""
    curve, entry, weight, group = _terms(standards)
    entries, few = np.unique(entry), by_entry(standards)
    return Mixtures(
        len(standards), weight, entries, tuple(few) if len(entries) <= _FEW else (),
        tuple(by_curve(curve, entry, group)),
    )  # fmt: skip


def by_entry(standards: Sequence[Standard]) -> Iterator[Mixture]:
    """Part the terms of standardised averages by their entry."""
    curve, entry, weight, group = _terms(standards)
    for start, term in parted(entry, np.lexsort((curve, group, entry))):
        used, row = np.unique(curve[term], return_inverse=True)
        ends, row = np.searchsorted(group[term], np.arange(len(standards) + 1)), row.ravel()
        matrix = csr_array((weight[term], row, ends), shape=(len(standards), len(used)))
        collect = csr_array(
            (np.ones(len(term)), np.arange(len(term)), ends), shape=(len(standards), len(term))
        )
        yield Mixture(start, used, matrix, row, term, collect)


def _terms(standards: Sequence[Standard]) -> tuple[np.ndarray, ...]:
    """Curve, entry, weight and group of each term, one standard after the other."""
    columns = [(s.curve, s.entry, s.weight, np.full(len(s.curve), g)) for g, s in enumerate(standards)]
    none = (np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros(0, int))
    return tuple(np.concatenate(part) for part in zip(none, *columns, strict=True))


def standardise(
    log_survival: np.ndarray,
    groups: Mixtures,
    times: np.ndarray,
    weights: Sequence[np.ndarray] | None = None,
    given: int = 0,
) -> np.ndarray:
    """Average curves over their standards, with weights of each draw by draw where they are given.

    See `Mixtures.averaged`.

    Returns
    -------
    ndarray of shape (n_draws, n_groups, n_times)
    """
    weight = None if weights is None else np.concatenate([np.empty((0, log_survival.shape[-1])), *weights])
    return np.ascontiguousarray(np.moveaxis(groups.averaged(log_survival, times, weight, given), -1, 0))

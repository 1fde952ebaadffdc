"""Continued curves read off at any time: whole periods, and in between, straight on the log scale."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from cxlink.groups.entrants import Since, survival_since
from cxlink.groups.mixtures import Mixtures


@dataclass(frozen=True, slots=True, eq=False)
class CurveReadings:
    """Curves that groups are read off.

    Attributes
    ----------
    log_survival : ndarray of shape (n_curves, n_nodes, n_draws)
        log S.
    nodes : ndarray of shape (n_nodes,)
        Times since the time origin at which it is known; straight between them.
    whole : ndarray of shape (n_curves, n_periods + 1, n_draws)
        The same at 0, 1, 2, …, as far as whole periods are read.
    """

    log_survival: np.ndarray
    nodes: np.ndarray
    whole: np.ndarray

    def averaged(
        self, groups: Mixtures, times: np.ndarray, weight: np.ndarray | None = None, given: int = 0
    ) -> np.ndarray:
        """Average curves over their groups, Σ w·S(e + t) / S(e), see `cxlink.groups.mixtures.Mixtures.averaged`.

        Parameters
        ----------
        groups : Mixtures
            The groups.
        times : ndarray of shape (n_times,)
            Rising, from 0 on; those up to the last whole period first.
        weight, given
            As there.

        Returns
        -------
        ndarray of shape (n_draws, n_groups, n_times)
        """
        late = int(groups.entries.max(initial=0)) + given
        whole = (times == np.floor(times)) & (times + late < self.whole.shape[1])
        n = len(times) if whole.all() else int(np.argmin(whole))
        found = groups.averaged(self.whole, times[:n].astype(int), weight, given)
        if n < len(times):
            found = np.concatenate([found, self._between(groups, times[n:], weight, given)], axis=1)
        return np.ascontiguousarray(np.moveaxis(found, -1, 0))

    def _between(
        self, groups: Mixtures, times: np.ndarray, weight: np.ndarray | None, given: int
    ) -> np.ndarray:
        """Average at times that are not those of nodes: (n_groups, n_times, n_draws)."""
        if groups.parts:
            total = np.zeros((groups.n_groups, len(times), self.whole.shape[-1]))
            for part in groups.parts:
                start = part.entry + given
                after = between(self.log_survival, part.curves, self.nodes, start + times)
                total += part.since(self.whole[part.curves, start], after, weight)
            return total
        entries = groups.entries + given
        place = {int(e): k for k, e in enumerate(entries)}
        every = [interpolation(self.nodes, entries + t) for t in times]

        def sums(curve: int, entry: np.ndarray, amount: np.ndarray, since: Since | None) -> np.ndarray:
            total, log_s = np.empty((len(amount), len(times), amount.shape[-1])), self.log_survival[curve]
            rows = slice(None) if len(entry) == len(entries) else [place[int(e)] for e in entry]
            for k, at in enumerate(every):  # one by one: what is read stays in the cache
                total[:, k] = np.einsum("ged,ed->gd", amount, survival_since(at @ log_s, since)[rows])
            return total

        return groups.collected(self.whole, len(times), sums, weight, given)

    def retained(self, given: int, curve: np.ndarray, entry: np.ndarray) -> np.ndarray:
        """S(e + k) / S(e) of curves from their entries, see `cxlink.groups.retained.Retained`."""
        share: np.ndarray = np.exp(self.whole[curve, entry + given] - self.whole[curve, entry])
        return share


def curve_readings(log_survival: np.ndarray, nodes: np.ndarray, last: int) -> CurveReadings:
    """Prepare to read curves off.

    Parameters
    ----------
    log_survival : ndarray of shape (n_curves, n_nodes, n_draws)
        Of the curves.
    nodes : ndarray of shape (n_nodes,)
        Its times, rising from 0.
    last : int
        Last whole period that is read.
    """
    whole = between(log_survival, np.arange(len(log_survival)), nodes, np.arange(last + 1.0))
    return CurveReadings(log_survival, nodes, whole)


def between(log_s: np.ndarray, curves: np.ndarray, nodes: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Log S of some curves at some times, straight between nodes: (n_used, n_times, n_draws), an array of its own."""
    after, share = _place(nodes, times)
    if ((share == 0) | (share == 1)).all():
        return log_s[np.ix_(curves, np.where(share == 1, after, after - 1))]
    found: np.ndarray = log_s[np.ix_(curves, after - 1)]
    found *= (1 - share)[:, None]
    later = log_s[np.ix_(curves, after)]
    later *= share[:, None]
    found += later
    return found


def interpolation(nodes: np.ndarray, times: np.ndarray) -> csr_array:
    """Weights of nodes at some times, straight between them: (n_times, n_nodes)."""
    after, share = _place(nodes, times)
    row = np.arange(len(times))
    values, columns = np.concatenate([1 - share, share]), np.concatenate([after - 1, after])
    at = csr_array((values, (np.concatenate([row, row]), columns)), shape=(len(times), len(nodes)))
    at.eliminate_zeros()
    return at


def _place(nodes: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The node at or after each time, and how far it is from the one before."""
    after = np.clip(np.searchsorted(nodes, times), 1, len(nodes) - 1)
    return after, ((times - nodes[after - 1]) / (nodes[after] - nodes[after - 1])).clip(0, 1)

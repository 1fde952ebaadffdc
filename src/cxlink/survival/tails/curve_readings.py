"""Continued curves read off at any time: whole periods from exponentials taken once, other times one by one."""

from dataclasses import dataclass

import numpy as np

from cxlink.groups.conditional import Conditional, conditional

_NEVER = -1


@dataclass(frozen=True, slots=True, eq=False)
class CurveReadings:
    """Curves that groups are read off from many entries.

    Attributes
    ----------
    log_survival : ndarray of shape (n_curves, n_nodes, n_draws)
        log S.
    nodes : ndarray of shape (n_nodes,)
        Times since the time origin at which it is known; straight between them.
    whole : Conditional
        The same at 0, 1, 2, …
    last : int
        To where; −1: nowhere, since there is one entry only.
    """

    log_survival: np.ndarray
    nodes: np.ndarray
    whole: Conditional
    last: int

    def since(self, curves: np.ndarray, start: int, times: np.ndarray) -> np.ndarray:
        """S(start + t) / S(start) at some times t of some curves: (n_used, n_times, n_draws)."""
        at = start + times
        early = (at == np.floor(at)) & (at <= self.last)
        n = len(at) if early.all() else int(np.argmin(early))
        if n == len(at):
            return self.whole.since(curves, start, at.astype(int))
        values = np.empty((len(curves), len(at), self.log_survival.shape[-1]))
        if n:
            values[:, :n] = self.whole.since(curves, start, at[:n].astype(int))
        later = between(self.log_survival, curves, self.nodes, np.concatenate([[start], at[n:]]))
        np.exp(np.subtract(later[:, 1:], later[:, :1], out=values[:, n:]), out=values[:, n:])
        return values

    def retained(self, given: int, curve: np.ndarray, entry: np.ndarray) -> np.ndarray:
        """S(e + k) / S(e) of curves from their entries, see `cxlink.groups.retained.Retained`."""
        marks, at = np.unique(np.concatenate([entry, entry + given]), return_inverse=True)
        log_s = between(self.log_survival, np.arange(len(self.log_survival)), self.nodes, marks)
        before, after = np.split(at.ravel(), 2)
        share: np.ndarray = np.exp(log_s[curve, after] - log_s[curve, before])
        return share


def curve_readings(
    log_survival: np.ndarray, nodes: np.ndarray, entries: np.ndarray, length: int
) -> CurveReadings:
    """Prepare to read curves off.

    Parameters
    ----------
    log_survival : ndarray of shape (n_curves, n_nodes, n_draws)
        Of the curves.
    nodes : ndarray of shape (n_nodes,)
        Its times, rising from 0.
    entries : int ndarray
        From which they are read.
    length : int
        Whole periods after the last of them that are read.
    """
    several = len(entries) > 1
    last = int(entries.max()) + length if several else _NEVER
    every = np.arange(len(log_survival))
    whole = between(log_survival, every, nodes, np.arange(last + 1.0)) if several else log_survival
    return CurveReadings(log_survival, nodes, conditional(whole, len(entries)), last)


def between(log_s: np.ndarray, curves: np.ndarray, nodes: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Log S of some curves at some times, straight between nodes: (n_used, n_times, n_draws)."""
    after = np.clip(np.searchsorted(nodes, times), 1, len(nodes) - 1)
    share = ((times - nodes[after - 1]) / (nodes[after] - nodes[after - 1])).clip(0, 1)
    if ((share == 0) | (share == 1)).all():
        return log_s[np.ix_(curves, np.where(share == 1, after, after - 1))]
    found: np.ndarray = log_s[np.ix_(curves, after - 1)]
    found *= (1 - share)[:, None]
    later = log_s[np.ix_(curves, after)]
    later *= share[:, None]
    found += later
    return found

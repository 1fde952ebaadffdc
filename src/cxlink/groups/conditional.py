"""Conditional survival S(b) / S(a) of many curves, from many entries: exponentials are taken once, and divided."""

from dataclasses import dataclass

import numpy as np

from cxlink.groups.discrete_hazard import EXTINCT

_DEEP = _EMPTIED = -700.0
"""A step of log S below this is one of `EXTINCT`; e^r and e^−r are far from the ends of double precision above it."""


@dataclass(frozen=True, slots=True, eq=False)
class Conditional:
    """Curves, to be read from one entry after the other.

    Attributes
    ----------
    log_survival : ndarray of shape (n_curves, n_nodes, n_draws)
        log S at rising times.
    survival, inverse : ndarray of shape (n_curves, n_nodes, n_draws)
        e^r and e^−r, r the sum of the steps of log S that are not those of all at risk lost.
    emptied : int16 ndarray of shape (n_curves, n_nodes, n_draws)
        How many steps were; empty where none was.
    ends : bool ndarray of shape (n_curves,)
        Curves with such a step.
    divided : bool ndarray of shape (n_curves,)
        Curves of which r is large enough that e^r can be divided by.
    """

    log_survival: np.ndarray
    survival: np.ndarray
    inverse: np.ndarray
    emptied: np.ndarray
    ends: np.ndarray
    divided: np.ndarray

    def since(self, curves: np.ndarray, start: int, nodes: np.ndarray) -> np.ndarray:
        """S at some nodes over S at another, of some curves: (n_used, n_nodes, n_draws), an array of its own."""
        quick = self.divided[curves]
        if not quick.any():
            return self._exact(curves, start, nodes)
        ratio: np.ndarray = self.survival[np.ix_(curves, nodes)]
        ratio *= self.inverse[curves, start][:, None]
        for at in np.flatnonzero(self.ends[curves] & quick):
            emptied = self.emptied[curves[at]]
            np.copyto(ratio[at], 0.0, where=emptied[nodes] != emptied[start])
        if not quick.all():
            ratio[~quick] = self._exact(curves[~quick], start, nodes)
        return ratio

    def _exact(self, curves: np.ndarray, start: int, nodes: np.ndarray) -> np.ndarray:
        ratio: np.ndarray = self.log_survival[np.ix_(curves, nodes)]
        ratio -= self.log_survival[curves, start][:, None]
        return np.exp(ratio, out=ratio)


def conditional(log_survival: np.ndarray, n_entries: int) -> Conditional:
    """Prepare curves to be read from so many entries.

    Parameters
    ----------
    log_survival : ndarray of shape (n_curves, n_nodes, n_draws)
        log S at rising times; a step of `EXTINCT` where all at risk were lost.
    n_entries : int
        From a single one there is nothing to share: the exponential of each difference is taken.
    """
    if n_entries < 2 or not log_survival.size:
        none, nothing = np.zeros(len(log_survival), dtype=bool), np.empty(0)
        return Conditional(log_survival, nothing, nothing, nothing, none, none)
    steps = np.diff(log_survival, axis=1) < _EMPTIED
    ends = steps.any(axis=(1, 2))
    emptied = np.zeros(log_survival.shape if ends.any() else 0, dtype=np.int16)
    remaining = log_survival.copy()
    if ends.any():
        np.cumsum(steps, axis=1, out=emptied[:, 1:])
        remaining -= EXTINCT * emptied
    divided = remaining.min(axis=(1, 2)) > _DEEP
    remaining[~divided] = 0.0
    return Conditional(log_survival, np.exp(remaining), np.exp(-remaining), emptied, ends, divided)

"""Losses that come back: a renewal cycle found inside follow-up, to be carried on beyond it."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

_LONGEST, _SHORTEST = 24, 3
_CLEAR = float(ndtri(0.99))
_ONE_ALONE = 4.0
_TWICE = np.log(2.0)
_AROUND = (-2, -1, 1, 2)


@dataclass(frozen=True, slots=True)
class RenewalCycle:
    """Periods between renewals.

    Attributes
    ----------
    every : int
        In periods; a cycle falls at its multiples since the time origin.
    spikes : int
        Multiples at which the hazard is clearly above its neighbours'.
    ratio : float
        Hazard at those over that of their neighbours, their mean (geometric).
    """

    every: int
    spikes: int
    ratio: float


def renewal_cycle(at_risk: np.ndarray, lost: np.ndarray) -> RenewalCycle | None:
    """Find the shortest cycle with two spikes or more, or one spike that may be the first of a cycle.

    At a spike the log hazard is above that of the two periods on each side at 99 %. A cycle has two spikes that follow
    each other, and one at every multiple at which one of their size would have been clear. A single spike must be twice
    its neighbours and four standard errors above them, and its next multiple lie beyond the data.

    Parameters
    ----------
    at_risk, lost : ndarray of shape (n_periods,)
        Of the cohort.

    Returns
    -------
    RenewalCycle or None
    """
    n = int(np.flatnonzero(at_risk > 0).max(initial=-1)) + 1
    for every in range(_SHORTEST, min(_LONGEST, n // 2) + 1):
        ratio, error = _against_neighbours(at_risk[:n], lost[:n], every)
        clear = ratio > _CLEAR * error
        if (clear[1:] & clear[:-1]).any():
            size = float(ratio[clear].mean())
            if clear[size > 2 * _CLEAR * error].all():
                return RenewalCycle(every, int(clear.sum()), float(np.exp(size)))
    for every in range(max(n // 2 + 1, _SHORTEST), min(_LONGEST, n) + 1):
        ratio, error = _against_neighbours(at_risk[:n], lost[:n], every)
        if ratio[0] > max(_ONE_ALONE * error[0], _TWICE):
            return RenewalCycle(every, 1, float(np.exp(ratio[0])))
    return None


def _against_neighbours(at_risk: np.ndarray, lost: np.ndarray, every: int) -> tuple[np.ndarray, np.ndarray]:
    """Log hazard at each multiple over that of its neighbours that are no multiple, and its standard error."""
    n = len(lost)
    found = []
    for t in range(every, n + 1, every):
        beside = [t + k for k in _AROUND if 1 <= t + k <= n and (t + k) % every]
        r, d = (x[np.array(beside, dtype=int) - 1].sum() for x in (at_risk, lost))
        own = np.log((lost[t - 1] + 0.5) / (at_risk[t - 1] + 1)) - np.log((d + 0.5) / (r + 1))
        found.append((own, np.sqrt(1 / (lost[t - 1] + 0.5) + 1 / (d + 0.5))))
    ratio, error = np.array(found).T
    return ratio, error

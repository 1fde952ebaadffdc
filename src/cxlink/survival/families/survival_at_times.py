"""Log-survival of many draws at many times: at each of them, or by cubics from a few."""

from collections.abc import Callable, Sequence

import numpy as np

from cxlink.survival.families.family import Family
from cxlink.survival.families.interpolate import lagrange

_HAZARDS = (1e-12, 1e30)
Read = Callable[[int], np.ndarray]


def exactly(family: Family, linked: Sequence[np.ndarray], times: np.ndarray) -> Read:
    """Log-survival at each row of ``times``, each moment computed once.

    Parameters
    ----------
    family : Family
        Whose.
    linked : sequence of ndarray of shape (n_draws, n_locations) or (n_draws, 1)
        Its parameters on their link scales.
    times : ndarray of shape (n_rows, n_times)
        In periods, from 0 on.

    Returns
    -------
    callable
        From a row's position to log S, of shape (n_draws, n_locations, n_times).
    """
    each, at = np.unique(times, return_inverse=True)
    values = at_times(family, linked, each)
    at = at.reshape(times.shape)
    return lambda k: values[..., at[k]]


def paced(family: Family, linked: Sequence[np.ndarray], times: np.ndarray, pace: float) -> Read:
    """Log-survival at each row of ``times``, by cubics of log(−log S) in log time; see `exactly`.

    Parameters
    ----------
    pace : float
        Distance of the nodes in log time. Cumulative hazards are held between 1e-12 and 1e30.
    """
    low, high = np.log(times[times > 0].min()), np.log(times.max())
    nodes = low + pace * np.arange(-1, np.ceil((high - low) / pace) + 2)
    # single precision: 1e-6 of a hazard is little against the cubic's own error, and half the time
    hazard = np.log(np.clip(-at_times(family, linked, np.exp(nodes)), *_HAZARDS)).astype(np.float32)

    def read(k: int) -> np.ndarray:
        positive = times[k] > 0
        weights = lagrange(nodes, np.log(np.where(positive, times[k], 1.0))).astype(np.float32)
        flat = -np.exp(hazard.reshape(-1, len(nodes)) @ weights.T)
        log_survival: np.ndarray = flat.reshape(*hazard.shape[:-1], times.shape[1])
        log_survival[..., ~positive] = 0.0
        return log_survival

    return read


def at_times(family: Family, linked: Sequence[np.ndarray], time: np.ndarray) -> np.ndarray:
    """Log-survival at ``time`` (n_times,), 0 at 0; of shape (n_draws, n_locations, n_times)."""
    positive = time > 0
    with np.errstate(all="ignore"):
        positive_log_survival = family.linked(time[positive], *(part[..., None] for part in linked))
    log_survival = np.zeros((*positive_log_survival.shape[:-1], len(time)))
    log_survival[..., positive] = positive_log_survival
    return log_survival

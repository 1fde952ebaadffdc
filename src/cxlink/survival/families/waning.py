"""An effect of the score that wanes: what expected tenure is if differences between scores do not last."""

import numpy as np

_GONE = 1e-300


def waned(
    survival: np.ndarray, time: np.ndarray, last: np.ndarray, share: np.ndarray, end: float
) -> np.ndarray:
    """Let each group's hazard approach that of all: log h = log h_all + w·(log h_g − log h_all).

    w is 1 to the group's last observed period, falls linearly, and is 0 from ``end`` on. Hazards are those of the
    intervals between the times, w that of their middles.

    Parameters
    ----------
    survival : ndarray of shape (n_draws, n_groups, n_times)
        S of the groups.
    time : ndarray of shape (n_times,)
        In periods after the survey, from 0 on.
    last : int ndarray of shape (n_groups,)
        Last observed period of each.
    share : ndarray of shape (n_groups,)
        Of each group in all customers: of the single levels.
    end : float
        When the effect is gone, in periods.

    Returns
    -------
    ndarray of shape (n_draws, n_groups, n_times)
    """
    middle = (time[1:] + time[:-1]) / 2
    until = last[:, None]
    weight = np.clip((end - middle) / np.maximum(end - until, 1e-9), 0.0, 1.0)
    weight = np.where(middle <= until, 1.0, np.where(middle >= end, 0.0, weight))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_h = _log_hazards(survival)
        everybody = _log_hazards(share @ survival)[:, None]
        mixed = np.exp(everybody + weight * (log_h - everybody))
    fall = np.concatenate([np.zeros((*mixed.shape[:-1], 1)), np.cumsum(mixed, axis=-1)], axis=-1)
    changed: np.ndarray = np.exp(-fall)
    return changed


def _log_hazards(survival: np.ndarray) -> np.ndarray:
    """Of the intervals between the times."""
    fall = -np.diff(np.log(np.maximum(survival, _GONE)), axis=-1)
    log_hazards: np.ndarray = np.log(np.maximum(fall, _GONE))
    return log_hazards

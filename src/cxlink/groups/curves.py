"""Survival curves averaged over the customers of a group, and the areas under them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Standard:
    """A reported group as a weighted average of estimated curves, each from its own entry on.

    S(h) = Σ_k weight_k · S_curve_k(entry_k + h) / S_curve_k(entry_k)

    Attributes
    ----------
    group : str
        ``worst``, ``best``, ``all``, a level or a set of them.
    curve, entry : int ndarray of shape (n_terms,)
        Position of the curve, and whole periods already passed at the survey (0 where time counts from the survey).
    weight : ndarray of shape (n_terms,)
        Shares that sum to 1.
    n, n_events : int
        Customers in the group, and losses among them.
    """

    group: str
    curve: np.ndarray
    entry: np.ndarray
    weight: np.ndarray
    n: int
    n_events: int


def areas(survival: np.ndarray) -> np.ndarray:
    """Area under a curve within each whole period: log-linear there, linear where the curve reaches 0.

    Parameters
    ----------
    survival : ndarray of shape (..., n_times)
        S(t) at t = 0, 1, …, not rising; NaN where unknown.

    Returns
    -------
    ndarray of shape (..., n_times - 1)
        ∫S over (t − 1, t] = S(t−1)·(e^Δ − 1)/Δ with Δ = log S(t) − log S(t−1); S(t−1)/2 where S(t) is 0.

    Examples
    --------
    >>> areas(np.array([1.0, 0.8, 0.8, 0.0])).round(3)
    array([0.896, 0.8  , 0.4  ])
    """
    before, after = survival[..., :-1], survival[..., 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        step = np.log(after / before)
        mean = before * np.expm1(step) / step
    # a fall too small to show in the ratio is none
    mean = np.where((step == 0) | (before == 0), before, mean)
    return np.where((after == 0) & (before > 0), before / 2, mean)


def cumulative_areas(survival: np.ndarray, times: np.ndarray | None = None) -> np.ndarray:
    """Area under a curve from its first time to each of its times: log-linear between them, see `areas`.

    Parameters
    ----------
    survival : ndarray of shape (..., n_times)
        S at those times, not rising.
    times : ndarray of shape (n_times,), optional
        Rising; 0, 1, … by default.

    Returns
    -------
    ndarray of shape (..., n_times)
    """
    pieces = areas(survival) if times is None else areas(survival) * np.diff(times)
    return np.concatenate([np.zeros((*survival.shape[:-1], 1)), np.cumsum(pieces, axis=-1)], axis=-1)


def restricted_mean(survival: np.ndarray, horizon: int) -> np.ndarray:
    """Restricted mean of the time to loss: the area under the curve up to a horizon.

    Parameters
    ----------
    survival : ndarray of shape (..., n_times)
        S(t) at t = 0, 1, …; NaN where unknown.
    horizon : int
        In whole periods.

    Returns
    -------
    ndarray of shape (...)
        In periods; NaN where the curve is not known to the horizon.

    Examples
    --------
    >>> print(restricted_mean(np.array([1.0, 0.8, 0.8, 0.0]), horizon=2).round(3))
    1.696
    """
    if horizon >= survival.shape[-1]:
        return np.full(survival.shape[:-1], np.nan)
    mean: np.ndarray = areas(survival[..., : horizon + 1]).sum(axis=-1)
    return mean

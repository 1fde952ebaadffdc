"""Survival curves averaged over the customers of a group, and the areas under them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from cxlink.groups.conditional import conditional


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


@dataclass(frozen=True, slots=True)
class Mixture:
    """The part of several standards that enters at one time.

    Attributes
    ----------
    entry : int
        Whole periods already passed at the survey.
    curves : int ndarray of shape (n_used,)
        Positions of the curves in it.
    weight : sparse matrix of shape (n_groups, n_used)
        Of each curve in each group.
    """

    entry: int
    curves: np.ndarray
    weight: csr_array

    def mixed(self, values: np.ndarray) -> np.ndarray:
        """Average values of shape (n_used, n_times, n_draws) to (n_groups, n_times, n_draws)."""
        flat = values.reshape(len(self.curves), -1)
        mean: np.ndarray = (self.weight @ flat).reshape(-1, *values.shape[1:])
        return mean


def mixtures(standards: Sequence[Standard]) -> tuple[Mixture, ...]:
    """Group the terms of standardised averages by their entry."""
    terms = [(s.curve, s.entry, s.weight, np.full(len(s.curve), g)) for g, s in enumerate(standards)]
    if not terms:
        return ()
    columns = [np.concatenate(part) for part in zip(*terms, strict=True)]
    order = np.lexsort((columns[0], columns[3], columns[1]))
    curve, entry, weight, group = (column[order] for column in columns)
    starts, first = np.unique(entry, return_index=True)
    found = []
    for start, a, b in zip(starts, first, [*first[1:], len(entry)], strict=True):
        used, column = np.unique(curve[a:b], return_inverse=True)
        rows = np.searchsorted(group[a:b], np.arange(len(standards) + 1))
        matrix = csr_array((weight[a:b], column.ravel(), rows), shape=(len(standards), len(used)))
        found.append(Mixture(int(start), used, matrix))
    return tuple(found)


def standardise(log_survival: np.ndarray, parts: Sequence[Mixture], n_times: int) -> np.ndarray:
    """Average curves over their standards at every time.

    Parameters
    ----------
    log_survival, parts
        See `standardise_at`.
    n_times : int
        Times wanted, from 0 on.

    Returns
    -------
    ndarray of shape (n_draws, n_groups, n_times)
    """
    return standardise_at(log_survival, parts, np.arange(n_times))


def standardise_at(log_survival: np.ndarray, parts: Sequence[Mixture], times: np.ndarray) -> np.ndarray:
    """Average curves over their standards.

    Parameters
    ----------
    log_survival : ndarray of shape (n_curves, n_periods + 1, n_draws)
        log S(t) at t = 0, 1, … of each estimated curve; `EXTINCT` lower than before where all at risk were lost.
    parts : sequence of Mixture
        The reported groups, as `mixtures` gives them.
    times : int ndarray of shape (n_times,)
        Rising, from 0 on.

    Returns
    -------
    ndarray of shape (n_draws, n_groups, n_times)
        S(h) = Σ w · S(e + h) / S(e). A curve adds nothing after its last period: it has reached 0 there, or the
        group is not estimable beyond.
    """
    n_groups = parts[0].weight.shape[0] if parts else 0
    total = np.zeros((n_groups, len(times), log_survival.shape[-1]))
    curves = conditional(log_survival, len(parts))
    for part in parts:
        inside = times[part.entry + times < log_survival.shape[1]]
        if inside.size:
            total[:, : len(inside)] += part.mixed(curves.since(part.curves, part.entry, part.entry + inside))
    return np.ascontiguousarray(np.moveaxis(total, -1, 0))


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

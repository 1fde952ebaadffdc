"""The times at which projected curves are computed, and the weights that turn them into areas.

Restricted means are integrals over (0, h]. A discrete family is log-linear between whole periods, so its
area comes from whole periods alone (`curves.areas`). A continuous one is integrated as it is: a cubic spline
in the cube root of time through whole periods and five points in the first, which follows a survival function
whose hazard starts at infinity (a Weibull of shape 0.4 included) to about 1e-4 of a period, and to 0.01 where
a rising hazard has nearly everybody gone within three. From 72 on, whole periods are thinned: every one of the
first 24, then in steps that grow with time. A discrete family is log-linear between those as well, which makes areas a
little too large: by at most 3e-5 of them at ten years in months, 3e-4 at ten years in days.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from cxlink.groups.curves import cumulative_areas

_MOST = 72
_DENSE = 24
_EARLY = (np.arange(1, 6) / 6) ** 3
_PANELS = 8
_NODES = 4
_RATIO = 3.0


@dataclass(frozen=True, slots=True)
class Grid:
    """Times after the survey, in periods, rising.

    Attributes
    ----------
    time : ndarray of shape (n_times,)
        0, five points in the first period, whole periods to the last horizon, and points beyond it.
    whole : int ndarray of shape (n_whole,)
        Positions of the whole periods from 0 to the last horizon.
    inside : int
        Times up to the last horizon; those after it are nodes of the tail.
    area_weights : ndarray of shape (inside, n_whole)
        W such that S[:inside] @ W is the area up to each whole period, for smooth S.
    sum_weights : ndarray of shape (inside, n_whole)
        W such that S[:inside] @ W is S(1) + S(2) + … up to each whole period, for smooth S.
    tail_weight : ndarray of shape (n_times - inside,)
        Weights of the integral from the last horizon on.
    """

    time: np.ndarray
    whole: np.ndarray
    inside: int
    area_weights: np.ndarray
    sum_weights: np.ndarray
    tail_weight: np.ndarray

    @property
    def periods(self) -> np.ndarray:
        """The whole periods, from 0 to the last horizon."""
        periods: np.ndarray = self.time[self.whole].round().astype(int)
        return periods

    def at(self, periods: np.ndarray | tuple[int, ...]) -> np.ndarray:
        """Positions in `time` of whole periods on the grid."""
        positions: np.ndarray = self.whole[np.searchsorted(self.periods, np.asarray(periods))]
        return positions


def make_grid(horizons: tuple[int, ...]) -> Grid:
    """Lay out the times for some horizons.

    Parameters
    ----------
    horizons : tuple of int
        Whole periods, at least one of them positive; each will be on the grid.
    """
    last = max(horizons)
    whole = np.unique(np.concatenate([whole_periods(last, _MOST), [h for h in horizons if h >= 0]])).astype(
        int
    )
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    half = np.log(_RATIO) / 2
    middle = np.log(last) + half * (2 * np.arange(_PANELS) + 1)
    tail = np.exp(middle[:, None] + half * node).ravel()
    # dt = t dv for v the logarithm of t
    tail_weight = tail * np.tile(weight * half, _PANELS)
    time = np.concatenate([[0.0], _EARLY, whole[1:], tail])
    positions = np.concatenate([[0], 1 + len(_EARLY) + np.arange(len(whole) - 1)])
    inside = len(time) - len(tail)
    observed = time[:inside]
    return Grid(
        time,
        positions,
        inside,
        _spline_weights(observed, positions),
        _sum_weights(observed, positions),
        tail_weight,
    )


def _spline_weights(time: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Integrate the cardinal splines in u = t^(1/3), dt = 3u² du, up to each whole period."""
    root = np.cbrt(time)
    node, weight = np.polynomial.legendre.leggauss(6)
    middle, half = (root[1:] + root[:-1]) / 2, np.diff(root) / 2
    fine = middle[:, None] + half[:, None] * node
    pieces = np.einsum(
        "ij,ijk->ik", 3 * fine**2 * weight * half[:, None], CubicSpline(root, np.eye(len(root)))(fine)
    )
    total = np.vstack([np.zeros(len(root)), np.cumsum(pieces, axis=0)])
    weights: np.ndarray = total[whole].T
    return weights


def _sum_weights(time: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Sum the cardinal splines in t^(1/3) over the whole periods 1, 2, … up to each one of the grid."""
    every = np.arange(1, round(time[-1]) + 1)
    cardinal = CubicSpline(np.cbrt(time), np.eye(len(time)))(np.cbrt(every))
    total = np.vstack([np.zeros(len(time)), np.cumsum(cardinal, axis=0)])
    weights: np.ndarray = total[time[whole].round().astype(int)].T
    return weights


def whole_periods(last: int, most: int) -> np.ndarray:
    """Whole periods from 0 to ``last``: all of them under ``most``, else about so many, in growing steps."""
    if last < most:
        return np.arange(last + 1)
    dense = min(_DENSE, most // 2)
    later = np.geomspace(dense, last, most - dense)
    return np.unique(np.concatenate([np.arange(dense + 1), later.round()])).astype(int)


def areas_to(
    survival: np.ndarray, grid: Grid, whole: bool, at: np.ndarray | slice = slice(None)
) -> np.ndarray:
    """Integrate S from 0 to whole periods of the grid.

    Parameters
    ----------
    survival : ndarray of shape (..., n_times)
        S at the times of the grid, at least those up to its last whole period.
    grid : Grid
        Those times.
    whole : bool
        True for a discrete family: log-linear between whole periods; else by the grid's weights.
    at : int ndarray or slice
        Positions among the whole periods; all of them where left out.

    Returns
    -------
    ndarray of shape (..., n_ends)
        In periods.
    """
    if not whole:
        return weighted(survival, grid, grid.area_weights, at)
    return cumulative_areas(survival[..., grid.whole], grid.periods)[..., at]


def weighted(survival: np.ndarray, grid: Grid, weights: np.ndarray, at: np.ndarray | slice) -> np.ndarray:
    """S by the grid's weights of areas or of sums, to whole periods at positions ``at``; within what is possible."""
    area: np.ndarray = np.clip(survival[..., : grid.inside] @ weights[:, at], 0.0, grid.periods[at])
    return area


def tail_areas(survival: np.ndarray, grid: Grid) -> np.ndarray:
    """Integrate S from the grid's last whole period on, to infinity.

    Gauss–Legendre in log time to 6,561 times that period, then the power-law tail that S has reached there: infinite
    where its power is 1 or less.

    Parameters
    ----------
    survival : ndarray of shape (..., n_times)
        S at the times of the grid.
    grid : Grid
        Those times.

    Returns
    -------
    ndarray of shape (...)
        In periods.
    """
    tail, time = survival[..., grid.inside :], grid.time[grid.inside :]
    end = tail[..., -1]
    with np.errstate(all="ignore"):
        power = -np.log(end / tail[..., -2]) / np.log(time[-1] / time[-2])
        rest = np.where(power > 1, end * time[-1] / (power - 1), np.inf)
    total: np.ndarray = tail @ grid.tail_weight + np.where(end > 0, rest, 0.0)
    return total


def medians(survival: np.ndarray, grid: Grid, whole: bool) -> np.ndarray:
    """Find when S falls to one half.

    Between whole periods of a discrete family by log S linear in t, else by log(−log S) linear in log t.

    Returns
    -------
    ndarray of shape survival.shape[:-1]
        In periods; infinite where S is over one half at 6,561 times the grid's last whole period.
    """
    below = survival <= 0.5
    after = np.argmax(below, axis=-1)
    before = np.maximum(after - 1, 0)
    s1, s0 = (np.take_along_axis(survival, k[..., None], axis=-1)[..., 0] for k in (after, before))
    t1, t0 = grid.time[after], grid.time[before]
    with np.errstate(all="ignore"):
        straight = np.where(s1 > 0, np.log(s0 / 0.5) / np.log(s0 / s1), (s0 - 0.5) / s0)
        rising = np.log(np.log(0.5) / np.log(s0)) / np.log(np.log(s1) / np.log(s0))
        curved = t0 * (t1 / t0) ** rising
        log_linear = (t1 <= grid.periods[-1]) if whole else (t0 == 0) | (s0 >= 1) | (s1 <= 0)
        median = np.where(log_linear, t0 + (t1 - t0) * straight, curved)
    return np.where(below.any(axis=-1), median, np.inf)

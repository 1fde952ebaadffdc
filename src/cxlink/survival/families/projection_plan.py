"""What is asked of a fitted family, laid out as times and weights."""

from dataclasses import dataclass, replace

import numpy as np

from cxlink.groups.curves import Standard
from cxlink.survival.families.interpolate import lagrange
from cxlink.survival.families.time_grid import Grid, make_grid

_MOMENTS = 72
_SHOWN = 61


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What is asked of a fit.

    Attributes
    ----------
    level, stratum : int ndarray of shape (n_curves,)
        The pairs that `Standard.curve` counts: positions in the person-periods that were fitted. Pairs
        without customers may be among them.
    standards : tuple of Standard
        The reported groups, each once.
    horizons : tuple of int
        Whole periods after the survey, rising: the horizon and the ladder.
    last : int ndarray of shape (n_groups,)
        Last period since the time origin in which each group has ten customers at risk, see `last_with_ten`.
    labels : dict of str to str
        Columns of the estimates table that all groups share: ``adjusted``, ``stratum``, ``scenario``.
    given : tuple of int
        Periods already stayed, for remaining tenure.
    discount : float
        Of one period: future time counts exp(−discount · periods).
    waning : tuple of int
        Periods by which the score's effect is gone, one scenario each.
    contrasts : tuple of (int, int)
        Positions of each contrast's group and reference.
    share : ndarray of shape (n_groups,), optional
        Of each group in the whole cohort, whose hazard effects wane to: of the single levels. Needed for ``waning``.
    """

    level: np.ndarray
    stratum: np.ndarray
    standards: tuple[Standard, ...]
    horizons: tuple[int, ...]
    last: np.ndarray
    labels: dict[str, str]
    given: tuple[int, ...] = ()
    discount: float = 0.0
    waning: tuple[int, ...] = ()
    contrasts: tuple[tuple[int, int], ...] = ()
    share: np.ndarray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ProjectionPlan:
    """A target as arrays.

    Attributes
    ----------
    target : Target
        What is asked.
    grid : Grid
        Times after the survey.
    moments : int ndarray of shape (n_moments,)
        Periods since the time origin from which curves are followed.
    weight : ndarray of shape (1 + n_given, n_moments, n_groups, n_curves)
        Of each curve from each moment on: at the survey, and then for those who have stayed each of `given`; sums to
        1 over moments and curves.
    latest : int ndarray of shape (n_groups,)
        Latest entry of each group.
    shown_times : int ndarray of shape (n_shown,)
        Whole periods to draw at, 61 at most.
    pace : float
        Distance in log time of the moments that log-survival is computed at; 0 for every one.
    step : float
        Of the interpolation grid of locations, see `mesh`; 0 to compute every curve.
    """

    target: Target
    grid: Grid
    moments: np.ndarray
    weight: np.ndarray
    latest: np.ndarray
    shown_times: np.ndarray
    pace: float = 0.0
    step: float = 0.0


def plan_for(target: Target) -> ProjectionPlan:
    """Lay out times and weights; with up to 72 moments, and all of them where there are no more."""
    grid = make_grid((*target.horizons, *(int(last) for last in target.last)))
    latest = np.array([standard.entry[standard.weight > 0].max(initial=0) for standard in target.standards])
    shown = grid.periods[grid.periods <= max(target.horizons)]
    picked = np.linspace(0, len(shown) - 1, min(_SHOWN, len(shown))).round().astype(int)
    moments, weight = _laid(target, _MOMENTS)
    return ProjectionPlan(target, grid, moments, weight, latest, shown[np.unique(picked)])


def with_moments(plan: ProjectionPlan, most: int) -> ProjectionPlan:
    """Place the customers on a few entry times, closer together where they are early."""
    moments, weight = _laid(plan.target, most)
    return replace(plan, moments=moments, weight=weight)


def _laid(target: Target, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Moments, ``most`` at most, and weights: S(m+h)/S(m) is a cubic in √m through the four nearest of them."""
    starts = (0, *target.given)
    entries = np.unique(np.concatenate([standard.entry for standard in target.standards]))
    times = np.unique(np.add.outer(starts, entries))
    root = np.sqrt(times - times[0])
    nodes = np.arange(len(times))
    if len(times) > most:
        even = np.linspace(0, root[-1], most)
        nodes = np.unique(np.abs(root[:, None] - even).argmin(axis=0))
    onto = lagrange(root[nodes], root)
    weight = np.zeros((len(starts), len(nodes), len(target.standards), len(target.level)))
    for k, start in enumerate(starts):
        for group, standard in enumerate(target.standards):
            exact = np.zeros((len(times), len(target.level)))
            np.add.at(
                exact, (np.searchsorted(times, standard.entry + start), standard.curve), standard.weight
            )
            weight[k, :, group] = onto.T @ exact
    return times[nodes], weight

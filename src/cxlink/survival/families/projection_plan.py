"""What is asked of a fitted family, laid out as times and weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csr_array

from cxlink.groups.curves import Standard
from cxlink.groups.retained import Scored
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
    lags : tuple of (int, int)
        Periods already stayed, and how many from then on retention is wanted for.
    scored : Scored or None
        Whose mix the groups share among those retained; None where each group is its own customers.
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
    lags: tuple[tuple[int, int], ...] = ()
    scored: Scored | None = None

    @property
    def starts(self) -> tuple[int, ...]:
        """Periods already stayed: none, each of `given`, and those of `lags`."""
        return (0, *self.given, *(lag for lag, _ in self.lags))


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
    nodes : int ndarray of shape (n_starts, n_nodes)
        Of each of the target's starts, at which moments: a few entries, and the start after them.
    onto : tuple of sparse matrix of shape (n_nodes * n_curves, n_terms)
        Of each standard: what of its terms is read from each curve at each node.
    latest : int ndarray of shape (n_groups,)
        Latest entry of each group.
    shown_times : int ndarray of shape (n_shown,)
        Whole periods to draw at, 61 at most.
    pace : float
        Distance in log time of the moments that log-survival is computed at; 0 for every one.
    step : float
        Of the interpolation grid of locations, see `interpolation_grid`; 0 to compute every curve.
    """

    target: Target
    grid: Grid
    moments: np.ndarray
    nodes: np.ndarray
    onto: tuple[csr_array, ...]
    latest: np.ndarray
    shown_times: np.ndarray
    pace: float = 0.0
    step: float = 0.0

    def weights(self, terms: Sequence[np.ndarray]) -> np.ndarray:
        """Weights of curves at nodes, from those of the standards' terms, draw by draw.

        Parameters
        ----------
        terms : sequence of ndarray of shape (n_terms, n_draws)
            One for each standard.

        Returns
        -------
        ndarray of shape (n_nodes, n_draws, n_groups, n_curves)
        """
        shape = (self.nodes.shape[1], len(self.target.level), -1)
        parts = [(onto @ weight).reshape(shape) for onto, weight in zip(self.onto, terms, strict=True)]
        return np.stack(parts).transpose(1, 3, 0, 2)


def plan_for(target: Target) -> ProjectionPlan:
    """Lay out times and weights; with up to 72 moments, and all of them where there are no more."""
    grid = make_grid(
        (*target.horizons, *(int(last) for last in target.last), *(rest for _, rest in target.lags))
    )
    latest = np.array([standard.entry[standard.weight > 0].max(initial=0) for standard in target.standards])
    shown = grid.periods[grid.periods <= max(target.horizons)]
    picked = np.linspace(0, len(shown) - 1, min(_SHOWN, len(shown))).round().astype(int)
    return ProjectionPlan(target, grid, *_laid(target, _MOMENTS), latest, shown[np.unique(picked)])


def with_moments(plan: ProjectionPlan, most: int) -> ProjectionPlan:
    """Place the customers on a few entry times, closer together where they are early."""
    moments, nodes, onto = _laid(plan.target, most)
    return replace(plan, moments=moments, nodes=nodes, onto=onto)


def _laid(target: Target, most: int) -> tuple[np.ndarray, np.ndarray, tuple[csr_array, ...]]:
    """Moments, nodes and weights: S(m+h)/S(m) is a cubic in √m through the four nearest of at most so many entries."""
    entries = np.unique(np.concatenate([standard.entry for standard in target.standards]))
    root = np.sqrt(entries - entries[0])
    nodes = np.arange(len(entries))
    if len(entries) > most:
        even = np.linspace(0, root[-1], most)
        nodes = np.unique(np.abs(root[:, None] - even).argmin(axis=0))
    cubic = lagrange(root[nodes], root)
    times = np.add.outer(np.array(target.starts), entries[nodes])
    moments, at = np.unique(times, return_inverse=True)
    onto = tuple(
        _onto(standard, cubic[np.searchsorted(entries, standard.entry)], len(target.level))
        for standard in target.standards
    )
    return moments, at.reshape(times.shape), onto


def _onto(standard: Standard, cubic: np.ndarray, n_curves: int) -> csr_array:
    """What of each term of a standard is read from each curve at each node: (n_nodes * n_curves, n_terms)."""
    term, node = np.nonzero(cubic)
    shape = (cubic.shape[1] * n_curves, len(standard.curve))
    rows = node * n_curves + standard.curve[term]
    return coo_array((cubic[term, node], (rows, term)), shape=shape).tocsr()

"""Survival of reported groups under a fitted family, from the survey on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cxlink.models.curves import Standard
from cxlink.models.fitted import Fit
from cxlink.models.horizon import Grid, areas_to, make_grid
from cxlink.models.mesh import mesh, mesh_size

_BLOCK = 2_000_000
_ENTRIES = 24
_PLOTTED = 61
_STEPS = (0.4, 0.2, 0.1)
_CLOSE = 1e-5


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
        Last period of the clock in which each group has ten customers at risk, see `last_with_ten`.
    labels : dict of str to str
        Columns of the estimates table that all groups share: ``adjusted``, ``stratum``, ``scenario``.
    given : tuple of int
        Periods already stayed, for remaining tenure.
    discount : float
        Of one period: future time counts exp(−discount · periods).
    waning : tuple of int
        Periods by which the score's effect is gone, one scenario each.
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
    share: np.ndarray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A target as arrays.

    Attributes
    ----------
    target : Target
        What is asked.
    grid : Grid
        Times after the survey.
    entries : int ndarray of shape (n_entries,)
        Periods already passed at the survey.
    weight : ndarray of shape (n_entries, n_groups, n_curves)
        Of each curve from each entry on; sums to 1 over entries and curves.
    latest : int ndarray of shape (n_groups,)
        Latest entry of each group.
    plot_times : int ndarray of shape (n_plotted,)
        Whole periods to draw at, 61 at most.
    step : float
        Of the mesh of locations, see `mesh`; 0 to compute every curve.
    """

    target: Target
    grid: Grid
    entries: np.ndarray
    weight: np.ndarray
    latest: np.ndarray
    plot_times: np.ndarray
    step: float = 0.0


def plan_for(target: Target) -> Plan:
    """Lay out times and weights.

    Entries beyond 24 different ones are laid on 24 by splitting each weight linearly between its neighbours.
    """
    grid = make_grid((*target.horizons, *(int(last) for last in target.last)))
    found = np.unique(np.concatenate([standard.entry for standard in target.standards]))
    entries = found
    if len(found) > _ENTRIES:
        spread = np.linspace(0, 1, _ENTRIES) ** 2 * (found[-1] - found[0])
        entries = found[0] + np.unique(spread.round().astype(int))
    weight = np.zeros((len(entries), len(target.standards), len(target.level)))
    for group, standard in enumerate(target.standards):
        _lay(weight[:, group], entries, standard)
    latest = np.array([standard.entry[standard.weight > 0].max(initial=0) for standard in target.standards])
    shown = grid.periods[grid.periods <= max(target.horizons)]
    picked = np.linspace(0, len(shown) - 1, min(_PLOTTED, len(shown))).round().astype(int)
    return Plan(target, grid, entries, weight, latest, shown[np.unique(picked)])


def shifted(plan: Plan, periods: int) -> Plan:
    """The same customers, each some periods later: what is left for those who have stayed so long."""
    return replace(plan, entries=plan.entries + periods)


def _lay(weight: np.ndarray, entries: np.ndarray, standard: Standard) -> None:
    """Add a standard's weights to ``weight``, of shape (n_entries, n_curves)."""
    above = np.searchsorted(entries, standard.entry)
    below = np.where(entries[above] == standard.entry, above, above - 1)
    gap = np.maximum(entries[above] - entries[below], 1)
    up = (standard.entry - entries[below]) / gap
    np.add.at(weight, (above, standard.curve), standard.weight * up)
    np.add.at(weight, (below, standard.curve), standard.weight * (1 - up))


def meshed(fit: Fit, plan: Plan, curve: np.ndarray) -> Plan:
    """Choose the widest mesh of locations that gives the estimate's S to 1e-5 everywhere, if there is one.

    Parameters
    ----------
    fit : Fit
        What is projected.
    plan : Plan
        Without a mesh.
    curve : ndarray of shape (1, n_groups, n_times)
        What `group_survival` gives without one.
    """
    if not fit.shared_shape:
        return plan
    location = fit.linked(fit.estimate[None], plan.target.level, plan.target.stratum)[0]
    for step in _STEPS:
        tried: Plan = replace(plan, step=step)
        if 2 * mesh_size(location, step) > location.shape[1]:
            break
        if np.abs(group_survival(fit, fit.estimate[None], tried) - curve).max() < _CLOSE:
            return tried
    return plan


def blocks(fit: Fit, theta: np.ndarray, plan: Plan) -> list[np.ndarray]:
    """Cut draws of parameters into blocks whose curves stay within some tens of megabytes."""
    location = fit.linked(theta, plan.target.level, plan.target.stratum)[0]
    n_rows = min(mesh_size(location, plan.step), location.shape[1])
    cells = n_rows * (len(plan.entries) * len(plan.grid.time) + location.shape[1])
    wanted = int(np.ceil(len(theta) * cells / _BLOCK))
    return np.array_split(theta, min(len(theta), max(1, wanted)))


def group_survival(fit: Fit, theta: np.ndarray, plan: Plan) -> np.ndarray:
    """Compute S(h) = Σ w·S_k(e+h)/S_k(e) of each group at the times of the grid.

    Parameters
    ----------
    fit : Fit
        Made on the person-periods that the plan's target counts in.
    theta : ndarray of shape (n_draws, n_parameters)
        On the link scale.
    plan : Plan
        Times and weights.

    Returns
    -------
    ndarray of shape (n_draws, n_groups, n_times)
    """
    grid, whole = plan.grid, fit.family.whole_periods
    # A discrete family knows nothing within a period: the points of the first are filled in by the rule.
    used = np.r_[0, grid.whole[1] : len(grid.time)] if whole else np.arange(len(grid.time))
    mixed = [weight @ ratio for weight, ratio in _conditional(fit, theta, plan, grid.time[used])]
    total = mixed[0] if len(mixed) == 1 else np.sum(mixed, axis=0)
    if not whole:
        return np.asarray(total)
    survival = np.zeros((len(theta), len(plan.target.standards), len(grid.time)))
    survival[..., used] = total
    early, first = np.arange(1, grid.whole[1]), survival[..., grid.whole[1], None]
    survival[..., early] = np.where(first > 0, first ** grid.time[early], 1 - grid.time[early])
    return survival


def _conditional(
    fit: Fit, theta: np.ndarray, plan: Plan, time: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each entry e in turn: weights (…, n_groups, n_rows) and S(e+h)/S(e), (n_draws, n_rows, n_times)."""
    clock, position = np.unique(np.add.outer(plan.entries, time), return_inverse=True)
    linked = fit.linked(theta, plan.target.level, plan.target.stratum)
    found = mesh(linked[0], plan.step)
    log_survival = _log_survival(fit, linked if found is None else [found[0], *linked[1:]], clock)
    for weight, at in zip(plan.weight, position.reshape(len(plan.entries), len(time)), strict=True):
        used = np.flatnonzero(weight.any(axis=0)) if found is None else np.arange(found[0].shape[1])
        straight = len(used) == log_survival.shape[1] and np.array_equal(at, np.arange(len(clock)))
        # with one entry nothing else needs the array: it is overwritten
        piece = log_survival if straight and len(plan.entries) == 1 else log_survival[:, used[:, None], at]
        with np.errstate(all="ignore"):
            first = piece[..., :1].copy()
            if first.any():
                piece -= first
            ratio = np.exp(piece, out=piece)
        if np.isinf(first).any():
            # 0/0: the curve has reached 0 by then in this draw, and whoever enters is lost at once.
            ratio = np.where(np.isnan(ratio), 0.0, ratio)
        ratio[..., 0] = 1.0
        yield weight[:, used] if found is None else weight @ found[1], ratio


def _log_survival(fit: Fit, linked: Sequence[np.ndarray], clock: np.ndarray) -> np.ndarray:
    """Log-survival at each location, of shape (n_draws, n_locations, n_clock); never rising, as a spline's might."""
    positive = clock > 0
    with np.errstate(all="ignore"):
        known = fit.family.linked(clock[positive], *(part[..., None] for part in linked))
    log_survival = np.zeros((*known.shape[:-1], len(clock)))
    log_survival[..., positive] = known
    if fit.family.kind == "spline":
        np.minimum.accumulate(log_survival, axis=-1, out=log_survival)
    return log_survival


def known_areas(fit: Fit, plan: Plan) -> np.ndarray:
    """Area within follow-up at the estimate: from each entry e, up to the clock's ``last`` − e.

    Returns
    -------
    ndarray of shape (n_groups, n_horizons + 1)
        Of each restricted mean and, last, of the mean; in periods.
    """
    grid, target = plan.grid, plan.target
    limits = np.array([*target.horizons, grid.periods[-1]])
    known = np.zeros((len(target.standards), len(limits)))
    pieces = _conditional(fit, fit.estimate[None], plan, grid.time)
    for entry, (weight, ratio) in zip(plan.entries, pieces, strict=True):
        area = areas_to(ratio[0], grid, fit.family.whole_periods)
        for group, last in enumerate(target.last):
            until = np.minimum(limits, max(last - entry, 0))
            after = np.searchsorted(grid.periods, until)
            before = np.maximum(after - 1, 0)
            step = np.maximum(grid.periods[after] - grid.periods[before], 1)
            part = (until - grid.periods[before]) / step
            upto = area[:, before] + (area[:, after] - area[:, before]) * part
            known[group] += weight[group] @ upto
    return known

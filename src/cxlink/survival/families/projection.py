"""Survival of reported groups under a fitted family, from the survey on and from later."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from cxlink.groups.discrete_hazard import EXTINCT
from cxlink.groups.retained import retained_weights
from cxlink.survival.families.fitted import Fit
from cxlink.survival.families.interpolate import grid_size, interpolation_grid
from cxlink.survival.families.projection_plan import ProjectionPlan, with_moments
from cxlink.survival.families.survival_at_times import at_times, exactly, paced
from cxlink.survival.families.time_grid import areas_to

_BLOCK = 500_000
_FEW = (6, 9, 13, 19, 28, 42)
_PACES = (0.8, 0.5, 0.3, 0.2)
_STEPS = (0.4, 0.2, 0.1)
_CLOSE = 1e-4
_SMALL = 1e-300
_GONE = 1e20
_MOST = 0.001


def thinned(fit: Fit, plan: ProjectionPlan, curve: np.ndarray) -> tuple[ProjectionPlan, np.ndarray]:
    """Choose the fewest moments, times and locations that give the estimate's S, each to 1e-4 everywhere.

    What little is lost, `drawn_survival` puts right at the estimate.

    Parameters
    ----------
    fit : Fit
        What is projected.
    plan : ProjectionPlan
        In full.
    curve : ndarray of shape (n_starts, 1, n_groups, n_times)
        What `group_survival` gives by it.

    Returns
    -------
    few : ProjectionPlan
        For draws.
    curve : ndarray of shape (n_starts, 1, n_groups, n_times)
        What `group_survival` gives by that.
    """
    moments = (with_moments(plan, most) for most in _FEW if most < plan.nodes.shape[1])
    plan, curve = _first_close(fit, plan, curve, moments)
    plan, curve = _first_close(fit, plan, curve, (replace(plan, pace=pace) for pace in _PACES))
    location = fit.linked(fit.estimate[None], plan.target.level, plan.target.stratum)[0]
    steps = [step for step in _STEPS if 2 * grid_size(location, step) <= location.shape[1]]
    return _first_close(fit, plan, curve, (replace(plan, step=s) for s in steps if fit.shared_shape))


def _first_close(
    fit: Fit, plan: ProjectionPlan, curve: np.ndarray, candidates: Iterator[ProjectionPlan]
) -> tuple[ProjectionPlan, np.ndarray]:
    for tried in candidates:
        survival = group_survival(fit, fit.estimate[None], tried)
        if np.abs(survival - curve).max() < _CLOSE:
            return tried, survival
    return plan, curve


def drawn_survival(
    fit: Fit, theta: np.ndarray, plan: ProjectionPlan, curve: np.ndarray
) -> Iterator[np.ndarray]:
    """Survival of draws in blocks, scaled so that the estimate's would be exact.

    Parameters
    ----------
    fit : Fit
        What is projected.
    theta : ndarray of shape (n_draws, n_parameters)
        On the link scale.
    plan : ProjectionPlan
        In full.
    curve : ndarray of shape (n_starts, 1, n_groups, n_times)
        What `group_survival` gives at the estimate by it.

    Yields
    ------
    ndarray of shape (n_starts, n_block, n_groups, n_times)
    """
    few, approximate = thinned(fit, plan, curve)
    # where survival is close to 0 a ratio is unstable
    scale = np.clip(curve / np.maximum(approximate, _SMALL), 1 - _MOST, 1 + _MOST)
    for block in _blocks(fit, theta, few):
        yield np.clip(group_survival(fit, block, few) * scale, 0.0, 1.0)


def _blocks(fit: Fit, theta: np.ndarray, plan: ProjectionPlan) -> list[np.ndarray]:
    """Cut draws of parameters into blocks whose curves stay within some megabytes, near the processor."""
    location = fit.linked(theta, plan.target.level, plan.target.stratum)[0]
    n_rows = min(grid_size(location, plan.step), location.shape[1])
    moments = 1 if plan.pace else len(plan.moments)
    cells = n_rows * (moments * len(plan.grid.time) + location.shape[1])
    wanted = int(np.ceil(len(theta) * cells / _BLOCK))
    return np.array_split(theta, min(len(theta), max(1, wanted)))


def group_survival(fit: Fit, theta: np.ndarray, plan: ProjectionPlan) -> np.ndarray:
    """Compute Σ w·S_k(m+h)/S_k(m) of each group, at the times h of the grid, from the survey on and from later.

    Parameters
    ----------
    fit : Fit
        Made on the person-periods that the plan's target counts in.
    theta : ndarray of shape (n_draws, n_parameters)
        On the link scale.
    plan : ProjectionPlan
        Times and weights.

    Returns
    -------
    ndarray of shape (n_starts, n_draws, n_groups, n_times)
    """
    grid, whole = plan.grid, fit.family.whole_periods
    # A discrete family knows nothing within a period: the points of the first are filled in by the rule.
    used = np.r_[0, grid.whole[1] : len(grid.time)] if whole else np.arange(len(grid.time))
    shape = len(plan.nodes), len(theta), len(plan.target.standards), len(used)
    total = np.zeros(shape)
    for _, start, weights, ratio in _conditional(fit, theta, plan, grid.time[used]):
        total[start] += weights.astype(ratio.dtype) @ ratio
    if not whole:
        return total
    survival = np.zeros((*total.shape[:-1], len(grid.time)))
    survival[..., used] = total
    early, first = np.arange(1, grid.whole[1]), survival[..., grid.whole[1], None]
    survival[..., early] = np.where(first > 0, first ** grid.time[early], 1 - grid.time[early])
    return survival


def _conditional(
    fit: Fit, theta: np.ndarray, plan: ProjectionPlan, time: np.ndarray
) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
    """Of each moment m and start: both, weights (…, n_groups, n_rows) and S(m+h)/S(m), (n_draws, n_rows, n_times)."""
    weights = _weights(fit, theta, plan)
    linked = fit.linked(theta, plan.target.level, plan.target.stratum)
    grid = interpolation_grid(linked[0], plan.step)
    if grid is not None:
        linked = [grid[0], *linked[1:]]
    moments = np.add.outer(plan.moments, time)
    read = (
        paced(fit.family, linked, moments, plan.pace) if plan.pace else exactly(fit.family, linked, moments)
    )
    for k in range(len(plan.moments)):
        ratio = _ratio(read(k), falling=fit.family.kind == "spline")
        for start, node in np.argwhere(plan.nodes == k):
            weight = weights[start][node]
            yield k, int(start), weight if grid is None else weight @ grid[1], ratio


def _weights(fit: Fit, theta: np.ndarray, plan: ProjectionPlan) -> list[np.ndarray]:
    """Of each start, weights of curves at nodes: (n_nodes, n_draws, n_groups, n_curves), of one draw at the survey."""
    target = plan.target
    found = [plan.weights([standard.weight[:, None] for standard in target.standards])]
    if len(target.starts) == 1:
        return found
    ours = [s.entry for s in target.standards] if target.scored is None else [target.scored.entry]
    entries = np.unique(np.concatenate(ours))
    times = np.unique(np.add.outer(np.array(target.starts), entries))
    linked = fit.linked(theta, target.level, target.stratum)
    log_survival = np.moveaxis(at_times(fit.family, linked, times.astype(float)), 0, -1)
    if fit.family.kind == "spline":
        np.minimum.accumulate(log_survival, axis=1, out=log_survival)
    np.maximum(log_survival, EXTINCT, out=log_survival)
    for given in target.starts[1:]:

        def retained(curve: np.ndarray, entry: np.ndarray, given: int = given) -> np.ndarray:
            after, before = (log_survival[curve, np.searchsorted(times, t)] for t in (entry + given, entry))
            share: np.ndarray = np.exp(after - before)
            return share

        found.append(plan.weights(retained_weights(target.standards, target.scored, retained)))
    return found


def _ratio(log_survival: np.ndarray, falling: bool) -> np.ndarray:
    """S over its first time; ``falling``: never rising, as a spline's might."""
    if falling:
        np.minimum.accumulate(log_survival, axis=-1, out=log_survival)
    with np.errstate(all="ignore"):
        first = log_survival[..., :1].copy()
        if first.any():
            log_survival -= first
        ratio = np.exp(log_survival, out=log_survival)
    gone = first[..., 0] < -_GONE
    if gone.any():
        # 0/0: the curve has reached 0 by then in this draw, and customers who enter are lost at once
        ratio[gone] = 0.0
    ratio[..., 0] = 1.0
    return ratio


def known_areas(fit: Fit, plan: ProjectionPlan) -> np.ndarray:
    """Area within follow-up at the estimate: from each moment m, up to ``last`` − m.

    Returns
    -------
    ndarray of shape (n_groups, n_starts, n_horizons + 1)
        Of each restricted mean and, last, of the mean; in periods.
    """
    grid, target = plan.grid, plan.target
    limits = np.array([*target.horizons, grid.periods[-1]])
    areas = np.zeros((len(target.standards), len(target.starts), len(limits)))
    for k, start, weights, ratio in _conditional(fit, fit.estimate[None], plan, grid.time):
        area = areas_to(ratio[0], grid, fit.family.whole_periods)
        for group, last in enumerate(target.last):
            until = np.minimum(limits, max(last - plan.moments[k], 0))
            after = np.searchsorted(grid.periods, until)
            before = np.maximum(after - 1, 0)
            step = np.maximum(grid.periods[after] - grid.periods[before], 1)
            part = (until - grid.periods[before]) / step
            upto = area[:, before] + (area[:, after] - area[:, before]) * part
            areas[group, start] += weights[0, group] @ upto
    return areas

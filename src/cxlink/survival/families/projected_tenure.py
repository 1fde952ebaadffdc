"""Expected tenure from fitted families: retention, restricted and unrestricted means, medians, with draws."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cxlink.cohort.count.spells import PersonPeriods
from cxlink.groups.curves import Standard
from cxlink.groups.support import FEWEST_AT_RISK
from cxlink.survival.families.fitted import Fit
from cxlink.survival.families.projection import drawn_survival, group_survival, known_areas
from cxlink.survival.families.projection_plan import ProjectionPlan, Target, plan_for
from cxlink.survival.families.time_grid import areas_to, medians, tail_areas, weighted
from cxlink.survival.families.waning import waned
from cxlink.survival.survival import Drawn, Survival, Tail


def last_with_ten(periods: PersonPeriods, level: np.ndarray, standards: Sequence[Standard]) -> np.ndarray:
    """Last period since the time origin in which each group has ten customers at risk.

    Parameters
    ----------
    periods : PersonPeriods
        The cohort.
    level : int ndarray of shape (n_curves,)
        Level (position in ``periods.levels``) of each curve of the standards.
    standards : sequence of Standard
        The groups: all customers of their levels count.

    Returns
    -------
    int ndarray of shape (n_groups,)
        0 where a group never has ten.
    """
    last = []
    for standard in standards:
        mine = np.isin(periods.level, level[standard.curve])
        enough = np.flatnonzero(periods.at_risk[mine].sum(axis=0) >= FEWEST_AT_RISK)
        last.append(int(enough[-1]) + 1 if enough.size else 0)
    return np.array(last)


def project(fit: Fit, target: Target, n_draws: int, rng: np.random.Generator) -> tuple[Survival, ...]:
    """Project a fitted family to horizons, with draws, in blocks of them so that memory stays small.

    Parameters
    ----------
    fit : Fit
        Made on the person-periods that ``target`` counts in.
    target : Target
        What is asked.
    n_draws : int
        Draws of each quantity.
    rng : Generator
        Source of the draws.

    Returns
    -------
    tuple of Survival
        With the score's effect lasting for ever, and then one for each of ``target.waning``.
    """
    plan = plan_for(target)
    curve = group_survival(fit, fit.estimate[None], plan)
    drawn = drawn_survival(fit, fit.draws(n_draws, rng), plan, curve)
    quantities = [_quantities(plan, survival, fit.family.whole_periods) for survival in (curve, *drawn)]
    observed_areas = known_areas(fit, plan)
    scenarios = [("", np.inf), *((f"waning={w}", w) for w in target.waning)]
    return tuple(
        _survival(
            plan,
            [part[k] for part in quantities],
            observed_areas,
            (fit.family.name, scenario),
            _waned(plan, curve[0], end)[0],
        )
        for k, (scenario, end) in enumerate(scenarios)
    )


def _survival(
    plan: ProjectionPlan,
    parts: Sequence[dict[str, np.ndarray]],
    observed_areas: np.ndarray,
    names: tuple[str, str],
    curve: np.ndarray,
) -> Survival:
    """Put estimate (the first part) and blocks of draws together; ``names`` are those of model and scenario."""
    target, (model, scenario) = plan.target, names
    drawn = {
        key: Drawn(parts[0][key][0], np.concatenate([block[key] for block in parts[1:]])) for key in parts[0]
    }
    labels = {**target.labels, "scenario": scenario} if scenario else target.labels
    common = {"model": model, "labels": labels, **_groups(target)}
    until = target.last - plan.latest
    discounted = settled(drawn["discounted"])
    tail = Tail(
        drawn["median"], discounted, drawn["curtate"], plan.grid, curve, plan.shown_times, drawn["shown"]
    )  # fmt: skip
    starts = [
        Survival(
            point=drawn[f"retention{k}"].point, draws=drawn[f"retention{k}"].draws, area=settled(drawn[f"area{k}"]),
            inside=observed_areas[:, k], observed_until=until - given, given=given, **common,
        )
        for k, given in enumerate((0, *target.given)) if f"area{k}" in drawn
    ]  # fmt: skip
    lagged = [
        replace(
            starts[0], times=np.array([rest]), point=drawn[f"lag{lag}"].point, draws=drawn[f"lag{lag}"].draws,
            horizons=(), area=Drawn(starts[0].area.point[:, :0], starts[0].area.draws[..., :0]),
            inside=observed_areas[:, 0, :0], observed_until=until - lag, given=lag,
        )
        for lag, rest in target.lags if f"lag{lag}" in drawn
    ]  # fmt: skip
    return replace(starts[0], tail=tail, later=(*starts[1:], *lagged))


def _groups(target: Target) -> dict[str, Any]:
    """Give what `Survival` says of the groups, whatever the model."""
    n_groups = len(target.standards)
    return {
        "groups": tuple(standard.group for standard in target.standards),
        "n": np.array([standard.n for standard in target.standards]),
        "n_events": np.array([standard.n_events for standard in target.standards]),
        "times": np.array(target.horizons), "horizons": (*target.horizons, np.inf),
        "last": np.zeros(n_groups, dtype=int), "own": tuple(range(n_groups)), "contrasts": target.contrasts,
        "sparse": np.zeros(n_groups, dtype=bool),
    }  # fmt: skip


def _quantities(plan: ProjectionPlan, survival: np.ndarray, whole: bool) -> list[dict[str, np.ndarray]]:
    """Give what is drawn of `Survival`, each of shape (n_draws, n_groups, ...), for every scenario.

    ``retention0`` and ``area0`` are from the survey on, those with a higher number of those who have stayed so long;
    ``lag3`` is retention to the horizon of those who have stayed three periods.
    """
    first, *later = survival
    quantities = {**_from(plan, first, whole, 0), **_without_horizon(plan, first, whole)}
    n_given = len(plan.target.given)
    for k, rest in enumerate(later[:n_given], 1):
        quantities |= _from(plan, rest, whole, k)
    for (lag, rest), retained in zip(plan.target.lags, later[n_given:], strict=True):
        quantities[f"lag{lag}"] = retained[..., plan.grid.at((rest,))]
    waned = [_waned(plan, first, end) for end in plan.target.waning]
    return [
        quantities,
        *({**_from(plan, one, whole, 0), **_without_horizon(plan, one, whole)} for one in waned),
    ]


def _from(plan: ProjectionPlan, survival: np.ndarray, whole: bool, start: int) -> dict[str, np.ndarray]:
    at = plan.grid.at(plan.target.horizons)
    return {f"retention{start}": survival[..., at], f"area{start}": _areas(plan, survival, whole)}


def _without_horizon(plan: ProjectionPlan, survival: np.ndarray, whole: bool) -> dict[str, np.ndarray]:
    grid, target = plan.grid, plan.target
    discount_factor = np.exp(-target.discount * grid.time) if target.discount > 0 else np.ones(len(grid.time))
    ends = np.searchsorted(grid.periods, target.horizons)
    return {
        "median": medians(survival, grid, whole),
        "discounted": _areas(plan, survival * discount_factor, whole),
        "curtate": weighted(survival, grid, grid.sum_weights, ends),
        "shown": survival[..., grid.at(plan.shown_times)].astype(np.float32),
    }


def _areas(plan: ProjectionPlan, survival: np.ndarray, whole: bool) -> np.ndarray:
    """Areas to each horizon and, last, to infinity."""
    grid = plan.grid
    ends = np.r_[np.searchsorted(grid.periods, plan.target.horizons), len(grid.periods) - 1]
    area = areas_to(survival, grid, whole, ends)
    area[..., -1] += tail_areas(survival, grid)
    return area


def _waned(plan: ProjectionPlan, survival: np.ndarray, end: float) -> np.ndarray:
    if np.isinf(end) or plan.target.share is None:
        return survival
    return waned(survival, plan.grid.time, plan.target.last - plan.latest, plan.target.share, end)


def settled(area: Drawn) -> Drawn:
    """Call an area infinite where more than half of its draws are."""
    return Drawn(np.where(np.isinf(area.draws).mean(axis=0) > 0.5, np.inf, area.point), area.draws)

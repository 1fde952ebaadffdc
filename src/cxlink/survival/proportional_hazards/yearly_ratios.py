"""The hazard ratio of the headline contrast in each year of the time axis: proportional hazards within a year only."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cxlink.cohort.count.spells import Spells, merged_over_strata, person_periods
from cxlink.cohort.spec.cohort_spec import PERIODS_PER_YEAR, CohortSpec
from cxlink.groups.group import groups_of
from cxlink.survival.proportional_hazards.hazard_draws import drawn, estimated, level_effects
from cxlink.survival.proportional_hazards.hazard_fit import Unestimated, fit_hazards, narrowed


@dataclass(frozen=True, slots=True, eq=False)
class YearlyRatio:
    """Hazard ratio of one year.

    Attributes
    ----------
    year : int
        From 1.
    point : float
        The log ratio.
    draws : ndarray of shape (n_draws,)
        Of it.
    n, n_events : int
        Customers of the group at risk when the year starts, and losses among them within it.
    penalised : bool
        Whether a level had too few losses for a normal interval.
    """

    year: int
    point: float
    draws: np.ndarray
    n: int
    n_events: int
    penalised: bool


def yearly_ratios(
    spells: Spells, spec: CohortSpec, rng: np.random.Generator, *, adjusted: bool
) -> Iterator[YearlyRatio]:
    """Fit each year by itself, and give the headline contrast's ratio: of the mean log hazard of each side's levels.

    A year in which a side has nobody at risk, or nobody was lost, is left out.

    Parameters
    ----------
    spells : Spells
        The cohort.
    spec : CohortSpec
        Its contrast, unit, draws and the score's effect.
    rng : Generator
        Advanced.
    adjusted : bool
        Whether the strata are in the model.
    """
    periods, groups = person_periods(spells), groups_of(spells, spec)
    sides = spec.contrast(spec.analysis.contrasts[0])
    if not set(sides) <= set(groups):
        return
    periods = periods if adjusted else merged_over_strata(periods)
    scored = np.bincount(spells.level[spells.pair], spells.n, len(spells.levels))
    length = PERIODS_PER_YEAR[spec.unit]
    for year, start in enumerate(range(0, spells.n_periods, length), 1):
        month = np.arange(spells.n_periods)
        part = narrowed(periods, (month >= start) & (month < start + length))
        entered = np.bincount(part.level, part.at_risk.max(axis=1), len(spells.levels))
        inside = [groups[side].at[entered[groups[side].at] > 0] for side in sides]
        fit = fit_hazards(part, spec.score.effect)
        if isinstance(fit, Unestimated) or not all(at.size for at in inside):
            continue
        weights = [scored[at] / scored[at].sum() for at in inside]
        point, draws = (
            effects[:, inside[0]] @ weights[0] - effects[:, inside[1]] @ weights[1]
            for effects in (
                level_effects(fit, estimated(fit).beta),
                level_effects(fit, drawn(fit, spec.analysis.draws, rng).beta),
            )
        )
        mine = np.isin(part.level, inside[0])
        n, n_events = int(part.at_risk[mine].max(axis=1).sum()), int(part.lost[mine].sum())
        yield YearlyRatio(year, float(point[0]), draws, n, n_events, bool(fit.separated or fit.few))

"""Whether proportional hazards hold, and whether losses trend over the score."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from cxlink.cohort.count.spells import PersonPeriods, Spells, person_periods
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimation.effects import basis
from cxlink.groups.group import groups_of
from cxlink.groups.mixtures import mixtures, standardise
from cxlink.groups.requests import Request, followed
from cxlink.groups.support import FEWEST_AT_RISK
from cxlink.survival.proportional_hazards.hazard_draws import estimated, extinction
from cxlink.survival.proportional_hazards.hazard_fit import HazardFit, Unestimated, fit_hazards
from cxlink.survival.proportional_hazards.hazard_requests import baseline_until


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of hazards with its interval, and its test against 1.

    Attributes
    ----------
    estimate, conf_low, conf_high : float
        The ratio.
    z, p : float
        Of its log: Wald's statistic, and two-sided probability.
    """

    estimate: float
    conf_low: float
    conf_high: float
    z: float
    p: float


@dataclass(frozen=True, slots=True)
class Shift:
    """What a changing hazard ratio does to retention at a horizon inside follow-up.

    Attributes
    ----------
    horizon : int
        In periods.
    contrast, moved : float
        Difference of retention without the interaction, and how much it adds.
    """

    horizon: int
    contrast: float
    moved: float


@dataclass(frozen=True, slots=True)
class Proportionality:
    """Change of the hazard ratio of two groups with time, and what follows from it.

    Attributes
    ----------
    per_doubling : Ratio
        What the hazard ratio is multiplied by when time doubles.
    shifts : tuple of Shift
        At each reported horizon inside follow-up.
    followed : int
        Last period in which both groups have ten customers at risk.
    ahead : dict of int to Ratio
        What the ratio would be multiplied by from there to each reported horizon beyond, if its change went on.
    """

    per_doubling: Ratio
    shifts: tuple[Shift, ...]
    followed: int
    ahead: dict[int, Ratio]


def trend(periods: PersonPeriods, level: float) -> Ratio | None:
    """Trend test over ordered scores: the hazard ratio of one step of the scale towards better.

    Parameters
    ----------
    periods : PersonPeriods
        By level and stratum, the strata additive; merged over strata for an unadjusted test.
    level : float
        Coverage of the interval.
    """
    fit = fit_hazards(periods, "linear") if len(periods.levels) > 1 else Unestimated("one_level")
    if isinstance(fit, Unestimated) or not fit.design.n_score:
        return None
    return _ratio(float(fit.solution.beta[0]), float(fit.standard_errors[0]), level)


def _ratio(log_ratio: float, error: float, level: float) -> Ratio:
    reach = float(ndtri((1 + level) / 2)) * error
    low, high = (float(end) for end in np.exp(np.clip([log_ratio - reach, log_ratio + reach], -700, 700)))
    z = log_ratio / error
    return Ratio(float(np.exp(log_ratio)), low, high, z, 2 * float(ndtr(-abs(z))))


def proportionality(spells: Spells, spec: CohortSpec, request: Request) -> Proportionality | None:
    """Assess proportional hazards of the headline contrast by the size of score × log time, at each reported horizon.

    The model has the score's effect, strata, and a product of the score, scaled so that the two groups are one apart,
    and of log t, t since the time origin. Not a test: with many customers any departure is significant.

    Parameters
    ----------
    spells : Spells
        The cohort.
    spec : CohortSpec
        Its contrast, horizons and level.
    request : Request
        The groups, from ``standardised(spells, spec, None)`` or `by_level`.

    Returns
    -------
    Proportionality or None
        None where a group is empty, the two have equal scores, or all losses fall in one period.
    """
    periods = person_periods(spells)
    place = np.array([s.group for s in request.standards])
    sides = spec.contrast(spec.analysis.contrasts[0])
    score = _scaled(spells, spec, sides)
    if score is None or not set(sides) <= set(place):
        return None
    time = np.log(np.arange(1, periods.at_risk.shape[1] + 1))
    time = time - np.average(time, weights=periods.at_risk.sum(axis=0))
    fits = [
        fit_hazards(periods, spec.score.effect),
        fit_hazards(periods, spec.score.effect, varying=np.outer(score[periods.level], time)),
    ]
    plain, moving = fits
    if isinstance(plain, Unestimated) or isinstance(moving, Unestimated) or plain.informative.sum() < 2:
        return None
    horizons = sorted({spec.horizon, *spec.tenure_horizons})
    each = [_retention(fit, spells, horizons, request, np.outer(score, time)) for fit in (plain, moving)]
    at = [int(np.flatnonzero(place == side)[0]) for side in sides]
    without, within = (one[:, at[0]] - one[:, at[1]] for one in each)
    shifts = tuple(
        Shift(h, float(a), float(b - a))
        for h, a, b in zip(horizons, without, within, strict=True)
        if not np.isnan(b - a)
    )
    last = _followed_by_ten(periods, spells, spec, sides)
    entry = float(np.average(spells.entry, weights=spells.n))
    change = float(moving.solution.beta[-1]), float(moving.standard_errors[-1])

    def over(log_time: float) -> Ratio:
        return _ratio(log_time * change[0], log_time * change[1], spec.analysis.level)

    ahead = {h: over(float(np.log((entry + h) / last))) for h in horizons if entry + h > last > 0}
    return Proportionality(over(float(np.log(2))), shifts, last, ahead)


def _followed_by_ten(periods: PersonPeriods, spells: Spells, spec: CohortSpec, sides: tuple[str, str]) -> int:
    """Last period in which each side has ten customers at risk; 0 where it never has."""
    groups, last = groups_of(spells, spec), []
    for side in sides:
        at_risk = periods.at_risk[np.isin(periods.level, groups[side].at)].sum(axis=0)
        enough = np.flatnonzero(at_risk >= FEWEST_AT_RISK)
        last.append(int(enough[-1]) + 1 if enough.size else 0)
    return min(last)


def _scaled(spells: Spells, spec: CohortSpec, sides: tuple[str, str]) -> np.ndarray | None:
    """Score of each level, the two sides one apart."""
    groups = groups_of(spells, spec)
    if not set(sides) <= set(groups) or len(spells.levels) < 2:
        return None
    steps = basis(spells.levels, "linear")[:, 0]
    n = np.bincount(spells.level[spells.pair], spells.n, len(spells.levels))
    group, reference = (np.average(steps[groups[s].at], weights=n[groups[s].at]) for s in sides)
    return None if group == reference else steps / (group - reference)


def _retention(
    fit: HazardFit, spells: Spells, horizons: Sequence[int], request: Request, varying: np.ndarray
) -> np.ndarray:
    """S of each group at each horizon, for the entries inside follow-up; (n_horizons, n_groups), NaN beyond."""
    periods = person_periods(spells)
    reach = baseline_until(spells)
    draws, matrix = estimated(fit), fit.design.matrix
    log_ratio = (matrix @ draws.beta[0, : matrix.shape[1]])[:, None]
    if len(fit.grouped.varying):
        log_ratio = log_ratio + draws.beta[0, -1] * np.repeat(varying, len(periods.strata), axis=0)
    hazard = np.diff(draws.cumulative[0]) * np.exp(np.clip(log_ratio, -40.0, 40.0))
    log_s = np.pad(-np.cumsum(hazard, axis=1), ((0, 0), (1, 0))) + extinction(fit)
    values = []
    for horizon in horizons:
        shares, standards = zip(*(followed(s, reach, horizon) for s in request.standards), strict=True)
        if not any(shares):
            values.append(np.full(len(shares), np.nan))
            continue
        survival = standardise(log_s[..., None], mixtures(standards), np.array([horizon]))[0, :, -1]
        values.append(np.where(np.array(shares) > 0, survival, np.nan))
    return np.array(values)

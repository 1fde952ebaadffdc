"""Standardised survival and hazard ratios from grouped proportional hazards: inside follow-up, never beyond."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cxlink.cohort.count.spells import Spells, merged_over_strata, person_periods
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.spec_sections import Effect
from cxlink.groups.curves import Standard
from cxlink.groups.group import groups_of
from cxlink.groups.mixtures import Mixtures, mixtures, standardise
from cxlink.groups.requests import Request, followed
from cxlink.groups.retained import retained_shares, retained_weights
from cxlink.groups.support import FEWEST_AT_RISK, estimable_until, last_at_risk, last_with
from cxlink.survival.proportional_hazards.hazard_draws import (
    HazardDraws,
    drawn,
    estimated,
    extinction,
    level_effects,
    with_half_a_loss,
)
from cxlink.survival.proportional_hazards.hazard_fit import HazardFit, Unestimated, fit_hazards
from cxlink.survival.proportional_hazards.hazard_requests import baseline_until, later_followed
from cxlink.survival.proportional_hazards.robust_errors import Covariance
from cxlink.survival.survival import Drawn, Survival, inside_areas, read_off

MODEL = "grouped_ph"
MOST_PENALISED = 0.1
"""Share of a group of clustered customers whose effects a penalty may hold for it to have an interval: a tenth."""
_BLOCK = 3_000_000


@dataclass(frozen=True, slots=True, eq=False)
class GroupedPH:
    """What grouped proportional hazards say of a request.

    Attributes
    ----------
    fit : HazardFit
        The model.
    curves : Survival
        Of the groups.
    covered : float
        Share of the customers averaged over in the headline contrast whose e + horizon lies inside follow-up: the
        curves are theirs. The smaller one of its sides, where each has customers of its own.
    effects : ndarray of shape (n_levels,)
        Log hazard ratio of each level against one of them.
    effect_draws : ndarray of shape (n_draws, n_levels)
        Draws of the same, joint with those of the curves.
    """

    fit: HazardFit
    curves: Survival
    covered: float
    effects: np.ndarray
    effect_draws: np.ndarray


def grouped_ph(
    spells: Spells,
    spec: CohortSpec,
    request: Request,
    n_draws: int,
    rng: np.random.Generator,
    *,
    effect: Effect | None = None,
    interacting: bool = False,
    covariance: Covariance = "robust",
) -> GroupedPH | Unestimated:
    """Estimate a request's groups by grouped proportional hazards, with draws.

    Late entries that cannot be followed to the horizon are left out of the averages where others can: a free baseline
    knows nothing beyond follow-up.

    Parameters
    ----------
    spells : Spells
        The cohort.
    spec : CohortSpec
        Its horizon and the score's effect.
    request : Request
        From `by_level` or ``standardised(spells, spec, None)``, with the times and horizons that are wanted. The
        strata are in the model where it is standardised.
    n_draws : int
        Draws of parameters.
    rng : Generator
        Advanced.
    effect : {"levels", "linear", "monotone", "spline"}, optional
        In place of the spec's.
    interacting : bool
        Whether the score's effect may differ between categories; its hazard ratios are then those of one of them.
    covariance : {"robust", "model", "jackknife"}
        See `fit_hazards`.

    Returns
    -------
    GroupedPH or Unestimated
    """
    periods = person_periods(spells)
    adjusted = request.labels["adjusted"] != "no"
    fit = fit_hazards(
        periods if adjusted else merged_over_strata(periods), effect or spec.score.effect, interacting,
        covariance=covariance,
    )  # fmt: skip
    if isinstance(fit, Unestimated):
        return fit
    reach = baseline_until(spells)
    shares, standards = zip(*(followed(s, reach, spec.horizon) for s in request.standards), strict=True)
    later = [later_followed(one, reach, spec.horizon) for one in request.later]
    request = replace(request, standards=standards)
    sides = spec.contrast(spec.analysis.contrasts[0])
    theirs = [share for s, share in zip(request.standards, shares, strict=True) if s.group in sides]
    covered = min(theirs or shares) * request.covered.get(sides, 1.0)
    point, draws = estimated(fit), drawn(fit, n_draws, rng)
    quiet = int(np.argmax(periods.lost.sum(axis=0) > 0))
    if quiet >= spec.horizon:
        draws = with_half_a_loss(draws, float(periods.at_risk[:, :quiet].sum()), quiet, rng)
    curves, *then = (
        _curves(spells, one, reach, fit, point=point, draws=draws)
        for one in (request, *later)
        if one.standards
    )
    held = curves.sparse if quiet < spec.horizon else np.ones(len(curves.groups), dtype=bool)
    curves = replace(curves, later=tuple(then), sparse=held)
    return GroupedPH(fit, curves, covered, level_effects(fit, point.beta)[0], level_effects(fit, draws.beta))


def group_effects(spells: Spells, spec: CohortSpec, made: GroupedPH) -> dict[str, tuple[float, np.ndarray]]:
    """Log hazard of each group against one level, and its draws: the mean over its levels.

    Weighted by the levels' shares among the customers scored, as a band's standardised retention is.
    """
    n = np.bincount(spells.level[spells.pair], spells.n, len(spells.levels))
    effects = {}
    for name, group in groups_of(spells, spec).items():
        weight = n[group.at] / n[group.at].sum()
        effects[name] = float(weight @ made.effects[group.at]), made.effect_draws[:, group.at] @ weight
    return effects


def _curves(
    spells: Spells, request: Request, reach: np.ndarray, fit: HazardFit, *, point: HazardDraws, draws: HazardDraws
) -> Survival:  # fmt: skip
    standards = tuple(replace(s, entry=s.entry + request.given) for s in request.standards)
    every = np.repeat(reach[None], len(fit.design.matrix), axis=0)
    observed_until = estimable_until([_inside(s, len(reach)) for s in standards], every)
    wanted = int(max([request.times.max(), *request.horizons]))
    n_times = min(wanted, int(np.clip(observed_until, 0, spells.n_periods).max(initial=0))) + 1
    groups = mixtures(standards)
    survival = _averaged(fit, point, request, groups, n_times)
    at_risk = _at_risk(spells, request, len(fit.design.matrix))
    ten = np.minimum(last_with(standards, at_risk, FEWEST_AT_RISK), observed_until)
    values, area = read_off(survival, request.times, request.horizons, observed_until)
    drawn_values = np.empty((len(draws.beta), len(standards), len(request.times)))
    drawn_area = np.empty((len(draws.beta), len(standards), len(request.horizons)))
    for at in _blocks(len(draws.beta), len(fit.design.matrix) * draws.cumulative.shape[1]):
        block = HazardDraws(draws.beta[at], draws.cumulative[at])
        drawn = _averaged(fit, block, request, groups, n_times)
        drawn_values[at], drawn_area[at] = read_off(drawn, request.times, request.horizons, observed_until)
    return Survival(
        model=MODEL, labels=request.labels, groups=tuple(s.group for s in standards),
        n=np.array([s.n for s in standards]), n_events=np.array([s.n_events for s in standards]),
        times=request.times, point=values[0], draws=drawn_values, horizons=request.horizons,
        area=Drawn(area[0], drawn_area), inside=inside_areas(survival[0], request.horizons, ten), observed_until=ten,
        last=np.clip(last_at_risk(standards, at_risk), 0, np.maximum(observed_until, 0)), own=request.own,
        contrasts=request.contrasts, sparse=_penalised(fit, standards, clustered=spells.buckets is not None),
        given=request.given,
    )  # fmt: skip


def _penalised(fit: HazardFit, standards: Sequence[Standard], *, clustered: bool) -> np.ndarray:
    """Whether a group has an effect that a weak penalty holds: its draws are not those of the estimator.

    Of clustered customers also one of few losses, or few retained, whose draws would be those of the penalty; there
    only where such effects stand for more than `MOST_PENALISED` of the group, since what is not drawn over the
    clusters then matters little to its interval.
    """
    fixed = fit.design.matrix.shape[1]
    held = (*fit.separated, *(fit.few if clustered else ()))
    rows = fit.design.matrix[:, [one.index for one in held if one.index < fixed]].any(axis=1)
    share = np.array([s.weight[rows[s.curve]].sum() for s in standards], dtype=float)
    return share > (MOST_PENALISED if clustered else 0.0)


def _inside(standard: Standard, n_entries: int) -> Standard:
    """The same, with entries beyond those of customers scored set to no time at risk."""
    return replace(standard, entry=np.minimum(standard.entry, n_entries - 1))


def _at_risk(spells: Spells, request: Request, n_curves: int) -> np.ndarray:
    """Customers at risk by combination of level and stratum, (n_curves, n_periods); by level where unadjusted."""
    periods = person_periods(spells)
    alone = request.labels["adjusted"] == "no"
    at = periods.level if alone else periods.level * len(periods.strata) + periods.stratum
    total = np.zeros((n_curves, periods.at_risk.shape[1]), dtype=periods.at_risk.dtype)
    np.add.at(total, at, periods.at_risk)
    return total


def _blocks(n_draws: int, size: int) -> list[slice]:
    step = int(np.clip(_BLOCK // max(size, 1), 1, n_draws))
    return [slice(start, start + step) for start in range(0, n_draws, step)]


def _averaged(
    fit: HazardFit, draws: HazardDraws, request: Request, groups: Mixtures, n_times: int
) -> np.ndarray:
    """S of each group, of all or of those retained for some time: (n_draws, n_groups, n_times).

    log S(t) of a combination of level and stratum is −e^{x'β}·Λ(t).
    """
    log_s = -_ratios(fit, draws)[:, None] * draws.cumulative.T + extinction(fit)[:, None]
    retained = retained_shares(log_s, request.given)
    weights = retained_weights(request.standards, request.scored, retained) if request.given else None
    # weights add up to 1 but for rounding, so that where nobody is lost an average could be a digit over 1
    survival: np.ndarray = np.minimum(standardise(log_s, groups, np.arange(n_times), weights), 1.0)
    return survival


def _ratios(fit: HazardFit, draws: HazardDraws) -> np.ndarray:
    """e^{x'β} of each combination of level and stratum: (n_curves, n_draws)."""
    n_fixed = fit.design.matrix.shape[1]
    ratio: np.ndarray = np.exp(np.clip(draws.beta[:, :n_fixed] @ fit.design.matrix.T, -40.0, 40.0)).T
    return ratio

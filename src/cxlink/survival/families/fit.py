"""Fitting families to person-periods so that it does not fail: starts from the data and from contained families,
bounds where a parameter runs away, weak penalties where effects separate, and a diagnosis in words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from cxlink.checks import Check
from cxlink.cohort.count.spells import PersonPeriods
from cxlink.cohort.spec.spec_sections import ActsOn, Effect
from cxlink.estimation.effects import monotone
from cxlink.estimation.likelihood import Likelihood, stretches
from cxlink.estimation.optimise import Box, Optimum, maximise
from cxlink.estimation.penalties import Penalty
from cxlink.estimation.profile_draws import marginals
from cxlink.survival.families.catalogue import menu
from cxlink.survival.families.family import Family
from cxlink.survival.families.family_layout import FamilyLayout, lay_out
from cxlink.survival.families.fitted import Fit, Unfitted
from cxlink.survival.sparsity import FEWEST

_FLAT = 0.05
_INSIDE = 3.0
_ROUNDS = 3
_SINGULAR = 1e-11


def fit_all(
    periods: PersonPeriods,
    families: Sequence[Family] | None = None,
    effect: Effect = "levels",
    acts_on: ActsOn = "location",
) -> tuple[Fit | Unfitted, ...]:
    """Fit each family, or say why not; each starts also from those that it contains.

    Parameters
    ----------
    periods : PersonPeriods
        The counts.
    families : sequence of Family, optional
        Contained ones before those that contain them; the whole menu where left out.
    effect, acts_on
        See `fit`.
    """
    fits: dict[str, Fit | Unfitted] = {}
    for family in menu(periods.lost.sum(axis=0)) if families is None else families:
        fits[family.name] = fit(family, periods, effect, acts_on, contained=fits)
    return tuple(fits.values())


def fit(
    family: Family,
    periods: PersonPeriods,
    effect: Effect = "levels",
    acts_on: ActsOn = "location",
    *,
    contained: Mapping[str, Fit | Unfitted] | None = None,
    near: Fit | None = None,
) -> Fit | Unfitted:
    """Fit a family by maximum likelihood, score and strata additive on its location.

    An effect on the location whose customers have losses in all their person-periods, or in none, gets a weak
    log-F(1,1) penalty on its log hazard ratio against the cohort (of the mean period at risk, at the cohort's shape),
    and so does one that the counts cannot tell from others. Another parameter that runs away is held at its bound. The
    draws of a parameter at a bound, or with a standard error on its link over `Parameter.vague`, follow a likelihood
    with a penalty on it; those of levels with fewer than ten losses follow one on theirs.

    Parameters
    ----------
    family : Family
        What to fit.
    periods : PersonPeriods
        The counts; merged over strata for an unadjusted fit.
    effect : {"levels", "linear", "monotone", "spline"}
        Of the score on the location. A monotone one is fitted free, and projected.
    acts_on : {"location", "shape"}
        Whether the score acts on the location alone, or on the second parameter as well, freely by level.
    contained : mapping of str to Fit or Unfitted, optional
        Fits to the same counts, by name: those of families that this one contains become starts.
    near : Fit, optional
        Of the same family to like counts: where to start.

    Returns
    -------
    Fit or Unfitted
        Unfitted where there is no loss, or where losses fall in no more periods than the family has parameters of its
        own (the exponential needs one).
    """
    refused = _refusal(family, periods)
    if refused is not None:
        return refused
    fits = {} if contained is None else contained
    cohort = _cohort(family, periods, near)
    layout = lay_out(family, periods, cohort, effect, acts_on)
    likelihood = Likelihood(family.linked, stretches(periods), layout.designs)
    starts = [*_embedded(layout, fits), *_starts(layout)]
    if near is not None and [m.shape for m in near.matrices] == [m.shape for m in layout.matrices]:
        starts = [near.estimate, *starts]
    separated = layout.separated()
    for _ in range(_ROUNDS):
        likelihood = likelihood.with_penalties([layout.penalty(index) for index in sorted(separated)])
        optimum = maximise(likelihood, starts, layout.box)
        more = _flat(layout, optimum) - separated
        if not more:
            break
        separated |= more
        starts = [optimum.theta, *starts]
    return _result(layout, likelihood, optimum, separated, effect)


def _refusal(family: Family, periods: PersonPeriods) -> Unfitted | None:
    """Say why these counts cannot carry a family; None if they can."""
    lost = periods.lost.sum(axis=0)
    n_periods, needed = int((lost > 0).sum()), len(family.parameters)
    if n_periods == 0:
        return Unfitted(family, "nobody_lost")
    if needed > 1 and n_periods <= needed:
        return Unfitted(family, "few_periods", {"parameters": needed, "least": needed + 1, "n": n_periods})
    return None


def _cohort(family: Family, periods: PersonPeriods, near: Fit | None) -> np.ndarray:
    """Fit the cohort as one group, from several starts or near a fit; its location held where everybody was lost."""
    one = np.zeros(1, int)
    at_risk, lost = (x.sum(axis=0, keepdims=True) for x in (periods.at_risk, periods.lost))
    merged = PersonPeriods((0,), pd.DataFrame(index=range(1)), one, one, at_risk, lost)
    start = family.start_linked(float((lost.sum() + 0.5) / (at_risk.sum() + 1)))
    n = len(start)
    likelihood = Likelihood(family.linked, stretches(merged), tuple(np.ones((1, 1)) for _ in range(n)))
    if lost.sum() == at_risk.sum():
        # half a customer lost in the first period and half kept: the only bound there is
        even = family.start_linked(0.7)
        likelihood = likelihood.with_penalties([Penalty(0, np.eye(n)[0], float(even[0]))])
    moved = [np.r_[0.0, np.full(n - 1, d)] for d in (0.0, 0.7, -0.7)]
    low, high = (np.array([getattr(p, side) for p in family.parameters]) for side in ("low", "high"))
    low[0], high[0] = -np.inf, np.inf
    rising = np.array([(0.0, *row) for row in family.rising]).reshape(-1, n)
    # a mixture may have several maxima; for the others the first that is found is the only one
    several = family.kind in ("cure", "generalised_gamma") and near is None
    starts = [*([] if near is None else [near.cohort]), *(start + d for d in moved)]
    return maximise(likelihood, starts, Box(low, high, rising), every=several).theta


def _embedded(layout: FamilyLayout, fits: Mapping[str, Fit | Unfitted]) -> list[np.ndarray]:
    """Fits of contained families, as points of this one."""
    starts = []
    n_levels, n_strata = len(layout.periods.levels), len(layout.periods.strata)
    for one in layout.family.contains:
        fitted = fits.get(one.name)
        if not isinstance(fitted, Fit) or not fitted.shared_shape or fitted.n_score != layout.n_score:
            continue
        n = fitted.n_score
        levels = fitted.matrices[0][::n_strata, :n] @ fitted.estimate[:n]
        n_effects = fitted.matrices[0].shape[1]
        strata, others = fitted.estimate[n:n_effects], fitted.estimate[n_effects:]
        if one.one_group and (n_levels > 1 or n_strata > 1):
            levels, strata = np.full(n_levels, levels.mean()), np.zeros_like(strata)
        with np.errstate(all="ignore"):
            location, shape = one.embed(levels, others)
            nudged = one.embed(levels + 1e-4, others)[0]
        slope = float(np.mean(nudged - location)) * 1e4
        point = layout.whole(location, slope * strata, np.asarray(shape))
        if np.isfinite(point).all():
            starts.append(point)
    return starts


def _starts(layout: FamilyLayout) -> list[np.ndarray]:
    """Give the cohort's own parameters everywhere, then the family's start from each level's hazard."""
    periods, others = layout.periods, layout.cohort[1:]
    n_levels = len(periods.levels)
    strata = np.zeros(layout.n_effects - layout.n_score)
    at_risk = np.bincount(periods.level, periods.at_risk.sum(axis=1), minlength=n_levels)
    lost = np.bincount(periods.level, periods.lost.sum(axis=1), minlength=n_levels)
    hazard = (lost + 0.5) / (at_risk + 1)
    own = np.array([layout.family.start_linked(float(h)) for h in hazard])
    return [
        layout.whole(np.full(n_levels, layout.cohort[0]), strata, others),
        layout.whole(own[:, 0], strata, own.mean(axis=0)[1:]),
        layout.whole(own[:, 0], strata, own.mean(axis=0)[1:] + 0.7),
    ]


def _flat(layout: FamilyLayout, optimum: Optimum) -> set[int]:
    """Find effects on the location along which the likelihood is flat."""
    n = layout.n_effects
    information = -optimum.hessian[:n, :n]
    if not np.isfinite(information).all():
        return set()
    values, axes = np.linalg.eigh(information)
    effects: set[int] = set()
    for k in np.flatnonzero(values < _FLAT * layout.slope**2):
        effects |= {int(i) for i in np.flatnonzero(np.abs(axes[:, k]) > 0.3)}
    return effects


def _result(
    layout: FamilyLayout, likelihood: Likelihood, optimum: Optimum, separated: set[int], effect: Effect
) -> Fit:
    vague = _vague(layout, optimum)
    followed = likelihood.with_penalties([*likelihood.penalties, *(layout.penalty(j) for j in sorted(vague))])
    centred = _centred(layout, followed, optimum) if vague else optimum
    covariance, condition, patched = _inverse(-centred.hessian)
    few = {j for j in layout.separated(FEWEST) - separated if j < layout.n_score}
    drawn = followed.with_penalties([*followed.penalties, *(layout.penalty(j) for j in sorted(few))])
    names, family = layout.names, layout.family
    checks = [_separated(family, [names[j] for j in sorted(separated)])] if separated else []
    checks += [_bounded(layout, optimum, j) for j in sorted(vague)]
    fitted = Fit(
        family, names, layout.terms, layout.matrices, len(layout.periods.strata), layout.n_score, layout.cohort,
        optimum.theta, centred.theta, covariance, layout.box, likelihood.plain(optimum.theta),
        optimum.gradient_norm, condition,
        at_bound=(*(names[j] for j in np.flatnonzero(optimum.bound)), *(["monotone"] * optimum.edge)),
        penalised=tuple(names[j] for j in sorted(separated)),
        marginals=marginals(drawn, centred, covariance, layout.n_effects) if not patched else (),
        held=_held(followed, centred.theta),
    )  # fmt: skip
    if optimum.edge:
        checks.append(Check("held_rising", family.name))
    if patched:
        checks.append(Check("flat_likelihood", family.name))
    if not fitted.converged:
        checks.append(Check("search_stopped", family.name, facts={"gradient": fitted.gradient_norm}))
    fitted = replace(fitted, checks=tuple(checks))
    return _monotone(fitted, likelihood) if effect == "monotone" and layout.n_score > 1 else fitted


def _held(followed: Likelihood, theta: np.ndarray) -> np.ndarray:
    """Information of the penalties; empty without any."""
    held = [-penalty.hessian(theta) for penalty in followed.penalties]
    return np.sum(held, axis=0) if held else np.empty((0, 0))


def _vague(layout: FamilyLayout, optimum: Optimum) -> set[int]:
    """Find parameters beside the location that are at a bound, or weakly identified by the counts."""
    n = layout.n_effects
    covariance, _, patched = _inverse(-optimum.hessian)
    indices = {int(j) for j in np.flatnonzero(optimum.bound)}
    limit = np.array([layout.family.parameters[k].vague for k in layout.owner[n:]])
    error = np.sqrt(np.maximum(np.diag(covariance)[n:], 0.0))
    wild = np.flatnonzero((error > limit) | (patched & np.isfinite(limit)))
    return indices | {n + int(j) for j in wild}


def _centred(layout: FamilyLayout, followed: Likelihood, optimum: Optimum) -> Optimum:
    """Maximise the likelihood that draws follow; parameters at a bound start inside."""
    box = layout.box
    inside = np.clip(optimum.theta, box.low + _INSIDE, box.high - _INSIDE)
    start = np.where(
        optimum.bound, np.where(box.high - box.low > 2 * _INSIDE, inside, optimum.theta), optimum.theta
    )
    for penalty in followed.penalties:
        if optimum.bound[penalty.index]:
            # a penalised likelihood is highest nearer to the penalty's top than to a far bound
            start[penalty.index] = (start[penalty.index] + penalty.centre) / 2
    return maximise(followed, [start, optimum.theta], box)


def _inverse(information: np.ndarray) -> tuple[np.ndarray, float, bool]:
    """Invert an information matrix: also its condition, and whether directions that do not curve were patched."""
    n = len(information)
    if not np.isfinite(information).all():
        return np.eye(n), np.inf, True
    scale = np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-12))
    values, axes = np.linalg.eigh(information / np.outer(scale, scale))
    floor = _SINGULAR * max(float(values[-1]), 1.0)
    patched = bool(values[0] <= floor)
    condition = float(values[-1] / values[0]) if values[0] > 0 else np.inf
    if patched:
        curving = values[values > floor]
        values = np.where(values > floor, values, curving.min() if curving.size else 1.0)
    inverse: np.ndarray = (axes / values) @ axes.T / np.outer(scale, scale)
    return inverse, condition, patched


def _separated(family: Family, names: Sequence[str]) -> Check:
    return Check("separated", family.name, facts={"case": "curves", "terms": tuple(names), "n": len(names)})


def _bounded(layout: FamilyLayout, optimum: Optimum, index: int) -> Check:
    """A parameter at a bound, or hardly bounded by the counts: its draws follow a penalised likelihood."""
    parameter = layout.family.parameters[layout.owner[index]]
    case = "at_bound" if optimum.bound[index] else "hardly"
    return Check(
        "hardly_bounded", layout.family.name,
        facts={
            "case": case, "parameter": layout.names[index],
            "reached": float(parameter.link.inverse(optimum.theta[index])),
        },
    )  # fmt: skip


def _monotone(fitted: Fit, likelihood: Likelihood) -> Fit:
    """Project the levels' effects, and say what the likelihood is there."""
    n = fitted.n_score
    mean = np.eye(n) - 1 / n
    variance = np.diag(mean @ fitted.covariance[:n, :n] @ mean)
    moved, _, _ = monotone(fitted.estimate[:n], fitted.estimate[None, :n], variance)
    estimate = np.r_[moved, fitted.estimate[n:]]
    return replace(fitted, estimate=estimate, log_likelihood=likelihood.plain(estimate), monotone=True)

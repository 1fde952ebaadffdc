"""Whether proportional hazards hold, whether losses trend over the score, and which shape of it predicts best."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from cxlink.cohort.count.spells import PersonPeriods, Spells, each_pair, person_periods, risk_sets
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.spec_sections import Effect
from cxlink.estimation.effects import EFFECTS, basis
from cxlink.groups.curves import mixtures, standardise
from cxlink.groups.group import groups_of
from cxlink.groups.requests import Request
from cxlink.groups.support import known_to
from cxlink.survival.proportional_hazards.grouped_ph import followed
from cxlink.survival.proportional_hazards.hazard_draws import estimated, extinction
from cxlink.survival.proportional_hazards.hazard_fit import HazardFit, Unestimated, fit_hazards

FOLDS = 5


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
class Proportionality:
    """Change of the hazard ratio of two groups with time, and its effect on their retention.

    Attributes
    ----------
    per_doubling : Ratio
        What the hazard ratio is multiplied by when time doubles.
    contrast, moved : float
        Difference of retention at the horizon without the interaction, and how much it adds.
    """

    per_doubling: Ratio
    contrast: float
    moved: float


@dataclass(frozen=True, slots=True)
class Score:
    """How well one shape of the score's effect predicts customers who were held out.

    Attributes
    ----------
    effect : {"levels", "linear", "monotone", "spline"}
        The shape.
    per_customer : float
        Mean log score: higher is better.
    gain, std_error : float
        Mean difference from free levels, and its standard error.
    """

    effect: Effect
    per_customer: float
    gain: float
    std_error: float


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
    """Judge proportional hazards of the headline contrast by the size of score × log time.

    The model has the score's effect, strata, and a product of the score, scaled so that the two groups are one apart,
    and of log t, t since the time origin. Not a test: with many customers any departure is significant.

    Parameters
    ----------
    spells : Spells
        The cohort.
    spec : CohortSpec
        Its contrast, horizon and level.
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
    each = [_retention(fit, spells, spec, request, np.outer(score, time)) for fit in (plain, moving)]
    at = [int(np.flatnonzero(place == side)[0]) for side in sides]
    without, within = (float(one[at[0]] - one[at[1]]) for one in each)
    doubled = np.log(2) * np.array([moving.solution.beta[-1], moving.standard_errors[-1]])
    doubling = _ratio(float(doubled[0]), float(doubled[1]), spec.analysis.level)
    return Proportionality(doubling, without, within - without)


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
    fit: HazardFit, spells: Spells, spec: CohortSpec, request: Request, varying: np.ndarray
) -> np.ndarray:
    """S at the horizon of each group of a request, for the entries inside follow-up: (n_groups,)."""
    periods = person_periods(spells)
    reach = known_to(periods.at_risk.sum(axis=0)[None], periods.lost.sum(axis=0)[None])[0]
    draws, matrix = estimated(fit), fit.design.matrix
    log_ratio = (matrix @ draws.beta[0, : matrix.shape[1]])[:, None]
    if len(fit.grouped.varying):
        log_ratio = log_ratio + draws.beta[0, -1] * np.repeat(varying, len(periods.strata), axis=0)
    hazard = np.diff(draws.cumulative[0]) * np.exp(np.clip(log_ratio, -40.0, 40.0))
    log_s = np.pad(-np.cumsum(hazard, axis=1), ((0, 0), (1, 0))) + extinction(fit)
    shares, standards = zip(*(followed(s, reach, spec.horizon) for s in request.standards), strict=True)
    survival = standardise(log_s[..., None], mixtures(standards), spec.horizon + 1)[0, :, -1]
    return np.where(np.array(shares) > 0, survival, np.nan)


def predictions(spells: Spells, rng: np.random.Generator) -> list[Score]:
    """Compare shapes of the score's effect by the log score of customers that the fit has not seen.

    Every customer falls into one of five folds at random; each fold is predicted from the other four, strata
    additive. A customer's log score is Σ log(1 − h) over the periods stayed, plus log h of the loss. Periods in which
    the other folds lost nobody, or everybody, are left out for all shapes alike.

    Parameters
    ----------
    spells : Spells
        The cohort.
    rng : Generator
        Draws the folds; advanced.

    Returns
    -------
    list of Score
        One a shape, free levels first; empty where a fold cannot be fitted.
    """
    periods, count = person_periods(spells), risk_sets(spells, each_pair(spells))
    folds = rng.multinomial(spells.n, np.full(FOLDS, 1 / FOLDS))
    totals = np.zeros((len(EFFECTS), len(spells.n)))
    squares = np.zeros((len(EFFECTS), len(spells.n)))
    for fold in folds.T:
        if not fold.any():
            continue
        at_risk, lost = count(spells.n - fold)
        scores = _scores(PersonPeriods(
            periods.levels, periods.strata, periods.level, periods.stratum, at_risk, lost
        ), spells)  # fmt: skip
        if scores is None:
            return []
        totals += fold * scores
        squares += fold * (scores - scores[0]) ** 2
    n = int(spells.n.sum())
    mean = totals.sum(axis=1) / n
    gain = mean - mean[0]
    variance = np.maximum(squares.sum(axis=1) / n - gain**2, 0.0)
    each = zip(EFFECTS, mean, gain, np.sqrt(variance / max(n - 1, 1)), strict=True)
    return [Score(name, *(float(value) for value in values)) for name, *values in each]


def _scores(train: PersonPeriods, spells: Spells) -> np.ndarray | None:
    """Log score of a customer of each spell under each shape, (n_shapes, n_spells)."""
    made = [log_score(train, spells, effect) for effect in EFFECTS]
    estimable = [one for one in made if one is not None]
    return np.array(estimable) if len(estimable) == len(made) else None


def log_score(train: PersonPeriods, spells: Spells, effect: Effect) -> np.ndarray | None:
    """Log score of a customer of each spell, (n_spells,), by proportional hazards fitted to other customers.

    Parameters
    ----------
    train : PersonPeriods
        What they are fitted to, of the levels and strata of the spells.
    spells : Spells
        Customers predicted.
    effect : {"levels", "linear", "monotone", "spline"}
        Of the score.

    Returns
    -------
    ndarray or None
        None where there is no fit.
    """
    fit = fit_hazards(train, effect)
    if isinstance(fit, Unestimated):
        return None
    draws = estimated(fit)
    row = train.level * len(train.strata) + train.stratum
    log_ratio = np.clip(fit.design.matrix[row] @ draws.beta[0], -40.0, 40.0)
    rate = np.exp(log_ratio)[:, None] * np.diff(draws.cumulative[0])
    stayed = np.pad(-np.cumsum(rate, axis=1), ((0, 0), (1, 0)))
    return _of_spells(spells, stayed, rate, fit.informative)


def _of_spells(spells: Spells, stayed: np.ndarray, rate: np.ndarray, informative: np.ndarray) -> np.ndarray:
    """Log score of each spell: stayed over (entry, exit], or lost in the last of these periods."""
    lost = (spells.cause > 0) & (spells.exit > spells.entry)
    last = np.where(lost, spells.exit - 1, spells.exit)
    score = stayed[spells.pair, np.maximum(last, spells.entry)] - stayed[spells.pair, spells.entry]
    period = np.maximum(spells.exit - 1, 0)
    counted = lost & informative[period]
    of_loss = rate[spells.pair[counted], period[counted]]
    score[counted] += np.log(-np.expm1(-of_loss))
    every: np.ndarray = score
    return every

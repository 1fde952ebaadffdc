"""Which shape of the score's effect predicts customers best who were held out."""

from dataclasses import dataclass

import numpy as np

from cxlink.cohort.count.spells import PersonPeriods, Spells, each_pair, person_periods, risk_sets
from cxlink.cohort.spec.spec_sections import Effect
from cxlink.estimation.effects import EFFECTS
from cxlink.survival.proportional_hazards.hazard_draws import estimated
from cxlink.survival.proportional_hazards.hazard_fit import Unestimated, fit_hazards

FOLDS = 5


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

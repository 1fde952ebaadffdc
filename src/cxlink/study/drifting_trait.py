"""Customers who are surveyed several times: an opinion that drifts, scores that are readings of it, and losses.

Nothing acts on losses but the present opinion; a score acts on nothing. What a level or a fall of the score tells
follows from that by recursion over the surveys, without random numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.stats import norm

GAP, MOST_WAVES = 4, 6
"""Months between surveys, and how many surveys there are at most."""
MONTHS_TOLD = 12
"""Months after a survey up to which survival is worked out: the horizon."""
SCORES = 5
TRAITS = np.arange(-3.0, 4.0)
SINCE_BANDS = ("first", "<6", "6-<12", ">=12")
NUMBERS = ("1", "2", "3+")
_PER_TRAIT, _NOISE = 0.9, 0.7
"""Points of the score an opinion is worth, and the standard deviation of what a reading adds."""
_PULL, _SPREAD = 0.85, 0.75
_BASE, _BY_TRAIT = -3.55, -0.45
_ANSWERED = np.array([0.71, 0.62, 0.60, 0.65, 0.71])


@dataclass(frozen=True, slots=True, eq=False)
class OpinionLaw:
    """Distribution of the opinions, the scores, the answers and the losses.

    Attributes
    ----------
    first : ndarray of shape (n_traits,)
        P(opinion) at the first survey: the stationary distribution.
    drift : ndarray of shape (n_traits, n_traits)
        P(opinion at the next survey | opinion).
    reading : ndarray of shape (n_traits, n_scores)
        P(score | opinion).
    answer : ndarray of shape (n_scores,)
        P(answers | the score that would be given).
    hazard : ndarray of shape (n_traits,)
        Share lost in a month, until the opinion drifts.
    survival : ndarray of shape (MONTHS_TOLD + 1, n_traits)
        S(t), t = 0, 1, … months after a survey, over all later opinions.
    """

    first: np.ndarray
    drift: np.ndarray
    reading: np.ndarray
    answer: np.ndarray
    hazard: np.ndarray
    survival: np.ndarray


@cache
def opinion_law() -> OpinionLaw:
    """Work the distribution out."""
    drift = norm.pdf(TRAITS, _PULL * TRAITS[:, None], _SPREAD)
    drift /= drift.sum(axis=1, keepdims=True)
    stationary = np.linalg.matrix_power(drift, 500)[0]
    ends = np.concatenate([[-np.inf], np.arange(1.5, SCORES), [np.inf]])
    reading = np.diff(norm.cdf((ends - 3.2 - _PER_TRAIT * TRAITS[:, None]) / _NOISE), axis=1)
    hazard = -np.expm1(-np.exp(_BASE + _BY_TRAIT * TRAITS))
    return OpinionLaw(stationary, drift, reading, _ANSWERED, hazard, _survival(hazard, drift))


def _survival(hazard: np.ndarray, drift: np.ndarray) -> np.ndarray:
    """Backward over the drifts: S(t) = (1 − h)^t to the next one, then the mean of what the new opinion leaves."""
    survival = np.ones((MONTHS_TOLD + 1, *hazard.shape))
    for t in range(1, MONTHS_TOLD + 1):
        months = min(t, GAP)
        survival[t] = (1 - hazard) ** months * (survival[t - months] @ drift.T)
    return survival


@dataclass(frozen=True, slots=True, eq=False)
class AnsweredSurveys:
    """Surveys that are answered, a customer of the base: how many, and how many are retained after each month.

    Attributes
    ----------
    mass : ndarray of shape (MONTHS_TOLD + 1, n_numbers, n_bands, n_scores + 1, n_scores)
        By number of the survey, months since the last one, last score (position 0: none) and score.
    """

    mass: np.ndarray

    @property
    def later(self) -> np.ndarray:
        """Those after the first: (months, n_numbers, n_bands, last score, score)."""
        return self.mass[..., 1:, :]


@cache
def answered_surveys(waves: int) -> AnsweredSurveys:
    """Follow the customers of a base through their surveys.

    Parameters
    ----------
    waves : int
        Surveys sent to each customer who is still there, `GAP` months apart.
    """
    law = opinion_law()
    mass = np.zeros((MONTHS_TOLD + 1, len(NUMBERS), len(SINCE_BANDS), SCORES + 1, SCORES))
    # by last score (0: none), surveys answered and waves since the last: customers by opinion
    state = {(0, 0, 0): law.first}
    for _ in range(waves):
        new: dict[tuple[int, int, int], np.ndarray] = {}
        for place, customers, key in _answers(law, state):
            if place is not None:
                mass[(slice(None), *place)] += law.survival @ customers
            new[key] = new.get(key, 0) + customers * (1 - law.hazard) ** GAP
        state = {key: there @ law.drift for key, there in new.items()}
    return AnsweredSurveys(mass)


def _answers(
    law: OpinionLaw, state: dict[tuple[int, int, int], np.ndarray]
) -> Iterator[tuple[tuple[int, int, int, int] | None, np.ndarray, tuple[int, int, int]]]:
    """One wave: each score that is given, with its place among the surveys, and those who do not answer."""
    for (last, number, since), customers in state.items():
        silent = customers.copy()
        for score in range(SCORES):
            share = law.answer[score] * law.reading[:, score]
            silent -= customers * share
            band = since_band(GAP * (since + 1)) if last else 0
            place = (min(number, len(NUMBERS) - 1), band, last, score)
            yield place, customers * share, (score + 1, number + 1, 0)
        yield None, silent, (last, number, since + 1 if last else 0)


def since_band(months: int) -> int:
    """Position in `SINCE_BANDS` of months since the last survey."""
    return 1 + (months >= 6) + (months >= 12)

"""The simulated populations: strata, scores, non-response, retention and spend.

Every fitted model is misspecified here. Customers have unobserved heterogeneity (a finite mixture, independent of the
score given need and tenure band); hazards decrease with time to a limit above zero, so that mean tenure is finite; the
score interacts with need, which is how often the customer needs what the company sells; spend has zeros and a heavy
tail whose dispersion depends on need. All numbers are chosen here; only the targets of `subscription` and `transaction`
are published.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from cxlink.cohort.spec.scales import parse_levels
from cxlink.study.published import kriss

LEVELS = tuple(range(1, 11))
NEEDS = ("low", "medium", "high")
TENURE_CUTS = (3, 12, 24)
N_BANDS = len(TENURE_CUTS) + 1
HORIZON = 12
MONTHS = 12_000
WINDOW = 12

RETENTION_BETWEEN = {2: 0.465, 3: 0.50, 4: 0.535, 5: 0.57, 6: 0.60, 7: 0.635, 8: 0.675, 9: 0.72}
SPEND_BETWEEN = {1: 0.95, 2: 1.0, 4: 1.22, 5: 1.30}
SPEND_OF_POOREST_BAND = 120.0

_NEED_SHARE = np.array([0.35, 0.40, 0.25])
_BAND_SHARE = np.array([[0.24, 0.31, 0.21, 0.24], [0.18, 0.28, 0.24, 0.30], [0.14, 0.25, 0.25, 0.36]])
_SCORE_SHARE = np.array([0.055, 0.04, 0.045, 0.045, 0.065, 0.075, 0.12, 0.19, 0.185, 0.18])
_ANSWER_BY_SCORE = np.array([0.65, 0.35, 0.1, -0.2, -0.4, -0.45, -0.35, -0.15, 0.1, 0.4])
_ANSWER_BY_NEED = np.array([-0.45, 0.0, 0.45])


@dataclass(frozen=True, slots=True)
class Population:
    """Customers by stratum (need × tenure band, need varying slowest) and score level.

    Attributes
    ----------
    share : ndarray of shape (n_strata,)
        Of the customer base; sums to 1.
    score : ndarray of shape (n_strata, n_levels)
        P(score | stratum).
    response : ndarray of shape (n_strata, n_levels)
        P(answers | stratum, score).
    scored : ndarray of shape (n_strata, n_levels)
        Joint shares of those who answer; sums to 1.
    """

    share: np.ndarray
    score: np.ndarray
    response: np.ndarray
    scored: np.ndarray

    @property
    def weight(self) -> np.ndarray:
        """Shares of the strata among the scored, shape (n_strata,): the weights of standardisation."""
        return self.scored.sum(axis=1)

    @property
    def level_share(self) -> np.ndarray:
        """Shares of the levels among the scored, shape (n_levels,): the weights of levels within a band."""
        return self.scored.sum(axis=0)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Time to loss: log S(t | frailty, stratum, level) = −frailty · rate · cumulative(t).

    Attributes
    ----------
    population : Population
        The customers.
    frailty : ndarray of shape (n_classes,)
        Multiplier of the hazard in each unobserved class.
    frailty_share : ndarray of shape (n_strata, n_classes)
        Shares of the classes, the same at every score.
    rate : ndarray of shape (n_strata, n_levels)
        Multiplier of the hazard.
    cumulative : ndarray of shape (MONTHS + 1,)
        Cumulative baseline hazard after t = 0, 1, … months.
    fee : ndarray of shape (n_strata,)
        EUR a month, due at its beginning.
    """

    population: Population
    frailty: np.ndarray
    frailty_share: np.ndarray
    rate: np.ndarray
    cumulative: np.ndarray
    fee: np.ndarray


@dataclass(frozen=True, slots=True)
class Transaction:
    """Annual spend: 0, or log-normal with log y ~ N(log mean − log_sd²/2, log_sd²).

    Attributes
    ----------
    population : Population
        The customers.
    class_share : ndarray of shape (n_strata, n_classes)
        Shares of the unobserved classes, the same at every score.
    buys, mean : ndarray of shape (n_strata, n_levels, n_classes)
        P(any spend), and mean spend in EUR of those who buy.
    log_sd : ndarray of shape (n_strata,)
        Standard deviation of log spend of those who buy.
    """

    population: Population
    class_share: np.ndarray
    buys: np.ndarray
    mean: np.ndarray
    log_sd: np.ndarray


def by_need(values: tuple[float, float, float]) -> np.ndarray:
    """Expand a value for each need to strata, shape (n_strata,)."""
    return np.repeat(np.array(values), N_BANDS)


def by_band(values: tuple[float, float, float, float]) -> np.ndarray:
    """Expand a value for each tenure band to strata, shape (n_strata,)."""
    return np.tile(np.array(values), len(NEEDS))


@cache
def population() -> Population:
    """Population of both designs: most scores are 8 to 10, and they increase with need and tenure."""
    share = (_NEED_SHARE[:, None] * _BAND_SHARE).ravel()
    tilt = by_need((-0.11, 0.0, 0.11)) + by_band((-0.075, -0.025, 0.02, 0.06))
    score = _SCORE_SHARE * np.exp(np.outer(tilt, LEVELS))
    score /= score.sum(axis=1, keepdims=True)
    response = expit(np.repeat(_ANSWER_BY_NEED, N_BANDS)[:, None] + _ANSWER_BY_SCORE)
    scored = share[:, None] * score * response
    return Population(share, score, response, scored / scored.sum())


def targets(bands: Mapping[str, float], between: Mapping[int, float]) -> np.ndarray:
    """Targets of all levels for which the mean of each band, weighted by its levels' shares, is as published.

    Parameters
    ----------
    bands : mapping of band to value
        Published; a band is ``"1"``, ``"9-10"`` and so on.
    between : mapping of level to value
        Chosen here: every level outside the bands, and all but the last level of each band.

    Returns
    -------
    ndarray of shape (n_levels,)
    """
    share = dict(zip(LEVELS, population().level_share, strict=True))
    value = dict(between)
    for band, published in bands.items():
        *others, last = parse_levels(band)
        total = published * sum(share[level] for level in (*others, last))
        value[last] = (total - sum(share[level] * value[level] for level in others)) / share[last]
    return np.array([value[level] for level in LEVELS])


def _effects(mean: Callable[[float], np.ndarray], means: np.ndarray) -> list[float]:
    """Effect of each level at which its standardised mean equals the target."""
    weight = population().weight

    def miss(effect: float, target: float) -> float:
        return float(weight @ mean(effect) - target)

    return [brentq(miss, -9, 9, args=(target,), xtol=1e-14) for target in means]


@cache
def subscription() -> Subscription:
    """Subscription design: standardised S(12 months) equals the published retention of each band.

    Raises
    ------
    InputError
        If the published figures are not there.
    """
    frailty = np.array([0.4, 1.0, 2.6])
    band_shares = np.array([[0.25, 0.50, 0.25], [0.35, 0.48, 0.17], [0.45, 0.44, 0.11], [0.55, 0.38, 0.07]])
    shares = np.tile(band_shares, (len(NEEDS), 1))
    base = by_need((0.55, 0.0, -0.4)) + by_band((0.3, 0.1, -0.1, -0.25))
    strength = by_need((0.85, 1.0, 1.15))
    hazard = 0.021 * (1 + np.exp(-np.arange(MONTHS) / 4))
    cumulative = np.concatenate([[0.0], np.cumsum(hazard)])

    def retained(effect: float) -> np.ndarray:
        rate = np.exp(base + strength * effect)
        mixed: np.ndarray = (shares * np.exp(-np.outer(rate, frailty) * cumulative[HORIZON])).sum(axis=1)
        return mixed

    effects = _effects(retained, targets(kriss().retention, RETENTION_BETWEEN))
    rate = np.exp(base[:, None] + np.outer(strength, effects))
    return Subscription(population(), frailty, shares, rate, cumulative, by_need((19.0, 29.0, 49.0)))


@cache
def transaction() -> Transaction:
    """Transaction design: standardised mean spend has the published ratios between bands.

    Raises
    ------
    InputError
        If the published figures are not there.
    """
    taste = np.log([0.35, 1.0, 2.2])
    band_shares = np.array([[0.35, 0.5, 0.15], [0.30, 0.5, 0.20], [0.25, 0.5, 0.25], [0.20, 0.5, 0.30]])
    shares = np.tile(band_shares, (len(NEEDS), 1))
    buying = by_need((-0.5, 0.2, 0.9)) + by_band((-0.25, -0.1, 0.05, 0.2))
    amount = np.log(150) + by_need((-0.45, 0.0, 0.45)) + by_band((-0.15, -0.05, 0.05, 0.15))
    strength = by_need((1.1, 1.0, 0.85))

    def parts(effect: float) -> tuple[np.ndarray, np.ndarray]:
        push = strength * effect
        buys: np.ndarray = expit((buying + 0.8 * push)[:, None] + 0.6 * taste)
        return buys, np.exp((amount + 0.7 * push)[:, None] + 0.8 * taste)

    def spent(effect: float) -> np.ndarray:
        buys, mean = parts(effect)
        mixed: np.ndarray = (shares * buys * mean).sum(axis=1)
        return mixed

    wanted = SPEND_OF_POOREST_BAND * targets(kriss().spend_ratio, SPEND_BETWEEN)
    solved = [parts(effect) for effect in _effects(spent, wanted)]
    buys, mean = (np.stack(part, axis=1) for part in zip(*solved, strict=True))
    return Transaction(population(), shares, buys, mean, by_need((0.95, 0.85, 0.75)))

"""Data-generating processes for the coverage of intervals: the two of the study, and six more.

Every fitted model is misspecified for them, except the saturated means and curves of cells. All numbers are chosen
here, except the targets of the study's two designs (`cxlink.study.population`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import expit

from cxlink.study.population import LEVELS, by_band, by_need, population, subscription, transaction
from cxlink.study.truth import cell_survival

LONGEST = 24
"""Longest follow-up in months."""

FOLLOW_UP = {6: 0.10, 9: 0.15, 12: 0.20, 18: 0.30, 24: 0.25}
"""Months of follow-up, and the shares of customers with them."""

BANDS = ("<3", "3-<12", "12-<24", ">=24")
MONTHS_BEFORE = np.array([[0, 1, 2], [4, 7, 10], [13, 17, 21], [30, 48, 72]])
"""Whole months since signup at the survey, equally likely within each band of tenure."""

_CENTRED = (np.array(LEVELS) - 5.5) / 4.5
_MONTH = np.arange(1, LONGEST + 1)


@dataclass(frozen=True, slots=True)
class Spending:
    """Annual spend: 0, or log-normal with log y ~ N(log mean − log_sd²/2, log_sd²).

    Attributes
    ----------
    class_share : ndarray of shape (n_strata, n_classes)
        Shares of the unobserved classes.
    buys, mean : ndarray of shape (n_strata, n_levels, n_classes)
        P(any spend), and mean spend of those who buy, in EUR a year; a subscriber pays for the months stayed.
    log_sd : ndarray of shape (n_strata,)
        Standard deviation of log spend of those who buy; 0 for a fixed fee.
    """

    class_share: np.ndarray
    buys: np.ndarray
    mean: np.ndarray
    log_sd: np.ndarray


@dataclass(frozen=True, slots=True)
class Process:
    """A joint distribution of strata, scores and outcomes; strata are need × tenure band (need varies slowest).

    Attributes
    ----------
    name, about : str
        ``about`` is a sentence for the reports of `validation`.
    confounded : bool
        Whether score and outcome share causes among the strata, at both ends of the scale.
    scored : ndarray of shape (n_strata, n_levels)
        Joint shares of stratum and level; sums to 1.
    survival : ndarray of shape (n_strata, n_levels, LONGEST + 1) or None
        S(t) at t = 0, 1, … months after the survey; None: no subscription.
    spending : Spending or None
        None: no spend.
    worst, best : tuple of int
        The two bands.
    judged : bool
        Whether nominal coverage is expected; otherwise the process shows where it fails.
    naive : bool
        Whether the analysis with signup as the time origin is run as well.
    """

    name: str
    about: str
    confounded: bool
    scored: np.ndarray
    survival: np.ndarray | None
    spending: Spending | None
    worst: tuple[int, ...]
    best: tuple[int, ...]
    judged: bool = True
    naive: bool = False

    @property
    def weight(self) -> np.ndarray:
        """Shares of the strata, shape (n_strata,): the weights of standardisation."""
        return self.scored.sum(axis=1)

    @property
    def level_share(self) -> np.ndarray:
        """Shares of the levels, shape (n_levels,): the weights of levels within a band."""
        return self.scored.sum(axis=0)


def _base() -> np.ndarray:
    """Log hazard ratios of the strata, shape (n_strata, 1, 1)."""
    base: np.ndarray = (by_need((0.5, 0.0, -0.5)) + by_band((0.35, 0.1, -0.1, -0.3)))[:, None, None]
    return base


def _survival(hazard: np.ndarray) -> np.ndarray:
    """S(t) from hazards by month, (n_strata, n_levels, LONGEST); S(0) = 1 at the survey."""
    log_s = -np.cumsum(hazard, axis=-1)
    return np.exp(np.concatenate([np.zeros((*log_s.shape[:2], 1)), log_s], axis=-1))


def _mixed(hazard: np.ndarray) -> np.ndarray:
    """S(t) under unobserved frailty: three equal classes with hazards ×0.3, ×1 and ×2.5."""
    mixed: np.ndarray = np.mean([_survival(frailty * hazard) for frailty in (0.3, 1.0, 2.5)], axis=0)
    return mixed


def study_subscription() -> Process:
    """The study's subscribers, who pay a monthly fee."""
    fee = 12 * subscription().fee[:, None, None]
    ones = np.ones((*population().scored.shape, 1))
    spending = Spending(np.ones((len(fee), 1)), ones, fee * ones, np.zeros(len(fee)))
    return Process(
        "study_subscription", "The study's subscribers: frailty, and a score that acts most where need is high.",
        True, population().scored, cell_survival()[:, :, : LONGEST + 1], spending, (1,), (9, 10),
    )  # fmt: skip


def study_transaction() -> Process:
    """The study's buyers."""
    design = transaction()
    spending = Spending(design.class_share, design.buys, design.mean, design.log_sd)
    return Process(
        "study_transaction", "The study's buyers: zeros and long tails in unobserved classes.",
        True, population().scored, None, spending, (1, 2, 3), (10,),
    )  # fmt: skip


def fading() -> Process:
    """A score effect on the log hazard that halves every four months."""
    effect = -1.1 * _CENTRED[:, None] * 0.5 ** ((_MONTH - 1) / 4)
    hazard = 0.05 * (1 + np.exp(-_MONTH / 6)) * np.exp(_base() + effect)
    return Process(
        "fading", "The score's effect on the hazard halves every four months.",
        True, population().scored, _survival(hazard), None, (1,), (9, 10),
    )  # fmt: skip


def renewal() -> Process:
    """Yearly contracts: losses spike at each renewal, and the score affects the spikes only."""
    spike = _MONTH % 12 == 0
    hazard = np.where(spike, 0.45, 0.012) * np.exp(_base() - 0.9 * _CENTRED[:, None] * spike)
    return Process(
        "renewal", "Losses come in spikes at each twelfth month, and the score acts in the spikes alone.",
        True, population().scored, _survival(hazard), None, (1,), (9, 10),
    )  # fmt: skip


def no_effect() -> Process:
    """Scores confounded with tenure and need; the score itself has no effect."""
    lean = by_need((-0.10, 0.0, 0.10)) + by_band((-0.14, -0.05, 0.04, 0.14))
    shares = population().level_share * np.exp(np.outer(lean, LEVELS))
    scored = population().weight[:, None] * shares / shares.sum(axis=1, keepdims=True)
    hazard = 0.06 * (1 + np.exp(-_MONTH / 5)) * np.exp(_base() + 0.0 * _CENTRED[:, None])
    return Process(
        "no_effect", "Long-standing customers score high and stay anyway: the score has no effect at all.",
        True, scored, _mixed(hazard), None, (1,), (9, 10), naive=True,
    )  # fmt: skip


def _spenders(log_sd: float) -> Spending:
    """Zeros that depend on the score, most strongly where need is low."""
    need, strength = by_need((-0.8, 0.0, 0.8)), by_need((1.3, 1.0, 0.6))
    push = np.outer(strength, _CENTRED)
    buys = expit(0.2 + 0.5 * need[:, None] + 1.2 * push)
    mean = 200 * np.exp(need[:, None] + 0.3 * push)
    return Spending(np.ones((len(need), 1)), buys[..., None], mean[..., None], np.full(len(need), log_sd))


def heavy_spend() -> Process:
    """Spend with a heavy tail, and zeros that depend on the score."""
    return Process(
        "heavy_spend", "Heavy-tailed spend (log standard deviation 1), with zeros that depend on the score.",
        True, population().scored, None, _spenders(1.0), (1,), (9, 10),
    )  # fmt: skip


def very_heavy_spend() -> Process:
    """The same with a heavier tail, for which nominal coverage is not expected at a thousand customers."""
    return Process(
        "very_heavy_spend", "The same with log standard deviation 1.3: a tail for which a thousand customers are few.",
        True, population().scored, None, _spenders(1.3), (1,), (9, 10), judged=False,
    )  # fmt: skip


def wrong_way() -> Process:
    """A reversed association: higher scores have higher hazards, most strongly where need is low."""
    strength = by_need((1.2, 0.8, 0.5))[:, None, None]
    hazard = 0.06 * np.exp(_base() + 0.8 * strength * _CENTRED[:, None] + 0.0 * _MONTH)
    return Process(
        "wrong_way", "Customers who score high leave sooner, most of all where need is low.",
        True, population().scored, _mixed(hazard), None, (1,), (9, 10),
    )  # fmt: skip


_PROCESSES: tuple[Callable[[], Process], ...] = (
    study_subscription, study_transaction, fading, renewal, no_effect, wrong_way, heavy_spend, very_heavy_spend,
)  # fmt: skip


@cache
def processes() -> dict[str, Process]:
    """Every process by its name.

    Raises
    ------
    InputError
        If the study's published figures are not there.
    """
    return {process.name: process for process in (make() for make in _PROCESSES)}

"""Errors of grouped proportional hazards of clustered customers, from what each bucket of clusters contributes.

The sandwich has the outer products of the buckets' sums of scores, times G / (G − 1) (Liang & Zeger 1986,
doi 10.1093/biomet/73.1.13). The jackknife leaves out one bucket at a time, by one Newton step from the estimate with
the information of the others: less is missed where a level has few buckets (Bell & McCaffrey 2002, Survey Methodology
28:169–181, their CR3).
"""

from collections.abc import Iterator

import numpy as np

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.exposures import Exposures
from cxlink.survival.proportional_hazards.cloglog import Grouped, information_of, mean_covariates
from cxlink.survival.proportional_hazards.hazard_errors import LEAST_VARIANCE, Contributions, HazardErrors

_MOST_PARAMETERS = 600
"""Effects and periods that are solved for, bucket by bucket; beyond, the sandwich stands for the jackknife."""


def of_buckets(
    grouped: Grouped, made: Contributions, middle: np.ndarray, exposures: Exposures, held: np.ndarray
) -> HazardErrors:
    """Give the sandwich over buckets.

    Parameters
    ----------
    grouped, made : Grouped, Contributions
        Counts and design, and what a customer's period contributes.
    middle : ndarray of shape (n_effects, n_periods)
        Mean covariates of each period, by the observed information.
    exposures : Exposures
        The customers, with their buckets.
    held : ndarray of shape (n_effects, n_effects)
        Information of penalties.
    """
    own = np.maximum(made.curvature.sum(axis=0), LEAST_VARIANCE)
    given = list(_given(made, exposures))
    periods = np.array([one.sum(axis=0) for one in given]).T
    effects = np.array([grouped.gather(one).sum(axis=1) for one in given]).T - middle @ periods
    scale = _scale(exposures)
    information = information_of(grouped, made.curvature) + held
    inverse = np.linalg.pinv(information, hermitian=True)
    moves = inverse @ effects * np.sqrt(scale)
    return _errors(moves, periods / own[:, None] * np.sqrt(scale), inverse @ held @ inverse)


def jackknife(grouped: Grouped, made: Contributions, exposures: Exposures, held: np.ndarray) -> HazardErrors:
    """Give the errors by leaving out one bucket at a time; see `of_buckets`."""
    middle, n_effects = mean_covariates(grouped, made.curvature), grouped.n_effects
    if n_effects + middle.shape[1] > _MOST_PARAMETERS:
        return of_buckets(grouped, made, middle, exposures, held)
    whole = _information(grouped, made.curvature)
    whole[:n_effects, :n_effects] += held
    bend = made.rate * (made.odds - 1) / np.expm1(made.rate)
    moves = np.zeros((len(whole), BUCKETS))
    for bucket in _present(exposures):
        mine = exposures.of_bucket(int(bucket))
        at_risk, lost = mine.by_period(mine.n, made.rate.shape)
        given = made.odds * lost - made.rate * at_risk
        gradient = np.concatenate([grouped.gather(given).sum(axis=1), given.sum(axis=0)])
        left = whole - _information(grouped, (at_risk - lost) * made.rate + lost * bend)
        moves[:, bucket] = np.linalg.lstsq(left, gradient, rcond=1e-10)[0]
    moves *= np.sqrt(1 / _scale(exposures))
    effects, baseline = moves[:n_effects], moves[n_effects:]
    inverse = np.linalg.pinv(information_of(grouped, made.curvature) + held, hermitian=True)
    return _errors(effects, baseline + middle.T @ effects, inverse @ held @ inverse)


def _given(made: Contributions, exposures: Exposures) -> Iterator[np.ndarray]:
    """The sums of each bucket's contributions to the scores of the linear predictors, (n_cells, n_periods)."""
    for bucket in _present(exposures):
        mine = exposures.of_bucket(int(bucket))
        at_risk, lost = mine.by_period(mine.n, made.rate.shape)
        yield made.odds * lost - made.rate * at_risk


def _present(exposures: Exposures) -> np.ndarray:
    """Buckets with customers."""
    assert exposures.bucket is not None
    return np.unique(exposures.bucket)


def _scale(exposures: Exposures) -> float:
    """G / (G − 1), G the buckets with customers."""
    n_buckets = len(_present(exposures))
    return n_buckets / max(n_buckets - 1, 1)


def _information(grouped: Grouped, curvature: np.ndarray) -> np.ndarray:
    """Information of effects and baseline together."""
    mixed = grouped.gather(curvature)
    both: np.ndarray = np.block([
        [grouped.crossed(curvature), mixed], [mixed.T, np.diag(curvature.sum(axis=0))]
    ])  # fmt: skip
    return both


def _errors(effects: np.ndarray, baseline: np.ndarray, held: np.ndarray) -> HazardErrors:
    """Make the errors of what buckets move effects, and the baseline beside them, by; (n, n_buckets) each."""
    covariance, crossed = effects @ effects.T + held, effects @ baseline.T
    lean = np.linalg.pinv(covariance, rcond=1e-10, hermitian=True) @ crossed
    between = baseline @ baseline.T - crossed.T @ lean
    between = (between + between.T) / 2
    return HazardErrors(covariance, lean, np.maximum(np.diag(between), LEAST_VARIANCE), between)

"""Whether the level of the score or its change tells more of retention: log scores of customers not seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.spells import PersonPeriods, Spells, each_pair, person_periods, risk_sets
from cxlink.survival.proportional_hazards.effect_shapes import FOLDS, log_score


@dataclass(frozen=True, slots=True)
class PredictionGain:
    """How much better one model predicts than another, per survey.

    Attributes
    ----------
    mean, std_error : float
        Of the difference of log scores.
    """

    mean: float
    std_error: float


def scores_by_bucket(spells: Spells) -> np.ndarray | None:
    """Log score of the surveys of each bucket of customers, by proportional hazards fitted to the other folds.

    A fold is every fifth bucket, so that no customer is on both sides.

    Parameters
    ----------
    spells : Spells
        With buckets; its levels are free, its strata additive.

    Returns
    -------
    ndarray of shape (200,) or None
        None where a fold cannot be fitted.
    """
    buckets = spells.buckets
    if buckets is None:
        return None
    periods, count = person_periods(spells), risk_sets(spells, each_pair(spells))
    totals = np.zeros(BUCKETS)
    for fold in range(FOLDS):
        out = buckets.bucket % FOLDS == fold
        held, kept = (np.where(part, 1.0, 0.0) for part in (out, ~out))
        at_risk, lost = count(buckets.customers @ kept)
        train = PersonPeriods(
            periods.levels, periods.strata, periods.level, periods.stratum, np.rint(at_risk).astype(np.int64),
            np.rint(lost).astype(np.int64),
        )  # fmt: skip
        score = log_score(train, spells, "levels")
        if score is None:
            return None
        totals += np.bincount(buckets.bucket, (score @ buckets.customers) * held, BUCKETS)
    return totals


def gain(
    better: Sequence[float] | np.ndarray, worse: Sequence[float] | np.ndarray, n: np.ndarray
) -> PredictionGain:
    """Compare two models by the log scores of each bucket, with the error of buckets as the units.

    Parameters
    ----------
    better, worse : array of shape (n_buckets,)
        Log scores.
    n : ndarray of shape (n_buckets,)
        Surveys in each.
    """
    difference, used = np.subtract(better, worse), n > 0
    mean = float(difference.sum() / n.sum())
    left = (difference - mean * n)[used]
    groups = int(used.sum())
    variance = float(np.sum(left**2)) * groups / max(groups - 1, 1) / float(n.sum()) ** 2
    return PredictionGain(mean, float(np.sqrt(variance)))

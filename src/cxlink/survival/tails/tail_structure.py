"""Which structure continued hazards have: what predicts customers that the fit has not seen."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import softmax

from cxlink.groups.support import FEWEST_AT_RISK
from cxlink.survival.tails.hazard_breaks import hazard_breaks
from cxlink.survival.tails.tail_fit import (
    CellCounts,
    TailFit,
    cohort_hazard,
    fit_tails,
    log_likelihoods,
    refit_tails,
)
from cxlink.survival.tails.tail_terms import terms_for
from cxlink.survival.tails.time_functions import RenewalTimes, time_functions

FOLDS = 5
_HALF_LIVES = (1 / 8, 1 / 3, 1.0)
_FEWEST_IN_TIME = 10
"""Periods with ten at risk.

From fewer, both predict alike, and a published curve's first five or six tell of log time after all.
"""
_RESAMPLES, _SEED = 1_000, 20261129
_Times = tuple[RenewalTimes, tuple[int, ...]]
"""Renewals, and last periods before breaks."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One structure, and how it predicts.

    Attributes
    ----------
    by_stratum : bool
        Whether the score acts differently in each stratum.
    half_life : float
        Periods in which the part of its effect that fades halves; infinite: none fades.
    drifts : bool
        Whether its effect is straight in log time, each level with a slope of its own: an effect on the shape.
    in_time : bool
        Whether log hazards (and an effect that drifts) are straight in time beyond the data, rather than in log time.
    gain, std_error : float
        Log score of customers held out, over that of additive strata and an effect that lasts, in log time or in time
        as this one is; and its standard error.
    share : float
        Of the draws that have it: pseudo-BMA+ weights, the mean over Bayesian bootstraps of folds and cells of
        exp(log score) over that of all candidates (Yao et al. 2018, doi 10.1214/17-BA1091).
    """

    by_stratum: bool
    half_life: float = np.inf
    drifts: bool = False
    in_time: bool = False
    gain: float = 0.0
    std_error: float = 0.0
    share: float = 1.0


def chosen_structure(
    counts: CellCounts, folds: list[CellCounts], strata: pd.DataFrame, renewals: RenewalTimes
) -> tuple[tuple[TailFit, ...], tuple[Candidate, ...]]:
    """Fit every structure and choose.

    Breaks of the hazard are looked for with the simplest, and all have them. The simplest stands first: strata additive
    and an effect that lasts. A candidate takes over from the one chosen so far where it predicts better by more than a
    standard error. Estimates have the structure chosen; draws have each of them by its share: an effect that fades
    slowly, one that drifts and one that lasts predict follow-up alike, and not what comes after.

    So do log hazards that are straight in log time and in time: where some customers never leave, the former are far
    too high. The simplest and the best in log time are fitted in time as well; what is chosen of those takes over by
    the same rule. Bends that few knots in log time do not follow may look like breaks: in time, breaks stand where both
    show some.

    Parameters
    ----------
    counts : CellCounts
        The cohort.
    folds : list of CellCounts
        Its customers, parted at random.
    strata : DataFrame of shape (n_strata, n_variables)
        Their variables.
    renewals : RenewalTimes
        Their cycle.

    Returns
    -------
    fits : tuple of TailFit
        Of each structure, the one chosen first.
    candidates : tuple of Candidate
        The structures.
    """
    last = counts.lost.shape[1]
    several = len(strata) > 1
    asked = [Candidate(False), *([Candidate(True)] if several else [])]
    first = _fitted(counts, strata, (renewals, ()), asked[0])
    times = renewals, hazard_breaks(counts, first)
    fits = [] if times[1] else [first]
    fits += [_fitted(counts, strata, times, one) for one in asked[len(fits) :]]
    if len(counts.at_risk) > len(strata) and last > 3:
        best = asked[int(np.argmax([fit.evidence for fit in fits]))]
        fading = [replace(best, half_life=share * last) for share in _HALF_LIVES]
        asked += [*fading, replace(best, drifts=True)]
        fits += [_fitted(counts, strata, times, one) for one in asked[len(fits) :]]
    scores = [_held_out(counts, folds, fit) for fit in fits]
    n_log = len(fits)
    if int((counts.at_risk.sum(axis=0) >= FEWEST_AT_RISK).sum()) >= _FEWEST_IN_TIME:
        best = asked[int(np.argmax([score.sum() for score in scores]))]
        asked += [replace(one, in_time=True) for one in dict.fromkeys((asked[0], best))]
        without = _fitted(counts, strata, (renewals, ()), asked[n_log])
        times = times if times[1] and hazard_breaks(counts, without) else (renewals, ())
        fits += [] if times[1] else [without]
        fits += [_fitted(counts, strata, times, one) for one in asked[len(fits) :]]
        scores += [_held_out(counts, folds, fit) for fit in fits[n_log:]]
    chosen = _chosen(scores[:n_log])
    if len(fits) > n_log:
        in_time = n_log + _chosen(scores[n_log:])
        chosen = in_time if _chosen([scores[chosen], scores[in_time]]) else chosen
    candidates, shares = [], _shares(np.array(scores))
    for k, one in enumerate(asked):
        gain, error = _difference(scores[k], scores[n_log if one.in_time else 0])
        candidates.append(replace(one, gain=gain, std_error=error, share=float(shares[k])))
    order = [chosen, *(k for k in range(len(fits)) if k != chosen)]
    return tuple(fits[k] for k in order), tuple(candidates[k] for k in order)


def _chosen(scores: list[np.ndarray]) -> int:
    """Position of the structure that takes over last, each by more than a standard error."""
    chosen = 0
    for k, score in enumerate(scores):
        over, beside = _difference(score, scores[chosen])
        chosen = k if over > beside else chosen
    return chosen


def _shares(scores: np.ndarray) -> np.ndarray:
    """Pseudo-BMA+ weights of log scores, (n_candidates, n_folds, n_cells)."""
    each = scores.reshape(len(scores), -1)
    weights = np.random.default_rng(_SEED).standard_exponential((each.shape[1], _RESAMPLES))
    total = each @ (weights / weights.mean(axis=0))
    share: np.ndarray = softmax(total, axis=0).mean(axis=1)
    return share


def _fitted(counts: CellCounts, strata: pd.DataFrame, times: _Times, one: Candidate) -> TailFit:
    time = time_functions(
        counts.lost.sum(axis=0), one.half_life, *times, drifts=one.drifts, in_time=one.in_time
    )
    customers = counts.at_risk.max(axis=1).reshape(-1, len(strata))
    offset = cohort_hazard(counts)
    return fit_tails(counts, terms_for(time, customers, strata, offset=offset, by_stratum=one.by_stratum))


def _held_out(counts: CellCounts, folds: list[CellCounts], fit: TailFit) -> np.ndarray:
    """Log score of each fold's customers, predicted from the others: (n_folds, n_cells)."""
    scores = []
    for fold in folds:
        others = CellCounts(counts.at_risk - fold.at_risk, counts.lost - fold.lost)
        scores.append(log_likelihoods(fold, refit_tails(others, fit)))
    return np.array(scores)


def _difference(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Sum of differences over folds and cells, and its standard error from their scatter."""
    difference = a - b
    total = float(difference.sum())
    n = difference.size
    return total, float(np.sqrt(n * difference.var(ddof=1))) if n > 1 else 0.0

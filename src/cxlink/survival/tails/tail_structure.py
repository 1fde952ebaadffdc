"""Which structure continued hazards have: what predicts customers that the fit has not seen (design rule 8b)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

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


@dataclass(frozen=True, slots=True)
class Candidate:
    """One structure, and how it predicts.

    Attributes
    ----------
    by_stratum : bool
        Whether the score acts differently in each stratum.
    half_life : float
        Periods in which the part of its effect that fades halves; infinite: none fades.
    gain, std_error : float
        Log score of customers held out, over that of the first candidate, and its standard error.
    """

    by_stratum: bool
    half_life: float
    gain: float = 0.0
    std_error: float = 0.0


def chosen_structure(
    counts: CellCounts, folds: list[CellCounts], strata: pd.DataFrame, renewals: RenewalTimes
) -> tuple[TailFit, tuple[Candidate, ...]]:
    """Fit every structure and choose.

    The simplest stands first: strata additive and an effect that lasts. A candidate takes over from the one chosen so
    far where it predicts better by more than a standard error.

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
    fit : TailFit
        Of the structure chosen.
    candidates : tuple of Candidate
        The one chosen first.
    """
    last = counts.lost.shape[1]
    several = len(strata) > 1
    asked = [(False, np.inf), *([(True, np.inf)] if several else [])]
    fits = [_fitted(counts, strata, renewals, *one) for one in asked]
    if len(counts.at_risk) > len(strata) and last > 3:
        best = int(np.argmax([fit.evidence for fit in fits]))
        asked += [(asked[best][0], share * last) for share in _HALF_LIVES]
        fits += [_fitted(counts, strata, renewals, *one) for one in asked[len(fits) :]]
    scores = [_held_out(counts, folds, fit) for fit in fits]
    chosen, candidates = 0, []
    for k, (by_stratum, half_life) in enumerate(asked):
        gain, error = _difference(scores[k], scores[0])
        candidates.append(Candidate(by_stratum, half_life, gain, error))
        over, beside = _difference(scores[k], scores[chosen])
        if over > beside:
            chosen = k
    order = [chosen, *(k for k in range(len(fits)) if k != chosen)]
    return fits[chosen], tuple(candidates[k] for k in order)


def _fitted(
    counts: CellCounts, strata: pd.DataFrame, renewals: RenewalTimes, by_stratum: bool, half_life: float
) -> TailFit:
    time = time_functions(counts.lost.sum(axis=0), half_life, renewals)
    customers = counts.at_risk.max(axis=1).reshape(-1, len(strata))
    return fit_tails(
        counts, terms_for(time, customers, strata, offset=cohort_hazard(counts), by_stratum=by_stratum)
    )


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

"""Scores of predictions: how probable predicted retention made what customers did, how far spend was from its mean."""

import numpy as np
import pandas as pd

from cxlink.fits.formulas.model_cells import ModelCells
from cxlink.spend.spend_cells import SpendCells

_LEAST = 1e-12


def scores_of(cells: ModelCells, log_survival: np.ndarray, horizon: int) -> pd.Series:
    """Score predicted survival on customers.

    Parameters
    ----------
    cells : ModelCells
        The customers.
    log_survival : ndarray of shape (n_profiles, n_times)
        log S of each profile at whole periods from 0 on; customers are followed to the last of them at most.
    horizon : int
        At which the Brier score is taken.

    Returns
    -------
    Series
        ``log_score``, per customer at risk; ``brier``, NaN where nobody is followed to the horizon.
    """
    last = log_survival.shape[1] - 1
    stop, lost = np.minimum(cells.exit, last), cells.lost & (cells.exit <= last)
    at_risk = stop > cells.entry
    p, entry, stop, lost, n = (
        x[at_risk] for x in (cells.profile, np.minimum(cells.entry, last), stop, lost, cells.n)
    )
    start = log_survival[p, entry]
    retained, before = log_survival[p, stop] - start, log_survival[p, stop - 1] - start
    gone = -np.expm1(np.minimum(log_survival[p, stop] - log_survival[p, stop - 1], 0.0))
    value = np.where(lost, before + np.log(np.maximum(gone, _LEAST)), np.maximum(retained, np.log(_LEAST)))
    log_score = float(n @ value / n.sum()) if n.sum() else np.nan
    return pd.Series({"log_score": log_score, "brier": _brier(cells, log_survival, horizon)})


def spend_scores_of(sums: SpendCells, mean: np.ndarray, without: float) -> pd.Series:
    """Score predicted means of spend on customers.

    The deviance of a Poisson, 2·Σ(y·log(y/μ) − y + μ)/n, is a consistent score of a mean whatever the distribution of
    spend (Gneiting 2011, doi 10.1198/jasa.2011.r10138).

    Parameters
    ----------
    sums : SpendCells
        The customers' spend by profile, in the spec's currency.
    mean : ndarray of shape (n_profiles,)
        Predicted, in the same.
    without : float
        The mean that R² is measured against.

    Returns
    -------
    Series
        ``poisson_deviance`` per customer, in the currency (lower is better); ``r_squared``,
        1 − Σ(y − μ)²/Σ(y − without)².
    """
    n = float(sums.n.sum())
    used = sums.n > 0  # a profile without customers may have any mean
    total, counted, mean = sums.total[used], sums.n[used], mean[used]
    deviance = 2 * float((sums.total_log[used] - total * np.log(mean) - total + counted * mean).sum()) / n
    residual = float((sums.squares[used] - 2 * mean * total + counted * mean**2).sum())
    spread = float(sums.squares.sum() - 2 * without * sums.total.sum() + n * without**2)
    return pd.Series({"poisson_deviance": deviance, "r_squared": 1 - residual / spread})


def _brier(cells: ModelCells, log_survival: np.ndarray, horizon: int) -> float:
    """Σ w·(1(T > h) − S(h))² / Σ n, w = 1/G(T) of customers lost in period T ≤ h, 1/G(h) of those retained to h."""
    here = cells.entry == 0
    if horizon >= log_survival.shape[1] or not here.any():
        return np.nan
    exit_, lost, n = cells.exit[here], cells.lost[here], cells.n[here]
    observed = _observed(exit_, lost, n, horizon)
    if observed[horizon] <= 0:
        return np.nan
    survival = np.exp(log_survival[cells.profile[here], horizon])
    gone, stayed = lost & (exit_ <= horizon), exit_ >= horizon
    stayed &= ~gone
    weight = np.where(gone, 1 / observed[np.minimum(exit_, horizon)], 0.0)
    weight = np.where(stayed, 1 / observed[horizon], weight)
    total = float((n * weight * (stayed.astype(float) - survival) ** 2).sum())
    return total / float(n.sum())


def _observed(exit_: np.ndarray, lost: np.ndarray, n: np.ndarray, horizon: int) -> np.ndarray:
    """G(t): share followed for t whole periods or longer, whether lost or not, by Kaplan–Meier of censoring.

    A loss in period t is seen of those alone who are followed for t periods, so G(t) is its weight, not G(t − 1).
    """
    share = np.ones(horizon + 1)
    for t in range(1, horizon + 1):
        reached = (exit_ >= t - 1) & ~(lost & (exit_ <= t - 1))
        censored = ~lost & (exit_ == t - 1)
        at_risk = float(n[reached].sum())
        share[t] = share[t - 1] * (1 - float(n[censored].sum()) / at_risk if at_risk else 0.0)
    return share

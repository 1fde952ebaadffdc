"""Scores of predicted retention: how probable it made what customers did."""

import numpy as np
import pandas as pd

from cxlink.fits.formulas.model_cells import ModelCells

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

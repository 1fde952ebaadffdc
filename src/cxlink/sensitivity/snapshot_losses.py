"""Losses within the window of a snapshot: when in it each customer was lost, which the table does not say."""

from dataclasses import replace

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts

_STEPS = 200
_CLOSE = 1e-6
"""Change of survival at which the steps end."""


def spread_over_window(counts: Counts) -> Counts:
    """Give customers lost within the window of a snapshot the entries that those retained suggest.

    Who was lost at tenure u in period v of a window of W was at risk for v of its periods, not for all. Had they
    stayed, their tenure would now be u − v + W; of those who began when they did R(u − v + W) are still there, a share
    S(u − v + W) of all. So P(v | u) ∝ R(u − v + W) / S(u − v + W), however many began when. S is estimated by
    Kaplan–Meier from the entries so spread, in turns until it stays as it is (self-consistency; Turnbull 1976,
    doi 10.1111/j.2517-6161.1976.tb01597.x). Evenly where nobody is left to tell. By level, strata together.

    Parameters
    ----------
    counts : Counts
        With ``[subscription] window``.

    Returns
    -------
    Counts
        Cells of lost customers in as many parts as the window has periods; their number need not be whole.
    """
    sub = counts.spec.subscription
    assert sub is not None
    assert sub.window is not None
    window, cells = sub.window, counts.cells.assign(n=counts.cells["n"].astype(float))
    lost = cells["cause"] != ""
    parts = [cells[~lost]]
    for _, level in cells[cells["score"].notna()].groupby("score"):
        gone = level["cause"] != ""
        share = _shares(level[~gone], level[gone], window)
        for v in range(1, window + 1):
            mine = level[gone]
            n = mine["n"] * share[mine["exit"], v - 1]
            parts.append(mine.assign(entry=np.maximum(mine["exit"] - v, mine["entry"]), n=n))
    parts.append(cells[lost & cells["score"].isna()])
    spread = pd.concat(parts, ignore_index=True)
    return replace(counts, cells=spread[spread["n"] > 0].reset_index(drop=True))


def _shares(retained: pd.DataFrame, lost: pd.DataFrame, window: int) -> np.ndarray:
    """P(v | u) of shape (n_periods, window): row u, column v − 1."""
    length = (
        int(max(retained["exit"].max(), lost["exit"].max())) + window + 1
        if len(lost) and len(retained)
        else 0
    )
    if not length:
        return np.full((int(lost["exit"].max()) + 1 if len(lost) else 1, window), 1 / window)
    still, gone = (np.bincount(one["exit"], one["n"], length) for one in (retained, lost))
    edges = np.bincount(retained["entry"] + 1, retained["n"], length + 1)
    steps = edges - np.bincount(retained["exit"] + 1, retained["n"], length + 1)
    at_risk = np.cumsum(steps)[:length]
    now = np.arange(length)[:, None] - np.arange(1, window + 1) + window
    there = now < length
    now = np.minimum(now, length - 1)
    share, before = np.full((length, window), 1 / window), np.ones(length)
    for _ in range(_STEPS):
        survival = _survival(at_risk, gone, share)
        if np.abs(survival - before).max() < _CLOSE:
            break
        before = survival
        known = there & (survival[now] > 0)
        began = np.divide(still[now], survival[now], out=np.zeros(now.shape), where=known)
        whole = began.sum(axis=1, keepdims=True)
        share = np.divide(began, whole, out=np.full(now.shape, 1 / window), where=whole > 0)
    return share


def _survival(at_risk: np.ndarray, gone: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Kaplan–Meier at 0, 1, …: the lost of each period at risk in those before it by their shares."""
    risk = at_risk.copy()
    longer = np.cumsum(share[:, ::-1], axis=1)[:, ::-1]
    for j in range(share.shape[1]):
        risk[: len(risk) - j] += (gone * longer[:, j])[j:]
    hazard = np.divide(gone, risk, out=np.zeros(len(risk)), where=risk > 0)
    hazard[0] = 0.0
    survival: np.ndarray = np.cumprod(1 - np.minimum(hazard, 1.0))
    return survival

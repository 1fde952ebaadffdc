"""Customers at risk and lost by period, for the numbers below a figure of curves."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells, risk_sets
from cxlink.groups import requests as standards

_COLUMNS = ["group", "period", "at_risk", "lost"]


def at_risk_since_entry(spells: Spells, pairs: np.ndarray, times: Sequence[int]) -> list[int]:
    """Count the customers of some pairs of level and stratum who are at risk, by time since they entered.

    Parameters
    ----------
    spells : Spells
        The cohort.
    pairs : int ndarray
        Positions of the pairs; each counts once.
    times : sequence of int
        Whole periods: at risk in the period that ends at each, and at 0 in the first.

    Returns
    -------
    list of int
    """
    inside = np.isin(spells.pair, pairs)
    stayed, n = (spells.exit - spells.entry)[inside], spells.n[inside]
    return [int(n[stayed >= max(time, 1)].sum()) for time in times]


def at_risk_by_period(spells: Spells | None, counts: Counts) -> pd.DataFrame:
    """Count the customers of every reported group at risk in each period since the time origin, and those lost in it.

    Parameters
    ----------
    spells : Spells or None
        Of the counts; None where nobody has a score.
    counts : Counts
        Of the cohort.

    Returns
    -------
    DataFrame
        ``group, period, at_risk, lost``, all strata together; no row without a subscription.
    """
    request = standards.pooled(spells, counts.spec) if spells is not None else None
    if spells is None or request is None or counts.spec.subscription is None:
        return pd.DataFrame(columns=_COLUMNS)
    at_risk, lost = risk_sets(spells, request.members)(spells.n)
    frames = [
        pd.DataFrame({"group": s.group, "period": np.arange(1, len(r) + 1), "at_risk": r, "lost": d})
        for s, r, d in zip(request.standards, at_risk, lost, strict=True)
    ]
    return pd.concat(frames, ignore_index=True)[_COLUMNS]

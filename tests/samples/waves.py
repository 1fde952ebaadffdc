"""Customers who are surveyed several times: a trait that stays, noisy scores, and a planted effect of a fall."""

from typing import Any

import numpy as np
import pandas as pd

SPEC: dict[str, dict[str, Any]] = {
    "cohort": {"id": "customer", "repeat": "all", "name": "waves", "simulated": True},
    "score": {"column": "score", "scale": "1-5"},
    "subscription": {"duration": "months", "event": "left", "follow_up": "followed", "survey": "day", "unit": "month"},
    "analysis": {"horizon": 4, "draws": 200, "models": "quick"},
}  # fmt: skip
GAP, N_WAVES, END = 4, 3, 14


def waves(n: int, seed: int, planted: float = 0.0) -> pd.DataFrame:
    """Draw surveys, one row each: scores are readings of a trait, and losses follow it.

    Parameters
    ----------
    n : int
        Customers.
    seed : int
        Of the draws.
    planted : float
        Log hazard ratio while a customer's last score was a fall.
    """
    rng = np.random.default_rng(seed)
    trait, lost_at = rng.normal(size=n), np.full(n, np.inf)
    last, fell, rows = np.zeros(n, dtype=int), np.zeros(n, dtype=bool), []
    for wave in range(N_WAVES):
        score = np.clip(np.rint(3 + 0.8 * trait + 0.8 * rng.normal(size=n)), 1, 5).astype(int)
        answers = np.flatnonzero(np.isinf(lost_at) & (rng.random(n) < 0.85))
        fell[answers] = (last[answers] > 0) & (score[answers] < last[answers])
        last[answers] = score[answers]
        rows.append(pd.DataFrame({"customer": answers, "score": score[answers], "asked": GAP * wave}))
        for month in range(GAP * wave, GAP * (wave + 1) if wave < N_WAVES - 1 else END):
            hazard = -np.expm1(-np.exp(-2.6 - 0.5 * trait + planted * fell))
            gone = np.isinf(lost_at) & (rng.random(n) < hazard)
            lost_at[gone] = month + 1
    table = pd.concat(rows, ignore_index=True)
    table["followed"] = END - table["asked"]
    table["months"] = np.minimum(lost_at[table["customer"]] - table["asked"], table["followed"]).astype(int)
    table["left"] = (lost_at[table["customer"]] <= END).astype(int)
    day = {GAP * wave: f"2024-{GAP * wave + 1:02d}-01" for wave in range(N_WAVES)}
    table["day"] = table["asked"].map(day)
    return table.drop(columns="asked")


HISTORY = {"columns": ["before", "number", "since"]}
"""[adjust] of `surveys_as_rows`: what is adjusted for by itself where every survey counts."""


def surveys_as_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Give each survey what came before it in columns of its own: the score before, its number, the time since."""
    ordered = table.sort_values(["customer", "day"])
    by_customer, month = ordered.groupby("customer"), pd.to_datetime(ordered["day"]).dt.month
    before, number = by_customer["score"].shift(), by_customer.cumcount() + 1
    since = month - month.groupby(ordered["customer"]).shift()
    return ordered.assign(
        before=before.astype("Int64").astype("string").fillna("first"),
        number=number.astype(str).where(number < 3, "3+"),
        since=np.where(since.isna(), "first", np.where(since < 6, "<6", "6-<12")),
    )

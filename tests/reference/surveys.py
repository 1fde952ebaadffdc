"""Surveys that repeat, in days: `python tests/reference/surveys.py` writes surveys.csv, which surveys.R reads.

R's Cox model is fitted to days, and `cxlink` to whole months of the same rows.
"""

from pathlib import Path

import numpy as np
import pandas as pd

CUSTOMERS, SEED, LAST = 5_000, 18, 900
"""LAST is the last day of observation, counted from the start."""
START = pd.Timestamp("2020-01-01")


def surveys() -> pd.DataFrame:
    """Draw customers whose opinion never changes, who answer up to three surveys four to eight months apart.

    Returns
    -------
    DataFrame
        ``customer, score, day, end``: days since `START`; ``end`` empty where not lost by `LAST`.
    """
    rng = np.random.default_rng(SEED)
    opinion = rng.normal(size=CUSTOMERS)
    asked = rng.integers(0, 200, CUSTOMERS)
    end = asked + 1 + np.floor(rng.exponential(900 * np.exp(0.5 * opinion))).astype(int)
    pieces = []
    for wave in range(3):
        score = np.clip(np.rint(3 + 0.8 * opinion + 0.8 * rng.normal(size=CUSTOMERS)), 1, 5).astype(int)
        answers = (asked < end) & (asked < LAST) & ((wave == 0) | (rng.random(CUSTOMERS) < 0.8))
        pieces.append(pd.DataFrame({
            "customer": np.flatnonzero(answers), "score": score[answers], "day": asked[answers], "end": end[answers],
        }))  # fmt: skip
        asked = asked + rng.integers(120, 240, CUSTOMERS)
    table = pd.concat(pieces).sort_values(["customer", "day"], ignore_index=True)
    return table.assign(end=table["end"].where(table["end"] <= LAST).astype("Int64"))


def until_next() -> pd.DataFrame:
    """Give each survey until the customer's next one: ``days, lost, score, previous, number, since``.

    The score before (0: none), the number of the survey (3: or later) and the months since the last one in bands.
    """
    table = surveys()
    by_customer = table.groupby("customer")
    after = by_customer["day"].shift(-1).fillna(LAST)
    end = table["end"].astype(float).fillna(np.inf)
    dates = START + pd.to_timedelta(table["day"], unit="D")
    before = dates.groupby(table["customer"]).shift()
    six, year = ((before + pd.DateOffset(months=months)) <= dates for months in (6, 12))
    return pd.DataFrame({
        "days": (np.minimum(after, end) - table["day"]).astype(int),
        "lost": (end <= after).astype(int),
        "score": table["score"],
        "previous": by_customer["score"].shift().fillna(0).astype(int),
        "number": by_customer.cumcount().clip(upper=2) + 1,
        "since": np.select([before.isna(), year, six], ["first", ">=12", "6-<12"], "<6"),
    })  # fmt: skip


if __name__ == "__main__":
    until_next().to_csv(Path(__file__).parent / "surveys.csv", index=False, lineterminator="\n")

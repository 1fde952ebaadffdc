"""Is retention after a late entry biased where early risk sets are thin? ``python -m validation.late_entry_trial``.

A small trial, no proof: customers who signed up up to five years before the survey, long ago or lately, of whom those
still there are asked; time counts from signup, so that few are at risk in its first months, when hazards are highest.
Scores do nothing: the difference of retention a year after the survey between the best and the worst scores is 0.
"""

import numpy as np
import pandas as pd

from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.fits.observed_curves import kaplan_meier

COHORTS, CUSTOMERS, DRAWS, HORIZON = 200, 400, 100, 12
SHAPE, SCALE, OLDEST = 0.7, 30.0, 60
"""Weibull of the months from signup to loss, and the longest time from signup to the survey."""
FOLLOWED = 6, 18
"""Months after the survey that a customer is observed: uniform between these."""
SHARES = 0.06, 0.04, 0.05, 0.05, 0.08, 0.1, 0.15, 0.2, 0.15, 0.12
"""Of the scores 1 to 10."""


def late_entrants(seed: int, customers: int = CUSTOMERS) -> pd.DataFrame:
    """Draw customers asked some time after signup, whose scores do nothing: one row each."""
    rng = np.random.default_rng(seed)
    entry, stay = rng.uniform(0, OLDEST, 6 * customers), rng.weibull(SHAPE, 6 * customers) * SCALE
    asked = np.flatnonzero(stay > entry)[:customers]
    entry, stay = entry[asked], stay[asked]
    seen = entry + rng.uniform(*FOLLOWED, len(asked))
    lost = stay <= seen
    rows = pd.DataFrame({
        "score": rng.choice(np.arange(1, 11), len(asked), p=SHARES), "entry": np.ceil(entry).astype(int),
        "months": np.where(lost, np.ceil(stay), np.floor(seen)).astype(int), "lost": lost.astype(int),
        "seen": np.floor(seen).astype(int),
    })  # fmt: skip
    return rows[rows["months"] >= rows["entry"]].reset_index(drop=True)


def trial(cohorts: int = COHORTS) -> pd.DataFrame:
    """Estimate the difference in each cohort.

    Returns
    -------
    DataFrame
        ``estimate, std_error, conf_low, conf_high``, a row a cohort.
    """
    spec = make_spec({
        "score": {"column": "score", "scale": "1-10"},
        "subscription": {
            "duration": "months", "event": "lost", "clock": "signup", "entry": "entry", "follow_up": "seen",
        },
        "analysis": {"models": "quick", "draws": DRAWS, "horizon": HORIZON},
    })  # fmt: skip
    tables = []
    for seed in range(cohorts):
        table = kaplan_meier(read_cohort(late_entrants(seed), spec)).difference("best", "worst")
        tables.append(table[table["measure"] == "difference"])
    return pd.concat(tables, ignore_index=True)[["estimate", "std_error", "conf_low", "conf_high"]]


def summary(found: pd.DataFrame) -> pd.Series:
    """Give the mean difference with its standard error, how many intervals contain 0, and errors over deviation."""
    held = (found["conf_low"] <= 0) & (found["conf_high"] >= 0)
    deviation = found["estimate"].std()
    return pd.Series({
        "cohorts": len(found), "bias": found["estimate"].mean(), "bias_error": deviation / np.sqrt(len(found)),
        "held": held.mean(), "error_over_deviation": found["std_error"].mean() / deviation,
    })  # fmt: skip


if __name__ == "__main__":
    print(summary(trial()).round(4).to_string())

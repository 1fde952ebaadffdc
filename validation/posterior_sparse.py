"""Levels of 20 and 50 customers: is `bayes` nearer to the truth than Kaplan–Meier, and do its intervals hold it?

Cohorts of `sparse_levels`: eleven levels with few customers and one with a thousand, followed for one year or two. Once
with retention as scores have it (42 to 80 %, not rising everywhere), and once from 5 to 99.9 %: levels that differ far
more than the priors expect.
"""

from typing import Any

import numpy as np

from cxlink.bayes.draws.posterior_curves import fitted, survival_of
from cxlink.bayes.pooled_counts import pool
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import person_periods, spells_of
from validation.sparse_levels import HORIZON, KEPT, drawn_cohort, nonparametric

USUAL = (0.42, 0.40, 0.47, 0.50, 0.55, 0.53, 0.60, 0.64, 0.70, 0.76, 0.80)
TRUTHS = {"usual": USUAL, "extreme": KEPT}
"""S(12) of the eleven levels."""
CUSTOMERS = (20, 50)
DRAWS = 500
"""Of Kaplan–Meier's bootstrap."""
SAMPLING: dict[str, Any] = {"draws": 400, "tune": 300, "chains": 2, "cores": 1}
MODELS = ("bayes", "kaplan_meier")

Row = dict[str, Any]


def replicated(name: str, customers: int, rng: np.random.Generator) -> list[Row]:
    """One cohort's retention at the horizon by sparse level and model, beside the ``truth``."""
    kept = TRUTHS[name]
    counts = drawn_cohort(customers, DRAWS, rng, kept)
    truth = {str(level): value for level, value in enumerate(kept, 1)}
    rows = [*nonparametric(spells_of(counts), counts, rng), *_bayes(counts, rng)]
    return [
        {
            "model": one["model"], "level": int(one["group"]), "truth": truth[one["group"]],
            **{part: one[part] for part in ("estimate", "conf_low", "conf_high")},
        }
        for one in rows
        if one["estimand"] == "retention" and one["horizon"] == HORIZON and one["group"] in truth
    ]  # fmt: skip


def _bayes(counts: Counts, rng: np.random.Generator) -> list[Row]:
    pooled = pool({"": person_periods(spells_of(counts))})
    posterior = fitted(pooled, "bayes", 12, seed=int(rng.integers(2**31)), **SAMPLING)
    levels = pooled.coding.levels
    pairs = (np.arange(len(levels)), np.zeros(len(levels), int))
    log_s = survival_of(posterior, HORIZON, rng).log_survival(slice(None), pairs, np.array([HORIZON]))
    kept = np.exp(log_s[:, :, 0])
    low, high = np.quantile(kept, (0.025, 0.975), axis=0)
    return [
        {
            "model": "bayes", "estimand": "retention", "horizon": HORIZON, "group": str(level),
            "estimate": float(kept[:, k].mean()), "conf_low": float(low[k]), "conf_high": float(high[k]),
        }
        for k, level in enumerate(levels)
    ]  # fmt: skip


def averaged(rows: list[Row]) -> list[Row]:
    """Means over one cohort's levels, model by model: ``model, error, square, width, held``."""
    found = []
    for model in MODELS:
        mine = [one for one in rows if one["model"] == model]
        gaps = np.array([one["estimate"] - one["truth"] for one in mine])
        found.append({
            "model": model, "error": float(np.abs(gaps).mean()), "square": float((gaps**2).mean()),
            "width": float(np.mean([one["conf_high"] - one["conf_low"] for one in mine])),
            "held": float(np.mean([one["conf_low"] <= one["truth"] <= one["conf_high"] for one in mine])),
        })  # fmt: skip
    return found

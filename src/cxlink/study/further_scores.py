"""Further scores of simulated customers: readings of the same experience, which act on nothing beyond the score."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.spec.other_scores import MAIN
from cxlink.study.population import HORIZON, LEVELS, population
from cxlink.study.simulate import Simulated
from cxlink.study.truth import Design, cell_spend, cell_survival

OTHERS: dict[str, dict[str, Any]] = {
    "satisfaction": {"column": "satisfaction", "scale": "1-5"},
    "effort": {"column": "effort", "scale": "1-7", "higher_is_better": False},
}
"""Satisfaction, and effort, of which less is better."""
_NOISE = {"satisfaction": 2.0, "effort": 3.0}
"""Standard deviation of the noise on the score's scale of ten levels."""
_ANSWERED = 0.95
"""Share of those with a score who gave the others as well, at random."""
_STREAM = 2


def with_further_scores(made: Simulated, seed: int) -> Simulated:
    """Give simulated customers satisfaction and effort beside their score.

    Each is the level of the score with noise, cut into its own levels: given the score it has nothing to do with what
    customers do. Its contrasts with the score held constant are 0, and so is what it adds to the score.

    Parameters
    ----------
    made : Simulated
        As `cxlink.study.simulate.simulate` draws it; nothing of it changes but what is added.
        In accounts, customers' scores are alike as far as their score is.
    seed : int
        The same seed gives the same scores.
    """
    rng = np.random.default_rng([seed, _STREAM])
    table, score = made.table.copy(), made.table["score"].to_numpy(dtype=float, na_value=np.nan)
    for name, other in OTHERS.items():
        low, high = (int(end) for end in other["scale"].split("-"))
        noisy = score + _NOISE[name] * rng.standard_normal(len(score))
        share = np.clip((noisy - 0.5) / 10, 0, 1 - 1e-9)
        level = low + np.floor((high - low + 1) * np.nan_to_num(share))
        level = level if other.get("higher_is_better", True) else low + high - level
        given = ~np.isnan(score) & (rng.random(len(score)) < _ANSWERED)
        table[other["column"]] = pd.Series(level, dtype="Int64").where(given)
    spec = {**made.spec, "score": {**made.spec["score"], "others": OTHERS}}
    return replace(
        made, table=table, spec=spec, truth=pd.concat([made.truth, _truth(made)], ignore_index=True)
    )


def _truth(made: Simulated) -> pd.DataFrame:
    """Contrasts per point of each score, all other scores and strata held constant: 0 of the further ones.

    Of the score itself: the slope of its standardised means on its levels, weighted by their shares.
    """
    design: Design = "subscription" if "subscription" in made.spec else "transaction"
    outcomes: dict[str, tuple[str, int | None, np.ndarray]] = {"spend": ("EUR", None, cell_spend(design))}
    if design == "subscription":
        outcomes["retention"] = ("probability", HORIZON, cell_survival()[:, :, HORIZON])
    rows = [
        {
            "estimand": f"driver_{outcome}_contrast", "model": "truth", "group": name, "reference": "",
            "horizon": horizon, "adjusted": "conditional", "stratum": "", "cause": "", "given": 0, "scenario": "",
            "estimate": _slope(cells) if name == MAIN else 0.0, "unit": unit,
        }
        for outcome, (unit, horizon, cells) in sorted(outcomes.items())
        for name in (MAIN, *OTHERS)
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=list(made.truth.columns))
    return table.astype({"horizon": "Int64"})


def _slope(cells: np.ndarray) -> float:
    """Slope of the standardised means on the levels; ``cells`` of shape (n_strata, n_levels)."""
    who = population()
    points = np.array(LEVELS) - who.level_share @ LEVELS
    weights = who.level_share * points / (who.level_share @ points**2)
    return float(who.weight @ cells @ weights)

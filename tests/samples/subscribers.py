"""A cohort of rows with two categories and a number, for models with a formula."""

from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.cohort.table import Cohort, read_cohort

SLOPE = {"score": -0.3, "plan": 0.5, "visits": -0.04}


def subscribers(n: int = 1500, seed: int = 1, *, last: int = 12, rate: float = 0.15) -> pd.DataFrame:
    """Customers whose hazard is constant and proportional in score (1 to 5), plan and visits (a number)."""
    rng = np.random.default_rng(seed)
    score, plan = rng.integers(1, 6, n), rng.choice(["basic", "plus"], n)
    visits = rng.gamma(4.0, 2.5, n).round(3)
    log_ratio = (
        SLOPE["score"] * (score - 3) + SLOPE["plan"] * (plan == "plus") + SLOPE["visits"] * (visits - 10)
    )
    period = np.ceil(rng.exponential(1 / (rate * np.exp(log_ratio)))).astype(int)
    follow = rng.integers(last // 2, last + 1, n)
    spend = np.where(rng.random(n) < 0.2, 0.0, rng.gamma(2.0, 20.0 * score)).round(2)
    return pd.DataFrame({
        "score": score, "plan": plan, "visits": visits, "calls": rng.poisson(2.0, n),
        "months": np.minimum(period, follow), "left": (period <= follow).astype(int), "spend": spend,
    })  # fmt: skip


def spec_of_subscribers(**sections: Any) -> CohortSpec:
    """What they are, with sections replaced or added."""
    return make_spec({
        "score": {"column": "score", "scale": "1-5"},
        "subscription": {"duration": "months", "event": "left"},
        "spend": {"column": "spend", "complete": True},
        "analysis": {"horizon": 6, "draws": 1000},
        **sections,
    })  # fmt: skip


def cohort_of_subscribers(frame: pd.DataFrame | None = None, **sections: Any) -> Cohort:
    """The same, read."""
    return read_cohort(subscribers() if frame is None else frame, spec_of_subscribers(**sections))

"""The clock law: staggered surveys and a fixed cut-off leave S unbiased at every period, the last included."""

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.spec import make_spec
from cxlink.cohort.spells import person_periods, spells_of
from cxlink.cohort.table import read_cohort

MONTHS, N, RATE = 24, 60_000, 0.05


@pytest.mark.parametrize("unit", ["month", "quarter"])
def test_survival_is_unbiased_at_every_period(unit: str) -> None:
    rng = np.random.default_rng(20140801)
    cut = np.datetime64("2026-06-30")
    survey = cut - rng.integers(0, 731, N).astype("timedelta64[D]")
    tenure_days = rng.exponential(1 / RATE, N) * 30.4375
    end = pd.Series(survey + np.ceil(tenure_days).astype("timedelta64[D]"))
    frame = pd.DataFrame({"score": rng.integers(1, 11, N), "survey": survey, "end": end.where(end <= cut)})
    subscription = {"survey": "survey", "end": "end", "observed_until": "2026-06-30", "unit": unit}
    spec = make_spec({"score": {"column": "score", "scale": "1-10"}, "subscription": subscription})
    periods = person_periods(spells_of(read_cohort(frame, spec).count()))
    at_risk, lost = periods.at_risk.sum(axis=0), periods.lost.sum(axis=0)
    months = 1 if unit == "month" else 3
    assert at_risk.shape == (MONTHS // months,)
    survival = np.cumprod(1 - lost / at_risk)
    greenwood = survival * np.sqrt(np.cumsum(lost / (at_risk * (at_risk - lost))))
    # a loss is dated on the day that it falls in: half a day late on average, well under a standard error
    truth = np.exp(-RATE * months * np.arange(1, len(survival) + 1))
    assert (np.abs(survival - truth) < 4 * greenwood).all()

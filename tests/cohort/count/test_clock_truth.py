"""The clock's law: with surveys spread over two years and one fixed cut-off, survival is right at every period."""

import numpy as np
import pandas as pd
import pytest
from tabled import SCORE

from cxlink.cohort.count.spells import person_periods, spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort

N = 200_000
CUT = np.datetime64("2026-06-30")
MONTHS = {"month": 1, "quarter": 3, "year": 12}


def _later(start: np.ndarray, months: np.ndarray) -> np.ndarray:
    """So many months later, clipped to the month's end."""
    month = start.astype("datetime64[M]")
    day = (start - month.astype("datetime64[D]")).astype(int)
    there = month + months.astype("timedelta64[M]")
    last = (there + np.timedelta64(1, "M")).astype("datetime64[D]") - np.timedelta64(1, "D")
    return np.minimum(there.astype("datetime64[D]") + day.astype("timedelta64[D]"), last)


def _left(start: np.ndarray, months: np.ndarray) -> np.ndarray:
    """The day on which a customer leaves who stays so many months, a share of a month being that share of its days."""
    whole = np.floor(months).astype(int)
    here, there = _later(start, whole), _later(start, whole + 1)
    days = np.maximum(np.ceil((months - whole) * (there - here).astype(int)), 1)
    return here + days.astype("timedelta64[D]")


def _survival(table: pd.DataFrame, **sub: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kaplan–Meier and Greenwood's standard error at every period, and customers at risk."""
    keys = {"survey": "survey", "end": "end", "observed_until": str(CUT), **sub}
    made = make_spec({**SCORE, "subscription": keys, "adjust": {"bands": {"tenure_at_survey": []}}})
    periods = person_periods(spells_of(read_cohort(table, made).count()))
    at_risk, lost = (x.sum(axis=0).astype(float) for x in (periods.at_risk, periods.lost))
    survival = np.cumprod(1 - lost / at_risk)
    return survival, survival * np.sqrt(np.cumsum(lost / (at_risk * (at_risk - lost)))), at_risk


def _table(rng: np.random.Generator, **dates: np.ndarray) -> pd.DataFrame:
    end = pd.Series(dates.pop("end"))
    return pd.DataFrame({"score": rng.integers(1, 11, len(end)), **dates, "end": end.where(end <= CUT)})


@pytest.mark.parametrize("unit", MONTHS)
def test_survival_since_the_survey(unit: str) -> None:
    rng = np.random.default_rng(20140801)
    survey = CUT - rng.integers(0, 731, N).astype("timedelta64[D]")
    table = _table(rng, survey=survey, end=_left(survey, rng.exponential(20, N)))
    survival, error, at_risk = _survival(table, unit=unit)
    assert len(survival) == 24 // MONTHS[unit]
    assert at_risk[-1] < N / 20 or unit == "year"  # the last period is the thinnest, and counts as much
    truth = np.exp(-MONTHS[unit] * np.arange(1, len(survival) + 1) / 20)
    assert (np.abs(survival - truth) < 4 * error).all()


@pytest.mark.parametrize(("unit", "days", "mean"), [("day", 60, 40), ("week", 730, 400)])
def test_survival_in_units_of_days(unit: str, days: int, mean: float) -> None:
    rng = np.random.default_rng(20140801)
    survey = CUT - rng.integers(0, days + 1, N).astype("timedelta64[D]")
    table = _table(
        rng, survey=survey, end=survey + np.ceil(rng.exponential(mean, N)).astype("timedelta64[D]")
    )
    survival, error, _ = _survival(table, unit=unit)
    length = {"day": 1, "week": 7}[unit]
    assert len(survival) == days // length
    assert (np.abs(survival - np.exp(-length * np.arange(1, len(survival) + 1) / mean)) < 4 * error).all()


def test_survival_since_signup_with_late_entry() -> None:
    """Surveyed at any time while a customer; a tenth on the day of signup, so that every period has somebody."""
    rng = np.random.default_rng(20140801)
    signup = CUT - rng.integers(0, 731, N).astype("timedelta64[D]")
    end = _left(signup, rng.exponential(20, N))
    wait = (rng.random(N) * 731).astype("timedelta64[D]") * (rng.random(N) > 0.1)
    table = _table(rng, signup=signup, survey=signup + wait, end=end)
    asked = (signup + wait < end) & (signup + wait <= CUT)
    survival, error, at_risk = _survival(table[asked], unit="month", signup="signup", clock="signup")
    assert len(survival) == 24
    assert at_risk.argmax() > 3  # customers do enter late
    assert (np.abs(survival - np.exp(-np.arange(1, 25) / 20)) < 4 * error).all()


def test_counted_from_signup_the_same_customers_seem_to_stay_longer() -> None:
    """The naive clock: who was still there to be asked cannot have left before."""
    rng = np.random.default_rng(20140801)
    signup = CUT - rng.integers(0, 731, N).astype("timedelta64[D]")
    end = _left(signup, rng.exponential(20, N))
    survey = signup + (rng.random(N) * 731).astype("timedelta64[D]")
    table = _table(rng, signup=signup, survey=survey, end=end)[(survey < end) & (survey <= CUT)]
    sub = {"survey": "survey", "signup": "signup", "end": "end", "observed_until": str(CUT)}
    naive = read_cohort(table, make_spec({**SCORE, "subscription": sub})).count_from_signup()
    assert naive is not None
    periods = person_periods(spells_of(naive))
    survival = np.cumprod(1 - periods.lost.sum(axis=0) / periods.at_risk.sum(axis=0))
    assert survival[11] > np.exp(-12 / 20) + 0.1

"""Dates on the clock: whole periods on calendar anniversaries, worked by hand and against other calendars."""

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from dateutil.relativedelta import relativedelta
from tabled import cells, count

from cxlink.cohort.count.profile import Remark
from cxlink.cohort.count.whole_periods import period_of, whole_periods
from cxlink.cohort.read.source import open_source
from cxlink.cohort.spec.spec_sections import TableSection
from cxlink.report.profile_words import exclusions, time_origin

DATES = {"survey": "survey", "end": "end", "observed_until": "2026-06-30"}
STEPS = {
    "day": {"days": 1},
    "week": {"days": 7},
    "month": {"months": 1},
    "quarter": {"months": 3},
    "year": {"years": 1},
}


def _worked(starts: list[str], ends: list[str], unit: str) -> tuple[list[int], list[int]]:
    table = ibis.memtable(pd.DataFrame({"a": pd.to_datetime(starts), "b": pd.to_datetime(ends)}))
    a, b = table.a.date(), table.b.date()
    found = table.select(w=whole_periods(a, b, unit), p=period_of(a, b, unit)).execute()
    return found["w"].tolist(), found["p"].tolist()


BY_HAND = [
    # unit, start, date, whole periods that fit, period that the date falls in
    ("month", "2024-01-31", "2024-01-31", 0, 0),
    ("month", "2024-01-31", "2024-02-28", 0, 1),
    ("month", "2024-01-31", "2024-02-29", 1, 1),  # clipped to the end of a leap February
    ("month", "2024-01-31", "2024-03-01", 1, 2),
    ("month", "2024-01-31", "2024-03-30", 1, 2),
    ("month", "2024-01-31", "2024-03-31", 2, 2),
    ("month", "2023-01-31", "2023-02-28", 1, 1),
    ("month", "2023-01-30", "2023-02-28", 1, 1),
    ("month", "2023-01-29", "2023-02-28", 1, 1),
    ("month", "2023-01-28", "2023-02-28", 1, 1),
    ("month", "2023-01-27", "2023-02-28", 1, 2),
    ("month", "2023-01-31", "2023-04-30", 3, 3),
    ("month", "2023-02-28", "2023-03-28", 1, 1),  # the 28th stays the 28th
    ("month", "2023-02-28", "2023-03-31", 1, 2),
    ("month", "2024-02-29", "2024-03-28", 0, 1),
    ("month", "2024-02-29", "2024-03-29", 1, 1),
    ("month", "2023-12-15", "2024-01-14", 0, 1),
    ("month", "2023-12-15", "2024-01-15", 1, 1),
    ("month", "2023-12-31", "2024-01-01", 0, 1),  # a calendar boundary is no month
    ("quarter", "2023-11-30", "2024-02-29", 1, 1),
    ("quarter", "2023-11-30", "2024-02-28", 0, 1),
    ("quarter", "2023-11-30", "2024-03-01", 1, 2),
    ("quarter", "2023-03-31", "2023-06-30", 1, 1),
    ("year", "2024-02-29", "2025-02-27", 0, 1),
    ("year", "2024-02-29", "2025-02-28", 1, 1),
    ("year", "2024-02-29", "2025-03-01", 1, 2),
    ("year", "2024-02-29", "2028-02-28", 3, 4),
    ("year", "2024-02-29", "2028-02-29", 4, 4),
    ("year", "2023-12-31", "2024-01-01", 0, 1),
    ("week", "2024-01-01", "2024-01-07", 0, 1),
    ("week", "2024-01-01", "2024-01-08", 1, 1),
    ("week", "2024-01-06", "2024-01-08", 0, 1),  # over a Sunday
    ("day", "2024-02-28", "2024-03-01", 2, 2),
    ("day", "2024-02-28", "2024-02-28", 0, 0),
]


@pytest.mark.parametrize(("unit", "start", "date", "whole", "period"), BY_HAND)
def test_worked_by_hand(unit: str, start: str, date: str, whole: int, period: int) -> None:
    assert _worked([start], [date], unit) == ([whole], [period])


@pytest.mark.parametrize("unit", STEPS)
def test_against_a_search_over_anniversaries(unit: str) -> None:
    """The largest t with start + t units <= date, and the smallest with start + t units >= date, by dateutil."""
    rng = np.random.default_rng(20140801)
    days = np.datetime64("2019-12-20") + rng.integers(0, 1600, 800).astype("timedelta64[D]")
    ends_of_months = pd.date_range("2019-01-31", periods=60, freq="ME").to_numpy().astype("datetime64[D]")
    starts = np.concatenate([days[:400], np.repeat(ends_of_months, 4), [np.datetime64("2020-02-29")] * 60])
    ends = starts + rng.integers(0, 800, len(starts)).astype("timedelta64[D]")
    near = starts + np.round(rng.integers(0, 26, len(starts)) * 30.4375).astype("timedelta64[D]")
    starts, ends = np.concatenate([starts, starts]), np.concatenate([ends, near])
    whole, period = _worked(starts.tolist(), ends.tolist(), unit)
    step = STEPS[unit]
    for start, end, w, p in zip(starts.tolist(), ends.tolist(), whole, period, strict=True):
        t = max(min(w, p) - 3, 0)  # far enough below for the search to find any other answer
        while start + relativedelta(**{k: v * (t + 1) for k, v in step.items()}) <= end:
            t += 1
        assert w == t, (start, end)
        reached = start + relativedelta(**{k: v * t for k, v in step.items()})
        assert p == (t if reached >= end else t + 1), (start, end)


def test_pandas_agrees_about_month_ends() -> None:
    start = pd.Timestamp("2023-08-31")
    dates = [str(start + pd.DateOffset(months=months)) for months in range(30)]
    assert _worked([str(start)] * 30, dates, "month") == (list(range(30)), list(range(30)))


def _dated(survey: list[str | None], end: list[str | None], **more: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame({"score": [5] * len(survey), "survey": survey, "end": end, **more})


def test_everybody_is_followed_for_whole_periods_only() -> None:
    # surveyed on 10 May 2025: 13 whole months fit before 30 June 2026, the fourteenth does not
    table = _dated(["2025-05-10"] * 5, [None, "2026-06-10", "2026-06-11", "2026-06-29", "2026-12-31"])
    found = cells(count(table, subscription=DATES))
    assert found == {(5, 0, 13, ""): 4, (5, 0, 13, "lost"): 1}


def test_a_loss_on_the_day_of_the_survey_falls_in_the_first_period() -> None:
    found = cells(
        count(_dated(["2025-05-10", "2025-05-10"], ["2025-05-10", "2025-05-11"]), subscription=DATES)
    )
    assert found == {(5, 0, 1, "lost"): 2}


def test_a_survey_on_the_last_day_says_nothing_and_that_is_said() -> None:
    counts = count(_dated(["2026-06-30", "2026-06-01"], [None, "2026-06-20"]), subscription=DATES)
    assert cells(counts) == {(5, 0, 0, ""): 2}
    assert counts.profile.notes == (Remark("followed_briefly", 2, facts={"unit": "month"}),)


def test_the_cut_off_may_be_a_column() -> None:
    table = _dated(["2025-01-15"] * 2, [None, "2025-06-20"], until=["2025-04-15", "2025-12-31"])
    found = cells(count(table, subscription={**DATES, "observed_until": "until"}))
    assert found == {(5, 0, 3, ""): 1, (5, 0, 6, "lost"): 1}


def test_late_entry_counts_from_the_next_whole_period() -> None:
    table = _dated(
        ["2025-01-01", "2025-03-01", "2025-03-02", "2025-03-02", "2025-03-02"],
        ["2025-06-15", "2025-06-15", "2025-06-15", "2025-03-20", None],
        signup=["2025-01-01"] * 5,
        until=["2025-12-31"] * 4 + ["2025-03-31"],
    )
    sub = {**DATES, "observed_until": "until", "signup": "signup", "clock": "signup"}
    counts = count(table, subscription=sub)
    # entering 0, 2, and 3 whole months after signup; the fourth is lost in month 3, the fifth last seen after 2
    assert cells(counts) == {(5, 0, 6, "lost"): 1, (5, 2, 6, "lost"): 1, (5, 3, 6, "lost"): 1}
    assert exclusions(counts.profile) == [
        ("lost before the first whole month after the survey", 1),
        ("last observed before the first whole month after the survey", 1),
    ]
    assert (counts.profile.rows_read, counts.profile.rows_used) == (5, 3)
    assert time_origin(counts.spec) == "Durations are in months since signup, observed from the survey on."


def test_tenure_at_the_survey_is_cut_into_bands() -> None:
    table = _dated(
        ["2025-06-15"] * 6,
        [None] * 6,
        signup=["2025-06-15", "2025-03-16", "2025-03-15", "2024-06-15", "2020-01-01", None],
    )
    counts = count(table, subscription={**DATES, "signup": "signup"})
    found = cells(counts, "stratum.tenure_at_survey")
    assert found == {"<3": 2, "3-<12": 1, "12-<24": 1, ">=24": 1, "(missing)": 1}


def test_waves_are_calendar_quarters_of_the_survey() -> None:
    table = _dated(["2025-03-31", "2025-04-01", "2024-12-31", None], [None] * 4)
    table.loc[3, "score"] = None
    assert cells(count(table, subscription=DATES), "wave") == {"2025Q1": 1, "2025Q2": 1, "2024Q4": 1, "": 1}


def test_causes_of_loss() -> None:
    table = _dated(
        ["2025-01-01"] * 4,
        ["2025-02-01", "2025-02-01", "2027-01-01", None],
        why=["price", " ", "price", "price"],
    )
    found = cells(count(table, subscription={**DATES, "cause": "why"}))
    assert found == {(5, 0, 1, "price"): 1, (5, 0, 1, "(missing)"): 1, (5, 0, 17, ""): 2}


@pytest.mark.parametrize(
    "as_dates",
    [
        lambda x: x,
        pd.to_datetime,
        lambda x: pd.to_datetime(x).dt.date,
        lambda x: pd.to_datetime(x).dt.tz_localize("UTC"),
        lambda x: pd.to_datetime(x + " 23:59:00"),
        lambda x: x + " 23:59:00",
        lambda x: x + "T00:00:00Z",
        lambda x: " " + x + " ",
    ],
    ids=[
        "text",
        "timestamp",
        "date",
        "zone",
        "late in the day",
        "text with time",
        "iso text",
        "blanks around",
    ],
)
def test_dates_of_every_type_are_the_same_day(as_dates: object) -> None:
    table = _dated(["2025-01-31", "2025-02-28"], ["2025-02-28", None])
    for name in ("survey", "end"):
        table[name] = as_dates(table[name])  # type: ignore[operator]
    assert cells(count(table, subscription=DATES)) == {(5, 0, 1, "lost"): 1, (5, 0, 16, ""): 1}


def test_an_end_in_the_year_9999_is_none() -> None:
    far = [datetime.date(9999, 12, 31), datetime.date(2025, 6, 1)]
    table = pd.DataFrame({"score": [5, 5], "survey": [datetime.date(2025, 1, 31)] * 2, "end": far})
    assert cells(count(table, subscription=DATES)) == {(5, 0, 17, ""): 1, (5, 0, 5, "lost"): 1}


def test_a_day_is_the_same_wherever_the_machine_stands() -> None:
    source = open_source(_dated(["2025-01-31"], [None]), TableSection())
    assert source.engine.raw_sql("select current_setting('TimeZone')").fetchone() == ("UTC",)
    source.close()

"""Retention by quarter of the survey, and the drift of losses over calendar time."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cxlink import Counts, make_spec, read_cohort
from cxlink.checks import Check, matching
from cxlink.estimands.model_rows.quarter_checks import quarter_checks

DAYS = ("2023-11-05", "2024-02-05", "2024-08-05", "2024-11-05")
"""Nobody is asked in the second quarter of 2024."""
TABLES = {
    "cohort": {"id": "customer", "repeat": "all"},
    "score": {"column": "score", "scale": "1-5", "worst": [1], "best": [5]},
    "subscription": {"duration": "months", "event": "left", "survey": "day", "unit": "month"},
    "analysis": {"horizon": 4, "draws": 200, "models": "quick"},
}


def _surveys(n: int, drift: float) -> pd.DataFrame:
    """Draw one survey a customer: half of level 1, half of level 5; hazards times ``exp(drift)`` a quarter later."""
    rng = np.random.default_rng(4)
    quarter = np.repeat([0, 1, 3, 4], n)
    score = rng.choice([1, 5], len(quarter))
    hazard = -np.expm1(-0.08 * np.exp(drift * quarter - 0.5 * (score == 5)))
    lost_in = rng.geometric(hazard)
    days = dict(zip([0, 1, 3, 4], DAYS, strict=True))
    return pd.DataFrame({
        "customer": np.arange(len(quarter)), "score": score, "day": [days[q] for q in quarter],
        "months": np.minimum(lost_in, 6), "left": (lost_in <= 6).astype(int),
    })  # fmt: skip


def _counts(table: pd.DataFrame) -> Counts:
    return read_cohort(table, make_spec(TABLES)).count()


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return _surveys(400, 0.0)


@pytest.fixture(scope="module")
def checks(table: pd.DataFrame) -> list[Check]:
    return list(quarter_checks(_counts(table), np.random.default_rng(1)))


def test_retention_of_a_quarter_is_that_of_its_surveys(table: pd.DataFrame, checks: list[Check]) -> None:
    for group, levels in (("worst", [1]), ("best", [5]), ("all", [1, 5])):
        found = {
            check.facts["quarter"]: check for check in matching(checks, code="quarter_retention", group=group)
        }
        assert list(found) == ["2023Q4", "2024Q1", "2024Q2", "2024Q3", "2024Q4"]
        for day, quarter in zip(DAYS, ("2023Q4", "2024Q1", "2024Q3", "2024Q4"), strict=True):
            mine = table[(table["day"] == day) & table["score"].isin(levels)]
            # everybody is followed for six months: retention is a share
            assert found[quarter].value == pytest.approx((mine["months"] > 4).mean(), abs=1e-12)
            assert found[quarter].low < found[quarter].value < found[quarter].high
            assert found[quarter].facts["surveys"] == len(mine)


def test_a_quarter_with_nobody_has_no_value(checks: list[Check]) -> None:
    empty = [check for check in checks if check.get("quarter") == "2024Q2"]
    assert [check.facts["surveys"] for check in empty] == [0, 0, 0]
    assert np.isnan([check.value for check in empty]).all()


def test_no_drift_is_not_called_one_and_a_planted_one_is_found(checks: list[Check]) -> None:
    (calm,) = matching(checks, code="calendar_drift")
    assert calm.low < 1 < calm.high
    planted = quarter_checks(_counts(_surveys(400, 0.2)), np.random.default_rng(1))
    (drift,) = matching(planted, code="calendar_drift")
    assert drift.low < np.exp(0.2) < drift.high
    assert drift.low > 1


def test_surveys_that_were_not_followed_so_far_have_no_value() -> None:
    table = _surveys(60, 0.0)
    late = table["day"] == DAYS[-1]
    table.loc[late, "left"] = (table["left"] * (table["months"] <= 2))[late]
    table.loc[late, "months"] = np.minimum(table["months"], 2)[late]
    checks = list(quarter_checks(_counts(table), np.random.default_rng(1)))
    values = {
        check.facts["quarter"]: check.value
        for check in matching(checks, code="quarter_retention", group="all")
    }
    assert np.isnan(values["2024Q4"])
    assert values["2024Q3"] > 0


def test_one_quarter_is_nothing_to_compare(table: pd.DataFrame) -> None:
    assert list(quarter_checks(_counts(table[table["day"] == DAYS[0]]), np.random.default_rng(1))) == []


def test_a_small_quarter_is_withheld_with_another() -> None:
    table = _surveys(60, 0.0)
    small = table[(table["day"] != DAYS[0]) | (table["customer"] < 4)]
    counts = _counts(small)
    publish = counts.spec.publish.model_copy(update={"smallest_cell": 10})
    counts = replace(counts, spec=counts.spec.model_copy(update={"publish": publish}))
    checks = list(quarter_checks(counts, np.random.default_rng(1)))
    blank = [check for check in matching(checks, code="quarter_retention", group="all") if check.get("blank")]
    assert len(blank) == 2
    assert all(np.isnan(check.value) and "surveys" not in check.facts for check in blank)

"""Adjustment variables that are named or dated as after the score are said; earlier ones are not."""

import datetime

import pandas as pd
import pytest

from cxlink.checks import Check
from cxlink.cohort.input_checks import input_checks
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.starter.later_headers import dated_after
from cxlink.cohort.table import read_cohort
from cxlink.report.check_notes import note

SURVEYED = datetime.date(2025, 4, 12)


@pytest.mark.parametrize(
    ("header", "after"),
    [
        ("usage_2024", False), ("usage_2025", True), ("usage_2026", True), ("usage_2025_q1", False),
        ("usage_2025_q2", True), ("usage_202503", False), ("usage_202504", True), ("usage", False),
    ],
)  # fmt: skip
def test_a_period_that_is_not_over_before_the_first_survey_is_after_it(header: str, after: bool) -> None:
    assert dated_after(header, SURVEYED) is after
    assert dated_after(header, None) is False


@pytest.mark.parametrize("name", ["churn_reason", "UsageAfter", "Post-survey tickets", "calls2025"])
def test_an_adjuster_named_as_after_the_score_is_said(name: str) -> None:
    (check,) = checks(name)
    assert check.facts["column"] == name
    assert check.passed is False
    assert name in note(check)


@pytest.mark.parametrize("name", ["plan", "postcode", "region", "calls2024", "tenure_band"])
def test_an_adjuster_of_before_is_not(name: str) -> None:
    assert checks(name) == []


def checks(name: str) -> list[Check]:
    rows = pd.DataFrame({
        "score": [1, 5], "asked": ["2025-04-12", "2025-08-01"], "gone": ["2025-09-01", ""], name: ["a", "b"],
    })  # fmt: skip
    tables = {
        "score": {"column": "score", "scale": "1-5"},
        "subscription": {"survey": "asked", "end": "gone", "observed_until": "2026-06-30"},
        "adjust": {"columns": [name]},
    }
    counts = read_cohort(rows, make_spec(tables)).count()
    return [check for check in input_checks(counts) if check.code == "later_adjuster"]

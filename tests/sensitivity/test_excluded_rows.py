"""Where excluding rows moves retention by more than its standard error, the check, page one and the terminal say so."""

import math

import numpy as np
import pandas as pd
import pytest
from as_read import sentences

from cxlink.analysis import analyse
from cxlink.checks import matching
from cxlink.cohort.counted import counted
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.report.content import gather
from cxlink.report.profile_lines import profile_lines
from cxlink.report.sections.first_page import first_page
from cxlink.report.sections.limitations import limits
from cxlink.sensitivity.excluded_rows import exclusion_checks

TABLES = {
    "score": {"column": "score", "scale": "1-2", "worst": [1], "best": [2]},
    "subscription": {"duration": "months", "event": "left"},
    "adjust": {"bands": {"age": [40]}},
    "analysis": {"horizon": 2, "models": "quick"},
}


def table(lost_without_age: int) -> pd.DataFrame:
    """100 customers a score, 40 of them lost in month 1; of those without an age (text), so many of 20 are lost."""
    rows = []
    for score in (1, 2):
        for k in range(100):
            rows.append((score, 1 if k < 40 else 4, int(k < 40), "30"))
        for k in range(20):
            lost = k < lost_without_age
            rows.append((score, 1 if lost else 4, int(lost), "unknown"))
    return pd.DataFrame(rows, columns=["score", "months", "left", "age"])


def checks(lost: int) -> dict[str, object]:
    cohort = read_cohort(table(lost), make_spec(TABLES), drop_invalid=True)
    return {check.group: check for check in exclusion_checks(counted(cohort).around_exclusion)}


def test_the_move_is_worked_out_by_hand() -> None:
    found = checks(20)
    worst = found["worst"]
    # with the 20 excluded: 60 of 120 retained; without: 60 of 100
    assert worst.facts["before"] == pytest.approx(0.5, abs=1e-12)
    assert worst.facts["estimate"] == pytest.approx(0.6, abs=1e-12)
    assert worst.value == pytest.approx(0.1, abs=1e-12)
    # binomial standard error √(.6 · .4 / 100), times √(n / (n − 1)); 400 draws give it to four times 1/√800
    assert worst.bound == pytest.approx(math.sqrt(0.6 * 0.4 / 99), rel=4 / math.sqrt(800))
    assert worst.passed is False
    assert set(found) == {"worst", "best"}


def test_rows_excluded_at_random_pass() -> None:
    assert all(check.passed and abs(check.value) < 1e-12 for check in checks(8).values())


def test_rows_whose_times_are_invalid_cannot_be_judged_and_are_not() -> None:
    rows = table(8)
    rows.loc[rows["age"] == "unknown", "months"] = -1
    cohort = read_cohort(rows, make_spec(TABLES), drop_invalid=True)
    before, after = counted(cohort).around_exclusion
    assert before.cells["n"].sum() == after.cells["n"].sum() == 200


def test_dated_tables_with_signup_are_compared_without_tenure() -> None:
    dated = pd.DataFrame({
        "score": [1, 2] * 30, "joined": "2024-01-01", "asked": "2025-01-01",
        "ended": ["2025-04-15", None, None] * 20,
    })  # fmt: skip
    dated.loc[0, "joined"] = "2025-02-01"
    dates = {"signup": "joined", "survey": "asked", "end": "ended", "observed_until": "2025-12-31"}
    cohort = read_cohort(dated, make_spec(TABLES | {"subscription": dates, "adjust": {}}), drop_invalid=True)
    assert cohort.spec.stratum_variables == ("tenure_at_survey",)
    before, after = counted(cohort).around_exclusion
    assert before.cells["n"].sum() == after.cells["n"].sum() == 59  # its times are invalid


def test_page_one_says_how_many_rows_are_left_out_and_why() -> None:
    found = analyse(read_cohort(table(8), make_spec(TABLES), drop_invalid=True)).results
    said = "40 of 240 rows are not in the figures: age must be a number, since it is cut into bands."
    assert said in limits(gather(found))


def test_nothing_is_compared_where_no_row_was_excluded() -> None:
    whole = table(8)
    whole["age"] = whole["age"].replace("unknown", "50")
    cohort = read_cohort(whole, make_spec(TABLES), drop_invalid=True)
    assert counted(cohort).around_exclusion == ()
    assert list(exclusion_checks(())) == []


@pytest.mark.long
def test_page_one_and_the_terminal_say_it() -> None:
    cohort = read_cohort(table(20), make_spec(TABLES), drop_invalid=True)
    said = "60.0 % instead of 50.0 %"
    assert any(said in line for line in profile_lines(cohort))
    found = analyse(cohort).results
    assert len(matching(found.checks, code="excluded_rows", passed=False)) == 2
    page = sentences(first_page(gather(found)), "notice").replace("\u202f", " ").replace("\u00a0", " ")
    assert said in page
    silent = analyse(read_cohort(table(8), make_spec(TABLES), drop_invalid=True)).results
    assert "instead of" not in sentences(first_page(gather(silent)), "notice")
    assert not np.isnan(matching(silent.checks, code="excluded_rows")[0].value)

"""The naive clock: counted from signup, as if customers had carried their score all along."""

import pandas as pd
import pytest
from tabled import STAY, cells, spec, stay

from cxlink.cohort.table import naive_spec, read_cohort

DATES = {"survey": "survey", "end": "end", "observed_until": "2026-06-30", "signup": "joined"}
TABLE = pd.DataFrame(
    {
        "score": [5, 5, 7, 7, None],
        "joined": ["2024-01-15", "2024-01-15", "2025-12-31", None, "2026-01-01"],
        "survey": ["2025-01-15", "2025-01-15", "2026-02-28", "2026-01-01", None],
        "end": ["2025-03-20", None, "2026-03-01", None, None],
        "plan": ["a", "b", "a", "a", "a"],
        "spent": [1.0, 2.0, 3.0, 4.0, None],
        "why": ["price", None, None, None, None],
    }
)


@pytest.mark.parametrize("clock", ["survey", "signup"])
def test_from_signup_nobody_enters_late(clock: str) -> None:
    known = TABLE if clock == "survey" else TABLE.drop(index=3)  # this clock needs every signup
    cohort = read_cohort(known, spec(subscription={**DATES, "clock": clock}))
    naive = cohort.count_from_signup()
    assert naive is not None
    # the fourth customer's signup is not known: nothing can be counted from it
    assert cells(naive) == {
        (5, 0, 15, "lost"): 1,
        (5, 0, 29, ""): 1,
        (7, 0, 3, "lost"): 1,
        (None, 0, 5, ""): 1,
    }
    late = {
        (5, 0, 3, "lost"): 1,
        (5, 0, 17, ""): 1,
        (7, 0, 1, "lost"): 1,
        (7, 0, 5, ""): 1,
        (None, 0, 0, ""): 1,
    }
    entered = {(5, 12, 15, "lost"): 1, (5, 12, 29, ""): 1, (7, 2, 3, "lost"): 1, (None, 0, 0, ""): 1}
    assert cells(cohort.count()) == (late if clock == "survey" else entered)


def test_it_knows_causes_and_no_strata_spend_or_waves() -> None:
    sections = {
        "subscription": {**DATES, "cause": "why"},
        "adjust": {"columns": ["plan"]},
        "spend": {"column": "spent"},
    }
    naive = read_cohort(TABLE, spec(sections)).count_from_signup()
    assert naive is not None
    assert list(naive.cells) == ["score", "entry", "exit", "cause", "wave", "n"]
    assert set(naive.cells["cause"]) == {"price", "(missing)", ""}
    assert naive.profile.fingerprint == ""


def test_without_signup_there_is_none() -> None:
    without = {key: value for key, value in DATES.items() if key != "signup"}
    assert read_cohort(TABLE, spec(subscription=without)).count_from_signup() is None
    assert read_cohort(stay([5], [3], [1]), spec(STAY)).count_from_signup() is None
    assert naive_spec(spec(spend={"column": "spent", "complete": True})) is None


def test_a_column_called_tenure_at_survey_does_not_matter() -> None:
    table = TABLE.assign(tenure_at_survey="long")
    made = spec(subscription=DATES, adjust={"columns": ["tenure_at_survey"]})
    naive = read_cohort(table, made).count_from_signup()
    assert naive is not None
    assert naive.cells.equals(read_cohort(TABLE, spec(subscription=DATES)).count_from_signup().cells)  # type: ignore[union-attr]

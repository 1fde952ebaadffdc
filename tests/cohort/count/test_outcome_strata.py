"""A category that holds nearly only customers who were lost, or retained, is no confounder: said on page one."""

from typing import Any

import pandas as pd
import pytest
from as_read import sentences
from tabled import spec, stay

from cxlink.analysis import analyse
from cxlink.checks import Check, matching
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.input_checks import input_checks
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.table import Cohort, read_cohort
from cxlink.report.content import gather
from cxlink.report.profile_lines import profile_lines
from cxlink.report.sections.first_page import first_page

STAY = {"subscription": {"duration": "months", "event": "lost"}, "analysis": {"models": "quick"}}
DATES = {"signup": "joined", "survey": "asked", "end": "ended", "observed_until": "2025-12-31"}


def customers(*groups: tuple[str | None, int, int, int], column: str = "plan") -> pd.DataFrame:
    """Customers by category, number, month of exit and whether lost; half of each gave 1, half 9."""
    rows = [(1 + 8 * (k % 2), months, lost, name) for name, n, months, lost in groups for k in range(n)]
    return pd.DataFrame(rows, columns=["score", "months", "lost", column])


def counts(*groups: tuple[str | None, int, int, int], **sections: Any) -> Counts:
    return read_cohort(customers(*groups), spec(STAY, adjust={"columns": ["plan"]}, **sections)).count()


def found(*groups: tuple[str | None, int, int, int], **sections: Any) -> list[Check]:
    return matching(input_checks(counts(*groups, **sections)), code="outcome_stratum")


def test_a_column_that_is_missing_for_the_lost() -> None:
    # 40 lost and 1 retained without a plan; 20 of 60 others lost, so that 41 · 40/60 = 27.3 are expected retained
    (check,) = found((None, 40, 3, 1), (None, 1, 9, 0), ("a", 20, 5, 1), ("a", 40, 9, 0))
    assert check.passed is False
    facts = {"case": "missing", "column": "plan", "level": "(missing)"}
    assert dict(check.facts) == facts | {"n": 41, "lost": 40, "n_others": 60, "lost_others": 20}


def test_one_retained_of_fewer_than_twenty_expected_is_no_sign() -> None:
    # 29 · 40/60 = 19.3 expected retained, of whom a twentieth is less than one
    assert found((None, 28, 3, 1), (None, 1, 9, 0), ("a", 20, 5, 1), ("a", 40, 9, 0)) == []
    assert len(found((None, 29, 3, 1), ("a", 20, 5, 1), ("a", 40, 9, 0))) == 1


def test_fewer_than_ten_expected_are_no_sign() -> None:
    # 14 · 40/60 = 9.3 and 15 · 40/60 = 10
    assert found((None, 14, 3, 1), ("a", 20, 5, 1), ("a", 40, 9, 0)) == []
    assert len(found((None, 15, 3, 1), ("a", 20, 5, 1), ("a", 40, 9, 0))) == 1


def test_a_category_that_nobody_was_lost_in() -> None:
    # hazard of the others 30/60 in month 3: of 30 at risk then 15 losses are expected; of 10 five
    (check,) = found(("b", 30, 9, 0), ("a", 30, 3, 1), ("a", 30, 9, 0))
    assert check.facts["case"] == "category"
    assert (check.facts["level"], check.facts["lost"], check.facts["n"]) == ("b", 0, 30)
    assert found(("b", 10, 9, 0), ("a", 30, 3, 1), ("a", 30, 9, 0)) == []


def test_customers_followed_for_a_short_time_are_not_taken_for_a_sign() -> None:
    assert found(("new", 300, 2, 0), ("a", 30, 3, 1), ("a", 30, 9, 0)) == []


def test_customers_followed_until_all_had_left_are_not_taken_for_a_sign() -> None:
    # half of those at risk are lost a month, the last in month 5; of 300 others only the first month is known
    lost = list(enumerate((50, 25, 13, 6, 6), 1))
    old, others = ([(name, n, month, 1) for month, n in lost] for name in ("old", "older"))
    assert found(*old, *others, ("new", 150, 1, 1), ("new", 150, 1, 0)) == []


def test_a_strong_confounder_is_left_alone() -> None:
    # one of 100 lost where the others' hazard (60 of 100 in month 3) leads to expect 60: of what is missing, a sign
    few = (1, 3, 1), (99, 9, 0)
    others = ("a", 60, 3, 1), ("a", 40, 9, 0)
    assert found(*(("b", *one) for one in few), *others) == []
    assert len(found(*((None, *one) for one in few), *others)) == 1
    assert found((None, 4, 3, 1), (None, 96, 9, 0), *others) == []


def test_of_both_sides_of_one_column_the_missing_one_is_named() -> None:
    (check,) = found((None, 20, 3, 1), ("a", 90, 9, 0))
    assert check.facts["level"] == "(missing)"


def test_nothing_of_a_small_cell_is_published() -> None:
    groups = ((None, 40, 3, 1), (None, 1, 9, 0), ("a", 20, 5, 1), ("a", 40, 9, 0))
    (check,) = found(*groups, publish={"smallest_cell": 2})
    assert dict(check.facts) == {"case": "blank", "column": "plan"}


def test_page_one_and_check_say_it() -> None:
    rows = customers((None, 40, 3, 1), ("a", 20, 5, 1), ("a", 40, 9, 0))
    cohort = read_cohort(rows, spec(STAY, adjust={"columns": ["plan"]}))
    said = "plan is missing for 40 customers with a score, of whom 40 were lost; of the 60 others 20 were."
    assert any(said in line for line in profile_lines(cohort))
    assert said in sentences(first_page(gather(analyse(cohort).results)), "notice")


def dated(missing: bool, **adjust: Any) -> tuple[Cohort, CohortSpec]:
    """40 lost and 40 retained; signup is missing for all of the lost, or for every other customer."""
    rows = stay([1 + 8 * (k % 2) for k in range(80)], [0] * 80, [0] * 80).assign(
        ended=["2025-03-20" if k < 40 else None for k in range(80)],
        joined=[None if (k < 40 if missing else k % 4 < 2) else "2020-01-01" for k in range(80)],
        asked="2025-01-01",
    )
    asked = spec({"subscription": DATES, "analysis": {"models": "quick"}, "adjust": adjust})
    return read_cohort(rows, asked), asked


def test_tenure_that_is_missing_for_the_lost_is_not_adjusted_for_by_default() -> None:
    cohort, asked = dated(missing=True)
    assert asked.stratum_variables == ("tenure_at_survey",)
    assert cohort.spec.stratum_variables == ()
    said = "joined is missing for 40 customers with a score, of whom 40 were lost; of the 40 others 0 were."
    assert sum(said in line for line in profile_lines(cohort)) == 1
    found = analyse(cohort).results
    assert said in sentences(first_page(gather(found)), "notice")
    assert found.estimates["adjusted"].eq("no").all()


def test_tenure_that_is_missing_for_anybody_is_adjusted_for() -> None:
    cohort, _ = dated(missing=False)
    assert cohort.spec.stratum_variables == ("tenure_at_survey",)
    assert matching(input_checks(cohort.count()), code="outcome_stratum") == []


def test_bands_of_tenure_that_the_spec_names_stay_and_are_said() -> None:
    cohort, _ = dated(missing=True, bands={"tenure_at_survey": [3, 12]})
    assert cohort.spec.stratum_variables == ("tenure_at_survey",)
    assert len(matching(input_checks(cohort.count()), code="outcome_stratum")) == 1


@pytest.mark.parametrize("column", ["previous_score", "survey_number"])
def test_what_is_made_of_earlier_surveys_is_known_before(column: str) -> None:
    rows = stay([1, 9] * 40, [3] * 40 + [9] * 40, [1] * 40 + [0] * 40)
    rows = rows.assign(who=range(80), asked="2025-01-01")
    every = {"cohort": {"id": "who", "repeat": "all"}, "subscription": {"survey": "asked"}}
    made = read_cohort(rows, spec(STAY, every)).count()
    assert column in made.spec.stratum_variables
    assert matching(input_checks(made), code="outcome_stratum") == []

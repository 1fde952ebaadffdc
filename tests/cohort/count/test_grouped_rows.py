"""Grouped tables: each row stands for n customers, and counts as its n rows would."""

from pathlib import Path

import pandas as pd
import pytest
from tabled import STAY, TABLE, cells, count, refusal, spec, whole

from cxlink.cohort.count.grouped_rows import MOST_CUSTOMERS
from cxlink.cohort.errors import InputError
from cxlink.report.profile_words import profile_notes

SPEND = {"spend": {"column": "spent", "complete": True}}
ADJUST = {"adjust": {"columns": ["plan"], "bands": {"age": [30, 50]}}}
METRICS = {"metrics": {"segments": ["plan"]}}
TIMES = [3, 1, 0, 2, 1000]
GROUPED = {"cohort": {"count": "n"}}


def test_a_grouped_table_counts_as_its_rows_do() -> None:
    apart = TABLE.loc[TABLE.index.repeat(TIMES)].reset_index(drop=True)
    for sections in ((STAY, ADJUST), (STAY, SPEND, ADJUST, METRICS), (SPEND,)):
        rows, grouped = count(apart, *sections), count(TABLE.assign(n=TIMES), GROUPED, *sections)
        assert grouped.profile.fingerprint == rows.profile.fingerprint
        pd.testing.assert_frame_equal(grouped.cells, rows.cells, check_exact=True)
        pd.testing.assert_frame_equal(grouped.metrics, rows.metrics, check_exact=True)
        assert grouped.profile.rows_read == sum(TIMES)


def test_counts_of_a_text_table_and_what_is_said_of_them(tmp_path: Path) -> None:
    whole(TABLE).assign(n=TIMES).to_csv(tmp_path / "t.csv", index=False)
    found = count(tmp_path / "t.csv", GROUPED)
    assert cells(found, "score") == {5: 1003, 7: 1, 10: 2}
    assert "The table is grouped: its 5 rows stand for 1\u202f006 customers by n." in profile_notes(
        found.profile
    )


@pytest.mark.parametrize(("wrong", "found"), [(1.5, "1.5"), (-1, "-1"), (None, "nothing")])
def test_a_count_is_a_whole_number(wrong: float | None, found: str) -> None:
    said = refusal(TABLE.assign(n=[wrong, 1, 1, 1, 1]), GROUPED)
    assert said.startswith(
        "table: n must be a whole number of customers, 0 or more, in every row. 1 of 5 rows"
    )
    assert f"(found {found}" in said


def test_counts_that_are_no_counts_are_refused() -> None:
    said = refusal(TABLE.assign(n=[MOST_CUSTOMERS] * 5), GROUPED)
    assert "adds up to 5,000,000,000 customers; at most 1,000,000,000 are counted" in said
    with pytest.raises(InputError, match="count goes without id"):
        spec(STAY, cohort={"count": "n", "id": "key"})


def test_one_row_for_each_customer_is_as_without() -> None:
    assert cells(count(TABLE.assign(n=1), GROUPED)) == cells(count(TABLE))

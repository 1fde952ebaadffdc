"""Rows that break a rule, left out: counted by reason, in every kind of table."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import pyarrow.feather as feather
import pytest
from tabled import PERIODS, STAY, cells, spec, stay

from cxlink.cohort.count.profile import number_of_rows
from cxlink.cohort.errors import InputError
from cxlink.cohort.table import read_cohort
from cxlink.report.profile_words import exclusions

SPEND = {"spend": {"column": "spent", "complete": True}}


def test_dropping_counts_rows_by_the_first_reason() -> None:
    table = stay([11, 11, 5, 5, 5, None], [3, -1, -1, 3, 3, 2], [1, 7, 1, 7, 1, 0])
    cohort = read_cohort(table, spec(STAY), drop_invalid=True)
    assert exclusions(cohort.count().profile) == [
        ("score must be a whole number from 1 to 10", 2),
        ("lost must be 1 or 0, true or false, yes or no", 1),
        (f"months {PERIODS[:-1]}", 1),
    ]
    assert (cohort.rows_read, cohort.count().profile.rows_used) == (6, 2)
    assert cells(cohort.count()) == {(5, 0, 3, "lost"): 1, (None, 0, 2, ""): 1}


@pytest.mark.long
def test_dropping_does_for_every_source(tmp_path: Path) -> None:
    table = stay([5, 11, 6], [3, 3, 2], [1, 0, 0], spent=[1.0, 2, 3])
    makers: list[Callable[[], Any]] = [
        lambda: table,
        lambda: ibis.memtable(table),
        lambda: (table.to_csv(tmp_path / "t.csv", index=False), tmp_path / "t.csv")[1],
        lambda: (table.to_parquet(tmp_path / "t.parquet"), tmp_path / "t.parquet")[1],
        lambda: (feather.write_feather(table, str(tmp_path / "t.arrow")), tmp_path / "t.arrow")[1],
    ]
    for make in makers:
        cohort = read_cohort(make(), spec(STAY, SPEND), drop_invalid=True)
        assert (cohort.rows_read, number_of_rows(cohort.dropped)) == (3, 1)
        assert cells(cohort.count()) == {(5, 0, 3, "lost"): 1, (6, 0, 2, ""): 1}
        assert cohort.count().cells["spend_sum"].tolist() == [1, 3]


def test_dropping_everything_is_refused() -> None:
    with pytest.raises(InputError, match=r"^table: no valid row is left\.$"):
        read_cohort(stay([11, 12], [3, 3], [1, 0]), spec(STAY), drop_invalid=True)


def test_dropping_is_not_for_tables_that_need_none() -> None:
    cohort = read_cohort(stay([5], [3], [1]), spec(STAY), drop_invalid=True)
    assert cohort.dropped == ()

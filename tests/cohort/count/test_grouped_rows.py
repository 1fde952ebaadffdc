"""Grouped tables: each row stands for n customers, and counts as its n rows would."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tabled import STAY, TABLE, cells, count, refusal, spec, whole

from cxlink.cohort.count.grouped_rows import MOST_CUSTOMERS
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import read_spec
from cxlink.cohort.starter.starter_spec import starter_spec
from cxlink.cohort.table import read_cohort
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
    assert "The table is grouped: its 5 rows stand for 1\u202f006 customers by n." in profile_notes(found)


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


def test_a_grouped_table_without_its_key_is_said(tmp_path: Path) -> None:
    table = whole(TABLE).assign(Aantal=TIMES)
    table.to_csv(tmp_path / "t.csv", index=False)
    said = "Each row counts as one customer, but Aantal looks like the number of customers that a row stands for: set "
    for source in (table, tmp_path / "t.csv"):
        notes = profile_notes(count(source))
        assert [note for note in notes if note.startswith(said)], notes
        for sections in ({"cohort": {"count": "Aantal"}}, {"adjust": {"bands": {"Aantal": [2]}}}):
            assert "uncounted_rows" not in [note.code for note in count(source, sections).profile.notes]
    alone = count(table.assign(Aantal=[1, 2, 3, 4, 5]))
    assert "uncounted_rows" not in [note.code for note in alone.profile.notes]


@pytest.mark.parametrize("header", ["n", "number_of_customers", "Anzahl"])
def test_a_starter_spec_counts_the_customers_of_a_grouped_table(header: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    grid = [(s, m, e) for s in range(1, 6) for m in (3, 6, 9, 12) for e in (0, 1)] * 3
    sizes = rng.integers(2, 90, len(grid))
    table = pd.DataFrame(grid, columns=["csat", "months", "churned"]).assign(**{header: sizes})
    table.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "s.toml").write_text(starter_spec(tmp_path / "t.csv"), encoding="utf-8")
    found = read_cohort(tmp_path / "t.csv", read_spec(tmp_path / "s.toml")).count()
    assert found.cells["n"].sum() == sizes.sum()
    guess = f"Not confirmed: a row is taken for as many customers as its {header} says."
    assert guess in " ".join(profile_notes(found))
    named = table.assign(customer_id=[f"k{i}" for i in range(len(table))])
    assert f'count = "{header}"' not in starter_spec(named)

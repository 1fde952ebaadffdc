"""Rows that are a total below the table are said, and count as they stand."""

import pandas as pd
import pytest
from tabled import STAY, spec, stay

from cxlink.cohort.count import total_rows
from cxlink.cohort.table import read_cohort
from cxlink.report.profile_words import profile_notes


def notes(table: pd.DataFrame, key: str | None = "key") -> list[str]:
    found = read_cohort(table, spec(STAY, cohort={"id": key} if key else {})).count()
    assert found.cells["n"].sum() == len(table)
    return profile_notes(found)


def customers(*last: str) -> pd.DataFrame:
    keys = ["C1", "C2", "Totalplan", *last]
    n = len(keys)
    return stay([5, 6, 7, 5, 6, 7, 5][:n], [3] * n, [1] * n, key=keys)


@pytest.mark.parametrize(
    "word", ["Total", "TOTAAL", " Gesamt:", "Sum", "Average", "Gemiddelde", "Grand total", "Média"]
)
def test_a_total_below_the_table_is_said(word: str) -> None:
    said = [f"Row 4 looks like a total (“{word.strip()}”), not a customer: if it is one, delete it."]
    assert notes(customers(word)) == said
    assert notes(customers(word), None) == said


def test_two_totals_are_said_and_a_category_of_that_name_is_not() -> None:
    assert notes(customers("Total", "Average")) == [
        "Rows 4 and 5 look like totals (“Total”), not customers: if they are, delete them."
    ]
    assert notes(customers("Total", "Total", "Total", "Total"), None) == []


@pytest.mark.parametrize("key", ["Totalenergies", "Summer", "C-total-1", "Meanwhile"])
def test_a_name_with_such_a_word_is_none(key: str) -> None:
    assert notes(customers(key)) == []


def test_large_tables_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(total_rows, "MOST_ROWS", 1)
    assert notes(customers("Total")) == []


def test_a_word_among_the_rows_is_no_total() -> None:
    """An industry may be called Media, a plan Total: a total stands below the table."""
    keys = ["Total", "Average", "C3", "C4", "C5", "C6", "Media"]
    table = stay([5] * 7, [3] * 7, [1] * 7, key=keys)
    assert notes(table) == notes(table, None) == []

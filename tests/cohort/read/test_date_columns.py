"""Dates of a table: each column of them is converted once, whatever the keys of a cell ask of it."""

from typing import Any

import pandas as pd
import pytest
from ibis.backends.duckdb import Backend

from cxlink import InputError, make_spec, read_cohort
from cxlink.cohort.read.dates import with_days
from cxlink.cohort.read.source import open_source

ROWS = pd.DataFrame(
    {
        "day_0": [7, 9, 2],
        "asked": ["2024-01-31", "2024-02-29", "2024-03-01"],
        "left": ["2024-03-31", "", "2024-12-01"],
    }
)
SPEC = make_spec(
    {
        "score": {"column": "day_0", "scale": "1-10"},
        "subscription": {"survey": "asked", "end": "left", "observed_until": "2024-06-30"},
    }
)


def test_a_date_is_converted_once_in_a_query(monkeypatch: pytest.MonkeyPatch) -> None:
    queries: list[str] = []
    compiled = Backend.compile

    def noted(self: Backend, *args: Any, **options: Any) -> str:
        queries.append(compiled(self, *args, **options))
        return queries[-1]

    monkeypatch.setattr(Backend, "compile", noted)
    read_cohort(ROWS, SPEC)
    assert max(query.count("TRY_CAST") for query in queries) == 2  # asked and left


def test_a_column_of_dates_gets_a_name_that_the_table_does_not_have() -> None:
    source = with_days(open_source(ROWS, SPEC.table), SPEC.date_columns)
    assert source.days == {"asked": "day_1", "left": "day_2"}
    assert source.columns == ("day_0", "asked", "left")
    days = source.run(source.table.select("day_0", "day_1")).to_pydict()
    assert days["day_0"] == [7, 9, 2]
    assert [day.isoformat() for day in days["day_1"]] == list(ROWS["asked"])


def test_exits_by_calendar_anniversaries() -> None:
    cells = read_cohort(ROWS, SPEC).count().cells
    # 31 January to 31 March: 2 months; 29 February to 30 June: 4 whole months; 1 March to 1 December: after the end
    assert cells[["score", "exit", "cause"]].to_numpy().tolist() == [[2, 3, ""], [7, 2, "lost"], [9, 4, ""]]


@pytest.mark.parametrize("written", [None, "%Y-%m-%d"])
@pytest.mark.parametrize("word", ["epoch", "infinity", "-infinity", "now", "today"])
def test_words_that_an_engine_takes_for_a_day_are_none(word: str, written: str | None) -> None:
    table = {} if written is None else {"table": {"date_format": written}}
    spec = make_spec({**SPEC.model_dump(exclude_unset=True, mode="json"), **table})
    with pytest.raises(InputError, match=f"asked must be .*found {word}"):
        read_cohort(ROWS.assign(asked=["2024-01-31", word, "2024-03-01"]), spec)

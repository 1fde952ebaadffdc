"""Steps that expressions share are taken once, for the rows that need them, and give the same table."""

import ibis
import ibis.expr.operations as ops
import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.read import columns, dates
from cxlink.cohort.read.score_column import likely_level
from cxlink.cohort.read.shared_steps import select_once
from cxlink.cohort.spec.spec_sections import TableSection

TEXT = ["5", " 5", "5\t", "\x0b7\x0c", "", "  ", None, "7 - good", "7/10", "1_0", "1e1", "nan", "2024-02-30",
        "2024-02-03 ", " 2024-02-03", "Yes", " yes", "NO", "ja", "1.0", "1 = yes", "\u00a0", "5 "]  # fmt: skip
ROWS = ibis.memtable(pd.DataFrame({"text": TEXT, "n": np.arange(len(TEXT), dtype=float), "step_0": 1}))


def _read(rows: ibis.Table) -> dict[str, ibis.Value]:
    options = TableSection()
    number = columns.number(rows.text, options)
    return {
        "number": number,
        "whole": columns.whole_of(number, columns.is_given(rows.text), (0, 10)),
        "level": likely_level(rows.text, number),
        "given": columns.is_given(rows.text),
        "day": dates.date(rows.text, options),
        "flag": columns.yes_no(rows.text, options),
        "words": columns.words_of(rows.text, options),
        "n": rows.n,
        "step_0": rows.step_0,
    }


def test_they_give_what_one_query_gives() -> None:
    plain, once = ROWS.select(**_read(ROWS)), select_once(ROWS, _read(ROWS))
    assert once.columns == plain.columns
    pd.testing.assert_frame_equal(once.order_by("n").to_pandas(), plain.order_by("n").to_pandas())


def test_a_step_is_taken_once() -> None:
    number = columns.number(ROWS.text, TableSection())
    found = select_once(ROWS, {"a": number + 1, "b": number * 2, "c": (number > 3).ifelse(number, 0)})
    casts = [query.count("TRY_CAST") for query in [ibis.to_sql(found, dialect="duckdb")]]
    assert casts == [1]


def test_what_follows_a_condition_stays_behind_it() -> None:
    second = ROWS.text.upper().length()  # used twice, but only where there is no number
    number = ROWS.text.try_cast("float64")
    found = select_once(ROWS, {"a": columns.or_else(number, second + second * 2.0)})
    assert (
        found.op().values["a"].find(ops.StringLength, filter=ops.Value)
    )  # it was not moved to a query below


@pytest.mark.parametrize("name", ["n", "text"])
def test_a_column_alone_needs_no_query_below(name: str) -> None:
    found = select_once(ROWS, {"a": ROWS[name], "b": ROWS[name]})
    assert found.equals(ROWS.select(a=ROWS[name], b=ROWS[name]))


def test_columns_of_joined_tables_are_selected_as_ever() -> None:
    other = ibis.memtable(pd.DataFrame({"n": [0.0, 1.0], "more": ["a", "b"]}))
    joined = ROWS.join(other, "n")
    found = select_once(joined, {"more": joined.more, "text": joined.text.upper()})
    assert sorted(found.to_pandas()["more"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "bare"),
    [(" a ", "a"), ("a b", "a b"), ("\x0ba", "a"), ("a\n", "a"), ("a\nb", "a\nb"), ("", ""), (" ", "")],
)
def test_blanks_around_text_are_taken_off(text: str, bare: str) -> None:
    rows = ibis.memtable(pd.DataFrame({"text": [text]}))
    assert rows.select(x=columns.stripped(rows.text)).to_pandas()["x"].tolist() == [bare]


def test_a_cell_that_begins_with_a_blank_holds_something() -> None:
    rows = ibis.memtable(pd.DataFrame({"text": [" x", "x", "\x01", "\u00a0", " ", "\t\n", "", None]}))
    given = rows.select(x=columns.is_given(rows.text)).to_pandas()["x"]
    assert given.tolist() == [True] * 4 + [False] * 4


@pytest.mark.parametrize("written", [" {}", "{} ", "{}\t", "\n{}\x0b"])
@pytest.mark.parametrize("form", [None, "%d/%m/%Y"])
def test_days_are_read_past_blanks(written: str, form: str | None) -> None:
    text = [written.format(day) for day in ("2024-02-03", "03/02/2024", "2024-02-30")]
    rows = ibis.memtable(pd.DataFrame({"text": text}))
    days = rows.select(x=dates.date(rows.text, TableSection(date_format=form))).to_pandas()["x"]
    assert days.notna().tolist() == [True, form is not None, False]

"""Numbers that engines read in ways of their own: NaN beside a file's statistics, underscores, infinity, no name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tabled import STAY, count, refusal

NAN = float("nan")
SPENT = {"spend": {"column": "spent", "complete": True}}


def parquet(path: Path, **columns: list[Any]) -> Path:
    """A file whose NaN stand beside numbers: its statistics say nothing of them."""
    pq.write_table(pa.table(columns), path / "t.parquet")
    return path / "t.parquet"


def test_nan_in_a_parquet_file_is_an_empty_cell_of_any_column(tmp_path: Path) -> None:
    table = parquet(
        tmp_path, score=[3.0, NAN, 5.0, 9.0], months=[2.0, NAN, 4.0, 1.0], lost=[1.0, NAN, 0.0, 1.0],
        spent=[10.0, 20.0, NAN, 5.0], age=[20.0, 30.0, 40.0, NAN], plan=[1.0, 2.0, NAN, 1.0],
        before=[1.0, NAN, 0.0, 3.0],
    )  # fmt: skip
    adjust = {"adjust": {"columns": ["plan"], "bands": {"age": [30]}}}
    control = {"control": {"column": "before"}}
    cells = count(table, STAY, SPENT, adjust, control).cells
    read = cells.astype({"score": "object"}).where(cells.notna(), None)
    assert read[["score", "stratum.plan", "stratum.age", "exit", "cause"]].to_numpy().tolist() == [
        [3, "1", "<30", 2, "lost"], [5, "(missing)", ">=30", 4, ""], [9, "1", "(missing)", 1, "lost"],
        [None, "2", ">=30", 0, ""],
    ]  # fmt: skip
    assert read[["spend_n", "spend_sum", "control_n", "control_sum"]].to_numpy().tolist() == [
        [1, 10, 1, 1], [0, 0, 1, 0], [1, 5, 1, 3], [1, 20, 0, 0],
    ]  # fmt: skip
    assert "lost must be 1 or 0" in refusal(
        parquet(tmp_path, score=[3.0, 4.0], months=[2.0, 1.0], lost=[1.0, NAN])
    )


@pytest.mark.parametrize("text", ["1_0", "1_000", "1_0.5"])
def test_a_number_with_an_underscore_is_none(text: str) -> None:
    frame = pd.DataFrame({"score": ["5", text], "months": ["3", "4"], "lost": ["1", "0"]})
    assert f"1 of 2 rows fails, in row 2 (found {text})" in refusal(frame)


@pytest.mark.parametrize("value", [float("inf"), "1e400", "-Infinity"])
def test_what_is_endless_has_no_band(value: Any) -> None:
    frame = pd.DataFrame({"score": [5, 6], "months": [3, 4], "lost": [1, 0], "age": [value, value]})
    assert "age must be a number, since it is cut into bands. 2 of 2" in refusal(
        frame, STAY, adjust={"bands": {"age": [30]}}
    )


@pytest.mark.parametrize("stored", [lambda frame: frame, ibis.memtable], ids=["frame", "Ibis table"])
def test_a_column_without_a_name_is_no_fault(stored: Callable[[pd.DataFrame], Any]) -> None:
    frame = pd.DataFrame({"score": [5, 6, 5], "months": [3, 4, 3], "lost": [1, 0, 1], "": [0.25, 1.75, 9.5]})
    assert count(stored(frame)).cells["n"].tolist() == [2, 1]


def test_numbers_with_decimal_commas_may_stand_in_quotes_between_commas(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('score,months,lost,spent\n5,"2,5",1,"1,5"\n6,4,0,"0,25"\n')
    assert count(path, STAY, SPENT, table={"decimal": ","}).cells["spend_sum"].tolist() == [1.5, 0.25]
    path.write_text('"a, b";score;months;lost\n"1, 2";5;2,5;1\n')
    assert count(path, table={"decimal": ","}).cells["exit"].tolist() == [3]

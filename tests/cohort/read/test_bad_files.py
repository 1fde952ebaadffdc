"""Files and things that are no tables: each is refused in one line that names it."""

# ruff: noqa: E501 (messages are written out whole)

import gzip
import os
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tabled import CSV, DROP, refusal, stay

FILES: dict[str, tuple[str, bytes, str]] = {
    "no bytes": ("t.csv", b"", "t.csv: the file is empty."),
    "blanks": ("t.csv", b"  \n\n", "t.csv: the first line is empty; it must name the columns."),
    "header only": ("t.csv", b"score,months,lost\n", "t.csv: no rows below the header."),
    "header without an end": ("t.csv", b"score,months,lost", "t.csv: no rows below the header."),
    "junk": ("t.csv", bytes(range(256)) * 9, "t.csv: not utf-8 text. Set [table] encoding, such as latin-1."),
    "latin-1": ("t.csv", CSV + b"7,1,1\n" + "Zoë,1,1\n".encode("latin-1"), "t.csv: not utf-8 text. Set [table] encoding, such as latin-1."),
    "a row too long": ("t.csv", CSV + b"6,4,0,9\n", "t.csv: row 3 has 4 values for 3 columns. Correct it, delete it if it is a note below the table, or set [table] delimiter."),
    "a row too short": ("t.csv", CSV + b"6,4\n", "t.csv: row 3 has 2 values for 3 columns. Correct it, delete it if it is a note below the table, or set [table] delimiter."),
    "an open quote": ("t.csv", CSV + b'6,"4,0\n', "t.csv: row 3 opens a quote that nothing closes. Correct it, delete it if it is a note below the table, or set [table] delimiter."),
    "line ends that differ": ("t.csv", CSV + b"6,4,0\r\n", "t.csv: its lines end in different ways, or a quote is out of place. Save it as CSV again."),
    "one name twice": ("t.csv", b"score,months,score\n1,2,3\n", "t.csv: two columns are called 'score'. Rename one."),
    "one name in two ways": ("t.csv", b"score,months,Score\n1,2,3\n", "t.csv: two columns are called 'score' (and 'Score': capitals do not tell columns apart). Rename one."),
    "another column": ("t.csv", b"scores,months,lost\n5,3,1\n", "t.csv: no column 'score' (score). Did you mean 'scores'?"),
    "a column in capitals": ("t.csv", b"Score,months,lost\n5,3,1\n", "t.csv: no column 'score' (score). Did you mean 'Score'?"),
    "other columns": ("t.csv", b"a,b\n5,3\n", "t.csv: no column 'score' (score). It has: a, b."),
    "junk in a name": ("t.csv", b"a\x1b[31m,b\x07\n5,3\n", "t.csv: no column 'score' (score). It has: a[U+001B][31m, b[U+0007]."),
    "not Parquet": ("t.parquet", CSV, "t.parquet: cannot be read (Parquet magic bytes not found in footer. Either the file is corrupted or this is not a parquet file)."),
    "not Arrow": ("t.arrow", b"junk" * 99, "t.arrow: cannot be read ("),
    "not packed": ("t.csv.gz", CSV, "t.csv.gz: cannot be read (zlib inflate failed: incorrect header check)."),
    "packed and cut": ("t.csv.gz", gzip.compress(CSV * 999)[:60], "t.csv.gz: cannot be read ("),
    "a workbook": ("t.numbers", b"PK", "t.numbers: not a table that can be read. Give Parquet, CSV, Arrow, Excel, SPSS, Stata or SAS; save the sheet as CSV UTF-8."),
    "no ending": ("table", CSV, "table: not a table that can be read. Give Parquet, CSV, Arrow, Excel, SPSS, Stata or SAS; save it as CSV UTF-8 or Parquet."),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_files_that_cannot_be_read(kind: str, tmp_path: Path) -> None:
    name, content, message = FILES[kind]
    (tmp_path / name).write_bytes(content)
    assert refusal(tmp_path / name).startswith(message)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("cut", [4, 60, 300, -20, -9, -1])
def test_a_parquet_file_cut_short(cut: int, tmp_path: Path) -> None:
    stay([5], [3], [1]).to_parquet(tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole[:cut])
    message = refusal(tmp_path / "t.parquet")
    assert message.startswith("t.parquet: cannot be read (")
    assert str(tmp_path) not in message


def test_a_parquet_file_with_a_broken_page(tmp_path: Path) -> None:
    table = pd.DataFrame({"score": np.tile([5, 6], 5000), "months": np.arange(10_000) % 30, "lost": 1})
    table.to_parquet(tmp_path / "t.parquet")
    whole = bytearray((tmp_path / "t.parquet").read_bytes())
    whole[40:400] = bytes(360)
    (tmp_path / "t.parquet").write_bytes(whole)
    message = refusal(tmp_path / "t.parquet")
    assert message.startswith("t.parquet: ")
    assert str(tmp_path) not in message


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "a.csv").write_bytes(CSV)
    (tmp_path / "b.parquet").write_bytes(b"x")
    cases = {
        tmp_path / "absent.csv": "absent.csv: no such file.",
        tmp_path / "no*.csv": "no*.csv: no file matches.",
        tmp_path
        / "folder.csv": "folder.csv: no Parquet, CSV, Arrow, Excel, SPSS, Stata or SAS file in this folder.",
        tmp_path / "[ab].*": "[ab].*: files of several kinds. Give one kind at a time, such as '*.parquet'.",
        tmp_path / f"{'x' * 300}.csv": f"{'x' * 100}: cannot be opened (File name too long).",
        "": "table: the path is empty. Give a file, a folder, a glob, or URL::table.",
        "a\0b.csv": "a[U+0000]b.csv: no such file.",
    }
    for path, message in cases.items():
        assert refusal(path) == message


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    for name, content in (("t.csv", CSV), ("t.parquet", b"x")):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0)
        assert refusal(tmp_path / name).startswith(f"{name}: cannot be read (")


def test_files_of_a_folder_are_named(tmp_path: Path) -> None:
    for i in (1, 2, 3):
        (tmp_path / f"{i}.csv").write_bytes(CSV)
    (tmp_path / "2.csv").write_bytes(CSV + b"11,4,0\n12,4,0\n")
    (tmp_path / "3.csv").write_bytes(CSV + b"13,4,0\n")
    assert refusal(tmp_path) == (
        f'{tmp_path.name}: score must be a whole number from 1 to 10. 3 of 9 rows fail, the first in row 3 of 2.csv (found 11). Set [score] scale, set [table] missing = {{ score = ["11"] }} if it means no answer, {DROP}'
    )
    (tmp_path / "2.csv").write_bytes(CSV + b"1,2,3,4\n")
    assert refusal(tmp_path).startswith(f"{tmp_path.name}: row 3 of 2.csv has 4 values for 3 columns.")
    (tmp_path / "2.csv").write_bytes(b"score,months,gone\n1,2,3\n")
    assert refusal(tmp_path) == "2.csv: other columns than 1.csv ('gone' is in one only)."
    (tmp_path / "2.csv").write_bytes(b"")
    assert refusal(tmp_path) == "2.csv: the file is empty."
    for i in (1, 2, 3):
        (tmp_path / f"{i}.csv").unlink()
        stay([5, 11 if i == 3 else 5], [1, 2], [0, 1]).to_parquet(tmp_path / f"{i}.parquet")
    assert "1 of 6 rows fails, in row 2 of 3.parquet (found 11)." in refusal(str(tmp_path / "*.parquet"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "table: give a path, a pandas, polars or Arrow table, a DuckDB relation, or an Ibis table."),
        ([5, 3, 1], "table: give a path, a pandas, polars or Arrow table, a DuckDB relation, or an Ibis table."),
        ({"score": [5]}, "table: give a path, a pandas, polars or Arrow table, a DuckDB relation, or an Ibis table."),
        (np.zeros((2, 3)), "table: give a path, a pandas, polars or Arrow table, a DuckDB relation, or an Ibis table."),
        (pd.DataFrame(), "table: it has no columns."),
        (pl.DataFrame(), "table: it has no columns."),
        (pa.table({}), "table: it has no columns."),
        (stay([], [], []), "table: no rows below the header."),
        (pl.DataFrame({"score": [], "months": [], "lost": []}), "table: no rows below the header."),
        (pd.DataFrame([[1, 2, 3]], columns=["score", "lost", "score"]), "table: two columns are called 'score'. Rename one."),
        (pa.table([[1], [2]], names=["lost", "Lost"]), "table: two columns are called 'lost' (and 'Lost': capitals do not tell columns apart). Rename one."),
        (pd.DataFrame([[5, 3, 1]]), "table: no column 'score' (score). It has: 0, 1, 2."),
        (ibis.table({"score": "int64"}), "table: cannot be read (Expression contains unbound tables and therefore cannot be executed."),
        ("nosuch://server/db::churn", "churn: cannot be opened at that address (no engine of that kind)."),
        ("duckdb://::churn", "churn: cannot be opened at that address (no such table)."),
        ("sqlite://::churn", "churn: cannot be opened at that address (no such table)."),
    ],
    ids=str,
)  # fmt: skip
def test_things_that_are_no_tables(given: Any, message: str) -> None:
    assert refusal(given).startswith(message)

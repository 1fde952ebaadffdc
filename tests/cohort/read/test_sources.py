"""Every kind of table that can be read gives the same counts."""

# ruff: noqa: E501 (tables are laid out as tables)

import bz2
import gzip
import lzma
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from tabled import STAY, TABLE, cells, count, spec, stay, whole, write_csv

from cxlink.cohort.errors import InputError
from cxlink.cohort.read.source import open_source
from cxlink.cohort.spec.cohort_spec import TableSection
from cxlink.cohort.table import read_cohort

SPEND = {"spend": {"column": "spent", "complete": True}}
ADJUST = {"adjust": {"columns": ["plan"], "bands": {"age": [30, 50]}}}


def _parquet(path: Path, frame: pd.DataFrame = TABLE) -> Path:
    frame.to_parquet(path)
    return path


def _file(write: Callable[[Path], Any], name: str) -> Callable[[Path], Any]:
    def made(folder: Path) -> Path:
        write(folder / name)
        return folder / name

    return made


def _ipc_stream(path: Path) -> None:
    with (
        pa.OSFile(str(path), "wb") as sink,
        pa.ipc.new_stream(sink, (t := pa.Table.from_pandas(TABLE)).schema) as writer,
    ):
        writer.write_table(t)


def _zstd(path: Path) -> None:
    with pa.CompressedOutputStream(str(path), "zstd") as stream:
        stream.write(write_csv(path.with_suffix(".plain")).read_bytes())


def _zip(path: Path, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, write_csv(path.with_suffix(".plain")).read_bytes())


def _duckdb_file(folder: Path) -> str:
    con = ibis.duckdb.connect(folder / "crm.duckdb")
    con.create_table("churn", TABLE)
    con.disconnect()
    return f"duckdb://{folder / 'crm.duckdb'}::churn"


def _duckdb_schema(folder: Path) -> str:
    con = ibis.duckdb.connect(folder / "crm.duckdb")
    con.create_database("sales")
    con.create_table("churn", TABLE, database="sales")
    con.disconnect()
    return f"duckdb://{folder / 'crm.duckdb'}::sales.churn"


def _two_parquets(folder: Path) -> Path:
    (folder / "rows").mkdir()
    _parquet(folder / "rows" / "1.parquet", TABLE[:2])
    _parquet(folder / "rows" / "2.parquet", TABLE[2:][TABLE.columns[::-1]])
    (folder / "rows" / ".hidden.parquet").write_bytes(b"")
    (folder / "rows" / "README.md").write_text("not a table")
    return folder / "rows"


def _two_csvs(folder: Path) -> Path:
    whole(TABLE)[:2].to_csv(folder / "1.csv", index=False)
    whole(TABLE)[2:][TABLE.columns[::-1]].to_csv(folder / "2.csv", index=False, sep=";")
    return folder / "[12].csv"


KINDS: dict[str, Callable[[Path], Any]] = {
    "pandas": lambda _: TABLE,
    "pandas with its own types": lambda _: TABLE.convert_dtypes(),
    "pandas on Arrow": lambda _: TABLE.convert_dtypes(dtype_backend="pyarrow"),
    "pandas of objects": lambda _: TABLE.astype(object),
    "polars": lambda _: pl.from_pandas(TABLE),
    "polars with NaN": lambda _: pl.from_pandas(TABLE.drop(columns="plan"), nan_to_null=False).with_columns(
        plan=pl.Series(TABLE["plan"].tolist())
    ),
    "Arrow": lambda _: pa.Table.from_pandas(TABLE),
    "Arrow in chunks": lambda _: pa.concat_tables([pa.Table.from_pandas(TABLE[:2]), pa.Table.from_pandas(TABLE[2:])]),
    "Arrow categories": lambda _: pa.Table.from_pandas(TABLE.assign(plan=TABLE["plan"].astype("category"))),
    "an Ibis table": lambda _: ibis.memtable(TABLE),
    "an Ibis expression": lambda _: ibis.memtable(pd.concat([TABLE, TABLE.assign(age=-1)])).filter(
        lambda t: t.age.isnull() |  # noqa: PD003 (Ibis)
        (t.age > 0)
    ),
    "Parquet": _file(_parquet, "t.parquet"),
    "a path as text": lambda folder: str(_parquet(folder / "t.parquet")),
    "a Parquet file called with a bracket": _file(_parquet, "t[1]*.parquet"),
    "a Parquet file in a folder that looks like a partition": lambda folder: (
        (folder / "plan=x").mkdir(),
        _parquet(folder / "plan=x" / "t.parquet"),
    )[1],
    "a folder of Parquet files, columns in another order": _two_parquets,
    "CSV": _file(write_csv, "t.csv"),
    "CSV called with a bracket": _file(write_csv, "t[1].csv"),
    "CSV with a byte-order mark": _file(lambda p: write_csv(p, encoding="utf-8-sig"), "t.csv"),
    "CSV with Windows line ends": _file(lambda p: write_csv(p, lineterminator="\r\n"), "t.csv"),
    "CSV with everything quoted": _file(lambda p: write_csv(p, quoting=1), "t.csv"),
    "CSV with tabs": _file(lambda p: write_csv(p, sep="\t"), "t.tsv"),
    "CSV with bars": _file(lambda p: write_csv(p, sep="|"), "t.txt"),
    "CSV with semicolons": _file(lambda p: write_csv(p, sep=";"), "t.csv"),
    "CSV packed by gzip": _file(lambda p: p.write_bytes(gzip.compress(write_csv(p.with_suffix(".plain")).read_bytes())), "t.csv.gz"),
    "CSV packed by zstd": _file(_zstd, "t.csv.zst"),
    "CSV packed by bzip2": _file(lambda p: p.write_bytes(bz2.compress(write_csv(p.with_suffix(".plain")).read_bytes())), "t.csv.bz2"),
    "CSV packed by xz": _file(lambda p: p.write_bytes(lzma.compress(write_csv(p.with_suffix(".plain")).read_bytes())), "t.csv.xz"),
    "CSV in a zip": _file(lambda p: _zip(p, "rows.csv"), "t.csv.zip"),
    "CSV in a zip that says no more": _file(lambda p: _zip(p, "rows.csv", "__MACOSX/rows.csv"), "t.zip"),
    "CSV in capitals": _file(write_csv, "T.CSV"),
    "CSV with an index column without a name": _file(lambda p: whole(TABLE).to_csv(p), "t.csv"),
    "a glob of CSV files of two layouts": _two_csvs,
    "Feather": _file(lambda p: feather.write_feather(TABLE, str(p)), "t.feather"),
    "an Arrow file": _file(lambda p: feather.write_feather(TABLE, str(p), compression="uncompressed"), "t.arrow"),
    "an Arrow stream": _file(_ipc_stream, "t.arrow"),
    "a table in a DuckDB file": _duckdb_file,
    "a table in a schema of a DuckDB file": _duckdb_schema,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_table_gives_the_same_counts(kind: str, tmp_path: Path) -> None:
    expected = count(TABLE, STAY, SPEND, ADJUST)
    found = count(KINDS[kind](tmp_path), STAY, SPEND, ADJUST)
    pd.testing.assert_frame_equal(found.cells, expected.cells, rtol=1e-14)
    assert (found.profile.rows_read, found.profile.rows_used) == (5, 5)
    assert cells(expected, "score", "stratum.plan", "stratum.age", "exit", "cause") == {
        (5, "a", "<30", 3, "lost"): 1,
        (7, "b", "30-<50", 2, ""): 1,
        (None, "a", ">=50", 1, "lost"): 1,
        (10, "(missing)", "(missing)", 4, ""): 1,
        (5, "Zoë", "30-<50", 3, "lost"): 1,
    }


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_bracket_in_a_name_is_no_pattern(ending: str, tmp_path: Path) -> None:
    for name, score in (("t[12]", 5), ("t1", 6), ("t2", 7)):
        table = stay([score], [3], [1])
        path = tmp_path / f"{name}.{ending}"
        table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    assert cells(count(tmp_path / f"t[12].{ending}"), "score") == {5: 1}
    assert cells(count(tmp_path / f"t?.{ending}"), "score") == {6: 1, 7: 1}


def test_whole_numbers_in_the_first_file_do_not_round_those_of_the_next(tmp_path: Path) -> None:
    pq.write_table(pa.table({"score": [5], "spent": pa.array([2], pa.int32())}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"score": [5], "spent": [2.5]}), tmp_path / "2.parquet")
    assert count(tmp_path, SPEND).cells["spend_sum"].tolist() == [4.5]


def test_whole_decimal_unsigned_and_small_types() -> None:
    types = [
        pa.int8(),
        pa.uint8(),
        pa.uint64(),
        pa.float16(),
        pa.float32(),
        pa.float64(),
        pa.decimal128(5, 1),
        pa.string(),
        pa.large_string(),
    ]
    for kind in types:
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        score, months = (
            pa.array(v).cast(pa.string() if text else pa.float64()).cast(kind) for v in ([5, 7], [3, 2])
        )
        found = count(
            pa.table({"score": score, "months": months, "lost": [1, 0], "spent": months}), STAY, SPEND
        )
        assert cells(found) == {(5, 0, 3, "lost"): 1, (7, 0, 2, ""): 1}, kind
        assert found.cells["spend_sum"].tolist() == [3, 2], kind


def test_other_columns_of_any_type_do_not_matter(tmp_path: Path) -> None:
    odd = pa.table({
        "score": [5], "months": [3], "lost": [1], "list": [[1, 2]], "map": [{"a": 1}], "took": pa.array([5], pa.duration("s")),
        "time": pa.array([5], pa.time32("s")), "half": pa.array([1.0]).cast(pa.float16()), "raw": [b"\xff"],
    })  # fmt: skip
    assert cells(count(odd)) == {(5, 0, 3, "lost"): 1}
    assert cells(count(odd.to_pandas())) == {(5, 0, 3, "lost"): 1}
    feather.write_feather(odd, str(tmp_path / "t.feather"))
    assert cells(count(tmp_path / "t.feather")) == {(5, 0, 3, "lost"): 1}


@pytest.mark.parametrize("ending", ["feather", "parquet", "arrow"])
def test_a_column_without_a_name_does_not_matter(tmp_path: Path, ending: str) -> None:
    """Not where rows are compared as a whole either: two are equal, and the last names itself a total."""
    odd = pa.table({
        "score": [5, 5, 4, 3], "months": [3, 3, 3, 2], "lost": [1, 1, 1, 0], "": ["a", "a", "b", "Total"],
        "other": ["x", "x", "y", "z"],
    })  # fmt: skip
    write = pq.write_table if ending == "parquet" else feather.write_feather
    write(odd, str(tmp_path / f"t.{ending}"))
    assert cells(count(tmp_path / f"t.{ending}")) == cells(count(odd))


def test_a_table_in_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "crm.sqlite"
    with closing(sqlite3.connect(path)) as con:
        TABLE.to_sql("churn", con, index=False)
    expected = count(TABLE, STAY, SPEND, ADJUST)
    engine = ibis.sqlite.connect(path)
    for table in (engine.table("churn"), f"sqlite://{path}::churn"):
        found = count(table, STAY, SPEND, ADJUST)
        pd.testing.assert_frame_equal(found.cells, expected.cells, rtol=1e-12)
    engine.disconnect()
    with closing(sqlite3.connect(path)) as con, con:
        con.execute("update churn set months = -1 where age = 29")
    with pytest.raises(
        InputError, match=r"from 0 to 2,400 in every row .* 1 of 5 rows fails, one \(found -1\.0\)\."
    ):
        count(f"sqlite://{path}::churn")


def test_connecting_makes_no_database(tmp_path: Path) -> None:
    for scheme in ("duckdb", "sqlite"):
        path = tmp_path / f"absent.{scheme}"
        with pytest.raises(
            InputError,
            match=r"churn: cannot be opened at that address \(no such database\)\.",
        ):
            count(f"{scheme}://{path}::churn")
        assert not path.exists()


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(InputError) as refused:
        count("nosuch://me:hunter2@server/db::churn")
    assert "hunter2" not in str(refused.value)


def test_an_order_of_rows_that_the_user_can_see() -> None:
    assert open_source(TABLE, TableSection()).ordered
    assert not open_source(ibis.memtable(TABLE), TableSection()).ordered


def test_another_default_engine_of_ibis_does_not_matter(tmp_path: Path) -> None:
    before = ibis.options.default_backend
    other = ibis.sqlite.connect(tmp_path / "x.sqlite")
    try:
        ibis.set_backend(other)
        assert cells(count(stay([5], [3], [1]))) == {(5, 0, 3, "lost"): 1}
    finally:
        ibis.options.default_backend = before
        other.disconnect()


def test_a_cohort_knows_the_name_of_its_table(tmp_path: Path) -> None:
    assert read_cohort(write_csv(tmp_path / "churn.csv"), spec(STAY)).name == "churn.csv"
    assert read_cohort(TABLE, spec(STAY)).name == "table"


@pytest.mark.parametrize(
    "spent",
    [[917.16, 1318.85, 533.18, 5, 7], [0.25, 1 / 3, 0.1, 0.7, 0], [3e6, 1.1, 1 / 3, 0, 2e-7]],
    ids=["usual", "small", "large"],
)
def test_sums_and_fingerprint_are_the_same_from_any_reader(spent: list[float], tmp_path: Path) -> None:
    table = TABLE.assign(spent=spent, before=[0, 1, 1, None, 0])
    sections = (STAY, SPEND, ADJUST, {"control": {"column": "before"}})
    whole(table).to_csv(tmp_path / "t.csv", index=False)
    con = ibis.duckdb.connect()
    readers = [tmp_path / "t.csv", _parquet(tmp_path / "t.parquet", table), pl.from_pandas(table), table]
    expected, *others = [count(one, *sections) for one in (con.create_table("t", table), *readers)]
    con.disconnect()
    for found in others:
        pd.testing.assert_frame_equal(found.cells, expected.cells, check_exact=True)
        assert found.profile.fingerprint == expected.profile.fingerprint


def test_sums_of_cents_are_those_of_decimals(tmp_path: Path) -> None:
    table = pd.DataFrame({"score": 3, "spent": [917.16, 1318.85, 533.18]})
    table.to_csv(tmp_path / "t.csv", index=False)
    for one in (table, tmp_path / "t.csv", _parquet(tmp_path / "t.parquet", table)):
        assert count(one, SPEND).cells["spend_sum"].tolist() == [2769.19]


def test_a_column_without_a_name_that_the_spec_does_not_use() -> None:
    for frame in (TABLE.assign(**{"": 1}), pl.from_pandas(TABLE.assign(**{"": 1}))):
        assert count(frame, STAY, SPEND).cells.equals(count(TABLE, STAY, SPEND).cells)


def test_a_zip_of_several_files_is_refused(tmp_path: Path) -> None:
    _zip(tmp_path / "t.zip", "1.csv", "2.csv")
    with pytest.raises(InputError, match=r"^t\.zip: holds 2 files\. Unpack it, and give the folder\.$"):
        count(tmp_path / "t.zip")


@pytest.mark.parametrize(
    ("ending", "way"),
    [
        ("numbers", "save the sheet as CSV UTF-8"),
        *((one, "save it as CSV UTF-8 or Parquet") for one in ("rds", "html", "pkl", "7z", "tar.gz")),
    ],
)
def test_what_is_not_read_names_the_way(ending: str, way: str, tmp_path: Path) -> None:
    (tmp_path / f"t.{ending}").write_bytes(b"PK")
    with pytest.raises(InputError, match=rf"Give Parquet, CSV, Arrow, Excel, SPSS, Stata or SAS; {way}\.$"):
        count(tmp_path / f"t.{ending}")

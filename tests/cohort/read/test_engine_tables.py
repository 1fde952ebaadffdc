"""SQLite and Polars do not count for themselves: their rows come in batches, and count as those of a file."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import ibis
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from crm import ESTIMATED, SPECS, crm, crm_spec, same, spans_spec, written_estimates
from tabled import cells, count, refusal, stay

from cxlink.cohort.read import engine_tables
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort

_TYPES = {
    pa.date32(): "DATE", pa.int64(): "INTEGER", pa.float64(): "REAL", pa.bool_(): "BOOLEAN", pa.string(): "TEXT",
}  # fmt: skip


def _in_sqlite(path: Path, rows: pa.Table) -> str:
    columns = ", ".join(f'"{field.name}" {_TYPES[field.type]}' for field in rows.schema)
    as_held = [
        [str(cell) if field.type == pa.date32() and cell else cell for cell in rows[field.name].to_pylist()]
        for field in rows.schema
    ]
    with closing(sqlite3.connect(path)) as con, con:
        con.execute(f"create table customers ({columns})")
        places = ", ".join("?" * len(as_held))
        con.executemany(f"insert into customers values ({places})", zip(*as_held, strict=True))
    return f"sqlite://{path}::customers"


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Any]:
    """The same customers in a Parquet file, in SQLite and in Polars."""
    folder, rows = tmp_path_factory.mktemp("crm"), crm()
    pq.write_table(rows, folder / "customers.parquet")
    engine = ibis.polars.connect()
    engine.create_table("customers", pl.from_arrow(rows))
    return (
        folder / "customers.parquet",
        _in_sqlite(folder / "crm.sqlite", rows),
        engine.table("customers"),
    )


@pytest.mark.long
@pytest.mark.parametrize("name", SPECS)
def test_counts_are_those_of_a_file_of_the_same_rows(
    name: str, customers: Sequence[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_tables, "BATCH", 400)  # several, the last one shorter
    spec = make_spec(crm_spec(name))
    from_file, *others = (read_cohort(table, spec) for table in customers)
    for other in others:
        assert same(from_file, other) == dict.fromkeys(same(from_file, from_file), True)


@pytest.mark.long
@pytest.mark.parametrize("clock", ["survey", "signup"])
def test_spans_are_merged_as_those_of_a_file(clock: str, customers: Sequence[Any]) -> None:
    spec = make_spec(spans_spec(clock))
    from_file, *others = (read_cohort(table, spec, drop_invalid=True) for table in customers)
    assert from_file.notes[0].code == "spans"
    for other in others:
        assert same(from_file, other) == dict.fromkeys(same(from_file, from_file), True)


@pytest.mark.long
@pytest.mark.usefixtures("empty_pictures")
@pytest.mark.parametrize("name", ESTIMATED)
def test_estimates_are_those_of_a_file_byte_for_byte(
    name: str, customers: Sequence[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_tables, "BATCH", 400)
    places = zip(customers, ("file", "sqlite", "polars"), strict=True)
    of_file, *others = (written_estimates(table, name, tmp_path / folder) for table, folder in places)
    assert others == [of_file, of_file]


def test_a_cell_of_sqlite_may_be_of_another_type_than_its_column(tmp_path: Path) -> None:
    path = tmp_path / "odd.sqlite"
    with closing(sqlite3.connect(path)) as con, con:
        con.execute("create table t (score INTEGER, months REAL, lost BOOLEAN, plan)")
        con.executemany(
            "insert into t values (?, ?, ?, ?)",
            [(5, 3, 1, 1), (7, 2.5, 0, "b"), (None, 1, 1, None), (10, 4, 0, 2)],
        )
    expected = count(
        stay([5, 7, None, 10], [3, 2.5, 1, 4], [1, 0, 1, 0], plan=["1", "b", None, "2"]),
        adjust={"columns": ["plan"]},
    )
    assert count(f"sqlite://{path}::t", adjust={"columns": ["plan"]}).cells.equals(expected.cells)
    with closing(sqlite3.connect(path)) as con, con:
        con.execute("insert into t values (6, 'three', 1, 'a')")
        con.execute("insert into t values (6, 3, 7, 'a')")
    assert refusal(f"sqlite://{path}::t").startswith(
        "t: lost must be 1 or 0, true or false, yes or no. 1 of 6 rows fails, one (found 7)."
    )
    with closing(sqlite3.connect(path)) as con, con:
        con.execute("delete from t where lost = 7")
    assert "1 of 5 rows fails, one (found three)." in refusal(f"sqlite://{path}::t")


def test_an_empty_table_of_sqlite_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.sqlite"
    with closing(sqlite3.connect(path)) as con, con:
        con.execute("create table t (score INTEGER, months INTEGER, lost INTEGER)")
    assert refusal(f"sqlite://{path}::t") == "t: no rows below the header."


def test_an_expression_and_a_day_of_a_zone(tmp_path: Path) -> None:
    engine = ibis.polars.connect()
    at = pl.Series("survey", ["2020-01-31 23:30:00", "2020-06-30 23:30:00"]).str.to_datetime(time_zone="UTC")
    zoned = pl.DataFrame(
        {"score": [5, 6], "survey": at.dt.convert_time_zone("Europe/Amsterdam"), "end": [None, None]}
    )
    engine.create_table("t", zoned.with_columns(pl.col("end").cast(pl.Date)))
    dates = {"subscription": {"survey": "survey", "end": "end", "observed_until": "2020-07-31"}}
    table = engine.table("t")
    assert cells(count(table, dates), "score", "exit", "wave") == {(5, 5, "2020Q1"): 1, (6, 0, "2020Q3"): 1}
    assert cells(count(table.filter(table.score == 6), dates), "score") == {6: 1}
    assert cells(count(zoned, dates), "score", "exit") == {(5, 5): 1, (6, 0): 1}

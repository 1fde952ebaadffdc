"""Ways in which a table may be stored: each gives what the package reads, and the cells as they stand there."""

import datetime
import math
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from validation.fuzz.sheet_writers import statistics, xlsx
from validation.fuzz.stored import Columns, Stored, arrow_of, of_one_type, twinned, typed
from validation.fuzz.text_writers import csv_folder, text_file


def _parquet(case: Any, folder: Path) -> Stored:
    import pyarrow.parquet as pq

    columns = typed(case.columns)
    pq.write_table(arrow_of(columns), folder / "t.parquet", row_group_size=max(1, case.n // 2))
    return Stored(folder / "t.parquet", list(columns), columns)


def _feather(case: Any, folder: Path) -> Stored:
    table, columns = twinned(case)
    path = folder / case.random.choice(["t.arrow", "t.feather", "t.ipc"])
    new = case.random.choice([pa.ipc.new_file, pa.ipc.new_stream])
    with pa.OSFile(str(path), "wb") as sink, new(sink, table.schema) as writer:
        writer.write_table(table)
    return Stored(path, list(table.column_names), columns)


def _arrow_table(case: Any, _: Path) -> Stored:
    table, columns = twinned(case)
    return Stored(table, list(table.column_names), columns)


def _pandas(case: Any, _: Path) -> Stored:
    """A frame of objects, of types, or of Arrow's types."""
    look = case.random.choice(["objects", "types", "arrow", "categories"])
    if look == "objects":
        columns = {name: of_one_type(cells) for name, cells in case.columns.items()}
        frame = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in case.columns.items()})
    else:
        columns = typed(case.columns)
        table = arrow_of(columns)
        frame = table.to_pandas(types_mapper=pd.ArrowDtype) if look == "arrow" else table.to_pandas()
        if look == "categories":
            for name, cells in columns.items():
                if all(cell is None or isinstance(cell, str) for cell in cells):
                    frame[name] = frame[name].astype("category")
    names = list(frame.columns)
    if case.twin:
        frame = pd.concat([frame, frame[[case.twin]]], axis=1)
        names.append(case.twin)
    return Stored(frame, names, columns)


def _polars(case: Any, lazy: bool = False) -> Stored:
    import polars as pl

    columns = typed(case.columns)
    frame = pl.from_arrow(arrow_of(columns))
    return Stored(frame.lazy() if lazy else frame, list(columns), columns)


def _in_utc(columns: Columns) -> Columns:
    """Moments with a zone as DuckDB keeps them: points in time."""

    def kept(cell: Any) -> Any:
        aware = isinstance(cell, datetime.datetime) and cell.tzinfo is not None
        return cell.astimezone(datetime.UTC) if aware else cell

    return {name: [kept(cell) for cell in cells] for name, cells in columns.items()}


def _relation(case: Any, _: Path) -> Stored:
    import duckdb

    # the zone of a relation is that of its connection, by default the machine's
    columns = {
        name: [cell.replace(tzinfo=None) if isinstance(cell, datetime.datetime) else cell for cell in cells]
        for name, cells in typed(case.columns).items()
    }
    connection = duckdb.connect()
    connection.register("t", arrow_of(columns))
    stored = Stored(connection.sql("select * from t"), list(columns), columns)
    stored.close = connection.close
    return stored


def _ibis(case: Any, _: Path) -> Stored:
    import ibis

    columns = typed(case.columns)
    return Stored(ibis.memtable(arrow_of(columns)), list(columns), columns)


def _duckdb(case: Any, folder: Path) -> Stored:
    import duckdb

    columns = _in_utc(typed(case.columns))
    with duckdb.connect(folder / "t.duckdb") as connection:
        connection.register("given", arrow_of(columns))
        connection.execute("create table t as select * from given")
    return Stored(f"duckdb://{folder / 't.duckdb'}::t", list(columns), columns)


def _sqlite(case: Any, folder: Path) -> Stored:
    columns: Columns = {}
    for name, cells in case.columns.items():
        days = [cell.isoformat(" ") if isinstance(cell, datetime.datetime) else cell for cell in cells]
        days = [cell.isoformat() if isinstance(cell, datetime.date) else cell for cell in days]
        columns[name] = [
            None if isinstance(cell, float) and math.isnan(cell) else cell for cell in of_one_type(days)
        ]
    kinds = {bool: "BOOLEAN", int: "INTEGER", float: "REAL", str: "TEXT"}
    declared = []
    for name, cells in columns.items():
        kind = next((kinds[type(cell)] for cell in cells if cell is not None), "TEXT")
        declared.append('"{}" {}'.format(name.replace('"', '""'), kind))
    with sqlite3.connect(folder / "t.sqlite") as connection:
        connection.execute(f"create table t ({', '.join(declared)})")
        places = ", ".join("?" * len(columns))
        connection.executemany(f"insert into t values ({places})", list(zip(*columns.values(), strict=True)))
    connection.close()
    return Stored(f"sqlite://{folder / 't.sqlite'}::t", list(columns), columns)


READERS: dict[str, Callable[[Any, Path], Stored]] = {
    "csv": text_file("csv"), "csv latin-1": text_file("csv", "latin-1"), "csv cp1252": text_file("txt", "cp1252"),
    "csv utf-16": text_file("csv", "utf-16"), "csv.gz": text_file("csv.gz"), "csv.zst": text_file("csv.zst"),
    "csv.bz2": text_file("csv.bz2"), "csv.xz": text_file("tsv.xz"), "csv.zip": text_file("csv.zip"),
    "csv folder": csv_folder,
    "parquet": _parquet, "feather": _feather, "xlsx": xlsx, "sav": statistics("sav"), "dta": statistics("dta"),
    "xpt": statistics("xpt"), "arrow table": _arrow_table, "pandas": _pandas,
    "polars": lambda case, _: _polars(case), "polars lazy": lambda case, _: _polars(case, lazy=True),
    "duckdb relation": _relation, "ibis": _ibis, "duckdb address": _duckdb, "sqlite address": _sqlite,
}  # fmt: skip


SAFE_NAMES = {"sav", "dta", "xpt"}
"""Readers whose tables have plain names of columns."""

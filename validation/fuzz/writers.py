"""Ways in which a table may be stored: each gives what the package reads, and the cells as they stand there."""

import bz2
import csv
import datetime
import io
import lzma
import math
import sqlite3
import zipfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from random import Random
from typing import Any
from xml.sax.saxutils import escape

import pandas as pd
import pyarrow as pa

Columns = dict[str, list[Any]]
MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")


def missing_of(keys: Mapping[str, Any]) -> Collection[str]:
    """Text that is an empty cell in every column."""
    listed = keys.get("missing", MISSING)
    return listed.get("*", MISSING) if isinstance(listed, dict) else listed


def rows_around(seed: int, width: int) -> tuple[list[list[str]], list[list[str]], dict[str, Any]]:
    """Rows above the header and below it that are no customers, and ``[table] skip_rows`` that says so; mostly none."""
    random = Random(f"rows around the header of {seed}")
    if random.random() > 0.25 or not width:
        return [], [], {}
    above = random.choice(
        [[], [["Customers of May"]], [["exported", "2024-05-01"], []], [[], []], [["a"] * width]]
    )
    texts = [[random.choice(["How, really?", 'the "score"', "two\nlines", "1"]) for _ in range(width)]]
    below = random.choice([[], [], texts, [*texts, ['{"ImportId":"q"}'] * width]])
    n = len(above)
    return above, below, {"skip_rows": [*range(1, n + 1), *range(n + 2, n + 2 + len(below))] if below else n}


class Stored:
    """A stored table.

    Attributes
    ----------
    table : path, frame or Ibis table
        What the package is given.
    names : list of str
        Its columns, twins included.
    columns : dict of str to list
        Cells as they stand there, by the column's name there.
    keys : dict
        Keys of ``[table]`` that reading it needs.
    close : callable
        Lets go of what was opened for it.
    """

    def __init__(
        self, table: Any, names: list[str], columns: Columns, keys: dict[str, Any] | None = None
    ) -> None:
        self.table, self.names, self.columns, self.keys = table, names, columns, keys or {}
        self.close: Callable[[], None] = lambda: None


def _plain(cells: list[Any]) -> list[Any]:
    """Cells of one type: whole numbers, numbers, truths, days or moments; else all as text."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds <= {int, float} and kinds:
        if kinds == {int} and all(cell is None or abs(cell) < 2**63 for cell in cells):
            return cells
        if float in kinds:
            return [None if cell is None else float(cell) for cell in cells]
    if len(kinds) == 1 and kinds <= {bool, datetime.date, datetime.datetime}:
        zones = {cell.tzinfo for cell in cells if isinstance(cell, datetime.datetime)}
        if len(zones) <= 1:
            return cells
    return [None if cell is None else str(cell) for cell in cells]


def arrow_of(columns: Columns) -> pa.Table:
    """Give columns as an Arrow table."""
    arrays = []
    for cells in columns.values():
        moments = [cell for cell in cells if isinstance(cell, datetime.datetime)]
        zone = moments[0].tzinfo if moments else None
        kind = pa.timestamp("us", str(zone) if zone else None) if moments else None
        if not moments and all(cell is None for cell in cells):
            kind = pa.string()
        arrays.append(pa.array(cells, kind))
    return pa.table(arrays, names=list(columns))


def typed(columns: Columns) -> Columns:
    """Give columns whose cells are of one type each."""
    return {name: _plain(cells) for name, cells in columns.items()}


# text -----------------------------------------------------------------------------------------------------------------


def as_text(cell: Any, keys: Mapping[str, Any], random: Random) -> str:
    """Write a cell as ``[table]`` says."""
    if cell is None:
        return str(random.choice(list(missing_of(keys)))) if random.random() < 0.3 else ""
    if isinstance(cell, bool):
        return random.choice(["true", "True"]) if cell else random.choice(["false", "False"])
    if isinstance(cell, int | float) and math.isfinite(cell):
        text = str(cell) if abs(cell) < 1e15 else repr(cell)
        whole, dot, part = text.partition(".")
        mark = keys.get("thousands")
        if mark and whole.lstrip("-").isdigit() and "e" not in text:
            whole = f"{int(whole):,}".replace(",", mark) if whole not in ("-0",) else whole
        return whole + (keys.get("decimal", ".") if dot else "") + part
    if isinstance(cell, datetime.datetime):
        return cell.strftime(keys["date_format"]) if "date_format" in keys else cell.isoformat(" ")
    if isinstance(cell, datetime.date):
        if "date_format" in keys and cell.year >= 1000:
            return cell.strftime(keys["date_format"])
        return cell.isoformat()
    return str(cell)


def _csv(case: Any, folder: Path, ending: str = "csv", encoding: str = "utf-8") -> Stored:
    random, keys = case.random, case.spec.get("table", {})
    keys = keys if isinstance(keys, dict) else {}
    names = [*case.columns, *([case.twin] if case.twin else [])]
    text = {name: [as_text(cell, keys, random) for cell in cells] for name, cells in case.columns.items()}

    def fits(text: str) -> str:
        return text.encode(encoding, "replace").decode(encoding)

    text = {fits(name): [fits(cell) for cell in cells] for name, cells in text.items()}
    names = [fits(name) for name in names]
    delimiter = random.choice([",", ";", "\t", "|"])
    stream = io.StringIO(newline="")
    writer = csv.writer(
        stream, delimiter=delimiter, lineterminator=random.choice(["\n", "\r\n"]),
        quoting=random.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    )  # fmt: skip
    above, below, skipped = rows_around(case.seed, len(names))
    writer.writerows([*above, names, *([fits(cell) for cell in row] for row in below)])
    writer.writerows(zip(*(text[name] for name in names), strict=True))
    written = stream.getvalue().encode(encoding)
    if encoding == "utf-8" and random.random() < 0.2:
        written = b"\xef\xbb\xbf" + written
    path = folder / f"t.{ending}"
    _pack(path, written)
    stands = {
        name or f"unnamed_{at}": [None if cell in missing_of(keys) else cell for cell in text[name]]
        for at, name in enumerate(names)
    }
    more: dict[str, Any] = skipped if encoding == "utf-8" else {"encoding": encoding, **skipped}
    if (
        skipped
        or delimiter == keys.get("decimal")
        or any(set(name) & set(",;|\t") for name in names)
        or random.random() < 0.3
    ):
        more["delimiter"] = delimiter
    return Stored(path, [name or f"unnamed_{at}" for at, name in enumerate(names)], stands, more)


def _pack(path: Path, content: bytes) -> None:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("t.csv", content)
        return
    packs: dict[str, Callable[[bytes], bytes]] = {
        ".gz": lambda b: pa.compress(b, "gzip", asbytes=True), ".bz2": bz2.compress, ".xz": lzma.compress,
        ".zst": lambda b: _zst(b),
    }  # fmt: skip
    path.write_bytes(packs.get(path.suffix, bytes)(content))


def _zst(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


def _text(ending: str, encoding: str = "utf-8") -> Callable[[Any, Path], Stored]:
    return lambda case, folder: _csv(case, folder, ending, encoding)


def _csv_folder(case: Any, folder: Path) -> Stored:
    """Several files in one folder."""
    place = folder / "parts"
    place.mkdir()
    half, names = case.n // 2, list(case.columns)
    parts = [
        {name: cells[rows] for name, cells in case.columns.items()}
        for rows in (slice(0, half), slice(half, None))
    ]
    stands: Columns = {}
    random, keys = case.random, case.spec.get("table", {})
    keys = keys if isinstance(keys, dict) else {}
    for at, part in enumerate(parts):
        text = {name: [as_text(cell, keys, random) for cell in cells] for name, cells in part.items()}
        with (place / f"{at}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(zip(*text.values(), strict=True))
        for i, name in enumerate(names):
            cells = [None if cell in missing_of(keys) else cell for cell in text[name]]
            stands.setdefault(name or f"unnamed_{i}", []).extend(cells)
    return Stored(place, list(stands), stands, {"delimiter": ","})


# files with types -----------------------------------------------------------------------------------------------------


def _parquet(case: Any, folder: Path) -> Stored:
    import pyarrow.parquet as pq

    columns = typed(case.columns)
    pq.write_table(arrow_of(columns), folder / "t.parquet", row_group_size=max(1, case.n // 2))
    return Stored(folder / "t.parquet", list(columns), columns)


def _feather(case: Any, folder: Path) -> Stored:
    table, columns = _twinned(case)
    path = folder / case.random.choice(["t.arrow", "t.feather", "t.ipc"])
    new = case.random.choice([pa.ipc.new_file, pa.ipc.new_stream])
    with pa.OSFile(str(path), "wb") as sink, new(sink, table.schema) as writer:
        writer.write_table(table)
    return Stored(path, list(table.column_names), columns)


def _twinned(case: Any) -> tuple[pa.Table, Columns]:
    columns = typed(case.columns)
    table = arrow_of(columns)
    return (table.append_column(case.twin, table[case.twin]) if case.twin else table), columns


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_DOC = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts><font/></fonts><fills><fill/></fills><borders><border/></borders>'
    '<cellStyleXfs><xf/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
    "</styleSheet>"
)


def _sheet_cell(cell: Any) -> str:
    if cell is None:
        return "<c/>"
    if isinstance(cell, bool):
        return f'<c t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, datetime.date):
        return f'<c s="1"><v>{(cell - datetime.date(1899, 12, 30)).days}</v></c>'
    if isinstance(cell, int | float):
        return f"<c><v>{cell!r}</v></c>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'


def _excel_cells(cells: list[Any]) -> list[Any]:
    """Cells as a workbook can hold them: no control characters, no endless numbers, days since 1900."""

    def fits(cell: Any) -> Any:
        if isinstance(cell, datetime.datetime) or (isinstance(cell, datetime.date) and cell.year < 1901):
            return cell.isoformat()
        if isinstance(cell, float) and not math.isfinite(cell):
            return None if math.isnan(cell) else str(cell)
        if isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) > 1e15:
            return str(cell)
        if isinstance(cell, str):
            return "".join(c for c in cell if c >= " " or c == "\n") or None
        return cell

    return _plain([fits(cell) for cell in cells])


def _xlsx(case: Any, folder: Path) -> Stored:
    columns = {_shown(name): _excel_cells(cells) for name, cells in case.columns.items()}
    sheets = Random(f"sheets of {case.seed}").choice([("Data",), ("Data",), ("Notes", "Data")])
    names = [*columns, *([_shown(case.twin)] if case.twin else [])]
    above, below, skipped = rows_around(case.seed, len(names))
    rows = [*above, names, *below, *([columns[name][i] for name in names] for i in range(case.n))]
    lines = "".join(f"<row>{''.join(map(_sheet_cell, row))}</row>" for row in rows)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    other = f"<row>{_sheet_cell('score')}{_sheet_cell('of another year')}</row><row>{_sheet_cell(3)}</row>"
    parts, tabs, links = (
        "".join(form.format(at=at, name=name) for at, name in enumerate(sheets, 1))
        for form in (
            f'<Override PartName="/xl/worksheets/sheet{{at}}.xml" ContentType="{kind}.worksheet+xml"/>',
            '<sheet name="{name}" sheetId="{at}" r:id="r{at}"/>',
            f'<Relationship Id="r{{at}}" Type="{_DOC}/worksheet" Target="worksheets/sheet{{at}}.xml"/>',
        )
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_TYPES}"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{kind}.sheet.main+xml"/>{parts}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_RELS}"><Relationship Id="a" Type="{_DOC}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_DOC}"><sheets>{tabs}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELS}">{links}<Relationship Id="s" '
        f'Type="{_DOC}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
        **{
            f"xl/worksheets/sheet{at}.xml": f'<worksheet xmlns="{_MAIN}"><sheetData>'
            f"{lines if name == 'Data' else other}</sheetData></worksheet>"
            for at, name in enumerate(sheets, 1)
        },
    }
    path = folder / "t.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    listed = case.spec.get("table")
    missing = missing_of(listed) if isinstance(listed, dict) else MISSING
    empty = {"", *missing}
    stands = {
        name or f"unnamed_{at}": [None if cell in empty else cell for cell in columns[name]]
        for at, name in enumerate(names)
    }
    keys = {**skipped, **({"sheet": "Data"} if len(sheets) > 1 else {})}
    return Stored(path, list(stands) if not case.twin else names, stands, keys)


def _shown(name: str) -> str:
    return "".join(c for c in name if c >= " ")


def _statistics(ending: str) -> Callable[[Any, Path], Stored]:
    def write(case: Any, folder: Path) -> Stored:
        import pyreadstat

        columns = {name: [_packaged(cell) for cell in cells] for name, cells in case.columns.items()}
        columns = {name: _numbers_or_text(cells) for name, cells in columns.items()}
        frame = pd.DataFrame({
            name: pd.Series(cells, dtype="float64" if _is_numeric(cells) else object) for name, cells in columns.items()
        })  # fmt: skip
        for name, cells in columns.items():
            if not _is_numeric(cells):
                frame[name] = ["" if cell is None else cell for cell in cells]
        labels: dict[str, Any] = {}
        score = case.spec.get("score", {})
        column = score.get("column") if isinstance(score, dict) else None
        if (
            ending == "sav"
            and isinstance(column, str)
            and column in columns
            and _is_numeric(columns[column])
            and case.random.random() < 0.5
        ):
            labels = {column: {1: "bad", 5: "so so", 10: "good"}}
        path = folder / f"t.{ending}"
        more: dict[str, Any] = {"variable_value_labels": labels} if labels else {}
        how = {"sav": pyreadstat.write_sav, "dta": pyreadstat.write_dta, "xpt": pyreadstat.write_xport}[
            ending
        ]
        how(frame, str(path), **more)
        stands = {
            name: [None if cell in (None, "") else cell for cell in cells] for name, cells in columns.items()
        }
        for name, said in labels.items():
            shown = [
                int(cell) if cell is not None and float(cell).is_integer() else cell for cell in stands[name]
            ]
            stands[name] = [None if c is None else f"{c} = {said[c]}" if c in said else str(c) for c in shown]
        return Stored(path, list(columns), stands)

    return write


def _packaged(cell: Any) -> Any:
    """A cell as statistics packages hold it: a number or a text without blanks at its end."""
    if isinstance(cell, bool):
        return int(cell)
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    if isinstance(cell, float) and not math.isfinite(cell):
        return None if math.isnan(cell) else str(cell)
    if isinstance(cell, int | float) and abs(cell) > 1e15:
        return str(cell)
    if isinstance(cell, str):
        return "".join(c for c in cell if c >= " ")[:100].rstrip(" ") or None
    return cell


def _is_numeric(cells: list[Any]) -> bool:
    return any(cell is not None for cell in cells) and all(
        cell is None or isinstance(cell, int | float) for cell in cells
    )


def _numbers_or_text(cells: list[Any]) -> list[Any]:
    if _is_numeric(cells):
        return cells
    return [None if cell is None else str(cell) for cell in cells]


# in memory ------------------------------------------------------------------------------------------------------------


def _arrow_table(case: Any, _: Path) -> Stored:
    table, columns = _twinned(case)
    return Stored(table, list(table.column_names), columns)


def _pandas(case: Any, _: Path) -> Stored:
    """A frame of objects, of types, or of Arrow's types."""
    look = case.random.choice(["objects", "types", "arrow", "categories"])
    if look == "objects":
        columns = {name: _plain(cells) for name, cells in case.columns.items()}
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


# engines --------------------------------------------------------------------------------------------------------------


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
            None if isinstance(cell, float) and math.isnan(cell) else cell for cell in _plain(days)
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
    "csv": _text("csv"), "csv latin-1": _text("csv", "latin-1"), "csv cp1252": _text("txt", "cp1252"),
    "csv utf-16": _text("csv", "utf-16"), "csv.gz": _text("csv.gz"), "csv.zst": _text("csv.zst"),
    "csv.bz2": _text("csv.bz2"), "csv.xz": _text("tsv.xz"), "csv.zip": _text("csv.zip"), "csv folder": _csv_folder,
    "parquet": _parquet, "feather": _feather, "xlsx": _xlsx, "sav": _statistics("sav"), "dta": _statistics("dta"),
    "xpt": _statistics("xpt"), "arrow table": _arrow_table, "pandas": _pandas,
    "polars": lambda case, _: _polars(case), "polars lazy": lambda case, _: _polars(case, lazy=True),
    "duckdb relation": _relation, "ibis": _ibis, "duckdb address": _duckdb, "sqlite address": _sqlite,
}  # fmt: skip
SAFE_NAMES = {"sav", "dta", "xpt"}
"""Readers whose tables have plain names of columns."""

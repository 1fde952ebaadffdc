"""Files of one table: found, their columns compared, and read as one; text stays text until a rule has seen it."""

import glob
from collections.abc import Collection
from pathlib import Path
from typing import Any

from cxlink.cohort.errors import InputError
from cxlink.cohort.read.labelled_files import LABELLED, read_labelled
from cxlink.cohort.read.parquet_files import PARQUET, parquet_header, parquet_zones
from cxlink.cohort.read.text_files import decoded, named, read_text, skip_in_text, text_header
from cxlink.cohort.read.workbooks import WORKBOOKS, read_sheet, skip_in_sheet
from cxlink.cohort.read.zones import common_zones, in_own_zones
from cxlink.cohort.spec.skipped_rows import SkipRows
from cxlink.cohort.spec.spec_sections import TableSection

_TEXT = {".csv", ".tsv", ".txt"}
_ARROW = {".arrow", ".feather", ".ipc"}
_KNOWN = _TEXT | _ARROW | PARQUET | WORKBOOKS | LABELLED
_UNPACKED_HERE = {".bz2", ".xz", ".zip"}  # DuckDB unpacks the others
_PACKED = {".gz", ".zst"} | _UNPACKED_HERE
_READ = "Parquet, CSV, Arrow, Excel, SPSS, Stata or SAS"
_SAVE_AS = {
    "save the sheet as CSV UTF-8": {".numbers", ".gsheet"},
    "write it as Parquet or one row a line of CSV": {".json", ".jsonl", ".ndjson", ".xml", ".avro", ".orc"},
}


def find_files(text: str) -> tuple[Path, ...]:
    """Files that a path, a folder or a glob stands for, in order of their names.

    Raises
    ------
    InputError
        If there is none, one is empty or of no known kind, or they are of several.
    """
    if not text.strip():
        raise InputError("table: the path is empty. Give a file, a folder, a glob, or URL::table.")
    path = Path(text)
    if "://" in text:
        raise InputError(
            "table: of an address, give the table too: URL::table. A file on the web is not read: download it first."
        )
    try:
        files = _matching(path, text)
        empty = [file for file in files if file.stat().st_size == 0]
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name[:100]}: cannot be opened ({_why(error)}).") from None
    for file in files:
        if _kind(file) not in _KNOWN:
            ways = (way for way, endings in _SAVE_AS.items() if _kind(file) in endings)
            way = next(ways, "save it as CSV UTF-8 or Parquet")
            raise InputError(f"{file.name}: not a table that can be read. Give {_READ}; {way}.")
    if empty:
        raise InputError(f"{empty[0].name}: the file is empty.")
    if len({"text" if _kind(file) in _TEXT else _kind(file) for file in files}) > 1:
        raise InputError(
            f"{path.name}: files of several kinds. Give one kind at a time, such as '*.parquet'."
        )
    return tuple(files)


def _matching(path: Path, text: str) -> list[Path]:
    if path.is_dir():
        inside = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
        files = [p for p in inside if _kind(p) in _KNOWN]
        if not files:
            raise InputError(f"{path.name}: no {_READ} file in this folder.")
        return files
    if path.exists():
        return [path]
    if not glob.has_magic(text):
        raise InputError(f"{path.name}: no such file.")
    files = sorted(Path(p) for p in glob.glob(text, recursive=True))  # noqa: PTH207 (an absolute glob)
    files = [p for p in files if p.is_file()]
    if not files:
        raise InputError(f"{path.name}: no file matches.")
    return files


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)


def _kind(path: Path) -> str:
    """Its ending, compression aside."""
    suffixes = [s.lower() for s in path.suffixes]
    kind = next((s for s in reversed(suffixes) if s not in _PACKED), "")
    return ".csv" if not kind and suffixes[-1:] == [".zip"] else kind


def read_files(
    engine: Any, files: tuple[Path, ...], options: TableSection, wanted: Collection[str] | None
) -> tuple[Any, tuple[str, ...]]:
    """Read files as one table.

    Parameters
    ----------
    engine : ibis DuckDB backend
        What reads them.
    files : tuple of Path
        All of one kind.
    options : TableSection
        How text is read.
    wanted : collection of str or None
        Columns that matter, where a file has to be held in memory; None for all.

    Returns
    -------
    table : ibis Table
        Their rows, in order.
    columns : tuple of str
        Names of all columns of the files.

    Raises
    ------
    InputError
        If a file cannot be read, names a column twice, or has other columns than the first.
    """
    kind = _kind(files[0])
    if kind in _ARROW:
        return _read_arrow(files, wanted)
    if kind in WORKBOOKS | LABELLED:
        return _read_whole(files, options, wanted)
    headers = [text_header(file, options) if kind in _TEXT else parquet_header(file) for file in files]
    columns = _same_columns(files, [names for names, _ in headers])
    paths = [str(file) for file in files]
    if kind in PARQUET:
        # by name, so that whole numbers in the first file do not round those of the next
        patterns = [glob.escape(path) for path in paths]
        table = engine.read_parquet(
            patterns, union_by_name=True, hive_partitioning=False, binary_as_string=True
        )
        columns = (
            columns if "" not in columns else tuple(table.columns)
        )  # the engine names those without a name
        return in_own_zones(table, parquet_zones(files, wanted)), columns
    # DuckDB reads UTF-8, and takes a line's end inside a name for that of every line
    packed = any(file.suffix.lower() in _UNPACKED_HERE for file in files)
    if packed or options.encoding != "utf-8" or any("\n" in name or "\r" in name for name in columns):
        import ibis

        tables = [decoded(file, header, options, wanted) for file, header in zip(files, headers, strict=True)]
        return ibis.memtable(_joined(tables)), columns
    if len(set(headers)) == 1:
        return read_text(engine, paths, headers[0], options), columns
    tables = [
        read_text(engine, [p], h, options).select(*columns) for p, h in zip(paths, headers, strict=True)
    ]
    return tables[0].union(*tables[1:]), columns


def likely_skip(files: tuple[Path, ...], options: TableSection) -> SkipRows:
    """Lines or rows that are neither the one that names the columns nor customers, in the first of some files.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    kind = _kind(files[0])
    if kind in _TEXT:
        return skip_in_text(files[0], options)
    return skip_in_sheet(files[0], options.sheet) if kind in WORKBOOKS else 0


def _read_arrow(files: tuple[Path, ...], wanted: Collection[str] | None) -> tuple[Any, tuple[str, ...]]:
    import ibis
    import pyarrow as pa

    found = []
    for file in files:
        with pa.memory_map(str(file)) as stream:
            try:
                found.append(pa.ipc.open_file(stream).read_all())
            except pa.ArrowInvalid:
                stream.seek(0)
                found.append(pa.ipc.open_stream(stream).read_all())
    tables = [table.rename_columns(named(table.column_names)) for table in found]
    columns = _same_columns(files, [table.column_names for table in tables])
    names = [name for name in columns if wanted is None or name in wanted]
    zones = common_zones(files, [table.schema for table in tables], names)
    rows = ibis.memtable(_joined([plain(table.select(names)) for table in tables]))
    return in_own_zones(rows, zones), columns


def _read_whole(
    files: tuple[Path, ...], options: TableSection, wanted: Collection[str] | None
) -> tuple[Any, tuple[str, ...]]:
    """Files that are read into memory as a whole: workbooks, and those of statistics packages."""
    import ibis

    tables = [
        read_sheet(file, options) if _kind(file) in WORKBOOKS else read_labelled(file) for file in files
    ]
    columns = _same_columns(files, [table.column_names for table in tables])
    names = [name for name in columns if wanted is None or name in wanted] or list(columns[:1])
    return ibis.memtable(_joined([plain(table.select(names)) for table in tables])), columns


def _joined(tables: list[Any]) -> Any:
    import pyarrow as pa

    first = tables[0].column_names
    return pa.concat_tables([table.select(first) for table in tables], promote_options="permissive")


def plain(table: Any) -> Any:
    """Give an Arrow table columns of types that engines know: categories as their values, small floats larger."""
    import pyarrow as pa

    for i, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(i, field.name, table[i].cast(field.type.value_type))
        elif pa.types.is_float16(field.type):
            table = table.set_column(i, field.name, table[i].cast(pa.float32()))
    return table


def _same_columns(files: tuple[Path, ...], headers: list[Any]) -> tuple[str, ...]:
    for file, names in zip(files, headers, strict=True):
        refuse_twins(file.name, names)
        other = set(names) ^ set(headers[0])
        if other:
            raise InputError(
                f"{file.name}: other columns than {files[0].name} ({min(other)!r} is in one only)."
            )
    return tuple(headers[0])


def refuse_twins(name: str, columns: Collection[str]) -> None:
    """Refuse two columns of one name, capitals aside: engines do not tell them apart.

    Raises
    ------
    InputError
        With the name.
    """
    seen: dict[str, str] = {}
    for column in columns:
        if column.lower() in seen:
            twin = seen[column.lower()]
            also = "" if twin == column else f" (and {column!r}: capitals do not tell columns apart)"
            raise InputError(f"{name}: two columns are called {twin!r}{also}. Rename one.")
        seen[column.lower()] = column

"""Where a table comes from: files, folders, frames in memory, or any engine that Ibis speaks to."""

import csv
import glob
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec import TableSection

_TEXT = {".csv", ".tsv", ".txt"}
_ARROW = {".arrow", ".feather", ".ipc"}
_PARQUET = {".parquet", ".pq"}
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Source:
    """An opened table.

    Attributes
    ----------
    name : str
        What messages call it, without its folder.
    table : ibis Table
        All of its rows.
    files : tuple of Path
        Its files in order; empty for a frame or an engine's table.
    ordered : bool
        Whether rows have an order that the user can see.
    options : TableSection
        How its text is read.
    """

    name: str
    table: Any
    files: tuple[Path, ...]
    ordered: bool
    options: TableSection

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns."""
        return tuple(self.table.columns)

    def parts(self) -> Iterator[tuple[str, Any]]:
        """Give the table file by file, each with the name a message gives it."""
        if len(self.files) < 2:
            yield self.name, self.table
            return
        for path in self.files:
            yield f"{self.name}/{path.name}", _read((path,), self.options)


def open_source(table: Any, options: TableSection) -> Source:
    """Open a table.

    Parameters
    ----------
    table : str, Path, pandas, polars or Arrow table, or Ibis table
        A file, a folder or glob of files, ``URL::table``, or something in memory.
    options : TableSection
        How text is read.

    Raises
    ------
    InputError
        If there is no such table, it is empty or unreadable, or two columns have one name.
    """
    import ibis

    if isinstance(table, ibis.Table):
        return Source("table", table, (), False, options)
    if not isinstance(table, str | Path):
        return Source("table", _in_memory(table), (), True, options)
    text = str(table)
    if "::" in text:
        return Source(text.rsplit("::", 1)[1], _from_engine(text), (), False, options)
    files = _files(text)
    return Source(Path(text).name or text, _read(files, options), files, True, options)


def _in_memory(frame: Any) -> Any:
    import ibis
    import pyarrow as pa

    names = list(getattr(frame, "columns", []) if not isinstance(frame, pa.Table) else frame.column_names)
    _refuse_twins("table", [str(name) for name in names])
    if not names:
        raise InputError("table: no columns. Give a path, a pandas, polars or Arrow table, or an Ibis table.")
    try:
        if isinstance(frame, pa.Table):
            return ibis.memtable(frame)
        frame = frame.reset_index(drop=True).set_axis(names, axis=1) if hasattr(frame, "reset_index") else frame
        return ibis.memtable(frame)
    except Exception as error:
        raise InputError(f"table: cannot be read ({_one_line(error)}).") from None


def _from_engine(text: str) -> Any:
    import ibis

    address, name = text.rsplit("::", 1)
    try:
        return ibis.connect(address).table(name)
    except Exception as error:
        raise InputError(f"{name}: cannot be opened at that address ({_one_line(error)}).") from None


def _files(text: str) -> tuple[Path, ...]:
    path = Path(text)
    known = _TEXT | _ARROW | _PARQUET
    if path.is_dir():
        found = sorted(p for p in path.iterdir() if _kind(p) in known)
        if not found:
            raise InputError(f"{path.name}: no Parquet, CSV or Arrow file in this folder.")
    elif glob.has_magic(text) and not path.exists():
        found = sorted(Path(p) for p in glob.glob(text))
        if not found:
            raise InputError(f"{path.name}: no file matches.")
    else:
        if not path.exists():
            raise InputError(f"{path.name}: no such file.")
        found = [path]
    for file in found:
        if _kind(file) not in known:
            raise InputError(f"{file.name}: not a table that can be read. Give Parquet, CSV or Arrow.")
        try:
            empty = file.stat().st_size == 0
        except OSError as error:
            raise InputError(f"{file.name}: cannot be read ({error.strerror}).") from None
        if empty:
            raise InputError(f"{file.name}: the file is empty.")
    if len({"text" if _kind(file) in _TEXT else _kind(file) for file in found}) > 1:
        raise InputError(f"{path.name}: files of several kinds. Give one kind at a time, such as '*.parquet'.")
    return tuple(found)


def _kind(path: Path) -> str:
    """Its ending, compression aside."""
    suffixes = [s.lower() for s in path.suffixes]
    return next((s for s in reversed(suffixes) if s not in {".gz", ".zst"}), "")


def _read(files: tuple[Path, ...], options: TableSection) -> Any:
    import ibis

    kind = _kind(files[0])
    con = ibis.duckdb.connect()
    paths = [str(file) for file in files]
    name = files[0].name
    try:
        if kind in _TEXT:
            return _read_text(con, files, options)
        if kind in _ARROW:
            return _read_arrow(files)
        _same_columns(files, [_parquet_names(file) for file in files])
        return con.read_parquet(paths)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{name}: cannot be read ({_one_line(error)}).") from None


def _read_text(con: Any, files: tuple[Path, ...], options: TableSection) -> Any:
    headers = [_header(file, options) for file in files]
    _same_columns(files, [names for names, _ in headers])
    return con.read_csv(
        [str(file) for file in files],
        all_varchar=True, header=True, delim=headers[0][1], quote='"', escape='"', encoding=options.encoding,
        nullstr=list(options.missing), strict_mode=True, normalize_names=False,
    )  # fmt: skip


def _header(file: Path, options: TableSection) -> tuple[list[str], str]:
    """Names in the first line of a text file, and its delimiter: the given one, else the commonest there."""
    import gzip

    if file.suffix == ".zst":
        raise InputError(f"{file.name}: text compressed with zstd cannot be read. Unpack it, or use gzip.")
    try:
        opened = gzip.open(file, "rt", encoding=options.encoding) if file.suffix == ".gz" else None
        with opened or file.open(encoding=options.encoding, newline="") as stream:
            line = stream.readline().removeprefix("\ufeff").rstrip("\r\n")
    except (UnicodeError, LookupError):
        raise InputError(
            f"{file.name}: not {options.encoding} text. Set [table] encoding, such as latin-1."
        ) from None
    if not line.strip():
        raise InputError(f"{file.name}: the first line is empty; it must name the columns.")
    delimiter = options.delimiter or max(_DELIMITERS, key=line.count)
    return next(csv.reader([line], delimiter=delimiter)), delimiter


def _read_arrow(files: tuple[Path, ...]) -> Any:
    import ibis
    import pyarrow as pa

    tables = []
    for file in files:
        with pa.memory_map(str(file)) as stream:
            try:
                tables.append(pa.ipc.open_file(stream).read_all())
            except pa.ArrowInvalid:
                stream.seek(0)
                tables.append(pa.ipc.open_stream(stream).read_all())
    _same_columns(files, [table.column_names for table in tables])
    return ibis.memtable(pa.concat_tables([table.select(tables[0].column_names) for table in tables]))


def _parquet_names(file: Path) -> list[str]:
    import pyarrow.parquet as pq

    return list(pq.read_schema(file).names)


def _same_columns(files: tuple[Path, ...], headers: list[list[str]]) -> None:
    for file, names in zip(files, headers, strict=True):
        _refuse_twins(file.name, names)
        if set(names) != set(headers[0]):
            other = sorted(set(names) ^ set(headers[0]))[0]
            raise InputError(f"{file.name}: other columns than {files[0].name} ({other!r} is in one only).")


def _refuse_twins(name: str, names: list[str]) -> None:
    twins = sorted({n for n in names if names.count(n) > 1})
    if twins:
        raise InputError(f"{name}: two columns are called {twins[0]!r}. Rename one.")


def _one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else error.__class__.__name__)[:200].rstrip(".")

"""Sheets of Excel and OpenDocument workbooks as Arrow tables: numbers, dates and text as the cells hold them."""

import datetime
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cxlink.cohort.errors import InputError
from cxlink.cohort.read.header_place import LOOKED_AT, refuse_unsaid, rows_to_skip, way_to_header
from cxlink.cohort.spec.skipped_rows import SkipRows
from cxlink.cohort.spec.spec_sections import TableSection

WORKBOOKS = {".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"}
_EXACT = 2**53


def read_sheet(file: Path, options: TableSection) -> Any:
    """Read a sheet whose first row names the columns: the one named, else the first that holds anything.

    Raises
    ------
    InputError
        If there is no such sheet, or it is empty.
    """
    shown, name, rows = _filled_sheet(file, options.sheet)
    likely, (above, below) = _skip_in(rows), options.around_header
    if options.skip_rows is None:
        refuse_unsaid(shown, likely)
    left = rows[above:] if below else _from_first(rows[above:])
    if not left or not any(cell != "" for cell in left[0]):
        what = f"row {above + 1:,} is empty" if left else f"no row is filled below row {above:,}"
        raise InputError(
            f"{shown}: {what}, and must name the columns. {way_to_header(options.skip_rows or 0, likely)}"
        )
    return _table(file, name, [left[0], *left[1 + below :]], options.missing_anywhere)


def skip_in_sheet(file: Path, sheet: str | None) -> SkipRows:
    """Rows of a sheet that are neither the one that names its columns nor customers, where there are such.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    return _skip_in(_filled_sheet(file, sheet)[2])


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """Open a workbook, and tell in one line what cannot be read of it."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        yield CalamineWorkbook.from_path(str(file))
    except CalamineError as error:
        raise InputError(f"{file.name}: cannot be read ({error}).") from None


def _filled_sheet(file: Path, sheet: str | None) -> tuple[str, str, list[list[Any]]]:
    """What messages call the sheet, its name and its rows: the one named, else the first that holds anything."""
    with _opened(file) as book:
        names = list(book.sheet_names)
        if sheet is not None and sheet not in names:
            raise InputError(
                f"{file.name}: no sheet {sheet!r}. It has: {', '.join(names[:12])}. Set [table] sheet."
            )
        for name in [sheet] if sheet is not None else names:
            rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            if _from_first(rows):
                return f"{file.name}, sheet {name!r}" if len(names) > 1 else file.name, name, rows
    raise InputError(f"{file.name}: {f'the sheet {sheet!r}' if sheet else 'every sheet'} is empty.")


def _from_first(rows: list[list[Any]]) -> list[list[Any]]:
    """Rows from the first one on in which a cell is filled."""
    first = next((i for i, row in enumerate(rows) if any(cell != "" for cell in row)), len(rows))
    return rows[first:]


def _skip_in(rows: list[list[Any]]) -> SkipRows:
    """Rows to skip, where there is more above the header than blank rows, which are skipped anyway, or any below it."""
    blank = len(rows) - len(_from_first(rows))
    skip = rows_to_skip(rows[blank : blank + LOOKED_AT])
    if isinstance(skip, tuple):
        return (*range(1, blank + 1), *(blank + row for row in skip))
    return blank + skip if skip else 0


def sheets_of(file: Path) -> tuple[str, ...]:
    """Names of a workbook's sheets, that with the most cells first: pivots and dictionaries often stand before it.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    with _opened(file) as book:
        sheets = {name: book.get_sheet_by_name(name) for name in book.sheet_names}
    return tuple(sorted(sheets, key=lambda name: -sheets[name].height * sheets[name].width))


def _table(file: Path, sheet: str, rows: Sequence[Sequence[Any]], missing: Collection[str]) -> Any:
    import pyarrow as pa

    header, *below = rows
    columns = [
        [None if _is_empty(cell, missing) else cell for cell in column] for column in zip(*below, strict=True)
    ]
    columns = columns or [[] for _ in header]
    named = [str(_text(name) or "").strip() for name in header]
    if not any(named):
        raise InputError(f"{file.name}: the first row of {sheet!r} is empty; it must name the columns.")
    used = [i for i, name in enumerate(named) if name or any(cell is not None for cell in columns[i])]
    # pa.table would take a mapping, in which two columns of one name are one
    return pa.table([_array(columns[i]) for i in used], names=[named[i] or f"unnamed_{i}" for i in used])


def _is_empty(cell: Any, missing: Collection[str]) -> bool:
    return isinstance(cell, str) and (cell == "" or cell in missing)


def _array(cells: Sequence[Any]) -> Any:
    """One column: of numbers, truths or days where all cells are, else of text."""
    import pyarrow as pa

    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds and kinds <= {int, float}:
        whole = all(cell is None or (float(cell).is_integer() and abs(cell) < _EXACT) for cell in cells)
        kind = pa.int64() if whole else pa.float64()
        return pa.array([None if c is None else int(c) if whole else float(c) for c in cells], kind)
    if kinds == {bool}:
        return pa.array(cells, pa.bool_())
    if kinds and kinds <= {datetime.datetime, datetime.date}:
        moments = [_moment(cell) for cell in cells]
        if all(moment is None or moment.time() == datetime.time() for moment in moments):
            return pa.array([None if moment is None else moment.date() for moment in moments], pa.date32())
        return pa.array(moments, pa.timestamp("us"))
    return pa.array([_text(cell) for cell in cells], pa.string())


def _moment(cell: Any) -> datetime.datetime | None:
    if cell is None or isinstance(cell, datetime.datetime):
        return cell
    return datetime.datetime(cell.year, cell.month, cell.day)


def _text(cell: Any) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT:
        return str(int(cell))
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    return str(cell)

"""Sheets of Excel and OpenDocument workbooks as Arrow tables: numbers, dates and text as the cells hold them."""

import datetime
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from cxlink.cohort.errors import InputError
from cxlink.cohort.read.header_place import LOOKED_AT, refuse_title, rows_above
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
    from python_calamine import CalamineWorkbook

    sheet = options.sheet
    book = CalamineWorkbook.from_path(str(file))
    names = list(book.sheet_names)
    if sheet is not None and sheet not in names:
        raise InputError(
            f"{file.name}: no sheet {sheet!r}. It has: {', '.join(names[:12])}. Set [table] sheet."
        )
    for name in [sheet] if sheet is not None else names:
        rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        if options.skip_rows is None:
            refuse_title(f"{file.name}, sheet {name!r}" if len(names) > 1 else file.name, _above(rows))
        rows = _from_first(rows[options.skip_rows or 0 :])
        if rows:
            return _table(file, name, rows, options.missing_anywhere)
    raise InputError(f"{file.name}: {f'the sheet {sheet!r}' if sheet else 'every sheet'} is empty.")


def lines_above_in(file: Path, sheet: str | None) -> int:
    """Number of rows of a sheet above the one that names its columns, where a title is among them.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(file))
        names = [sheet] if sheet is not None and sheet in book.sheet_names else book.sheet_names
        sheets = (book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in names)
        return next((_above(rows) for rows in sheets if rows), 0)
    except CalamineError as error:
        raise InputError(f"{file.name}: cannot be read ({error}).") from None


def _from_first(rows: list[list[Any]]) -> list[list[Any]]:
    """Rows from the first one on in which a cell is filled."""
    first = next((i for i, row in enumerate(rows) if any(cell != "" for cell in row)), len(rows))
    return rows[first:]


def _above(rows: list[list[Any]]) -> int:
    """Rows above the header, where there is more above it than blank rows, which are always skipped."""
    blank = len(rows) - len(_from_first(rows))
    title = rows_above(rows[blank : blank + LOOKED_AT])
    return blank + title if title else 0


def sheets_of(file: Path) -> tuple[str, ...]:
    """Names of a workbook's sheets, that with the most cells first: pivots and dictionaries often stand before it.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        book = CalamineWorkbook.from_path(str(file))
        sheets = {name: book.get_sheet_by_name(name) for name in book.sheet_names}
    except CalamineError as error:
        raise InputError(f"{file.name}: cannot be read ({error}).") from None
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

"""A stored table: what the package reads of it, and the cells as they stand there."""

import datetime
from collections.abc import Callable, Collection, Mapping
from typing import Any

import pyarrow as pa

Columns = dict[str, list[Any]]


MISSING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")


def missing_of(keys: Mapping[str, Any]) -> Collection[str]:
    """Text that is an empty cell in every column."""
    listed: Any = keys.get("missing", MISSING)
    found: Collection[str] = listed.get("*", MISSING) if isinstance(listed, dict) else listed
    return found


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


def of_one_type(cells: list[Any]) -> list[Any]:
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
    return {name: of_one_type(cells) for name, cells in columns.items()}


def twinned(case: Any) -> tuple[pa.Table, Columns]:
    """A table with a second column of an existing name, where the case has one."""
    columns = typed(case.columns)
    table = arrow_of(columns)
    return (table.append_column(case.twin, table[case.twin]) if case.twin else table), columns

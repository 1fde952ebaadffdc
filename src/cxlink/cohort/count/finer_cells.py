"""Rows grouped once for every table that is made of them: cells finer than the cohort's, rolled up to each.

What a second table divides rows by (further scores; follow-up that ends at the next survey) is a key more of the one
group-by. Numbers of rows are whole, so that sums of finer cells are those of the cells, to the last digit; sums of
amounts are rounded once a cell, and where there are any each table is grouped by itself.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from cxlink.cohort.count.clusters import with_bucket_column
from cxlink.cohort.count.equal_rows import arrow_codes, numbered_rows
from cxlink.cohort.count.grouping import MOST_CELLS, raw_cells
from cxlink.cohort.count.other_columns import other_keys
from cxlink.cohort.count.row_expressions import prepare
from cxlink.cohort.count.survey_history import cut_at_next
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec

TOTALS = {"n": "sum", "share": "sum", "rounded": "sum", "words": "max", "labels": "max"} | {
    "surveys_sum": "sum", "surveys_max": "max",
}  # fmt: skip
"""Columns of a cell that are no keys, and how those of several cells become one."""
_UNTIL = "until."
_OF_ALL = ("fault", "wave", "twice", "touchpoint", "member")
"""Keys that follow-up to the next survey is not counted by."""


def cells_with_finer(source: Source, spec: CohortSpec) -> tuple[pa.Table, pa.Table | None]:
    """Group rows into raw cells, by way of finer ones where a second table needs them.

    Returns
    -------
    raw : Arrow table
        As `grouping.raw_cells` gives them.
    finer : Arrow table or None
        The same rows by further keys too: those of `other_keys`, or ``until.*``, times where follow-up ends at the next
        survey. None where there is no second table, amounts are added up, or there would be too many finer cells.
    """
    if spec.spend is not None or spec.control is not None or not (spec.others or spec.every_survey):
        return raw_cells(source, spec), None
    source = with_bucket_column(source, spec)
    made, further = _cut_times(source, spec) if spec.every_survey else (source, other_keys(source, spec))
    finer = raw_cells(made, spec, further=further)
    if finer.num_rows > MOST_CELLS:
        return raw_cells(source, spec), None
    return rolled_up(finer.drop_columns(list(further))), finer


def _cut_times(source: Source, spec: CohortSpec) -> tuple[Source, dict[str, Any]]:
    """Give the table with each survey's last day of follow-up, and the keys of time that follow from it."""
    made, cut = cut_at_next(source, spec)
    sub = spec.subscription
    own, times = prepare(made, cut).keys, ("exit", "lost") if sub and sub.dated else ("follow",)
    return made, {f"{_UNTIL}{name}": own[name] for name in times}


def until_next(source: Source, spec: CohortSpec, finer: pa.Table | None) -> pa.Table:
    """Raw cells of surveys, each followed to the customer's next one at most.

    Parameters
    ----------
    source : Source
        With the history of `survey_history.with_history`.
    spec : CohortSpec
        Its spec.
    finer : Arrow table or None
        As `cells_with_finer` gives them; without them the rows are grouped once more.
    """
    if finer is None:
        made, cut = cut_at_next(source, spec)
        return raw_cells(made, cut, ignoring=("fault", "wave", "twice"))
    own = [name for name in finer.column_names if name.startswith(_UNTIL)]
    times = {name.removeprefix(_UNTIL): finer[name] for name in own}
    gone = {*own, *times, *_OF_ALL}
    cells = finer.select([name for name in finer.column_names if name not in gone])
    for name, values in times.items():
        cells = cells.append_column(name, values)
    return rolled_up(cells)


def rolled_up(cells: pa.Table) -> pa.Table:
    """Add cells of equal keys up: every column but those of `TOTALS` is a key."""
    totals = {name: how for name, how in TOTALS.items() if name in cells.column_names}
    keys = [name for name in cells.column_names if name not in totals]
    number = numbered_rows(arrow_codes(cells[name]) for name in keys)
    _, first, group = np.unique(number, return_index=True, return_inverse=True)
    added = cells.select(keys).take(first)
    for name, how in totals.items():
        added = added.append_column(name, _of_groups(cells[name], group, len(first), how))
    return added


def _of_groups(column: pa.ChunkedArray, group: np.ndarray, n_groups: int, how: str) -> pa.Array:
    """Sum or maximum of a column in each group of rows."""
    if pa.types.is_integer(column.type):
        values = column.to_numpy()
        made = np.zeros(n_groups, values.dtype)  # a number of rows or of surveys is at least 0
        (np.add if how == "sum" else np.maximum).at(made, group, values)
        return pa.array(made, column.type)
    by_group = pa.table({"value": column, "group": group}).group_by("group").aggregate([("value", how)])
    return by_group.sort_by("group")[f"value_{how}"].combine_chunks()

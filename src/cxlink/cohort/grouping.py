"""The one query whose cost grows with the table: rows grouped into raw cells."""

import math
from typing import Any

import pyarrow as pa

from cxlink.cohort import amounts
from cxlink.cohort.prepare import Prepared, prepare
from cxlink.cohort.source import Source
from cxlink.cohort.spec import CohortSpec

MOST_CELLS = 5_000_000


def raw_cells(source: Source, spec: CohortSpec, ignoring: tuple[str, ...] = ()) -> pa.Table:
    """Group rows by every key and add their spend up.

    Parameters
    ----------
    source : Source
        The table.
    spec : CohortSpec
        What it holds.
    ignoring : tuple of str
        Keys to group without.

    Returns
    -------
    Arrow table
        One row a cell, at most one more than `MOST_CELLS`: the keys of `prepare.Prepared`, ``n``, and with spend
        ``spend_n`` (rows whose window is complete), ``spend_known`` (of these, those with an amount), ``spend_zero``,
        ``use_min`` (the least of ``use``, where it is read from a column) and the sums of `amounts.sums`.
    """
    if spec.spend is None:
        return _grouped(source, spec, amounts.USUAL_TOP, ignoring)
    known = source.largest(spec.spend.column) if spec.spend.column in source.columns else None
    top = amounts.top_for(known)
    cells = _grouped(source, spec, top, ignoring)
    y = prepare(source, spec).y
    if y is None or not _unusual(cells):
        return cells
    exact = amounts.top_for(source.run(y.abs().max()).as_py())
    return cells if exact == top else _grouped(source, spec, exact, ignoring)


def _grouped(source: Source, spec: CohortSpec, top: float, ignoring: tuple[str, ...]) -> pa.Table:
    prepared = prepare(source, spec, top)
    keys = {name: key for name, key in prepared.keys.items() if name not in ignoring}
    given = {"use": prepared.use, "y": prepared.y}
    rows = source.table.select(**keys, **{name: value for name, value in given.items() if value is not None})
    totals = {"n": rows.count(), **_totals(rows, prepared, spec, top, source.engine.name == "duckdb")}
    return source.run(rows.group_by(list(keys)).aggregate(**totals).limit(MOST_CELLS + 1))


def _totals(rows: Any, prepared: Prepared, spec: CohortSpec, top: float, wide: bool) -> dict[str, Any]:
    if prepared.y is None:
        return {}
    totals = {"spend_n": rows.count(), "spend_known": rows.y.count()}
    if prepared.use is not None:
        totals |= {"spend_n": rows.use.sum(), "use_min": rows.use.min()}
    if spec.spend is not None and spec.spend.refunds:
        zero = (rows.y == 0).cast("int64").sum().coalesce(0)
    else:
        zero = rows.y.count() - amounts.log_of(rows.y).count()  # the log is at hand; another test of y is not
    return totals | {"spend_zero": zero} | amounts.sums(rows.y, top, wide)


def _unusual(cells: pa.Table) -> bool:
    """Whether amounts may be larger than was guessed, or all so small that digits are lost."""
    known, complete = (int(sum(cells[name].to_pylist())) for name in ("spend_known", "spend_n"))
    squares = math.fsum(value for value in cells["spend_sum_sq"].to_pylist() if value is not None)
    return known < complete or 0 < squares < known

"""The one query whose cost grows with the table: rows grouped into raw cells."""

import math
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from cxlink.cohort.count import amounts
from cxlink.cohort.count.row_expressions import Prepared, prepare
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec

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
        ``use_min`` (the least of ``use``, where it is read from a column) and the sums of `amounts.sums`; with a
        negative control ``control_given`` (rows that hold anything), ``control_n`` (of these, those with a number) and
        `amounts.moments`; with a column of margin ``margin_n`` (of ``spend_known``, those with a margin) and its
        moments.
    """
    columns = (
        spec.spend.column if spec.spend else "",
        spec.control.column if spec.control else "",
        spec.margin_column or "",
    )
    guessed = _tops(source.largest(name) if name in source.columns else None for name in columns)
    cells = _grouped(source, spec, guessed, ignoring)
    unusual = (
        _unusual(cells, "spend_n", "spend_known", "spend_sum_sq")
        or _unusual(cells, "control_given", "control_n", "control_sum_sq")
        or _unusual(cells, "spend_known", "margin_n", "margin_sum_sq")
    )
    if not unusual:
        return cells
    prepared = prepare(source, spec)
    largest = (
        None if x is None else source.run(x.abs().max()).as_py()
        for x in (prepared.y, prepared.control, prepared.margin)
    )  # fmt: skip
    exact = _tops(largest)
    return cells if exact == guessed else _grouped(source, spec, exact, ignoring)


def _tops(largest: Iterable[float | None]) -> tuple[float, ...]:
    """Bounds of spend, of the negative control and of margin."""
    return tuple(amounts.top_for(one) for one in largest)


def _grouped(
    source: Source, spec: CohortSpec, tops: tuple[float, ...], ignoring: tuple[str, ...]
) -> pa.Table:
    prepared = prepare(source, spec, *tops)
    keys = {name: key for name, key in prepared.keys.items() if name not in ignoring}
    read = {
        "use": prepared.use, "y": prepared.y, "given": prepared.given, "control": prepared.control,
        "margin": prepared.margin,
    }  # fmt: skip
    rows = source.table.select(**keys, **{name: value for name, value in read.items() if value is not None})
    wide = source.engine.name == "duckdb"
    totals = {"n": rows.count(), **_totals(rows, prepared, spec, tops[0], wide)}
    if prepared.control is not None:
        totals |= {"control_given": rows.given.cast("int64").sum(), "control_n": rows.control.count()}
        totals |= amounts.moments(rows.control, tops[1], wide)
    if prepared.margin is not None:
        totals |= {"margin_n": rows.margin.count(), **amounts.moments(rows.margin, tops[2], wide, "margin")}
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


def _unusual(cells: pa.Table, nonempty: str, numeric: str, squares: str) -> bool:
    """Whether amounts may be larger than was guessed, or all so small that digits are lost."""
    if numeric not in cells.column_names:
        return False
    n_numeric, n_nonempty = (int(sum(cells[name].to_pylist())) for name in (numeric, nonempty))
    total = math.fsum(value for value in cells[squares].to_pylist() if value is not None)
    return n_numeric < n_nonempty or 0 < total < n_numeric

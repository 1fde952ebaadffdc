"""The one query whose cost grows with the table: rows grouped into raw cells."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cxlink.cohort.count import amounts
from cxlink.cohort.count.clusters import with_bucket_column
from cxlink.cohort.count.row_expressions import Prepared, prepare
from cxlink.cohort.read.columns import as_one
from cxlink.cohort.read.shared_steps import select_once
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec

MOST_CELLS = 5_000_000
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def raw_cells(
    source: Source, spec: CohortSpec, ignoring: tuple[str, ...] = (), further: Mapping[str, Any] = _NOTHING
) -> pa.Table:
    """Group rows by every key and add their spend up.

    Parameters
    ----------
    source : Source
        The table.
    spec : CohortSpec
        What it holds.
    ignoring : tuple of str
        Keys to group without.
    further : mapping of str to ibis column
        Keys to group by beside those of `prepare.Prepared`.

    Returns
    -------
    Arrow table
        One row a cell, at most one more than `MOST_CELLS`: the keys of `prepare.Prepared`, ``n``, and with spend
        ``spend_n`` (rows whose window is complete and whose spend is given), ``spend_lacking`` (those whose spend is
        not), ``spend_known`` (of the former, those with an amount), ``spend_zero``,
        ``use_min`` (the least of ``use``, where it is read from a column) and the sums of `amounts.sums`; with a
        negative control ``control_given`` (rows that hold anything), ``control_n`` (of these, those with a number) and
        `amounts.moments`; with a column of margin ``margin_n`` (of ``spend_known``, those with a margin) and its
        moments; ``words`` and ``labels``, the last word of its events and label of its scores by the alphabet, where
        they are given so; ``rounded``, the rows whose score is rounded; ``share``, the sum of their `survey_share`,
        ``surveys_sum`` and ``surveys_max`` of `surveys_of_customer`.
    """
    usual = (amounts.USUAL_TOP,) * len(_AMOUNTS)
    cells = None if _says_large(source, spec) else _grouped(source, spec, usual, ignoring, further)
    if cells is not None and not any(_unusual(cells, *names) for names in _AMOUNTS):
        return cells
    exact = _tops(source, spec)
    if cells is not None and exact == usual:
        return cells
    return _grouped(source, spec, exact, ignoring, further)


_AMOUNTS = (
    ("spend_n", "spend_known", "spend_sum_sq"),
    ("control_given", "control_n", "control_sum_sq"),
    ("spend_known", "margin_n", "margin_sum_sq"),
)
"""Of spend, the negative control and margin: the rows that hold anything, those with a number, and Σ of squares."""


def _says_large(source: Source, spec: CohortSpec) -> bool:
    """Whether a file itself says that an amount may be larger than usual: then no pass is made in vain."""
    columns = (spec.spend and spec.spend.column, spec.control and spec.control.column, spec.margin_column)
    sizes = (source.largest(name) for name in columns if name is not None and name in source.columns)
    return any(size is not None and size > amounts.USUAL_TOP for size in sizes)


def _tops(source: Source, spec: CohortSpec) -> tuple[float, ...]:
    """Bounds of spend, of the negative control and of margin.

    A matter of the amounts that count alone, so that any reader of them gives the same digits: the usual bound, unless
    the largest is over it or under 1.
    """
    prepared = prepare(source, spec)
    columns = {"y": prepared.y, "control": prepared.control, "margin": prepared.margin}
    sizes = {name: x.abs().max() for name, x in columns.items() if x is not None}
    largest = source.run(source.table.aggregate(**sizes)).to_pylist()[0]  # one pass for all of them
    return tuple(
        amounts.top_for(size if size and not 1 <= size <= amounts.USUAL_TOP else None)
        for size in map(largest.get, columns)
    )


def _grouped(
    source: Source,
    spec: CohortSpec,
    tops: tuple[float, ...],
    ignoring: tuple[str, ...],
    further: Mapping[str, Any],
) -> pa.Table:
    source = with_bucket_column(source, spec)
    prepared = prepare(source, spec, *tops)
    keys = {name: key for name, key in {**prepared.keys, **further}.items() if name not in ignoring}
    read = {
        "use": prepared.use, "y": prepared.y, "given": prepared.given, "control": prepared.control,
        "margin": prepared.margin, "words": prepared.words, "labels": prepared.labels, "rounded": prepared.rounded,
        "filled": prepared.filled, "share": prepared.share, "surveys": prepared.surveys,
    }  # fmt: skip
    values = keys | {name: value for name, value in read.items() if value is not None}
    rows = select_once(source.table, values)
    engine = source.engine.name
    if prepared.y is not None:  # apart, so that a row's logarithm is taken once
        rows = rows.mutate(log=amounts.whole_log(rows.y, engine)).view()
    totals = {"n": rows.count(), **_totals(rows, prepared, tops[0], engine)}
    if prepared.control is not None:
        totals |= {"control_given": as_one(rows.given).sum(), "control_n": rows.control.count()}
        totals |= amounts.moments(rows.control, tops[1], engine)
    if prepared.margin is not None:
        totals |= {"margin_n": rows.margin.count(), **amounts.moments(rows.margin, tops[2], engine, "margin")}
    for said in ("words", "labels"):
        if getattr(prepared, said) is not None:
            totals[said] = rows[said].max()
    if prepared.share is not None:
        totals["share"] = rows.share.sum().cast("int64")
        totals |= {
            "surveys_sum": rows.surveys.sum().cast("int64"),
            "surveys_max": rows.surveys.max().cast("int64"),
        }
    if prepared.rounded is not None:
        totals["rounded"] = as_one(rows.rounded).sum()
    return source.run(rows.group_by(list(keys)).aggregate(**totals).limit(MOST_CELLS + 1))


def _totals(rows: Any, prepared: Prepared, top: float, engine: str) -> dict[str, Any]:
    if prepared.y is None:
        return {}
    lacking = rows.count() - rows.filled.count()
    complete = rows.count() if prepared.use is None else rows.use.sum()
    totals = {"spend_n": complete - lacking, "spend_lacking": lacking, "spend_known": rows.y.count()}
    if prepared.use is not None:
        totals["use_min"] = rows.use.min()
    return totals | {"spend_zero": as_one(rows.y == 0).sum()} | amounts.sums(rows.y, top, engine, rows.log)


def _unusual(cells: pa.Table, nonempty: str, numeric: str, squares: str) -> bool:
    """Whether amounts may be larger than the usual bound, or all under 1, where digits would be lost."""
    if numeric not in cells.column_names:
        return False
    n_numeric, n_nonempty = (pc.sum(cells[name]).as_py() or 0 for name in (numeric, nonempty))
    total = math.fsum(value for value in cells[squares].to_pylist() if value is not None)
    return n_numeric < n_nonempty or total < n_numeric

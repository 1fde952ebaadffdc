"""One more group-by, for metrics: rows by score, segment and calendar period, with the sums that ratios are made of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from cxlink.cohort.count import amounts
from cxlink.cohort.count.coding import category_names
from cxlink.cohort.count.grouping import MOST_CELLS
from cxlink.cohort.count.metric_expressions import FLOWS, MetricRows, metric_rows, segment_columns
from cxlink.cohort.count.metric_sums import SUMS, totals
from cxlink.cohort.count.mix import MISSING
from cxlink.cohort.errors import InputError
from cxlink.cohort.read.columns import BAD
from cxlink.cohort.read.shared_steps import select_once
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec

_MOST_LEVELS = 50
_SORTED = ("score", "period", "signed", "bucket", *FLOWS)


def raw_metrics(source: Source, spec: CohortSpec) -> pa.Table | None:
    """Group rows by score, segment, touchpoint, member and period, and add up what metrics divide; None without any.

    Returns
    -------
    Arrow table or None
        The keys of `MetricRows`, ``n``, ``bad.*`` (rows that break a rule) and, of each amount, ``NAME.n`` (rows that
        have one) and ``NAME.`` with each of `SUMS`.

    Raises
    ------
    InputError
        If a column that the spec names is not there, a segment has too many categories, or all of them together make
        too many cells.
    """
    if spec.metrics is None:
        return None
    rows = metric_rows(source, spec)
    read = {**rows.keys, **{f"bad.{name}": wrong for name, wrong in rows.bad.items()}}
    sides = {f"{name}.above": above for name, (above, _) in rows.amounts.items()}
    sides |= {f"{name}.below": below for name, (_, below) in rows.amounts.items() if below is not None}
    table = select_once(source.table, {**read, **sides})
    tops = _sizes(source, table, spec, list(sides))
    sums = {"n": table.count()} | {f"bad.{name}": table[f"bad.{name}"].sum() for name in rows.bad}
    sums |= _sums(table, rows, tops, source.engine.name)
    return _limited(source, table.group_by(list(rows.keys)).aggregate(**sums), spec)


def _sizes(source: Source, table: Any, spec: CohortSpec, sides: Sequence[str]) -> dict[str, float]:
    """Bounds of each metric's two sides; segments of many categories are refused: ids, amounts, free text."""
    segments = {name: f"segment.{name}" for name in segment_columns(spec)}
    looks = {side: table[side].abs().max() for side in sides} | {
        column: table[column].nunique() for column in segments.values()
    }
    if not looks:
        return {}
    row = source.run(table.aggregate(**looks)).to_pylist()[0]
    for name, column in segments.items():
        if row[column] > _MOST_LEVELS:
            raise InputError(
                f"{source.name}: {name} has {row[column]:,} values; a segment may have "
                f"{_MOST_LEVELS}. Group them, or leave it out of [metrics] segments."
            )
    return {side: amounts.top_for(row[side]) for side in sides}


def _sums(table: Any, rows: MetricRows, tops: dict[str, float], engine: str) -> dict[str, Any]:
    """Exact sums of each metric's two sides, in steps that fit the largest amount of each."""
    sums: dict[str, Any] = {}
    for name, (_, below) in rows.amounts.items():
        x, top = table[f"{name}.above"], tops[f"{name}.above"]
        sums |= {f"{name}.n": x.count(), f"{name}.x": amounts.exact_sum(x, top, engine)}
        sums[f"{name}.xx"] = amounts.exact_sum(amounts.product(x, x, engine), top**2, engine)
        if below is not None:
            w, bound = table[f"{name}.below"], tops[f"{name}.below"]
            sums[f"{name}.w"] = amounts.exact_sum(w, bound, engine)
            sums[f"{name}.ww"] = amounts.exact_sum(amounts.product(w, w, engine), bound**2, engine)
            sums[f"{name}.xw"] = amounts.exact_sum(amounts.product(x, w, engine), top * bound, engine)
    return sums


def raw_flows(source: Source, spec: CohortSpec) -> pa.Table | None:
    """Group rows by the calendar periods of joining, being asked and leaving, and by segment; None without signups."""
    if spec.metrics is None:
        return None
    rows = metric_rows(source, spec)
    if not rows.flows:
        return None
    keys = {name: key for name, key in rows.keys.items() if name not in ("score", "period", "signed")}
    table = select_once(source.table, {**rows.flows, **keys})
    return _limited(source, table.group_by([*FLOWS, *keys]).aggregate(n=table.count()), spec)


def _limited(source: Source, grouped: Any, spec: CohortSpec) -> pa.Table:
    cells: pa.Table = source.run(grouped.limit(MOST_CELLS + 1))
    if cells.num_rows > MOST_CELLS:
        longer = " or a longer [metrics] period" if spec.metrics and spec.metrics.period != "year" else ""
        raise InputError(
            f"{source.name}: more than {MOST_CELLS:,} cells of metrics. Name fewer [metrics] segments{longer}."
        )
    return cells


def metric_counts(raw: pa.Table | None, flows: pa.Table | None, spec: CohortSpec) -> pd.DataFrame:
    """Collapse what was grouped into the small table that is kept; see `metric_counts.COLUMNS`.

    Parameters
    ----------
    raw, flows : Arrow table or None
        As `raw_metrics` and `raw_flows` give them.
    spec : CohortSpec
        Its calendar and segments.
    """
    pieces: list[pd.DataFrame] = []
    if raw is not None:
        cells = _labelled(raw)
        score = cells["score"] if "score" in cells else pd.Series(pd.NA, index=cells.index)
        cells["score"] = score.astype("Float64").astype("Int64")
        of_contracts = cells.assign(
            period=_period_names(cells, "signed" if "signed" in cells else "period", spec)
        )
        cells["period"] = _period_names(cells, "period", spec)
        sums = [name for name in cells.columns if not name.startswith("segment.")]
        names = [name.removesuffix(".n") for name in sums if name.endswith(".n")]
        pieces.append(_answers(cells, "answers", "n"))
        for name in names:
            pieces.append(_answers(of_contracts if name.startswith("contract") else cells, name, f"{name}.n"))
    if flows is not None:
        pieces += _flow_counts(_labelled(flows), spec)
    return totals(_by_variable(pieces))


def _labelled(raw: pa.Table) -> pd.DataFrame:
    """Keys as text, categories by their names, members as yes and no; sorted, so that sums are taken in one order."""
    frame = raw.to_pandas()
    for name in raw.column_names:
        if name.startswith("segment.") or name == "touchpoint":
            frame[name] = category_names(raw[name])
    if "member" in frame:
        frame["member"] = frame["member"].map({1: "yes", 0: "no", BAD: MISSING}).fillna(MISSING)
    keys = [name for name in frame.columns if name in _SORTED or name in _variables(frame)]
    # two ways of writing a category are one: what is left then decides the order
    ordered: pd.DataFrame = frame.sort_values([*keys, *(name for name in frame.columns if name not in keys)])
    return ordered


def _answers(cells: pd.DataFrame, of: str, n: str) -> pd.DataFrame:
    """Give the customers and sums of one metric, by all keys."""
    keys = ["score", "period", *_variables(cells), *_bucket(cells)]
    frame = cells[keys].assign(of=of, n=cells[n].fillna(0).astype("int64"))
    for name in SUMS:
        column = f"{of}.{name}"
        frame[name] = cells[column].astype("float64").fillna(0.0) if column in cells else 0.0
    answered: pd.DataFrame = frame[frame["n"] > 0]
    return answered


def _variables(cells: pd.DataFrame) -> list[str]:
    return [c for c in cells.columns if c in ("touchpoint", "member") or c.startswith("segment.")]


def _bucket(cells: pd.DataFrame) -> list[str]:
    return ["bucket"] if "bucket" in cells else []


def _by_variable(pieces: list[pd.DataFrame]) -> list[pd.DataFrame]:
    """Give each piece once for everybody, and once for each variable that tells customers apart."""
    parts = []
    for piece in pieces:
        keys = ["of", "variable", "level", "period", "score", *_bucket(piece)]
        for variable in ("", *_variables(piece)):
            level = piece[variable] if variable else ""
            part = piece.assign(variable=variable.removeprefix("segment."), level=level)
            parts.append(part[[*keys, "n", *SUMS]])
    return parts


def _flow_counts(cells: pd.DataFrame, spec: CohortSpec) -> list[pd.DataFrame]:
    """Customers at the start and the end of each calendar period, lost and joined in it."""
    tables: list[pd.DataFrame] = []
    for clock, start in (("signup", "joined"), ("survey", "asked")):
        dated = cells[cells[start].notna() & cells["until"].notna()]
        dated = dated[~(dated["left"] < dated[start])]
        if (
            dated["left"].min() <= dated["until"].max()
        ):  # not where nobody is lost, or only after what is observed
            tables.append(_through_time(dated, clock, start, spec))
    return tables


def _through_time(dated: pd.DataFrame, clock: str, start: str, spec: CohortSpec) -> pd.DataFrame:
    """The cells of each period from the first loss on, once for each thing that they are counted as."""
    since, left = dated[start].to_numpy(float), dated["left"].fillna(np.inf).to_numpy(float)
    until = dated["until"].to_numpy(float)
    rows, of, periods = [], [], []
    for period in range(int(dated["left"].min()), int(until.max()) + 1):
        seen = until >= period
        inside = {
            "start": seen & (since < period) & (left >= period), "lost": seen & (since < period) & (left == period),
            "joined": seen & (since == period), "joined_end": seen & (since == period) & (left > period),
            "end": seen & (since <= period) & (left > period),
        }  # fmt: skip
        rows += [np.flatnonzero(chosen) for chosen in inside.values()]
        of += [f"{clock}.{name}" for name in inside]
        periods += [_name(period, spec)] * len(inside)
    size = [len(chosen) for chosen in rows]
    frame = dated[[*_variables(dated), *_bucket(dated), "n"]].iloc[np.concatenate(rows)]
    frame = frame.assign(of=np.repeat(of, size), period=np.repeat(periods, size), **dict.fromkeys(SUMS, 0.0))
    return frame.assign(score=pd.array([pd.NA] * len(frame), dtype="Int64"))


def _period_names(cells: pd.DataFrame, column: str, spec: CohortSpec) -> list[str]:
    if column not in cells:
        return [""] * len(cells)
    return ["" if pd.isna(period) else _name(int(period), spec) for period in cells[column]]


def _name(period: int, spec: CohortSpec) -> str:
    """Name a calendar period: ``2026``, ``2026Q1``, ``2026-03``."""
    calendar = spec.metrics.period if spec.metrics is not None else "quarter"
    if calendar == "year":
        return f"{period:04d}"
    size = 4 if calendar == "quarter" else 12
    year, within = divmod(period, size)
    return f"{year:04d}Q{within + 1}" if size == 4 else f"{year:04d}-{within + 1:02d}"

"""A table becomes a cohort: read, checked and grouped into raw cells in one pass of the engine."""

import hashlib
import math
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from cxlink.cohort.coding import code_cells
from cxlink.cohort.counts import Counts
from cxlink.cohort.errors import InputError
from cxlink.cohort.prepare import MOST_SPENT, Prepared, prepare
from cxlink.cohort.rules import as_rows, broken, refusal, rules_of
from cxlink.cohort.source import Source, open_source
from cxlink.cohort.spec import CohortSpec

MOST_CELLS = 5_000_000
MOST_LEVELS = 50
_ROOM = 4e18  # a fixed-point amount fits 64 bits with room for rounding; the engine sums in 128


@dataclass(frozen=True, slots=True)
class Cohort:
    """A table that was read and keeps every rule.

    Attributes
    ----------
    name : str
        The table's name, without its folder.
    spec : CohortSpec
        What the table was said to hold.
    raw : Arrow table
        Its raw cells: rows grouped by score, clock, strata, cause and wave, before the spec's reading of durations.
    from_signup : Arrow table or None
        The same with the clock started at signup and nobody entering late: what the naive figure is made of. None
        where signup is not known.
    rows_read : int
        Rows in the table.
    dropped : dict of str to int
        Rows left out while reading, by reason.
    """

    name: str
    spec: CohortSpec
    raw: pa.Table
    from_signup: pa.Table | None
    rows_read: int
    dropped: dict[str, int]

    def count(self, counts: str | None = None) -> Counts:
        """Count its customers.

        Parameters
        ----------
        counts : {"periods", "completed"}, optional
            How a recorded duration is read, if not as the spec says.
        """
        spec = self.spec
        if counts is not None and spec.subscription is not None:
            spec = spec.model_copy(update={"subscription": spec.subscription.model_copy(update={"counts": counts})})
        return code_cells(self.raw, spec, self.name, self.rows_read, self.dropped, fingerprint(self.raw))

    def count_from_signup(self) -> Counts | None:
        """Count its customers the naive way, from signup and with nobody entering late; None without signup."""
        if self.from_signup is None:
            return None
        spec = naive_spec(self.spec)
        return code_cells(self.from_signup, spec, self.name, self.rows_read, self.dropped, "")


def read_cohort(table: Any, spec: CohortSpec, drop_invalid: bool = False) -> Cohort:
    """Read and check a table.

    Parameters
    ----------
    table : str, Path, pandas, polars or Arrow table, or Ibis table
        A Parquet, CSV or Arrow file, a folder or glob of them, ``URL::table``, a frame, or a table of any engine.
    spec : CohortSpec
        What it holds.
    drop_invalid : bool
        Leave rows that break a rule out and report how many, instead of refusing the table.

    Raises
    ------
    InputError
        In one line: which rule, how many rows, the first of them, and the cure.
    """
    source = open_source(table, spec.table)
    n_rows = _count_rows(source)
    source, dropped = _one_row_a_customer(source, spec)
    raw, source, invalid = _checked_cells(source, spec, drop_invalid)
    dropped |= invalid
    _refuse_wide(raw, spec, source.name)
    naive = naive_spec(spec)
    return Cohort(
        name=source.name,
        spec=spec,
        raw=raw,
        from_signup=_grouped(source, naive) if naive is not None else None,
        rows_read=n_rows,
        dropped=dropped,
    )


def naive_spec(spec: CohortSpec) -> CohortSpec | None:
    """The naive reading: a clock that starts at signup with nobody entering late; None without signup dates."""
    sub = spec.subscription
    if sub is None or not sub.dated or not sub.signup:
        return None
    naive = sub.model_copy(update={"survey": sub.signup, "signup": None, "clock": "survey"})
    bands = {name: cuts for name, cuts in spec.adjust.bands.items() if name != "tenure_at_survey"}
    adjust = spec.adjust.model_copy(update={"bands": bands})
    return spec.model_copy(update={"subscription": naive, "spend": None, "adjust": adjust})


def _count_rows(source: Source) -> int:
    n_rows = int(_run(source, source.table.count()).as_py())
    if n_rows == 0:
        raise InputError(f"{source.name}: no rows below the header.")
    return n_rows


def _run(source: Source, expression: Any) -> Any:
    """Run an expression; what the engine cannot read becomes one line."""
    try:
        return expression.to_pyarrow()
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        text = lines[0] if lines else error.__class__.__name__
        raise InputError(f"{source.name}: cannot be read ({text[:200].rstrip('.')}).") from error


def _checked_cells(source: Source, spec: CohortSpec, drop_invalid: bool) -> tuple[pa.Table, Source, dict[str, int]]:
    """Group, check the cells, and refuse or leave out what breaks a rule."""
    rules = rules_of(spec)
    raw = _grouped(source, spec)
    failed = broken(raw, rules)
    if failed and not drop_invalid:
        raise refusal(source, spec, failed[0], prepare)
    dropped: dict[str, int] = {}
    while failed:
        rule = failed[0]
        rows = as_rows(source.table, prepare(source, spec))
        kept = rows.filter(~rule.broken(rows).fill_null(False))
        kept = kept.select(**{name: kept[f"raw.{name}"] for name in source.columns})
        before = int(_run(source, source.table.count()).as_py())
        source = Source(source.name, kept, (), source.ordered, source.options)
        dropped[rule.must] = before - int(_run(source, kept.count()).as_py())
        raw = _grouped(source, spec)
        failed = broken(raw, rules)
    if raw.num_rows == 0:
        raise InputError(f"{source.name}: no valid row is left.")
    return raw, source, dropped


def _grouped(source: Source, spec: CohortSpec) -> pa.Table:
    """Group by every key, and sum spend in fixed point: the one query whose cost grows with the table."""
    prepared = prepare(source, spec)
    amounts = prepared.spend
    rows = source.table.select(**prepared.keys, **amounts)
    totals = {"n": rows.count()}
    if amounts:
        totals |= {
            "spend_n": rows.use.sum(),
            "use_min": rows.use.min(),
            "spend_known": rows.y.count(),
            "spend_min": rows.y.min(),
        } | _sums(rows, _largest(source, prepared))
    cells = _run(source, rows.group_by(list(prepared.keys)).aggregate(**totals).limit(MOST_CELLS + 1))
    if cells.num_rows > MOST_CELLS:
        raise InputError(
            f"{source.name}: more than {MOST_CELLS:,} cells. Adjust for fewer or coarser columns ([adjust] bands), "
            "or use a longer [subscription] unit."
        )
    return cells


def _largest(source: Source, prepared: Prepared) -> float:
    """The largest amount, which sets the fixed point."""
    found = _run(source, source.table.select(y=prepared.spend["y"]).aggregate(top=lambda t: t.y.abs().max())).to_pylist()
    return float(min(max(found[0]["top"] or 1.0, 1.0), MOST_SPENT))


def _sums(rows: Any, top: float) -> dict[str, Any]:
    """Σ of amounts as whole numbers of 10^-k: the same in any order of rows, on any number of threads."""
    positive = rows.y > 0
    log = positive.ifelse(rows.y, None).ln()
    y_log = max(1.0, top * math.log(top)) if top > 1 else 1.0
    amounts = {
        "spend_sum": (rows.y, top),
        "spend_sum_sq": (rows.y * rows.y, top**2),
        "spend_sum_log": (log, 1e3),
        "spend_sum_log_sq": (log * log, 1e6),
        "spend_sum_y_log": (rows.y * log, y_log),
    }
    sums = {"spend_zero": (rows.y == 0).cast("int64").sum()}
    for name, (amount, bound) in amounts.items():
        scale = 10.0 ** math.floor(math.log10(_ROOM / bound))
        sums[name] = (amount * scale).cast("int64").sum().cast("float64") / scale
    return sums


def _one_row_a_customer(source: Source, spec: CohortSpec) -> tuple[Source, dict[str, int]]:
    """Hold every id to one row: refuse a second, or keep the first survey that was answered."""
    if spec.cohort.id is None:
        return source, {}
    from cxlink.cohort.identity import first_surveys, refuse_repeats

    if spec.cohort.repeat == "error":
        refuse_repeats(source, spec)
        return source, {}
    return first_surveys(source, spec)


def _refuse_wide(raw: pa.Table, spec: CohortSpec, name: str) -> None:
    for variable in spec.adjust.columns:
        n_levels = len(raw[f"stratum.{variable}"].unique())
        if variable not in spec.cuts and n_levels > MOST_LEVELS:
            raise InputError(
                f"{name}: {variable} has {n_levels:,} values, more than {MOST_LEVELS} strata. "
                f"Cut it into bands: [adjust] bands = {{ {variable} = [...] }}, or --band {variable}=…"
            )


def fingerprint(raw: pa.Table) -> str:
    """SHA-256 of the raw cells, sorted: the same for the same customers in any order of rows."""
    frame = raw.to_pandas().astype(str)
    lines = sorted("\x1f".join(row) for row in frame.itertuples(index=False, name=None))
    return hashlib.sha256("\x1e".join(lines).encode()).hexdigest()


def with_name(cohort: Cohort, name: str) -> Cohort:
    """Give a cohort another table name, for messages and reports."""
    return replace(cohort, name=name)

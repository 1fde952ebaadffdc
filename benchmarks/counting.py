"""Counting against the engine's bare group-by: the same columns, the same sums, the same file, threads and run."""

from typing import Any

from benchmarks.customers import spec_of
from benchmarks.measure import Measured, in_turn, timed

_KEYS = "score, churned, months, plan, region"
_SUMS = "sum(y), sum(y * y), sum(log_y), sum(log_y * log_y), sum(y * log_y)"
_ROWS = (
    f"SELECT {_KEYS}, annual_spend AS y, CASE WHEN annual_spend > 0 THEN ln(annual_spend) END AS log_y FROM"
)


def bare_query(path: str, spend: bool) -> str:
    """Write the group-by as one would by hand, the quick way: the logarithm taken once, in a subquery.

    Without a check, and with sums of floating-point numbers.
    """
    table = f"'{path.replace("'", "''")}'"
    rows, totals = (f"({_ROWS} {table})", f"count(*), {_SUMS}") if spend else (table, "count(*)")
    return f"SELECT {_KEYS}, {totals} FROM {rows} GROUP BY {_KEYS}"


def _count(path: str, spend: bool, check_id: bool = False) -> Any:
    from cxlink import read_cohort

    return read_cohort(path, spec_of(spend=spend, check_id=check_id)).count()


def alternate(path: str, spend: bool, repeats: int) -> dict[str, Measured]:
    """Count and group by in turn, in one process; the file has been read once before."""
    import duckdb

    engine, query = duckdb.connect(), bare_query(path, spend)
    work = {
        "bare": lambda: engine.execute(query).fetch_arrow_table(),
        "ours": lambda: _count(path, spend),
    }
    return in_turn(work, repeats)


def ours_alone(path: str, spend: bool, check_id: bool, first: str) -> dict[str, Measured]:
    """Count once, after a small table, to measure its memory; with the check of ids, to measure its time."""
    found = Measured()
    _count(first, spend, check_id)
    counts = timed(lambda: _count(path, spend, check_id), found)
    assert counts.profile.rows_used
    return {"ours": found}


def bare_alone(path: str, spend: bool) -> dict[str, Measured]:
    """Group by once, to measure its memory."""
    import duckdb

    found = Measured()
    timed(lambda: duckdb.connect().execute(bare_query(path, spend)).fetch_arrow_table(), found)
    return {"bare": found}

"""Counting customers in accounts, every survey, and several scores, each against the bare group-by of its columns."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.customers import make_table
from benchmarks.measure import Measured, in_own_process, in_turn
from benchmarks.results import FEWER, FURTHER, Row, beside_bare, both_rows, row

LARGEST = 10_000_000
"""Rows at most."""
_SURVEYS = """
SELECT i // 4 AS customer_id, i // 8 AS account_id, CASE WHEN score IS NULL THEN NULL ELSE 1 + score // 3 END AS score,
    1 + (i * 7 + months) % 5 AS csat, 1 + (i * 3 + months) % 7 AS desk, 1 + months // 6 AS quarters, churned, plan,
    region, DATE '2020-01-01' + INTERVAL (90 * (i % 4) + (i // 4) % 80) DAY AS survey
FROM (SELECT *, customer_id AS i FROM '{path}')
"""
"""Four surveys a customer, two customers an account, three scores."""


@dataclass(frozen=True, slots=True)
class Counting:
    """What is counted, and the query that one would write by hand for it.

    Attributes
    ----------
    spec : str
        Description of the table, as TOML.
    bare : tuple of str
        Queries of a table ``{path}``, the last of which groups by the same columns, the bucket too.
    fewer : str
        A query with fewer columns: no times between surveys, and buckets by DuckDB's own hash, which no other engine
        has; empty where there are none.
    """

    spec: str
    bare: tuple[str, ...]
    fewer: str = ""


_BUCKET = "((md5_number({0}::VARCHAR) & 255)::INTEGER * 256 + ((md5_number({0}::VARCHAR) >> 8) & 255)::INTEGER) % 200"
_ACCOUNTS = f"""CREATE OR REPLACE TEMP TABLE accounts AS
SELECT account_id, m, {_BUCKET.format("account_id")} AS bucket
FROM (SELECT account_id, count(*) AS m FROM '{{path}}' GROUP BY ALL)"""
_IN_ORDER = f"""SELECT *, lag(score) OVER asked AS previous, row_number() OVER asked AS place,
    lag(day) OVER asked AS last, lead(CASE WHEN score IS NOT NULL THEN day END) OVER asked AS next,
    count(score) OVER asked AS surveys, max(numbered) OVER asked AS bucket
FROM (SELECT customer_id, score, churned, quarters, survey::DATE AS day,
    CASE WHEN lag(customer_id) OVER () IS DISTINCT FROM customer_id THEN {_BUCKET.format("customer_id")} END AS numbered
    FROM '{{path}}')
WINDOW asked AS (PARTITION BY customer_id ORDER BY score IS NULL, day
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"""
_WHOLE = "((date_diff('month', {0}, {1}) - (day({0}) > day({1}))::INTEGER) // 3)"
_STAY = '[subscription]\nduration = "quarters"\nevent = "churned"\nunit = "quarter"\n'
_PLAN = '[adjust]\ncolumns = ["plan"]\n'
_SCORE = '[score]\ncolumn = "score"\nscale = "1-5"\n'
_OTHERS = (
    '[score.others]\ncsat = { column = "csat", scale = "1-5" }\ndesk = { column = "desk", scale = "1-7" }\n'
)
COUNTED = {
    "accounts": Counting(
        f'[cohort]\ncluster = "account_id"\n{_SCORE}{_STAY}{_PLAN}',
        (
            _ACCOUNTS,
            "SELECT count(*), max(m), sum(m * m) FROM accounts",
            """SELECT score, churned, quarters, plan, bucket, count(*) AS n
            FROM '{path}' JOIN accounts USING (account_id) GROUP BY ALL""",
        ),
        "SELECT score, churned, quarters, plan, hash(account_id) % 200 AS bucket, count(*) FROM '{path}' GROUP BY ALL",
    ),
    "surveys": Counting(
        f'[cohort]\nid = "customer_id"\nrepeat = "all"\n{_SCORE}{_STAY}survey = "survey"\n',
        (
            f"""SELECT score, churned, quarters, previous, least(place, 3) AS place,
                {_WHOLE.format("last", "day")} >= 2 AS late,
                {_WHOLE.format("last", "day")} >= 4 AS later, {_WHOLE.format("day", "next")} AS until,
                year(day) * 4 + quarter(day) AS wave, bucket, count(*) AS n,
                sum(720720 // greatest(surveys, 1)) AS share, sum(greatest(surveys, 1)), max(surveys)
            FROM ({_IN_ORDER}) WHERE score IS NOT NULL OR place = 1 GROUP BY ALL""",
        ),
        """SELECT score, churned, quarters, previous, least(place, 3) AS place,
            year(survey) * 4 + quarter(survey) AS wave, hash(customer_id) % 200 AS bucket, count(*) AS n
        FROM (SELECT *, lag(score) OVER asked AS previous, row_number() OVER asked AS place FROM '{path}'
            WINDOW asked AS (PARTITION BY customer_id ORDER BY survey)) GROUP BY ALL""",
    ),
    "scores": Counting(
        f"{_SCORE}{_OTHERS}{_STAY}{_PLAN}",
        ("SELECT score, csat, desk, churned, quarters, plan, count(*) AS n FROM '{path}' GROUP BY ALL",),
    ),
}


def make_surveys(folder: Path, size: int) -> Path:
    """Write surveys to a Parquet file, unless it is there; returns its path."""
    import duckdb

    path, customers = folder / f"surveys-{size}.parquet", make_table(folder, size)
    if not path.exists():
        partial = path.with_suffix(".partial")
        places = [str(one).replace("'", "''") for one in (customers, partial)]
        query = _SURVEYS.format(path=places[0])
        duckdb.execute(f"COPY ({query}) TO '{places[1]}' (FORMAT parquet, COMPRESSION zstd)")
        partial.replace(path)
    return path


def at_path(query: str, path: str) -> str:
    """Write a query of a file."""
    return query.replace("{path}", path.replace("'", "''"))


def alternate(path: str, what: str, repeats: int) -> dict[str, Measured]:
    """Count and group by in turn, in one process; each was done once before."""
    return beside_bare_queries(path, COUNTED[what], repeats)


def beside_bare_queries(path: str, counted: Counting, repeats: int) -> dict[str, Measured]:
    """Count a file as described, and group by with the queries written by hand, in turn."""
    import duckdb

    from cxlink import make_spec, read_cohort

    spec, engine = make_spec(tomllib.loads(counted.spec)), duckdb.connect()

    def asked(*queries: str) -> list[Any]:
        return [engine.execute(at_path(query, path)).fetch_arrow_table() for query in queries]

    work: dict[str, Any] = {
        "bare": lambda: asked(*counted.bare),
        "ours": lambda: read_cohort(path, spec).count(),
    }
    if counted.fewer:
        work["fewer"] = lambda: asked(counted.fewer)
    return in_turn(work, repeats)


def against_bare(tables: Path, sizes: Sequence[int]) -> Iterator[Row]:
    """Count each in turn with its bare group-by."""
    for size in (one for one in sizes if one <= LARGEST):
        path = str(make_surveys(tables, size))
        for what, title in FURTHER.items():
            found = in_own_process("further_counting:alternate", path=path, what=what, repeats=5)
            yield from both_rows(title, size, found)
            if "fewer" in found:
                yield row(title, size, FEWER, found["fewer"])


def further_table(rows: Sequence[Row]) -> str:
    """Processor seconds of each beside its bare group-by's, as Markdown; empty where none was measured."""
    lines = []
    for one, cpu, bare_cpu in beside_bare(rows, FURTHER.values()):
        times = cpu / bare_cpu
        met = "met" if times <= MOST_TIMES else "**missed**"
        lines.append(
            f"| {one.size:,} | {one.what} | {cpu:.2f} | {bare_cpu:.2f} | {times:.2f} | {met} "
            f"| {_beside(rows, one, FEWER)} |"
        )
    head = (
        "| rows | what | cxlink, processor s | bare, processor s | times | at most 1.5 | fewer columns, processor s "
        "| times |\n|---|---|---|---|---|---|---|---|"
    )
    return "\n".join(["### Accounts, surveys, scores\n", head, *lines, "", _WHY]) if lines else ""


def _beside(rows: Sequence[Row], ours: Row, program: str) -> str:
    """Processor seconds of another program on the same work, and how many times them ours are; empty if not run."""
    assert ours.cpu_seconds is not None
    key = (ours.what, ours.size, program)
    found = [r.cpu_seconds for r in rows if (r.what, r.size, r.program) == key and r.cpu_seconds]
    return f"{found[0]:.2f} | {ours.cpu_seconds / found[0]:.2f}" if found else " | "


MOST_TIMES = 1.5
_WHY = """The bare group-by has the same columns, the bucket too, by the quickest queries that we found: for
accounts each is numbered once by a digest (MD5, which every engine and Python give alike) and joined to its rows,
and the accounts are counted with their sizes; for surveys one window and one group-by give the score before, the
number of each, the quarters since the last one and until the next, and how many the customer answered, the digest
taken where the customer changes, short months left aside. *Fewer columns* are buckets by DuckDB's own hash, which
no other engine has, and of surveys neither the quarters between them nor how many there are. Of three scores
every table is rolled up from the cells of the bare group-by's columns."""

"""Counting text files, with durations or with dates, against the bare group-by of the same columns."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.customers import make_table
from benchmarks.further_counting import LARGEST, Counting, beside_bare_queries
from benchmarks.measure import Measured, in_own_process
from benchmarks.results import TEXT, Row, beside_bare, both_rows

_SCORE = '[score]\ncolumn = "score"\nscale = "1-10"\n[adjust]\ncolumns = ["plan", "region"]\n'
_STAY = '[subscription]\nduration = "months"\nevent = "churned"\n'
_SPEND = '[spend]\ncolumn = "annual_spend"\ncurrency = "EUR"\ncomplete = true\n'
_DATES = (
    '[subscription]\nsignup = "signup"\nsurvey = "survey"\nend = "cancelled"\nobserved_until = "2026-06-30"\n'
)
_KEYS = "score, churned, months, plan, region"
COUNTED = {
    "text": Counting(_SCORE + _STAY, (f"SELECT {_KEYS}, count(*) FROM '{{path}}' GROUP BY ALL",)),
    "spend": Counting(
        _SCORE + _STAY + _SPEND,
        (
            f"""SELECT {_KEYS}, count(*), sum(y), sum(y * y), sum(log_y), sum(log_y * log_y), sum(y * log_y)
            FROM (SELECT *, annual_spend AS y, CASE WHEN annual_spend > 0 THEN ln(annual_spend) END AS log_y
                FROM '{{path}}') GROUP BY ALL""",
        ),
    ),
    "dates": Counting(
        _SCORE + _DATES,
        (
            """SELECT score, plan, region, date_diff('month', signup, survey) AS entry,
                date_diff('month', survey, cancelled) AS stay, year(survey) * 4 + quarter(survey) AS wave, count(*)
            FROM '{path}' GROUP BY ALL""",
        ),
    ),
}
_TABLE = """SELECT customer_id, score, churned, months, plan, region, annual_spend, signup, survey,
    CASE WHEN churned = 1 THEN survey + INTERVAL 1 MONTH * months END::DATE AS cancelled
FROM (SELECT *, signup + 200 AS survey FROM
    (SELECT *, DATE '2021-01-01' + (customer_id % 1000)::INTEGER AS signup FROM '{path}'))"""


def make_text(folder: Path, size: int) -> Path:
    """Write customers to a CSV file, unless it is there; returns its path."""
    import duckdb

    path, customers = folder / f"customers-{size}.csv", make_table(folder, size)
    if not path.exists():
        partial = path.with_suffix(".partial")
        places = [str(one).replace("'", "''") for one in (customers, partial)]
        duckdb.execute(f"COPY ({_TABLE.format(path=places[0])}) TO '{places[1]}' (FORMAT csv)")
        partial.replace(path)
    return path


def alternate(path: str, what: str, repeats: int) -> dict[str, Measured]:
    """Count and group by in turn, in one process; each was done once before."""
    return beside_bare_queries(path, COUNTED[what], repeats)


def against_bare(tables: Path, sizes: Sequence[int]) -> Iterator[Row]:
    """Count each in turn with its bare group-by."""
    for size in (one for one in sizes if one <= LARGEST):
        path = str(make_text(tables, size))
        for what, title in TEXT.items():
            found = in_own_process("text_files:alternate", path=path, what=what, repeats=3)
            yield from both_rows(title, size, found)


def text_table(rows: Sequence[Row]) -> str:
    """Processor seconds of each beside its bare group-by's, as Markdown; empty where none was measured."""
    lines = []
    for one, cpu, bare_cpu in beside_bare(rows, TEXT.values()):
        times = cpu / bare_cpu
        lines.append(f"| {one.size:,} | {one.what} | {cpu:.1f} | {bare_cpu:.1f} | {times:.1f} |")
    head = "| rows | what | cxlink, processor s | bare, processor s | times |\n|---|---|---|---|---|"
    return "\n".join(["### Text files\n", head, *lines, "", _WHY]) if lines else ""


_WHY = """The bare group-by takes the types that DuckDB guesses from the first rows, and checks nothing. cxlink reads
each cell as text, so that one which is no number is named with its row, and the file once more where no number among
the first rows tells what a dot is; with dates it counts from signup too, and looks for rows that are copies. A Parquet
file of the same rows needs none of this but the last two."""

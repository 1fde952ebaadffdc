"""Simulated customers on disk: Parquet files of any size, written by DuckDB in a stream and kept for the next run.

Every value is a function of the row's number (a hash of it taken for a uniform number), so the rows are the same on
any number of threads. Customers leave by proportional hazards on a Weibull baseline, so that each program estimates
something known: a log hazard ratio of -0.12 for each point of the score, and a shape of 0.8.
"""

import tomllib
from pathlib import Path
from typing import Any

SPEC = """
[cohort]
name = "benchmark"
id = "customer_id"
simulated = true

[score]
column = "score"
scale = "1-10"

[subscription]
duration = "months"
event = "churned"

[spend]
column = "annual_spend"
currency = "EUR"
complete = true

[adjust]
columns = ["plan", "region"]
"""

_UNIFORM = ", ".join(
    f"((hash(8 * i + {k}) >> 11)::DOUBLE + 0.5) / 9007199254740992 AS u{k}" for k in range(8)
)
_CUSTOMERS = f"""
WITH uniform AS (SELECT i, hash(-1 - i) % 20 = 0 AS silent, {_UNIFORM} FROM range($n) AS rows(i)),
category AS (
    SELECT *,
        CASE WHEN u0 < 0.5 THEN 'basic' WHEN u0 < 0.8 THEN 'plus' WHEN u0 < 0.95 THEN 'pro' ELSE 'team' END AS plan,
        CASE WHEN u1 < 0.4 THEN 'north' WHEN u1 < 0.7 THEN 'south' ELSE 'east' END AS region,
        6 + floor(31 * u2) AS follow_up
    FROM uniform
),
scored AS (
    SELECT *,
        greatest(1, 1 + floor(10 * u3 ** 0.6) - (plan = 'basic')::INTEGER) AS felt,
        CASE plan WHEN 'basic' THEN 0.35 WHEN 'plus' THEN 0.0 WHEN 'pro' THEN -0.3 ELSE -0.5 END AS risk
    FROM category
),
lived AS (
    SELECT *, ceil((-ln(u4) / exp(-2.7 - 0.12 * (felt - 5) + risk)) ** 1.25) AS left_in,
        sqrt(-2 * ln(u5)) * cos(2 * pi() * u6) AS z
    FROM scored
)
SELECT
    i::BIGINT AS customer_id,
    CASE WHEN silent THEN NULL ELSE felt::TINYINT END AS score,
    least(left_in, follow_up)::SMALLINT AS months,
    (left_in <= follow_up)::TINYINT AS churned,
    plan,
    region,
    CASE WHEN u7 < 0.25 - 0.015 * felt THEN 0 ELSE round(exp(3.5 + 0.05 * felt - risk + 0.9 * z), 2) END AS annual_spend
FROM lived
"""


def make_table(folder: Path, size: int) -> Path:
    """Write customers to a Parquet file, unless it is there; returns its path."""
    import duckdb

    path = folder / f"customers-{size}.parquet"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with duckdb.connect() as engine:
        quoted = str(partial).replace("'", "''")
        query = _CUSTOMERS.replace("$n", str(size))
        engine.execute(f"COPY ({query}) TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)")
    partial.replace(path)
    return path


def spec_of(
    *, spend: bool = True, check_id: bool = False, adjust: tuple[str, ...] = ("plan", "region")
) -> Any:
    """Give the table's spec, with or without spend and the check that no id occurs twice."""
    from cxlink import make_spec

    said = tomllib.loads(SPEC)
    if not spend:
        del said["spend"]
    if not check_id:
        del said["cohort"]["id"]
    said["adjust"]["columns"] = list(adjust)
    return make_spec(said)

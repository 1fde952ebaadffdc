"""Sums of spend: exact, the same in any order and on any number of threads, whatever the size of the amounts."""

import math
from itertools import pairwise
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tabled import count

from cxlink.cohort.count.amounts import USUAL_TOP, top_for
from cxlink.cohort.count.counts import SPEND

ALL = {"spend": {"column": "spent", "complete": True}}
REFUNDS = {"spend": {"column": "spent", "complete": True, "refunds": True}}


SLOW = [HealthCheck.too_slow]  # a busy machine is no fault of the data


def exact(amounts: np.ndarray) -> dict[str, float]:
    """The sums by math.fsum, logarithms to nine decimals."""
    positive = [y for y in amounts.tolist() if y > 0]
    logs = [round(math.log(y), 9) for y in positive]
    return {
        "spend_n": len(amounts),
        "spend_zero": int((amounts == 0).sum()),
        "spend_sum": math.fsum(amounts.tolist()),
        "spend_sum_sq": math.fsum(y * y for y in amounts.tolist()),
        "spend_sum_log": math.fsum(logs),
        "spend_sum_log_sq": math.fsum(x * x for x in logs),
        "spend_sum_y_log": math.fsum(y * x for y, x in zip(positive, logs, strict=True)),
    }


def _rng() -> np.random.Generator:
    return np.random.default_rng(20140801)


AMOUNTS = {
    "cents": _rng().integers(0, 500_000, 4000) / 100,
    "any fraction": _rng().gamma(0.7, 300, 4000),
    "heavy tails": np.exp(_rng().normal(4, 2, 4000)),
    "thousandths": _rng().integers(0, 9, 4000) / 1000,
    "tiny": _rng().random(4000) * 1e-6,
    "huge": _rng().random(4000) * 1e11,
    "the largest": np.array([1e12, 5e11, 0]),
    "above the usual": np.append(_rng().gamma(1, 300, 4000), 2e6),
    "all zero": np.zeros(5),
    "one": np.array([9.99]),
    "all the same": np.full(4000, 9.99),
}


@pytest.mark.parametrize("as_file", ["frame", "csv", "engine"])
@pytest.mark.parametrize("kind", AMOUNTS)
def test_sums_are_those_of_exact_arithmetic(kind: str, as_file: str, tmp_path: Path) -> None:
    amounts = AMOUNTS[kind]
    table = pd.DataFrame({"score": 5, "spent": amounts})
    given_as = table if as_file == "frame" else ibis.memtable(table)
    if as_file == "csv":
        given_as = tmp_path / "t.csv"
        table.to_csv(given_as, index=False)
    found = count(given_as, ALL).cells.iloc[0]
    positive = amounts[amounts > 0]
    # logs differ in sign: 1e-12 of the size of what was added up, not of the sum, which may be next to nothing
    size = {"spend_sum_log": np.abs(np.log(positive)), "spend_sum_y_log": np.abs(positive * np.log(positive))}
    for name, value in exact(amounts).items():
        assert found[name] == pytest.approx(
            value, rel=1e-12, abs=1e-12 * size.get(name, np.zeros(1)).sum()
        ), name


@given(st.floats(0, 1e12))
@example(1000.0000000000001)
@example(1e-300)
def test_no_amount_is_over_its_bound(largest: float) -> None:
    top = top_for(largest)
    assert largest <= top
    assert top <= 100 * max(largest, 1e-9) or largest == 0
    assert top_for(None) == top_for(0.0) == USUAL_TOP


def test_refunds_are_negative_and_have_no_log() -> None:
    amounts = np.array([100.0, -30.5, 0, 0, -2e6, 7])
    found = count(pd.DataFrame({"score": 5, "spent": amounts}), REFUNDS).cells.iloc[0]
    for name, value in exact(amounts).items():
        assert found[name] == pytest.approx(value, rel=1e-12), name
    assert (found["n"], found["spend_n"], found["spend_zero"]) == (6, 6, 2)


def test_negative_zero_is_zero() -> None:
    assert count(pd.DataFrame({"score": [5, 5], "spent": [-0.0, 0.0]}), ALL).cells["spend_zero"].tolist() == [
        2
    ]


@pytest.mark.parametrize("kind", ["any fraction", "heavy tails", "above the usual", "tiny", "huge"])
def test_the_order_of_rows_and_threads_do_not_matter(kind: str, tmp_path: Path) -> None:
    rng = _rng()
    n = 300_000
    amounts = rng.choice(AMOUNTS[kind], n) * rng.random(n)
    table = pa.table({"score": rng.integers(1, 4, n), "spent": amounts})
    found = []
    for threads in (1, 2, 8):
        order = rng.permutation(n)
        engine = ibis.duckdb.connect(threads=threads)
        found.append(count(engine.create_table("t", table.take(order)), ALL).cells)
        engine.disconnect()
        pq.write_table(table.take(order), tmp_path / "t.parquet", row_group_size=10_000)
        found.append(count(tmp_path / "t.parquet", ALL).cells)
    for a, b in pairwise(found[::2]):
        assert a.equals(b)
    for a, b in pairwise(found[1::2]):
        assert a.equals(b)
    pd.testing.assert_frame_equal(found[0], found[1], rtol=1e-12)


def test_plain_sums_would_differ() -> None:
    """Why this is done: an engine's sum of the same numbers in another order is another number."""
    amounts = pd.DataFrame({"y": AMOUNTS["heavy tails"]})  # noqa: F841 (read by the engine)
    con = duckdb.connect()
    sums = {
        con.execute(f"select sum(y) from (select y from amounts order by {o})").fetchall()[0][0]
        for o in ("y", "-y", "sin(y)")
    }
    con.close()
    assert len(sums) > 1


@pytest.mark.long
@settings(max_examples=15, deadline=None, suppress_health_check=SLOW)
@example([1.0000000000000003e-09])
@given(st.lists(st.one_of(st.just(0.0), st.floats(1e-9, 1e12)), min_size=1, max_size=30))
def test_any_amounts(amounts: list[float]) -> None:
    cells = count(pd.DataFrame({"score": 5, "spent": amounts}), ALL).cells.iloc[0]
    wanted, largest = exact(np.array(amounts)), max(amounts)
    # the steps are fixed by the largest amount: no sum is off by more than its share of them
    assert cells["spend_sum"] == pytest.approx(wanted["spend_sum"], rel=1e-12, abs=1e-14 * largest)
    assert cells["spend_sum_sq"] == pytest.approx(wanted["spend_sum_sq"], rel=1e-12, abs=1e-14 * largest**2)
    assert cells["spend_zero"] == wanted["spend_zero"]
    assert cells["spend_sum_log"] == pytest.approx(wanted["spend_sum_log"], rel=1e-12, abs=1e-9)


def test_windows_that_are_over(tmp_path: Path) -> None:
    table = pd.DataFrame({"score": [5, 5, 5, None], "spent": [10.0, 20, None, None], "over": [1, 0, 0, None]})
    cells = count(table, spend={"column": "spent", "complete": "over"}).cells
    assert cells[["n", "spend_n", "spend_zero", "spend_sum"]].to_numpy().tolist() == [
        [3, 1, 0, 10],
        [1, 0, 0, 0],
    ]
    for yes, no in ((True, False), ("true", "false"), (1.0, 0.0)):
        as_said = table.assign(over=pd.Series([yes, no, no, None], dtype=object))
        assert count(as_said, spend={"column": "spent", "complete": "over"}).cells.equals(cells)
    assert set(SPEND) <= set(cells)


def test_windows_from_dates_are_over_whoever_leaves() -> None:
    dates = {"survey": "survey", "end": "end", "observed_until": "2026-06-30"}
    table = pd.DataFrame(
        {
            "score": [5, 5, 5, 5],
            "survey": ["2025-06-30", "2025-07-01", "2025-06-30", "2025-07-01"],
            "end": [None, None, "2025-08-01", "2025-08-01"],
            "spent": [100.0, None, 10.0, 10.0],
        }
    )
    cells = count(table, subscription=dates, spend={"column": "spent", "window_months": 12}).cells
    assert int(cells["spend_n"].sum()) == 2
    assert float(cells["spend_sum"].sum()) == 110
    assert int(cells["n"].sum()) == 4

"""Laws of counting: counts stand for rows, add up, and do not know the order of rows."""

from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tabled import STAY, spec

from cxlink.cohort.count.counts import Counts, add
from cxlink.cohort.count.spells import (
    PersonPeriods,
    each_pair,
    level_positions,
    merged_over_strata,
    person_periods,
    risk_sets,
    spells_of,
)
from cxlink.cohort.table import read_cohort

SUB = {"subscription": {**STAY["subscription"], "entry": "before", "cause": "why", "follow_up": "seen"}}
SPEND = {"spend": {"column": "spent", "complete": "over"}}
ADJUST = {"adjust": {"columns": ["plan"], "bands": {"age": [30]}}}
WHOLE = spec(SUB, SPEND, ADJUST)

ROW = st.fixed_dictionaries(
    {
        "score": st.one_of(st.none(), st.integers(1, 10)),
        "months": st.sampled_from([0, 1, 2, 2.5, 3, 6]),
        "lost": st.integers(0, 1),
        "wait": st.sampled_from([0, 0, 1, 1.5]),
        "seen": st.sampled_from([2, 4.5, 9]),
        "why": st.sampled_from([None, "price", "moved"]),
        "plan": st.sampled_from([None, "a", "b"]),
        "age": st.sampled_from([None, 20, 30, 31]),
        "spent": st.sampled_from([0, 1, 9.99, 1234.56]),
        "over": st.integers(0, 1),
    }
)
TABLES = st.lists(ROW, min_size=1, max_size=20)
RUN = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    frame = pd.DataFrame(rows)
    frame["before"] = np.minimum(frame.pop("wait"), frame["months"])
    kinds = {"score": "Int64", "months": float, "why": object, "plan": object, "age": float, "spent": float}
    return pa.Table.from_pandas(frame.astype(kinds), preserve_index=False)


def counted(table: Any) -> Counts:
    return read_cohort(table, WHOLE).count()


def same(a: Counts, b: Counts) -> None:
    """Whole numbers to the last customer; sums to the last digits, since adding two floats rounds once."""
    pd.testing.assert_frame_equal(a.cells, b.cells, rtol=1e-13, check_dtype=True)


@pytest.mark.long
@RUN
@given(TABLES, st.integers(2, 5))
def test_a_customer_in_several_rows_counts_as_often(rows: list[dict[str, Any]], times: int) -> None:
    once, often = counted(table_of(rows)), counted(table_of(rows * times))
    expanded = once.cells.copy()
    sums = [name for name in expanded if name == "n" or name.startswith("spend")]
    expanded[sums] = expanded[sums] * times
    pd.testing.assert_frame_equal(often.cells, expanded, rtol=1e-13)


@RUN
@given(TABLES)
def test_counts_of_rows_are_counts_of_their_expansion(rows: list[dict[str, Any]]) -> None:
    """Cells, written out as one row a customer in whole periods, count as themselves."""
    cells = counted(table_of(rows)).cells
    cells = cells.loc[cells["score"].notna(), [name for name in cells if not name.startswith("spend")]]
    each = cells.loc[cells.index.repeat(cells["n"])]
    if each.empty:
        return
    table = pd.DataFrame(
        {
            "score": each["score"],
            "months": each["exit"],
            "lost": (each["cause"] != "").astype(int),
            "before": each["entry"],
            "why": each["cause"].where(each["cause"] != "", None),
            "plan": each["stratum.plan"],
            "age": each["stratum.age"],
            "seen": each["exit"].max(),  # or a last part could be set aside once more
        }
    )
    sub = {**STAY["subscription"], "entry": "before", "cause": "why", "follow_up": "seen"}
    again = read_cohort(table, spec(subscription=sub, adjust={"columns": ["plan", "age"]})).count().cells
    keys = [name for name in again if name != "n"]
    expected = cells.groupby(keys, as_index=False)["n"].sum()
    pd.testing.assert_frame_equal(again[[*keys, "n"]], expected[[*keys, "n"]], check_dtype=False)


@pytest.mark.long
@RUN
@given(TABLES, TABLES)
def test_counts_add_up(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> None:
    a, b, both = counted(table_of(first)), counted(table_of(second)), counted(table_of(first + second))
    assume(a.profile.fingerprint != b.profile.fingerprint)
    together = add(a, b)
    same(together, both)
    same(add(b, a), both)
    assert together.profile.rows_read == both.profile.rows_read
    assert together.profile.rows_used == both.profile.rows_used
    reasons = [{one.code: one.n for one in each.profile.dropped} for each in (together, both)]
    assert reasons[0] == reasons[1]


@RUN
@given(TABLES, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[dict[str, Any]], rng: Any) -> None:
    mixed = rng.sample(rows, len(rows))
    one, other = counted(table_of(rows)), counted(table_of(mixed))
    assert one.cells.equals(other.cells)
    assert one.profile == other.profile


def test_threads_do_not_matter_either() -> None:
    rng = np.random.default_rng(1)
    n = 60_000
    table = pa.table(
        {
            "score": rng.integers(1, 11, n), "months": rng.integers(0, 30, n), "lost": rng.integers(0, 2, n),
            "before": np.zeros(n, int), "seen": rng.integers(5, 40, n), "why": rng.choice(["a", "b"], n),
            "plan": rng.choice(["x", "y", "z"], n), "age": rng.integers(20, 60, n), "spent": rng.gamma(1, 500, n),
            "over": rng.integers(0, 2, n),
        }
    )  # fmt: skip
    found = []
    for threads in (1, 2, 7):
        engine = ibis.duckdb.connect(threads=threads)
        found.append(counted(engine.create_table("t", table.take(rng.permutation(n)))))
        engine.disconnect()
    assert found[0].cells.equals(found[1].cells)
    assert found[0].cells.equals(found[2].cells)
    assert len({counts.profile.fingerprint for counts in found}) == 1


def test_another_table_has_another_fingerprint() -> None:
    rows = [{"score": 5, "months": 3, "lost": 1}, {"score": 6, "months": 3, "lost": 0}]
    marks = set()
    for change in ({}, {"score": 7}, {"months": 2}, {"lost": 0}):
        table = pd.DataFrame([{**rows[0], **change}, rows[1]])
        marks.add(read_cohort(table, spec(STAY)).count().profile.fingerprint)
    assert len(marks) == 4


def by_rows(cells: pd.DataFrame, names: list[str]) -> dict[Any, tuple[np.ndarray, np.ndarray]]:
    """Customers at risk and lost by group and period, counted one by one."""
    last = max(int(cells["exit"].max()), 1)
    found: dict[Any, tuple[np.ndarray, np.ndarray]] = {}
    for row in cells.to_dict("records"):
        at_risk, lost = found.setdefault(
            tuple(row[name] for name in names), (np.zeros(last, int), np.zeros(last, int))
        )
        for period in range(1, last + 1):
            if row["entry"] < period <= row["exit"]:
                at_risk[period - 1] += row["n"]
                if row["cause"] != "" and period == row["exit"]:
                    lost[period - 1] += row["n"]
    return found


def by_pair(periods: PersonPeriods) -> dict[Any, tuple[np.ndarray, np.ndarray]]:
    found = {}
    for pair, (level, stratum) in enumerate(zip(periods.level, periods.stratum, strict=True)):
        key = (periods.levels[level], *periods.strata.iloc[stratum])
        found[key] = (periods.at_risk[pair], periods.lost[pair])
    return found


@RUN
@given(TABLES)
def test_person_periods_are_those_of_a_loop_over_rows(rows: list[dict[str, Any]]) -> None:
    counts = counted(table_of(rows))
    if counts.scored.empty:
        return
    spells = spells_of(counts)
    periods = person_periods(spells)
    expected = by_rows(counts.scored, ["score", "stratum.plan", "stratum.age"])
    found = by_pair(periods)
    assert found.keys() == expected.keys()
    for key, (at_risk, lost) in expected.items():
        assert found[key][0].tolist() == at_risk.tolist()
        assert found[key][1].tolist() == lost.tolist()
    merged = merged_over_strata(periods)
    levels = by_rows(counts.scored, ["score"])
    for i, level in enumerate(merged.levels):
        assert merged.at_risk[i].tolist() == levels[(level,)][0].tolist()
        assert merged.lost[i].tolist() == levels[(level,)][1].tolist()
    assert int(spells.n.sum()) == int(counts.scored["n"].sum())
    assert spells.spend.sum(axis=0) == pytest.approx(
        counts.scored[["spend_n", "spend_sum", "spend_sum_sq"]].sum().to_numpy(dtype=float), rel=1e-12
    )


def test_risk_sets_of_pooled_pairs_draws_and_causes() -> None:
    table = pd.DataFrame(
        {
            "score": [1, 1, 1, 2, 2], "months": [1, 2, 2, 2, 1], "lost": [1, 1, 0, 1, 1],
            "plan": ["a", "a", "b", "a", "b"], "why": ["price", "moved", None, "price", "price"],
        }
    )  # fmt: skip
    sub = {**STAY["subscription"], "cause": "why"}
    spells = spells_of(read_cohort(table, spec(subscription=sub, adjust={"columns": ["plan"]})).count())
    assert spells.levels == (1, 2)
    assert spells.strata["stratum.plan"].tolist() == ["a", "b"]
    assert spells.causes == ("moved", "price")
    assert (spells.n_pairs, spells.n_periods) == (4, 2)
    everybody = risk_sets(spells, [np.arange(4)])
    at_risk, lost = everybody(spells.n)
    assert at_risk.tolist() == [[5, 3]]
    assert lost.tolist() == [[2, 2]]
    moved = risk_sets(spells, each_pair(spells), cause=1)(spells.n)[1]
    assert moved.tolist() == [[0, 1], [0, 0], [0, 0], [0, 0]]
    draws = np.stack([spells.n, 2 * spells.n, 0 * spells.n], axis=1)
    at_risk, lost = everybody(draws)
    assert at_risk.tolist() == [[[5, 10, 0], [3, 6, 0]]]
    assert lost.tolist() == [[[2, 4, 0], [2, 4, 0]]]
    none = risk_sets(spells, [])(spells.n)
    assert none[0].shape == none[1].shape == (0, 2)


def test_levels_run_from_worst_to_best_whatever_the_scale() -> None:
    table = pd.DataFrame({"score": [1, 3, 5], "months": [1, 2, 3], "lost": [1, 1, 1]})
    low = spec(STAY, score={"scale": "1-5", "higher_is_better": False})
    spells = spells_of(read_cohort(table, low).count())
    assert spells.levels == (5, 3, 1)
    assert person_periods(spells).lost.tolist() == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert level_positions(spells.levels, [1, 5, 4]).tolist() == [0, 2]

"""Customers by all of their scores and times: equal to plain counting of the rows, limits, files, refusals."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxlink import InputError, add, make_spec, read_cohort
from cxlink.cohort.count import follow_up_counts
from cxlink.cohort.count.follow_up_counts import (
    FollowUpCounts,
    add_follow_up,
    follow_up_table,
    has_no_small_cell,
    load_follow_up,
)
from cxlink.cohort.count.joint_file import save_joint

OTHERS = {"csat": {"column": "csat", "scale": "1-5"}, "helpdesk": {"column": "desk", "scale": "1-7"}}
TABLES = {
    "score": {"column": "nps", "scale": "0-10", "others": OTHERS},
    "subscription": {"duration": "months", "event": "left"},
    "spend": {"column": "spend", "complete": True},
    "adjust": {"columns": ["plan"]},
    "analysis": {"horizon": 6},
}
KEYS = ["csat", "helpdesk", "score", "stratum.plan", "entry", "exit", "lost"]


def customers(n: int = 600, seed: int = 3) -> pd.DataFrame:
    """Rows at random, some of whom lack a score, and some of whom are censored before the horizon."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({
        "nps": rng.integers(0, 11, n), "csat": rng.integers(1, 6, n), "desk": rng.integers(1, 8, n),
        "plan": rng.choice(["basic", " basic", "pro"], n), "months": rng.integers(1, 13, n),
        "left": rng.integers(0, 2, n), "spend": rng.integers(0, 90, n) / 4, "before": rng.integers(0, 9, n),
    })  # fmt: skip
    for name, every in (("nps", 11), ("csat", 13), ("desk", 17)):
        table[name] = table[name].astype("Int64").mask(table.index % every == 0)
    return table


def counted(table: pd.DataFrame, **more: object) -> FollowUpCounts:
    made = read_cohort(table, make_spec({**TABLES, **more})).count().follow_up  # type: ignore[dict-item]
    assert made is not None
    return made


def plainly(table: pd.DataFrame) -> dict[tuple[object, ...], int]:
    """Count by a plain loop over rows with ``entry``, ``exit`` and ``lost``."""
    found: dict[tuple[object, ...], int] = {}
    for row in table[table["nps"].notna()].itertuples():
        others = [0 if pd.isna(value) else int(value) for value in (row.csat, row.desk)]
        key = (*others, int(row.nps), row.plan.strip(), int(row.entry), int(row.exit), int(row.lost))
        if row.exit > row.entry:
            found[key] = found.get(key, 0) + 1
    return found


def as_counted(made: FollowUpCounts) -> dict[tuple[object, ...], int]:
    cells = made.cells.assign(csat=made.cells["csat"].fillna(0), helpdesk=made.cells["helpdesk"].fillna(0))
    keys = [tuple(one) for one in cells[KEYS].itertuples(index=False, name=None)]
    assert len(set(keys)) == len(keys)
    return {(int(a), int(b), *rest): n for (a, b, *rest), n in zip(keys, cells["n"], strict=True)}


def test_a_table_of_customers_who_were_observed_for_no_whole_period_has_no_row() -> None:
    made = counted(customers(40).assign(months=0, left=0))
    assert (len(made.cells), made.merged, made.left_out) == (0, (), ())


def test_cells_are_those_of_plain_counting() -> None:
    table = customers()
    lost = (table["left"] == 1) & (table["months"] <= 6)
    rows = table.assign(entry=0, exit=table["months"].clip(upper=6), lost=lost)
    made = counted(table)
    assert as_counted(made) == plainly(rows)
    assert (made.horizon, made.merged, made.left_out) == (6, (), ())


def test_late_entries_keep_their_whole_follow_up() -> None:
    table = customers()
    rows = table.assign(entry=table["before"], exit=table["months"], lost=table["left"] == 1)
    late = {"duration": "months", "event": "left", "entry": "before", "clock": "signup"}
    table = table[table["before"] <= table["months"]]
    rows = rows[rows["before"] <= rows["months"]]
    assert as_counted(counted(table, subscription=late)) == plainly(rows)


def test_dates_and_durations_give_the_same_cells() -> None:
    table = customers()
    start = pd.Timestamp("2020-01-01")
    day = pd.Series([start + pd.DateOffset(months=int(m)) for m in table["months"]], index=table.index)
    left = table["left"] == 1
    dated = table.assign(
        asked=start, until=day.where(~left, pd.Timestamp("2022-01-01")), gone=day.where(left)
    )
    dates = {"survey": "asked", "end": "gone", "observed_until": "until"}
    pd.testing.assert_frame_equal(counted(dated, subscription=dates).cells, counted(table).cells)


def test_without_further_scores_a_subscription_or_independent_customers_there_is_none() -> None:
    table = customers()
    alone = {**TABLES, "score": {"column": "nps", "scale": "0-10"}}
    no_time = {name: part for name, part in TABLES.items() if name != "subscription"}
    for tables in (alone, no_time):
        assert read_cohort(table, make_spec(tables)).count().follow_up is None
    assert read_cohort(table, make_spec(TABLES)).count("completed").follow_up is None


def test_levels_are_merged_two_by_two_where_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    spec, made = make_spec(TABLES), counted(customers())
    monkeypatch.setattr(follow_up_counts, "MOST_JOINT", 450)
    merged = follow_up_table(made.cells, spec, 6)
    assert merged.cells["n"].sum() == made.cells["n"].sum()
    assert len(merged.cells) <= 450
    assert dict(merged.merged)["helpdesk"] < 7
    # who did not give a score stays apart
    for name in ("csat", "helpdesk"):
        lacking = [one.cells.loc[one.cells[name].isna(), "n"].sum() for one in (made, merged)]
        assert lacking[0] == lacking[1] > 0
    monkeypatch.setattr(follow_up_counts, "MOST_JOINT", 10)
    assert not len(follow_up_table(made.cells, spec, 6).cells)
    monkeypatch.setattr(follow_up_counts, "MOST_JOINT", 200_000)
    # 6 × 8 combinations with missing, 22 pairs, 6 periods
    monkeypatch.setattr(follow_up_counts, "MOST_TERMS", 48 * 22 * 6 - 1)
    assert dict(follow_up_table(made.cells, spec, 6).merged) == {"helpdesk": 4}


def test_two_cohorts_add_up_and_others_do_not() -> None:
    spec = make_spec(TABLES)
    one, two = (read_cohort(customers(seed=seed), spec).count() for seed in (1, 2))
    both = add(one, two).follow_up
    assert both is not None
    assert one.follow_up is not None
    assert two.follow_up is not None
    together = counted(pd.concat([customers(seed=1), customers(seed=2)], ignore_index=True))
    pd.testing.assert_frame_equal(both.cells, together.cells)
    later = counted(customers(seed=2), analysis={"horizon": 7})
    assert add_follow_up(one.follow_up, later, spec) is None
    assert add_follow_up(one.follow_up, None, spec) is None
    assert add_follow_up(one.follow_up, replace(two.follow_up, merged=(("csat", 3),)), spec) is None


def test_a_score_of_one_outcome_alone_is_known_after_it() -> None:
    table = customers()
    table["desk"] = table["desk"].mask((table["left"] == 1) & (table["months"] <= 6))
    made = counted(table)
    assert made.left_out == ("helpdesk",)
    assert "helpdesk" not in made.cells
    assert made.cells["n"].sum() == counted(customers()).cells["n"].sum()
    assert not made.cells.duplicated([name for name in KEYS if name != "helpdesk"]).any()


def test_a_score_that_nobody_gave_who_was_followed_to_the_horizon_is_left_out_as_well() -> None:
    table = customers()
    table["desk"] = table["desk"].mask(table["months"] >= 6)
    assert counted(table).left_out == ("helpdesk",)


def test_small_cells_are_not_written() -> None:
    counts = FollowUpCounts(pd.DataFrame({"n": [20, 30]}), 6)
    assert has_no_small_cell(counts, 20)
    assert not has_no_small_cell(counts, 21)


def test_the_file_gives_the_same_table_back_and_no_other_is_taken(tmp_path: Path) -> None:
    spec, made = make_spec(TABLES), counted(customers())
    path = tmp_path / "follow_up.parquet"
    save_joint(made, path)
    again = load_follow_up(path, spec)
    pd.testing.assert_frame_equal(again.cells, made.cells)
    assert (again.horizon, again.merged, again.left_out) == (6, (), ())
    table = pq.read_table(path)
    for column, value, said in (
        ("score", 11, "score leaves its scale"), ("csat", 6.0, "csat leaves its scale"),
        ("n", -1, "no number of customers"), ("n", 0, "nobody at risk"), ("entry", 9, "nobody at risk"),
        ("exit", 2.5, "no whole number"), ("exit", 10**7, "times beyond"), ("lost", 2, "times beyond"),
        ("stratum.plan", 3, "not text"),
    ):  # fmt: skip
        frame = table.to_pandas()
        frame[column] = value
        pq.write_table(pa.Table.from_pandas(frame).replace_schema_metadata(table.schema.metadata), path)
        with pytest.raises(InputError, match=said):
            load_follow_up(path, spec)
    pq.write_table(table.drop_columns(["csat"]), path)
    with pytest.raises(InputError, match="other columns"):
        load_follow_up(path, spec)
    about = json.loads(table.schema.metadata[b"cxlink"])
    pq.write_table(table.replace_schema_metadata({"cxlink": json.dumps({**about, "format": 9})}), path)
    with pytest.raises(InputError, match="format 9"):
        load_follow_up(path, spec)
    path.write_text("no table")
    with pytest.raises(InputError, match="not a table of follow-up"):
        load_follow_up(path, spec)

"""Customers by all of their scores: equal to plain counting of the rows, weights worked by hand, files, refusals."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cxlink import InputError, add, make_spec, read_cohort
from cxlink.cohort.count import driver_cells
from cxlink.cohort.count.clusters import bucket_of
from cxlink.cohort.count.driver_counts import (
    DriverCounts,
    add_drivers,
    after_outcome,
    is_discreet,
    joint,
    without_buckets,
)
from cxlink.cohort.count.driver_file import load_drivers, save_drivers

OTHERS = {"csat": {"column": "csat", "scale": "1-5"}, "helpdesk": {"column": "desk", "scale": "1-7"}}
TABLES = {
    "score": {"column": "nps", "scale": "0-10", "others": OTHERS},
    "subscription": {"duration": "months", "event": "left"},
    "spend": {"column": "spend", "complete": True},
    "adjust": {"columns": ["plan"]},
    "analysis": {"horizon": 6},
}


def customers(n: int = 600, seed: int = 3) -> pd.DataFrame:
    """Rows at random, some of whom lack a score, and some of whom are censored before the horizon."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({
        "nps": rng.integers(0, 11, n), "csat": rng.integers(1, 6, n), "desk": rng.integers(1, 8, n),
        "plan": rng.choice(["basic", " basic", "pro"], n), "months": rng.integers(1, 13, n),
        "left": rng.integers(0, 2, n), "spend": rng.integers(0, 90, n) / 4,
    })  # fmt: skip
    for name, every in (("nps", 11), ("csat", 13), ("desk", 17)):
        table[name] = table[name].astype("Int64").mask(table.index % every == 0)
    return table


def counted(table: pd.DataFrame, **more: object) -> DriverCounts:
    made = read_cohort(table, make_spec({**TABLES, **more})).count().drivers  # type: ignore[dict-item]
    assert made is not None
    return made


def test_cells_are_those_of_plain_counting() -> None:
    table = customers()
    made = counted(table)
    rows = table.dropna(subset=["nps", "csat", "desk"]).assign(plan=lambda t: t["plan"].str.strip())
    rows = rows.assign(
        retained=rows["months"] - (rows["left"] == 1) >= 6, lost=(rows["left"] == 1) & (rows["months"] <= 6)
    )
    keys = ["nps", "csat", "desk", "plan"]
    plain = rows.groupby(keys).agg(
        n=("spend", "size"), retained=("retained", "sum"), lost=("lost", "sum"), spend_sum=("spend", "sum"),
        spend_sum_sq=("spend", lambda y: (y**2).sum()),
    ).reset_index()  # fmt: skip
    cells = made.cells.rename(columns={"score": "nps", "helpdesk": "desk", "stratum.plan": "plan"})
    for name in plain.columns:
        left, right = cells[name].to_numpy(), plain[name].to_numpy()
        assert (
            (left == right).all()
            if name == "plan"
            else np.allclose(left.astype(float), right.astype(float), atol=1e-9)
        )
    assert (made.cells["spend_n"] == made.cells["n"]).all()
    assert made.horizon == 6


def test_who_lacks_another_score_is_counted_with_the_outcome() -> None:
    table = customers()
    scored = table[table["nps"].notna()]
    answered = counted(table).answered.set_index(["score", "given"])
    for name, column in (("csat", "csat"), ("helpdesk", "desk")):
        for given in (True, False):
            own = scored[scored[column].notna() == given]
            assert answered.loc[(name, given), "n"] == len(own)
            lost = ((own["left"] == 1) & (own["months"] <= 6)).sum()
            assert answered.loc[(name, given), "lost"] == lost


def test_weights_are_the_inverse_of_the_chance_to_be_observed() -> None:
    """By hand: of 100 customers 20 are lost in period 2, 40 censored after 2, 40 stay; P(F ≥ 3) = 1 − 40/80 = ½."""
    table = pd.DataFrame({
        "nps": [5] * 100, "csat": [1, 2] * 50, "desk": [1] * 100, "plan": "a", "spend": 1.0,
        "months": [2] * 60 + [6] * 40, "left": [1] * 20 + [0] * 80,
    })  # fmt: skip
    cells = counted(table).cells
    assert cells["retained"].sum() == 40
    assert cells["lost"].sum() == 20
    assert cells["retained_weight"].sum() == pytest.approx(80, abs=1e-10)
    assert cells["retained_weight_sq"].sum() == pytest.approx(160, abs=1e-10)
    assert cells["lost_weight"].sum() == pytest.approx(20, abs=1e-10)
    assert cells["lost_weight"].sum() + cells["retained_weight"].sum() == pytest.approx(100, abs=1e-10)


def test_who_is_lost_counts_for_those_censored_before() -> None:
    """By hand: of 100 customers 40 are censored after 2, 30 lost in period 3, 30 stay; P(F ≥ 3) = 1 − 40/100."""
    table = pd.DataFrame({
        "nps": [5] * 100, "csat": [1, 2] * 50, "desk": [1] * 100, "plan": "a", "spend": 1.0,
        "months": [2] * 40 + [3] * 30 + [6] * 30, "left": [0] * 40 + [1] * 30 + [0] * 30,
    })  # fmt: skip
    cells = counted(table).cells
    assert cells["lost_weight"].sum() == pytest.approx(50, abs=1e-10)
    assert cells["lost_weight_sq"].sum() == pytest.approx(30 / 0.36, abs=1e-10)
    assert cells["retained_weight"].sum() == pytest.approx(50, abs=1e-10)


def test_a_stratum_with_enough_customers_has_weights_of_its_own() -> None:
    def plan(name: str, censored: int) -> pd.DataFrame:
        months = [2] * censored + [6] * (120 - censored)
        scores = {"nps": 5, "csat": [1, 2] * 60, "desk": 1}
        return pd.DataFrame({"plan": name, "months": months, "left": 0, "spend": 1.0, **scores})

    cells = counted(pd.concat([plan("a", 0), plan("b", 60)], ignore_index=True)).cells
    by_plan = cells.groupby("stratum.plan")[["retained", "retained_weight"]].sum()
    assert by_plan.loc["a"].tolist() == pytest.approx([120, 120], abs=1e-10)
    assert by_plan.loc["b"].tolist() == pytest.approx([60, 120], abs=1e-10)


def test_dates_and_durations_give_the_same_cells() -> None:
    table = customers().assign(plan="a")
    start = pd.Timestamp("2020-01-01")
    end = [start + pd.DateOffset(months=int(m)) for m in table["months"]]
    left, late = table["left"] == 1, pd.Timestamp("2022-01-01")
    day = pd.Series(end, index=table.index)
    dated = table.assign(asked=start, until=day.where(~left, late), gone=day.where(left))
    dates = {"survey": "asked", "end": "gone", "observed_until": "until"}
    by_dates = counted(dated, subscription=dates).cells
    by_periods = counted(table).cells
    keys = ["score", "csat", "helpdesk", "retained", "lost"]
    pd.testing.assert_frame_equal(by_dates[keys], by_periods[keys])


def test_two_cohorts_add_up_and_others_do_not() -> None:
    spec = make_spec(TABLES)
    one, two = (read_cohort(customers(seed=seed), spec).count() for seed in (1, 2))
    both = add(one, two).drivers
    assert both is not None
    assert one.drivers is not None
    assert two.drivers is not None
    for name in ("n", "lost", "retained_weight", "spend_sum_sq"):
        total = one.drivers.cells[name].sum() + two.drivers.cells[name].sum()
        assert both.cells[name].sum() == pytest.approx(total, rel=1e-12)
    assert not both.cells.duplicated(["score", "csat", "helpdesk", "stratum.plan"]).any()
    later = counted(customers(seed=2), analysis={"horizon": 7})
    assert add_drivers(one.drivers, later) is None


def test_levels_are_merged_two_by_two_where_there_are_too_many_cells() -> None:
    cells = pd.DataFrame({"score": [1, 2, 3, 4, 5.0], "csat": [1, 1, 2, 2, 2.0], "n": [1, 3, 1, 1, 2]})
    kept = joint(cells, ["score", "csat"], [], most=5)
    assert kept.merged == ()
    assert kept.cells["score"].tolist() == [1, 2, 3, 4, 5]
    merged = joint(cells, ["score", "csat"], [], most=3)
    assert merged.merged == (("score", 3),)
    # 1 and 2 are one class, its level the mean of 1·1 and 3·2 over four customers
    assert merged.cells["score"].tolist() == [1.75, 3.5, 5.0]
    assert merged.cells["n"].tolist() == [4, 2, 2]
    with pytest.raises(InputError, match="more than 1 joint cells"):
        joint(cells, ["score", "csat"], [], most=1)


def test_a_score_of_one_outcome_alone_is_known_after_it() -> None:
    table = customers()
    table["desk"] = table["desk"].mask((table["left"] == 1) & (table["months"] <= 6))
    made = counted(table)
    assert made.left_out == ("helpdesk",)
    assert "helpdesk" not in made.cells
    answered = pd.DataFrame({
        "score": ["a", "a"], "given": [True, False], "n": [50, 9], "retained": [50, 0], "lost": [0, 9],
    })  # fmt: skip
    assert after_outcome(answered) == ()
    assert after_outcome(answered.assign(lost=[0, 10])) == ("a",)
    assert after_outcome(answered.assign(lost=[1, 10])) == ()


def test_small_cells_and_outcomes_are_not_discreet() -> None:
    cells = pd.DataFrame({"n": [20, 30], "retained": [10, 20], "lost": [10, 10], "spend_n": [20, 30]})
    answered = cells.assign(score="csat", given=[True, False])
    whole = DriverCounts(cells, answered)
    assert is_discreet(whole, 10)
    assert not is_discreet(whole, 11)
    assert not is_discreet(DriverCounts(cells.assign(lost=[10, 3]), answered), 10)
    assert is_discreet(DriverCounts(cells.assign(lost=[10, 3]), answered), 0)


def test_the_file_gives_the_same_table_back_and_no_other_is_taken(tmp_path: Path) -> None:
    spec, made = make_spec(TABLES), counted(customers())
    path = tmp_path / "drivers.parquet"
    save_drivers(made, path)
    again = load_drivers(path, spec)
    pd.testing.assert_frame_equal(again.cells, made.cells)
    pd.testing.assert_frame_equal(again.answered, made.answered)
    assert (again.horizon, again.merged, again.left_out) == (6, (), ())
    table = pq.read_table(path)
    for column, value, said in (
        ("score", 11.0, "leaves its scale"), ("n", -1, "no number of customers"), ("lost", 10**6, "more outcomes"),
        ("spend_sum", np.inf, "not finite"), ("lost_weight", -1.0, "negative"),
    ):  # fmt: skip
        frame = table.to_pandas()
        frame[column] = frame[column].astype(float)
        frame.loc[0, column] = value
        pq.write_table(pa.Table.from_pandas(frame).replace_schema_metadata(table.schema.metadata), path)
        with pytest.raises(InputError, match=said):
            load_drivers(path, spec)
    pq.write_table(table.drop_columns(["csat"]), path)
    with pytest.raises(InputError, match="other columns"):
        load_drivers(path, spec)
    about = json.loads(table.schema.metadata[b"cxlink"])
    pq.write_table(table.replace_schema_metadata({"cxlink": json.dumps({**about, "format": 9})}), path)
    with pytest.raises(InputError, match="format 9"):
        load_drivers(path, spec)


def test_customers_of_accounts_are_counted_by_bucket_and_add_up_to_those_without() -> None:
    table = customers().assign(account=lambda t: [f"A{k % 90}" for k in t.index])
    plain, made = counted(table), counted(table, cohort={"cluster": "account"})
    rows = table.dropna(subset=["nps", "csat", "desk"])
    by_bucket = rows.groupby(rows["account"].map(bucket_of))[["nps", "spend"]].agg(
        {"nps": "size", "spend": "sum"}
    )
    found = made.cells.groupby("bucket")[["n", "spend_sum"]].sum()
    assert found["n"].tolist() == by_bucket["nps"].tolist()
    assert found.index.tolist() == by_bucket.index.tolist()
    assert found["spend_sum"].to_numpy() == pytest.approx(by_bucket["spend"].to_numpy(), abs=1e-9)
    assert not made.cells.duplicated(["score", "csat", "helpdesk", "stratum.plan", "bucket"]).any()
    pd.testing.assert_frame_equal(without_buckets(made).cells, plain.cells, rtol=1e-12)
    pd.testing.assert_frame_equal(made.answered, plain.answered)
    assert without_buckets(plain) is plain


def test_small_cells_are_judged_over_all_buckets() -> None:
    cells = pd.DataFrame(
        {"score": 1.0, "csat": 2.0, "bucket": [3, 7], "n": [6, 6], "retained": [6, 1], "lost": [0, 5]}
    )
    answered = pd.DataFrame({"score": ["csat"], "given": [True], "n": [12], "retained": [7], "lost": [5]})
    assert is_discreet(DriverCounts(cells, answered), 5)
    assert not is_discreet(DriverCounts(cells, answered), 6)


def test_a_file_of_clustered_customers_needs_its_buckets(tmp_path: Path) -> None:
    table = customers().assign(account=lambda t: [f"A{k % 90}" for k in t.index])
    spec, made = make_spec({**TABLES, "cohort": {"cluster": "account"}}), tmp_path / "drivers.parquet"  # type: ignore[dict-item]
    held = counted(table, cohort={"cluster": "account"})
    save_drivers(held, made)
    pd.testing.assert_frame_equal(load_drivers(made, spec, clustered=True).cells, held.cells)
    with pytest.raises(InputError, match="other columns"):
        load_drivers(made, spec)
    save_drivers(replace(held, cells=held.cells.assign(bucket=200)), made)
    with pytest.raises(InputError, match="bucket is none of 200"):
        load_drivers(made, spec, clustered=True)
    save_drivers(without_buckets(held), made)
    assert "bucket" not in load_drivers(made, spec).cells


def test_too_many_cells_over_buckets_name_the_way_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    table = customers(60).assign(account=lambda t: [f"A{k % 9}" for k in t.index])
    monkeypatch.setattr(driver_cells, "joint", partial(joint, most=3))
    with pytest.raises(InputError, match=r"Or compare them in a run without \[cohort\] cluster"):
        counted(table, cohort={"cluster": "account"})


def test_who_was_never_observed_is_not_compared_where_nobody_is_followed_to_the_horizon() -> None:
    table = customers().assign(since=lambda t: t["months"].where(t.index % 4 != 0, t["months"] - 1))
    late = {"duration": "months", "event": "left", "entry": "since"}
    for horizon, shared in ((1, True), (400, False)):
        made = counted(table, subscription=late, analysis={"horizon": horizon})
        assert bool(made.horizon) is shared
        observed = table.dropna(subset=["nps"]).query("since < months")
        assert made.answered.groupby("score")["n"].sum().unique().tolist() == [len(observed)]
        assert made.cells["n"].sum() == len(observed.dropna())


def test_a_level_off_the_scale_is_refused_with_its_row() -> None:
    table = customers()
    table.loc[4, "desk"] = 8
    with pytest.raises(
        InputError, match=r"desk must be a whole number from 1 to 7, or empty.*in row 5 \(found 8\)"
    ):
        counted(table)
    cohort = read_cohort(table, make_spec(TABLES), drop_invalid=True)
    assert sum(one.n for one in cohort.dropped) == 1


@pytest.mark.parametrize(("others", "said"), [
    ({"csat": {"column": "nps", "scale": "1-5"}}, "nps is the score"),
    ({"csat": {"column": "plan", "scale": "1-5"}}, r"plan is adjusted for already, in \[adjust\]. Name it in one"),
    ({"plan": {"column": "plan", "scale": "1-5"}}, r"plan is adjusted for already, in \[adjust\]. Name it in one"),
    ({"a": {"column": "x", "scale": "1-5"}, "b": {"column": "x", "scale": "1-5"}}, "x is the score 'a'"),
    ({"score": {"column": "csat", "scale": "1-5"}}, "cannot be its name"),
    ({"plan": {"column": "csat", "scale": "1-5"}}, "cannot be its name"),
    ({"cs at": {"column": "csat", "scale": "1-5"}}, "cannot be its name"),
    ({"csat": {"column": "csat", "scale": "5"}}, "is not a scale"),
    ({"csat": {"column": "csat", "scale": "1-5", "scal": 1}}, "did you mean scale"),
    ({f"s{i}": {"column": f"c{i}", "scale": "1-5"} for i in range(6)}, "5 may stand beside"),
])  # fmt: skip
def test_a_spec_of_other_scores_that_cannot_be_is_refused(others: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make_spec({**TABLES, "score": {**TABLES["score"], "others": others}})  # type: ignore[dict-item]

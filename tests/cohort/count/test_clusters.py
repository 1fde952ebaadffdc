"""Clusters become buckets: the same on any engine, from any reader; their sizes are said; no trace once suppressed."""

from dataclasses import replace
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from clustered import account_counts, account_rows, account_spec

from cxlink import InputError, add, load_counts, make_spec, read_cohort, save_counts
from cxlink.cohort.count.clusters import BUCKETS, bucket_number, bucket_of
from cxlink.cohort.count.counts import suppress, without_buckets


def test_a_bucket_by_hand() -> None:
    # `printf a17 | md5sum` begins with 62a0, which is 25,248 = 126 · 200 + 48
    assert bucket_of("a17") == 48
    many = np.bincount([bucket_of(str(k)) for k in range(20_000)], minlength=BUCKETS)
    assert many.sum() == 20_000
    assert abs(many - 100).max() < 60  # six standard deviations of a Poisson count


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_engines_number_buckets_as_python_does(engine: str) -> None:
    names = [f"Köln {k}" for k in range(300)] + ["", "x" * 500]
    table = ibis.memtable({"name": names})
    numbers = ibis.duckdb.connect().execute(table.select(b=bucket_number(table.name, engine)))["b"]
    assert numbers.tolist() == [bucket_of(name) for name in names]


@pytest.mark.parametrize("kind", [str, int, float])
def test_text_and_numbers_of_the_same_name_are_one_cluster(kind: type, tmp_path: Path) -> None:
    rows = account_rows(60)
    rows["account"] = np.arange(60) // 2 + 1000
    expected = sorted({bucket_of(str(k)) for k in rows["account"]})
    rows["account"] = rows["account"].astype(kind)
    rows.to_csv(tmp_path / "a.csv", index=False)
    for table in (rows, tmp_path / "a.csv"):
        cells = read_cohort(table, account_spec()).count().cells
        assert sorted(set(cells["bucket"])) == expected


@pytest.mark.parametrize("name", [np.inf, -np.inf, 1e300, 0.5])
def test_any_number_is_the_name_of_an_account(name: float) -> None:
    rows = account_rows()
    number = rows["account"].str[1:].astype(float)
    number[:3] = name
    cells = read_cohort(rows.assign(account=number), account_spec()).count().cells
    assert cells["n"].sum() == len(rows)
    others = number[3:].astype(int).astype(str).map(bucket_of)
    at = bucket_of(str(name))
    assert cells.loc[cells["bucket"] == at, "n"].sum() == 3 + (others == at).sum()


def test_summed_over_buckets_the_counts_are_those_without_clusters() -> None:
    one, other = account_counts(), account_counts(None)
    assert one.cells["bucket"].between(0, BUCKETS - 1).all()
    pd.testing.assert_frame_equal(without_buckets(one.cells), other.cells, rtol=1e-12)
    assert "bucket" not in other.cells


def test_customers_of_each_bucket_are_those_of_its_accounts() -> None:
    rows, cells = account_rows(), account_counts().cells
    own = rows["account"].map(bucket_of)
    pd.testing.assert_series_equal(
        cells.groupby("bucket")["n"].sum(), rows.groupby(own).size(), check_names=False, check_dtype=False
    )


def test_sizes_are_said() -> None:
    (said,) = [one for one in account_counts().profile.notes if one.code == "clusters"]
    assert (said.n, dict(said.facts)) == (200, {"column": "account", "largest": 6, "size": 6.0})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"account": ["A"] * 30 + [f"B{k}" for k in range(30)]}, "one account has 30 of the 60 customers"),
        ({"account": ["A"] * 29 + [None] * 2 + [f"B{k}" for k in range(29)]}, "account must be there in every row"),
        ({"account": [" "] + [f"B{k}" for k in range(59)]}, "1 of 60 row fails"),
    ],
)  # fmt: skip
def test_half_of_all_in_one_cluster_or_none_is_refused_in_a_line(
    change: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(InputError, match=message) as error:
        read_cohort(account_rows(60).assign(**change), account_spec())
    assert "\n" not in str(error.value)


def test_just_under_half_is_read_and_few_clusters_are_said() -> None:
    rows = account_rows(60).assign(account=["A"] * 29 + ["B"] * 20 + ["C"] * 11)
    notes = {one.code: one for one in read_cohort(rows, account_spec()).count().profile.notes}
    assert notes["clusters"].facts["largest"] == 29
    assert notes["few_clusters"].n == 3


def test_the_score_is_no_cluster_and_a_missing_column_is_named() -> None:
    with pytest.raises(InputError, match="cluster score is the score"):
        account_spec("score")
    with pytest.raises(InputError, match=r"no column 'acount' \(cluster\)\. Did you mean 'account'"):
        read_cohort(account_rows(60), account_spec("acount"))


def test_a_further_score_is_no_account() -> None:
    score = {"column": "score", "scale": "1-5", "others": {"csat": {"column": "account", "scale": "1-5"}}}
    with pytest.raises(InputError, match="account is no score"):
        account_spec(score=score)


def test_spans_of_a_customer_are_in_one_cluster_which_may_stand_in_one_of_them() -> None:
    rows = pd.DataFrame({
        "who": ["a", "a", "b", "c", "d"], "start": ["2024-01-01", "2024-03-01", *["2024-01-01"] * 3],
        "stop": ["2024-02-25", None, None, "2024-06-01", None], "asked": "2024-01-20", "score": 3,
        "account": ["X", None, "Y", "Z", "W"],
    })  # fmt: skip
    dates = {
        "signup": "start",
        "survey": "asked",
        "end": "stop",
        "observed_until": "2024-12-31",
        "gap_days": 30,
    }
    spec = make_spec({
        "cohort": {"id": "who", "cluster": "account"}, "score": {"column": "score", "scale": "1-5"},
        "subscription": dates,
    })  # fmt: skip
    cells = read_cohort(rows, spec).count().cells
    assert sorted(cells["bucket"]) == sorted(bucket_of(name) for name in "XYZW")
    with pytest.raises(InputError, match="account must be the same in every span"):
        read_cohort(rows.assign(account=["X", "V", "Y", "Z", "W"]), spec)


def test_a_suppressed_file_has_no_bucket_and_is_judged_over_all(tmp_path: Path) -> None:
    counts = account_counts()
    small, plain = suppress(counts, 5), suppress(account_counts(None), 5)
    pd.testing.assert_frame_equal(small.cells, plain.cells, rtol=1e-12)
    save_counts(small, tmp_path / "small.parquet")
    assert "bucket" not in load_counts(tmp_path / "small.parquet").cells


def test_a_file_without_a_bucket_is_read_where_no_cell_was_small_enough_to_leave_out(tmp_path: Path) -> None:
    spec = account_spec(publish={"smallest_cell": 2})
    rows = pd.DataFrame({
        "score": 3, "months": 4, "left": 1, "spend": 1.0, "plan": "a", "account": [f"A{k}" for k in range(20)],
    })  # fmt: skip
    counts = suppress(read_cohort(rows, spec).count(), 2)
    assert counts.suppressed == 0
    save_counts(counts, tmp_path / "a.parquet")
    assert load_counts(tmp_path / "a.parquet").cells["n"].tolist() == [20]


def test_a_file_keeps_its_buckets_and_one_that_lost_them_is_refused(tmp_path: Path) -> None:
    counts = account_counts()
    save_counts(counts, tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(load_counts(tmp_path / "a.parquet").cells, counts.cells)
    save_counts(replace(counts, cells=without_buckets(counts.cells)), tmp_path / "b.parquet")
    with pytest.raises(InputError, match="bucket"):
        load_counts(tmp_path / "b.parquet")
    save_counts(replace(counts, cells=counts.cells.assign(bucket=BUCKETS)), tmp_path / "c.parquet")
    with pytest.raises(InputError, match="not under 200"):
        load_counts(tmp_path / "c.parquet")


def test_clustered_counts_are_pooled_with_clustered_ones_alone() -> None:
    counts = account_counts()
    others = replace(counts, profile=replace(counts.profile, fingerprint="others"))
    both = add(counts, others)
    assert both.cells["n"].tolist() == (2 * counts.cells["n"]).tolist()
    with pytest.raises(InputError, match=r"\[cohort\] cluster differs"):
        add(counts, account_counts(None))


@pytest.mark.parametrize("kind", [str, int, float])
def test_clusters_numbered_once_are_those_of_each_row(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = account_rows()
    number = rows["account"].str[1:].astype(int)
    name = np.where(number % 3 == 0, number.astype(str) + ".0", number.astype(str))  # 17 and 17.0 are one
    rows["account"] = pd.Series(name) if kind is str else number.astype(kind)
    once = read_cohort(rows, account_spec()).count()
    monkeypatch.setattr("cxlink.cohort.table.with_clusters", lambda source, _spec: source)
    each = read_cohort(rows, account_spec()).count()
    pd.testing.assert_frame_equal(once.cells, each.cells, check_exact=True)
    assert once.profile == each.profile
    assert {one.code: one.n for one in once.profile.notes}["clusters"] == 200


def test_sizes_are_of_the_rows_that_are_left() -> None:
    rows = account_rows(60)
    rows.loc[:2, "score"] = 9  # three of the six customers of the first account
    counts = read_cohort(rows, account_spec(), drop_invalid=True).count()
    (said,) = [one for one in counts.profile.notes if one.code == "clusters"]
    assert said.facts["size"] == pytest.approx((9 * 36 + 9) / 57, rel=1e-12)


def test_a_row_is_named_by_its_number_in_the_file(tmp_path: Path) -> None:
    rows = account_rows(600)
    rows.loc[411, "score"] = 9
    rows.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"1 of 600 rows fails, in row 412 \(found 9\)"):
        read_cohort(tmp_path / "a.parquet", account_spec())


def test_customers_surveyed_more_than_once_are_counted_from_their_cells() -> None:
    rng = np.random.default_rng(6)
    rows = pd.DataFrame({
        "who": rng.integers(0, 90, 300), "score": pd.Series(rng.integers(1, 6, 300)).where(rng.random(300) < 0.8),
        "survey": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.permutation(300), unit="D"), "end": None,
    })  # fmt: skip
    dates = {"survey": "survey", "end": "end", "observed_until": "2026-06-30"}
    every = make_spec({
        "cohort": {"id": "who", "repeat": "all"}, "score": {"column": "score", "scale": "1-5"}, "subscription": dates,
    })  # fmt: skip
    # of numbers in any order, sorted, and of text, each customer's surveys are in the bucket of their name
    for table in (rows, rows.sort_values("who"), rows.assign(who="C" + rows["who"].astype(str))):
        answered = table.groupby("who")["score"].count().clip(lower=1)
        counts = read_cohort(table, every).count()
        own = answered.groupby(answered.index.astype(str).map(bucket_of)).sum()
        assert counts.cells.groupby("bucket")["n"].sum().to_dict() == own.to_dict()
        (said,) = [one for one in counts.profile.notes if "customers" in one.code]
        assert (said.n, said.facts["largest"]) == (len(answered), answered.max())
        assert said.facts["size"] == pytest.approx((answered**2).sum() / answered.sum(), rel=1e-12)

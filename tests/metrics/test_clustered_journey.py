"""Contacts of customers in accounts, from the table to the rows: the same estimates, errors over buckets by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit, stdtr, stdtrit

from cxlink import make_spec, read_cohort
from cxlink.cohort.count.clusters import bucket_of
from cxlink.cohort.count.counts import Counts
from cxlink.metrics.drivers.joint_cells import joint_cells
from cxlink.metrics.drivers.partial_contrasts import retention_contrasts, spend_contrasts
from cxlink.metrics.journey.journey_changes import trends
from cxlink.metrics.journey.journey_contrasts import contrasts_of_journey
from cxlink.metrics.journey.journey_rows import journey_rows
from cxlink.metrics.metric_table import tidy_metrics

PLACES = ("phone", "web")
CONTACTS = {
    "table": "contacts.csv", "on": "who", "touchpoint": "where", "score": "rating", "scale": "1-5", "date": "on_day",
    "segment": "plan",
}  # fmt: skip
KEY = ["metric", "version", "variable", "category", "period"]


def customers(n: int = 1_200, size: int = 4, everywhere: bool = False, seed: int = 3) -> pd.DataFrame:
    """Customers of accounts that share a mood, a fate and the time of their contacts; a column a touchpoint."""
    rng = np.random.default_rng(seed)
    account = np.arange(n) // size
    mood, fate, when = rng.normal(size=(3, account.max() + 1))[:, account]
    asked = pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 20, n), unit="D")
    rows = pd.DataFrame({
        "who": [f"C{k}" for k in range(n)], "account": [f"A{k}" for k in account], "nps": rng.integers(0, 11, n),
        "asked": asked, "plan": rng.choice(["basic", "pro"], n),
    })  # fmt: skip
    for name, share in zip(PLACES, (0.6, 0.9), strict=True):
        back = np.clip(rng.normal(250 + 120 * when, 60), 0, 700).astype(int)
        score = np.clip(np.rint(3 + 0.8 * mood - back / 400 + 0.6 * rng.normal(size=n)), 1, 5)
        there = (rng.random(n) < share) | everywhere
        rows[name], rows[f"{name}_day"] = (
            np.where(there, score, np.nan),
            asked - pd.to_timedelta(back, unit="D"),
        )
    stays = rng.random(n) < expit(0.5 * (rows["web"].fillna(3) - 3) + 1.5 * fate)
    rows["left"] = (asked + pd.to_timedelta(100, unit="D")).where(~stays)
    rows["spend"] = rng.gamma(2, 20 * np.exp(0.1 * rows["web"].fillna(3) + 0.4 * fate)).round(2)
    return rows


def counts_of(rows: pd.DataFrame, folder: Path, cluster: str | None = "account", **more: Any) -> Counts:
    """Write the table and that of contacts, and count them."""
    parts = [
        pd.DataFrame({
            "who": rows["who"], "where": name, "rating": rows[name], "on_day": rows[f"{name}_day"].dt.date,
        }).dropna()
        for name in PLACES
    ]  # fmt: skip
    pd.concat(parts).to_csv(folder / "contacts.csv", index=False)
    rows.drop(columns=[f"{name}_day" for name in PLACES]).to_csv(folder / "customers.csv", index=False)
    spec = {
        "cohort": {"id": "who", **({"cluster": cluster} if cluster else {})},
        "score": {"column": "nps", "scale": "0-10"}, "adjust": {"columns": ["plan"]}, "touchpoints": CONTACTS,
        "subscription": {"survey": "asked", "end": "left", "observed_until": "2025-12-31"},
        "spend": {"column": "spend", "complete": True},
    }  # fmt: skip
    return read_cohort(folder / "customers.csv", make_spec(spec | more)).count()


def table_of(counts: Counts) -> pd.DataFrame:
    return tidy_metrics(journey_rows(counts)).set_index(KEY)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return customers()


@pytest.fixture(scope="module")
def counts(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Counts:
    return counts_of(rows, tmp_path_factory.mktemp("accounts"))


@pytest.fixture(scope="module")
def plain(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Counts:
    return counts_of(rows, tmp_path_factory.mktemp("alone"), None)


def buckets(rows: pd.DataFrame) -> np.ndarray:
    return rows["account"].map(bucket_of).to_numpy(int)


@pytest.mark.parametrize("name", ["cells", "contacts", "paths"])
def test_tables_are_those_without_accounts_by_bucket(
    name: str, counts: Counts, plain: Counts, rows: pd.DataFrame
) -> None:
    whole, alone = getattr(counts.journey, name), getattr(plain.journey, name)
    sums = [
        one
        for one in alone
        if one.startswith(("n", "retained", "lost", "spend")) and not one.startswith("nps")
    ]
    keys = [one for one in alone if one not in sums]
    assert list(whole.columns) == [*keys, "bucket", *sums]
    added = whole.groupby(keys, dropna=False)[sums].sum().reset_index()
    pd.testing.assert_frame_equal(
        added, alone.sort_values(keys).reset_index(drop=True), check_dtype=False, rtol=1e-12
    )
    n = [1, 2][name == "contacts"] * np.bincount(buckets(rows), minlength=200)
    assert (np.bincount(whole["bucket"], whole["n"], 200) <= n).all()
    there = rows["web"].notna() | rows["phone"].notna()
    if name == "paths":
        assert (
            np.bincount(whole["bucket"], whole["n"], 200) == np.bincount(buckets(rows[there]), minlength=200)
        ).all()


def test_estimates_are_those_without_accounts_and_errors_are_larger(counts: Counts, plain: Counts) -> None:
    over, alone = table_of(counts), table_of(plain)
    assert list(over.index) == list(alone.index)
    estimates = over["unit"] != "p-value"
    np.testing.assert_allclose(
        over["estimate"][estimates], alone["estimate"][estimates], rtol=1e-8, atol=1e-12
    )
    assert (over["n"] == alone["n"]).all()
    everybody = (over.index.get_level_values("variable") == "touchpoint") & (over["unit"] == "score")
    assert (over["std_error"] / alone["std_error"])[everybody].mean() > 1.1


def test_scores_of_whole_accounts_have_wider_intervals(rows: pd.DataFrame, tmp_path: Path) -> None:
    same = rows.assign(**{name: rows.groupby("account")[name].transform("first") for name in PLACES})
    over, alone = (table_of(counts_of(same, tmp_path, name)) for name in ("account", None))
    for metric in ("journey_retention_contrast", "journey_spend_contrast"):
        for how in ("alone", "partial"):
            key = (metric, how, "touchpoint", "web", "")
            assert over.loc[key, "std_error"] > 1.2 * alone.loc[key, "std_error"]
            width = over.loc[key, "conf_high"] - over.loc[key, "conf_low"]
            assert width > 2 * 1.96 * over.loc[key, "std_error"]


def test_customers_who_are_accounts_of_their_own_have_the_errors_of_independent_ones(
    rows: pd.DataFrame, plain: Counts, tmp_path: Path
) -> None:
    over, alone = table_of(counts_of(rows, tmp_path, "who")), table_of(plain)
    whole = (over.index.get_level_values("period") == "") & (over["unit"] != "p-value") & (over["n"] > 500)
    known = whole & over["std_error"].notna() & (alone["std_error"] > 0)
    assert known.sum() >= 15
    # errors from some 200 buckets differ by 1/√400 each, four times that at most
    assert (over["std_error"] / alone["std_error"])[known].between(0.8, 1.2).all()


def test_customers_written_three_times_tell_no_more_than_once(
    rows: pd.DataFrame, counts: Counts, tmp_path: Path
) -> None:
    copies = [rows, *(rows.assign(who=rows["who"] + f"copy{k}") for k in range(2))]
    again, once = table_of(counts_of(pd.concat(copies), tmp_path)), table_of(counts)
    assert (again["n"] == 3 * once["n"]).loc[once.index].all()
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(again.loc[once.index, name], once[name], rtol=1e-7, atol=1e-10)


def test_trends_have_the_clustered_errors_of_a_regression_on_the_rows(
    rows: pd.DataFrame, counts: Counts
) -> None:
    """statsmodels has a factor (N − 1)/(N − 2) more, by which rows that are copied would seem to tell more."""
    assert counts.journey is not None
    found = {one.touchpoint: one for one in trends(counts.journey.contacts, 1)}
    adjusted = {}
    for name in PLACES:
        own = rows.dropna(subset=[name])
        x = 4 * own[f"{name}_day"].dt.year + own[f"{name}_day"].dt.quarter
        fit = sm.OLS(own[name], sm.add_constant((x - x.mean()).rename("x"))).fit(
            cov_type="cluster", cov_kwds={"groups": buckets(own)}
        )
        error = fit.bse["x"] * np.sqrt((len(own) - 2) / (len(own) - 1))
        assert found[name].slope == pytest.approx(fit.params["x"], rel=1e-8)
        assert found[name].std_error == pytest.approx(error, rel=1e-8)
        q = np.bincount(buckets(own), (x - x.mean()) ** 2) ** 2
        freedom = q.sum() ** 2 / (q**2).sum()
        assert found[name].freedom == pytest.approx(freedom, rel=1e-8)
        adjusted[name] = 2 * stdtr(freedom, -abs(fit.params["x"]) / error)
        row = table_of(counts).loc[("journey_trend", "", "touchpoint", name, "")]
        reach = stdtrit(freedom, 0.975) * error
        assert row["conf_high"] - row["conf_low"] == pytest.approx(2 * reach, rel=1e-8)
    first = min(adjusted, key=adjusted.__getitem__)
    assert found[first].p_value == pytest.approx(2 * adjusted[first], rel=1e-6)


@pytest.mark.parametrize("outcome", ["retention", "spend"])
def test_contrasts_are_those_of_scores_of_the_same_customers(outcome: str, tmp_path: Path) -> None:
    """Where everybody was everywhere touchpoints are scores, whose errors are held against rows by hand."""
    rows = customers(everywhere=True)
    journey = counts_of(rows, tmp_path)
    others = {"web": {"column": "web", "scale": "1-5"}}
    score = {"column": "phone", "scale": "1-5", "others": others}
    scores = counts_of(rows, tmp_path, score=score)
    assert journey.journey is not None
    assert scores.drivers is not None
    cells = joint_cells(scores.drivers, scores.spec)
    expected = (retention_contrasts if outcome == "retention" else spend_contrasts)(cells)
    found = [
        one.contrast
        for one in contrasts_of_journey(journey.journey, journey.spec)
        if (one.outcome, one.how, one.segment) == (outcome, "partial", "")
    ]
    for mine, other in zip(found, expected, strict=True):
        assert mine.estimate == pytest.approx(other.estimate, rel=1e-7)
        assert mine.std_error == pytest.approx(other.std_error, rel=1e-7)
        assert mine.freedom == pytest.approx(other.freedom, rel=1e-7)
        assert np.isfinite(mine.freedom)


def test_a_mean_and_a_share_by_hand(rows: pd.DataFrame, counts: Counts) -> None:
    table = table_of(counts)
    web = rows.dropna(subset=["web"])
    apart = np.bincount(buckets(web), web["web"] - web["web"].mean(), 200)
    g = len(set(buckets(web)))
    error = np.sqrt(g / (g - 1) * (apart**2).sum()) / len(web)
    row = table.loc[("journey_mean", "", "touchpoint", "web", "")]
    assert row["std_error"] == pytest.approx(error, rel=1e-9)
    somewhere = rows[rows["web"].notna() | rows["phone"].notna()]
    there = somewhere["phone"].notna().to_numpy(float)
    at = buckets(somewhere)
    apart, g = np.bincount(at, there - there.mean(), 200), len(set(at))
    error = np.sqrt(g / (g - 1) * (apart**2).sum()) / len(there)
    row = table.loc[("journey_reached", "", "touchpoint", "phone", "")]
    assert row["std_error"] == pytest.approx(error, rel=1e-9)
    q = np.bincount(at) ** 4.0
    freedom = np.bincount(at, minlength=200).astype(float) ** 2
    reach = stdtrit(freedom.sum() ** 2 / q.sum(), 0.975) * error / (there.mean() * (1 - there.mean()))
    assert row["conf_low"] == pytest.approx(expit(logit(there.mean()) - reach), rel=1e-9)


def test_a_segment_is_judged_by_its_own_buckets(rows: pd.DataFrame, tmp_path: Path) -> None:
    """The pro customers of five large accounts have estimates alone; the others have intervals."""
    plan = np.where(np.arange(len(rows)) < 300, "pro", "basic")
    account = np.where(plan == "pro", [f"L{k // 60}" for k in range(len(rows))], rows["account"])
    table = table_of(counts_of(rows.assign(plan=plan, account=account), tmp_path))
    own = table[(table.index.get_level_values("variable") == "plan") & (table["unit"] == "score")]
    pro = own.index.get_level_values("category") == "pro"
    assert own.loc[pro, "estimate"].notna().all()
    assert own.loc[pro, ["std_error", "conf_low", "conf_high"]].isna().all(axis=None)
    assert own.loc[~pro, "conf_low"].notna().all()


def test_few_accounts_have_estimates_alone_and_no_trend_is_tested(tmp_path: Path) -> None:
    table = table_of(counts_of(customers(120, size=24), tmp_path))
    test = table["unit"] == "p-value"
    assert table.loc[~test, "estimate"].notna().any()
    assert table[["std_error", "conf_low", "conf_high"]].isna().all(axis=None)
    assert test.any()
    assert table.loc[test, "estimate"].isna().all()


def test_a_test_that_is_not_made_counts_for_nothing() -> None:
    """Of two touchpoints one is of few accounts: the p-value of the other is its own."""
    rng = np.random.default_rng(5)
    quarter, bucket = rng.integers(0, 8, 300), np.arange(300) % 60
    many = pd.DataFrame({
        "touchpoint": "web", "segment": "", "period": [f"{2023 + one // 4}Q{one % 4 + 1}" for one in quarter],
        "score": np.clip(rng.integers(1, 6, 300) + (quarter > 5), 1, 5), "bucket": bucket, "n": 1,
    })  # fmt: skip
    few = many.assign(touchpoint="phone", bucket=bucket % 3)
    alone, both = trends(many, 1), trends(pd.concat([few, many]), 1)
    assert 0 < alone[0].p_value < 0.4
    assert np.isnan(both[0].p_value)
    assert both[1] == alone[0]

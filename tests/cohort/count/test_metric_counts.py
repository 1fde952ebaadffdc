"""What metrics are counted from: sums by hand, flows by hand, laws, and refusals in one line."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from tabled import DROP, SCORE, count, refusal, spec

from cxlink.cohort.count.counts import Counts, add, load_counts, save_counts, suppress
from cxlink.cohort.count.metric_sums import SUMS
from cxlink.cohort.errors import InputError
from cxlink.cohort.table import read_cohort

SPEND = {"spend": {"column": "spent", "complete": True}}
STAY = {"subscription": {"duration": "months", "event": "lost"}}
DATED = {
    "subscription": {"signup": "joined", "survey": "asked", "end": "gone", "observed_until": "2025-06-30"},
}
TABLE = pd.DataFrame({
    "score": [9, 9, 2, None, 5], "spent": [100.0, 50.0, 0.0, 30.0, 20.0], "orders": [4, 1, 0, 2, None],
    "cost": [12.5, None, 40.0, 8.0, 0.25], "plan": ["a", "b", "a", " a", None],
    "asked": ["2025-01-05", "2025-03-31", "2025-04-01", "", "2025-05-02"], "value": [100, None, 300, None, 50.5],
    "new": [1, 0, 1, 0, 1], "term": [12, None, 36, None, 6], "club": [1, 0, None, 1, 0],
    "where": ["web", "phone", "web", "", "web"], "months": [1, 2, 3, 1, 2], "lost": [0, 1, 0, 0, 0],
})  # fmt: skip
ALL = {
    "metrics": {
        "orders": "orders", "support_cost": "cost", "contract_value": "value", "new_customer": "new",
        "contract_months": "term", "segments": ["plan"], "date": "asked", "touchpoint": "where", "member": "club",
    },
}  # fmt: skip


def counted(table: pd.DataFrame, *sections: dict[str, Any]) -> Counts:
    return count(table, STAY, SPEND, ALL, *sections)


@pytest.fixture(scope="module")
def made() -> Counts:
    return counted(TABLE)


def sums(counts: Counts, of: str, variable: str = "", level: str = "") -> list[float]:
    table = counts.metrics
    mine = table[(table["of"] == of) & (table["variable"] == variable) & (table["level"] == level)]
    return [float(mine[name].sum()) for name in ("n", *SUMS)]


def test_sums_by_hand(made: Counts) -> None:
    # spend over orders, of the four customers of whom both are known
    assert sums(made, "transaction_size") == [4, 180, 100**2 + 50**2 + 30**2, 7, 16 + 1 + 4, 400 + 50 + 60]
    assert sums(made, "transaction_size", "plan", "a")[:2] == [3, 130]
    assert sums(made, "cost_to_serve")[:3] == [4, 60.75, 12.5**2 + 1600 + 64 + 0.0625]
    assert sums(made, "contract_value")[:2] == [3, 450.5]
    assert sums(made, "contract_value_annualised")[:2] == [3, 100 + 100 + 101]
    assert (
        sums(made, "answers")[0]
        == sum(sums(made, "answers", "plan", k)[0] for k in ("a", "b", "(missing)"))
        == 5
    )
    assert [sums(made, "answers", "member", k)[0] for k in ("yes", "no", "(missing)")] == [2, 2, 1]
    assert [sums(made, "answers", "touchpoint", k)[0] for k in ("web", "phone", "(missing)")] == [3, 1, 1]
    answers = made.metrics[(made.metrics["of"] == "answers") & (made.metrics["variable"] == "")]
    assert answers.groupby("period")["n"].sum().to_dict() == {"": 1, "2025Q1": 2, "2025Q2": 2}
    assert answers["score"].isna().sum() == 1


@pytest.mark.parametrize(
    ("calendar", "names"), [("month", ["2025-01", "2025-03", "2025-04", "2025-05"]), ("year", ["2025"])]
)
def test_calendars(calendar: str, names: list[str]) -> None:
    made = count(TABLE, STAY, metrics={"date": "asked", "period": calendar}).metrics
    assert sorted(set(made.loc[made["of"] == "answers", "period"]) - {""}) == names


def test_touchpoint_and_member_tell_cells_apart(made: Counts) -> None:
    cells = made.cells
    assert cells.groupby(["touchpoint", "member"])["n"].sum().to_dict() == {
        ("(missing)", "yes"): 1, ("phone", "no"): 1, ("web", "(missing)"): 1, ("web", "no"): 1, ("web", "yes"): 1,
    }  # fmt: skip
    assert cells["n"].sum() == 5


def test_a_touchpoint_that_is_adjusted_for_is_counted_once() -> None:
    made = count(TABLE.rename(columns={"where": "touchpoint"}), STAY, metrics={"touchpoint": "touchpoint"},
                 adjust={"columns": ["touchpoint", "plan"]})  # fmt: skip
    assert sums(made, "answers", "touchpoint", "web")[0] == 3
    assert sums(made, "answers", "plan", "a")[0] == 3


FLOWS = pd.DataFrame({
    "joined": ["2024-01-10", "2024-02-01", "2024-11-30", "2025-01-15", "2025-02-01", "2024-05-01"],
    "gone": [None, "2025-02-10", "2025-04-01", None, "2025-03-31", "2025-08-01"],
    "asked": ["2024-12-31", "2024-12-01", "2025-01-02", "2025-01-20", "2025-02-02", "2024-06-01"],
    "score": [9, 2, 5, 7, 1, 3],
})  # fmt: skip


def flow(made: Counts, clock: str, period: str) -> dict[str, int]:
    table = made.metrics[(made.metrics["variable"] == "") & (made.metrics["period"] == period)]
    found = table[table["of"].str.startswith(f"{clock}.")].set_index("of")["n"]
    return {name.removeprefix(f"{clock}."): int(n) for name, n in found.items()}


def test_flows_by_hand() -> None:
    made = count(FLOWS, DATED, metrics={})
    # at the start of 2025 four had signed up; one of them left in the first quarter, and one of its two joiners
    assert flow(made, "signup", "2025Q1") == {"start": 4, "lost": 1, "joined": 2, "joined_end": 1, "end": 4}
    assert flow(made, "signup", "2025Q2") == {"start": 4, "lost": 1, "end": 3}
    assert flow(made, "survey", "2025Q1") == {"start": 3, "lost": 1, "joined": 3, "joined_end": 2, "end": 4}
    assert flow(made, "signup", "2024Q4") == flow(made, "signup", "2025Q3") == {}


def test_nobody_is_lost_where_the_first_loss_comes_after_the_last_whole_period() -> None:
    until = {"subscription": {**DATED["subscription"], "observed_until": "2025-03-30"}}
    made = count(FLOWS.assign(gone=["2025-03-30", *[None] * 5]), until, metrics={})
    assert not made.metrics["of"].str.contains(".", regex=False).any()
    assert len(made.metrics)


def test_a_period_that_was_not_observed_whole_is_left_out() -> None:
    until = {"subscription": {**DATED["subscription"], "observed_until": "2025-06-29"}}
    made = count(FLOWS, until, metrics={})
    assert flow(made, "signup", "2025Q1")["start"] == 4
    assert flow(made, "signup", "2025Q2") == {}


def test_retained_and_lost_are_all_who_were_there() -> None:
    rng = np.random.default_rng(3)
    day = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 700, 400), unit="D")
    gone = day + pd.to_timedelta(rng.integers(40, 900, 400), unit="D")
    table = pd.DataFrame({
        "joined": day, "asked": day + pd.to_timedelta(30, unit="D"),
        "gone": pd.Series(gone).where(rng.random(400) < 0.7), "score": rng.integers(1, 11, 400),
    })  # fmt: skip
    made = count(table, DATED, metrics={"period": "month"})
    periods = set(made.metrics.loc[made.metrics["of"] == "signup.start", "period"])
    assert len(periods) > 20
    for clock in ("signup", "survey"):
        for period in periods:
            of = {"joined_end": 0, "lost": 0, "start": 0, "end": 0, **flow(made, clock, period)}
            assert of["end"] - of["joined_end"] == of["start"] - of["lost"]


def test_rows_in_any_order_and_two_halves_give_the_same() -> None:
    rng = np.random.default_rng(1)
    big = pd.concat([TABLE] * 40, ignore_index=True).assign(spent=np.round(rng.gamma(2, 50, 200), 2))
    asked = {"metrics": {"orders": "orders", "date": "asked", "member": "club", "segments": []}}
    whole, shuffled, *halves = (
        count(rows, SPEND, asked)
        for rows in (big, big.sample(frac=1, random_state=2), big.iloc[:70], big.iloc[70:])
    )
    assert whole.metrics["x"].sum() > 1e4
    pd.testing.assert_frame_equal(whole.metrics, shuffled.metrics, check_exact=True)
    both = add(*halves)
    pd.testing.assert_frame_equal(both.metrics, whole.metrics, rtol=1e-14)
    assert both.cells["n"].sum() == whole.cells["n"].sum()


def test_counts_of_other_metrics_add_up_without_them(made: Counts) -> None:
    other = count(TABLE, STAY, SPEND)
    for both in (add(made, other), add(other, made)):
        assert not len(both.metrics)
        assert both.spec.metrics is None
        assert "touchpoint" not in both.cells
        assert both.cells["n"].sum() == 10


def test_they_are_kept_with_the_counts_and_suppressed(tmp_path: Path, made: Counts) -> None:
    save_counts(made, tmp_path / "counts.parquet")
    again = load_counts(tmp_path / "counts.parquet")
    pd.testing.assert_frame_equal(again.metrics, made.metrics, check_exact=True)
    pd.testing.assert_frame_equal(again.cells, made.cells, check_exact=True)
    kept = suppress(made, 2).metrics
    assert 0 < len(kept) < len(made.metrics)
    assert kept["n"].min() == 2


def test_without_metrics_nothing_is_counted_nor_kept(tmp_path: Path) -> None:
    plain = count(TABLE, STAY, SPEND)
    assert not len(plain.metrics)
    save_counts(plain, tmp_path / "counts.parquet")
    assert b'"metrics"' not in pq.read_metadata(tmp_path / "counts.parquet").metadata[b"cxlink"]
    assert not len(load_counts(tmp_path / "counts.parquet").metrics)


def with_value(column: str, row: int, value: Any) -> pd.DataFrame:
    table = TABLE.astype({column: object})
    table.loc[row, column] = value
    return table


NEW = {"contract_value": "value", "new_customer": "new"}
ROWS = [
    ({"orders": "orders"}, "orders", -2, "orders must be a whole number from 0 to 1,000,000, or empty"),
    (
        {"support_cost": "cost"},
        "cost",
        "free",
        "cost must be an amount of 0 or more, at most 1e+12, or empty",
    ),
    (NEW, "value", 7, "value must be empty or 0 where new does not mark a new customer"),
    (NEW, "new", "perhaps", "new must be 1 or 0, true or false, yes or no, or empty"),
    ({"member": "club"}, "club", "gold", "club must be 1 or 0, true or false, yes or no, or empty"),
    ({"date": "asked"}, "asked", "2025-02-30", "asked must be a date, YYYY-MM-DD"),
]


@pytest.mark.parametrize(("asked", "column", "value", "must"), ROWS, ids=[f"{r[1]}-{r[2]}" for r in ROWS])
def test_what_no_metric_is_made_of_is_refused(
    asked: dict[str, str], column: str, value: Any, must: str
) -> None:
    spend = SPEND if "orders" in asked else {}
    said = refusal(with_value(column, 1, value), STAY, spend, metrics={**asked, "segments": []})
    assert said.startswith(f"table: {must}. 1 of 5 rows fails, in row 2 (found {value}")
    assert said.endswith(DROP)


def test_a_contract_needs_a_term_where_terms_are_columns() -> None:
    asked = {**NEW, "contract_months": "term", "segments": []}
    said = refusal(with_value("term", 2, 0), STAY, metrics=asked)
    assert (
        "term must be a number of months from 1 to 1,200 where value is given. 1 of 5 rows fails, in row 3"
        in said
    )


def test_rows_that_no_metric_is_made_of_can_be_left_out() -> None:
    table = with_value("orders", 0, -2)
    table.loc[4, "club"] = 7
    asked = {"metrics": {"orders": "orders", "member": "club", "segments": []}}
    kept = read_cohort(table, spec(SPEND, asked), drop_invalid=True)
    assert [one.n for one in kept.dropped] == [1, 1]
    made = kept.count()
    assert sums(made, "answers")[0] == 3
    assert sums(made, "transaction_size")[:2] == [3, 80]


@pytest.mark.parametrize("key", ["orders", "member", "contract_value"])
def test_a_column_that_is_not_there_is_named(key: str) -> None:
    asked = {key: "nothing", **({"new_customer": "new"} if key == "contract_value" else {})}
    assert f"no column 'nothing' ({key})" in refusal(TABLE, STAY, SPEND, metrics=asked)


def test_a_segment_of_many_values_is_refused() -> None:
    many = pd.concat([TABLE] * 12, ignore_index=True).assign(plan=lambda t: [f"id{i}" for i in range(len(t))])
    assert "plan has 60 values; a segment may have 50" in refusal(many, STAY, metrics={"segments": ["plan"]})


WRONG = [
    ({"nps": {"promoters": [9, 10], "detractors": [6, 9]}}, "[metrics] nps: promoters and detractors overlap at 9"),
    ({"nps": {"promoters": [9, 11], "detractors": [1]}}, "[metrics] nps.promoters 11 leaves the scale 1-10"),
    ({"nps": {"promoters": [1], "detractors": [9, 10]}}, "[metrics] nps.detractors 9-10 lies above nps.promoters 1"),
    ({"nps": {"promoters": [], "detractors": [1]}}, "promoters and detractors need a level each"),
    ({"orders": "orders"}, "[metrics] orders needs [spend]"),
    ({"contract_value": "value"}, "[metrics] contract_value needs new_customer"),
    ({"contract_months": 12}, "contract_months goes with contract_value"),
    ({"new_customer": "new"}, "new_customer goes with contract_value"),
    ({"window_months": 6}, "window_months goes with support_cost"),
    ({"touchpoint": "score"}, "score is the score: it is neither touchpoint nor member"),
    ({"segments": ["plan", "plan"]}, "segments: a column is named twice"),
    ({"segments": ["member"]}, "segments: member is a name of the tables’ own"),
    ({"period": "week"}, "[metrics] period: input should be 'month', 'quarter' or 'year'"),
    ({"touchpoints": "where"}, "[metrics] touchpoints is not a key of the spec: did you mean touchpoint?"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "message"), WRONG, ids=[m[:40] for _, m in WRONG])
def test_what_the_spec_cannot_mean(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refused:
        spec(SCORE, STAY, metrics=asked)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_segment_may_have_any_name(made: Counts) -> None:
    for name in ("n", "x", "a.n"):
        renamed = TABLE.rename(columns={"plan": name})
        of = counted(renamed, {"metrics": {"segments": [name]}}).metrics.replace({"variable": {name: "plan"}})
        again = of.sort_values(list(of.columns[:5]), ignore_index=True)
        pd.testing.assert_frame_equal(
            again, made.metrics.sort_values(list(of.columns[:5]), ignore_index=True)
        )

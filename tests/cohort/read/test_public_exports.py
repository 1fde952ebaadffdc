"""Starter specs of exports as they are published: rates, encoders, twins of the event, net scores, sheets."""

import sqlite3
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sheets import write_workbook

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import make_spec, read_spec
from cxlink.cohort.starter.starter_spec import starter_spec
from cxlink.cohort.table import read_cohort
from cxlink.report.profile_words import exclusions, profile_notes

N = 60
LOST = [i % 3 == 0 for i in range(N)]


def table(**columns: Any) -> pd.DataFrame:
    """Sixty customers with a score and tenure, a third of them lost, and what else a test asks for."""
    own = {"CustomerId": range(100, 100 + N), "satisfaction": [1 + i % 5 for i in range(N)]}
    return pd.DataFrame({**own, "tenure_months": [1 + i % 48 for i in range(N)], **columns})


def started(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return tomllib.loads(starter_spec(frame))


@pytest.mark.parametrize(
    "other",
    ["weekly_active_days", "avg_months_active", "YearsWithCurrManager", "years_in_current_role",
     "Years Since Last Promotion", "years_at_current_address", "months_active_per_year"],
)  # fmt: skip
def test_rates_and_times_in_something_else_are_no_duration(other: str) -> None:
    frame = table(churned=LOST)
    frame.insert(0, other, [i % 7 for i in range(N)])
    assert started(frame)["subscription"]["duration"] == "tenure_months"
    assert started(frame.drop(columns="tenure_months"))["subscription"]["duration"] == "…"


@pytest.mark.parametrize("own", ["time_spend_company", "YearsAtCompany", "time_spent_with_the_company"])
def test_time_spent_is_a_duration_with_the_company_and_money_nowhere(own: str) -> None:
    frame = table(churned=LOST).drop(columns="tenure_months")
    frame = frame.assign(Time_Spent_on_Site=[i + 0.5 for i in range(N)], cashback_amount=range(N))
    text = starter_spec(frame.assign(**{own: [i % 11 for i in range(N)]}))
    assert tomllib.loads(text)["subscription"]["duration"] == own
    assert "[spend]" not in text


def test_a_status_that_is_numbered_is_read_by_its_words_never_the_wrong_way_round() -> None:
    words = ["Churned" if lost else "Retained" for lost in LOST]
    coded = [0 if lost else 1 for lost in LOST]  # by the alphabet
    both = started(table(Retention_Status=words, Retention_Status_Encoded=coded))
    assert both["subscription"]["event"] == "Retention_Status"
    assert both["table"] == {"true": ["Churned"], "false": ["Retained"]}
    alone = started(table(Retention_Status=coded))
    assert (alone["subscription"]["event"], alone["table"]["true"]) == ("Retention_Status", ["0"])
    assert started(table(active_status=coded))["table"]["true"] == ["0"]


def test_a_status_of_no_direction_is_carried_unconfirmed(tmp_path: Path) -> None:
    frame = table(status=[int(lost) for lost in LOST])
    assert "subscription.event" in started(frame)["cohort"]["unconfirmed"]
    assert "subscription.event" not in started(table(churn_status=LOST))["cohort"]["unconfirmed"]
    (tmp_path / "spec.toml").write_text(starter_spec(frame), encoding="utf-8")
    notes = profile_notes(read_cohort(frame, read_spec(tmp_path / "spec.toml")).count())
    assert any(
        note.startswith("Not confirmed: status is read with 1, yes or true as lost.") for note in notes
    )


def test_what_nearly_tells_the_event_is_no_adjuster() -> None:
    near = [lost if i != 7 else True for i, lost in enumerate(LOST)]
    half = [lost and i % 2 == 0 for i, lost in enumerate(LOST)]
    frame = table(exited=LOST, complain=near, had_offer=half, IsActiveMember=half, plan_encoded=half)
    text = starter_spec(frame)
    assert '# columns = ["had_offer"]\n' in text
    assert "# not proposed, since nearly the same as the loss itself: complain\n" in text
    assert "# member =" not in text


def test_a_contract_is_of_an_account_which_is_the_customer() -> None:
    frame = pd.DataFrame({"subscription_id": range(N), "account_id": [f"a{i % 40}" for i in range(N)]})
    assert started(frame)["cohort"]["id"] == "account_id"
    assert started(frame[["subscription_id"]])["cohort"]["id"] == "subscription_id"


def test_a_score_that_is_no_scale_is_named_with_the_reason() -> None:
    net = starter_spec(table(nps_score=[i - 20 for i in range(N)]).drop(columns="satisfaction"))
    assert "# no column holds whole numbers of a scale" in net
    assert "# nps_score holds -20 to 39, which is no scale of answers (a net score is of a group)" in net
    assert 'write it here with scale = "-20-39"\n' in net
    share = starter_spec(table(satisfaction=[round(i / N, 2) for i in range(N)]))
    assert (
        "# satisfaction holds 0 to 0.98, which is no scale of whole numbers: multiply it in the table"
        in share
    )


def test_further_scores_are_named_beside_the_one_taken() -> None:
    text = starter_spec(table(job_rating=[1 + i % 4 for i in range(N)]))
    assert "# could be the score as well: job_rating (1 to 4)\n" in text
    assert "as well" not in starter_spec(table())


def test_the_sheet_with_the_most_cells_is_looked_at(tmp_path: Path) -> None:
    rows = [["csat", "months", "churned"], *([1 + i % 5, i % 9, i % 2] for i in range(N))]
    pivot = [["Count of id", "Count of id"], [1, 2]]
    path = write_workbook(tmp_path / "t.xlsx", {"Pivot": pivot, "Data": rows, "Notes": [["to do"]]})
    text = starter_spec(path)
    assert 'sheet = "Data"  # it also has: Pivot, Notes\n' in text
    assert tomllib.loads(text)["score"]["column"] == "csat"


def test_a_window_of_one_period_is_no_one_periods(tmp_path: Path) -> None:
    frame = table(churned=LOST, tenure_years=[1 + i % 9 for i in range(N)]).drop(columns="tenure_months")
    (tmp_path / "spec.toml").write_text(starter_spec(frame), encoding="utf-8")
    notes = " ".join(profile_notes(read_cohort(frame, read_spec(tmp_path / "spec.toml")).count()))
    assert "the losses of the last year only." in notes


def test_averages_are_a_score_that_is_rounded(tmp_path: Path) -> None:
    frame = table(churned=LOST, satisfaction=[1 + (i % 41) / 10 for i in range(N)])
    (tmp_path / "spec.toml").write_text(starter_spec(frame), encoding="utf-8")
    spec = read_spec(tmp_path / "spec.toml")
    assert (spec.score.column, spec.score.scale, spec.score.round) == ("satisfaction", "1-5", True)
    assert read_cohort(frame, spec).count().scored["n"].sum() == N


def test_customers_of_less_than_a_period_are_told_apart_from_the_survey() -> None:
    frame = table(churned=[False] * N, tenure_months=[0, 0, *range(1, N - 1)])
    keys = {"duration": "tenure_months", "event": "churned", "window": 3}
    tables = {"score": {"column": "satisfaction", "scale": "1-5"}, "subscription": keys}
    profile = read_cohort(frame, make_spec(tables)).count().profile
    assert exclusions(profile) == [("customers for less than one whole month", 2)]


def surveyed(folder: Path, customer: str = "account_id") -> str:
    """Starter spec of twenty accounts and their forty tickets, each with a score and the days it was open."""
    days = pd.date_range("2025-01-01", periods=N, freq="7D").strftime("%Y-%m-%d")
    ids = [f"a{i}" for i in range(20)]
    ended = [days[40 + i] if i % 2 else None for i in range(20)]
    pd.DataFrame(
        {"account_id": ids, "signup_date": days[0], "churn_date": ended, "plan": ["a", "b"] * 10}
    ).to_csv(folder / "accounts.csv", index=False)
    pd.DataFrame(
        {
            "ticket_id": range(40), customer: [f"a{i % 20}" for i in range(40)], "submitted_at": days[1:41],
            "closed_at": days[2:42], "satisfaction": [1 + i % 5 for i in range(40)], "plan": "x",
        }
    ).to_csv(folder / "tickets.csv", index=False)  # fmt: skip
    return starter_spec(folder / "accounts.csv", folder / "tickets.csv")


def test_scores_in_a_table_of_their_own_are_joined_without_an_edit(tmp_path: Path) -> None:
    text = surveyed(tmp_path)
    (tmp_path / "spec.toml").write_text(text, encoding="utf-8")
    spec = read_spec(tmp_path / "spec.toml")
    assert (spec.table.surveys, spec.table.on, spec.cohort.repeat) == ("tickets.csv", "account_id", "first")
    assert spec.subscription is not None
    assert (spec.subscription.survey, spec.subscription.end) == ("submitted_at", "churn_date")
    assert "40 rows of 20 values: several rows a customer" in text
    counts = read_cohort(tmp_path / "accounts.csv", spec).count()
    assert counts.scored["n"].sum() == 20
    assert (
        counts.scored.loc[counts.scored["cause"] != "", "n"].sum() == 9
    )  # the last falls on the last day of observation, in an incomplete month


def test_an_address_of_surveys_is_not_printed(tmp_path: Path) -> None:
    surveyed(tmp_path)
    with closing(sqlite3.connect(tmp_path / "t.sqlite")) as base:
        pd.read_csv(tmp_path / "tickets.csv").to_sql("tickets", base, index=False)
    text = starter_spec(tmp_path / "accounts.csv", f"sqlite://{tmp_path}/t.sqlite::tickets")
    assert tomllib.loads(text)["table"] == {"surveys": "…", "on": "account_id"}
    assert "sqlite" not in text


def test_two_tables_must_name_the_customer_by_one_header(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"accounts\.csv: tickets\.csv has no account_id\. Both tables must name"
    ):
        surveyed(tmp_path, customer="konto")

"""Exports as products write them are counted by the spec that init writes: surveys, desks, bookkeeping."""

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tabled import cells, count

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.spec.cohort_spec import read_spec
from cxlink.cohort.starter.date_forms import of_the_day
from cxlink.cohort.starter.starter_spec import starter_spec
from cxlink.cohort.table import read_cohort
from cxlink.report.profile_lines import profile
from cxlink.report.profile_words import profile_notes

N = 60
SIGNED, ASKED = datetime.date(2022, 5, 20), datetime.date(2023, 2, 20)
WORDS = ("Very dissatisfied", "Dissatisfied", "Neutral", "Satisfied", "Very satisfied")


def written(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]], mark: str = ",") -> Path:
    lines = [[*header], *rows]
    path.write_text("\n".join(mark.join(f'"{cell!s}"' for cell in line) for line in lines), encoding="utf-8")
    return path


def end(i: int) -> datetime.date | None:
    return ASKED + datetime.timedelta(40 + i) if i % 3 == 0 else None


def day(on: datetime.date | None, form: str = "%Y-%m-%d") -> str:
    return "" if on is None else on.strftime(form)


def started(table: Path, surveys: Path | None = None) -> tuple[Counts, str]:
    text = starter_spec(table, surveys)
    (table.parent / "spec.toml").write_text(text, encoding="utf-8")
    cohort = read_cohort(table, read_spec(table.parent / "spec.toml"))
    assert profile(cohort)
    return cohort.count(), text


def customers(folder: Path, key: str = "customer_id", form: str = "%Y-%m-%d") -> Path:
    rows = [[f"K{i}", day(SIGNED, form), day(end(i), form)] for i in range(N)]
    return written(folder / "customers.csv", [key, "signup_date", "cancel_date"], rows)


@pytest.mark.parametrize(
    ("names", "survey"),
    [
        (("StartDate", "EndDate", "RecordedDate"), "RecordedDate"), (("Start Date", "End Date"), "End Date"),
        (("Created at", "Updated at"), "Created at"), (("Start Date",), "Start Date"),
    ],
)  # fmt: skip
def test_the_days_of_an_answer_are_no_signup_and_no_loss(
    names: tuple[str, ...], survey: str, tmp_path: Path
) -> None:
    rows = [[*[day(ASKED)] * len(names), WORDS[i % 5], f"K{i}"] for i in range(N)]
    surveys = written(tmp_path / "surveys.csv", [*names, "Q1", "customer_id"], rows)
    found, text = started(customers(tmp_path), surveys)
    sub = found.spec.subscription
    assert sub is not None
    assert (sub.signup, sub.survey, sub.end) == ("signup_date", survey, "cancel_date")
    assert (found.scored["n"].sum(), found.spec.score.labels) == (N, WORDS)
    assert "score.labels" in text


def test_an_export_with_question_texts_is_joined(tmp_path: Path) -> None:
    header, texts = (
        ["RecordedDate", "Q1", "customer_id"],
        ["Recorded", "How satisfied\nare you?", "customer_id"],
    )
    ids = [json.dumps({"ImportId": name}).replace('"', '""') for name in header]
    rows = [[day(ASKED), WORDS[i % 5], f"K{i}"] for i in range(N)]
    surveys = written(tmp_path / "surveys.csv", header, [texts, ids, *rows])
    found, _ = started(customers(tmp_path), surveys)
    assert found.scored["n"].sum() == N


@pytest.mark.parametrize(
    ("own", "further"),
    [
        ("%m/%d/%Y", "%m/%d/%Y %I:%M:%S %p"), ("%m/%d/%Y %H:%M", "%m/%d/%Y"), ("%Y-%m-%d", "%m/%d/%Y %H:%M"),
        ("%d-%m-%Y", "%Y-%m-%d"),
    ],
)  # fmt: skip
def test_dates_of_two_tables_are_read_by_one_format(own: str, further: str, tmp_path: Path) -> None:
    rows = [[day(ASKED, further), 1 + i % 5, f"K{i}"] for i in range(N)]
    surveys = written(tmp_path / "surveys.csv", ["submitted", "csat", "customer_id"], rows)
    found, _ = started(customers(tmp_path, form=own), surveys)
    assert found.scored["n"].sum() == N
    assert found.scored.loc[found.scored["cause"] == "lost", "n"].sum() > 0


@pytest.mark.parametrize("time", ["", " 10:15", " 9:05:00 PM", "T23:59:59.25", ", 10:15am"])
def test_a_time_may_follow_a_day_in_any_format(time: str, tmp_path: Path) -> None:
    header = ["score", "survey", "end"]
    table = written(tmp_path / "t.csv", header, [[5, f"31-01-2025{time}", f"05-03-2025{time}"]])
    dated = {"subscription": {"survey": "survey", "end": "end", "observed_until": "2025-12-31"}}
    found = count(table, dated, {"table": {"date_format": "%d-%m-%Y"}})
    assert cells(found, "score", "exit", "cause") == {(5, 2, "lost"): 1}
    assert of_the_day("%d-%m-%Y %I:%M %p") == "%d-%m-%Y"


def test_columns_with_a_time_and_without_have_one_format(tmp_path: Path) -> None:
    rows = [
        [1 + i % 5, day(SIGNED, "%m/%d/%Y"), day(ASKED, "%m/%d/%Y %H:%M"), day(end(i), "%m/%d/%Y")]
        for i in range(N)
    ]
    found, text = started(
        written(tmp_path / "t.csv", ["csat", "signup_date", "survey_date", "cancel_date"], rows)
    )
    assert 'date_format = "%m/%d/%Y"  #' in text
    assert found.scored["n"].sum() == N


@pytest.mark.parametrize("form", ["{}/5", "{} out of 5", "{} - so so", "{} stars"])
def test_a_score_with_a_label_is_recognised(form: str, tmp_path: Path) -> None:
    rows = [[form.format(1 + i % 5), day(ASKED), day(end(i))] for i in range(N)]
    found, _ = started(written(tmp_path / "t.csv", ["csat", "survey_date", "cancel_date"], rows))
    assert (found.spec.score.column, found.spec.score.scale, found.scored["n"].sum()) == ("csat", "1-5", N)


@pytest.mark.parametrize("header", ["Satisfaction rating", "credit"])
def test_good_and_bad_are_answers_of_a_score_alone(header: str, tmp_path: Path) -> None:
    said = [("Good", "Bad", "Offered")[i % 3] for i in range(N)]
    rows = [[said[i], day(ASKED), day(end(i + 1))] for i in range(N)]
    table = written(tmp_path / "t.csv", [header, "survey_date", "cancel_date"], rows)
    if header == "credit":
        assert 'column = "…"' in starter_spec(table)
        return
    found, text = started(table)
    assert (found.spec.score.labels, found.scored["n"].sum()) == (("Bad", "Good"), 2 * N // 3)
    assert 'missing = { "Satisfaction rating" = ["Offered"] }' in text


def test_negative_spend_is_proposed_as_refunds_and_carried_unconfirmed(tmp_path: Path) -> None:
    rows = [
        [1 + i % 5, day(SIGNED), day(ASKED), day(end(i)), "(€ 20,00)" if i % 9 == 0 else f"€ 1.0{10 + i},50"]
        for i in range(N)
    ]
    header = ["cijfer", "klant_sinds", "datum_enquete", "opgezegd_per", "omzet_12m_na_enquete"]
    found, text = started(written(tmp_path / "t.csv", header, rows, ";"))
    assert "refunds = true  # some amounts are negative" in text
    assert found.spec.cohort.unconfirmed[-1] == "spend.refunds"
    assert found.spec.spend is not None
    assert found.spec.spend.refunds
    assert any(note.startswith("Not confirmed: [spend] refunds = true is a") for note in profile_notes(found))


def test_who_asked_is_the_customer_of_a_ticket(tmp_path: Path) -> None:
    rows = [[1 + i % 5, day(ASKED), f"K{i}", 100 + i] for i in range(N)]
    surveys = written(tmp_path / "tickets.csv", ["csat", "Created at", "Requester ID", "Ticket ID"], rows)
    found, _ = started(customers(tmp_path, "Requester ID"), surveys)
    assert found.spec.table.on == "Requester ID"

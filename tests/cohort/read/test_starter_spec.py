"""Starter specs: small exports as they come, from ``init`` to counts without an edit, or with the right question."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tabled import cells

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.errors import InputError
from cxlink.cohort.read import dates
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec, read_spec
from cxlink.cohort.starter.notation import notation_of
from cxlink.cohort.starter.starter_spec import starter_spec
from cxlink.cohort.table import read_cohort
from cxlink.report.profile_words import profile_notes

N = 40
DAYS = pd.Timestamp("2025-01-03") + pd.to_timedelta([7 * i for i in range(N)], unit="D")


def started(table: Any) -> dict[str, dict[str, Any]]:
    return tomllib.loads(starter_spec(table))


def counted(table: Any, folder: Path) -> Counts:
    """Counts by the starter spec as it stands."""
    (folder / "spec.toml").write_text(starter_spec(table), encoding="utf-8")
    return read_cohort(table, read_spec(folder / "spec.toml")).count()


def customers(**columns: Any) -> pd.DataFrame:
    """Forty customers with a score, and what else is asked for."""
    return pd.DataFrame({"csat": [1 + i % 10 for i in range(N)], **columns})


def test_a_dutch_export_is_counted_without_an_edit(tmp_path: Path) -> None:
    path = tmp_path / "klanten.csv"
    lines = ["Responsnummer;Klantnummer;Naam;Cijfer;Datum enquête;Maanden;Opgezegd;Omzet na enquête"]
    for i in range(N):
        lost = ("1,0", "0,0")[i % 2]
        lines.append(
            f"{i};K{900 - i};Zoë;{1 + i % 10},0;{DAYS[i]:%d-%m-%Y};{3 + i % 2},0;{lost};1.234,{10 + i}"
        )
    path.write_text("\n".join(lines), encoding="cp1252")
    found = counted(path, tmp_path)
    spec = found.spec
    assert (spec.cohort.id, spec.score.column, spec.score.scale) == ("Klantnummer", "Cijfer", "1-10")
    assert (spec.table.decimal, spec.table.thousands, spec.table.date_format) == (",", ".", "%d-%m-%Y")
    assert cells(found, "exit", "cause") == {(3, "lost"): N // 2, (4, ""): N // 2}
    assert found.cells["spend_sum"].sum() == pytest.approx(
        sum(1234 + (10 + i) / 100 for i in range(N)), rel=1e-12
    )
    assert found.cells["wave"].min() == "2025Q1"


def test_a_german_export_of_dates_and_words_is_counted_without_an_edit(tmp_path: Path) -> None:
    path = tmp_path / "kunden.csv"
    lines = ["Kundennummer;Zufriedenheit;Umfrage am;Gekündigt am;Stichtag"]
    for i, day in enumerate(DAYS):
        end = f"{day + pd.DateOffset(days=40):%d.%m.%Y}" if i % 4 == 0 else ""
        lines.append(f"{i};{1 + i % 5};{day:%d.%m.%Y};{end};30.06.2026")
    path.write_text("\n".join(lines), encoding="utf-8")
    found = counted(path, tmp_path)
    assert found.scored.loc[found.scored["cause"] == "lost", "n"].sum() == N // 4
    assert found.spec.subscription is not None
    assert found.spec.subscription.observed_until == "Stichtag"
    assert found.profile.notes == ()


@pytest.mark.parametrize("header", ["csat,months,left", "customer_id", "csat;asked"])
def test_a_header_alone_is_no_table(header: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{header}\n", encoding="utf-8")
    with pytest.raises(InputError) as refused:
        starter_spec(path)
    assert str(refused.value) == "t.csv: no rows below the header."


def test_a_cohort_is_named_after_its_file_in_plain_letters(tmp_path: Path) -> None:
    path = tmp_path / "Kunden Müller & Söhne, Hauptstraße.csv"
    path.write_text("score,months,left\n" + "".join(f"{k % 10 + 1},{k % 7},{k % 2}\n" for k in range(40)))
    assert 'name = "Kunden-Muller-Sohne-Hauptstrasse"' in starter_spec(path)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["Yes", "No"], ("Yes", "No")), (["ja", "nee"], ("ja", "nee")), (["true", "false"], ("true", "false")),
        (["Churned", "Active"], ("Churned", "Active")), (["opgezegd", "actief"], ("opgezegd", "actief")),
    ],
)  # fmt: skip
def test_losses_in_words_are_recognised_and_said(
    said: list[str], words: tuple[str, str], tmp_path: Path
) -> None:
    table = customers(months_since_survey=[1 + i % 9 for i in range(N)], customer_status=said * (N // 2))
    found = counted(table, tmp_path)
    assert found.scored.loc[found.scored["cause"] == "lost", "n"].sum() == N // 2
    text = starter_spec(table)
    assert f'"{words[0]}" is read as lost, "{words[1]}" as retained' in text


def test_a_column_of_who_stayed_is_read_the_other_way_round(tmp_path: Path) -> None:
    left = [1] * 10 + [0] * (N - 10)
    for active in ([1 - x for x in left], [x == 0 for x in left], ["no" if x else "yes" for x in left]):
        found = counted(customers(months_since_survey=[5, 6] * (N // 2), is_active=active), tmp_path)
        assert found.scored.loc[found.scored["cause"] == "lost", "n"].sum() == 10


def test_a_word_that_is_neither_is_asked_for() -> None:
    text = starter_spec(
        customers(status=["Churned", "Active", "Paused", "Active"] * (N // 4), maanden=[3, 4] * (N // 2))
    )
    assert '# of status, "Paused" is neither: add it to one of them' in text


NUMBERS = {
    "a comma decides": (["1.234,5", "12,25"], (",", "."), {}),
    "a comma in another column decides": (["1.234", "12.000"], (",", "."), {}),
    "a dot decides": (["1.5", "1,234.5"], (None, ","), {}),
    "two dots are no decimals": (["1.234.567", "12"], (",", "."), {}),
    "nothing to decide": (["12", "1234"], (None, None), {}),
    "a dot before three digits": (["1.234", "950"], (None, None), {"spent": "1.234"}),
    "a comma before three digits": (["1,234", "950"], (None, None), {"spent": "1,234"}),
    "a fraction under one": (["0.123", "0.500"], (None, None), {}),
    "both": (["1,5", "1.5"], (None, None), {"spent": "1,5"}),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_marks_of_numbers_are_found_or_asked_for(name: str) -> None:
    values, marks, asked = NUMBERS[name]
    texts = {"spent": values, "note": ["a, b", "1,2 or 3"]}
    found = notation_of(texts | ({"cijfer": ["7,5"]} if "another" in name else {}))
    assert (found.decimal, found.thousands) == marks
    assert found.numbers_open == asked


def test_numbers_of_two_readings_stop_a_fit_until_one_is_chosen(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["nps;spend_next_12m", *(f"{i % 11};1.{100 + i}" for i in range(N))]))
    text = starter_spec(path)
    assert 'decimal = "…"  # 1.100 in spend_next_12m has two readings' in text
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"s\.toml: \[table\] decimal waits for its answer"):
        read_spec(tmp_path / "s.toml")
    read = read_spec(tmp_path / "s.toml", {"table": {"decimal": ",", "thousands": "."}})
    assert read_cohort(path, read).count().cells["spend_sum"].sum() == sum(1100 + i for i in range(N))


ORDERS = {
    "%d-%m-%Y": (["03-01-2025", "31-01-2025"], "31-01-2025"),
    "%m/%d/%Y": (["03/01/2025", "01/31/2025"], "01/31/2025"),
    "%d.%m.%y": (["03.01.25", "31.01.25"], "31.01.25"),
    "%Y/%m/%d": (["2025/01/03"], "2025/01/03"),
    "%d %b %Y": (["3 Jan 2025", "31 Jan 2025"], "3 Jan 2025"),
    "%d-%m-%Y %H:%M": (["03-01-2025 10:00", "31-01-2025 23:59"], "31-01-2025 23:59"),
    "%d.%m.%Y, %H:%M:%S.%f": (
        ["03.01.2025, 10:00:00.5", "31.01.2025, 23:59:59.999"],
        "31.01.2025, 23:59:59.999",
    ),
    "%m/%d/%Y %I:%M %p": (["01/03/2025 10:00 AM", "01/31/2025 1:59 pm"], "01/31/2025 1:59 pm"),
    "%d. %m. %Y": (["3. 1. 2025", "31. 1. 2025"], "31. 1. 2025"),
    "%d-%b-%y": (["3-Jan-25", "31-may-25"], "3-Jan-25"),
    "%d %B %Y": (["3 January 2025", "31 May 2025"], "3 January 2025"),
    "%b %d, %Y": (["May 3, 2025", "May 31, 2025"], "May 3, 2025"),
    "%A, %d %B %Y": (["Friday, 3 January 2025"], "Friday, 3 January 2025"),
    "%a %b %d, %Y": (["Fri Jan 3, 2025"], "Fri Jan 3, 2025"),
    "%Y%m%d": (["20250103", "20250131"], "20250103"),
}


@pytest.mark.parametrize("order", ORDERS)
def test_the_order_of_dates_is_found_where_one_decides(order: str) -> None:
    days, decided = ORDERS[order]
    found = notation_of({"a": [days[0]], "b": days})
    assert (found.date_format, found.dates_open, found.decided["date_format"]) == (order, {}, decided)


def test_the_order_of_dates_is_asked_for_where_none_decides() -> None:
    early = [f"0{1 + i % 9}-0{1 + i % 8}-2025" for i in range(N)]
    text = starter_spec(customers(survey_date=early, cancel_date=early, customer_id=range(N)))
    assert 'date_format = "…"' in text
    assert 'observed_until = "…"' in text
    assert notation_of({"a": ["31-12-2025", "12-31-2025"]}).date_format is None
    found = notation_of(
        {"a": ["31/12/2025"], "b": ["31-12-2025"], "c": ["30-12-2025"], "iso": ["2025-01-02"]}
    )
    assert (found.date_format, found.other_dates) == ("%d-%m-%Y", {"a": "31/12/2025"})


@pytest.mark.parametrize(
    ("ends", "extract", "line"),
    [
        ("2026-01-31", {}, '"2026-01-31"  # the last date of the columns used; write the date of extraction'),
        ("2026-02-02", {}, '"…"  # the date of extraction: dates of the table run to 2026-02-02, not yet come'),
        ("9999-12-31", {}, '"…"  # the date of extraction: dates of the table run to 9999-12-31, not yet come'),
        ("9999-12-31", {"cutoff_date": "2026-01-31"}, '"cutoff_date"'),
        (
            None,
            {"cutoff": "2027-01-31"},
            '"…"  # the date of extraction: dates of cutoff run to 2027-01-31, not yet come',
        ),
    ],
)  # fmt: skip
def test_follow_up_ends_on_no_day_that_has_not_come(
    ends: str | None, extract: dict[str, str], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dates, "today", lambda: date(2026, 2, 1))
    left = [f"{DAYS[i]:%Y-%m-%d}" if i % 3 else ends for i in range(N)]
    columns = {
        "survey_date": [f"{day:%Y-%m-%d}" for day in DAYS],
        "cancel_date": left,
        "customer_id": range(N),
    }
    text = starter_spec(customers(**columns, **{name: [day] * N for name, day in extract.items()}))
    assert f"observed_until = {line}" in text.splitlines()
    assert ("subscription.observed_until" in text) == line.startswith('"2026')


def test_an_id_that_repeats_is_still_the_id(tmp_path: Path) -> None:
    table = customers(
        response_id=range(N), klant_id=[f"K{i % 30}" for i in range(N)], survey_date=DAYS,
        cancel_date=[None] * (N - 1) + [DAYS[-1] + pd.DateOffset(days=9)],
    )  # fmt: skip
    text = starter_spec(table)
    assert 'id = "klant_id"  # 40 rows of 30 values' in text
    found = counted(table, tmp_path)
    assert found.profile.rows_used == 30
    assert "of several surveys of a customer, the first one counts" in " ".join(profile_notes(found))
    undated = starter_spec(table.drop(columns=["survey_date", "cancel_date"]))
    assert 'set repeat = "first" here' in undated
    assert 'repeat = "first"' not in tomllib.loads(undated)["cohort"]


def spans(**columns: Any) -> pd.DataFrame:
    """Twenty customers in two spans each, a third of a year apart."""
    half = pd.Series(range(N)) // 2
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(120 * (pd.Series(range(N)) % 2) + half, unit="D")
    end = (start + pd.to_timedelta(90, unit="D")).where(half % 3 > 0)
    return customers(
        customer_id="C" + half.astype(str), csat=1 + half % 10, plan=["basic", "plus"] * (N // 2),
        start_date=start, end_date=end, survey_date=pd.Timestamp("2024-02-01"), **columns,
    )  # fmt: skip


def test_spans_of_subscriptions_are_recognised_and_carried_unconfirmed(tmp_path: Path) -> None:
    found = counted(spans(), tmp_path)
    assert found.spec.subscription is not None
    assert (found.spec.subscription.signup, found.spec.subscription.gap_days) == ("start_date", 30)
    assert found.spec.cohort.repeat == "error"
    assert found.profile.rows_used == N // 2
    assert any("a customer who returns within 30 days" in note for note in profile_notes(found))


def test_a_log_of_surveys_is_no_table_of_spans() -> None:
    asked = pd.Timestamp("2024-02-01") + pd.to_timedelta(range(N), unit="D")
    log = spans().assign(survey_date=asked)
    assert "gap_days" not in started(log)["subscription"]
    same_signup = spans().assign(start_date=pd.Timestamp("2024-01-01"))
    assert "gap_days" not in started(same_signup)["subscription"]


def test_spans_and_surveys_in_two_tables(tmp_path: Path) -> None:
    rows = spans()
    rows.drop(columns=["csat", "survey_date"]).to_csv(tmp_path / "spans.csv", index=False)
    surveys = rows[["customer_id", "csat", "survey_date"]].drop_duplicates("customer_id")
    surveys.to_csv(tmp_path / "surveys.csv", index=False)
    spec = tomllib.loads(starter_spec(tmp_path / "spans.csv", tmp_path / "surveys.csv"))
    assert spec["subscription"]["gap_days"] == 30
    assert "repeat" not in spec["cohort"]
    assert read_cohort(tmp_path / "spans.csv", make_spec(spec)).count().profile.rows_used == N // 2
    pd.concat([surveys, surveys.assign(survey_date="2024-03-01")]).to_csv(
        tmp_path / "surveys.csv", index=False
    )
    spec = tomllib.loads(starter_spec(tmp_path / "spans.csv", tmp_path / "surveys.csv"))
    assert spec["cohort"]["repeat"] == "first"


def test_a_row_a_response_and_a_ticket_are_no_customer() -> None:
    table = customers(row_number=range(N), response_id=range(N), ticket=[f"T{i}" for i in range(N)])
    text = starter_spec(table)
    assert "id" not in tomllib.loads(text)["cohort"]
    assert "row_number, response_id, ticket number something else" in text
    both = starter_spec(table.assign(company_id=range(N), account_id=range(N), customer_id=range(N)))
    assert tomllib.loads(both)["cohort"]["id"] == "customer_id"


@pytest.mark.parametrize(
    ("header", "top", "unit", "unconfirmed"),
    [
        ("tenure", 10, "year", True), ("tenure", 72, "month", True), ("tenure", 2000, "day", True),
        ("tenure_months", 10, "month", False), ("Looptijd (jaren)", 10, "year", False),
        ("tenure_weeks", 90, "week", False),
    ],
)  # fmt: skip
def test_units_come_from_the_header_else_from_the_numbers(
    header: str, top: int, unit: str, unconfirmed: bool
) -> None:
    tables = started(customers(churned=[0, 1] * (N // 2), **{header: [i * top // (N - 1) for i in range(N)]}))
    assert tables["subscription"]["unit"] == unit
    assert ("subscription.unit" in tables["cohort"]["unconfirmed"]) == unconfirmed


@pytest.mark.parametrize(
    ("event", "window"),
    [("churned", 12), ("churned_last_quarter", 3), ("churn_6m", 6), ("opgezegd_afgelopen_maand", 1)],
)
def test_a_snapshot_is_recognised_and_carried_unconfirmed(event: str, window: int, tmp_path: Path) -> None:
    table = customers(tenure_months=[1 + 2 * i for i in range(N)], **{event: [0, 1] * (N // 2)})
    found = counted(table, tmp_path)
    assert found.spec.subscription is not None
    assert (found.spec.subscription.window, found.spec.subscription.clock) == (window, "signup")
    said = "Not confirmed: the table is taken for a snapshot"
    assert [said in note for note in profile_notes(found)] == [True]
    confirmed = read_spec(tmp_path / "spec.toml", {"subscription": {"window": window}})
    assert read_cohort(table, confirmed).count().profile.notes == ()
    assert "window" not in started(table.assign(months_at_survey=range(N)))["subscription"]


def test_every_guess_has_its_sentence() -> None:
    tables = {
        "score": {"column": "csat", "scale": "1-10"},
        "subscription": {"duration": "months", "event": "left", "window": 3},
        "spend": {"column": "spent", "complete": True},
        "cohort": {"unconfirmed": [
            "score.scale", "score.higher_is_better", "subscription.window", "subscription.duration",
            "subscription.unit", "spend.complete", "spend.currency", "spend.window_months",
        ]},
    }  # fmt: skip
    table = customers(months=[5] * N, left=[0, 1] * (N // 2), spent=[10.0] * N)
    notes = profile_notes(read_cohort(table, make_spec(tables)).count())
    assert len(notes) == 8
    assert len(set(notes)) == 8
    assert all(note.startswith("Not confirmed: ") for note in notes)
    assert notes[-1] == (
        "Not confirmed: [spend] window_months = 12 is a guess. Once it is right, delete it from [cohort] unconfirmed."
    )


def test_an_unconfirmed_key_must_be_one_of_the_spec() -> None:
    tables = {"score": {"column": "s", "scale": "1-5"}, "spend": {"column": "y", "complete": True}}
    for wrong in ("spend.colour", "subscription.window", "spend", "table"):
        with pytest.raises(InputError, match=r"unconfirmed '[a-z.]+' is no key that this spec sets\.$"):
            make_spec(tables | {"cohort": {"unconfirmed": [wrong]}})


def test_a_score_behind_two_bad_values_is_found() -> None:
    said = {
        ("99", "soon"): "# 2 of 40 values are off it (99, soon)",
        ("99", "n/a"): 'missing = { "tevredenheid" = ["n/a", "99"] }',
    }
    for bad, line in said.items():
        scores = [str(1 + i % 5) for i in range(N - 2)] + [*bad]
        text = starter_spec(pd.DataFrame({"tevredenheid": scores, "klant": [f"k{i}" for i in range(N)]}))
        assert tomllib.loads(text)["score"]["column"] == "tevredenheid"
        assert line in text
        assert tomllib.loads(text)["score"]["scale"] == "1-5"


def test_every_date_is_listed_and_a_section_that_lacks_a_column_stays_open() -> None:
    table = customers(signup_date=DAYS, cancel_date=DAYS, birth_date=DAYS, last_login=DAYS)
    text = starter_spec(table)
    assert 'survey = "…"' in text
    for name in ("birth_date", "last_login"):
        assert f"# also a date: {name}, 2025-01-03 to " in text
    for column, key in (("churned", "duration"), ("months_active", "event")):
        values = [0, 1] * (N // 2) if column == "churned" else list(range(N))
        assert started(customers(**{column: values}))["subscription"][key] == "…"


@pytest.mark.parametrize(("header", "named"), [
    ("cancel_date", True), ("Opzegdatum", True), ("closed at", True), ("churn_reason", False), ("churned", False),
])  # fmt: skip
def test_an_empty_column_of_the_days_of_loss_is_named(header: str, named: bool, tmp_path: Path) -> None:
    table = customers(survey_date=DAYS.strftime("%Y-%m-%d"), **{header: [None] * N})
    table.to_csv(tmp_path / "t.csv", index=False)
    text = starter_spec(tmp_path / "t.csv")
    assert (tomllib.loads(text)["subscription"]["end"] == header) is named
    assert ("no row has one, so that nobody counts as lost" in text) is named
    if named:
        counts = counted(tmp_path / "t.csv", tmp_path)
        assert counts.cells["n"].sum() == N
        assert (counts.cells["cause"] == "").all()


def test_what_is_dated_or_named_as_after_the_score_is_no_adjuster() -> None:
    kinds = ["a", "b"] * (N // 2)
    table = customers(
        survey_date=DAYS, cancel_date=DAYS, plan=kinds, plan_after=kinds, use_2024=kinds, use_2025q4=kinds,
        pakket_na_enquete=kinds, retention_offer=kinds,
    )  # fmt: skip
    text = starter_spec(table)
    assert '# columns = ["plan", "use_2024"]' in text
    assert "after the score: use_2025q4, plan_after, pakket_na_enquete, retention_offer" in text


def test_no_score_leaves_its_column_open() -> None:
    tables = started(
        pd.DataFrame({"customer_id": range(N), "answer_7": [i % 5 for i in range(N)], "churned": [0, 1] * 20})
    )
    assert tables["score"]["column"] == "…"


def test_starter_specs_are_specs() -> None:
    table = customers(
        months_observed=[1 + i % 9 for i in range(N)], churned=[0, 1] * (N // 2), plan=["a", "b"] * 20
    )
    assert isinstance(make_spec(started(table)), CohortSpec)


def test_a_scale_whose_ends_nobody_used_is_unconfirmed() -> None:
    def unsure(**columns: list[int]) -> bool:
        spec = started(
            pd.DataFrame({"customer_id": range(N), "lost": [0, 1] * (N // 2), "months": range(N), **columns})
        )
        return "score.scale" in spec["cohort"].get("unconfirmed", [])

    assert unsure(nps=[1 + i % 10 for i in range(N)])  # 0-10, without a 0
    assert not unsure(nps=[i % 11 for i in range(N)])
    assert unsure(csat=[2 + i % 9 for i in range(N)])  # 1-10, or 0-10
    assert unsure(csat=[3 + i % 3 for i in range(N)])  # 1-5, or 0-5
    assert not unsure(csat=[1 + i % 5 for i in range(N)])
    assert unsure(csat=[1 + i % 4 for i in range(N)])


@pytest.mark.parametrize(
    ("header", "scale"),
    [
        ("Bewertung (0-10)", "0-10"), ("rating 1–10", "1-10"), ("csat_1_5", "1-5"), ("score 0 to 10", "0-10"),
        ("satisfaction (1-4)", "1-5"), ("score 2020-10", "1-5"), ("score (1-3)", "1-5"), ("score Q1-5", "1-5"),
    ],
)  # fmt: skip
def test_a_scale_that_the_header_names_is_taken(header: str, scale: str) -> None:
    """Where it holds what was found; `2 to 4` are on many scales, so that any other is not confirmed."""
    columns = {"lost": [0, 1] * (N // 2), "months": range(N), header: [2 + i % 3 for i in range(N)]}
    spec = started(pd.DataFrame({"customer_id": range(N), **columns}))
    assert spec["score"]["column"] == header
    assert spec["score"]["scale"] == scale
    named = header in ("Bewertung (0-10)", "rating 1–10", "csat_1_5", "score 0 to 10")
    assert ("score.scale" in spec["cohort"].get("unconfirmed", [])) == (not named)


def test_a_loss_without_a_time_is_told_what_to_add() -> None:
    table = customers(churned=["yes", "no"] * (N // 2))
    assert 'a column that is 1 in every row, and unit = "year"' in starter_spec(table)
    keys: dict[str, Any] = {"event": "churned", "unit": "year"}
    score = {"column": "csat", "scale": "1-10"}
    with pytest.raises(InputError, match=r"followed for one year .* add a column that is 1 in every row"):
        make_spec({"score": score, "subscription": keys})
    spec = make_spec({"score": score, "subscription": {**keys, "duration": "followed"}})
    found = read_cohort(table.assign(followed=1), spec).count()
    assert cells(found, "exit", "cause") == {(1, "lost"): N // 2, (1, ""): N // 2}


def test_a_spanish_export_is_counted_without_an_edit(tmp_path: Path) -> None:
    path = tmp_path / "clientes.csv"
    lines = ["Código cliente;Satisfacción;Fecha encuesta;Meses activo;Cancelado;Región"]
    for i in range(N):
        lines.append(f"C{i};{1 + i % 10};{DAYS[i]:%d/%m/%Y};{3 + i % 2};{('Sí', 'No')[i % 2]};{'NS'[i % 2]}")
    path.write_text("\n".join(lines), encoding="utf-8")
    found = counted(path, tmp_path)
    assert (found.spec.cohort.id, found.spec.score.column) == ("Código cliente", "Satisfacción")
    assert cells(found, "exit", "cause") == {(3, "lost"): N // 2, (4, ""): N // 2}


@pytest.mark.parametrize("twin", ["csat", "survey_date"])
def test_a_column_that_stands_in_both_tables_is_asked_about(twin: str, tmp_path: Path) -> None:
    ids, days = range(N), [f"{day:%Y-%m-%d}" for day in DAYS]
    surveys = customers(customer_id=ids, survey_date=days, plan="a")
    surveys.to_csv(tmp_path / "surveys.csv", index=False)
    own = pd.DataFrame({"customer_id": ids, "cancel_date": days, "plan": "b"})
    own.to_csv(tmp_path / "customers.csv", index=False)
    assert starter_spec(tmp_path / "customers.csv", tmp_path / "surveys.csv")  # the spec names no plan
    own.assign(**{twin: surveys[twin]}).to_csv(tmp_path / "customers.csv", index=False)
    with pytest.raises(InputError) as refused:
        starter_spec(tmp_path / "customers.csv", tmp_path / "surveys.csv")
    assert str(refused.value) == (
        f"customers.csv: {twin} stands in surveys.csv too, and a spec cannot say which is meant. Rename it in one of "
        "them, or delete it there."
    )


@pytest.mark.parametrize(
    ("header", "mark", "lines"),
    [
        ("churned", "x", ['true = ["x"]', 'false = [""]']), ("Opgezegd", "ja", ['true = ["ja"]', 'false = [""]']),
        ("is_active", "1", ['true = [""]', 'false = ["1"]']), ("still_customer", "✓", ['true = [""]', 'false = ["✓"]']),
    ],
)  # fmt: skip
def test_a_mark_beside_some_customers_is_read_as_the_header_says(
    header: str, mark: str, lines: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{1 + i % 10},{1 + i % 9},{mark if i % 4 == 0 else ''}" for i in range(N)]
    path.write_text("\n".join([f"csat,months_since_survey,{header}", *rows]), encoding="utf-8")
    text = starter_spec(path)
    assert all(line in text for line in lines)
    found = counted(path, tmp_path).scored
    marked, stayed = N // 4, header in ("is_active", "still_customer")
    assert found.loc[found["cause"] == "lost", "n"].sum() == (N - marked if stayed else marked)


@pytest.mark.parametrize("codes", [["99"], ["-1", "99"], ["98", "99"]])
def test_codes_for_no_answer_beside_a_score_are_named_and_left_out(codes: list[str], tmp_path: Path) -> None:
    frame = customers(months_since_survey=[1 + i % 9 for i in range(N)], churned=[i % 2 for i in range(N)])
    frame.loc[:9, "csat"] = [int(codes[i % len(codes)]) for i in range(10)]
    listed = ", ".join(f'"{code}"' for code in codes)
    assert f'missing = {{ "csat" = [{listed}] }}  # taken for empty cells' in starter_spec(frame)
    found = counted(frame, tmp_path)
    assert (found.spec.score.scale, found.scored["n"].sum()) == ("1-10", N - 10)


def test_a_scale_to_a_hundred_has_no_codes() -> None:
    frame = customers(months_since_survey=[1 + i % 9 for i in range(N)], churned=[i % 2 for i in range(N)])
    frame["csat"] = [(7 * i) % 100 for i in range(N)]
    assert started(frame)["score"]["scale"] == "0-100"


@pytest.mark.parametrize(
    ("amount", "keys"),
    [
        ("€ 1.2{i},50", {"currency": "EUR", "decimal": ","}), ("1 2{i},50 €", {"currency": "EUR", "thousands": " "}),
        ("${i}.50", {"currency": "USD"}), ("{i},- EUR", {"decimal": ","}), ("1\u20092{i}", {"thousands": "\u2009"}),
        ("CHF 1’2{i}.00", {"currency": "CHF", "thousands": "’"}),
    ],
)  # fmt: skip
def test_amounts_with_a_currency_are_counted_without_an_edit(
    amount: str, keys: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    rows = [f"{1 + i % 10};{amount.format(i=10 + i)}" for i in range(N)]
    path.write_text("\n".join(["csat;spend_next_12m", *rows]), encoding="utf-8")
    found = counted(path, tmp_path)
    said_of_it = (
        {**found.spec.table.model_dump(), "currency": found.spec.spend.currency} if found.spec.spend else {}
    )
    assert {key: said_of_it[key] for key in keys} == keys
    base = 1200 if "2{i}" in amount else 0
    half = 0.5 if "50" in amount else 0
    assert found.cells["spend_sum"].sum() == pytest.approx(
        sum(base + 10 + i + half for i in range(N)), rel=1e-12
    )


@pytest.mark.parametrize("word", ["-", "\\N", "n.v.t.", "0000-00-00", "#N/A"])
def test_words_for_an_empty_cell_among_dates_and_numbers_are_named_and_left_out(
    word: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    ends = [f"{day + pd.DateOffset(days=40):%Y-%m-%d}" if i % 4 == 0 else word for i, day in enumerate(DAYS)]
    rows = [f"{word if i % 5 == 0 else 1 + i % 10},{DAYS[i]:%Y-%m-%d},{ends[i]},{word}" for i in range(N)]
    path.write_text("\n".join(["csat,survey_date,cancel_date,comment", *rows]), encoding="utf-8")
    quoted = word.replace("\\", "\\\\")
    text = starter_spec(path)
    assert (
        f'missing = {{ "csat" = ["{quoted}"], "cancel_date" = ["{quoted}"] }}  # taken for empty cells'
        in text
    )
    found = counted(path, tmp_path)
    assert found.scored["n"].sum() == N - N // 5
    assert (
        found.cells.loc[found.cells["cause"] == "lost", "n"].sum() == N // 4 - 1
    )  # one after the last whole month


def test_numbers_that_are_codes_of_a_score_are_months_of_a_duration() -> None:
    frame = customers(
        months_since_survey=[99, *(1 + i % 9 for i in range(N - 1))], churned=[i % 2 for i in range(N)]
    )
    text = starter_spec(frame)
    assert 'duration = "months_since_survey"' in text
    assert "missing" not in text


def test_a_word_among_words_is_a_word() -> None:
    frame = customers(months_since_survey=[1 + i % 9 for i in range(N)], churned=[i % 2 for i in range(N)])
    assert "missing" not in starter_spec(frame.assign(plan=["-", "pro"] * (N // 2)))


@pytest.mark.parametrize(
    "answers", [["Satisfied", "Neutral"], ["★★★", "★★"], ["Happy", "Glad", "Sad", "Odd"]]
)
def test_a_score_in_words_is_said_to_be_one(answers: list[str]) -> None:
    frame = customers(months_since_survey=[1 + i % 9 for i in range(N)], churned=[i % 2 for i in range(N)])
    text = starter_spec(frame.assign(csat=answers * (N // len(answers))))
    assert f'# csat holds text, such as "{min(answers)}": write whole numbers of its scale instead' in text


@pytest.mark.parametrize(
    ("header", "amount", "currency", "sure"),
    [
        ("spend_next_12m", "${i}.50", "USD", False), ("spend_next_12m_cad", "${i}.50", "CAD", True),
        ("spend_next_12m", "US${i}.50", "USD", True), ("spend_next_12m", "{i}.50", "EUR", False),
        ("spend_next_12m_gbp", "{i}.50", "GBP", True), ("spend_next_12m", "kr {i}.50", "SEK", False),
    ],
)  # fmt: skip
def test_a_currency_that_the_table_does_not_say_is_a_guess(
    header: str, amount: str, currency: str, sure: bool, tmp_path: Path
) -> None:
    frame = customers(**{header: [amount.format(i=10 + i) for i in range(N)]})
    found = counted(frame, tmp_path)
    assert found.spec.spend is not None
    assert found.spec.spend.currency == currency
    assert ("spend.currency" in found.spec.cohort.unconfirmed) != sure
    said = f"Not confirmed: amounts are taken to be in {currency} ([spend] currency)."
    assert (said in profile_notes(found)) != sure


def test_a_score_in_per_cent_is_one_of_a_hundred(tmp_path: Path) -> None:
    frame = customers(months_since_survey=[1 + i % 9 for i in range(N)], churned=[i % 2 for i in range(N)])
    found = counted(frame.assign(csat=[f"{i % 4 * 25} %" for i in range(N)]), tmp_path)
    assert found.spec.score.scale == "0-100"
    assert found.scored.groupby("score")["n"].sum().to_dict() == {0: 10, 25: 10, 50: 10, 75: 10}

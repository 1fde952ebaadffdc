"""Dates that cannot be read are asked for by ``init``: retention is never left out without a word."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import make_spec, read_spec
from cxlink.cohort.starter.starter_spec import starter_spec
from cxlink.cohort.table import read_cohort

N = 40
DAYS = list(pd.Timestamp("2025-01-03") + pd.to_timedelta([7 * i for i in range(N)], unit="D"))
DUTCH = ("jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec")
WAITS = "[table] date_format, [subscription] observed_until wait for their answers"


def table(folder: Path, surveyed: list[str], left: list[str]) -> Path:
    """A table with an outcome beside the dates, so that it could be read without them."""
    rows = [
        f"{i};{1 + i % 10};{asked};{gone};{i + 90}"
        for i, (asked, gone) in enumerate(zip(surveyed, left, strict=True))
    ]
    path = folder / "t.csv"
    path.write_text(
        "\n".join(["customer_id;csat;survey_date;cancel_date;spend_next_12m", *rows]), encoding="utf-8"
    )
    return path


UNREAD: dict[str, Callable[[int], str]] = {
    "months of another language": lambda i: f"{DAYS[i].day} {DUTCH[DAYS[i].month - 1]} {DAYS[i].year}",
    "both orders": lambda i: f"{DAYS[i]:%d-%m-%Y}" if i % 2 else f"{DAYS[i]:%m-%d-%Y}",
    "days of a spreadsheet": lambda i: str((DAYS[i] - pd.Timestamp("1899-12-30")).days),
    "months": lambda i: f"{DAYS[i]:%Y-%m}",
    "months in words": lambda i: f"{DAYS[i]:%B %Y}",
    "years of two and of four digits": lambda i: f"{DAYS[i]:%d.%m.%y}" if i % 2 else f"{DAYS[i]:%d.%m.%Y}",
}


@pytest.mark.parametrize("name", UNREAD)
def test_dates_that_cannot_be_read_stop_a_fit(name: str, tmp_path: Path) -> None:
    written = [UNREAD[name](i) for i in range(N)]
    text = starter_spec(table(tmp_path, written, [day if i % 3 else "" for i, day in enumerate(written)]))
    assert "\n[subscription]\n" in text
    assert 'survey = "survey_date"' in text
    assert 'end = "cancel_date"' in text
    assert (
        f'cannot be read as dates: "{written[0]}" in survey_date' in text or name == "days of a spreadsheet"
    )
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_spec(tmp_path / "s.toml")
    assert WAITS in str(refused.value)


def test_one_column_that_cannot_be_read_leaves_the_others_their_format(tmp_path: Path) -> None:
    left = [f"{day.day} {DUTCH[day.month - 1]} {day.year}" for day in DAYS]
    text = starter_spec(table(tmp_path, [f"{day:%d-%m-%Y}" for day in DAYS], left))
    assert 'date_format = "…"  # cannot be read as dates: "3 jan 2025" in cancel_date.' in text
    assert 'write "%d-%m-%Y" here, as the others are' in text


def test_what_is_no_date_is_none(tmp_path: Path) -> None:
    for words in (["a", "b"], ["wave 1", "wave 2"], ["2024 Q1", "2024 Q2"], ["10", "11"]):
        text = starter_spec(table(tmp_path, words * (N // 2), words * (N // 2)))
        assert "date_format" not in text


def test_dates_by_the_year_first_are_read_beside_any_format(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        [f"{day:%Y-%m-%d}" for day in DAYS],
        [f"{day + pd.DateOffset(days=40):%d-%m-%Y}" for day in DAYS],
    )
    text = starter_spec(path)
    assert 'date_format = "%d-%m-%Y"' in text
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    spec = read_spec(tmp_path / "s.toml", {"subscription": {"observed_until": "2026-01-31"}})
    cells = read_cohort(path, spec).count().cells
    assert set(zip(cells["exit"], cells["cause"], strict=True)) == {(2, "lost")}
    assert set(cells["wave"]) == {"2025Q1", "2025Q2", "2025Q3", "2025Q4"}


@pytest.mark.parametrize("day", ["31-2-25", "2025-02-30", "12-31-2025"])
def test_a_day_that_no_calendar_has_is_refused_by_any_format(day: str, tmp_path: Path) -> None:
    spec = make_spec({
        "score": {"column": "csat", "scale": "1-10"}, "table": {"date_format": "%d-%m-%Y"},
        "subscription": {"survey": "survey_date", "end": "cancel_date", "observed_until": "2026-01-31"},
    })  # fmt: skip
    path = table(tmp_path, [day, *(f"{day:%d-%m-%Y}" for day in DAYS[1:])], [""] * N)
    with pytest.raises(
        InputError, match=rf"survey_date must be a date, %d-%m-%Y or YYYY-MM-DD\. 1 of 40 .*found {day}"
    ):
        read_cohort(path, spec)


def test_a_format_with_the_year_first_is_the_only_one(tmp_path: Path) -> None:
    spec = make_spec({
        "score": {"column": "csat", "scale": "1-10"}, "table": {"date_format": "%Y-%d-%m"},
        "subscription": {"survey": "survey_date", "end": "cancel_date", "observed_until": "2026-01-31"},
    })  # fmt: skip
    path = table(tmp_path, ["2025-01-31", *(f"{day:%Y-%d-%m}" for day in DAYS[1:])], [""] * N)
    with pytest.raises(InputError, match=r"survey_date must be a date, %Y-%d-%m\. 1 of 40 rows fails"):
        read_cohort(path, spec)


def test_a_word_among_dates_that_can_be_read_is_what_cannot(tmp_path: Path) -> None:
    left = [f"{day:%Y-%m-%d}" if i % 3 else "still here" for i, day in enumerate(DAYS)]
    text = starter_spec(table(tmp_path, [f"{day:%Y-%m-%d}" for day in DAYS], left))
    assert 'date_format = "…"  # cannot be read as dates: "still here" in cancel_date.\n' in text
    assert (
        '# if it means no date, delete this line and write missing = { "cancel_date" = ["still here"] }\n'
        in text
    )


def test_dates_without_marks_are_read(tmp_path: Path) -> None:
    left = [f"{day + pd.DateOffset(days=40):%Y%m%d}" if i % 3 else "" for i, day in enumerate(DAYS)]
    text = starter_spec(table(tmp_path, [f"{day:%Y%m%d}" for day in DAYS], left))
    assert 'date_format = "%Y%m%d"' in text
    assert "cannot be read" not in text
    assert 'survey = "survey_date"' in text
    assert 'observed_until = "20' in text
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    assert read_cohort(tmp_path / "t.csv", read_spec(tmp_path / "s.toml")).count().cells["n"].sum() == N


WAYS = {
    "days of a spreadsheet": "# 45660 is an Excel serial number (2025-01-03): save the column as a date",
    "months": "# 2025-01 is a month: write the day",
}


@pytest.mark.parametrize("name", WAYS)
def test_init_says_what_a_date_is_that_names_no_day(name: str, tmp_path: Path) -> None:
    written = [UNREAD[name](i) for i in range(N)]
    assert WAYS[name] in starter_spec(table(tmp_path, written, written)).splitlines()


def test_init_names_the_format_of_whole_numbers(tmp_path: Path) -> None:
    days = [int(f"{day:%Y%m%d}") for day in DAYS]
    frame = pd.DataFrame({"customer_id": range(N), "csat": [1 + i % 10 for i in range(N)], "survey_date": days,
                          "cancel_date": days})  # fmt: skip
    assert '# 20250103 is read by "%Y%m%d"' in starter_spec(frame).splitlines()

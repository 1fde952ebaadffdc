"""Text tables: encodings, numbers as people write them, words for missing, awkward headers."""

# ruff: noqa: E501 (tables are laid out as tables)

from pathlib import Path

import pytest
from tabled import STAY, TABLE, cells, count, write_csv

from cxlink.cohort.errors import InputError
from cxlink.report.profile_words import profile_notes

SPEND = {"spend": {"column": "spent", "complete": True}}
ADJUST = {"adjust": {"columns": ["plan"], "bands": {"age": [30, 50]}}}


@pytest.mark.parametrize(
    ("encoding", "section"),
    [
        ("latin-1", "latin-1"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-8", "UTF8"),
    ],
)
def test_encodings(encoding: str, section: str, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "t.csv", encoding=encoding)
    found = count(path, STAY, ADJUST, table={"encoding": section})
    assert cells(found, "stratum.plan") == {"a": 2, "b": 1, "(missing)": 1, "Zoë": 1}


def test_a_row_too_long_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("score,months,lost,plan\n5,3,1,a\n5,3,1,Zoë,b\n".encode("cp1252"))
    with pytest.raises(
        InputError,
        match=r"^t\.csv: row 2 has 5 values for 4 columns\. Correct it, delete it if it is a note below the table, or set "
        r"\[table\] delimiter\.$",
    ):
        count(tmp_path / "t.csv", STAY, table={"encoding": "cp1252"})


def test_two_files_in_another_encoding(tmp_path: Path) -> None:
    write_csv(tmp_path / "1.csv", encoding="cp1252")
    write_csv(tmp_path / "2.csv", encoding="cp1252", sep=";", columns=TABLE.columns[::-1])
    found = count(tmp_path, STAY, ADJUST, table={"encoding": "cp1252"})
    assert cells(found, "stratum.plan") == {"a": 4, "b": 2, "(missing)": 2, "Zoë": 2}


NOTATIONS = {
    "decimal comma": ({"decimal": ","}, ["1,5", "1000,25", "0", "-0,5e1"], [1.5, 1000.25, 0, -5]),
    "points between thousands": ({"decimal": ",", "thousands": "."}, ["1,5", "1.000,25", "1.234.567", "12"], [1.5, 1000.25, 1234567, 12]),
    "commas between thousands": ({"thousands": ","}, ["1.5", "1,000.25", "1000.25", "+1,234,567"], [1.5, 1000.25, 1000.25, 1234567]),
    "blanks between thousands": ({"decimal": ",", "thousands": " "}, ["1 000,25", " 12 ", "1 234 567", "0"], [1000.25, 12, 1234567, 0]),
    "apostrophes": ({"thousands": "'"}, ["1'000.25", "12", "1", "0"], [1000.25, 12, 1, 0]),
}  # fmt: skip


@pytest.mark.parametrize("notation", NOTATIONS)
def test_numbers_as_people_write_them(notation: str, tmp_path: Path) -> None:
    section, written, amounts = NOTATIONS[notation]
    path = tmp_path / "t.csv"
    lines = ["score;spent", *(f"{i};{text}" for i, text in enumerate(written, 1))]
    path.write_text("\n".join(lines))
    spend = {"spend": {"column": "spent", "complete": True, "refunds": True}}
    found = count(path, spend, table=section)
    assert found.cells["spend_sum"].tolist() == pytest.approx(amounts, rel=1e-14)


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ({"decimal": ","}, "1.234"),
        ({"thousands": ","}, "1,5"),
        ({"thousands": ","}, "1,23,456"),
        ({}, "1,5"),
        ({}, "12 USD"),
        ({}, "nan"),
        ({}, "1e400"),
    ],
)
def test_a_number_in_another_notation_is_named_not_guessed(
    section: dict[str, str], text: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f'score;spent\n5;12\n5;"{text}"\n')
    with pytest.raises(InputError) as refused:
        count(path, SPEND, table={**section, "delimiter": ";", "missing": [""]})
    found = repr(text) if " " in text else text
    assert f"1 of 2 rows fails, in row 2 (found {found})." in str(refused.value)


def test_words_for_missing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("score,months,lost,plan\nNA,3,1,NA\n5,3,1,-\n6,3,0,a\n")
    assert cells(count(path, STAY, adjust={"columns": ["plan"]}), "score", "stratum.plan") == {
        (None, "(missing)"): 1, (5, "-"): 1, (6, "a"): 1,
    }  # fmt: skip
    found = count(path, STAY, adjust={"columns": ["plan"]}, table={"missing": ["NA", "-"]})
    assert cells(found, "stratum.plan") == {"(missing)": 2, "a": 1}


def test_quoted_headers_and_values_with_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(
        b'"the\nscore";"months, ""active""";lost;note\r\n5;3;1;"two\r\nlines"\r\n6;4;0;"a;b"\r\n'
    )
    found = count(
        path, score={"column": "the\nscore"}, subscription={"duration": 'months, "active"', "event": "lost"}
    )
    assert cells(found) == {(5, 0, 3, "lost"): 1, (6, 0, 4, ""): 1}


EVENTS = {
    "decimals": (["1.00", "0.00", "0"], {}, None),
    "decimal commas": (["1,0", "0,0", "0"], {"decimal": ",", "delimiter": ";"}, None),
    "English": (["Yes", "No", "no"], {}, (("Yes",), ("No", "no"))),
    "one letter": (["y", "n", "N"], {}, (("y",), ("N", "n"))),
    "true and false in a letter": (["t", "f", "F"], {}, (("t",), ("F", "f"))),
    "Dutch": (["Ja", "nee", "Nee"], {}, (("Ja",), ("Nee", "nee"))),
    "words of one's own": (["gone", "Here ", "here"], {"true": ["Gone"], "false": ["here"]}, (("gone",), ("Here", "here"))),
    "codes": (["2", "1", "1.0"], {"true": ["2"], "false": ["1"]}, (("2",), ("1", "1.0"))),
}  # fmt: skip


@pytest.mark.parametrize("name", EVENTS)
def test_events_in_words(name: str, tmp_path: Path) -> None:
    values, section, said = EVENTS[name]
    lines = [f"{score};3;{value}" for score, value in zip((5, 6, 7), values, strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["score;months;lost", *lines]))
    counts = count(tmp_path / "t.csv", STAY, table=section)
    assert cells(counts) == {(5, 0, 3, "lost"): 1, (6, 0, 3, ""): 1, (7, 0, 3, ""): 1}
    notes = [one.facts for one in counts.profile.notes if one.code == "event_words"]
    assert notes == ([] if said is None else [{"column": "lost", "lost": said[0], "retained": said[1]}])


def test_listed_values_of_numbers_and_truths() -> None:
    swapped = {"true": ["0", "false"], "false": ["1", "true"]}
    for lost in ([0, 1], [0.0, 1.0], [False, True]):
        found = count(TABLE[:2].assign(lost=lost), STAY, table=swapped)
        assert cells(found) == {(5, 0, 3, "lost"): 1, (7, 0, 2, ""): 1}


def test_a_word_is_not_both_yes_and_no() -> None:
    with pytest.raises(InputError, match=r"\[table\]: 'gone' stands both in true and in false\."):
        count(TABLE, STAY, table={"true": ["Gone"], "false": ["gone"]})


def test_the_words_of_events_are_said_in_a_sentence() -> None:
    counts = count(TABLE.assign(lost=["Yes", "No", "Yes", "No", "Yes"]), STAY)
    assert "lost was read in words: Yes as lost, No as retained." in profile_notes(counts)


DAY_ORDERS = {
    "%d-%m-%Y": ("31-01-2025", "05-03-2025"),
    "%m/%d/%Y": ("01/31/2025", "03/05/2025"),
    "%d.%m.%y": ("31.01.25", "05.03.25"),
    "%d %b %Y": ("31 Jan 2025", "05 Mar 2025"),
    "%Y%m%d": ("20250131", "20250305"),
    "%d-%m-%Y %H:%M": ("31-01-2025 23:59", "05-03-2025 00:00"),
}


@pytest.mark.parametrize("written", DAY_ORDERS)
def test_dates_in_any_stated_order(written: str, tmp_path: Path) -> None:
    survey, end = DAY_ORDERS[written]
    (tmp_path / "t.csv").write_text(f"score,survey,end\n5,{survey},{end}\n6,{survey},\n")
    dates = {"subscription": {"survey": "survey", "end": "end", "observed_until": "2025-12-31"}}
    found = count(tmp_path / "t.csv", dates, table={"date_format": written})
    assert cells(found) == {(5, 0, 2, "lost"): 1, (6, 0, 11, ""): 1}
    assert set(found.cells["wave"]) == {"2025Q1"}


def test_a_date_that_is_written_otherwise_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("score,survey,end\n5,31-01-2025,\n6,01-31-2025,\n")
    dates = {"subscription": {"survey": "survey", "end": "end", "observed_until": "2025-12-31"}}
    with pytest.raises(
        InputError,
        match=r"survey must be a date, %d-%m-%Y or YYYY-MM-DD\. 1 of 2 rows fails, in row 2 \(found 01-31-",
    ):
        count(tmp_path / "t.csv", dates, table={"date_format": "%d-%m-%Y"})


def test_a_format_names_day_month_and_year() -> None:
    with pytest.raises(InputError, match=r"\[table\] date_format: '%d-%m' does not name day, month and year"):
        count(TABLE, STAY, table={"date_format": "%d-%m"})

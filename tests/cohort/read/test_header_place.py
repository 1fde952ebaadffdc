"""A title or blank lines above the header: named with the key that skips them, and proposed by init."""

from pathlib import Path

import pytest
from sheets import write_workbook
from tabled import STAY, cells, count, refusal

from cxlink.cli.flags import sections
from cxlink.cohort.errors import InputError
from cxlink.cohort.read.header_place import rows_to_skip
from cxlink.cohort.spec.cohort_spec import make_spec, read_spec
from cxlink.cohort.starter.starter_spec import starter_spec
from cxlink.cohort.table import read_cohort

HEADER = "score{d}months{d}lost{d}plan"
ROWS = ["5{d}3{d}1{d}a", "6{d}4{d}0{d}a", "7{d}4{d}0{d}", "8{d}4{d}1{d}a"]
ABOVE = {
    "a title": (["Customers of May"], 1),
    "a title with another mark": (["Customers, May 2024, all of them"], 1),
    "a title as a spreadsheet saves it": (["Customers{d}{d}{d}"], 1),
    "a title and a date": (["Customers{d}{d}{d}", "exported{d}2024-05-01{d}{d}", "{d}{d}{d}"], 3),
    "blank lines": (["", ""], 2),
}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("name", ABOVE)
def test_lines_above_the_header_of_a_text_are_named_and_skipped(
    name: str, delimiter: str, tmp_path: Path
) -> None:
    if name == "a title with another mark" and delimiter == ",":
        delimiter = "|"
    above, n = ABOVE[name]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([*above, HEADER, *ROWS]).format(d=delimiter) + "\n")
    message = refusal(path)
    assert message == (
        f"t.csv: the columns seem to be named in line {n + 1}, below a title or blank lines. Set [table] skip_rows = "
        f"{n} (or 0, if the first line names them)."
    )
    found = cells(count(path, {"table": {"skip_rows": n}}), "score", "exit")
    assert found == {(5, 3): 1, (6, 4): 1, (7, 4): 1, (8, 4): 1}
    assert f"skip_rows = {n}  # a title" in starter_spec(path)
    packed = tmp_path / "latin.csv"
    packed.write_text(path.read_text(), encoding="latin-1")
    assert cells(count(packed, {"table": {"skip_rows": n, "encoding": "latin-1"}}), "score", "exit") == found
    path.write_text(path.read_text() + f"11{delimiter}3{delimiter}1{delimiter}\n")
    assert "1 of 5 rows fails, in row 5 (found 11)" in refusal(path, {"table": {"skip_rows": n}})
    path.write_text(path.read_text() + f"1{delimiter}3{delimiter}1{delimiter}9{delimiter}9\n")
    assert "row 6 has 5 values for 4 columns" in refusal(path, {"table": {"skip_rows": n}})


def test_a_title_that_no_two_engines_count_alike_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("\n".join(['"Customers', 'of May"', HEADER, *ROWS]).format(d=","))
    assert "skip_rows = 2" in refusal(path)
    assert refusal(path, {"table": {"skip_rows": 2}}) == (
        "t.csv: a quote above the header goes on in the next line. Delete these lines."
    )


@pytest.mark.parametrize("blank", [0, 2])
def test_rows_above_the_header_of_a_sheet_are_named_and_skipped(blank: int, tmp_path: Path) -> None:
    rows = [["score", "months", "lost"], [5, 3, 1], [6, 4, 0], [7, 4, 0]]
    title = [["Customers", None, None], [None, None, None]]
    path = write_workbook(tmp_path / "t.xlsx", {"Data": [*[[None] * 3] * blank, *title, *rows]})
    n = blank + 2
    assert refusal(path).startswith(f"t.xlsx: the columns seem to be named in line {n + 1}, below a title")
    assert cells(count(path, {"table": {"skip_rows": n}}), "score") == {5: 1, 6: 1, 7: 1}
    assert f"skip_rows = {n}" in starter_spec(path)
    plain = write_workbook(tmp_path / "p.xlsx", {"Data": [*[[None] * 3] * blank, *rows]})
    assert cells(count(plain), "score") == {5: 1, 6: 1, 7: 1}


@pytest.mark.parametrize(
    "text",
    [
        "score;months;lost;why\n5;3;1;dear, slow, late, rude, far\n6;4;0;a, b, c, d, e\n7;4;0;a, b, c, d, e\n",
        "score,months,lost,\n5,3,1,\n6,4,0,\n7,4,0,\n",
        "score,months,lost,a,b,c,d\n5,3,1,,,,\n6,4,0,,,,\n7,4,0,,,,\n",
        "score,months,lost\n5,3,1\n6,4,0\n\n7,4,0\n",
    ],
)  # fmt: skip
def test_a_header_in_the_first_line_is_taken_for_one(text: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert cells(count(path, STAY), "score") == {5: 1, 6: 1, 7: 1}
    assert "skip_rows" not in starter_spec(path)


def test_a_first_line_that_names_the_columns_is_taken_by_the_users_word(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("score,,,,,\n5,3,1,2,3,4\n6,3,1,2,3,4\n7,3,1,2,3,4\n")
    assert "skip_rows = 1" in refusal(path)
    assert "no column 'months' (duration). It has: score" in refusal(path, {"table": {"skip_rows": 0}})


def test_titles_of_further_tables_are_skipped_by_themselves(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("id,months,lost\na,3,1\nb,4,0\nc,4,0\n")
    (tmp_path / "s.csv").write_text("Survey of May\n\nid,score,round\na,9,1\nb,5,1\nc,5,1\n")
    joined = {"table": {"surveys": "s.csv", "on": "id"}, "cohort": {"id": "id"}}
    assert cells(count(tmp_path / "c.csv", joined), "score") == {9: 1, 5: 2}


def test_what_init_proposes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    body = [f"{1 + i % 10};{1 + i % 9};{i % 2}" for i in range(40)]
    path.write_text("\n".join(["Klanten van mei;;", ";;", "cijfer;maanden;opgezegd", *body]))
    (tmp_path / "s.toml").write_text(starter_spec(path))
    assert read_cohort(path, read_spec(tmp_path / "s.toml")).count().scored["n"].sum() == 40


DATA = [["1", "7", ""], ["2", "9", "1"], ["3", "4", ""]]
PLACES = {
    "two rows": ([["a", "b"], ["1", "2"]], 0), "blanks alone": ([[], [], []], 0),
    "one column": ([["a"], ["1"], ["2"]], 0),
    "a row of one cell": ([["title"], ["a", "b", "c"], ["1", "", ""], ["2", "3", "4"]], 1),
    "a row of two cells": ([["Customers", "2025-06-30"], ["id", "csat", "left"], *DATA], 1),
    "and blanks": ([["Customers", "May", ""], [], ["id", "csat", "left"], *DATA], 2),
    "a column without a name": ([["", "csat", "left"], ["ann", "x", "no"], *DATA], 0),
    "a last one without a name": ([["id", "csat", ""], ["ann", "x", "no"], ["bob", "y", "so"], ["eve", "z", "no"]], 0),
    "numbers in the next row": ([["id", "csat", ""], ["ann", "7", "no"], *DATA], 0),
    "texts and ids": ([["id", "Q1"], ["Who", "How?"], ['{"ImportId":"a"}', '{"ImportId":"b"}'], *DATA], (2, 3)),
    "ids alone": ([["id", "Q1"], ['{ "ImportId" : "a"}', '{"ImportId":"b"}'], *DATA], (2,)),
    "both sides": ([["t", ""], ["id", "Q1", "Q2"], ["Who", "How?", "?"], ['{"ImportId":"a"}'] * 3, *DATA], (1, 3, 4)),
    "kinds of answers": ([["Respondent ID", "How?", "Why?"], ["", "Response", "Open-Ended Response"], *DATA], (2,)),
    "an answer that is a word": ([["id", "kind", "csat"], ["a", "Response", "7"], ["b", "Response", "8"]], 0),
}  # fmt: skip


@pytest.mark.parametrize("name", PLACES)
def test_what_is_neither_header_nor_customer(name: str) -> None:
    rows, skip = PLACES[name]
    assert rows_to_skip(rows) == skip


TEXTS = ['"Customer"', '"How satisfied\nare you, ""really""?"', '"Months,\n\nfollowed"', '"Left?"']
IDS = [f'"{{""ImportId"":""{name}""}}"' for name in "abcd"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("title", [(), ("Survey of May",)])
def test_lines_below_the_header_that_describe_the_columns_are_named_and_skipped(
    encoding: str, end: str, title: tuple[str, ...], tmp_path: Path
) -> None:
    header, rows = "id,score,months,lost", ["a,5,3,1", "b,6,4,0", "c,7,4,0"]
    path = tmp_path / "t.csv"

    def write(*lines: str) -> None:
        text = "\n".join([*title, header, ",".join(TEXTS), ",".join(IDS), *rows, *lines])
        path.write_bytes(text.replace("\n", end).encode(encoding))

    write()
    skip = [3, 4] if title else [2, 3]
    listed = [*([1] if title else []), *skip]
    option = {} if encoding.startswith("utf-8") else {"encoding": encoding}
    assert refusal(path, {"table": option}) == (
        f"t.csv: lines {', '.join(map(str, listed))} seem to be no customers but to describe the columns. Set [table] "
        f"skip_rows = {listed} (or 0, if all but the first line are customers)."
    )
    table = {"table": {"skip_rows": listed, **option}}
    assert cells(count(path, table), "score", "exit", "cause") == {
        (5, 3, "lost"): 1,
        (6, 4, ""): 1,
        (7, 4, ""): 1,
    }
    assert f"skip_rows = {listed}  # lines that describe the columns" in starter_spec(path)
    write("d,11,3,1")
    assert "1 of 4 rows fails, in row 4 (found 11)" in refusal(path, table)


def test_rows_of_a_sheet_that_describe_the_columns_are_named_and_skipped(tmp_path: Path) -> None:
    rows = [
        ["score", "months", "lost"],
        ["How?", "Months", "Left?"],
        ['{"ImportId":"a"}'] * 3,
        [5, 3, 1],
        [6, 4, 0],
    ]
    for blank, listed in ((0, [2, 3]), (1, [1, 3, 4])):
        path = write_workbook(tmp_path / f"{blank}.xlsx", {"Data": [*[[None] * 3] * blank, *rows]})
        assert f"Set [table] skip_rows = {listed} (or 0" in refusal(path)
        assert cells(count(path, {"table": {"skip_rows": listed}}), "score") == {5: 1, 6: 1}
        assert f"skip_rows = {listed}" in starter_spec(path)


@pytest.mark.parametrize(
    ("skip", "why"),
    [
        ([2, 4], "a list names all lines down to the first customer but that of the header"),
        ([3], "a list names all lines"), ([3, 2], "a list names all lines"), ([2, 2], "a list names all lines"),
        ([0], "a list names all lines"), ([], "write how many lines stand above the header"),
        (-1, "write how many"), (1001, "write how many"), (True, "write how many"), ("2", "write how many"),
        (2.0, "write how many"),
    ],
)  # fmt: skip
def test_lines_that_cannot_be_skipped(skip: object, why: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        make_spec({"score": {"column": "s", "scale": "1-5"}, **STAY, "table": {"skip_rows": skip}})
    assert str(refused.value).startswith(f"spec: [table] skip_rows: {why}")


def test_the_flag_takes_a_number_and_a_list() -> None:
    said = {
        value: sections({"table_skip_rows": value})["table"]["skip_rows"] for value in ("3", "2,3", "2,", "0")
    }
    assert said == {"3": 3, "2,3": (2, 3), "2,": (2,), "0": 0}


def test_a_header_that_is_looked_for_in_a_wrong_line_is_said_where_it_seems_to_be(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("Customers\n\nscore,months,lost\n5,3,1\n6,4,0\n\n7,4,0\n")
    there = "Line 3 seems to name them: set [table] skip_rows = 2."
    assert refusal(path, {"table": {"skip_rows": 5}}) == (
        f"t.csv: line 6 is empty, and [table] skip_rows leaves line 6 to name the columns. {there}"
    )
    assert refusal(path, {"table": {"skip_rows": 9}}).startswith(
        "t.csv: there are 7 lines, and [table] skip_rows leaves"
    )
    assert refusal(path, {"table": {"skip_rows": 3}}).endswith(f"It has: 5, 3, 1. {there}")
    rows = [["Customers", None, None], ["score", "months", "lost"], [5, 3, 1], [6, 4, 0], [7, 4, 0]]
    sheet = write_workbook(tmp_path / "t.xlsx", {"Data": rows})
    there = "Line 2 seems to name them: set [table] skip_rows = 1."
    assert refusal(sheet, {"table": {"skip_rows": 9}}) == (
        f"t.xlsx: no row is filled below row 9, and must name the columns. {there}"
    )
    assert refusal(sheet, {"table": {"skip_rows": 2}}).endswith(there)

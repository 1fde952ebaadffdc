"""A title or blank lines above the header: named with the key that skips them, and proposed by init."""

from pathlib import Path

import pytest
from sheets import write_workbook
from tabled import STAY, cells, count, refusal

from cxlink.cohort.read.header_place import rows_above
from cxlink.cohort.spec.cohort_spec import read_spec
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


def test_a_header_is_as_wide_as_the_rows_below_it() -> None:
    assert rows_above([["a", "b"], ["1", "2"]]) == 0
    assert rows_above([["title"], ["a", "b", "c"], ["1", "", ""], ["2", "3", "4"]]) == 1
    assert rows_above([[], [], []]) == 0
    assert rows_above([["a"], ["1"], ["2"]]) == 0

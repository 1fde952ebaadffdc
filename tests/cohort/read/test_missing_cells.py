"""A code for no answer in one column alone: [table] missing by column, in any kind of table."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sheets import write_workbook
from tabled import STAY, cells, count, spec, stay

from cxlink.cli.commands import run
from cxlink.cohort.errors import InputError
from cxlink.cohort.table import read_cohort
from cxlink.report.profile_lines import profile

ROWS = {"score": [99, 7, 5, -1], "months": [3, 2, 1, 4], "lost": [1, 0, 1, 0], "spent": [99, 5, -1, 7]}
SPENT = {"spend": {"column": "spent", "complete": True, "refunds": True}}
CODED = {"table": {"missing": {"score": ["99", "-1"]}}}


def written(kind: str, folder: Path, rows: dict[str, list[Any]]) -> Any:
    frame = pd.DataFrame(rows)
    path = folder / f"t.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "parquet":
        frame.to_parquet(path)
    elif kind == "xlsx":
        write_workbook(path, {"Data": [list(rows), *map(list, zip(*rows.values(), strict=True))]})
    else:
        return frame
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx", "frame"])
@pytest.mark.parametrize("as_type", [int, float, str])
def test_a_code_of_one_column_is_an_amount_in_another(kind: str, as_type: type, tmp_path: Path) -> None:
    table = written(kind, tmp_path, {**ROWS, "score": [as_type(score) for score in ROWS["score"]]})
    found = count(table, STAY, SPENT, CODED)
    assert cells(found, "score") == {None: 2, 7: 1, 5: 1}
    assert found.scored["spend_sum"].sum() == 5 - 1


@pytest.mark.parametrize("kind", ["csv", "parquet", "frame"])
def test_a_code_of_a_date_is_a_day_at_whatever_time(kind: str, tmp_path: Path) -> None:
    days = [pd.Timestamp("1900-01-01"), pd.Timestamp("2025-03-01 12:30"), pd.Timestamp("1900-01-01")]
    table = written(kind, tmp_path, {"score": [5, 6, 7], "asked": ["2025-01-01"] * 3, "left": days})
    dated = {"subscription": {"survey": "asked", "end": "left", "observed_until": "2025-06-30"}}
    found = count(table, dated, {"table": {"missing": {"left": ["1900-01-01"]}}})
    assert cells(found, "score", "cause") == {(5, ""): 1, (6, "lost"): 1, (7, ""): 1}


def test_a_list_acts_on_every_column_still(tmp_path: Path) -> None:
    found = count(written("csv", tmp_path, ROWS), STAY, SPENT, {"table": {"missing": ["99", "-1"]}})
    assert cells(found, "score") == {None: 2, 7: 1, 5: 1}
    assert found.scored["spend_sum"].sum() == 5


def test_what_is_empty_anywhere_stays_so_beside_codes_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("score,months,lost\n99,3,1\nNA,2,0\n5,1,1\n")
    assert cells(count(path, CODED), "score") == {None: 2, 5: 1}


def test_dates_and_words_have_codes_too() -> None:
    rows = stay([5, "don't know", 7], [0, 0, 0], [0, 0, 0], survey=["2025-01-31"] * 3)
    rows["end"] = ["0000-00-00", "0000-00-00", "2025-03-01"]
    found = count(
        rows, {"table": {"missing": {"end": ["0000-00-00"], "score": ["don't know"]}}},
        {"subscription": {"survey": "survey", "end": "end", "observed_until": "2025-06-30"}},
    )  # fmt: skip
    assert cells(found, "score", "exit", "cause") == {(5, 5, ""): 1, (None, 5, ""): 1, (7, 2, "lost"): 1}


def test_words_of_every_column_are_empty_cells_of_a_workbook_as_of_a_text_file(tmp_path: Path) -> None:
    rows = {**ROWS, "score": [7, "NA", 5, 3]}
    both = [count(written(kind, tmp_path, rows), STAY).cells for kind in ("csv", "xlsx")]
    pd.testing.assert_frame_equal(*both)
    assert both[0]["score"].isna().sum() == 1


def test_a_folder_names_the_row_that_is_left_off_the_scale(tmp_path: Path) -> None:
    for i, score in enumerate((99, 11)):
        stay([score, 5], [1, 2], [0, 1]).to_csv(tmp_path / f"{i}.csv", index=False)
    with pytest.raises(InputError, match=r"1 of 4 rows fails, in row 1 of 1\.csv \(found 11\)"):
        count(tmp_path, CODED)


def test_surveys_in_a_table_of_their_own_have_codes(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("id,months,lost\na,3,1\nb,4,0\n")
    (tmp_path / "s.csv").write_text("id,score\na,99\nb,5\n")
    joined = {"table": {"surveys": "s.csv", "on": "id", "missing": {"score": ["99"]}}, "cohort": {"id": "id"}}
    assert cells(count(tmp_path / "c.csv", joined), "score") == {None: 1, 5: 1}


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match=r"no column 'scores' \(missing\)\. Did you mean 'score'\?"):
        count(stay([5], [3], [1]), {"table": {"missing": {"scores": ["99"]}}})


@pytest.mark.parametrize("wrong", ["99", {"score": "99"}, 99])
def test_codes_are_lists(wrong: Any) -> None:
    with pytest.raises(
        InputError,
        match=r"spec: \[table\] missing: write a list, \[\"-\"\] for every column, or one for each",
    ):
        spec(STAY, {"table": {"missing": wrong}})


def test_numbers_may_be_written_as_such() -> None:
    assert spec(STAY, {"table": {"missing": {"score": [99, -1]}}}).table.missing_in == {"score": ("99", "-1")}
    assert spec(STAY, {"table": {"missing": [99]}}).table.missing_anywhere == ("99",)


def test_the_flag_takes_either_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written("csv", tmp_path, {name: values * 20 for name, values in ROWS.items()})
    flags = ["--score", "score", "--scale", "1-10", "--duration", "months", "--event", "lost"]
    assert run(["check", str(path), *flags, "--missing", "score=99", "--missing", "score=-1"]) == 0
    assert "scores (score, 1-10): 40; without a score: 40" in capsys.readouterr().out
    assert run(["check", str(path), *flags, "--missing", "99", "--missing", "-1"]) == 0
    assert (
        run(["check", str(path), *flags, "--missing", "2", "--missing", "score=99", "--missing", "score=-1"])
        == 2
    )
    assert "months must be a number" in capsys.readouterr().err  # a 2 is empty in every column


def test_one_row_is_one_row(tmp_path: Path) -> None:
    cohort = read_cohort(stay([5], [3], [1]), spec(STAY))
    assert profile(cohort).startswith("table: 1 row read, 1 used\n")


def test_codes_of_every_column_stand_beside_those_of_one(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("score,months,lost,plan\n99,3,1,-\n7,2,0,99\n-,2,0,NA\n")
    both = {"table": {"missing": {"*": ["-"], "score": ["99"]}}, "adjust": {"columns": ["plan"]}}
    assert cells(count(path, both), "score", "stratum.plan") == {
        (None, "(missing)"): 1, (7, "99"): 1, (None, "NA"): 1,
    }  # fmt: skip


def test_a_list_is_said_to_act_on_nothing_where_no_text_is_read(tmp_path: Path) -> None:
    from cxlink.cohort.count.unused_keys import unused_key_checks

    path = written("parquet", tmp_path, {**ROWS, "score": [1, 2, 3, 4]})
    keys = [check.facts["key"] for check in unused_key_checks(count(path, {"table": {"missing": ["-"]}}))]
    assert keys == ["[table] missing"]
    assert not list(unused_key_checks(count(path, {"table": {"missing": {"score": ["4"]}}})))


@pytest.mark.parametrize("code", ["99\u00a0", "\u200999"])
def test_a_code_is_the_text_that_the_cell_has_odd_blanks_included(code: str, tmp_path: Path) -> None:
    rows = {**ROWS, "plan": ["basic", code, "99", f" {code} "]}
    found = count(
        written("csv", tmp_path, rows),
        STAY,
        {"adjust": {"columns": ["plan"]}, "table": {"missing": {"plan": [code], "score": ["99", "-1"]}}},
    )
    assert cells(found, "stratum.plan") == {"basic": 1, "(missing)": 2, "99": 1}

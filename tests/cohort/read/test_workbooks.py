"""Workbooks, files of statistics packages, lazy frames and relations: the same counts as the table itself."""

import datetime
import sys
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyreadstat
import pytest
from sheets import write_workbook
from tabled import STAY, TABLE, cells, count, refusal, whole

from cxlink.cohort.starter.starter_spec import starter_spec

SPEND = {"spend": {"column": "spent", "complete": True}}
ADJUST = {"adjust": {"columns": ["plan"], "bands": {"age": [30, 50]}}}
FRAME = whole(TABLE).astype(object).where(TABLE.notna(), None)
ROWS = [list(FRAME.columns), *FRAME.to_numpy().tolist()]


def test_a_workbook_gives_the_same_counts(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "t.xlsx", {"Empty": [], "Data": ROWS, "Notes": [["to", "do"]]})
    expected = count(TABLE, STAY, SPEND, ADJUST)
    for section in ({}, {"sheet": "Data"}):
        found = count(path, STAY, SPEND, ADJUST, table=section)
        assert found.profile.fingerprint == expected.profile.fingerprint


def test_dates_truths_and_mixed_cells_of_a_workbook(tmp_path: Path) -> None:
    survey, end = datetime.date(2025, 1, 31), datetime.date(2025, 3, 5)
    rows = [
        ["score", "survey", "end", "plan"],
        [5, survey, end, 7],
        [6, survey, None, "a"],
        [6, survey, None, 7.5],
    ]
    path = write_workbook(tmp_path / "t.xlsx", {"Data": rows})
    dates = {"subscription": {"survey": "survey", "end": "end", "observed_until": "2025-12-31"}}
    found = count(path, dates, adjust={"columns": ["plan"]})
    assert cells(found, "score", "exit", "cause", "stratum.plan") == {
        (5, 2, "lost", "7"): 1, (6, 11, "", "a"): 1, (6, 11, "", "7.5"): 1,
    }  # fmt: skip
    flags = [["score", "months", "lost"], [5, 3, True], [6, 4, False]]
    assert cells(count(write_workbook(tmp_path / "f.xlsx", {"S": flags}))) == {
        (5, 0, 3, "lost"): 1,
        (6, 0, 4, ""): 1,
    }


def test_what_is_wrong_with_a_workbook_is_one_line(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "t.xlsx", {"Data": ROWS, "More": []})
    assert refusal(path, {"table": {"sheet": "Dat"}}).startswith(
        "t.xlsx: no sheet 'Dat'. It has: Data, More."
    )
    assert refusal(path, {"table": {"sheet": "More"}}) == "t.xlsx: the sheet 'More' is empty."
    twins = write_workbook(tmp_path / "twins.xlsx", {"Data": [["score", "Score"], [1, 2]]})
    assert "two columns are called 'score'" in refusal(twins)
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    assert refusal(tmp_path / "broken.xlsx").startswith("broken.xlsx: cannot be read (")


def test_a_starter_spec_names_the_sheet(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "t.xlsx", {"Data": ROWS, "Notes": [["to", "do"]]})
    assert '\n[table]\nsheet = "Data"  # it also has: Notes\n' in starter_spec(path)
    assert "sheet" not in starter_spec(write_workbook(tmp_path / "one.xlsx", {"Data": ROWS}))


LABELS = {"score": {1.0: "very bad", 5.0: "good", 10.0: "superb"}, "lost": {0.0: "no", 1.0: "yes"}}


@pytest.mark.parametrize(("ending", "write"), [("sav", pyreadstat.write_sav), ("dta", pyreadstat.write_dta)])
def test_value_labels_become_levels(ending: str, write: object, tmp_path: Path) -> None:
    path = tmp_path / f"t.{ending}"
    table = TABLE.drop(columns="plan").astype(float)
    assert callable(write)
    write(table, str(path), variable_value_labels=LABELS)
    found = count(path, STAY, SPEND, adjust={"bands": {"age": [30, 50]}})
    expected = count(table, STAY, SPEND, adjust={"bands": {"age": [30, 50]}})
    assert found.profile.fingerprint == expected.profile.fingerprint
    said = {one.code: one.facts for one in found.profile.notes}
    assert said["score_labels"]["label"] == "5 = good"
    assert said["event_words"] == {"column": "lost", "lost": ("1 = yes",), "retained": ("0 = no",)}


def test_labels_stand_beside_averages(tmp_path: Path) -> None:
    table = pd.DataFrame({"score": [5.0, 6.5, 1.0], "months": [3.0, 4.0, 5.0], "lost": [1.0, 0.0, 0.0]})
    path = tmp_path / "t.sav"
    pyreadstat.write_sav(table, str(path), variable_value_labels={"score": {1.0: "bad", 5.0: "good"}})
    assert count(path, STAY, score={"round": True}).cells["score"].tolist() == [1, 5, 7]


def test_labels_of_categories_and_of_codes(tmp_path: Path) -> None:
    table = pd.DataFrame({"score": [5.0, 6], "months": [3.0, 99], "lost": [1.0, 0], "plan": [1.0, 2]})
    labels = {"plan": {1.0: "basic", 2.0: "plus"}, "months": {99.0: "refused"}}
    pyreadstat.write_sav(table, str(tmp_path / "t.sav"), variable_value_labels=labels)
    assert "in row 2 (found '99 = refused')" in refusal(tmp_path / "t.sav")
    table["months"] = 3.0
    pyreadstat.write_sav(table, str(tmp_path / "t.sav"), variable_value_labels=labels)
    found = count(tmp_path / "t.sav", STAY, adjust={"columns": ["plan"]})
    assert cells(found, "stratum.plan") == {"1 = basic": 1, "2 = plus": 1}


@pytest.mark.parametrize("label", ["{}", " {} ", "{} - fine", "{}. fine"])
def test_a_label_that_is_another_number_than_its_code_is_the_value(label: str, tmp_path: Path) -> None:
    path, table = tmp_path / "t.dta", TABLE[["months", "lost"]].assign(score=[5, 7, None, 10, 5])
    levels = [label.format(level) for level in range(1, 11)]
    written = table["score"].map(lambda level: None if pd.isna(level) else label.format(int(level)))
    table.assign(score=pd.Categorical(written, levels, ordered=True)).to_stata(path, write_index=False)
    found = count(path, STAY)
    assert found.profile.fingerprint == count(table, STAY).profile.fingerprint
    shown = {one.code: one.facts for one in found.profile.notes}["score_labels"]["label"]
    assert shown == ("7 = code 6" if label.strip() == "{}" else label.format(7))


def test_labels_of_yes_and_no_that_are_other_numbers_than_their_codes(tmp_path: Path) -> None:
    table = pd.DataFrame({"score": [5.0, 6.0], "months": [3.0, 4.0], "lost": [1.0, 2.0]})
    pyreadstat.write_dta(table, str(tmp_path / "t.dta"), variable_value_labels={"lost": {1: "0", 2: "1"}})
    assert cells(count(tmp_path / "t.dta", STAY), "score", "cause") == {(5, ""): 1, (6, "lost"): 1}


def test_a_code_without_a_label_among_labels_that_are_other_numbers(tmp_path: Path) -> None:
    table = pd.DataFrame({"score": [0.0, 4.0], "months": [3.0, 4.0], "lost": [1.0, 0.0]})
    labels = {"score": {0: "1", 9: "10"}}
    pyreadstat.write_sav(table, str(tmp_path / "t.sav"), variable_value_labels=labels)
    assert "in row 2 (found 'no label: 4')" in refusal(tmp_path / "t.sav")
    pyreadstat.write_sav(table, str(tmp_path / "t.sav"), variable_value_labels={"score": {0: "0", 10: "10"}})
    assert count(tmp_path / "t.sav", STAY, score={"scale": "0-10"}).cells["score"].tolist() == [0, 4]


def test_without_pyreadstat_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.sav").write_bytes(b"$FL2")
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    assert refusal(tmp_path / "t.sav") == (
        "t.sav: SPSS, Stata and SAS files need pyreadstat. Install it (pip install 'cxlink[spss]'), or save the table "
        "as CSV or Parquet."
    )


def test_lazy_frames_and_relations() -> None:
    expected = count(TABLE, STAY, SPEND, ADJUST).profile.fingerprint
    lazy = pl.from_pandas(TABLE).lazy().with_columns(unused=pl.lit(1))
    assert count(lazy, STAY, SPEND, ADJUST).profile.fingerprint == expected
    with duckdb.connect() as con:
        relation = con.from_df(TABLE)
        assert count(relation, STAY, SPEND, ADJUST).profile.fingerprint == expected
        assert "Did you mean 'months'?" in refusal(
            relation, subscription={"duration": "month", "event": "lost"}
        )
    assert "no column 'scor'" in refusal(lazy, score={"column": "scor"})

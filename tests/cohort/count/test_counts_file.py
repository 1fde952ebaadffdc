"""Counts on disk and counts of two cohorts: what is saved is what is read, and only like is added to like."""

# ruff: noqa: E501 (messages are written out whole)

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tabled import STAY, cells, count, spec, stay

from cxlink.cohort.count.counts import Counts, add, load_counts, save_counts, suppress
from cxlink.cohort.count.resolution import as_written
from cxlink.cohort.count.spells import person_periods, spells_of
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort

SECTIONS: tuple[dict[str, Any], ...] = (
    STAY,
    {"spend": {"column": "spent", "complete": True}},
    {"adjust": {"columns": ["plan"], "bands": {"z": [30], "a": [1.5]}}},
    {"score": {"worst": [1, 2]}, "analysis": {"contrasts": ["10:1-3"]}},
)


def _counts() -> Counts:
    table = stay(
        [5, 5, None, 7, 11 - 1],
        [3, 3, 1, 0, 2],
        [1, 1, 0, 0, 1],
        plan=["a", "a", None, "Zoë", "b"],
        spent=[1.25, 2.5, 0, 0.1, 1e6],
        z=[1, 1, None, 40, 40],
        a=[1, 1, 2, 3, 4],
    )
    return count(table, *SECTIONS)


def test_what_is_saved_is_what_is_read(tmp_path: Path) -> None:
    counts = _counts()
    save_counts(counts, tmp_path / "counts.parquet")
    again = load_counts(tmp_path / "counts.parquet")
    pd.testing.assert_frame_equal(again.cells, counts.cells)
    assert again.spec == counts.spec
    assert again.spec.stratum_variables == counts.spec.stratum_variables == ("plan", "z", "a")
    assert again.profile == counts.profile
    assert counts.profile.notes
    assert again.suppressed == 0
    assert person_periods(spells_of(again)).lost.tolist() == person_periods(spells_of(counts)).lost.tolist()
    others = replace(counts, profile=replace(counts.profile, fingerprint="others"))
    assert int(add(again, others).cells["n"].sum()) == 10
    for twice in (counts, add(counts, others)):
        with pytest.raises(InputError, match=r"the same customers as .*\. Add each cohort once"):
            add(again, twice)


def test_whole_numbers_are_customers_however_they_are_stored() -> None:
    counts = _counts()
    as_float = replace(counts, cells=counts.cells.assign(n=counts.cells["n"].astype(float)))
    assert spells_of(as_float).n.dtype == spells_of(counts).n.dtype == np.int64
    assert spells_of(as_float).n.tolist() == spells_of(counts).n.tolist()
    half = replace(counts, cells=counts.cells.assign(n=counts.cells["n"] / 2))
    assert spells_of(half).n.sum() == spells_of(counts).n.sum() / 2


def test_a_mapping_is_a_spec() -> None:
    rows = pd.DataFrame({"score": [2, 9, 10], "months": [3, 12, 5], "left": [1, 0, 1]})
    tables = {
        "score": {"column": "score", "scale": "1-10"}, "subscription": {"duration": "months", "event": "left"}
    }  # fmt: skip
    assert read_cohort(rows, tables).spec == make_spec(tables)
    with pytest.raises(InputError, match="scale"):
        read_cohort(rows, {**tables, "score": {"column": "score"}})


def test_the_same_counts_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_counts(_counts(), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_columns_of_the_contract(tmp_path: Path) -> None:
    save_counts(_counts(), tmp_path / "counts.parquet")
    table = pq.read_table(tmp_path / "counts.parquet")
    assert table.column_names == [
        "score", "stratum.plan", "stratum.z", "stratum.a", "entry", "exit", "cause", "wave", "n",
        "spend_n", "spend_zero", "spend_sum", "spend_sum_sq", "spend_sum_log", "spend_sum_log_sq", "spend_sum_y_log",
    ]  # fmt: skip
    assert table["score"].null_count == 1
    assert all(
        pa.types.is_integer(table.schema.field(name).type)
        for name in ("score", "entry", "exit", "n", "spend_n")
    )


def test_a_folder_that_looks_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "wave=2026Q1"
    folder.mkdir()
    save_counts(_counts(), folder / "counts.parquet")
    assert list(load_counts(folder / "counts.parquet").cells) == list(_counts().cells)


def test_what_is_no_counts_file_is_refused(tmp_path: Path) -> None:
    save_counts(_counts(), tmp_path / "good.parquet")
    table = pq.read_table(tmp_path / "good.parquet")
    about = json.loads(table.schema.metadata[b"cxlink"])
    rests: dict[str, Any] = {
        "format 6; this version reads 1 to 5. Fit the cohort again": {**about, "format": 6},
        "not a counts file": {"format": 1},
        "not a counts file.": [1],
        "[score] is missing": {**about, "spec": {}},
        "not a counts file. ": {**about, "profile": {"table": "t"}},
    }
    for message, rest in rests.items():
        path = tmp_path / "counts.parquet"
        pq.write_table(table.replace_schema_metadata({"cxlink": json.dumps(rest)}), path)
        with pytest.raises(InputError) as refused:
            load_counts(path)
        assert str(refused.value).startswith(f"counts.parquet: {message.strip(' .')}")
    (tmp_path / "text.parquet").write_text("not Parquet")
    stay([5], [3], [1]).to_parquet(tmp_path / "other.parquet")
    for name in ("text.parquet", "other.parquet", "."):
        with pytest.raises(InputError, match=r"not a counts file\. `cxlink fit` writes one"):
            load_counts(tmp_path / name)
    with pytest.raises(InputError, match=r"absent\.parquet: no such file"):
        load_counts(tmp_path / "absent.parquet")


def test_counts_of_the_first_format_mean_the_same(tmp_path: Path) -> None:
    path = tmp_path / "counts.parquet"
    save_counts(_counts(), path)
    table = pq.read_table(path)
    about = json.loads(table.schema.metadata[b"cxlink"])
    assert about["format"] == 5
    written = as_written(_counts())
    older = {**about, "format": 1, "spec": written.model_dump(mode="json", exclude_none=True)}
    del older["resolved"]
    pq.write_table(table.replace_schema_metadata({"cxlink": json.dumps(older)}), path)
    found = load_counts(path)
    assert found.cells.equals(_counts().cells)
    assert (found.spec.worst, found.spec.best, found.spec.horizon) == (
        written.worst,
        written.best,
        written.horizon,
    )
    assert found.resolved == ()


def test_small_cells_are_left_out_and_counted() -> None:
    counts = _counts()
    kept = suppress(counts, 2)
    assert cells(kept) == {(5, 0, 3, "lost"): 2}
    assert kept.suppressed == 3
    assert suppress(counts, 0).cells.equals(counts.cells)
    with pytest.raises(InputError, match="small cells were left out"):
        add(counts, kept)


def test_sums_over_few_windows_are_left_out_of_large_cells() -> None:
    table = stay([5] * 4, [3] * 4, [1] * 4, spent=[1.0, 2, 3, None], over=[1, 1, 0, 0])
    counts = count(table, STAY, spend={"column": "spent", "complete": "over"})
    assert suppress(counts, 2).cells[["n", "spend_n", "spend_sum"]].to_numpy().tolist() == [[4, 2, 3]]
    kept = suppress(counts, 3).cells
    assert kept["n"].tolist() == [4]
    assert (kept[[name for name in kept if name.startswith("spend")]] == 0).all().all()


def test_a_suppressed_run_says_so_when_read_back(tmp_path: Path) -> None:
    save_counts(suppress(_counts(), 2), tmp_path / "counts.parquet")
    assert load_counts(tmp_path / "counts.parquet").suppressed == 3


MISMATCHES = [
    ({"score": {"scale": "0-10"}}, "[score] scale differs (1-10, higher is better and 0-10, higher is better)"),
    ({"score": {"higher_is_better": False}}, "[score] scale differs (1-10, higher is better and 1-10, lower is better)"),
    ({"subscription": {"unit": "week"}}, "[subscription] unit differs (month and week)"),
    ({"subscription": {"window": 3}}, "[subscription] clock differs (survey and signup)"),
    ({"adjust": {"columns": ["plan"]}}, "[adjust] columns differs (none and plan)"),
    ({"adjust": {"bands": {"age": [30]}}}, "[adjust] columns differs (none and age)"),
    ({"spend": {"column": "spent", "complete": True}}, "[spend] window and currency differs (none and 12 months in EUR)"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), MISMATCHES)
def test_counts_that_mean_different_things_do_not_add_up(change: dict[str, Any], message: str) -> None:
    table = pd.DataFrame(
        {"score": [5], "months": [3], "lost": [1], "plan": ["a"], "age": [40], "spent": [1.0]}
    )
    one, other = read_cohort(table, spec(STAY)).count(), read_cohort(table, spec(STAY, change)).count()
    with pytest.raises(InputError) as refused:
        add(one, other)
    assert (
        str(refused.value) == f"these counts: not of the same kind: {message}. Fit both cohorts by one spec."
    )


def test_bands_that_differ_do_not_add_up() -> None:
    table = pd.DataFrame({"score": [5], "months": [3], "lost": [1], "age": [40]})
    one, other = (
        read_cohort(table, spec(STAY, adjust={"bands": {"age": cuts}})).count() for cuts in ([30], [30, 50])
    )
    with pytest.raises(InputError, match=r"bands differs \(age at 30 and age at 30, 50\)"):
        add(one, other)

"""The first table of the benchmarks: commands beside the script, by processor seconds."""

import datetime
import tomllib
from pathlib import Path

import duckdb
import pytest

from benchmarks import users
from benchmarks.after import analysis_and_report
from benchmarks.further_counting import COUNTED, at_path, further_table, make_surveys
from benchmarks.measure import Measured
from benchmarks.report import user_table, write
from benchmarks.results import (
    AFTER,
    ANALYSIS,
    BARE,
    COUNTING,
    FEWER,
    FURTHER,
    OURS,
    SCRIPT,
    USER,
    WITH_IDS,
    Row,
    kept,
    row,
)
from cxlink import analysis
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort


def test_times_are_processor_seconds_over_the_scripts() -> None:
    rows = [
        row(f"{USER}t.csv", 2000, "cxlink fit --quick", Measured([9.0], [3.0], peak_mb=100.0)),
        row(f"{USER}t.csv", 2000, SCRIPT, Measured([1.0], [6.0], peak_mb=200.0)),
        row(f"{USER}big", 1_000_000, "cxlink fit", Measured([5.0, 8.0, 6.0], [4.0, 9.0, 5.0])),
    ]
    lines = [line for line in user_table(rows).split("\n") if line.startswith(("| t.csv", "| big"))]
    assert lines == [
        "| t.csv | 2,000 | cxlink fit --quick | 3.00 | 9.00 | 0.50 | 100 |",
        f"| t.csv | 2,000 | {SCRIPT} | 6.00 | 1.00 |  | 200 |",
        "| big | 1,000,000 | cxlink fit | 5.00 | 6.00 |  |  |",
    ]
    assert user_table([]) == ""


def test_a_run_keeps_other_comparisons_and_counting_at_other_sizes() -> None:
    counting, ids = COUNTING[True], WITH_IDS
    before = [
        Row("peers", 5, "a"),
        Row(counting, 10, OURS, 1.0),
        Row(ids, 10, OURS, 1.0),
        Row(counting, 100, OURS, 2.0),
    ]
    now = [Row(counting, 10, OURS, 0.5), Row(FURTHER["scores"], 10, OURS, 3.0)]
    assert kept(now, before) == [before[0], now[0], before[2], before[3], now[1]]
    assert kept(now, []) == now
    assert kept([Row("peers", 6, "a")], before) == [*before[1:], Row("peers", 6, "a")]


def test_further_counts_stand_beside_their_bare_group_by() -> None:
    what = FURTHER["accounts"]
    rows = [
        row(what, 1_000_000, OURS, Measured([9.0], [3.0])), row(what, 1_000_000, BARE, Measured([9.0], [2.5])),
        row(what, 10_000_000, OURS, Measured([9.0], [40.0])), row(what, 10_000_000, BARE, Measured([9.0], [20.0])),
        row(what, 10_000_000, FEWER, Measured([9.0], [10.0])),
    ]  # fmt: skip
    lines = [line for line in further_table(rows).split("\n") if what in line]
    assert lines == [
        f"| 1,000,000 | {what} | 3.00 | 2.50 | 1.20 | met |  |  |",
        f"| 10,000,000 | {what} | 40.00 | 20.00 | 2.00 | **missed** | 10.00 | 4.00 |",
    ]
    assert further_table([]) == ""


def test_what_follows_counting_is_held_against_ten_seconds_of_processor(tmp_path: Path) -> None:
    analysed, written = AFTER["surveys"]
    seconds = {"accounts": (4.0, 5.9), "surveys": (4.0, 6.1)}
    rows = [row(ANALYSIS, 1_000_000, OURS, Measured([2.0], [2.0], note="9 cells"))]
    rows += [
        row(name, 1_000_000, OURS, Measured([1.0], [cpu], note="7 cells"))
        for what, cpus in seconds.items() for name, cpu in zip(AFTER[what], cpus, strict=True)
    ]  # fmt: skip
    write(rows, tmp_path / "README.md", datetime.date(2026, 12, 1), 60.0)
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "1 million rows, customers in accounts: 9.9 s of processor. Target 10 s: met." in page
    assert "1 million rows, every survey of a customer: 10.1 s of processor. Target 10 s: **missed**." in page
    assert "1 million rows, three scores" not in page
    assert f"| 1,000,000 | {analysed} | 1.00 | 4.00 | 7 cells |" in page
    assert f"| 1,000,000 | {written} | 1.00 | 6.10 | 7 cells |" in page


@pytest.mark.long
@pytest.mark.parametrize("what", AFTER)
def test_the_counts_of_each_table_are_analysed_and_written_each_time(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, repeats = [], 2 if what == "scores" else 1
    analysed = analysis._analysed
    monkeypatch.setattr(analysis, "_analysed", lambda *given: made.append(1) or analysed(*given))
    found = analysis_and_report(str(make_surveys(tmp_path, 4000)), repeats, what)
    assert [len(one.cpu_seconds) for one in found.values()] == [len(made)] * 2 == [repeats] * 2
    assert all(one.note.endswith(" cells") for one in found.values())


@pytest.mark.parametrize(
    ("what", "keys"),
    [("accounts", ["bucket", "stratum.plan"]), ("surveys", ["bucket", "wave"]), ("scores", ["stratum.plan"])],
)
def test_further_counts_are_those_of_their_bare_group_by(what: str, keys: list[str], tmp_path: Path) -> None:
    path = str(make_surveys(tmp_path, 4000))
    counts = read_cohort(path, make_spec(tomllib.loads(COUNTED[what].spec))).count()
    engine = duckdb.connect()
    for query in COUNTED[what].bare:
        found = engine.execute(at_path(query, path)).df()
    cells = counts.cells
    if "wave" in found:
        quarter = found["wave"] - 1
        found["wave"] = (quarter // 4).astype(str) + "Q" + (quarter % 4 + 1).astype(str)
        assert found["share"].sum() / 720_720 == pytest.approx(cells["per_customer"].sum(), rel=1e-12)
    named = {"quarters": "exit", "plan": "stratum.plan"}
    by = ["score", "exit", *keys]
    ours, theirs = (
        table.dropna(subset="score").groupby(by)["n"].sum() for table in (cells, found.rename(columns=named))
    )
    assert ours.to_dict() == theirs.to_dict()
    if what == "scores":
        assert counts.drivers is not None
        assert int(counts.drivers.cells["n"].sum()) == int(ours.sum())
    else:
        fewer = engine.execute(at_path(COUNTED[what].fewer, path)).df()
        assert int(fewer.dropna(subset="score").iloc[:, -1].sum()) == int(ours.sum())


def test_an_absent_table_is_left_out_with_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(users, "SHARED", tmp_path)
    monkeypatch.setattr(users, "make_table", lambda folder, size: folder / f"{size}.parquet")
    assert [one.size for one in users.tables(tmp_path)] == [20_000, 1_000_000]
    said = capsys.readouterr().err
    assert "saas_churn.csv: not beside the project, left out" in said
    assert "telco.csv: not beside the project, left out" in said

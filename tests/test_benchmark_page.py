"""The first table of the benchmarks: commands beside the script, by processor seconds."""

from pathlib import Path

import pytest

from benchmarks import users
from benchmarks.measure import Measured
from benchmarks.report import user_table
from benchmarks.results import SCRIPT, USER, row


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


def test_an_absent_table_is_left_out_with_a_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(users, "SHARED", tmp_path)
    monkeypatch.setattr(users, "make_table", lambda folder, size: folder / f"{size}.parquet")
    assert [one.size for one in users.tables(tmp_path)] == [20_000, 1_000_000]
    said = capsys.readouterr().err
    assert "saas_churn.csv: not beside the project, left out" in said
    assert "telco.csv: not beside the project, left out" in said

"""Run folders appear whole or not at all."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from subscribers import cohort_of_subscribers, subscribers

import cxlink
from cxlink.cohort.errors import InputError
from cxlink.runs import new_folder, refuse_existing
from cxlink.study.simulated_files import write_simulated

WHOLE = {
    "run.json",
    "counts.parquet",
    "coefficients.csv",
    "estimates.csv",
    "diagnostics.csv",
    "figures",
    "report.html",
    "report.pdf",
}


def _is_whole(folder: Path) -> bool:
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    hashes = {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file()
    }
    hashes.pop("run.json")
    return record["files"] == hashes and {p.name for p in folder.iterdir()} == WHOLE


def test_a_folder_takes_its_name_when_it_is_full(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "run"
    with new_folder(out) as folder:
        (folder / "run.json").write_text("{}")
        assert not out.exists()
    assert [p.name for p in out.iterdir()] == ["run.json"]
    assert [p.name for p in out.parent.iterdir()] == ["run"]


def test_after_an_error_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), new_folder(tmp_path / "run") as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_overwrite_keeps_the_old_one_when_the_new_one_fails(tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "run.json").write_text("old")
    with pytest.raises(RuntimeError), new_folder(out, overwrite=True) as folder:
        (folder / "run.json").write_text("new")
        raise RuntimeError
    assert (out / "run.json").read_text() == "old"
    with new_folder(out, overwrite=True) as folder:
        (folder / "run.json").write_text("new")
    assert (out / "run.json").read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file, not a folder"):
        refuse_existing(tmp_path / "file" / "run", overwrite=False)
    with pytest.raises(InputError, match="exists already"):
        refuse_existing(tmp_path / "file", overwrite=False)
    with pytest.raises(InputError, match="not a run folder"):
        refuse_existing(tmp_path / "file", overwrite=True)


def test_what_a_killed_program_moved_aside_comes_back(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    aside = tmp_path / f".run.{dead.pid}.old"
    aside.mkdir()
    (aside / "run.json").write_text("old")
    (tmp_path / f".run.{dead.pid}.partial").mkdir()
    mine = tmp_path / f".run.{os.getppid()}.partial"
    mine.mkdir()
    with pytest.raises(InputError, match="exists already"):
        refuse_existing(tmp_path / "run", overwrite=False)
    assert (tmp_path / "run" / "run.json").read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["run", mine.name])


@pytest.mark.slow
def test_killed_at_random_moments_no_half_folder_is_left(tmp_path: Path) -> None:
    write_simulated("subscription", 2000, 1, tmp_path / "cohort.parquet")
    command = [
        sys.executable, "-c", "from cxlink.cli.commands import main; main()", "fit", "cohort.parquet", "--spec",
        "cohort.parquet.toml", "--draws", "100", "--out", "run", "--overwrite",
    ]  # fmt: skip
    started = time.monotonic()
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    whole = time.monotonic() - started
    moments = random.Random(20140801)
    for _ in range(20):
        program = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(moments.uniform(0, 1.1 * whole))
        program.send_signal(signal.SIGKILL)
        program.wait()
        assert not (tmp_path / "run").exists() or _is_whole(tmp_path / "run")
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert _is_whole(tmp_path / "run")
    assert {p.name for p in tmp_path.iterdir()} == {
        "run",
        "cohort.parquet",
        "cohort.parquet.toml",
        "cohort.parquet.truth.csv",
    }


TABLES = (
    "headline", "hazard_ratios", "coefficients", "spend_models", "families", "metrics", "priors", "checks",
)  # fmt: skip


@pytest.mark.long
@pytest.mark.usefixtures("few_families", "empty_pictures")
def test_a_run_comes_back_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = subscribers(300)
    analysis = cxlink.analyse(
        cohort_of_subscribers(frame, adjust={"columns": ("plan",)}, analysis={"horizon": 6, "draws": 100}),
        models="all",
    )
    analysis.write(tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr("cxlink.verbs.analyse", None)
        again = cxlink.load_run(tmp_path / "run")  # fits nothing
        for name in TABLES:
            pd.testing.assert_frame_equal(getattr(again, name)(), getattr(analysis, name)(), rtol=1e-9)
        pd.testing.assert_frame_equal(again.estimates, analysis.estimates, rtol=1e-9)
    for name in ("at_risk", "projected", "backtested"):
        pd.testing.assert_frame_equal(
            getattr(again.results, name), getattr(analysis.results, name), rtol=1e-9
        )
    assert again.pick("retention", group="best", horizon=6)["estimate"].item() > 0


@pytest.mark.long
@pytest.mark.usefixtures("empty_pictures")
def test_a_run_of_another_version_says_so_and_a_suppressed_one_is_refused(tmp_path: Path) -> None:
    spend = {"column": "spend", "complete": True}
    for smallest in (0, 10):
        only_spend = cxlink.make_spec({
            "score": {"column": "score", "scale": "1-5"}, "spend": spend, "analysis": {"draws": 100},
            "publish": {"smallest_cell": smallest}, "report": {"formats": ("html",)}, "adjust": {"columns": ("calls",)},
        })  # fmt: skip
        cxlink.analyse(cxlink.read_cohort(subscribers(200), only_spend)).write(tmp_path / f"run{smallest}")
    record = tmp_path / "run0" / "run.json"
    record.write_text(record.read_text().replace(f'"version": "{cxlink.__version__}"', '"version": "0.0.1"'))
    with pytest.warns(UserWarning, match="was written by cxlink 0.0.1"):
        assert len(cxlink.load_run(tmp_path / "run0").estimates)
    with pytest.raises(InputError, match="small cells were left out"):
        cxlink.load_run(tmp_path / "run10")

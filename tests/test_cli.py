"""The command line: statuses, one line for what is wrong, and nothing written then."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from pypdf import PdfReader

from cxlink.cli.commands import run
from cxlink.study.simulated_files import write_simulated

SPENT = ["--score", "score", "--scale", "1-10", "--spend", "months", "--complete", "true", "--draws", "100"]
_MORE = ["--adjust", "plan", "--id", "customer", "--name", "my cohort"]
pytestmark = pytest.mark.usefixtures("few_families")
STAY = ["--score", "score", "--scale", "1-10", "--duration", "months", "--event", "lost", "--draws", "100"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return _table_in(tmp_path)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table and its run folder: fitted once for all that only look."""
    folder = tmp_path_factory.mktemp("fitted")
    arguments = [str(_table_in(folder)), *STAY, *_MORE, f"--out={folder}/run"]
    assert run(["fit", *arguments]) == 0
    return folder


def _table_in(folder: Path) -> Path:
    path = folder / "churn.csv"
    frame = pd.DataFrame(
        {
            "customer": range(400),
            "score": [1 + i % 10 for i in range(400)],
            "months": [1 + (i * 7) % 24 for i in range(400)],
            "lost": [(i // 3) % 2 for i in range(400)],
            "plan": ['#panic("x")' if (i // 10) % 2 else "$a_b" for i in range(400)],
        }
    )
    frame.to_csv(path, index=False)
    return path


def _refused(arguments: list[str], capsys: pytest.CaptureFixture[str], folder: Path) -> str:
    before = sorted(folder.rglob("*"))
    assert run(arguments) == 2
    said = capsys.readouterr()
    assert said.err.startswith("cxlink: ")
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err
    assert sorted(folder.rglob("*")) == before
    return said.err


def test_fit_writes_a_whole_run_folder(fitted: Path) -> None:
    assert {p.name for p in (fitted / "run").iterdir()} == {
        "run.json", "counts.parquet", "estimates.csv", "coefficients.csv", "diagnostics.csv", "figures",
        "report.html", "report.pdf",
    }  # fmt: skip
    assert not list(fitted.glob(".run*"))


@pytest.mark.long
def test_the_same_command_gives_the_same_bytes(
    table: Path, tmp_path: Path, fitted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fit", str(table), *STAY, *_MORE, f"--out={tmp_path}/again"]) == 0
    for name in (
        "estimates.csv",
        "coefficients.csv",
        "diagnostics.csv",
        "counts.parquet",
        "report.html",
        "report.pdf",
    ):
        assert (fitted / "run" / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name
    said = capsys.readouterr()
    assert "Retention after 12 months" not in said.err
    assert "Retention after 12 months" in said.out


@pytest.mark.long
def test_the_report_says_how_to_run_it_again(fitted: Path) -> None:
    text = " ".join(page.extract_text() for page in PdfReader(fitted / "run/report.pdf").pages)
    again = (
        "cxlink fit churn.csv --score score --scale 1-10 --duration months --event lost --draws 100 --adjust plan "
        "--id customer --name 'my"
    )
    assert again in " ".join(text.replace("\\", " ").split())
    assert str(fitted) not in text


@pytest.mark.long
@pytest.mark.usefixtures("empty_pictures")
def test_another_seed_gives_other_draws(table: Path, tmp_path: Path) -> None:
    for name, seed in (("a", "1"), ("b", "2")):
        drawn = ["--seed", seed, "--formats", "html", "--out", str(tmp_path / name)]
        assert run(["fit", str(table), *SPENT, *drawn]) == 0
    assert (tmp_path / "a/estimates.csv").read_bytes() != (tmp_path / "b/estimates.csv").read_bytes()


@pytest.mark.usefixtures("empty_pictures")
def test_an_existing_folder_is_refused_and_overwrite_replaces_a_run_only(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    assert "exists already" in _refused(["fit", str(table), *STAY, "--out", str(out)], capsys, tmp_path)
    said = _refused(["fit", str(table), *STAY, "--out", str(out), "--overwrite"], capsys, tmp_path)
    assert "not a run folder" in said
    assert (out / "thesis.tex").read_text() == "years of work"
    (out / "thesis.tex").rename(out / "run.json")
    assert run(["fit", str(table), *SPENT, "--out", str(out), "--overwrite"]) == 0
    assert (out / "report.pdf").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fit", "absent.csv", *STAY], "absent.csv: no such file"),
        (["frobnicate"], "No such command"),
        (["fit", "TABLE", "--frob"], "No such option"),
        (["fit", "TABLE", *STAY, "--window", "x"], "--window"),
        (["fit", "TABLE", *STAY, "--band", "tenure"], "tenure=3,12,24"),
        (["fit", "TABLE", *STAY, "--tenure-horizons", "a"], "36,60,120"),
        (["fit", "TABLE", "--spec", "absent.toml"], "no such spec"),
        (["fit", "TABLE"], "`cxlink init"),
        (["fit", "TABLE", *STAY, "--score", "scor"], "Did you mean 'score'?"),
        (["fit", "TABLE", *STAY, "--scale", "1-5"], "200 of 400 rows fail, the first in row 6 (found 6)"),
        (["fit", "TABLE", *STAY, "--event", "months"], "months must be 1 or 0"),
        (["fit", "TABLE", *STAY, "--adjust", "customer"], "Cut it into bands"),
        (["simulate", "lottery", "-n", "10", "--out", "x.csv"], "lottery"),
        (["simulate", "subscription", "-n", "0", "--out", "x.csv"], "0 customers"),
        (["simulate", "subscription", "-n", "10", "--out", "x.txt"], ".parquet or .csv"),
        (["init", "absent.csv"], "no such file"),
        (["check", "TABLE", *STAY, "--worst", "9-11"], "leaves the scale"),
    ],
    ids=lambda value: " ".join(value[:3])[:40] if isinstance(value, list) else None,
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(
    arguments: list[str],
    words: str,
    table: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert words in _refused([str(table) if a == "TABLE" else a for a in arguments], capsys, tmp_path)


@pytest.mark.long
def test_a_disk_that_is_full_late_in_the_work_is_named_and_leaves_nothing(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cxlink.report.report_files.write_document", full_disk)
    out = tmp_path / "run"
    assert run(["fit", str(table), *SPENT, "--out", str(out)]) == 2
    assert capsys.readouterr().err == f"cxlink: {out}: cannot be written (No space left on device).\n"
    assert [p.name for p in tmp_path.iterdir()] == ["churn.csv"]


@pytest.mark.long
def test_interrupted_leaves_nothing_and_status_130(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cxlink.report.report_files.write_document", interrupt)
    assert run(["fit", str(table), *SPENT, "--out", str(tmp_path / "run")]) == 130
    assert capsys.readouterr().err == "cxlink: interrupted.\n"
    assert [p.name for p in tmp_path.iterdir()] == ["churn.csv"]


@pytest.mark.long
@pytest.mark.usefixtures("empty_pictures")
def test_init_check_and_fit_go_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_simulated("subscription", 3000, 1, tmp_path / "cohort.parquet")
    assert run(["init", "cohort.parquet", "--out", "starter.toml"]) == 0
    assert run(["check", "cohort.parquet", "--spec", "starter.toml", "--adjust", "need"]) == 0
    said = capsys.readouterr().out
    assert "3 000 rows read, 3 000 used" in said
    assert "retention at 12 months" in said
    assert run(["fit", "cohort.parquet", "--spec", "starter.toml", "--draws", "100", "--best", "10"]) == 0
    assert (tmp_path / "reports/cohort/report.pdf").is_file()


def test_check_shows_both_readings_of_a_duration(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", str(table), *STAY]) == 0
    said = capsys.readouterr().out
    assert 'counts = "periods" (the spec)' in said
    assert 'counts = "completed" (needs follow_up): ' in said


def test_help_comes_without_heavy_imports() -> None:
    code = (
        "import sys; from cxlink.cli.commands import run; run(['--help']); "
        "print(sorted({'numpy', 'pandas', 'ibis', 'matplotlib', 'pydantic'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_flag_wins_over_the_file(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text(
        '[score]\ncolumn = "score"\nscale = "1-10"\n'
        '[subscription]\nduration = "months"\nevent = "lost"\nunit = "week"\n'
    )
    assert run(["check", str(table), "--spec", str(spec), "--unit", "month", "--horizon", "6"]) == 0
    assert "retention at 6 months" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            ["--sampler", "pymc"],
            "--sampler pymc: nothing is sampled without the Bayesian models. Add --bayes.",
        ),
        (["--bayes", "--sampler", "stan"], "--sampler stan: no such sampler. Choose nutpie or pymc."),
    ],
)
def test_a_sampler_that_cannot_be_used_is_refused_at_once(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    said = _refused(["fit", str(table), *STAY, *more, "--out", str(tmp_path / "run")], capsys, tmp_path)
    assert said == f"cxlink: {words}\n"


@pytest.mark.parametrize("models", [["--bayes"], []])
def test_a_run_that_cannot_be_pooled_is_refused_before_any_fit(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], models: list[str]
) -> None:
    out = [*models, "--pool", str(tmp_path / "old"), "--out", str(tmp_path / "run")]
    said = _refused(["fit", str(table), *STAY, *out], capsys, tmp_path)
    assert "old: not a run folder (no run.json that can be read). `cxlink fit` writes one." in said


@pytest.mark.long
def test_interrupted_sampling_leaves_no_run_folder(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = importlib.import_module("nutpie.sample")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    # the sampler has started; its user stops waiting
    monkeypatch.setattr(inside._BackgroundSampler, "wait", interrupted)
    assert run(["fit", str(table), *SPENT, "--bayes", "--out", str(tmp_path / "run")]) == 130
    assert capsys.readouterr().err == "cxlink: interrupted.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["churn.csv"]

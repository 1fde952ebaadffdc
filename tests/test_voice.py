"""How loud commands are: the bar's fraction, log lines, silence, and results as JSON."""

import io
import json
import logging
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlink.cli.commands import run
from cxlink.cli.voice import Voice, plain, showing
from cxlink.cohort.errors import InputError
from cxlink.report.words import say
from cxlink.stages import Stage, announce, silent

SPENT = [
    "--score",
    "score",
    "--scale",
    "1-5",
    "--spend",
    "spend",
    "--complete",
    "true",
    "--draws",
    "100",
    "--quick",
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("voice") / "spent.csv"
    rows = {
        "score": [1 + k % 5 for k in range(200)],
        "spend": [10.0 * (1 + k % 5) + k % 7 for k in range(200)],
    }
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_a_terminal_sees_the_fraction_and_a_file_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "100")
    for stream, voice in ((Screen(), Voice()), (io.StringIO(), Voice()), (Screen(), Voice(quiet=True))):
        monkeypatch.setattr("sys.stderr", stream)
        with showing(voice, ("counting", "headline", "writing")) as progress:
            announce(progress, "headline")
        shown = isinstance(stream, Screen) and not voice.quiet
        assert (say("progress.headline") in stream.getvalue()) is shown
        assert ("33%" in stream.getvalue()) is shown  # 2 of 6 seconds


def test_stages_are_logged_under_the_package(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="cxlink"):
        announce(silent, "sampling_spend", share=0.5)
    (record,) = caplog.records
    assert (record.name, record.getMessage()) == ("cxlink", "sampling_spend")
    assert record.stage == Stage("sampling_spend", {"share": 0.5})


def test_numbers_become_what_json_has() -> None:
    odd = {
        "a": math.nan,
        "b": math.inf,
        "c": np.int64(3),
        "d": pd.NA,
        "e": (True, "x", np.float64(0.5)),
        "f": -math.inf,
    }
    assert plain(odd) == {"a": None, "b": "inf", "c": 3, "d": None, "e": [True, "x", 0.5], "f": "-inf"}


def test_json_has_the_headline_and_nothing_else_is_printed(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fit", str(table), *SPENT, "--json", f"--out={tmp_path}/run"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert (found["models"], found["folder"]) == ("quick", f"{tmp_path}/run")
    written = pd.read_csv(tmp_path / "run" / "estimates.csv")
    headline = written[written["headline"]]
    np.testing.assert_allclose(
        [row["estimate"] for row in found["estimates"]], headline["estimate"], rtol=1e-9
    )
    assert all(Path(path).is_file() for path in found["reports"])
    assert "--json" not in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_quiet_says_nothing_and_verbose_each_stage(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["fit", str(table), *SPENT, "--quiet", f"--out={tmp_path}/one"]) == 0
    assert capsys.readouterr() == ("", "")
    assert run(["fit", str(table), *SPENT, "--verbose", "--seed", "2", f"--out={tmp_path}/two"]) == 0
    said = capsys.readouterr()
    lines = said.err.strip().split("\n")
    assert [line.split(" ", 1)[1] for line in lines] == [
        say(f"progress.{code}") for code in ("counting", "headline", "writing")
    ]
    assert "report.pdf" in said.out
    assert not logging.getLogger("cxlink").handlers


def test_quiet_contradicts_verbose_and_json(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match="--quiet says nothing"):
        Voice(quiet=True, as_json=True)
    assert run(["fit", str(table), *SPENT, "--quiet", "--json", f"--out={tmp_path}/run"]) == 2
    assert "--quiet says nothing" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()

"""How loud commands are: the bar's fraction, log lines, silence, and results as JSON."""

import io
import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

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


class _Clock:
    """Time that passes only when it is told to, and timers of it."""

    def __init__(self) -> None:
        self.now, self.waiting = 0.0, list[tuple[float, Callable[[], None]]]()

    def monotonic(self) -> float:
        return self.now

    def strftime(self, _: str) -> str:
        return f"00:00:{self.now:02.0f}"

    def timer(
        self, seconds: float, function: Callable[..., None], args: Sequence[str] = ()
    ) -> SimpleNamespace:
        due = (self.now + seconds, lambda: function(*args))
        start = lambda: self.waiting.append(due)  # noqa: E731
        cancel = lambda: due in self.waiting and self.waiting.remove(due)  # noqa: E731
        return SimpleNamespace(start=start, cancel=cancel)

    def passes(self, seconds: float) -> None:
        end = self.now + seconds
        for at, function in sorted(one for one in self.waiting if one[0] <= end):
            self.now = at
            function()
        self.waiting = [one for one in self.waiting if one[0] > end]
        self.now = end


def _told(monkeypatch: pytest.MonkeyPatch, voice: Voice, *stages: tuple[str, float]) -> list[str]:
    """Lines on standard error, which is no terminal, of stages that each take so many seconds."""
    stream, clock = io.StringIO(), _Clock()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setattr("cxlink.cli.voice._SECONDS_APART", 5.0)
    monkeypatch.setattr("cxlink.cli.voice.time", clock)
    monkeypatch.setattr("cxlink.cli.voice.Timer", clock.timer)
    with showing(voice) as progress:
        for code, took in stages:
            announce(progress, code)
            clock.passes(took)
    clock.passes(60)
    return stream.getvalue().splitlines()


def test_a_stage_that_takes_long_has_one_line_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stages = (("counting", 2.0), ("headline", 10.0), ("headline", 10.0), ("tenure", 3.0), ("writing", 4.0))
    lines = _told(monkeypatch, Voice(), *stages)
    codes = {"05": "headline", "22": "tenure", "27": "writing"}  # the second, and what began at 2, 22 and 25
    assert lines == [f"00:00:{at} {say(f'progress.{code}')}" for at, code in codes.items()]
    assert _told(monkeypatch, Voice(as_json=True), *stages) == lines


def test_a_short_run_and_a_quiet_one_have_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _told(monkeypatch, Voice(), ("counting", 2.0), ("headline", 2.9)) == []
    assert _told(monkeypatch, Voice(quiet=True), ("counting", 20.0), ("headline", 20.0)) == []


def test_work_goes_on_where_nobody_reads_its_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    closed.isatty = lambda: False  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stderr", closed)
    monkeypatch.setattr("cxlink.cli.voice._SECONDS_APART", 0.0)
    with showing() as progress:
        announce(progress, "counting")
        time.sleep(0.2)


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

"""Commands ended at random moments: what they leave is seen, whoever clears it up."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from validation import kills
from validation.kills import Killed, page

LINES = {130: "cxlink: interrupted.\n", 143: "cxlink: ended by a signal.\n"}


def _dead() -> int:
    """Number of a process that is no more."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def _tidy(place: Path) -> None:
    """Leave everything as it was."""


def _half(place: Path) -> None:
    shutil.rmtree(place / "out", ignore_errors=True)
    (place / "out").mkdir()


def _lost(place: Path) -> None:
    shutil.rmtree(place / "out", ignore_errors=True)


def _hidden(place: Path) -> None:
    (place / f".out.{_dead()}.partial").mkdir()


def _aside(place: Path) -> None:
    if (place / "out").exists():
        (place / "out").rename(place / f".out.{_dead()}.old")


def _elsewhere(place: Path) -> None:
    (place / "tmp" / "forgotten").touch()


@pytest.mark.parametrize(
    ("left", "after_kill", "after_signal"),
    [
        (_tidy, "", ""),
        (_half, "half a folder", "half a folder"),
        (_lost, "the earlier run is lost; no run is there", "no run is there"),
        (_hidden, "", "left behind: .out."),
        (_aside, "", "left behind: .out."),
        (_elsewhere, "", "left behind: forgotten"),
    ],
)
def test_what_is_left_is_seen(
    left: Callable[[Path], None],
    after_kill: str,
    after_signal: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    earlier = tmp_path / "earlier" / "fit"
    earlier.mkdir(parents=True)
    (earlier / "run.json").write_text(json.dumps({"files": {}}))

    def run(_: object, place: Path, seconds: float, sent: str) -> tuple[int, str]:
        (place / "tmp").mkdir(exist_ok=True)
        left(place)
        status = kills.SIGNALS[sent][0]
        return status, LINES.get(status, "")

    monkeypatch.setattr(kills, "_run", run)
    random, seen = Random(1), set()
    for _ in range(12):
        one = kills.killed("fit", tmp_path, 1.0, random)
        wanted = after_kill if one.sent == "SIGKILL" else after_signal
        if one.replaced:
            assert one.fault.startswith(wanted)
            assert bool(one.fault) == bool(wanted)
            seen.add(one.sent)
    assert seen == set(kills.SIGNALS)


@pytest.mark.parametrize(
    ("sent", "status", "said", "ended", "fault"),
    [
        ("SIGINT", 130, LINES[130], "cleared up", False), ("SIGTERM", 143, LINES[143], "cleared up", False),
        ("SIGTERM", 130, LINES[130], "cleared up", True), ("SIGINT", 130, "", "cleared up", True),
        ("SIGINT", 1, "Traceback", "cleared up", True), ("SIGKILL", -9, "", "killed", False),
        ("SIGINT", -2, "KeyboardInterrupt", "starting", False), ("SIGINT", 0, "", "finished", False),
        ("SIGINT", -2, "cxlink/cli/commands.py KeyboardInterrupt", "cleared up", True),
        ("SIGTERM", 0, "words", "finished", True),
    ],
)  # fmt: skip
def test_status_and_line_are_judged(sent: str, status: int, said: str, ended: str, fault: bool) -> None:
    how, faults = kills._ended(sent, status, said)
    assert (how, bool(faults)) == (ended, fault)


def test_a_page_adds_what_was_seen_of_other_commands(tmp_path: Path) -> None:
    from validation.page import write_page

    one = Killed("fit", "SIGKILL", 0.5, True, "killed", ".out.1.partial", "")
    two = Killed("value", "SIGINT", 0.2, False, "cleared up", "", "half a folder")
    write_page(page([one, two], 1), tmp_path)
    assert kills._of_other_runs(tmp_path, ["value"]) == [one]
    text = (tmp_path / "kills.md").read_text(encoding="utf-8")
    assert "2 commands" in text
    assert "1 left half a folder" in text
    assert "| fit | SIGKILL | killed | 1 | 1 | 0 |" in text

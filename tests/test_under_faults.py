"""Faults from outside: a place that is full or taken, an output nobody reads, a signal, a table that changes."""

import errno
import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import pytest

from cxlink.cli import main, terminal
from cxlink.cli.commands import run
from cxlink.cohort import table as reading
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.runs import new_folder, read_run, refuse_existing

STAY = ["--score", "score", "--scale", "1-10", "--duration", "months", "--event", "lost"]


@pytest.fixture(autouse=True)
def _not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_ENDED", threading.Event())


@pytest.fixture
def churn(tmp_path: Path) -> Path:
    path = tmp_path / "churn.csv"
    rows = {"score": [1 + i % 10 for i in range(60)], "months": [1 + i % 9 for i in range(60)]}
    pd.DataFrame(rows | {"lost": [i % 2 for i in range(60)]}).to_csv(path, index=False)
    return path


@pytest.fixture(params=["full", "read-only"])
def no_room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A small file system that is full or may not be written, where one can be mounted."""
    place = tmp_path / "device"
    place.mkdir()
    how = "ro" if request.param == "read-only" else "size=64k"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", how, "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        if how != "ro":
            (place / "filler").write_bytes(b"x" * 60_000)
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=False, capture_output=True)


def _same_line(capsys: pytest.CaptureFixture[str], words: str) -> None:
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("cxlink: ")
    assert words in said


@pytest.mark.parametrize("arguments", [["--version"], [], ["fit", "--help"], ["check"]], ids=str)
def test_a_full_output_is_named(
    arguments: list[str], churn: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [*arguments, str(churn), *STAY] if arguments == ["check"] else arguments
    with Path("/dev/full").open("w") as full, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", full)
        assert run(arguments) == 2
    _same_line(capsys, "standard output: cannot be written (No space left on device).")


@pytest.mark.usefixtures("empty_pictures", "few_families")
def test_a_fit_whose_output_is_full_is_kept(
    churn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    with Path("/dev/full").open("w") as full, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", full)
        assert run(["fit", str(churn), *STAY, "--quick", "--draws", "100", "--out", str(out)]) == 2
    _same_line(capsys, "standard output: cannot be written (No space left on device).")
    assert read_run(out).profile.rows_read == 60
    assert sorted(path.name for path in tmp_path.iterdir()) == ["churn.csv", "run"]


def test_a_closed_output_is_named_and_a_reader_that_left_is_no_fault(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)
        assert run(["--version"]) == 2
    _same_line(capsys, "standard output: it is closed")
    closed = io.StringIO()
    closed.close()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", closed)
        assert run(["--version"]) == 2
    _same_line(capsys, "standard output: cannot be written")
    for typed in (["--version"], ["--help"], ["fit", "--help"], []):
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, "w") as left, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", left)
            assert run(typed) == 0
        assert capsys.readouterr().err == ""


def test_a_closed_error_stream_changes_no_status(churn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert run(["check", str(churn), *STAY]) == 0
    assert run(["check", "absent.csv", *STAY]) == 2


def test_a_full_or_locked_place_is_named_and_holds_nothing(
    no_room: Path, churn: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(no_room.rglob("*"))
    refused = pytest.raises(InputError, match=r"run: cannot be written \((No space left|Read-only)")
    with refused, new_folder(no_room / "deep" / "run") as folder:
        (folder / "estimates.csv").write_bytes(b"x" * 100_000)
    assert sorted(no_room.rglob("*")) == before
    assert run(["simulate", "subscription", "-n", "500", "--out", str(no_room / "c.csv")]) == 2
    _same_line(capsys, "c.csv: cannot be written")
    assert sorted(no_room.rglob("*")) == before
    if not os.access(no_room, os.W_OK):
        assert run(["init", str(churn), "--out", str(no_room / "spec.toml")]) == 2
        _same_line(capsys, "spec.toml: cannot be written")
    assert sorted(no_room.rglob("*")) == before


def test_an_error_that_is_not_of_the_place_stays_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="too many"), new_folder(tmp_path / "run"):
        raise OSError(errno.EMFILE, "too many")
    with pytest.raises(FileNotFoundError), new_folder(tmp_path / "run"):
        (tmp_path / "elsewhere").read_text()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_a_name_that_no_folder_can_have_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be"):
        refuse_existing(tmp_path / name, overwrite=False)


def test_a_folder_that_appears_meanwhile_is_left_and_the_run_kept_beside_it(tmp_path: Path) -> None:
    out = tmp_path / "run"
    for n in (2, 3):
        refused = pytest.raises(InputError, match=rf"something there meanwhile\. This run is .*run-{n}\.")
        with refused, new_folder(out) as folder:
            (folder / "run.json").write_text(f"mine {n}")
            out.mkdir(exist_ok=True)
            (out / "run.json").write_text("theirs")
        out.rename(tmp_path / f"theirs-{n}")
        assert (tmp_path / f"run-{n}" / "run.json").read_text() == f"mine {n}"
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_of_two_runs_that_replace_one_folder_both_are_whole(tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "run.json").write_text("old")
    with new_folder(out, overwrite=True) as first:
        (first / "run.json").write_text("first")
        other = first.with_name(".run.other")
        other.mkdir()
        (other / "run.json").write_text("second")
        (out / "run.json").unlink()
        out.rmdir()
        other.rename(out)
    assert (out / "run.json").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_the_old_run_comes_back_where_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / "run.json").write_text("old")
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if self.name.endswith("partial"):
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), new_folder(out, overwrite=True) as folder:
        (folder / "run.json").write_text("new")
    assert (out / "run.json").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_signal_to_end_leaves_nothing_and_status_143(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, new_folder(tmp_path / "run"):
        terminal._end()
    assert ended.value.code == 143
    assert capsys.readouterr().err == "cxlink: ended by a signal.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("end", "status", "said"), [(True, 143, "ended by a signal"), (False, 130, "interrupted")]
)
def test_a_signal_that_an_engine_reports_as_its_own_error_ends_the_program_as_any(
    end: bool,
    status: int,
    said: str,
    churn: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def worked(*_: object) -> None:
        with suppress(SystemExit):  # lost on its way through the engine
            if end:
                terminal._end()
        raise RuntimeError("Query interrupted")

    monkeypatch.setattr("ibis.backends.duckdb.Backend.to_pyarrow", worked)
    assert run(["check", str(churn), *STAY]) == status
    assert capsys.readouterr().err == f"cxlink: {said}.\n"


def test_an_interruption_while_the_program_is_loaded_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "cxlink.cli.commands":
                raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "cxlink.cli.commands")
    monkeypatch.setattr(sys, "meta_path", [Interrupted(), *sys.meta_path])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "cxlink: interrupted.\n"


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGTERM, SystemExit), (signal.SIGINT, KeyboardInterrupt)]
)
def test_a_signal_that_falls_into_a_callback_of_pythons_ends_the_program_too(
    number: signal.Signals,
    raised: type[BaseException],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Deleted:
        def __del__(self) -> None:
            signal.raise_signal(number)  # what is raised here is ignored

    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    try:
        terminal.prepare()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with pytest.raises(raised) as ended:
            Deleted()
            time.sleep(20)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    if number == signal.SIGTERM:
        assert ended.value.code == 143
        assert capsys.readouterr().err == "cxlink: ended by a signal.\n"


def test_any_locale_can_be_printed_to(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGTERM)
    held = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(held, encoding="ascii"))
    try:
        terminal.prepare()
        terminal.tell(["scores 9–10: 74 %, Zoë"])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert held.getvalue() == b"scores 9\\u201310: 74 %, Zo\\xeb\n"


def test_without_a_home_a_table_is_read(churn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    assert run(["check", str(churn), *STAY]) == 0


def test_a_table_that_changes_while_it_is_read_is_refused(
    churn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = make_spec({
        "score": {"column": "score", "scale": "1-10"}, "subscription": {"duration": "months", "event": "lost"}
    })  # fmt: skip
    assert read_cohort(churn, spec).rows_read == 60
    whole = reading._read

    def grows(*arguments: object, **more: object) -> object:
        cohort = whole(*arguments, **more)  # type: ignore[arg-type]
        with churn.open("a") as stream:
            stream.write("5,5,1\n")
        return cohort

    monkeypatch.setattr(reading, "_read", grows)
    with pytest.raises(InputError, match=r"churn\.csv: changed while it was read"):
        read_cohort(churn, spec)

    def goes(*arguments: object, **more: object) -> object:
        cohort = whole(*arguments, **more)  # type: ignore[arg-type]
        churn.unlink()
        return cohort

    monkeypatch.setattr(reading, "_read", goes)
    with pytest.raises(InputError, match=r"churn\.csv: gone while it was read"):
        read_cohort(churn, spec)

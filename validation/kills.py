"""``python -m validation.kills``: long commands ended at random moments, and what they leave.

A command that is ended leaves either nothing or a whole run folder, never a lost one: the earlier run that it was to
replace is there until the new one is. Interrupted and ended commands clear up after themselves and say so in one line;
after one that was killed outright the next command of that folder clears up.
"""

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pandas as pd

from cxlink.cohort.errors import InputError
from cxlink.cohort.run_folders import RECORD, refuse_existing
from validation.page import Page, made_by, markdown_table, write_page

FOLDER = Path("reports/coverage")
SEED = 20261129
SIGNALS = {
    "SIGINT": (130, "cxlink: interrupted."),
    "SIGTERM": (143, "cxlink: ended by a signal."),
    "SIGKILL": (-9, ""),
}
"""Status and line of a command that a signal ends."""
_PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background commands ignore it
from cxlink.cli import main
main()
"""
_STAY = ["--score", "score", "--scale", "1-5", "--duration", "months", "--event", "lost", "--draws", "100"]
_SPEND = ["--spend", "spend", "--complete", "true"]
_NEW = ["fit", "new.csv", *_STAY, "--name", "new"]
_SPANS = [
    "fit", "spans.csv", "--score", "score", "--scale", "1-5", "--draws", "100", "--name", "new", "--quick",
    "--id", "who", "--signup", "start", "--end", "stop", "--survey", "asked", "--observed-until",
    "2024-12-31", "--gap-days", "30",
]  # fmt: skip
EARLIER = {"old": _SPEND, "older": _SPEND, "past": []}
"""Runs that commands need, each with what its fit says besides retention."""
COMMANDS: dict[str, list[str]] = {
    "fit": [*_NEW, *_SPEND, "--quick"],
    "fit of spans": _SPANS,
    "fit --bayes": [*_NEW, "--bayes"],
    "fit --pool": [*_NEW, *_SPEND, "--quick", "--pool", "old"],
    "fit --pool --bayes": [*_NEW, "--bayes", "--pool", "past"],
    "compare": ["compare", "old", "older"],
    "value": ["value", "old", "--move", "1-3:5", "--margin", "0.3"],
}
SHARE = {
    "fit": 0.8,
    "fit of spans": 0.8,
    "fit --bayes": 0.2,
    "fit --pool": 0.8,
    "fit --pool --bayes": 0.2,
    "compare": 1.0,
    "value": 1.0,
}
"""Of the kills of each of fit, pooling, compare and value: sampling takes long."""
EACH = 50
WHOLE = sum(round(EACH * share) for share in SHARE.values())
"""Kills of a whole run."""


@dataclass(frozen=True, slots=True)
class Killed:
    """A command that was ended.

    Attributes
    ----------
    command, sent : str
        Which of `COMMANDS`, and the signal's name.
    share : float
        Of the processor seconds that the command takes, how many had passed.
    replaced : bool
        Whether it was to replace an earlier run.
    ended : str
        ``finished`` before the signal, ``cleared up``, ``starting`` (ended before it could say so) or ``killed``.
    left : str
        What a killed one left beside its folder for the next command to clear up.
    fault : str
        What is not as it should be; empty where all is.
    """

    command: str
    sent: str
    share: float
    replaced: bool
    ended: str
    left: str
    fault: str


def _run(arguments: Sequence[str], place: Path, seconds: float = 0.0, sent: str = "") -> tuple[int, str]:
    """Run a command, and send it a signal after so many seconds of processor; its status, and its errors."""
    temporary = place / "tmp"
    temporary.mkdir(exist_ok=True)
    program = [sys.executable, "-c", _PROGRAM, *arguments]
    process = subprocess.Popen(
        program, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )  # fmt: skip
    while sent and process.poll() is None:
        if _processor_seconds(process.pid) >= seconds:
            process.send_signal(getattr(signal, sent))
            break
        time.sleep(0.005)
    _, said = process.communicate(timeout=600)
    return process.returncode, said


def _processor_seconds(pid: int) -> float:
    """Seconds of processor that a process has taken."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return float("inf")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _contents(folder: Path) -> str:
    """A hash of all files of a folder; empty where there is none."""
    if not folder.exists():
        return ""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    mark = hashlib.sha256()
    for path in files:
        mark.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return mark.hexdigest()


def _is_whole(folder: Path) -> bool:
    """Whether every file is there as the record, which is written last, has it."""
    import json

    try:
        files = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]
        return all(
            hashlib.sha256((folder / name).read_bytes()).hexdigest() == mark for name, mark in files.items()
        )
    except (OSError, ValueError, KeyError):
        return False


def killed(command: str, place: Path, seconds: float, random: Random) -> Killed:
    """End a command at a random moment, and look at what is left.

    Parameters
    ----------
    command : str
        Which of `COMMANDS`.
    place : Path
        Folder with its table and earlier runs.
    seconds : float
        Of processor that it takes.
    random : Random
        Of the moment, the signal, and whether it replaces an earlier run.
    """
    sent, share, replaces = random.choice(list(SIGNALS)), random.uniform(0.0, 1.05), random.random() < 0.5
    out = place / "out"
    shutil.rmtree(out, ignore_errors=True)
    if replaces:
        shutil.copytree(place / "earlier" / command, out)
        (out / "earlier").touch()  # a run that is made again may be the same to the last byte
    before, around = _contents(out), set(place.iterdir())
    status, said = _run(
        [*COMMANDS[command], "--out", "out", "--overwrite", "--quiet"], place, share * seconds, sent
    )
    left = sorted(path.name for path in set(place.iterdir()) - around - {out, place / "tmp"})
    temporary = sorted(path.name for path in (place / "tmp").iterdir())
    ended, faults = _ended(sent, status, said)
    if ended == "killed":
        with_record = [path for path in place.glob(".out.*.old") if _is_whole(path)]
        if replaces and not out.exists() and not with_record:
            faults.append("the earlier run is lost")
    elif left or temporary:
        faults.append(f"left behind: {', '.join([*left, *temporary])}")
    _next_command(out)
    after = sorted(path.name for path in set(place.iterdir()) - around - {out, place / "tmp"})
    if after:
        faults.append(f"not cleared up by the next command: {', '.join(after)}")
    if out.exists() and not _is_whole(out):
        faults.append("half a folder")
    if replaces and not out.exists():
        faults.append("no run is there")
    if ended == "finished" and _contents(out) == before:
        faults.append("finished, and nothing written")
    shutil.rmtree(place / "tmp", ignore_errors=True)
    return Killed(command, sent, share, replaces, ended, ", ".join(left), "; ".join(faults))


def _ended(sent: str, status: int, said: str) -> tuple[str, list[str]]:
    """How a command ended, and what is wrong with its status and what it said."""
    wanted, line = SIGNALS[sent]
    if status == 0:
        return "finished", [f"finished, but said {said!r}"] if said else []
    if status == -getattr(signal, sent) and (not said or (sent == "SIGINT" and "cxlink/cli/" not in said)):
        return "killed" if sent == "SIGKILL" else "starting", []
    if status == wanted and said == f"{line}\n":
        return "cleared up", []
    return "cleared up", [f"status {status}, said {said[-300:]!r}"]


def _next_command(out: Path) -> None:
    """What every command does first of all with its output folder."""
    with suppress(InputError):
        refuse_existing(out, overwrite=True)


def _prepare(place: Path, only: Sequence[str]) -> dict[str, float]:
    """Write tables and earlier runs, and measure how long each command takes."""
    random = Random(SEED)
    for name in ("new", *EARLIER):
        rows = [
            {"score": random.randint(1, 5), "months": random.randint(1, 9), "lost": random.randint(0, 1),
             "spend": random.choice([0, random.randint(1, 900)])}
            for _ in range(100)
        ]  # fmt: skip
        pd.DataFrame(rows).to_csv(place / f"{name}.csv", index=False)
    _write_spans(place / "spans.csv", random)
    for name, more in EARLIER.items():
        done = _run(
            ["fit", f"{name}.csv", *_STAY, *more, "--quick", "--name", name, "--out", name, "--quiet"], place
        )
        if done != (0, ""):
            raise RuntimeError(f"{name}: {done}")
    seconds = {}
    for command in only:
        start = os.times()
        done = _run([*COMMANDS[command], "--out", "out", "--quiet"], place)
        end = os.times()
        seconds[command] = (
            end.children_user + end.children_system - start.children_user - start.children_system
        )
        if done != (0, ""):
            raise RuntimeError(f"{command}: {done}")
        (place / "earlier").mkdir(exist_ok=True)
        (place / "out").rename(place / "earlier" / command)
    return seconds


def _write_spans(path: Path, random: Random) -> None:
    """Customers in one to three spans each, asked while the first one runs."""
    rows = []
    for who in range(100):
        day, score = (
            pd.Timestamp("2024-01-01") + pd.to_timedelta(random.randint(0, 60), unit="D"),
            random.randint(1, 5),
        )
        asked = day
        for _ in range(random.randint(1, 3)):
            stop = day + pd.to_timedelta(random.randint(5, 120), unit="D")
            rows.append({"who": who, "start": day, "stop": stop, "score": score, "asked": asked})
            day = stop + pd.to_timedelta(random.choice([0, 20, 45]), unit="D")
    pd.DataFrame(rows).to_csv(path, index=False, date_format="%Y-%m-%d")


def kills(each: int, seed: int, only: Sequence[str]) -> Iterator[Killed]:
    """End every command so many times."""
    random = Random(seed)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        seconds = _prepare(place, only)
        for command in only:
            for _ in range(round(each * SHARE[command])):
                yield killed(command, place, seconds[command], random)


def page(found: Sequence[Killed], seed: int) -> Page:
    """Say what was seen."""
    faults = [one for one in found if one.fault]
    lines = ["# Commands ended at random moments\n"]
    missing = [name for name in COMMANDS if name not in {one.command for one in found}]
    short = f"\n**A short run: {len(found)} of {WHOLE} kills; not tried: {', '.join(missing) or 'none'}.**\n"
    lines.append(
        f"{made_by().replace('make coverage', 'python -m validation.kills')}, seed {seed}: {len(found)} commands, "
        "each sent a signal at a moment drawn evenly over its processor seconds, half of them while they were to "
        f"replace an earlier run. {len(faults)} left half a folder, lost a run, or left anything that neither they nor "
        "the next command cleared up.\n"
    )
    lines += [short] if len(found) < WHOLE else []
    seen = Counter((one.command, one.sent, one.ended) for one in found)
    left = Counter((one.command, one.sent, one.ended) for one in found if one.left)
    wrong = Counter((one.command, one.sent, one.ended) for one in faults)
    lines += markdown_table(
        ("command", "signal", "ended", "times", "left a hidden folder", "faults"),
        ((*key, n, left[key], wrong[key]) for key, n in sorted(seen.items())),
    )
    lines += ["", *(f"- {one.command}, {one.sent} at {one.share:.0%}: {one.fault}" for one in faults)]
    lines.append(
        "\n`finished`: before the signal came. `starting`: ended by Python or the system before a line "
        "of the program's own was reached. "
        "`cleared up`: one line, status 130 or 143, nothing left. `killed`: SIGKILL, which no program can answer; a "
        "hidden folder that it leaves is removed, or put back where it is the earlier run, by the next command."
    )
    return Page("kills", lines, {"kills": pd.DataFrame(found)})


def _of_other_runs(folder: Path, only: Sequence[str]) -> list[Killed]:
    """What was seen of other commands before."""
    file = folder / "kills.csv"
    if not file.exists():
        return []
    table = pd.read_csv(file, keep_default_na=False, dtype={"left": str, "fault": str})
    return [Killed(**row) for row in table[~table["command"].isin(only)].to_dict("records")]  # type: ignore[arg-type]


def main(words: Sequence[str] | None = None) -> None:
    """End each of fit, pooling, compare and value so many times, and write what was seen."""
    parser = argparse.ArgumentParser(prog="python -m validation.kills", description=main.__doc__)
    parser.add_argument(
        "--each", type=int, default=EACH, help="times that each is ended (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", nargs="*", default=list(COMMANDS), help="which commands (default: all)")
    parser.add_argument("--out", type=Path, default=FOLDER, help="output folder (default: %(default)s)")
    said = parser.parse_args(words)
    found = []
    for one in kills(said.each, said.seed, said.only):
        found.append(one)
        if one.fault:
            print(one, flush=True)
    write_page(page([*_of_other_runs(said.out, said.only), *found], said.seed), said.out)
    raise SystemExit(1 if any(one.fault for one in found) else 0)


if __name__ == "__main__":
    main()

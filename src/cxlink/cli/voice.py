"""How loud a command is: progress with its fraction and time left, log lines, results in words or as JSON."""

import json
import logging
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Timer
from typing import TYPE_CHECKING, Any, TextIO

from cxlink.cli.terminal import tell
from cxlink.cohort.errors import InputError
from cxlink.cohort.visible_text import visible
from cxlink.stages import Progress, Stage, silent

if TYPE_CHECKING:
    import pandas as pd


_SECONDS_APART = 5.0
"""Between two lines of progress where there is no terminal, and from the start to the first one."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What a command says.

    Attributes
    ----------
    quiet : bool
        Nothing but errors.
    verbose : bool
        Each stage as a line on standard error, with the time.
    as_json : bool
        The main results as one JSON object on standard output, in place of words.
    """

    quiet: bool = False
    verbose: bool = False
    as_json: bool = False

    def __post_init__(self) -> None:
        if self.quiet and (self.verbose or self.as_json):
            raise InputError("--quiet says nothing: leave it out, or --verbose and --json.")

    def results(self, lines: Callable[[], Sequence[str]], figures: Callable[[], Mapping[str, Any]]) -> None:
        """Print the results, in words or as JSON."""
        if self.as_json:
            tell(json.dumps(plain(figures()), indent=2).split("\n"))
        elif not self.quiet:
            tell(lines())


@contextmanager
def showing(voice: Voice = Voice(), plan: Sequence[str] = ()) -> Iterator[Progress]:
    """Show progress: a bar on a terminal, with the time left where the stages are planned; elsewhere lines.

    With ``verbose`` each stage is a line of the logger ``cxlink`` instead; with ``quiet`` there is nothing.
    """
    if voice.verbose:
        with _logged():
            yield silent
    elif voice.quiet or sys.stderr is None:
        yield silent
    elif not sys.stderr.isatty():
        with _lines(sys.stderr) as progress:
            yield progress
    else:
        with _bar(plan) as progress:
            yield progress


@contextmanager
def _lines(stream: TextIO) -> Iterator[Progress]:
    """Write a line for each stage that takes long: at most one in `_SECONDS_APART`, none before that time has passed.

    A stage that begins sooner has its line once the time has passed, unless it is over by then.
    """
    from cxlink.report.words import say

    last, code, waiting = time.monotonic(), "", Timer(0, str)

    def write(words: str) -> None:
        nonlocal last
        last = time.monotonic()
        with suppress(OSError, ValueError):  # work goes on where nobody reads
            print(time.strftime("%H:%M:%S"), words, file=stream, flush=True)

    def show(stage: Stage) -> None:
        nonlocal code, waiting
        if stage.code == code:
            return
        code = stage.code
        waiting.cancel()
        words = visible(say(f"progress.{stage.code}", **stage.facts))
        waiting = Timer(max(last + _SECONDS_APART - time.monotonic(), 0), write, [words])
        waiting.daemon = True
        waiting.start()

    try:
        yield show
    finally:
        waiting.cancel()


@contextmanager
def _bar(plan: Sequence[str]) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        SpinnerColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    from cxlink.progress import following
    from cxlink.report.words import say

    far = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn()) if plan else (TimeElapsedColumn(),)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), *far)
    with Bars(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(say("progress.starting"), total=1.0 if plan else None)
        done = following(plan)

        def show(stage: Stage) -> None:
            words = visible(say(f"progress.{stage.code}", **stage.facts))
            share = done(stage)
            if share is None:
                bar.update(task, description=words)
            else:
                bar.update(task, description=words, completed=share)

        yield show


class _Worded(logging.Formatter):
    """Writes a stage in the language's words."""

    def format(self, record: logging.LogRecord) -> str:
        from cxlink.report.words import say

        stage = getattr(record, "stage", None)
        if stage is not None:
            record.msg, record.args = say(f"progress.{stage.code}", **stage.facts), ()
        return visible(super().format(record))


@contextmanager
def _logged() -> Iterator[None]:
    """Write what is logged under ``cxlink`` to standard error."""
    logger, handler = logging.getLogger("cxlink"), logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Worded("%(asctime)s %(message)s", "%H:%M:%S"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def rows_of(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """Rows of a table as plain values, for JSON."""
    return [plain(row) for row in table.to_dict("records")]


def plain(value: Any) -> Any:
    """Give a value as JSON has it: no number is null, an infinite one the text ``inf`` or ``-inf``."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return None if math.isnan(value) else value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, str | bool | int):
        return value
    return None if str(value) == "<NA>" else str(value)

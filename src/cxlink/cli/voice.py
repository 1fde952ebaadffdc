"""How loud a command is: progress with its fraction and time left, log lines, results in words or as JSON."""

import json
import logging
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cxlink.cli.terminal import tell
from cxlink.cohort.errors import InputError
from cxlink.cohort.visible_text import visible
from cxlink.stages import Progress, Stage, silent

if TYPE_CHECKING:
    import pandas as pd


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
    """Show progress: a bar on a terminal, with the time left where the stages are planned; elsewhere none.

    With ``verbose`` each stage is a line of the logger ``cxlink`` instead; with ``quiet`` there is nothing.
    """
    if voice.verbose:
        with _logged():
            yield silent
    elif voice.quiet or sys.stderr is None or not sys.stderr.isatty():
        yield silent
    else:
        with _bar(plan) as progress:
            yield progress


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

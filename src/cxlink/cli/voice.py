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

    from cxlink.cohort.spec.cohort_spec import CohortSpec

WEIGHTS: Mapping[str, float] = {
    "counting": 2.0, "headline": 1.0, "from_signup": 0.2, "tenure": 3.0, "families": 15.0, "regressions": 0.7,
    "hazards": 0.8, "value": 1.0, "sensitivity": 0.3, "metrics": 0.4, "sampling_retention": 40.0,
    "sampling_spend": 40.0, "writing": 3.0,
}  # fmt: skip
"""Seconds of each stage of a fit, about: what the bar's fraction is made of."""


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


def planned(spec: "CohortSpec", *, bayes: bool = False) -> tuple[str, ...]:
    """Stages of a fit, in their order, as far as the spec tells."""
    models, subscription, spend = spec.analysis.models, spec.subscription is not None, spec.spend is not None
    full = models != "quick"
    asked = {
        "headline": True, "from_signup": subscription, "tenure": full and subscription,
        "families": models == "all" and subscription, "regressions": full and spend,
        "hazards": full and subscription, "value": full and spec.value is not None,
        "sampling_retention": bayes and subscription, "sampling_spend": bayes and spend, "sensitivity": full,
        "metrics": full,
    }  # fmt: skip
    return ("counting", *(stage for stage, wanted in asked.items() if wanted), "writing")


def done_before(stage: Stage, plan: Sequence[str]) -> float | None:
    """Share of a plan that is done when a stage begins, or has come as far as it says; None where it is not planned."""
    if stage.code not in plan:
        return None
    whole = sum(WEIGHTS[one] for one in plan)
    before = sum(WEIGHTS[one] for one in plan[: plan.index(stage.code)])
    share = stage.facts.get("share", 0.0)
    return (before + WEIGHTS[stage.code] * (share if isinstance(share, float) else 0.0)) / whole


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

    from cxlink.report.words import say

    far = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn()) if plan else (TimeElapsedColumn(),)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), *far)
    with Bars(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(say("progress.starting"), total=1.0 if plan else None)

        def show(stage: Stage) -> None:
            words = visible(say(f"progress.{stage.code}", **stage.facts))
            share = done_before(stage, plan)
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

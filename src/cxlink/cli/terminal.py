"""What the commands share: progress, the command line to run again, and exit status."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from cxlink.stages import Progress, silent


class Timer:
    """Seconds that parts of the work took, by their names.

    Attributes
    ----------
    laps : dict of str to float
    """

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Note the time since the last lap."""
        now = time.perf_counter()
        self.laps[name], self._last = now - self._last, now


def command_line(typed: Sequence[str]) -> str:
    """Command line to run again, without its output folder and without the folders of this machine."""
    import shlex

    words = list(typed)
    repeated = [
        word
        for before, word in zip(["", *words], words, strict=False)
        if before != "--out" and word not in ("--out", "--overwrite") and not word.startswith("--out=")
    ]
    return " ".join(["cxlink", *(shlex.quote(Path(word).name if "/" in word else word) for word in repeated)])


@contextmanager
def showing() -> Iterator[Progress]:
    """Show progress on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    from cxlink.report.words import say

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(say("progress.starting"))
        yield lambda stage: bar.update(task, description=say(f"progress.{stage.code}", **stage.facts))


def status_of(command: Callable[[], Any]) -> int:
    """Run a command; an error becomes one line on standard error and an exit status."""
    try:
        status = command()
    except typer.TyperException as error:
        return _say(error.format_message(), 2)
    except (KeyboardInterrupt, typer.Abort):
        return _say("interrupted.", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        from cxlink.cohort.errors import InputError

        if isinstance(error, InputError):
            return _say(str(error), 2)
        return _say(f"internal error ({error.__class__.__name__}). The traceback is in {_traceback()}", 1)
    return _say("interrupted.", 130) if status == 130 else 0


def _say(message: str, status: int) -> int:
    print("cxlink:", " ".join(message.split()), file=sys.stderr)
    return status


def _traceback() -> str:
    """Write the traceback to a file of its own."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="cxlink-", suffix=".txt", delete=False, encoding="utf-8"
    ) as stream:
        stream.write(traceback.format_exc())
    return stream.name

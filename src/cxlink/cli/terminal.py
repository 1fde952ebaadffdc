"""What the commands share: the command line to run again, and exit status."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import typer

_LEFT_OUT = ("--out", "--overwrite", "--quiet", "--verbose", "--json")


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
        if before != "--out" and word not in _LEFT_OUT and not word.startswith("--out=")
    ]
    return " ".join(["cxlink", *(shlex.quote(Path(word).name if "/" in word else word) for word in repeated)])


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

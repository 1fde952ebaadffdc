"""What the commands share: the command line to run again, and exit status."""

import errno
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

_LEFT_OUT = ("--out", "--overwrite", "--quiet", "--verbose", "--json")

_OUTPUT = "standard output: cannot be written ({reason})."
_SOON = 0.01
"""Seconds in which a callback of Python's is over."""
_ENDED = threading.Event()
"""Set once a signal to end has been answered: what it raises may come out of an engine as something else."""
_FULL = (errno.ENOSPC, errno.EIO, errno.EBADF)


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
    """Command line to run again, without its output folder, the folders of this machine and any address."""
    import shlex

    words = list(typed)
    repeated = [
        word
        for before, word in zip(["", *words], words, strict=False)
        if before != "--out" and word not in _LEFT_OUT and not word.startswith("--out=")
    ]
    return " ".join(["cxlink", *(shlex.quote(_without_place(word)) for word in repeated)])


def _without_place(word: str) -> str:
    """A word of the command line without its folder or its address."""
    from cxlink.cohort.addresses import is_address, shown

    option, mark, value = word.partition("=") if word.startswith("--") else ("", "", word)
    if is_address(value):
        value = shown(value)
    elif os.path.exists(value) or value.startswith(("/", "~", "./", "../")) or set("*?[") & set(value):  # noqa: PTH110
        value = Path(value).name or value
    return option + mark + value


def prepare() -> None:
    """Make a program's streams take any text, and a signal to end (SIGTERM) an interruption that cleans up."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # where the locale's encoding lacks a dash
    signal.signal(signal.SIGTERM, _end)
    sys.unraisablehook = _again


def _end(*_: object) -> None:
    _ENDED.set()
    raise SystemExit(_say("ended by a signal.", 128 + signal.SIGTERM))


def _end_silently(*_: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def _again(ignored: Any) -> None:
    """Send a signal once more whose interruption Python ignored, since it fell into a callback of its own."""
    number = {KeyboardInterrupt: signal.SIGINT, SystemExit: signal.SIGTERM}.get(ignored.exc_type)
    if number is None:
        sys.__unraisablehook__(ignored)
        return
    signal.signal(signal.SIGTERM, _end_silently)  # it was said already
    threading.Timer(_SOON, os.kill, (os.getpid(), number)).start()


def tell(lines: Iterable[str]) -> None:
    """Print lines on standard output, what is in them shown and not obeyed.

    Raises
    ------
    InputError
        If standard output is closed or takes no more; a reader that has gone away is no fault.
    """
    from cxlink.cohort.errors import InputError
    from cxlink.cohort.visible_text import visible

    if sys.stdout is None:
        raise InputError("standard output: it is closed, so nothing can be printed.")
    try:
        print("\n".join(map(visible, lines)), flush=True)
    except BrokenPipeError:
        _drop_output()
    except (OSError, ValueError) as error:
        _drop_output()
        reason = getattr(error, "strerror", None) or error
        raise InputError(_OUTPUT.format(reason=reason)) from None


def status_of(command: Callable[[], Any], typed: Sequence[str] = ()) -> int:
    """Run a command; an error becomes one line on standard error, without any address typed, and an exit status."""
    try:
        status = command()
    except typer.TyperException as error:
        return _say(error.format_message(), 2, typed)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except BrokenPipeError:
        _drop_output()
        return 0
    except SystemExit as end:
        # rich ends a program so whose reader has gone away
        if not isinstance(end.__context__, BrokenPipeError):
            raise
        _drop_output()
        return 0
    except Exception as error:
        from cxlink.cohort.errors import InputError

        if isinstance(error, InputError):
            return _say(str(error), 2, typed)
        if isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
            _drop_output()
            return _say(_OUTPUT.format(reason=error.strerror), 2)
        return _say(f"internal error ({error.__class__.__name__}). {_traceback(typed)}", 1)
    return _interrupted() if status == 130 else 0


def _interrupted() -> int:
    return 128 + signal.SIGTERM if _ENDED.is_set() else _say("interrupted.", 130)


def _drop_output() -> None:
    """Let standard output lead nowhere, so that the end of the program does not fail on it once more."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(message: str, status: int, typed: Sequence[str] = ()) -> int:
    from cxlink.cohort.addresses import shown
    from cxlink.cohort.visible_text import visible

    for word in typed:
        if "://" in word:
            message = message.replace(word, shown(word) if "::" in word else "URL")
            message = message.replace(word.rsplit("::", 1)[0], "URL")
    with suppress(OSError, ValueError):  # where standard error is closed or full there is nobody to tell
        print("cxlink:", " ".join(visible(message).split()), file=sys.stderr, flush=True)
    return status


def _traceback(typed: Sequence[str]) -> str:
    """Write the traceback to a file of its own, without any part of an address, and say where."""
    import tempfile
    import traceback

    from cxlink.cohort.addresses import addresses_in, hidden

    text = hidden(traceback.format_exc(), addresses_in(typed))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="cxlink-", suffix=".txt", delete=False, encoding="utf-8", errors="backslashreplace"
        ) as stream:
            stream.write(text)
    except OSError as error:
        return f"The traceback could not be kept ({error.strerror})."
    return f"The traceback is in {stream.name}"

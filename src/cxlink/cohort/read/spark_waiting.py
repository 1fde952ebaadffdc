"""Waiting for Spark so that a signal ends the wait: a job that gets no cores would wait for ever."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_PATIENCE = 5.0
"""Seconds in which a cancelled job ends."""


def interruptible(session: Any, work: Callable[[], Any]) -> Any:
    """Call a function that waits for Spark, in a thread of its own; a signal cancels the jobs of the session.

    The main thread keeps its connection to Java free: a signal that falls into an answer would leave the connection
    waiting for that answer, and so whoever stops the session next.

    Parameters
    ----------
    session : SparkSession
        Of Spark, or of Spark Connect.
    work : callable
        Sends jobs to it.

    Returns
    -------
    object
        What the function gives.

    Raises
    ------
    BaseException
        What the function raises, or the interruption (`KeyboardInterrupt`, `SystemExit`).
    """
    given, failed, over = list[Any](), list[BaseException](), threading.Event()

    def worked() -> None:
        try:
            given.append(work())
        except BaseException as error:
            failed.append(error)
        finally:
            over.set()

    threading.Thread(target=worked, daemon=True).start()
    try:
        over.wait()
    except BaseException:
        with suppress(Exception):
            _cancel(session)
        over.wait(_PATIENCE)
        raise
    if failed:
        raise failed[0]
    return given[0]


def _cancel(session: Any) -> None:
    """Cancel the jobs of a session; Spark Connect calls it otherwise."""
    if hasattr(session, "_jsparkSession"):
        session.sparkContext.cancelAllJobs()
    else:
        session.interruptAll()

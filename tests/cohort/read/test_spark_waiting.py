"""A signal ends the wait for Spark: its jobs are cancelled, and the interruption goes on."""

import signal
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from cxlink.cohort.read.spark_waiting import interruptible


@pytest.fixture
def ended_soon() -> Iterator[None]:
    """A signal in a tenth of a second, whose handler ends the program as the command line's does."""

    def end(*_: object) -> None:
        raise SystemExit(143)

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def session(cancelled: threading.Event, connect: bool) -> Any:
    """Spark's session, or Spark Connect's, as far as its jobs can be cancelled."""
    if connect:
        return SimpleNamespace(interruptAll=cancelled.set)
    return SimpleNamespace(_jsparkSession=None, sparkContext=SimpleNamespace(cancelAllJobs=cancelled.set))


@pytest.mark.parametrize("connect", [False, True])
@pytest.mark.usefixtures("ended_soon")
def test_a_signal_cancels_the_jobs_and_goes_on(connect: bool) -> None:
    cancelled, seen = threading.Event(), list[bool]()

    def waiting() -> None:
        seen.append(cancelled.wait(30))
        raise RuntimeError("job cancelled")  # what Spark then says is not the reason

    with pytest.raises(SystemExit) as end:
        interruptible(session(cancelled, connect), waiting)
    assert end.value.code == 143
    assert seen == [True]


def test_what_the_work_gives_and_raises_comes_back() -> None:
    assert interruptible(session(threading.Event(), False), lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        interruptible(session(threading.Event(), False), lambda: 1 // 0)

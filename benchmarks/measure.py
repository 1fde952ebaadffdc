"""Measuring: wall and processor seconds, peak memory, and work done in a process of its own."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LONGEST = 1800.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Measurements of one job.

    Attributes
    ----------
    seconds, cpu_seconds : list of float
        Of each repetition: by the clock, and of the processor over all threads.
    estimate, std_error : float or None
        The estimate.
    peak_mb : float
        Largest resident memory of its process.
    note : str
        A remark.
    """

    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    estimate: float | None = None
    std_error: float | None = None
    peak_mb: float = 0.0
    note: str = ""

    @property
    def typical(self) -> float:
        """Median of the seconds."""
        return median(self.seconds)

    @property
    def typical_cpu(self) -> float:
        """Median of the processor seconds."""
        return median(self.cpu_seconds)


class Unfinished(Exception):  # noqa: N818
    """A job that did not finish."""


def in_turn(work: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, Measured]:
    """Measure jobs in turn, forwards and backwards, in one process; each is done once before."""
    for one in work.values():
        one()
    found = {name: Measured() for name in work}
    for turn in range(repeats):
        for name in list(work)[:: 1 if turn % 2 else -1]:
            timed(work[name], found[name])
    return found


def timed(work: Callable[[], Any], into: Measured) -> Any:
    """Call a function once and record its seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    into.seconds.append(time.perf_counter() - wall)
    into.cpu_seconds.append(time.process_time() - cpu)
    return result


def in_own_process(job: str, **arguments: Any) -> dict[str, Measured]:
    """Run a job in a fresh process, so that its peak memory is its own.

    Parameters
    ----------
    job : str
        ``module:function`` of this package; it returns a dict of name to `Measured`.
    **arguments
        Of the function. Into the folder of its ``path``, the table, the engine may spill.

    Raises
    ------
    Unfinished
        If the job did not finish; with the reason.
    """
    call = [sys.executable, "-m", "benchmarks.measure", job, json.dumps(arguments)]
    places = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": places, "PYTHONWARNINGS": "ignore"}
    folder = Path(arguments["path"]).parent if "path" in arguments else None
    try:
        done = subprocess.run(
            call, capture_output=True, text=True, timeout=LONGEST, cwd=folder, env=environment, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unfinished(f"stopped after {LONGEST / 60:.0f} minutes") from None
    if done.returncode < 0:
        raise Unfinished("stopped by the system, most likely for want of memory")
    if done.returncode:
        raise Unfinished((done.stderr.strip().splitlines() or ["no message"])[-1])
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return {name: Measured(**values) for name, values in found.items()}


def command(call: Sequence[str], repeats: int) -> dict[str, Measured]:
    """Run a program several times, from a small process: a child process starts with the memory of its parent."""
    seconds, cpu, peak = [], [], 0
    for _ in range(repeats):
        start = time.perf_counter()
        process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        said = process.stderr.read().decode()
        _, status, used = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - start)
        if status:
            raise RuntimeError(f"{Path(call[0]).name} {call[1]}: {said}")
        cpu.append(used.ru_utime + used.ru_stime)
        peak = max(peak, used.ru_maxrss)
    return {"command": Measured(seconds, cpu, peak_mb=_megabytes(peak))}


def peak_mb() -> float:
    """Largest resident memory of this process, in megabytes (2^20)."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage also counts what the process was before it became this program
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return _megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _megabytes(used: int) -> float:
    return used / (2**20 if sys.platform == "darwin" else 2**10)


def _main(job: str, arguments: str) -> None:
    module, name = job.split(":")
    found = getattr(import_module(f"benchmarks.{module}"), name)(**json.loads(arguments))
    peak = peak_mb()
    print(
        json.dumps({key: {**asdict(value), "peak_mb": value.peak_mb or peak} for key, value in found.items()})
    )


if __name__ == "__main__":
    from benchmarks import measure  # so that results are of one class

    measure._main(*sys.argv[1:])

"""What a user waits for: the command line, and in turn with it what the same user would write with lifelines."""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.customers import SPEC, make_table
from benchmarks.measure import ROOT, Measured, in_own_process
from benchmarks.results import PLAIN_SCRIPT, SCRIPT, USER, Row, row

SHARED = ROOT.parent / "shared" / "data"
STRATA, MILLION = 20_000, 1_000_000
_FEW = 5_000
COMMANDS = {"cxlink fit --quick": ["--quick"], "cxlink fit": []}
_TELCO = """
[score]
column = "Satisfaction Score"
scale = "1-5"
[subscription]
duration = "Tenure in Months"
event = "Churn Value"
window = 3
[adjust]
columns = ["Contract"]
"""


@dataclass(frozen=True, slots=True)
class UserTable:
    """A table, its spec, and what the script is told of it: score, duration, event, covariates; none: no script.

    Plots of residuals of 20,000 customers take lifelines minutes: ``residuals`` is false there.
    """

    name: str
    path: Path
    size: int
    spec: str
    columns: tuple[str, ...]
    repeats: int = 1
    residuals: bool = True


def tables(folder: Path) -> Iterator[UserTable]:
    """The tables that are there; of one that is absent a word on standard error."""
    spec = SPEC.replace('id = "customer_id"\n', "")
    shared = {
        "saas_churn.csv": (2_000, "", ("csat_score", "months_active", "churned")),
        "telco.csv": (7_043, _TELCO, ("Satisfaction Score", "Tenure in Months", "Churn Value", "Contract")),
    }
    for name, (size, said, columns) in shared.items():
        if (SHARED / name).is_file():
            yield UserTable(name, SHARED / name, size, said, columns, 3 if size < _FEW else 1)
        else:
            print(f"{name}: not beside the project, left out", file=sys.stderr)
    own = ("score", "months", "churned", "plan", "region")
    yield UserTable(
        "simulated, plan and region", make_table(folder, STRATA), STRATA, spec, own, residuals=False
    )
    yield UserTable("simulated, plan and region", make_table(folder, MILLION), MILLION, spec, ())


def waited_for(folder: Path) -> Iterator[Row]:
    """Time each command and the script in turn, in processes of their own."""
    for one in tables(folder):
        yield from _paired(one)


def _paired(one: UserTable) -> Iterator[Row]:
    program = str(Path(sys.executable).with_name("cxlink"))
    with tempfile.TemporaryDirectory() as place:
        spec, out = Path(place) / "spec.toml", str(Path(place) / "run")
        if one.spec:
            spec.write_text(one.spec, encoding="utf-8")
        else:
            _command([program, "init", str(one.path), "--out", str(spec)])
        fit = [program, "fit", str(one.path), "--spec", str(spec), "--out", out, "--overwrite", "--quiet"]
        calls = {name: [*fit, *more] for name, more in COMMANDS.items()}
        if one.columns:
            module = [sys.executable, "-m", "benchmarks.lifelines_script"]
            told = [str(one.path), *one.columns[:3], place, *one.columns[3:]]
            calls |= {SCRIPT: [*module, *told]} if one.residuals else {}
            calls[PLAIN_SCRIPT] = [*module, "--no-residuals", *told]
        found, peaks = {name: Measured() for name in calls}, dict.fromkeys(calls, 0.0)
        for _ in range(one.repeats):
            for name, call in calls.items():
                run = _command(call)
                found[name].seconds.extend(run.seconds)
                found[name].cpu_seconds.extend(run.cpu_seconds)
                peaks[name] = max(peaks[name], run.peak_mb)
    for name, measured in found.items():
        yield row(USER + one.name, one.size, name, replace(measured, peak_mb=peaks[name]))


def _command(call: list[str]) -> Measured:
    return in_own_process("measure:command", call=call, repeats=1)["command"]

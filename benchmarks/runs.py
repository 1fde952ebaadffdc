"""The parts of a run, each a list of rows."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import peers, posterior, tenure
from benchmarks.customers import SPEC, make_table
from benchmarks.further_counting import LARGEST, make_surveys
from benchmarks.measure import Measured, Unfinished, in_own_process
from benchmarks.results import (
    AFTER,
    ANALYSIS,
    BARE,
    COUNTING,
    FIT,
    FROM_COUNTS,
    HELP,
    OURS,
    PEERS,
    POSTERIOR,
    REPORT,
    TENURE,
    WITH_IDS,
    Row,
    row,
)  # fmt: skip

SMALL = 1000


def count_against_bare(tables: Path, sizes: list[int]) -> Iterator[Row]:
    """Count and group by in turn; memory of each in a process of its own."""
    first = str(make_table(tables, SMALL))
    for size in sizes:
        path = str(make_table(tables, size))
        for spend, what in COUNTING.items():
            repeats = 9 if size <= 1_000_000 else 5
            found = in_own_process("counting:alternate", path=path, spend=spend, repeats=repeats)
            alone = in_own_process("counting:ours_alone", path=path, spend=spend, check_id=False, first=first)
            alone |= in_own_process("counting:bare_alone", path=path, spend=spend)
            ours, bare = (replace(found[name], peak_mb=alone[name].peak_mb) for name in ("ours", "bare"))
            note = f"processor time {ours.typical_cpu / bare.typical_cpu:.2f} times"
            yield row(what, size, OURS, replace(ours, note=note), bare)
            yield row(what, size, BARE, bare)
        checked = in_own_process("counting:ours_alone", path=path, spend=True, check_id=True, first=first)
        yield row(WITH_IDS, size, OURS, checked["ours"])


def after_counting(tables: Path, sizes: list[int]) -> Iterator[Row]:
    """Analyse and write at each size, and at a thousand."""
    for size in [SMALL, *sizes]:
        found = in_own_process("after:analysis_and_report", path=str(make_table(tables, size)), repeats=3)
        yield row(ANALYSIS, size, OURS, found["analysis"])
        yield row(REPORT, size, OURS, found["report"])


def after_further_counting(tables: Path, sizes: list[int]) -> Iterator[Row]:
    """Analyse and write accounts, surveys and scores, at the largest size that these are counted at."""
    size = max((one for one in sizes if one <= LARGEST), default=SMALL)
    path = str(make_surveys(tables, size))
    for what, names in AFTER.items():
        found = in_own_process("after:analysis_and_report", path=path, repeats=3, what=what)
        for name, measured in zip(names, found.values(), strict=True):
            yield row(name, size, OURS, measured)


def against_peers(tables: Path, size: int) -> Iterator[Row]:
    """Fit the same models with other packages."""
    path = str(make_table(tables, size))
    for what, title in PEERS.items():
        ours = in_own_process("ours:run", path=path, what=what)
        yield row(title, size, OURS, ours["file"])
        yield row(title, size, FROM_COUNTS, ours["counts"], ours["file"])
        for program in peers.programs(what):
            part = peers.SAMPLED.get((what, program))
            yield row(
                title, part or size, program, _peer(path, what, program), None if part else ours["file"]
            )


def _peer(path: str, what: str, program: str) -> Measured:
    try:
        return in_own_process("peers:run", path=path, what=what, program=program)["peer"]
    except Unfinished as reason:
        missing = "No module named" in str(reason)
        return Measured(note=f"not installed: pip install {program}" if missing else str(reason))


def expected_tenure(size: int) -> Iterator[Row]:
    """Every family of tenure, tested and averaged, beside one family at a time on the same rows."""
    ours = in_own_process("tenure:ours", size=size)["ours"]
    yield row(TENURE, size, OURS, ours)
    for fitter in tenure.FITTERS:
        try:
            found = in_own_process("tenure:peer", size=size, fitter=fitter)["peer"]
        except Unfinished as reason:
            missing = "No module named" in str(reason)
            found = Measured(note="not installed: pip install lifelines" if missing else str(reason))
        yield row(TENURE, size, f"lifelines {fitter}", found, ours)


def posteriors(sizes: Sequence[int]) -> Iterator[Row]:
    """Sample posteriors from the counts of few and of many customers, beside PyMC's own models of the same counts."""
    for model, title in POSTERIOR.items():
        for size in (posterior.FEW, max(sizes)):
            found = in_own_process("posterior:ours", size=size, model=model, short=False)["ours"]
            yield row(title, size, OURS, found)
        few = in_own_process("posterior:ours", size=posterior.FEW, model=model, short=True)["ours"]
        yield row(title, posterior.FEW, f"{OURS}, a tenth of the draws", few)
        try:
            found = in_own_process("posterior:in_pymc", size=posterior.FEW, model=model)["pymc"]
        except Unfinished as reason:
            found = Measured(note=str(reason))
        yield row(title, posterior.FEW, "PyMC on counts, a tenth of the draws", found, few)


def whole_program(tables: Path, size: int) -> Iterator[Row]:
    """Time the command line: its help, and a fit of a file into a run folder."""
    program = str(Path(sys.executable).with_name("cxlink"))
    yield row(HELP, 0, OURS, _command([program, "--help"], 5))
    path = make_table(tables, size)
    with tempfile.TemporaryDirectory() as folder:
        spec, out = Path(folder) / "spec.toml", Path(folder) / "run"
        spec.write_text(SPEC.replace('id = "customer_id"\n', ""), encoding="utf-8")
        call = [program, "fit", str(path), "--spec", str(spec), "--out", str(out), "--overwrite"]
        yield row(FIT, size, OURS, _command(call, 3))


def _command(call: list[str], repeats: int) -> Measured:
    return in_own_process("measure:command", call=call, repeats=repeats)["command"]

"""Everything after counting: the analysis of counts, and its run folder with figures and PDF."""

import tempfile
from functools import partial
from pathlib import Path

from benchmarks.customers import spec_of
from benchmarks.measure import Measured, timed


def analysis_and_report(path: str, repeats: int) -> dict[str, Measured]:
    """Analyse the counts of a table and write the run folder, several times each."""
    from cxlink import analyse, read_cohort

    counts = read_cohort(path, spec_of()).count()
    note = f"{len(counts.cells):,} cells"
    analysed, written = Measured(note=note), Measured(note=note)
    for _ in range(repeats):
        analysis = timed(lambda: analyse(counts), analysed)
        with tempfile.TemporaryDirectory() as folder:
            timed(partial(analysis.write, Path(folder) / "run"), written)
    return {"analysis": analysed, "report": written}

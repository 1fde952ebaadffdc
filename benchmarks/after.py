"""Everything after counting: the analysis of counts, and its run folder with figures and PDF."""

import tempfile
import tomllib
from functools import partial
from pathlib import Path

from benchmarks.customers import spec_of
from benchmarks.further_counting import COUNTED
from benchmarks.measure import Measured, timed


def analysis_and_report(path: str, repeats: int, what: str = "") -> dict[str, Measured]:
    """Analyse the counts of a table and write the run folder, several times each.

    Parameters
    ----------
    path : str
        Of the table.
    repeats : int
        How often.
    what : str
        ``accounts``, ``surveys`` or ``scores``, of the tables that these are counted on; empty: customers alone.
    """
    from cxlink import analyse, make_spec, read_cohort
    from cxlink.recall import forget

    spec = make_spec(tomllib.loads(COUNTED[what].spec)) if what else spec_of()
    counts = read_cohort(path, spec).count()
    note = f"{len(counts.cells):,} cells"
    analysed, written = Measured(note=note), Measured(note=note)
    for _ in range(repeats):
        forget()  # results of the same counts are kept, and would not be made again
        analysis = timed(lambda: analyse(counts), analysed)
        with tempfile.TemporaryDirectory() as folder:
            timed(partial(analysis.write, Path(folder) / "run"), written)
    return {"analysis": analysed, "report": written}

"""Run folders of earlier cohorts: their counts are all that is needed to pool them with a new one."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from cxlink.cohort.counts import FORMAT, Counts, load_counts, refuse_mismatch
from cxlink.cohort.errors import InputError
from cxlink.runs import RECORD


def read_run(folder: Path) -> Counts:
    """Read a run's counts back, with the spec that made them.

    Raises
    ------
    InputError
        If it is no run folder, of another format, or any of its files is gone or not as it was written.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        found, files = record["format"], dict(record["files"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"{folder}: not a run folder (no {RECORD} that can be read). `cxlink fit` writes one."
        ) from None
    if found != FORMAT:
        raise InputError(f"{folder}: format {found}; this version reads {FORMAT}. Fit the cohort again.")
    for name, hashed in files.items():
        path = folder / name
        if not path.is_file():
            raise InputError(f"{folder}: {name} is missing. Fit the cohort again.")
        if hashlib.sha256(path.read_bytes()).hexdigest() != hashed:
            raise InputError(f"{folder}: {name} is not as it was written. Fit the cohort again.")
    return load_counts(folder / "counts.parquet")


def earlier_cohorts(runs: Sequence[Path], counts: Counts) -> dict[str, Counts]:
    """Read the counts of earlier runs, to be pooled with those of a new cohort.

    Parameters
    ----------
    runs : sequence of Path
        Run folders.
    counts : Counts
        Of the new cohort.

    Returns
    -------
    dict of str to Counts
        By the cohorts' names.

    Raises
    ------
    InputError
        As `read_run` does; if a cohort is the new one or occurs twice, or its scale, unit, clock, strata or spend are
        others; or if small cells were left out of it.
    """
    found: dict[str, Counts] = {}
    seen = {counts.profile.fingerprint: "the table"}
    for folder in runs:
        one = read_run(folder)
        refuse_mismatch(counts, one, str(folder))
        twice = seen.get(one.profile.fingerprint)
        if twice is not None:
            raise InputError(f"{folder}: the same customers as {twice}. Pool each cohort once.")
        name = one.spec.cohort.name
        if name in found or name == counts.spec.cohort.name:
            raise InputError(
                f"{folder}: a cohort named {name} is there already. Give each a [cohort] name of its own."
            )
        seen[one.profile.fingerprint], found[name] = str(folder), one
    return found

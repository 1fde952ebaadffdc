"""Run folders: written under a temporary name and renamed once complete, so that none is ever incomplete."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextlib import suppress as suppress_errors
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cxlink import __version__
from cxlink.checks import check_table
from cxlink.cohort.count.counts import FORMAT, Counts, load_counts, refuse_format, save_counts, suppress
from cxlink.cohort.count.resolution import as_written
from cxlink.cohort.errors import InputError
from cxlink.estimands.tidy import csv_text
from cxlink.report.check_notes import note
from cxlink.report.metric_sections.metric_definitions import with_definitions
from cxlink.report.profile_words import exclusions, table_notes
from cxlink.results import Results

_PACKAGES = ("numpy", "scipy", "pandas", "duckdb", "ibis-framework", "matplotlib", "typst")
_SAMPLING = ("pymc", "nutpie", "arviz")
RECORD = "run.json"
COUNTS = "counts.parquet"


def refuse_existing(folder: Path, overwrite: bool) -> None:
    """Check that a folder may be written, before any work is done.

    Raises
    ------
    InputError
        If it exists (and with ``overwrite``, if it is anything but a run folder), or its parent is no folder.
    """
    _recover(folder)
    for parent in folder.parents:
        if parent.exists():
            if not parent.is_dir():
                raise InputError(f"{folder}: {parent.name} is a file, not a folder. Choose another --out.")
            break
    if not folder.exists() and not folder.is_symlink():
        return
    if not overwrite:
        raise InputError(f"{folder}: exists already. Choose another --out, or replace it with --overwrite.")
    if folder.is_symlink() or not (folder / RECORD).is_file():
        raise InputError(f"{folder}: not a run folder (it has no {RECORD}), so --overwrite leaves it alone.")


@contextmanager
def new_folder(folder: Path, overwrite: bool = False) -> Iterator[Path]:
    """Open a temporary folder, renamed to its final name once complete and removed after an error.

    Parameters
    ----------
    folder : Path
        Its final name.
    overwrite : bool
        Replace a run folder of that name: the old one is renamed aside, the new one in, the old one removed.

    Raises
    ------
    InputError
        As `refuse_existing` does, or if the place cannot be written to.
    """
    refuse_existing(folder, overwrite)
    partial = _beside(folder, "partial")
    made = [parent for parent in partial.parents if not parent.exists()]
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be written ({error.strerror}).") from None
    try:
        yield partial
        refuse_existing(folder, overwrite)
        aside = _beside(folder, "old")
        if folder.exists():
            folder.rename(aside)
        partial.rename(folder)
        shutil.rmtree(aside, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        for parent in made:
            with suppress_errors(OSError):
                parent.rmdir()  # only where nothing came into it


def _beside(folder: Path, what: str) -> Path:
    return folder.absolute().parent / f".{folder.absolute().name}.{os.getpid()}.{what}"


def _recover(folder: Path) -> None:
    """Recover from an interrupted run: remove its partial folder, and restore the previous one that it had renamed."""
    parent, name = folder.absolute().parent, folder.absolute().name
    if not parent.is_dir():
        return
    for left in parent.glob(f".{name}.*.*"):
        pid, _, what = left.name.removeprefix(f".{name}.").partition(".")
        if not pid.isdigit() or what not in ("partial", "old") or _alive(int(pid)):
            continue
        if what == "old" and not folder.exists():
            left.rename(folder)
        else:
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def write_run(
    analysis: Results, folder: Path, *, command: str, timings: Mapping[str, float] | None = None
) -> None:
    """Write a run folder's files into a folder that exists (see `new_folder`).

    Parameters
    ----------
    analysis : Results
        The results.
    folder : Path
        The folder.
    command : str
        How to run it again; printed in the report.
    timings : mapping of str to float, optional
        Seconds by part.
    """
    from cxlink.report.analysis_document import make_document
    from cxlink.report.report_files import write_document

    smallest = analysis.counts.spec.publish.smallest_cell
    counts = suppress(analysis.counts, smallest) if smallest > 1 else analysis.counts
    tables = {"estimates": analysis.estimates, "diagnostics": check_table(analysis.checks, note)}
    metrics = with_definitions(analysis.metrics, analysis.spec) if len(analysis.metrics) else analysis.metrics
    more = {"families": analysis.families, "coefficients": analysis.coefficients, "metrics": metrics}
    tables |= {name: table for name, table in more.items() if len(table)}
    for name, table in tables.items():
        (folder / f"{name}.csv").write_text(csv_text(table), encoding="utf-8", newline="")
    save_counts(counts, folder / COUNTS)
    if analysis.bayesian is not None and smallest < 2:
        from cxlink.bayes.draws.posterior_file import save_posteriors

        save_posteriors(analysis.bayesian.posteriors, folder / "posterior.nc")
    write_document(make_document(analysis, command), folder, analysis.spec.report.formats)
    profile = analysis.profile
    record = {
        "format": FORMAT,
        "version": __version__,
        "spec": as_written(analysis.counts).model_dump(mode="json", exclude_none=True),
        "resolved": _resolved(analysis.counts),
        "table": profile.table,
        "fingerprint": profile.fingerprint,
        "rows": {"read": profile.rows_read, "used": profile.rows_used, "dropped": dict(exclusions(profile))},
        "notes": table_notes(analysis),
        "seed": analysis.counts.spec.analysis.seed,
        "sampler": _sampler(analysis),
        "simulated": analysis.counts.spec.cohort.simulated,
        "suppressed": counts.suppressed,
        "packages": {name: version(name) for name in _PACKAGES},
        "timings": {name: round(seconds, 3) for name, seconds in (timings or {}).items()},
    }
    write_record(folder, record)


def _resolved(counts: Counts) -> dict[str, Any]:
    """Bands and horizon of the run, and which of them are defaults."""
    spec = counts.spec
    values: dict[str, Any] = {"worst": list(spec.worst), "best": list(spec.best)}
    if spec.subscription is not None:
        values["horizon"] = spec.horizon
    return {**values, "by_rule": list(counts.resolved)}


def _sampler(analysis: Results) -> dict[str, Any] | None:
    """Sampler of the posteriors and its seconds; None without posteriors."""
    if analysis.bayesian is None:
        return None
    posteriors = analysis.bayesian.posteriors
    return {
        "name": analysis.bayesian.sampler,
        "packages": {name: version(name) for name in _SAMPLING},
        "cohorts": dict(zip(analysis.cohorts["cohort"], analysis.cohorts["customers"].tolist(), strict=True)),
        "draws": {name: one.n_draws for name, one in posteriors.items()},
        "seconds": {name: round(one.seconds_sampling, 3) for name, one in posteriors.items()},
    }


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Write run.json last, with the SHA-256 of every other file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)
    hashes = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
    text = json.dumps({**record, "files": hashes}, indent=2, ensure_ascii=False)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")


def read_run(folder: Path) -> Counts:
    """Read the counts of a run, with its spec.

    Raises
    ------
    InputError
        If it is no run folder, of another format, or any of its files is gone or not as it was written.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        format_read, files = record["format"], dict(record["files"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"{folder}: not a run folder (no {RECORD} that can be read). `cxlink fit` writes one."
        ) from None
    refuse_format(format_read, str(folder))
    if COUNTS not in files:
        raise InputError(f"{folder}: a run folder without {COUNTS}. Name one that `cxlink fit` wrote.")
    for name, hashed in files.items():
        path = folder / name
        if not path.is_file():
            raise InputError(f"{folder}: {name} is missing. Fit the cohort again.")
        if hashlib.sha256(path.read_bytes()).hexdigest() != hashed:
            raise InputError(f"{folder}: {name} is not as it was written. Fit the cohort again.")
    return load_counts(folder / COUNTS)

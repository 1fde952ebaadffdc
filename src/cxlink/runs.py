"""Run folders: what is written into one, and its counts read back."""

import csv
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from cxlink import __version__
from cxlink.checks import check_table, checks_of
from cxlink.cohort.count.counts import FORMAT, Counts, load_counts, refuse_format, save_counts, suppress
from cxlink.cohort.count.driver_counts import BUCKET, is_discreet, without_buckets
from cxlink.cohort.count.driver_file import load_drivers, save_drivers
from cxlink.cohort.count.follow_up_counts import has_no_small_cell, load_follow_up
from cxlink.cohort.count.joint_file import save_joint
from cxlink.cohort.count.metric_sums import nothing
from cxlink.cohort.count.resolution import as_written
from cxlink.cohort.errors import InputError
from cxlink.cohort.run_files import read_record, refuse_changed, refuse_large
from cxlink.cohort.run_folders import RECORD as RECORD
from cxlink.cohort.run_folders import new_folder as new_folder
from cxlink.cohort.run_folders import refuse_existing as refuse_existing
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.csv_tables import csv_text, read_csv
from cxlink.estimands.model_rows.coefficients import coefficient_table
from cxlink.estimands.tidy import COLUMNS, TEXT
from cxlink.metrics.journey.journey_rows import ORDER, VARIABLE
from cxlink.metrics.metric_table import tidy_metrics
from cxlink.report.check_notes import note
from cxlink.report.metric_sections.metric_definitions import with_definitions
from cxlink.report.profile_words import exclusions, table_notes
from cxlink.results import Results

_PACKAGES = ("numpy", "scipy", "pandas", "duckdb", "ibis-framework", "matplotlib", "typst")
_SAMPLING = ("pymc", "nutpie", "arviz")
COUNTS = "counts.parquet"
DRIVERS, FOLLOW_UP = "drivers.parquet", "follow_up.parquet"
_WORDS = ("model", "adjusted", "part", "term", "level", "reference", "scale")
_DIAGNOSTICS = ("code", "model", "group", "ok", "note", "facts")
_TABLES = {"estimates": TEXT, "diagnostics": _DIAGNOSTICS, "families": TEXT, "coefficients": _WORDS}
"""Tables of a run folder, each with its columns of text."""

_METRIC_TEXT = ("metric", "version", "segment", "period", "unit")


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
    counts = analysis.counts
    if smallest > 1:  # sums of metrics serve pooling, which such a run refuses
        counts = replace(suppress(counts, smallest), metrics=nothing())
    tables = {"estimates": analysis.estimates, "diagnostics": check_table(analysis.checks, note)}
    metrics = analysis.every_metric
    metrics = with_definitions(metrics, analysis.spec) if len(metrics) else metrics
    more = {"families": analysis.families, "coefficients": analysis.coefficients, "metrics": metrics}
    tables |= {name: table for name, table in more.items() if len(table)}
    for name, table in tables.items():
        (folder / f"{name}.csv").write_text(csv_text(table), encoding="utf-8", newline="")
    save_counts(counts, folder / COUNTS)
    if counts.drivers is not None and is_discreet(counts.drivers, smallest):
        save_drivers(counts.drivers if smallest < 2 else without_buckets(counts.drivers), folder / DRIVERS)
    if counts.follow_up is not None and has_no_small_cell(counts.follow_up, smallest):
        save_joint(counts.follow_up, folder / FOLLOW_UP)
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
        **({"anchors": list(analysis.spec.analysis.anchors or ())} if analysis.counts.anchors else {}),
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
    (folder / RECORD).write_text(_escaped(text) + "\n", encoding="utf-8")


def _escaped(text: str) -> str:
    """JSON that says the same, with what a terminal would obey or hide written as its code point."""
    units = (
        c if c.isprintable() or c in "\n\xa0\u202f" else c.encode("utf-16-be", "surrogatepass") for c in text
    )
    return "".join(u if isinstance(u, str) else re.sub("(....)", r"\\u\1", u.hex()) for u in units)


def read_run(folder: Path) -> Counts:
    """Read the counts of a run, with its spec.

    Raises
    ------
    InputError
        If it is no run folder, of another format, or any of its files is gone, not as it was written, or not such as a
        run has.
    """
    try:
        record = read_record(folder / RECORD)
        format_read, files = record["format"], dict(record["files"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"{folder}: not a run folder (no {RECORD} that can be read). `cxlink fit` writes one."
        ) from None
    refuse_format(format_read, str(folder))
    if COUNTS not in files:
        raise InputError(f"{folder}: a run folder without {COUNTS}. Name one that `cxlink fit` wrote.")
    refuse_changed(folder, files)
    counts = load_counts(folder / COUNTS)
    if not counts.spec.others:
        return counts
    spec = counts.spec.of_first_surveys
    if DRIVERS in files:
        clustered = BUCKET in counts.cells and spec.cluster_column is not None
        counts = replace(counts, drivers=load_drivers(folder / DRIVERS, spec, clustered=clustered))
    if FOLLOW_UP in files:
        counts = replace(counts, follow_up=load_follow_up(folder / FOLLOW_UP, counts.spec))
    return counts


def read_tables(folder: Path) -> dict[str, Any]:
    """Read the tables of a run folder as they were written, and its checks.

    Raises
    ------
    InputError
        If one of them is no such table, or estimates or checks are not there.
    """
    tables: dict[str, Any] = {}
    for name, text in _TABLES.items():
        path = folder / f"{name}.csv"
        if not path.is_file():
            continue
        refuse_large(path)
        try:
            table = read_csv(path, text)
            if name == "diagnostics":
                table["ok"] = table["ok"].map({"true": True, "false": False})
                tables["checks"] = checks_of(table)
            else:
                tables[name] = table if name == "coefficients" else table[list(COLUMNS)]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, csv.Error):
            raise InputError(
                f"{folder}: {path.name} is not such as a run has. Fit the cohort again."
            ) from None
    for name, file in (("estimates", "estimates.csv"), ("checks", "diagnostics.csv")):
        if name not in tables:
            raise InputError(f"{folder}: a run folder without {file}. Fit the cohort again.")
    return {"families": tables["estimates"][:0], "coefficients": coefficient_table(()), **tables}


def read_journey(folder: Path, spec: CohortSpec) -> pd.DataFrame:
    """Read the rows of contacts back from ``metrics.csv``: no other file of a run has them.

    Parameters
    ----------
    folder : Path
        Of a run.
    spec : CohortSpec
        Its ``[touchpoints]``; without, there is no row.

    Returns
    -------
    DataFrame
        See `cxlink.metrics.metric_table.COLUMNS`.

    Raises
    ------
    InputError
        If the file is no such table.
    """
    path, section = folder / "metrics.csv", spec.touchpoints
    if section is None or not path.is_file():
        return tidy_metrics([])
    refuse_large(path)
    try:
        table = read_csv(path, (*_METRIC_TEXT, "definition", "source"))
        own = table[table["metric"].str.startswith("journey_")]
        names = [name for name in (VARIABLE, ORDER, section.segment) if name is not None]
        split = [next(name for name in names if segment.startswith(f"{name}=")) for segment in own["segment"]]
        categories = [text[len(name) + 1 :] for name, text in zip(split, own["segment"], strict=True)]
        rows = own.assign(variable=split, category=categories).to_dict("records")
        return tidy_metrics({str(name): value for name, value in row.items()} for row in rows)
    except (ValueError, TypeError, KeyError, AttributeError, StopIteration, csv.Error):
        raise InputError(f"{folder}: {path.name} is not such as a run has. Fit the cohort again.") from None

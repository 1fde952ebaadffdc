"""The folders of a comparison and of an intervention: tables, report and ``run.json``."""

from dataclasses import asdict
from pathlib import Path

from cxlink import __version__
from cxlink.checks import check_table
from cxlink.cohort.count.counts import FORMAT
from cxlink.estimands.csv_tables import csv_text
from cxlink.results import ComparisonResults
from cxlink.runs import write_record
from cxlink.value.intervention import InterventionValue

VALUES = "value.csv"


def write_comparison(comparison: ComparisonResults, folder: Path, *, command: str) -> None:
    """Write a comparison's files into a folder that exists (see `cxlink.runs.new_folder`).

    Parameters
    ----------
    comparison : ComparisonResults
        The results.
    folder : Path
        The folder.
    command : str
        How to run it again; printed in the report.
    """
    from cxlink.report.change_sections.comparison_document import comparison_document
    from cxlink.report.change_sections.verdict_words import rule, why
    from cxlink.report.report_files import write_document

    for name in ("changes", "calibration"):
        text = csv_text(getattr(comparison, name))
        (folder / f"{name}.csv").write_text(text, encoding="utf-8", newline="")
    write_document(comparison_document(comparison, command), folder, comparison.spec.report.formats)
    record = {
        "format": FORMAT,
        "version": __version__,
        "compares": [one.spec.cohort.name for one in comparison.cohorts],
        "fingerprints": [one.profile.fingerprint for one in comparison.cohorts],
        "spec": comparison.spec.model_dump(mode="json", exclude_none=True),
        "seed": comparison.spec.analysis.seed,
        "simulated": comparison.simulated,
        "verdicts": [
            {**asdict(one), "why": why(one), "rule": rule(one.estimand)} for one in comparison.verdicts
        ],
    }
    write_record(folder, record)


def write_outcome(outcome: InterventionValue, folder: Path, *, command: str) -> None:
    """Write ``value.csv``, ``diagnostics.csv``, the report, its figures and ``run.json`` into a folder that exists.

    Parameters
    ----------
    outcome : InterventionValue
        The results.
    folder : Path
        The folder.
    command : str
        How to run it again; printed in the report.
    """
    from cxlink.report.change_sections.intervention_document import intervention_document
    from cxlink.report.check_notes import note
    from cxlink.report.report_files import write_document

    checked = check_table(outcome.checks, note)
    for name, table in ((VALUES, outcome.estimates), ("diagnostics.csv", checked)):
        (folder / name).write_text(csv_text(table), encoding="utf-8", newline="")
    write_document(intervention_document(outcome, command), folder, outcome.spec.report.formats)
    planned = outcome.intervention
    record = {
        "format": FORMAT,
        "kind": "value",
        "version": __version__,
        "command": command,
        "spec": outcome.spec.model_dump(mode="json", exclude_none=True),
        "fingerprint": outcome.fingerprint,
        "programme": {
            "name": planned.name, "fraction": planned.fraction, "cost": planned.cost,
            "causal_share": planned.causal_share, "customers": outcome.n_source, "covered": outcome.covered,
        },
        "simulated": outcome.spec.cohort.simulated,
    }  # fmt: skip
    write_record(folder, record)

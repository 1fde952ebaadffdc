"""What takes run folders and returns results: comparison of cohorts, and the value of an intervention."""

import warnings
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd

from cxlink import __version__
from cxlink.analysis import analyse, measured
from cxlink.anchor_runs import with_anchors
from cxlink.change_display import Comparison, PricedIntervention
from cxlink.cohort.arguments_given import refuse_other, whole_numbers
from cxlink.cohort.count.counts import Counts, refuse_mismatch
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.errors import InputError
from cxlink.cohort.run_files import read_record
from cxlink.cohort.spec.spec_sections import ValueSection
from cxlink.cohort.visible_text import visible
from cxlink.comparison.changes import CALIBRATION, CHANGES, outcomes, response_rows, table_of
from cxlink.comparison.recommendation import verdict_of
from cxlink.comparison.tenure_change import tenure_rows
from cxlink.display import Analysis
from cxlink.groups.changed_scores import of_first_surveys
from cxlink.progress import telling
from cxlink.results import NOT_WRITTEN, WrittenResults
from cxlink.runs import RECORD, read_journey, read_run, read_tables
from cxlink.stages import Progress, silent
from cxlink.survival.at_risk_table import at_risk_by_period


def load_run(folder: Path | str) -> Analysis:
    """Read a run folder back as the analysis that wrote it.

    Tables are read as they were written. What no table contains (fitted curves, for figures of families) is computed
    again from ``counts.parquet`` with the seed of the run, once it is asked for; posteriors are left out.

    Parameters
    ----------
    folder : Path or str
        Written by ``cxlink fit`` or `Analysis.write`.

    Returns
    -------
    Analysis
        As it was when it was written.

    Raises
    ------
    InputError
        If it is no run folder, a file of it is not as it was written, or small cells were left out.

    Warns
    -----
    UserWarning
        If another version of cxlink wrote it: what is computed again may differ from its report.
    """
    refuse_other(folder, (Path, str), "folder")
    folder = Path(folder)
    counts = read_run(folder)
    if counts.suppressed:
        raise InputError(
            f"{folder}: small cells were left out ([publish] smallest_cell). Fit the cohort without."
        )
    written = str(read_record(folder / RECORD).get("version"))
    if written != __version__:
        warnings.warn(
            f"{folder} was written by cxlink {visible(written)[:40]}; figures are made again by {__version__}.",
            stacklevel=2,
        )
    spells = spells_of(counts) if len(counts.scored) else None
    known: dict[str, Any] = {
        "counts": counts,
        "metrics": _metrics(folder, counts),
        "at_risk": at_risk_by_period(spells, counts),
    }
    unknown: dict[str, Any] = dict.fromkeys(NOT_WRITTEN)
    tables = read_tables(folder)
    return Analysis(WrittenResults(**tables, **known, **unknown, again=lambda: analyse(counts).results))


def _metrics(folder: Path, counts: Counts) -> pd.DataFrame:
    """Metrics made again from the counts, and the rows of contacts as they were written."""
    made, journey = measured(counts), read_journey(folder, counts.spec)
    parts = [one for one in (made, journey) if len(one)]
    return pd.concat(parts, ignore_index=True) if parts else made


def compare(
    cohorts: Sequence[Counts], horizon: int | None = None, progress: Progress | None = None
) -> Comparison:
    """Decompose what changed from the first cohort to each other one, and check its model on them.

    Parameters
    ----------
    cohorts : sequence of Counts
        The baseline cohort, then one or more others, comparable and each with a name of its own.
    horizon : int, optional
        Horizon of retention, in periods; the baseline's by default.
    progress : callable, optional
        Told each stage as it begins (`cxlink.stages.Stage`); by default a notebook shows a line with the share done.

    Returns
    -------
    Comparison
        Tables of changes and of out-of-time errors, their figures and report.

    Raises
    ------
    InputError
        If there are fewer than two; if scale, unit, time origin, strata or spend differ, or small cells were left out;
        if a cohort occurs twice; or if nothing of two of them can be compared.
    """
    listed = list(cohorts) if isinstance(cohorts, Sequence) and not isinstance(cohorts, str) else [cohorts]
    for one in listed:
        refuse_other(one, (Counts,), "compare")
    if len(listed) < 2:
        raise InputError("compare needs two runs or more: the baseline cohort, then those compared with it.")
    base, *others = listed
    for at, one in enumerate(others, 1):
        refuse_mismatch(base, one, one.spec.cohort.name, clusters=False)
        _refuse_repeats(listed[:at], one, one.spec.cohort.name)
    plan = [
        stage
        for _ in others
        for stage, there in (
            ("compared_retention", base.spec.subscription), ("compared_spend", base.spec.spend),
        )
        if there is not None
    ]  # fmt: skip
    (wanted,) = whole_numbers(horizon or base.spec.horizon, f"{base.spec.unit}s")
    with telling(progress, plan) as told:
        return _compared(base, others, wanted, told)


def compare_runs(
    folders: Sequence[Path], horizon: int | None = None, progress: Progress = silent
) -> Comparison:
    """Compare the cohorts of run folders with the first; see `compare`.

    Raises
    ------
    InputError
        As `compare` does, the folder named; or if a folder is no run, of another format, half deleted or edited.
    """
    if len(folders) < 2:
        raise InputError("compare needs two runs or more: the baseline cohort, then those compared with it.")
    cohorts: list[Counts] = []
    for folder in folders:
        one = read_run(folder)
        if cohorts:
            refuse_mismatch(cohorts[0], one, str(folder), clusters=False)
            _refuse_repeats(cohorts, one, str(folder))
        cohorts.append(one)
    return _compared(cohorts[0], cohorts[1:], horizon or cohorts[0].spec.horizon, progress)


def _refuse_repeats(earlier: Sequence[Counts], one: Counts, called: str) -> None:
    name, customers = one.spec.cohort.name, one.profile.fingerprint
    for other in earlier:
        if customers and customers == other.profile.fingerprint:
            raise InputError(
                f"{called}: the same customers as {other.spec.cohort.name}. A cohort cannot be compared with itself."
            )
        if name == other.spec.cohort.name:
            raise InputError(
                f"{called}: a cohort named {name} is there already. Give each a [cohort] name of its own."
            )


def _compared(base: Counts, others: Sequence[Counts], horizon: int, progress: Progress) -> Comparison:
    changes, calibration, verdicts, compared = [], [], [], []
    for new in others:
        for outcome in outcomes(base, new, horizon, progress):
            compared.append(outcome)
            changes += outcome.changes
            calibration += outcome.calibration
            calibrated = table_of(outcome.calibration, CALIBRATION)
            verdicts.append(verdict_of(calibrated, base.spec.analysis.level))
        changes += [*tenure_rows(base, new), *response_rows(base, new)]
    return Comparison(
        table_of(changes, CHANGES),
        table_of(calibration, CALIBRATION),
        tuple(verdicts),
        tuple(compared),
        (base, *others),
    )


def value_of(
    run: Path | str | Counts,
    *,
    move: str | None = None,
    shift: int | None = None,
    fraction: float = 1.0,
    cost: float = 0.0,
    causal_share: float = 0.5,
    margin: float | None = None,
    discount: float | None = None,
    horizon: int | None = None,
) -> PricedIntervention:
    """Estimate the incremental margin of an intervention that improves customers' scores.

    Parameters
    ----------
    run : Path, str or Counts
        A run folder of `cxlink fit`, or a cohort's counts.
    move : str, optional
        ``FROM:TO``, such as ``1-6:7-8``; or give ``shift``.
    shift : int, optional
        Points by which every score improves.
    fraction : float
        Share of these customers whose score improves.
    cost : float
        Total cost, in the currency of spend.
    causal_share : float
        Share of the adjusted difference taken to be causal.
    margin : float, optional
        Margin as a share of spend; by default that of the spec.
    discount : float, optional
        Annual discount rate; by default that of the spec.
    horizon : int, optional
        Horizon of value, in periods; by default that of the spec.

    Returns
    -------
    PricedIntervention
        Incremental margin, return, payback and where it breaks even, with intervals.

    Raises
    ------
    InputError
        If the folder was altered, has no spend or no margin, or the intervention is not possible.
    """
    refuse_other(run, (Counts, Path, str), "run")
    counts = run if isinstance(run, Counts) else read_run(Path(run))
    name = "these counts" if isinstance(run, Counts) else str(run)
    counts = _with_value(counts, name, {"margin": margin, "discount": discount, "horizon": horizon})
    counts = of_first_surveys(counts)
    from cxlink.value.customer_value import generator
    from cxlink.value.intervention import intervention_value
    from cxlink.value.shifts import plan_intervention

    spec, spells = counts.spec, spells_of(counts)
    planned = plan_intervention(
        spells, spec, move=move, shift=shift, fraction=fraction, cost=cost, causal_share=causal_share
    )
    valued = intervention_value(spells, counts, planned, generator(spec, intervention=True))
    return PricedIntervention(**{field.name: getattr(valued, field.name) for field in fields(valued)})


def _with_value(counts: Counts, name: str, arguments: dict[str, Any]) -> Counts:
    """Override the spec's [value] by arguments, and refuse counts without spend or retention."""
    from cxlink.cohort.spec.cohort_spec import make_spec

    spec = counts.spec
    if spec.spend is None:
        raise InputError(
            f"{name}: no [spend] was counted, which a value needs: name it in the spec, and fit again."
        )
    if counts.suppressed:
        raise InputError(
            f"{name}: small cells were left out ([publish] smallest_cell). Fit the cohort without."
        )
    if not len(counts.scored):
        raise InputError(f"{name}: nobody has a score.")
    section = (spec.value or ValueSection()).model_dump()
    section |= {key: value for key, value in arguments.items() if value is not None}
    tables = {**spec.model_dump(mode="json", exclude_none=True), "value": section}
    valued = make_spec(tables, name)
    if valued.value is None or valued.value.margin is None:
        raise InputError(
            f"{name}: no margin. Give --margin 0.3 (a share of spend), or fit with [value] margin."
        )
    return with_anchors(replace(counts, spec=valued))

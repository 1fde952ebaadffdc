"""Pooling of a new cohort with earlier ones, from the counts in their run folders."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path

from cxlink.analysis import analyse
from cxlink.cohort.arguments_given import refuse_other
from cxlink.cohort.count.counts import Counts, add, refuse_mismatch
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.count.resolution import with_resolution_of
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.strata import stratum_column
from cxlink.cohort.table import Cohort
from cxlink.display import Analysis
from cxlink.runs import read_run
from cxlink.stages import Progress

COHORT = "cohort"
"""The stratum that says which cohort a customer is of, where several are added up."""
_JOIN = "+"


def pool(
    cohort: Cohort,
    runs: Sequence[Path | str],
    progress: Progress | None = None,
    *,
    bayes: bool = False,
    sampler: str | None = None,
) -> Analysis:
    """Analyse a cohort together with earlier ones: as strata, or partially pooled in the Bayesian models.

    Parameters
    ----------
    cohort : Cohort
        The new one.
    runs : sequence of Path
        Run folders of the earlier cohorts; without any, the new cohort is analysed alone.
    progress : callable, optional
        Told each stage as it begins (`cxlink.stages.Stage`).
    bayes : bool
        Whether to sample the Bayesian models; cohorts are then pooled partially, by these alone.
    sampler : {"nutpie", "pymc"}, optional
        The sampler, see `cxlink.analysis.analyse`.

    Returns
    -------
    Analysis
        Of the new cohort, or of all of them as strata.

    Raises
    ------
    InputError
        As `earlier_cohorts` and `cxlink.analysis.analyse` do.
    """
    refuse_other(cohort, (Cohort,), "cohort")
    if not runs:
        return analyse(cohort, progress, bayes=bayes, sampler=sampler)
    counts = cohort.count()
    earlier = earlier_cohorts([Path(run) for run in runs], counts)
    counts = with_resolution_of(next(iter(earlier.values())), counts)
    if bayes:
        return analyse(cohort, progress, bayes=True, sampler=sampler, earlier=earlier)
    return analyse(add_cohorts(counts, earlier), progress, sampler=sampler)


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
        As `read_run` does; if a cohort is the new one or occurs twice, or its scale, unit, time origin, strata or
        spend differ; or if small cells were left out of it.
    """
    earlier: dict[str, Counts] = {}
    seen = {counts.profile.fingerprint: "the table"}
    for folder in runs:
        one = read_run(folder)
        if _JOIN in one.profile.fingerprint:
            raise InputError(
                f"{folder}: several cohorts added up already. Pool the runs that it was made of."
            )
        refuse_mismatch(counts, one, str(folder))
        twice = seen.get(one.profile.fingerprint)
        if twice is not None:
            raise InputError(f"{folder}: the same customers as {twice}. Pool each cohort once.")
        name = one.spec.cohort.name
        if name in earlier or name == counts.spec.cohort.name:
            raise InputError(
                f"{folder}: a cohort named {name} is there already. Give each a [cohort] name of its own."
            )
        seen[one.profile.fingerprint], earlier[name] = str(folder), one
    return earlier


def add_cohorts(counts: Counts, earlier: Mapping[str, Counts]) -> Counts:
    """Add the counts of earlier cohorts to those of a new one, with the cohort as a further stratum.

    Without that stratum a score that is frequent in a good quarter would seem to keep customers (Simpson 1951,
    doi 10.1111/j.2517-6161.1951.tb00088.x): standardised figures compare scores within each cohort.

    Parameters
    ----------
    counts : Counts
        Of the new cohort, whose spec is used; see `with_resolution_of` for bands and horizon.
    earlier : mapping of str to Counts
        By name, as `earlier_cohorts` gives them.

    Returns
    -------
    Counts
        With a stratum variable ``cohort``; its profile says which cohorts they are.

    Raises
    ------
    InputError
        If the spec adjusts for a column called ``cohort`` already.
    """
    if not earlier:
        return counts
    if COHORT in counts.spec.stratum_variables:
        raise InputError(
            f"--pool: [adjust] names a column {COHORT}, by which pooled cohorts are distinguished. Rename the column."
        )
    cohorts = {**earlier, counts.spec.cohort.name: counts}
    spec = _with_cohort(counts.spec)
    total = reduce(add, (_labelled(one, name, spec) for name, one in cohorts.items()))
    total = replace(total, resolved=counts.resolved)
    sizes = tuple((name, int(one.cells["n"].sum())) for name, one in cohorts.items())
    notes = [Remark("pooled", len(cohorts), facts={"cohorts": sizes})]
    if total.spec.metrics != counts.spec.metrics:
        notes.append(Remark("metrics_differ"))
    return replace(total, profile=replace(total.profile, notes=(*notes, *total.profile.notes)))


def _with_cohort(spec: CohortSpec) -> CohortSpec:
    adjust = spec.adjust.model_copy(update={"columns": (*spec.adjust.columns, COHORT)})
    return spec.model_copy(update={"adjust": adjust})


def _labelled(counts: Counts, name: str, spec: CohortSpec) -> Counts:
    """Add the cohort's name as a stratum to its cells; columns in the spec's order, metrics those of the cohort."""
    spec = spec.model_copy(update={"metrics": counts.spec.metrics})
    cells = counts.cells.assign(**{stratum_column(COHORT): name})
    strata = [stratum_column(variable) for variable in spec.stratum_variables]
    others = [column for column in cells.columns if column not in ("score", *strata)]
    return replace(counts, cells=cells[["score", *strata, *others]], spec=spec)

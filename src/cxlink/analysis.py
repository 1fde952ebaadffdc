"""`analyse`: from the counts of a cohort to all its estimates, used by notebooks, the command line and the tests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxlink.anchor_runs import with_anchors
from cxlink.bayes.draws.sampling import sampler_named
from cxlink.checks import Check, once
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells, spells_of
from cxlink.cohort.counted import Counted, counted, fitting
from cxlink.cohort.input_checks import input_checks
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.spec_sections import Models
from cxlink.cohort.table import Cohort
from cxlink.display import Analysis
from cxlink.estimands.e_values import e_value_findings
from cxlink.estimands.fallback import stepped_down, thin
from cxlink.estimands.headline import from_signup, headline
from cxlink.estimands.model_rows.change_rows import change_results
from cxlink.estimands.model_rows.coefficients import coefficient_table
from cxlink.estimands.model_rows.hazard_rows import hazard_results
from cxlink.estimands.model_rows.regression_rows import spend_model_rows
from cxlink.estimands.model_rows.spliced_rows import spliced_results
from cxlink.estimands.model_rows.survey_scenarios import survey_scenarios
from cxlink.estimands.model_rows.tenure_estimates import STREAMS, tenure_results
from cxlink.estimands.over_clusters.cluster_checks import checks_of_clusters
from cxlink.estimands.over_clusters.clustered_rows import clustering
from cxlink.estimands.second_opinions import parted
from cxlink.estimands.support_checks import band_checks, few_at_risk, unmodelled
from cxlink.estimands.tidy import tidy
from cxlink.groups.changed_scores import of_first_surveys
from cxlink.metrics.all_metrics import immortal_time_checks, metrics_of
from cxlink.metrics.drivers.driver_rows import Drivers, drivers_of
from cxlink.metrics.journey.journey_checks import journey_checks
from cxlink.progress import planned, telling
from cxlink.recall import fingerprint, recalled
from cxlink.results import Results, published
from cxlink.sensitivity.duration_convention import convention_checks
from cxlink.sensitivity.excluded_rows import exclusion_findings
from cxlink.sensitivity.sensitivity_analyses import (
    sensitivity_of_counts,
    sensitivity_of_headline,
    sensitivity_of_spells,
)
from cxlink.stages import Progress, announce
from cxlink.survival.at_risk_table import at_risk_by_period
from cxlink.value.customer_value import generator, value_results

if TYPE_CHECKING:
    from cxlink.estimands.bayesian.posterior_estimates import Bayesian
    from cxlink.survival.tails.tails import Tails

_PROJECTED = ("model", "adjusted", "scenario", "group", "time", "estimate", "conf_low", "conf_high")
_BACKTESTED = ("adjusted", "kind", "origin", "level", "predicted", "observed", "n")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows and checks of one part of the analysis."""

    rows: list[Row]
    findings: list[Check]
    coefficients: list[Row] = field(default_factory=list)
    projected: list[pd.DataFrame] = field(default_factory=list)
    backtested: list[pd.DataFrame] = field(default_factory=list)


def analyse(
    cohort: Cohort | Counts,
    progress: Progress | None = None,
    *,
    models: Models | None = None,
    bayes: bool = False,
    sampler: str | None = None,
    earlier: Mapping[str, Counts] | None = None,
) -> Analysis:
    """Fit the models that a cohort's data allow, and estimate retention, spend, tenure and value by score.

    Within one process the results of a set of counts, spec and arguments are kept: asked for again, they are copied.

    Parameters
    ----------
    cohort : Cohort or Counts
        From counts alone, rows of the other duration convention and of the naive estimate are omitted.
    progress : callable, optional
        Told each stage as it begins (`cxlink.stages.Stage`). By default a notebook shows a line with the share done and
        the time left, and nothing else does.
    models : {"quick", "standard", "all"}, optional
        ``quick``: counts, Kaplan–Meier, means and their contrasts, restricted means inside follow-up; an additive
        model only where it holds the headline. ``standard``: regressions, tenure beyond follow-up, value, metrics and
        sensitivity analyses as well. ``all``: also every parametric family of tenure, their averages and backtests.
        The headline is the same in each. By default that of the spec, ``[analysis] models``.
    bayes : bool
        Whether to sample the Bayesian models as well.
    sampler : {"nutpie", "pymc"}, optional
        Sampler: nutpie on the densities of counts (the default), or PyMC on its own models, which takes longer.
    earlier : mapping of str to Counts, optional
        Earlier cohorts by name, which the Bayesian models pool with this one; see `cxlink.pooling`.

    Returns
    -------
    Analysis
        Its tables and figures; a notebook shows its page one.

    Raises
    ------
    InputError
        If there is no such sampler or set of models, a sampler is named without ``bayes``, or ``bayes`` is asked of
        ``quick``; or an anchor cannot be used, see `cxlink.anchor_runs.with_anchors`.

    Examples
    --------
    >>> import pandas as pd
    >>> from cxlink import analyse, make_spec, read_cohort
    >>> rows = pd.DataFrame({"score": [1, 1, 2, 9, 9, 10], "spend": [0.0, 50, 70, 100, 120, 140]})
    >>> spend = {"column": "spend", "currency": "EUR", "complete": True}
    >>> score = {"column": "score", "scale": "1-10", "worst": [1], "best": [9, 10]}
    >>> spec = make_spec({"score": score, "spend": spend})
    >>> estimates = analyse(read_cohort(rows, spec)).headline().set_index(["estimand", "group"])["estimate"]
    >>> print(f"{estimates['spend', 'worst']:.0f} and {estimates['spend', 'best']:.0f} euros")
    25 and 120 euros
    """
    sampler = sampler_named(sampler, bayes=bayes)
    earlier = earlier or {}
    made = fitting(counted(cohort, next(iter(earlier.values()), None)), models, bayes=bayes)
    made = replace(made, counts=with_anchors(made.counts))
    known = fingerprint(made, *earlier.items(), bayes, sampler)
    with telling(progress, planned(made.counts.spec, bayes=bayes)) as told:
        return Analysis(recalled(known, lambda: _analysed(made, told, earlier, sampler if bayes else None)))


def _analysed(
    made: Counted, progress: Progress, earlier: Mapping[str, Counts], sampler: str | None
) -> Results:
    """Analyse counts; with a sampler, by Bayesian models as well."""
    counts, spec = made.counts, made.counts.spec
    spells = spells_of(counts) if len(counts.scored) else None
    parts = [_Part([], [*input_checks(counts), *band_checks(counts), *checks_of_clusters(counts)])]
    if spells is not None:
        parts += _outcomes(made, spells, progress)
    pooled = {**earlier, spec.cohort.name: counts} if sampler else {}
    posteriors = _posteriors(pooled, spells, progress, sampler) if sampler else None
    if posteriors is not None:
        parts.append(_Part(posteriors.rows, posteriors.findings, posteriors.coefficients))
    if spec.analysis.models != "quick":
        announce(progress, "sensitivity")
        parts.append(_Part(*sensitivity_of_counts(of_first_surveys(counts))))
        announce(progress, "metrics")
    drivers = _drivers(counts, progress)
    parts.append(_Part([], [*drivers.checks, *journey_checks(counts), *immortal_time_checks(counts)]))
    parts.append(_Part([], list(exclusion_findings(made))))
    every, coefficients = (
        [row for part in parts for row in part.rows],
        [row for part in parts for row in part.coefficients],
    )
    clustered = clustering(counts)
    if clustered is not None:
        every, coefficients = clustered.rows(every), clustered.coefficients(coefficients)
    estimates = tidy(every)
    parts.append(_Part([], [*convention_checks(counts, made.other, estimates), *e_value_findings(estimates)]))
    reported, further = parted(estimates)
    projected = _together([frame for part in parts for frame in part.projected], _PROJECTED)
    checks = once(check for part in parts for check in part.findings)
    results = Results(
        counts=counts,
        estimates=reported,
        families=further if spec.analysis.models == "all" else further[:0],
        checks=checks if clustered is None else tuple(clustered.checks(checks)),
        at_risk=at_risk_by_period(spells, counts),
        projected=projected if clustered is None else clustered.curves(projected),
        backtested=_together([frame for part in parts for frame in part.backtested], _BACKTESTED),
        bayesian=posteriors
        if posteriors is None or clustered is None
        else posteriors.with_curves(clustered.curves),
        cohorts=_sizes(pooled if posteriors is not None else {}),
        metrics=measured(counts),
        coefficients=coefficient_table(coefficients, spec.publish.smallest_cell),
        drivers=drivers.table,
    )
    return published(results, spec.publish.smallest_cell)


def measured(counts: Counts) -> pd.DataFrame:
    """Give the metrics of a cohort; none of a quick analysis."""
    spec = counts.spec
    return (
        metrics_of(of_first_surveys(counts), _stream(spec, 10))
        if spec.analysis.models != "quick"
        else pd.DataFrame()
    )


def _drivers(counts: Counts, progress: Progress) -> Drivers:
    """Compare several scores; nothing in a quick analysis, or of a cohort with one score."""
    if counts.spec.analysis.models == "quick" or not counts.spec.others:
        return Drivers(pd.DataFrame())
    announce(progress, "drivers")
    return drivers_of(counts, _stream(counts.spec, 12))


def _outcomes(made: Counted, spells: Spells, progress: Progress) -> list[_Part]:
    """Retention, spend and tenure of customers with a score, the regressions, and customer lifetime value."""
    counts, spec = made.counts, made.counts.spec
    full = spec.analysis.models != "quick"
    rng = np.random.default_rng(spec.analysis.seed)
    announce(progress, "headline")
    rows, findings = headline(
        spells, counts, rng, lambda curves: sensitivity_of_headline(curves, counts, made.repeats)
    )
    clustered = clustering(counts)
    rows = clustered.rows(rows) if clustered is not None else rows
    parts: list[_Part] = []
    if spec.subscription is not None:
        announce(progress, "from_signup")
        parts.append(_Part(from_signup(made.naive, rng) if made.naive is not None else [], []))
    tenure, tails = _tenure(spells, spec, progress) if full and spec.subscription is not None else ([], None)
    if spec.every_survey:
        announce(progress, "changes")
        changed = change_results(counts, _stream(spec, 12))
        parts.append(_Part(changed.rows, changed.checks))
    additive = list(_additive(spells, counts, (rows, findings), progress))
    successors = [row for part in additive for row in part.rows]
    parts += [*tenure, _Part(*stepped_down(rows, findings, successors, spec)), *additive]
    if full:
        parts.append(_Part(*sensitivity_of_spells(rows, spells, counts)))
    if full and spec.every_survey:
        announce(progress, "survey_scenarios")
        main = [row for part in parts for row in part.rows]
        parts.append(_Part(survey_scenarios(counts, made.until_next, main, _stream(spec, 13)), []))
    if full and spec.value is not None:
        announce(progress, "value")
        parts.append(_Part(*_value(spells, counts, tails)))
    return parts


def _value(spells: Spells, counts: Counts, tails: "Tails | None") -> tuple[list[Row], list[Check]]:
    """Customer lifetime value; of customers whose surveys all count, from the first of each."""
    spec, first = counts.spec, of_first_surveys(counts)
    own = spells if first is counts else spells_of(first)
    if spec.subscription is not None and few_at_risk(own):
        return [], [unmodelled("value")]
    return value_results(own, first, generator(spec), tails if first is counts else None)


def _additive(
    spells: Spells, counts: Counts, headline: tuple[list[Row], list[Check]], progress: Progress
) -> Iterator[_Part]:
    """Regressions of spend and grouped proportional hazards; of a quick analysis only those that hold the headline."""
    spec, (rows, findings) = counts.spec, headline
    full = spec.analysis.models != "quick"
    leads = thin(findings, "means", spec)
    if spec.spend is not None and (full or leads):
        announce(progress, "regressions")
        yield _Part(*spend_model_rows(counts, spells, rows, _stream(spec, 4), leads=leads))
    leads = thin(findings, "kaplan_meier", spec)
    if spec.subscription is not None and full and not leads and few_at_risk(spells):
        yield _Part([], [unmodelled("grouped_ph")])
    elif spec.subscription is not None and (full or leads):
        announce(progress, "hazards")
        yield _Part(*hazard_results(spells, spec, _stream(spec, 3), leads=leads))


def _posteriors(
    cohorts: Mapping[str, Counts], spells: Spells | None, progress: Progress, sampler: str
) -> "Bayesian | None":
    """Sample the Bayesian models; None without customers with a score."""
    if spells is None:
        return None
    from cxlink.estimands.bayesian.posterior_estimates import bayesian_results

    *_, counts = cohorts.values()
    return bayesian_results(cohorts, spells, _stream(counts.spec, 8), progress, sampler)


def _sizes(cohorts: Mapping[str, Counts]) -> pd.DataFrame:
    """Customers with a score, and the longest follow-up, by cohort."""
    rows = [
        (name, int(one.scored["n"].sum()), int(one.scored["exit"].max()) if "exit" in one.scored else 0)
        for name, one in cohorts.items()
    ]
    return pd.DataFrame(rows, columns=["cohort", "customers", "periods"])


def _stream(spec: CohortSpec, part: int) -> np.random.Generator:
    """Random numbers of one part, independent of those of other parts."""
    return np.random.default_rng([spec.analysis.seed, part])


def _together(frames: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    return (
        pd.concat(filled, ignore_index=True)[list(columns)] if filled else pd.DataFrame(columns=list(columns))
    )


def _tenure(spells: Spells, spec: CohortSpec, progress: Progress) -> tuple[list[_Part], "Tails | None"]:
    """Tenure by continued curves, with what continues them; all families as well where they are asked for.

    Of the families, unadjusted and standardised, also their curves, and their predictions in the backtest.
    """
    if few_at_risk(spells):
        return [_Part([], [unmodelled("spliced")])], None
    announce(progress, "tenure")
    found = spliced_results(spells, spec, _stream(spec, 5))
    parts = [_Part(found.rows, found.checks, projected=found.curves)]
    if spec.analysis.models != "all":
        return parts, found.tails
    announce(progress, "families")
    for adjusted, part in STREAMS.items():
        tenure = tenure_results(spells, spec, adjusted, _stream(spec, part))
        if tenure is not None:
            parts.append(
                _Part(tenure.rows, tenure.findings, tenure.coefficients, tenure.curves, [tenure.backtested])
            )
    return parts, found.tails

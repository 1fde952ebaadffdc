"""`analyse`: from the counts of a cohort to all its estimates, used by notebooks, the command line and the tests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxlink.bayes.draws.sampling import sampler_named
from cxlink.checks import Check, once
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.resolution import resolution_checks
from cxlink.cohort.count.spells import Spells, risk_sets, spells_of
from cxlink.cohort.counted import Counted, counted
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.table import Cohort
from cxlink.display import Analysis
from cxlink.estimands.e_values import e_value_findings
from cxlink.estimands.fallback import stepped_down, thin
from cxlink.estimands.headline import from_signup, headline
from cxlink.estimands.model_rows.coefficients import coefficient_table
from cxlink.estimands.model_rows.hazard_rows import hazard_results
from cxlink.estimands.model_rows.regression_rows import spend_model_rows
from cxlink.estimands.model_rows.spliced_rows import spliced_results
from cxlink.estimands.model_rows.tenure_estimates import STREAMS, tenure_results
from cxlink.estimands.second_opinions import parted
from cxlink.estimands.support_checks import band_checks
from cxlink.estimands.suppression import blank_at_risk, blank_checks, blank_small, small_groups
from cxlink.estimands.tidy import tidy
from cxlink.groups import requests as standards
from cxlink.metrics.all_metrics import immortal_time_checks, metrics_of
from cxlink.metrics.metric_table import blank_small_metrics
from cxlink.sensitivity.duration_convention import convention_checks
from cxlink.sensitivity.sensitivity_analyses import sensitivity_of_counts, sensitivity_of_headline
from cxlink.stages import Progress, announce, silent
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
    progress: Progress = silent,
    *,
    bayes: bool = False,
    sampler: str | None = None,
    earlier: Mapping[str, Counts] | None = None,
) -> Analysis:
    """Fit every model that a cohort's data allow, and estimate retention, spend, tenure and value by score.

    Parameters
    ----------
    cohort : Cohort or Counts
        From counts alone, rows of the other duration convention and of the naive estimate are omitted.
    progress : callable
        Called with the name of each part as it starts.
    bayes : bool
        Whether to sample the Bayesian models as well.
    sampler : {"nutpie", "pymc"}, optional
        Sampler: nutpie on the densities of counts (the default), or PyMC on its own models, which takes longer.
    earlier : mapping of str to Counts, optional
        Earlier cohorts by name, which the Bayesian models pool with this one; see `cxlink.pooling`.

    Raises
    ------
    InputError
        If there is no such sampler, or one is named without ``bayes``.

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
    counts_of_all = counted(cohort, next(iter((earlier or {}).values()), None))
    counts, spec = counts_of_all.counts, counts_of_all.counts.spec
    spells = spells_of(counts) if len(counts.scored) else None
    parts = [_Part([], [*resolution_checks(counts), *band_checks(counts)])]
    if spells is not None:
        parts += _outcomes(counts_of_all, spells, progress)
    pooled = {**(earlier or {}), spec.cohort.name: counts} if bayes else {}
    posteriors = _posteriors(pooled, spells, progress, sampler) if bayes else None
    if posteriors is not None:
        parts.append(_Part(posteriors.rows, posteriors.findings, posteriors.coefficients))
    announce(progress, "sensitivity")
    parts.append(_Part(*sensitivity_of_counts(counts)))
    announce(progress, "metrics")
    metrics = metrics_of(counts, _stream(spec, 10))
    parts.append(_Part([], list(immortal_time_checks(counts))))
    estimates = tidy(row for part in parts for row in part.rows)
    parts.append(_Part([], list(convention_checks(spec, counts_of_all.other, estimates))))
    parts.append(_Part([], list(e_value_findings(estimates))))
    reported, further = parted(estimates)
    analysis = Analysis(
        counts=counts,
        estimates=reported,
        families=further,
        checks=once(check for part in parts for check in part.findings),
        at_risk=_at_risk(spells, counts),
        projected=_together([frame for part in parts for frame in part.projected], _PROJECTED),
        backtested=_together([frame for part in parts for frame in part.backtested], _BACKTESTED),
        bayesian=posteriors,
        cohorts=_sizes(pooled if posteriors is not None else {}),
        metrics=metrics,
        coefficients=coefficient_table(
            (row for part in parts for row in part.coefficients), spec.publish.smallest_cell
        ),
    )
    return _published(analysis, spec.publish.smallest_cell)


def _outcomes(all_counts: Counted, spells: Spells, progress: Progress) -> list[_Part]:
    """Retention, spend and tenure of customers with a score, the regressions, and customer lifetime value."""
    counts, spec = all_counts.counts, all_counts.counts.spec
    rng = np.random.default_rng(spec.analysis.seed)
    announce(progress, "headline")
    rows, findings = headline(
        spells, counts, rng, lambda curves: sensitivity_of_headline(curves, counts, all_counts.repeats)
    )
    parts: list[_Part] = []
    tenure: list[_Part] = []
    tails: Tails | None = None
    additive: list[_Part] = []
    if spec.spend is not None:
        announce(progress, "regressions")
        leads = thin(findings, "means", spec)
        additive.append(_Part(*spend_model_rows(counts, spells, rows, _stream(spec, 4), leads=leads)))
    if spec.subscription is not None:
        announce(progress, "from_signup")
        parts.append(_Part(from_signup(all_counts.naive, rng) if all_counts.naive is not None else [], []))
        announce(progress, "tenure")
        found = spliced_results(spells, spec, _stream(spec, 5))
        tails = found.tails
        tenure.append(_Part(found.rows, found.checks, projected=found.curves))
        announce(progress, "families")
        tenure += _tenure(spells, spec)
        announce(progress, "hazards")
        leads = thin(findings, "kaplan_meier", spec)
        additive.append(_Part(*hazard_results(spells, spec, _stream(spec, 3), leads=leads)))
    successors = [row for part in additive for row in part.rows]
    parts += [*tenure, _Part(*stepped_down(rows, findings, successors, spec)), *additive]
    if spec.value is not None:
        announce(progress, "value")
        parts.append(_Part(*value_results(spells, counts, generator(spec), tails)))
    return parts


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


def _published(analysis: Analysis, smallest: int) -> Analysis:
    """Blank every number about a small group."""
    if smallest < 2:
        return analysis
    names = small_groups(analysis.estimates, smallest)
    reported, further = parted(blank_small(analysis.every_estimate, smallest))
    return replace(
        analysis,
        estimates=reported,
        families=further,
        checks=blank_checks(analysis.checks, names),
        at_risk=blank_at_risk(analysis.at_risk, smallest),
        projected=analysis.projected[~analysis.projected["group"].isin(names)].reset_index(drop=True),
        backtested=analysis.backtested[analysis.backtested["n"] >= smallest].reset_index(drop=True),
        bayesian=analysis.bayesian.without(names) if analysis.bayesian is not None else None,
        metrics=blank_small_metrics(analysis.metrics, smallest),
    )


def _together(frames: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    filled = [frame for frame in frames if len(frame)]
    return (
        pd.concat(filled, ignore_index=True)[list(columns)] if filled else pd.DataFrame(columns=list(columns))
    )


def _tenure(spells: Spells, spec: CohortSpec) -> Iterator[_Part]:
    """Families, unadjusted and standardised; with their curves, and their predictions in the backtest."""
    for adjusted, part in STREAMS.items():
        tenure = tenure_results(spells, spec, adjusted, _stream(spec, part))
        if tenure is not None:
            yield _Part(
                tenure.rows, tenure.findings, tenure.coefficients, tenure.curves, [tenure.backtested]
            )  # fmt: skip


def _at_risk(spells: Spells | None, counts: Counts) -> pd.DataFrame:
    columns = ["group", "period", "at_risk", "lost"]
    request = standards.pooled(spells, counts.spec) if spells is not None else None
    if spells is None or request is None or counts.spec.subscription is None:
        return pd.DataFrame(columns=columns)
    at_risk, lost = risk_sets(spells, request.members)(spells.n)
    frames = [
        pd.DataFrame({"group": s.group, "period": np.arange(1, len(r) + 1), "at_risk": r, "lost": d})
        for s, r, d in zip(request.standards, at_risk, lost, strict=True)
    ]
    return pd.concat(frames, ignore_index=True)[columns]

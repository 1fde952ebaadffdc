"""The Bayesian part of an analysis: posteriors of retention and spend, their estimates and their checks."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlink.bayes.draws.new_cohort import NEW
from cxlink.bayes.draws.posterior_averages import retention_draws
from cxlink.bayes.draws.posterior_curves import fitted
from cxlink.bayes.draws.posterior_means import new_spend_draws, spend_draws
from cxlink.bayes.draws.sampling import NUTPIE, Posterior
from cxlink.bayes.models import hazard_posterior as bayes_hazard
from cxlink.bayes.models import sbg_posterior as bayes_sbg
from cxlink.bayes.models.spend_posterior import sample_spend
from cxlink.bayes.pooled_counts import PooledPeriods, bayes_effect, pool
from cxlink.bayes.priors import SPEND_PRIORS, hazard_priors, renewal_priors
from cxlink.bayes.rescaling.rescaled_draws import rescaled_check, rescaled_retention, rescaled_spend
from cxlink.bayes.stacked_spend import StackedCells, stack_counts
from cxlink.checks import Check, Fact
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells, person_periods, spells_of
from cxlink.cohort.spec.cohort_spec import PERIODS_PER_YEAR, CohortSpec
from cxlink.estimands.bayesian.posterior_assessment import assess_retention, assess_spend
from cxlink.estimands.bayesian.posterior_coefficients import posterior_coefficients
from cxlink.estimands.bayesian.posterior_findings import deviation_findings
from cxlink.estimands.bayesian.posterior_spend_rows import no_posterior_spend, posterior_spend_rows
from cxlink.estimands.bayesian.prior_predictive import PRIOR, prior_curve, prior_of_spend, prior_table
from cxlink.estimands.survival_estimands import curve_frames, survival_refusals, survival_rows
from cxlink.spend.fitted_regressions import NoSpendFit
from cxlink.stages import Progress, announce
from cxlink.survival.survival import Survival

_RETENTION = {bayes_hazard.MODEL: hazard_priors(), bayes_sbg.MODEL: renewal_priors()}
ALONE = "alone"
WANING = "waning"
NEW_COHORT = "new_cohort"
SPEND = "bayes_spend"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bayesian:
    """Estimates and checks of the posteriors.

    Attributes
    ----------
    rows : list of dict
        Of the estimates.
    findings : list of Check
        Of the diagnostics.
    curves : list of DataFrame
        Retention for figures, see `posterior.curve_frames`; of the priors as scenario ``prior``.
    spend : list of DataFrame
        Mean spend by the priors: ``scenario, group, estimate, conf_low, conf_high, unit``.
    priors : list of DataFrame
        ``model, of, quantity, distribution, centre, scale``.
    posteriors : dict of str to Posterior
        By name: ``bayes``, ``bayes_sbg``, ``bayes_spend``; of clustered customers as rescaled.
    sampler : {"nutpie", "pymc"}
        What drew them.
    coefficients : list of dict
        Of `posterior_coefficients`.
    """

    rows: list[Row] = field(default_factory=list)
    findings: list[Check] = field(default_factory=list)
    curves: list[pd.DataFrame] = field(default_factory=list)
    spend: list[pd.DataFrame] = field(default_factory=list)
    priors: list[pd.DataFrame] = field(default_factory=list)
    posteriors: dict[str, Posterior] = field(default_factory=dict)
    sampler: str = NUTPIE
    coefficients: list[Row] = field(default_factory=list)

    def __add__(self, other: "Bayesian") -> "Bayesian":
        """Both together."""
        return Bayesian(
            [*self.rows, *other.rows],
            [*self.findings, *other.findings],
            [*self.curves, *other.curves],
            [*self.spend, *other.spend],
            [*self.priors, *other.priors],
            {**self.posteriors, **other.posteriors},
        )

    def with_curves(self, made: Callable[[pd.DataFrame], pd.DataFrame]) -> "Bayesian":
        """Give other intervals to the posteriors' curves, and none to those of the priors."""
        return replace(
            self, curves=[one if (one["scenario"] == PRIOR).all() else made(one) for one in self.curves]
        )

    def without(self, names: Collection[str]) -> "Bayesian":
        """Leave groups out of what figures are drawn from."""
        curves, spend = (
            [frame[~frame["group"].isin(names)].reset_index(drop=True) for frame in frames]
            for frames in (self.curves, self.spend)
        )
        return replace(self, curves=curves, spend=spend)


def bayesian_results(
    cohorts: Mapping[str, Counts],
    spells: Spells,
    rng: np.random.Generator,
    progress: Progress,
    sampler: str = NUTPIE,
    **sampling: Any,
) -> Bayesian:
    """Sample every model that the counts allow, and turn the draws into estimates.

    Parameters
    ----------
    cohorts : mapping of str to Counts
        By name; the last one is reported, those before it are pooled with it.
    spells : Spells
        Of the last one.
    rng : Generator
        Source of the seeds, and of what is drawn beyond follow-up.
    progress : callable
        Told each stage as it begins, and how far the sampling is.
    sampler : {"nutpie", "pymc"}
        What draws; cells left out by fitting anew are always nutpie's.
    **sampling
        ``draws``, ``tune`` and ``chains`` of `cxlink.bayes.draws.sampling.sample`, where other than usual.

    Returns
    -------
    Bayesian
    """
    *_, counts = cohorts.values()
    job = _Job(cohorts, counts.spec, spells, progress, {"sampler": sampler, **sampling})
    retention, spend = rng.spawn(2)
    found = _retention(job, retention) if counts.spec.subscription is not None else Bayesian()
    if counts.spec.spend is not None:
        found = found + _spend(job, counts, spend)
    coefficients = [
        row
        for posterior in found.posteriors.values()
        for row in posterior_coefficients(posterior, counts, spells)
    ]
    return replace(found, sampler=sampler, coefficients=coefficients)


@dataclass(frozen=True, slots=True)
class _Job:
    """What is asked for."""

    cohorts: Mapping[str, Counts]
    spec: CohortSpec
    spells: Spells
    progress: Progress
    sampling: Mapping[str, Any]


def _retention(job: _Job, rng: np.random.Generator) -> Bayesian:
    pooled = _pooled(job.cohorts, job.spec)
    found = Bayesian()
    for (name, priors), stream in zip(_RETENTION.items(), rng.spawn(2), strict=True):
        posterior = _sampled(job, pooled, name, stream)
        announce(job.progress, "checking_retention", model=name)
        found = found + _reported(job, posterior, pooled, stream)
        found.findings.extend(deviation_findings(posterior, priors, job.spec.analysis.level))
        found.findings.extend(rescaled_check(found.posteriors[name], "retention"))
        found.curves.append(prior_curve(pooled, job.spells, job.spec, name, _seed(stream)))
        waning = bool(job.spec.analysis.waning)
        found.priors.append(prior_table(priors, name, "retention", pooled.coding, waning=waning))
    extra = rng.spawn(2)
    if job.spec.analysis.waning:
        posterior = _sampled(job, pooled, bayes_hazard.MODEL, extra[0], waning=True)
        found = found + _beside(job, rescaled_retention(posterior, pooled), extra[0], WANING)
    if len(job.cohorts) > 1:
        *_, name = job.cohorts
        own = _pooled({name: job.cohorts[name]}, job.spec)
        alone = rescaled_retention(_sampled(job, own, bayes_hazard.MODEL, extra[1]), own)
        found = found + _beside(job, alone, extra[1], ALONE)
    return found


def _pooled(cohorts: Mapping[str, Counts], spec: CohortSpec) -> PooledPeriods:
    periods = {name: person_periods(spells_of(counts)) for name, counts in cohorts.items()}
    return pool(periods, bayes_effect(spec.score.effect), levels=spec.scale.levels)


def _sampled(
    job: _Job, pooled: PooledPeriods, name: str, rng: np.random.Generator, *, waning: bool = False
) -> Posterior:
    def tell(share: float) -> None:
        announce(job.progress, "sampling_waning" if waning else "sampling_retention", model=name, share=share)

    tell(0.0)
    per_year = PERIODS_PER_YEAR[job.spec.unit]
    return fitted(pooled, name, per_year, seed=_seed(rng), waning=waning, progress=tell, **job.sampling)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def _reported(job: _Job, posterior: Posterior, pooled: PooledPeriods, rng: np.random.Generator) -> Bayesian:
    """Rows, findings and curves of one posterior of retention, and of a cohort not yet seen where some are pooled."""
    spells, spec = job.spells, job.spec
    shown = rescaled_retention(posterior, pooled)
    drawn = retention_draws(shown, spells, spec, rng)
    rows = [row for one in drawn for row in survival_rows(one, spec)]
    if len(pooled.coding.cohorts) > 1 and posterior.name == bayes_hazard.MODEL:
        new = retention_draws(shown, spells, spec, rng, cohort=NEW, scenario=NEW_COHORT)
        rows += [row for one in new for row in survival_rows(one, spec)]
    checks = assess_retention(posterior, pooled, spells, spec, rng)
    return Bayesian(
        rows,
        [*checks, *_drawn(posterior), *_refused(drawn, spec)],
        [frame for one in drawn for frame in curve_frames(one, spec.analysis.level)],
        posteriors={posterior.name: shown},
    )


def _refused(drawn: list[Survival], spec: CohortSpec) -> Iterator[Check]:
    for one in drawn:
        yield from survival_refusals(one, spec)


def _beside(job: _Job, posterior: Posterior, rng: np.random.Generator, scenario: str) -> Bayesian:
    """Rows of a posterior that stands beside the main one."""
    drawn = retention_draws(posterior, job.spells, job.spec, rng, scenario=scenario)
    return Bayesian([row for one in drawn for row in survival_rows(one, job.spec)])


def _spend(job: _Job, counts: Counts, rng: np.random.Generator) -> Bayesian:
    stack = stack_counts(job.cohorts)
    if isinstance(stack, NoSpendFit):
        return Bayesian(findings=[no_posterior_spend(stack)])
    posterior = _sampled_spend(job, stack, rng)
    announce(job.progress, "checking_spend")
    checks = assess_spend(posterior, stack, counts, job.spells, rng)
    shown = rescaled_spend(posterior, stack)
    rows = posterior_spend_rows(shown, counts, job.spells, spend_draws(shown))
    effect = bayes_effect(counts.spec.score.effect)
    if len(job.cohorts) > 1:
        new = new_spend_draws(shown, rng)
        # e to a normal whose spread is learnt has no mean
        rows += posterior_spend_rows(shown, counts, job.spells, new, scenario=NEW_COHORT, centre=np.median)
        rows += _spend_alone(job, counts, rng)
    return Bayesian(
        rows,
        [*checks, *_drawn(posterior, "spend"), *rescaled_check(shown, "spend")],
        spend=[prior_of_spend(stack, effect, counts.spec, _seed(rng))],
        priors=[prior_table(SPEND_PRIORS, posterior.name, "spend", replace(stack.coding, effect=effect))],
        posteriors={SPEND: shown},
    )


def _sampled_spend(job: _Job, stack: StackedCells, rng: np.random.Generator) -> Posterior:
    def tell(share: float) -> None:
        announce(job.progress, "sampling_spend", share=share)

    tell(0.0)
    return sample_spend(
        stack, bayes_effect(job.spec.score.effect), seed=_seed(rng), progress=tell, **job.sampling
    )


def _spend_alone(job: _Job, counts: Counts, rng: np.random.Generator) -> list[Row]:
    """Rows of the cohort without the others; none where it has no complete window."""
    stack = stack_counts({counts.spec.cohort.name: counts})
    if isinstance(stack, NoSpendFit):
        return []
    own = rescaled_spend(_sampled_spend(job, stack, rng), stack)
    return posterior_spend_rows(own, counts, job.spells, spend_draws(own), scenario=ALONE)


def _drawn(posterior: Posterior, of: str = "retention") -> Iterator[Check]:
    """Say how many draws there are; how long they took stands in run.json, since it differs from run to run."""
    sizes = posterior.tree["posterior"].sizes
    facts: dict[str, Fact] = {"of": of, "chains": int(sizes["chain"])}
    yield Check("draws", posterior.name, value=float(posterior.n_draws), facts=facts)

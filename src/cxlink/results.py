"""Results of an analysis, a comparison and the study: the input of the reports."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from cxlink.checks import Check
from cxlink.cohort.count.complementary import withheld
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.comparison.changes import OutcomeChange
from cxlink.comparison.recommendation import Recommendation
from cxlink.estimands.second_opinions import parted
from cxlink.estimands.suppression import (
    blank_at_risk,
    blank_checks,
    blank_coefficients,
    blank_small,
    small_groups,
)
from cxlink.estimands.tidy import select
from cxlink.metrics.metric_suppression import blank_small_metrics

if TYPE_CHECKING:
    from cxlink.estimands.bayesian.posterior_estimates import Bayesian


@dataclass(frozen=True, slots=True, repr=False)
class Results:
    """Estimates of a cohort, with their checks, curves and counts.

    Attributes
    ----------
    counts : Counts
        Counts of the cohort.
    estimates : DataFrame
        Estimates of page one and the report, ``estimates.csv``.
    checks : tuple of Check
        Diagnostics, written to ``diagnostics.csv``.
    at_risk : DataFrame
        ``group, period, at_risk, lost``: customers by period since the time origin; for the numbers below a figure.
    projected : DataFrame
        ``model, adjusted, scenario, group, time, estimate, conf_low, conf_high``: fitted survival, for figures.
    backtested : DataFrame
        ``adjusted, kind, origin, level, predicted, observed, n``: survival to the end of follow-up as predicted by
        families fitted up to an earlier period, by position of the level; for figures.
    bayesian : Bayesian or None
        Posteriors with their checks; None without Bayesian models.
    cohorts : DataFrame
        ``cohort, customers, periods``: the cohorts pooled in the posteriors; the last one is reported.
    metrics : DataFrame
        Metrics, see `cxlink.metrics.metric_table.COLUMNS`; empty where neither the scale nor the spec has any. The
        file ``metrics.csv`` adds definitions and sources.
    families : DataFrame
        Further models of tenure, ``families.csv``: single families, other averages, and other models' estimates of
        estimands reported from the average. With the columns of ``estimates``.
    coefficients : DataFrame
        Every term of every fitted model, ``coefficients.csv``; see `cxlink.estimands.model_rows.coefficients`.
    drivers : DataFrame
        Which of several scores tells, see `cxlink.metrics.drivers.driver_rows`; with the columns of ``metrics``, and in
        the same file. Empty for a cohort with one score.
    """

    counts: Counts
    estimates: pd.DataFrame
    checks: tuple[Check, ...]
    at_risk: pd.DataFrame
    projected: pd.DataFrame
    backtested: pd.DataFrame
    bayesian: "Bayesian | None" = None
    cohorts: pd.DataFrame = field(default_factory=pd.DataFrame)
    metrics: pd.DataFrame = field(default_factory=pd.DataFrame)
    families: pd.DataFrame = field(default_factory=pd.DataFrame)
    coefficients: pd.DataFrame = field(default_factory=pd.DataFrame)
    drivers: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def every_metric(self) -> pd.DataFrame:
        """``metrics`` and ``drivers`` in one table."""
        parts = [self.metrics, self.drivers] if self.spec.others else [self.metrics]
        filled = [table for table in parts if len(table)]
        return pd.concat(filled, ignore_index=True) if filled else self.metrics

    @property
    def every_estimate(self) -> pd.DataFrame:
        """``estimates`` and ``families`` in one table."""
        parts = [table for table in (self.estimates, self.families) if len(table)]
        return pd.concat(parts, ignore_index=True) if parts else self.estimates

    @property
    def spec(self) -> CohortSpec:
        """The spec of the cohort."""
        return self.counts.spec

    @property
    def simulated(self) -> bool:
        """Whether the customers are simulated; every page and figure then says so."""
        return self.spec.cohort.simulated

    @property
    def profile(self) -> Profile:
        """Rows read, used and dropped."""
        return self.counts.profile

    def headline(self) -> pd.DataFrame:
        """Rows of page one."""
        return select(self.estimates, headline=True).reset_index(drop=True)


@dataclass(frozen=True, slots=True, repr=False)
class WrittenResults(Results):
    """Results read from a run folder: what none of its tables holds is made again, once it is asked for.

    Attributes
    ----------
    again : callable
        Makes the analysis again.
    """

    again: "Callable[[], Results]" = field(kw_only=True)

    def __post_init__(self) -> None:
        for name in NOT_WRITTEN:
            if getattr(self, name) is None:
                object.__delattr__(self, name)

    def __getattr__(self, name: str) -> Any:
        if name not in NOT_WRITTEN:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        made = self.again()
        for one in NOT_WRITTEN:
            object.__setattr__(self, one, getattr(made, one))
        return getattr(self, name)


NOT_WRITTEN = ("projected", "backtested", "drivers")


def published[R: Results](results: R, smallest: int) -> R:
    """Blank every number about a group of fewer customers than this, and those from which it would follow."""
    if smallest < 2:
        return results
    every = results.every_estimate
    hidden = withheld(results.counts, set(every["group"]), smallest)
    names = small_groups(results.estimates, smallest) | {group for group, stratum in hidden if not stratum}
    reported, further = parted(blank_small(every, smallest, hidden))
    return replace(
        results,
        estimates=reported,
        families=further,
        checks=blank_checks(results.checks, names, hidden),
        coefficients=blank_coefficients(results.coefficients, hidden),
        at_risk=blank_at_risk(results.at_risk, smallest, names),
        projected=results.projected[~results.projected["group"].isin(names)].reset_index(drop=True),
        backtested=results.backtested[results.backtested["n"] >= smallest].reset_index(drop=True),
        bayesian=results.bayesian.without(names) if results.bayesian is not None else None,
        metrics=blank_small_metrics(results.metrics, smallest) if len(results.metrics) else results.metrics,
    )


@dataclass(frozen=True, slots=True, repr=False)
class ComparisonResults:
    """What changed between cohorts.

    Attributes
    ----------
    changes : DataFrame
        ``base, cohort, estimand, group, horizon, part, estimate, std_error, conf_low, conf_high, unit``: new less base;
        part is ``mix_strata``, ``mix_score``, ``mix`` (their sum), ``baseline``, ``effect`` or ``total`` (mix, baseline
        and effect). Estimands ``response`` (a share with a score) and ``tenure`` have a total alone.
    calibration : DataFrame
        ``base, cohort, estimand, group, horizon, quantity, estimate, std_error, conf_low, conf_high, unit, n``:
        predictive calibration of the base in the new cohort.
    verdicts : tuple of Recommendation
        One for each cohort and outcome.
    outcomes : tuple of OutcomeChange
        Changes and calibration by outcome, with what could not be compared.
    cohorts : tuple of Counts
        The base first.
    """

    changes: pd.DataFrame
    calibration: pd.DataFrame
    verdicts: tuple[Recommendation, ...]
    outcomes: tuple[OutcomeChange, ...]
    cohorts: tuple[Counts, ...]

    @property
    def spec(self) -> CohortSpec:
        """The spec of the base."""
        return self.cohorts[0].spec

    @property
    def simulated(self) -> bool:
        """Whether any cohort is simulated."""
        return any(counts.spec.cohort.simulated for counts in self.cohorts)


@dataclass(frozen=True, slots=True, repr=False)
class Reproduced:
    """The published study on two simulated cohorts.

    Attributes
    ----------
    subscription, transaction : Results
        Results of the simulated cohorts.
    seed : int
        Seed of the cohorts.
    comparison : DataFrame
        ``figure, group, horizon, unit, published, published_status, published_wording, truth, naive, naive_low,
        naive_high, adjusted, adjusted_low, adjusted_high``; NaN or empty where nothing was published.
    paradox : DataFrame
        ``assumption, parameter, value, years_of_worst, years_of_best, retention_needed_for_six_years``: expected
        years implied by one-year retention, by duration convention and family.
    third_chart : DataFrame
        ``model, fixed, group, retention, heterogeneity, years``: expected years by assumption.
    six_years : DataFrame
        ``model, fixed, heterogeneity, second_year_of_best, years_of_best, years_of_worst``: the
        heterogeneity that the published years require.
    public_curves : DataFrame
        ``segment, fitted_to, model, year, estimate, conf_low, conf_high, actual, aic``: published
        curves, projected.
    public_verdicts : DataFrame
        Out-of-time error, one row a ``segment`` and ``fitted_to``; see `cxlink.study.public_curves.judged`.
    replications : DataFrame
        ``figure, group, horizon, unit, cohorts, customers, truth, naive_bias, naive_coverage, adjusted_bias,
        adjusted_coverage``: bias and coverage over replications; empty without any.
    drivers : DataFrame
        Three scores of simulated customers, of which one acts; see `cxlink.study.known_driver.known_driver`.
    changes : DataFrame
        Scores of simulated customers that fell or rose; see `cxlink.study.known_change.known_change`.
    """

    subscription: Results
    transaction: Results
    seed: int
    comparison: pd.DataFrame
    paradox: pd.DataFrame
    third_chart: pd.DataFrame
    six_years: pd.DataFrame
    public_curves: pd.DataFrame
    public_verdicts: pd.DataFrame
    replications: pd.DataFrame = field(default_factory=pd.DataFrame)
    drivers: pd.DataFrame = field(default_factory=pd.DataFrame)
    changes: pd.DataFrame = field(default_factory=pd.DataFrame)

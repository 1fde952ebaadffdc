"""What was found: the nouns that the reports take."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.comparison.changes import OutcomeChange
from cxlink.comparison.recommendation import Recommendation
from cxlink.estimands.tidy import select

if TYPE_CHECKING:
    from cxlink.estimands.posterior.posterior_estimates import Bayesian


@dataclass(frozen=True, slots=True, repr=False)
class Results:
    """A cohort's estimates, and what they stand on.

    Attributes
    ----------
    counts : Counts
        What was analysed.
    estimates : DataFrame
        The table of a run folder, ``estimates.csv``: what page one and the report stand on.
    checks : tuple of Check
        What stands behind them, and what was found wanting: a run folder's ``diagnostics.csv`` is made from these.
    at_risk : DataFrame
        ``group, period, at_risk, lost``: customers by period of the clock; for the numbers under a figure.
    projected : DataFrame
        ``model, adjusted, scenario, group, time, estimate, conf_low, conf_high``: fitted survival, for figures.
    foreseen : DataFrame
        ``adjusted, kind, origin, level, predicted, observed, n``: what families fitted up to an earlier period
        foresaw of survival to the end of follow-up, by position of the level; for figures.
    bayesian : Bayesian or None
        Posteriors, with what stands behind them; None where none were asked for.
    cohorts : DataFrame
        ``cohort, customers, periods``: the cohorts that posteriors stand on; the last one is reported.
    metrics : DataFrame
        The metrics that managers ask for, ``metrics.csv``; no row where the scale has none and none is asked for.
    families : DataFrame
        Second opinions on tenure, ``families.csv``: single families, other averages, and what other models say beside
        the average. With the columns of ``estimates``.
    coefficients : DataFrame
        Every term of every fitted model, ``coefficients.csv``; see `cxlink.estimands.model_rows.coefficients`.
    """

    counts: Counts
    estimates: pd.DataFrame
    checks: tuple[Check, ...]
    at_risk: pd.DataFrame
    projected: pd.DataFrame
    foreseen: pd.DataFrame
    bayesian: "Bayesian | None" = None
    cohorts: pd.DataFrame = field(default_factory=pd.DataFrame)
    metrics: pd.DataFrame = field(default_factory=pd.DataFrame)
    families: pd.DataFrame = field(default_factory=pd.DataFrame)
    coefficients: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def every_estimate(self) -> pd.DataFrame:
        """Estimates and second opinions in one table."""
        parts = [table for table in (self.estimates, self.families) if len(table)]
        return pd.concat(parts, ignore_index=True) if parts else self.estimates

    @property
    def spec(self) -> CohortSpec:
        """What the table was said to hold."""
        return self.counts.spec

    @property
    def simulated(self) -> bool:
        """Whether the customers are simulated; every page and figure then says so."""
        return self.spec.cohort.simulated

    @property
    def profile(self) -> Profile:
        """What became of the table's rows."""
        return self.counts.profile

    def headline(self) -> pd.DataFrame:
        """Rows that page one stands on."""
        return select(self.estimates, headline=True).reset_index(drop=True)


@dataclass(frozen=True, slots=True, repr=False)
class ComparisonResults:
    """What changed between cohorts.

    Attributes
    ----------
    changes : DataFrame
        ``base, cohort, estimand, group, horizon, part, estimate, std_error, conf_low, conf_high, unit``: new less base;
        part is ``mix_strata``, ``mix_score``, ``mix`` (their sum), ``baseline``, ``effect`` or ``total`` (mix, baseline
        and effect). Estimand ``response`` (a share with a score) has a total alone.
    calibration : DataFrame
        ``base, cohort, estimand, group, horizon, quantity, estimate, std_error, conf_low, conf_high, unit, n``: how
        well the base foretells the new cohort.
    verdicts : tuple of Recommendation
        One for each cohort and outcome.
    outcomes : tuple of OutcomeChange
        What the tables were made from, with what could not be compared.
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
        """The base's."""
        return self.cohorts[0].spec

    @property
    def simulated(self) -> bool:
        """Whether any cohort is."""
        return any(counts.spec.cohort.simulated for counts in self.cohorts)


@dataclass(frozen=True, slots=True, repr=False)
class Reproduced:
    """The published study on two simulated cohorts, analysed like anybody's.

    Attributes
    ----------
    subscription, transaction : Results
        Of the simulated cohorts.
    seed : int
        Of the cohorts.
    comparison : DataFrame
        ``figure, group, horizon, unit, published, published_status, published_wording, truth, naive, naive_low,
        naive_high, adjusted, adjusted_low, adjusted_high``; NaN or empty where nothing was published.
    paradox : DataFrame
        ``reading, parameter, years_of_worst, years_of_best, retention_needed_for_six_years``: what one-year
        retention means under each reading.
    third_chart : DataFrame
        ``model, fixed, group, retention, heterogeneity, years``: what one-year retention means in years, by assumption.
    six_years : DataFrame
        ``model, fixed, heterogeneity, second_year_of_best, years_of_best, years_of_worst``: what the published
        years need.
    public_curves : DataFrame
        ``segment, fitted_to, model, year, estimate, conf_low, conf_high, actual, aic``: published
        curves, projected.
    public_verdicts : DataFrame
        How they did, a row each ``segment`` and ``fitted_to``; see `cxlink.study.public_curves.judged`.
    replications : DataFrame
        ``figure, group, unit, cohorts, customers, truth, naive_bias, naive_coverage, adjusted_bias,
        adjusted_coverage``: the figures over many cohorts; empty where none was asked for.
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

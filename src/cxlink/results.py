"""What an analysis found: the noun that the report takes."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.profile import Profile
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
    estimates, diagnostics : DataFrame
        The tables of a run folder: ``estimates.csv``, ``diagnostics.csv``.
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
    """

    counts: Counts
    estimates: pd.DataFrame
    diagnostics: pd.DataFrame
    at_risk: pd.DataFrame
    projected: pd.DataFrame
    foreseen: pd.DataFrame
    bayesian: "Bayesian | None" = None
    cohorts: pd.DataFrame = field(default_factory=pd.DataFrame)
    metrics: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def profile(self) -> Profile:
        """What became of the table's rows."""
        return self.counts.profile

    def headline(self) -> pd.DataFrame:
        """Rows that page one stands on."""
        return select(self.estimates, headline=True).reset_index(drop=True)

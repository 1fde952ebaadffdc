"""What an analysis found: its tables, and a method for each figure."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cxlink import __version__
from cxlink.cohort.counts import Counts
from cxlink.cohort.profile import Profile
from cxlink.estimates.table import select

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cxlink.estimates.bayesian import Bayesian


@dataclass(frozen=True, slots=True, repr=False)
class Analysis:
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

    def __repr__(self) -> str:
        n, name = int(self.counts.scored["n"].sum()), self.counts.spec.cohort.name
        return f"<Analysis of {name}: {n:,} customers with a score, {len(self.estimates):,} estimates>"

    def _repr_html_(self) -> str:
        from cxlink.report.display import headline_html

        return headline_html(report_input(self, ""))

    def retention_curves(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention of the bands by time since the score, with customers at risk."""
        from cxlink.report.figures import retention_curves

        late = self.counts.spec.subscription is not None and self.counts.spec.subscription.clock == "signup"
        at_risk = None if late or ax is not None else self.at_risk
        return retention_curves(
            self.estimates, self.counts.spec, at_risk=at_risk, simulated=self._simulated, ax=ax
        )

    def retention_by_score(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention at the horizon, score by score, unadjusted and standardised."""
        from cxlink.report.figures import retention_by_score

        return retention_by_score(self.estimates, self.counts.spec, simulated=self._simulated, ax=ax)

    def spend_by_score(self, ax: "Axes | None" = None) -> "Axes":
        """Draw mean spend over the window, score by score, unadjusted and standardised."""
        from cxlink.report.figures import spend_by_score

        return spend_by_score(self.estimates, self.counts.spec, simulated=self._simulated, ax=ax)

    def value_by_score(self, ax: "Axes | None" = None) -> "Axes":
        """Draw lifetime value, score by score, unadjusted and standardised; needs ``[value]`` in the spec."""
        from cxlink.report.figures import value_by_score

        return value_by_score(self.estimates, self.counts.spec, simulated=self._simulated, ax=ax)

    def unanswered_curves(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention of customers without a score beside that of those with one."""
        from cxlink.report.response_figures import unanswered_curves

        return unanswered_curves(self.estimates, self.counts.spec, simulated=self._simulated, ax=ax)

    def tenure_ladder(self, ax: "Axes | None" = None) -> "Axes":
        """Draw mean tenure to each horizon, by family and averaged, with what is extrapolated."""
        from cxlink.report.lifetimes import tenure_ladder

        return tenure_ladder(self.estimates, self.counts.spec, simulated=self._simulated, ax=ax)

    def family_survival(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the observed curves of both bands, and how each family continues them beyond follow-up."""
        from cxlink.report.continuations import family_survival

        return family_survival(
            self.estimates, self.projected, self.counts.spec, simulated=self._simulated, ax=ax
        )

    def family_hazards(self, ax: "Axes | None" = None) -> "Axes":
        """Draw losses per period: observed, smoothed, and as each family has them."""
        from cxlink.report.hazard_curves import family_hazards

        return family_hazards(
            self.estimates, self.projected, self.at_risk, self.counts.spec, simulated=self._simulated, ax=ax
        )

    def backtest_calibration(self, ax: "Axes | None" = None) -> "Axes":
        """Draw survival foreseen from earlier periods against what came, by score."""
        from cxlink.report.calibration import backtest_calibration
        from cxlink.report.family_tables import backtest_weights

        weights = backtest_weights(self.diagnostics)
        return backtest_calibration(
            self.foreseen, weights, self.counts.spec.unit, simulated=self._simulated, ax=ax
        )

    def posterior_retention(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention before any count and by the posterior, with what was observed; needs ``bayes=True``."""
        from cxlink.report.bayes_figures import prior_retention

        curves = pd.concat(self.bayesian.curves) if self.bayesian is not None else pd.DataFrame()
        return prior_retention(self.estimates, curves, self.counts.spec, simulated=self._simulated, ax=ax)

    def metrics_over_time(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the first metric by calendar period, with its intervals; needs dates.

        Raises
        ------
        InputError
            If no metric is known in two calendar periods.
        """
        from cxlink.report.metric_figures import metric_over_time

        return metric_over_time(self.metrics, simulated=self._simulated, ax=ax)

    def write(self, folder: "Path | str", overwrite: bool = False) -> None:
        """Write a run folder: tables, counts, figures and the PDF; whole or not at all.

        Raises
        ------
        InputError
            If the folder exists (with ``overwrite``: and is no run folder), or cannot be written.
        """
        from cxlink.runs import new_folder, write_run

        with new_folder(Path(folder), overwrite) as partial:
            write_run(self, partial, command="cxlink.analyse(cohort).write(folder)")

    @property
    def _simulated(self) -> bool:
        return self.counts.spec.cohort.simulated


def _posteriors(analysis: Analysis) -> Any:
    """Hand the posteriors to the report; None without any."""
    from cxlink.report.content import Posteriors

    found = analysis.bayesian
    if found is None:
        return None
    curves, spend, priors = (
        pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
        for frames in (found.curves, found.spend, found.priors)
    )
    return Posteriors(curves, spend, priors, analysis.cohorts, found.warnings)


def report_input(analysis: Analysis, command: str) -> Any:
    """Hand an analysis to the report."""
    from cxlink.report.content import ReportInput

    return ReportInput(
        estimates=analysis.estimates,
        diagnostics=analysis.diagnostics,
        spec=analysis.counts.spec,
        profile=analysis.profile,
        cells=analysis.counts.cells,
        at_risk=analysis.at_risk,
        projected=analysis.projected,
        foreseen=analysis.foreseen,
        simulated=analysis.counts.spec.cohort.simulated,
        bayes=_posteriors(analysis),
        metrics=analysis.metrics,
        command=command,
        version=__version__,
    )

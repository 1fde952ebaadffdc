"""Results that draw, show and write themselves: of an analysis, a comparison and an intervention."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxlink.checks import check_table
from cxlink.estimands.picking import pick
from cxlink.report.check_notes import note
from cxlink.results import ComparisonResults, Results
from cxlink.value.intervention import InterventionValue

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def _into_pyplot(draw: "Callable[[Analysis, Axes | None], Axes]") -> "Callable[..., Axes]":
    """Attach a new figure to pyplot: a notebook shows it when the cell ends, ``plt.show`` in a script."""

    @wraps(draw)
    def drawn(analysis: "Analysis", ax: "Axes | None" = None) -> "Axes":
        axes = draw(analysis, ax)
        if ax is None:
            import matplotlib.pyplot as plt

            plt.figure(axes.figure)
        return axes

    return drawn


@dataclass(frozen=True, slots=True, repr=False)
class Analysis(Results):
    """A cohort's results, with their figures, display in a notebook and run folder."""

    def __repr__(self) -> str:
        n, name = int(self.counts.scored["n"].sum()), self.counts.spec.cohort.name
        return f"<Analysis of {name}: {n:,} customers with a score, {len(self.estimates):,} estimates>"

    @property
    def diagnostics(self) -> pd.DataFrame:
        """The checks as a table, with their sentences: ``diagnostics.csv``."""
        return check_table(self.checks, note)

    def pick(self, estimand: str, **where: object) -> pd.DataFrame:
        """Give the rows of an estimand, the main analysis where nothing else is asked for.

        Parameters
        ----------
        estimand : str
            Such as ``tenure`` or ``retention_difference``.
        **where
            Values of columns, such as ``group="best"``, ``horizon=36`` or ``model="weibull"``; see
            `cxlink.estimands.picking.pick`.

        Raises
        ------
        InputError
            If there is no such estimand, column, or row.
        """
        return pick(self.every_estimate, estimand, **where)

    def hazard_ratios(self) -> pd.DataFrame:
        """Hazard ratios of the score's levels and bands, and of the adjustment variables from the same models.

        Returns
        -------
        DataFrame
            ``adjusted``, ``term``, ``level``, ``reference``, ``hazard_ratio``, ``conf_low``, ``conf_high``, ``n``: a
            ratio over 1 says that customers of the level are lost sooner than those of the reference.
        """
        rows = self.coefficients[self.coefficients["model"] == "grouped_ph"]
        ends = {"estimate": "hazard_ratio", "conf_low": "conf_low", "conf_high": "conf_high"}
        ratios = rows[list(ends)].apply(np.exp).rename(columns=ends)
        names = rows[["adjusted", "term", "level", "reference"]]
        return pd.concat([names, ratios, rows[["n"]]], axis=1).reset_index(drop=True)

    def spend_models(self) -> pd.DataFrame:
        """Every term of the regressions of spend, as in ``coefficients.csv``."""
        models = ("poisson", "gamma", "two_part", "log_ols")
        return self.coefficients[self.coefficients["model"].isin(models)].reset_index(drop=True)

    def _repr_html_(self) -> str:
        from cxlink.report.analysis_document import headline
        from cxlink.report.render_html import blocks_html

        return blocks_html(headline(self))

    @_into_pyplot
    def retention_curves(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention of the bands by time since the score, with customers at risk."""
        from cxlink.report.figures.cohort_figures import retention_curves

        late = self.counts.spec.subscription is not None and self.counts.spec.subscription.clock == "signup"
        at_risk = None if late or ax is not None else self.at_risk
        return retention_curves(
            self.estimates, self.counts.spec, at_risk=at_risk, simulated=self.simulated, ax=ax
        )

    @_into_pyplot
    def score_curves(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention by time since the score, a curve for each score."""
        from cxlink.report.figures.score_curves import score_curves

        return score_curves(self.estimates, self.counts.spec, simulated=self.simulated, ax=ax)

    @_into_pyplot
    def hazard_forest(self, ax: "Axes | None" = None) -> "Axes":
        """Draw hazard ratios of the score's levels and of every adjustment variable: associations, not effects."""
        from cxlink.report.figures.forest_figures import hazard_forest

        return hazard_forest(
            self.estimates, self.coefficients, self.counts.spec, simulated=self.simulated, ax=ax
        )

    @_into_pyplot
    def spend_forest(self, ax: "Axes | None" = None) -> "Axes":
        """Draw ratios of mean spend of the score's levels and of every adjustment variable, by two models."""
        from cxlink.report.figures.forest_figures import spend_forest

        return spend_forest(
            self.estimates, self.coefficients, self.counts.spec, simulated=self.simulated, ax=ax
        )

    @_into_pyplot
    def retention_by_score(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention at the horizon, score by score, unadjusted and standardised."""
        from cxlink.report.figures.cohort_figures import retention_by_score

        return retention_by_score(self.estimates, self.counts.spec, simulated=self.simulated, ax=ax)

    @_into_pyplot
    def spend_by_score(self, ax: "Axes | None" = None) -> "Axes":
        """Draw mean spend over the window, score by score, unadjusted and standardised."""
        from cxlink.report.figures.cohort_figures import spend_by_score

        return spend_by_score(self.estimates, self.counts.spec, simulated=self.simulated, ax=ax)

    @_into_pyplot
    def value_by_score(self, ax: "Axes | None" = None) -> "Axes":
        """Draw lifetime value, score by score, unadjusted and standardised; needs ``[value]`` in the spec."""
        from cxlink.report.figures.cohort_figures import value_by_score

        return value_by_score(self.estimates, self.counts.spec, simulated=self.simulated, ax=ax)

    @_into_pyplot
    def unanswered_curves(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention of customers without a score beside that of those with one."""
        from cxlink.report.figures.nonresponse_figure import unanswered_curves

        return unanswered_curves(self.estimates, self.counts.spec, simulated=self.simulated, ax=ax)

    @_into_pyplot
    def tenure_ladder(self, ax: "Axes | None" = None) -> "Axes":
        """Draw mean tenure to each horizon, by family and averaged, with what is extrapolated."""
        from cxlink.report.figures.tenure_ladder import tenure_ladder

        return tenure_ladder(self.every_estimate, self.counts.spec, simulated=self.simulated, ax=ax)

    @_into_pyplot
    def family_survival(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the observed curves of both bands, and how each family continues them beyond follow-up."""
        from cxlink.report.figures.extrapolation_figure import family_survival

        return family_survival(
            self.estimates, self.projected, self.counts.spec, simulated=self.simulated, ax=ax
        )

    @_into_pyplot
    def family_hazards(self, ax: "Axes | None" = None) -> "Axes":
        """Draw losses per period: observed, smoothed, and as each family has them."""
        from cxlink.report.figures.hazard_figure import family_hazards

        return family_hazards(
            self.estimates, self.projected, self.at_risk, self.counts.spec, simulated=self.simulated, ax=ax
        )

    @_into_pyplot
    def backtest_calibration(self, ax: "Axes | None" = None) -> "Axes":
        """Draw survival predicted from earlier periods against what was observed, by score."""
        from cxlink.report.figures.calibration_figure import backtest_calibration
        from cxlink.report.sections.family_table import backtest_weights

        weights = backtest_weights(self.checks)
        return backtest_calibration(
            self.backtested, weights, self.counts.spec.unit, simulated=self.simulated, ax=ax
        )

    @_into_pyplot
    def posterior_retention(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention before any count and by the posterior, with what was observed; needs ``bayes=True``."""
        from cxlink.report.figures.posterior_figures import prior_retention

        curves = pd.concat(self.bayesian.curves) if self.bayesian is not None else pd.DataFrame()
        return prior_retention(self.estimates, curves, self.counts.spec, simulated=self.simulated, ax=ax)

    @_into_pyplot
    def metrics_over_time(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the first metric by calendar period, with its intervals; needs dates.

        Raises
        ------
        InputError
            If no metric is known in two calendar periods.
        """
        from cxlink.report.figures.metric_figures import metric_over_time

        return metric_over_time(self.metrics, simulated=self.simulated, ax=ax)

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


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(ComparisonResults):
    """What changed between cohorts, with their display in a notebook and folder."""

    def write(self, folder: "Path | str", overwrite: bool = False) -> None:
        """Write ``changes.csv``, ``calibration.csv``, the report, ``figures/`` and ``run.json``, or nothing.

        Raises
        ------
        InputError
            If the folder exists (with ``overwrite``: and is no run folder), or cannot be written.
        """
        from cxlink.change_runs import write_comparison
        from cxlink.runs import new_folder

        with new_folder(Path(folder), overwrite) as partial:
            write_comparison(self, partial, command="cxlink.verbs.compare(counts).write(folder)")

    def __repr__(self) -> str:
        base, *others = (counts.spec.cohort.name for counts in self.cohorts)
        return f"<Comparison of {', '.join(others)} with {base}>"

    def _repr_html_(self) -> str:
        """Show the verdicts, and each change with its parts in a sentence."""
        from cxlink.report.change_sections.comparison_document import opening
        from cxlink.report.render_html import blocks_html

        return blocks_html(opening(self))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PricedIntervention(InterventionValue):
    """The value of an intervention, with its display in a notebook."""

    def _repr_html_(self) -> str:
        """Show the results in sentences, and by causal share."""
        from cxlink.report.change_sections.intervention_document import results
        from cxlink.report.render_html import blocks_html

        return blocks_html(results(self))

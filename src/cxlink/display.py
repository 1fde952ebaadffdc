"""An analysis as a researcher holds it: tables by name, a method a figure, its display and its run folder."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxlink.checks import check_table, matching
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.picking import pick
from cxlink.metrics.drivers.driver_frame import driver_frame
from cxlink.report.check_notes import note
from cxlink.report.falling.change_table import change_table
from cxlink.report.metric_sections.metric_definitions import with_definitions
from cxlink.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PRIORS = ("model", "of", "quantity", "distribution", "centre", "scale")
_SPEND_MODELS = ("poisson", "gamma", "two_part", "log_ols")


def into_pyplot(draw: "Callable[..., Axes]") -> "Callable[..., Axes]":
    """Attach a new figure to pyplot: a notebook shows it when the cell ends, ``plt.show`` in a script.

    An empty frame is no figure: where nothing was estimated that it would show, it raises `InputError`.
    """

    @wraps(draw)
    def drawn(holder: object, ax: "Axes | None" = None, **asked: object) -> "Axes":
        axes = draw(holder, ax, **asked)
        if not axes.has_data():
            raise InputError(
                f"{draw.__name__}: nothing to draw, for this analysis has none of its estimates."
            )
        if ax is None:
            import matplotlib.pyplot as plt

            plt.figure(axes.figure)
        return axes

    return drawn


@dataclass(frozen=True, slots=True, repr=False)
class Analysis:
    """A cohort's results, with their tables, figures, display in a notebook and run folder.

    `estimates` is the one tidy table that the report stands on; every other table is a method, and gives a data frame
    of its own: change it, write it with ``to_latex``, or let a notebook show it.

    Attributes
    ----------
    results : Results
        What the report is made from.
    """

    results: Results

    def __repr__(self) -> str:
        n, name = int(self.counts.scored["n"].sum()), self.spec.cohort.name
        return f"<Analysis of {name}: {n:,} customers with a score, {len(self.estimates):,} estimates>"

    @property
    def counts(self) -> Counts:
        """Counts of the cohort."""
        return self.results.counts

    @property
    def spec(self) -> CohortSpec:
        """The spec of the cohort, with bands and horizon as resolved."""
        return self.results.spec

    @property
    def estimates(self) -> pd.DataFrame:
        """Every estimate that the report stands on: ``estimates.csv``."""
        return self.results.estimates

    def headline(self) -> pd.DataFrame:
        """Give the estimates of page one.

        Returns
        -------
        DataFrame
            Rows of ``estimates.csv``, those with ``headline`` true.
        """
        return self.results.headline()

    def pick(self, estimand: str, **where: object) -> pd.DataFrame:
        """Give the rows of an estimand, the main analysis where nothing else is asked for.

        Parameters
        ----------
        estimand : str
            Such as ``tenure`` or ``retention_difference``.
        **where
            Values of columns, such as ``group="best"``, ``horizon=36`` or ``model="weibull"``; see
            `cxlink.estimands.picking.pick`.

        Returns
        -------
        DataFrame
            Rows of ``estimates.csv`` that agree, in its order.

        Raises
        ------
        InputError
            If there is no such estimand, column, or row.
        """
        return pick(self.results.every_estimate, estimand, **where)

    def hazard_ratios(self) -> pd.DataFrame:
        """Give hazard ratios of the score's levels and bands, and of the adjustment variables from the same models.

        Returns
        -------
        DataFrame
            ``adjusted``, ``term``, ``level``, ``reference``, ``hazard_ratio``, ``conf_low``, ``conf_high``, ``n``: a
            ratio over 1 says that customers of the level are lost sooner than those of the reference.
        """
        table = self.results.coefficients
        rows = table[table["model"] == "grouped_ph"]
        ends = {"estimate": "hazard_ratio", "conf_low": "conf_low", "conf_high": "conf_high"}
        ratios = rows[list(ends)].apply(np.exp).rename(columns=ends)
        names = rows[["adjusted", "term", "level", "reference"]]
        return pd.concat([names, ratios, rows[["n"]]], axis=1).reset_index(drop=True)

    def coefficients(self) -> pd.DataFrame:
        """Give every term of every fitted model: ``coefficients.csv``.

        Returns
        -------
        DataFrame
            ``model``, ``adjusted``, ``part``, ``term``, ``level``, ``reference``, ``scale``, ``estimate``,
            ``std_error``, ``conf_low``, ``conf_high``, ``level_of_interval``, ``n``.
        """
        return self.results.coefficients.copy()

    def spend_models(self) -> pd.DataFrame:
        """Give every term of the regressions of spend, as in ``coefficients.csv``.

        Returns
        -------
        DataFrame
            Rows of `coefficients`.
        """
        table = self.results.coefficients
        return table[table["model"].isin(_SPEND_MODELS)].reset_index(drop=True)

    def families(self) -> pd.DataFrame:
        """Give second opinions on tenure, ``families.csv``: no row unless ``models="all"``.

        Returns
        -------
        DataFrame
            With the columns of `estimates`.
        """
        return self.results.families.copy()

    def metrics(self) -> pd.DataFrame:
        """Give NPS and other metrics with their definitions and sources: ``metrics.csv``.

        Returns
        -------
        DataFrame
            One row a metric, version, segment and period, with its interval.
        """
        table = self.results.every_metric
        return with_definitions(table, self.spec) if len(table) else table.copy()

    def drivers(self) -> pd.DataFrame:
        """Give what each of several scores tells: no row without ``[score] others``.

        Returns
        -------
        DataFrame
            ``outcome``, ``quantity``, ``score``, ``column``, ``estimate``, ``std_error``, ``conf_low``, ``conf_high``,
            ``level``, ``unit``, ``n``; see `cxlink.metrics.drivers.driver_frame.driver_frame`.
        """
        return driver_frame(self.results.drivers, self.spec)

    def journey(self) -> pd.DataFrame:
        """Give what contacts at touchpoints tell: no row without ``[touchpoints]``.

        Returns
        -------
        DataFrame
            ``metric``, ``version``, ``variable``, ``category``, ``period``, ``estimate``, ``std_error``, ``conf_low``,
            ``conf_high``, ``level``, ``unit``, ``n``; metrics begin with ``journey_``.
        """
        table = self.results.metrics
        if not len(table):
            return table.copy()
        return table[table["metric"].str.startswith("journey_")].reset_index(drop=True)

    def priors(self) -> pd.DataFrame:
        """Give the priors of the Bayesian models: no row without ``bayes=True``.

        Returns
        -------
        DataFrame
            ``model``, ``of``, ``quantity``, ``distribution``, ``centre``, ``scale``.
        """
        held = self.results.bayesian.priors if self.results.bayesian is not None else []
        return pd.concat(held, ignore_index=True) if held else pd.DataFrame(columns=list(_PRIORS))

    def checks(self, **where: object) -> pd.DataFrame:
        """Give the checks with their sentences: ``diagnostics.csv``.

        Parameters
        ----------
        **where
            Values of fields or facts, such as ``passed=False`` or ``code="support"``; a tuple means any of them.

        Returns
        -------
        DataFrame
            One row a check: ``code``, ``model``, ``group``, ``value``, ``conf_low``, ``conf_high``, ``bound``, ``ok``
            (true, false, or missing where nothing is judged), ``note``, ``facts`` (JSON).
        """
        return check_table(matching(self.results.checks, **where), note)

    def _repr_html_(self) -> str:
        from cxlink.report.analysis_document import headline
        from cxlink.report.render_html import blocks_html

        return blocks_html(headline(self.results))

    @into_pyplot
    def retention_curves(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention of the bands by time since the score, with customers at risk."""
        from cxlink.report.figures.cohort_figures import retention_curves

        late = self.spec.subscription is not None and self.spec.subscription.clock == "signup"
        at_risk = None if late or ax is not None else self.results.at_risk
        return retention_curves(
            self.estimates, self.spec, at_risk=at_risk, simulated=self.results.simulated, ax=ax
        )

    @into_pyplot
    def score_curves(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention by time since the score, a curve for each score."""
        from cxlink.report.figures.score_curves import score_curves

        return score_curves(self.estimates, self.spec, simulated=self.results.simulated, ax=ax)

    @into_pyplot
    def hazard_forest(self, ax: "Axes | None" = None) -> "Axes":
        """Draw hazard ratios of the score's levels and of every adjustment variable: associations, not effects."""
        from cxlink.report.figures.forest_figures import hazard_forest

        return hazard_forest(
            self.estimates, self.results.coefficients, self.spec, simulated=self.results.simulated, ax=ax
        )

    @into_pyplot
    def spend_forest(self, ax: "Axes | None" = None) -> "Axes":
        """Draw ratios of mean spend of the score's levels and of every adjustment variable, by two models."""
        from cxlink.report.figures.forest_figures import spend_forest

        return spend_forest(
            self.estimates, self.results.coefficients, self.spec, simulated=self.results.simulated, ax=ax
        )

    @into_pyplot
    def retention_by_score(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention at the horizon, score by score, unadjusted and standardised."""
        from cxlink.report.figures.cohort_figures import retention_by_score

        return retention_by_score(self.estimates, self.spec, simulated=self.results.simulated, ax=ax)

    @into_pyplot
    def spend_by_score(self, ax: "Axes | None" = None) -> "Axes":
        """Draw mean spend over the window, score by score, unadjusted and standardised; needs ``[spend]``."""
        from cxlink.report.figures.cohort_figures import spend_by_score

        return spend_by_score(self.estimates, self.spec, simulated=self.results.simulated, ax=ax)

    @into_pyplot
    def value_by_score(self, ax: "Axes | None" = None) -> "Axes":
        """Draw lifetime value, score by score, unadjusted and standardised; needs ``[value]`` in the spec."""
        from cxlink.report.figures.cohort_figures import value_by_score

        return value_by_score(self.estimates, self.spec, simulated=self.results.simulated, ax=ax)

    @into_pyplot
    def unanswered_curves(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention of customers without a score beside that of those with one; needs their day of the survey."""
        from cxlink.report.figures.nonresponse_figure import unanswered_curves

        return unanswered_curves(self.estimates, self.spec, simulated=self.results.simulated, ax=ax)

    def changes(self) -> pd.DataFrame:
        """Give what a falling and a rising score tell of retention at the horizon, by the model that each stands on.

        Returns
        -------
        DataFrame
            ``change`` (``fell``, ``rose``), ``given`` (``last``: against scores that stayed at the last one;
            ``present``: at the present one), ``model``, ``surveys``, ``changed``, ``stayed`` (retention),
            ``difference``, ``conf_low``, ``conf_high``; no row unless ``repeat = "all"`` and scores changed.
        """
        return change_table(self.estimates, self.results.checks, self.spec)

    @into_pyplot
    def falling_score(self, ax: "Axes | None" = None, move: str = "fall") -> "Axes":
        """Draw retention after a fall (or ``move="rise"``), beside customers who stayed at the last and present score.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; a figure of its own by default.
        move : {"fall", "rise"}
            Which change of the score.

        Raises
        ------
        InputError
            If no comparison is known: only surveys that all count (``repeat = "all"``) have them.
        """
        from cxlink.report.falling.falling_figure import falling_score

        found = self.results
        return falling_score(
            found.estimates, found.checks, self.spec, move=move, simulated=found.simulated, ax=ax
        )

    @into_pyplot
    def tenure_ladder(self, ax: "Axes | None" = None) -> "Axes":
        """Draw mean tenure to each horizon, by family and averaged, with what is extrapolated."""
        from cxlink.report.figures.tenure_ladder import tenure_ladder

        return tenure_ladder(self.results.every_estimate, self.spec, simulated=self.results.simulated, ax=ax)

    @into_pyplot
    def family_survival(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the observed curves of both bands, and how each family continues them beyond follow-up."""
        from cxlink.report.figures.extrapolation_figure import family_survival

        return family_survival(
            self.estimates, self.results.projected, self.spec, simulated=self.results.simulated, ax=ax
        )

    @into_pyplot
    def family_hazards(self, ax: "Axes | None" = None) -> "Axes":
        """Draw losses per period: observed, smoothed, and as each family has them."""
        from cxlink.report.figures.hazard_figure import family_hazards

        made = self.results
        return family_hazards(
            made.estimates, made.projected, made.at_risk, made.spec, simulated=made.simulated, ax=ax
        )

    @into_pyplot
    def backtest_calibration(self, ax: "Axes | None" = None) -> "Axes":
        """Draw survival predicted from earlier periods against what was observed, by score."""
        from cxlink.report.figures.calibration_figure import backtest_calibration
        from cxlink.report.sections.family_table import backtest_weights

        weights = backtest_weights(self.results.checks)
        return backtest_calibration(
            self.results.backtested, weights, self.spec.unit, simulated=self.results.simulated, ax=ax
        )

    @into_pyplot
    def posterior_retention(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention before any count and by the posterior, with what was observed; needs ``bayes=True``."""
        from cxlink.report.figures.posterior_figures import prior_retention

        curves = (
            pd.concat(self.results.bayesian.curves) if self.results.bayesian is not None else pd.DataFrame()
        )
        return prior_retention(self.estimates, curves, self.spec, simulated=self.results.simulated, ax=ax)

    @into_pyplot
    def metrics_over_time(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the first metric by calendar period, with its intervals; needs dates.

        Raises
        ------
        InputError
            If no metric is known in two calendar periods.
        """
        from cxlink.report.figures.metric_figures import metric_over_time

        return metric_over_time(self.results.metrics, simulated=self.results.simulated, ax=ax)

    @into_pyplot
    def importance_performance(self, ax: "Axes | None" = None, *, outcome: str = "") -> "Axes":
        """Draw how much each of several scores tells against its mean; needs ``[score] others``.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw.
        outcome : {"retention", "spend"}, optional
            Which; the first that was compared by default.

        Raises
        ------
        InputError
            If no scores were compared.
        """
        from cxlink.report.figures.driver_figure import importance_performance

        made = self.results
        return importance_performance(made.drivers, made.spec, outcome, simulated=made.simulated, ax=ax)

    @into_pyplot
    def journey_figure(self, ax: "Axes | None" = None) -> "Axes":
        """Draw what one point at each touchpoint goes with, given the others; needs ``[touchpoints]``.

        Raises
        ------
        InputError
            If no touchpoint was compared.
        """
        from cxlink.report.figures.journey_figure import journey

        return journey(self.results.metrics, simulated=self.results.simulated, ax=ax)

    def write(self, folder: "Path | str", overwrite: bool = False) -> None:
        """Write a run folder: tables, counts, figures and the PDF; whole or not at all.

        Parameters
        ----------
        folder : Path or str
            New; where it goes.
        overwrite : bool
            Replace a run folder that is there.

        Raises
        ------
        InputError
            If the folder exists (with ``overwrite``: and is no run folder), or cannot be written.
        """
        from cxlink.runs import new_folder, write_run

        with new_folder(Path(folder), overwrite) as partial:
            write_run(self.results, partial, command="cxlink.analyse(cohort).write(folder)")

"""The published study as a researcher holds it: its cohorts, its tables, a method a figure."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from cxlink.display import Analysis, into_pyplot
from cxlink.results import Reproduced
from cxlink.stages import Progress
from cxlink.study import reproduce as study
from cxlink.study.published import read

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, repr=False)
class Study:
    """The published study on two simulated cohorts, with its tables and figures.

    Attributes
    ----------
    results : Reproduced
        What the report is made from.
    """

    results: Reproduced

    def __repr__(self) -> str:
        cohorts = (self.results.subscription, self.results.transaction)
        return f"<Study of {sum(int(one.counts.scored['n'].sum()) for one in cohorts):,} customers>"

    @property
    def subscription(self) -> Analysis:
        """The subscribers."""
        return Analysis(self.results.subscription)

    @property
    def transaction(self) -> Analysis:
        """The buyers."""
        return Analysis(self.results.transaction)

    def published(self) -> pd.DataFrame:
        """Give what was printed in 2014: ``figure``, ``group``, ``value``, ``unit``, ``wording``, source.

        Returns
        -------
        DataFrame
            One row a printed figure.
        """
        return read("kriss_2014")

    def comparison(self) -> pd.DataFrame:
        """Give each figure as published, its truth in these cohorts, and the naive and adjusted estimates.

        Returns
        -------
        DataFrame
            ``figure``, ``group``, ``horizon``, ``unit``, ``published``, …, ``truth``, ``naive``, ``naive_low``,
            ``naive_high``, ``adjusted``, ``adjusted_low``, ``adjusted_high``.
        """
        return self.results.comparison.copy()

    def years(self) -> pd.DataFrame:
        """Give expected years of membership that follow from one year's retention, by assumption.

        Returns
        -------
        DataFrame
            ``model`` (a family), ``group``, ``retention`` after a year, ``heterogeneity`` as assumed, ``second_year``,
            ``years``.
        """
        return self.results.third_chart.copy()

    def six_years(self) -> pd.DataFrame:
        """Give what the printed six years would require, by assumption.

        Returns
        -------
        DataFrame
            One row a family: ``heterogeneity`` at which the best stay so long, and what it means for the worst.
        """
        return self.results.six_years.copy()

    @into_pyplot
    def retention_figure(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention after a year: published, true, naive and adjusted."""
        return self._figure("one_year_retention", ax)

    @into_pyplot
    def spend_figure(self, ax: "Axes | None" = None) -> "Axes":
        """Draw annual spend relative to the poorest scores: published, true, naive and adjusted."""
        return self._figure("relative_annual_revenue", ax)

    @into_pyplot
    def years_by_heterogeneity(self, ax: "Axes | None" = None) -> "Axes":
        """Draw expected years against how much smaller the second year's loss is than the first's."""
        from cxlink.report.figures.third_chart_figure import by_heterogeneity
        from cxlink.report.study_sections.third_chart_section import printed_membership

        rows = self.results.comparison
        membership = rows[rows["figure"] == "expected_further_membership"]
        printed = printed_membership(list(membership.itertuples()))
        return by_heterogeneity(self.results.third_chart, printed, self.results.subscription.spec, ax=ax)

    @into_pyplot
    def years_by_family(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the range of expected years of each family of curves."""
        from cxlink.report.figures.third_chart_figure import by_family

        return by_family(self.results.third_chart, ax=ax)

    def _figure(self, figure: str, ax: "Axes | None") -> "Axes":
        from cxlink.report.figures import drawing
        from cxlink.report.figures.study_figures import compared, name_marks
        from cxlink.report.study_sections.study_section import draw_study_figure

        rows = [row for row in compared(self.results.comparison) if row.figure == figure]
        with drawing.canvas(ax, (6.3, 0.9 + 0.42 * len(rows))) as axes:
            draw_study_figure(rows, self.results.subscription.spec, ax=axes)
            name_marks(axes)
        return axes


def reproduce(n: int = study.CUSTOMERS, seed: int = study.SEED, progress: Progress | None = None) -> Study:
    """Repeat the study of 2014 on simulated cohorts whose truth is set to the published figures.

    Parameters
    ----------
    n, seed : int
        Customers in each base, and the seed of the cohorts.
    progress : callable, optional
        Told each stage as it begins; by default a notebook shows a line with the share done and the time left.

    Returns
    -------
    Study
        Published, true and estimated figures side by side.
    """
    return Study(study.reproduce(n, seed, progress))

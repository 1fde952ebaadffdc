"""What a comparison and an intervention found, with their display in a notebook and folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cxlink.cohort.errors import InputError
from cxlink.comparison.changes import OutcomeChange
from cxlink.display import into_pyplot
from cxlink.results import ComparisonResults
from cxlink.value.intervention import InterventionValue

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(ComparisonResults):
    """What changed between cohorts, with their display in a notebook and folder."""

    def write(self, folder: "Path | str", overwrite: bool = False) -> None:
        """Write ``changes.csv``, ``calibration.csv``, the report, ``figures/`` and ``run.json``, or nothing.

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
        from cxlink.change_runs import write_comparison
        from cxlink.runs import new_folder

        with new_folder(Path(folder), overwrite) as partial:
            write_comparison(self, partial, command="cxlink.compare(counts).write(folder)")

    @into_pyplot
    def parts_of_change(
        self, ax: "Axes | None" = None, *, estimand: str = "retention", cohort: str = ""
    ) -> "Axes":
        """Draw the change of an outcome and its parts: mix, baseline and effect.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; a figure of its own by default.
        estimand : {"retention", "spend"}
            The outcome.
        cohort : str
            The name of the cohort compared; by default the last one.

        Raises
        ------
        InputError
            If that outcome of that cohort was not compared.
        """
        from cxlink.report.change_sections.outcome_section import draw_parts

        return draw_parts(self, self._outcome(estimand, cohort), ax)

    @into_pyplot
    def effect_by_score(
        self, ax: "Axes | None" = None, *, estimand: str = "retention", cohort: str = ""
    ) -> "Axes":
        """Draw what the effect changed at each score, and the whole change; see `parts_of_change`.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; a figure of its own by default.
        estimand : {"retention", "spend"}
            The outcome.
        cohort : str
            The name of the cohort compared; by default the last one.
        """
        from cxlink.report.change_sections.outcome_section import draw_effects

        return draw_effects(self, self._outcome(estimand, cohort), ax)

    @into_pyplot
    def prediction_errors(
        self, ax: "Axes | None" = None, *, estimand: str = "retention", cohort: str = ""
    ) -> "Axes":
        """Draw observed less predicted by the baseline cohort at each score; see `parts_of_change`.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw; a figure of its own by default.
        estimand : {"retention", "spend"}
            The outcome.
        cohort : str
            The name of the cohort compared; by default the last one.
        """
        from cxlink.report.change_sections.outcome_section import draw_errors

        return draw_errors(self, self._outcome(estimand, cohort), ax)

    def _outcome(self, estimand: str, cohort: str) -> OutcomeChange:
        there = [one for one in self.outcomes if one.estimand == estimand and cohort in ("", one.cohort)]
        if not there:
            known = "; ".join(f"{one.estimand} of {one.cohort}" for one in self.outcomes)
            raise InputError(f"{estimand}{cohort and f' of {cohort}'} was not compared. There is: {known}.")
        return there[-1]

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
    """The value of an intervention, with its figure and display in a notebook."""

    @into_pyplot
    def break_even(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the incremental margin against the causal share and the cost, with the point where it breaks even."""
        from cxlink.report.figures.intervention_figures import break_even

        planned, simulated = self.intervention, self.spec.cohort.simulated
        return break_even(self.estimates, planned.cost, planned.causal_share, simulated=simulated, ax=ax)

    def _repr_html_(self) -> str:
        """Show the results in sentences, and by causal share."""
        from cxlink.report.change_sections.intervention_document import results
        from cxlink.report.render_html import blocks_html

        return blocks_html(results(self))

"""What a comparison and an intervention found, with their display in a notebook and folder."""

from dataclasses import dataclass
from pathlib import Path

from cxlink.results import ComparisonResults
from cxlink.value.intervention import InterventionValue


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

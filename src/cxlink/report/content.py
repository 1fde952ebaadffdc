"""What the sections of a report are written from: an analysis, with its estimates by key and its scores counted."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from cxlink.checks import matching
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.strata import Category, categories_of
from cxlink.report.estimates_lookup import Book, open_book
from cxlink.report.language import CUSTOMERS, SURVEYS
from cxlink.report.words import say
from cxlink.results import Results


@dataclass(frozen=True)
class Material:
    """One cohort, ready to be written about.

    Attributes
    ----------
    results : Results
        What the analysis found.
    command : str
        How to run it again; empty where that is not told.
    book : Book
        Its estimates, by key.
    scores : dict of int to int or None
        Customers at each level that has some, from the worst to the best; None where suppressed.
    n_scored, n_unscored : int
        Customers with and without a score; surveys with one where each of a customer's counts.
    categories : dict of str to Category
        Those of the adjustment variables that have customers, by their label in the column ``stratum``.
    """

    results: Results
    command: str
    book: Book
    scores: dict[int, int | None]
    n_scored: int
    n_unscored: int
    categories: dict[str, Category]

    @property
    def spec(self) -> CohortSpec:
        """What the table was said to hold."""
        return self.results.spec

    @property
    def sides(self) -> tuple[str, str]:
        """The group and the reference of the headline contrast: ``best`` and ``worst`` unless asked otherwise."""
        return self.spec.contrast(self.spec.analysis.contrasts[0])

    @property
    def n_customers(self) -> int:
        """Customers with a score: as many as `n_scored`, unless each of their surveys counts."""
        found = matching(self.results.checks, code="surveys")
        return int(found[0].value) if found else self.n_scored

    @property
    def bands(self) -> tuple[str, ...]:
        """Those of the best and the worst band that have customers."""
        return tuple(band for band in ("best", "worst") if self.has(band))

    @property
    def table(self) -> str:
        """Name of the customers' table; empty for a frame, which has none."""
        return self.results.profile.table if self.results.profile.table not in ("", "table") else ""

    def has(self, group: str) -> bool:
        """Whether anybody gave a score of this group."""
        return any(level in self.scores for level in self.spec.group(group))

    def size(self, group: str) -> int:
        """Give the number of customers who gave a score of this group."""
        cells = self.results.counts.cells
        inside = cells["score"].isin(self.spec.group(group)).fillna(False)
        return int(cells.loc[inside, "n"].sum())

    def too_small(self, group: str) -> bool:
        """Whether a group has customers, but too few for its figures to be published."""
        return 0 < self.size(group) < self.spec.publish.smallest_cell


def gather(results: Results, command: str = "") -> Material:
    """Count the scores and index the estimates of a cohort."""
    cells, least = results.counts.cells, results.spec.publish.smallest_cell
    scored = cells[cells["score"].notna()]
    found = {int(level): int(n) for level, n in scored.groupby("score")["n"].sum().items()}  # type: ignore[call-overload]
    hidden = _hidden(results.every_estimate) if least > 1 else set()
    scores = {
        level: found[level] if found[level] >= least and str(level) not in hidden else None
        for level in results.spec.scale.levels
        if found.get(level)
    }
    n_scored = int(scored["n"].sum())
    n_unscored = int(cells["n"].sum()) - n_scored
    book, categories = open_book(results.every_estimate), categories_of(cells, results.spec.stratum_variables)
    by_label = {one.label: one for one in categories}
    return Material(results, command, book, scores, n_scored, n_unscored, by_label)


def _hidden(estimates: pd.DataFrame) -> set[str]:
    """Groups of the whole cohort of which no number is published."""
    own = estimates[(estimates["reference"] == "") & (estimates["stratum"] == "")]
    known = own.groupby("group")["n"].max()
    return set(known.index[known.isna()])


def counted_by(spec: CohortSpec) -> str:
    """Say what the numbers of a cohort are of, as `cxlink.report.language.counting` takes it."""
    return SURVEYS if spec.every_survey else CUSTOMERS


def of_clusters(spec: CohortSpec) -> str:
    """Give the end of the keys of what is said of clustered customers, one survey each; nothing of independent ones."""
    return "_clusters" if spec.of_first_surveys.cluster_column is not None else ""


def stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put the tables of several posteriors under each other; an empty one where there is none."""
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def byline(spec: CohortSpec) -> tuple[str, ...]:
    """Give the lines below a report's title: author, organisation and the period of the data, those that are given."""
    given = spec.report
    return tuple(
        say(f"document.{name}", **{name: text})
        for name, text in (
            ("author", given.author),
            ("organisation", given.organisation),
            ("period", given.period),
        )
        if text
    )


def mark(simulated: bool, study: bool = False) -> str:
    """What the head of every page says of whose figures these are; nothing of real customers."""
    if not simulated:
        return ""
    return say("document.simulated_study" if study else "document.simulated")

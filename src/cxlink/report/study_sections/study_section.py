"""The first page of the published study: what it is, and how its figures come out."""

from collections.abc import Sequence

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.document import Block, Runs, bullets, notice, paragraph, picture, strong
from cxlink.report.figures import drawing
from cxlink.report.figures.study_figures import StudyFigure, compared, name_marks, study_comparison
from cxlink.report.format import FIRM, THIN, TIMES, capital, decimal, listed, score, whole
from cxlink.report.study_sections.study_replications import replications_section
from cxlink.report.study_sections.study_tables import RETENTION, comparison_table, figure_name, reading
from cxlink.report.study_sections.study_tenure import tenure_section
from cxlink.results import Reproduced

REVENUE = "relative_annual_revenue"


def study_pages(study: Reproduced, level: int = 1) -> list[Block]:
    """Open the report of the study.

    Parameters
    ----------
    study : Reproduced
        Its comparison and readings; what ``worst`` and ``best`` are is what the subscription cohort says.
    level : int
        Of its headings.
    """
    rows, spec = compared(study.comparison), study.subscription.spec
    targets = [row for row in rows if row.unit not in TIMES]
    parts = [
        notice([
            strong("No customer records of the study were ever published. "),
            "Both cohorts in this report are simulated, with a known truth set to the figures that were. What the "
            "report shows is whether this analysis finds that truth again from such records, not what any company’s "
            "customers did.",
        ]),
        paragraph(_retention(targets, spec)),
        paragraph(_revenue(targets, spec)),
        paragraph(_found(targets)),
        _figure(targets, spec),
        comparison_table("Published, true, naive and adjusted.", targets, spec),
    ]  # fmt: skip
    parts += [paragraph("The cohorts:"), bullets(_cohorts(study)), *tenure_section(study, rows, level)]
    return [*parts, *replications_section(study.replications, spec, level)]


def _cohorts(study: Reproduced) -> list[str]:
    texts = []
    for name, results in (("Subscription", study.subscription), ("Transaction", study.transaction)):
        n, scored = results.profile.rows_read, int(results.counts.scored["n"].sum())
        texts.append(
            f"{name}: {whole(n)} simulated customers, {whole(scored)} of whom answered (cxlink simulate "
            f"{name.lower()} -n {n} --seed {study.seed} makes the table)."
        )
    return texts


def _retention(rows: Sequence[StudyFigure], spec: CohortSpec) -> Runs:
    """Say what was published, what is true here, and what both comparisons give."""
    own = [row for row in rows if row.figure == RETENTION]

    def each(name: str) -> str:
        return listed([f"{reading(row, name, unit=True)} ({score(row.group, spec)})" for row in own])

    return [
        strong("Retention. "),
        f"The study (Kriss 2014) printed that after a year {each('published')} of a subscription company’s customers "
        f"were still members. The truth of the simulated cohort is {each('truth')}. Raw groups compared naively give "
        f"{each('naive')}; adjusted for what customers need and how long they had been there, {each('adjusted')}.",
    ]


def _revenue(rows: Sequence[StudyFigure], spec: CohortSpec) -> Runs:
    own = [row for row in rows if row.figure == REVENUE]
    if not own:
        return "No revenue was compared."
    top = own[-1]
    more = f"{decimal(100 * (top.published - 1), 0)}{THIN}%"
    return [
        strong("Revenue. "),
        f"Customers of a transaction company with {score(top.group, spec)} were printed to spend {more} more in a year "
        f"than those with scores 1–3: a ratio of {reading(top, 'published')}. The truth here is "
        f"{reading(top, 'truth')}, the naive ratio {reading(top, 'naive')}, the adjusted one "
        f"{reading(top, 'adjusted')}.",
    ]


def _found(rows: Sequence[StudyFigure]) -> str:
    """Say how often each reading's intervals hold the truth, and why the two differ."""
    adjusted, naive = (sum(row.holds(name) for row in rows) for name in ("adjusted", "naive"))
    return (
        f"Of the {len(rows)} figures that the cohorts are set to, the adjusted intervals hold the truth for "
        f"{adjusted}, the naive ones for {naive}. The two differ because in these cohorts how much customers need the "
        "product goes with both their score and what they do next. The third result of the study, how long customers "
        "stay, is not like these two: it has a section of its own, next."
    )


def _figure(rows: Sequence[StudyFigure], spec: CohortSpec) -> Block:
    figures = list(dict.fromkeys(row.figure for row in rows))
    with drawing.sheet((6.3, 2.25), 1, len(figures)) as axes:
        for i, (ax, figure) in enumerate(zip(axes, figures, strict=True)):
            block = [row for row in rows if row.figure == figure]
            scale, unit = (100.0, "%") if block[0].unit == "probability" else (1.0, block[0].unit)
            names = [score(row.group, spec) for row in block]
            label = f"{figure_name(figure)} ({unit})"
            last = i == len(figures) - 1
            study_comparison(block, names, label, scale=scale, simulated=last, ax=ax)
        name_marks(axes[0])
    said = "; ".join(
        f"{figure_name(row.figure)}, {score(row.group, spec)}: published {reading(row, 'published')}, truth "
        f"{reading(row, 'truth')}, naive {reading(row, 'naive')}, adjusted {reading(row, 'adjusted')}"
        for row in rows
    )
    caption = (
        "The study’s figures: published, true in the simulated cohorts, naive, and adjusted, with intervals."
    )
    alt = f"Dots with intervals beside the published figures and the truth. {capital(said)}"
    return picture("study-comparison", drawing.svg(axes[0]), alt.replace(FIRM, " "), caption)

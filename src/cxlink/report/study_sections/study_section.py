"""The first page of the published study: what it is, and how its figures come out."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.document import Block, Runs, bullets, notice, paragraph, picture
from cxlink.report.figures import drawing
from cxlink.report.figures.study_figures import StudyFigure, compared, name_marks, study_comparison
from cxlink.report.format import FIRM, TIMES, score
from cxlink.report.study_sections.study_replications import replications_section
from cxlink.report.study_sections.study_tables import RETENTION, comparison_table, figure_name, written_figure
from cxlink.report.study_sections.study_tenure import tenure_section
from cxlink.report.words import say, styled
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
        notice(styled("study.notice")),
        paragraph(_retention(targets, spec)),
        paragraph(_revenue(targets, spec)),
        paragraph(_found(targets)),
        _figure(targets, spec),
        comparison_table(say("study.comparison_caption"), targets, spec),
    ]
    parts += [paragraph(say("study.cohorts")), bullets(_cohorts(study)), *tenure_section(study, rows, level)]
    return [*parts, *replications_section(study.replications, spec, level)]


def _cohorts(study: Reproduced) -> list[str]:
    texts = []
    for design, results in (("subscription", study.subscription), ("transaction", study.transaction)):
        n, scored = results.profile.rows_read, int(results.counts.scored["n"].sum())
        texts.append(
            say(
                "study.cohort",
                name=say(f"study.design_{design}"),
                n=n,
                scored=scored,
                design=design,
                count=n,
                seed=study.seed,
            )
        )
    return texts


def _retention(rows: Sequence[StudyFigure], spec: CohortSpec) -> Runs:
    """Say what was published, what is true here, and what both comparisons give."""
    own = [row for row in rows if row.figure == RETENTION]

    def each(name: str) -> list[str]:
        return [
            say(
                "study.retention_of", value=written_figure(row, name, unit=True), group=score(row.group, spec)
            )
            for row in own
        ]

    return styled(
        "study.retention",
        published=each("published"),
        truth=each("truth"),
        naive=each("naive"),
        adjusted=each("adjusted"),
    )


def _revenue(rows: Sequence[StudyFigure], spec: CohortSpec) -> Runs:
    own = [row for row in rows if row.figure == REVENUE]
    if not own:
        return say("study.revenue_none")
    top = own[-1]
    return styled(
        "study.revenue",
        group=score(top.group, spec),
        more=top.published - 1,
        published=written_figure(top, "published"),
        truth=written_figure(top, "truth"),
        naive=written_figure(top, "naive"),
        adjusted=written_figure(top, "adjusted"),
    )


def _found(rows: Sequence[StudyFigure]) -> str:
    """Say how often the intervals of each comparison contain the truth, and why the two differ."""
    adjusted, naive = (sum(row.covers_truth(name) for row in rows) for name in ("adjusted", "naive"))
    return say("study.coverage", n=len(rows), adjusted=adjusted, naive=naive)


def draw_study_figure(
    rows: Sequence[StudyFigure], spec: CohortSpec, *, simulated: bool = True, ax: Axes | None = None
) -> Axes:
    """Draw one figure of the study: published, true, naive and adjusted, a line a group."""
    scale, unit = (100.0, "%") if rows[0].unit == "probability" else (1.0, rows[0].unit)
    names = [score(row.group, spec) for row in rows]
    label = say("study.axis", figure=figure_name(rows[0].figure), unit=unit)
    return study_comparison(rows, names, label, scale=scale, simulated=simulated, ax=ax)


def _figure(rows: Sequence[StudyFigure], spec: CohortSpec) -> Block:
    figures = list(dict.fromkeys(row.figure for row in rows))
    with drawing.sheet((6.3, 2.25), 1, len(figures)) as axes:
        for i, (ax, figure) in enumerate(zip(axes, figures, strict=True)):
            block = [row for row in rows if row.figure == figure]
            draw_study_figure(block, spec, simulated=i == len(figures) - 1, ax=ax)
        name_marks(axes[0])
    said = "; ".join(
        say(
            "study.figure_value",
            figure=figure_name(row.figure),
            group=score(row.group, spec),
            published=written_figure(row, "published"),
            truth=written_figure(row, "truth"),
            naive=written_figure(row, "naive"),
            adjusted=written_figure(row, "adjusted"),
        )
        for row in rows
    )
    alt = say("study.figure_alt", values=said).replace(FIRM, " ")
    return picture("study-comparison", drawing.svg(axes[0]), alt, say("study.figure"))

"""The section on tenure in the report of the study: why its years do not follow, and what the cohort can tell."""

import math
from collections.abc import Sequence

import pandas as pd

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.document import Block, heading, paragraph, picture, table
from cxlink.report.figures import drawing
from cxlink.report.figures.study_figures import StudyFigure, name_marks, study_comparison
from cxlink.report.format import NONE, TIMES, capital, decimal, percent, periods, score, units
from cxlink.report.study_sections.public_curves_section import public_curves_section
from cxlink.report.study_sections.study_tables import (
    MEMBERSHIP,
    RESTRICTED,
    RETENTION,
    bands_and_horizons,
    comparison_table,
    written_figure,
)  # fmt: skip
from cxlink.report.study_sections.third_chart_section import printed_membership, third_chart_section
from cxlink.report.words import say
from cxlink.results import Reproduced


def tenure_section(study: Reproduced, rows: Sequence[StudyFigure], level: int) -> list[Block]:
    """Show why the study's three subscription figures do not fit together, and what the cohort says of tenure.

    Parameters
    ----------
    study : Reproduced
        Its readings.
    rows : sequence of StudyFigure
        All of its comparison.
    level : int
        Of the heading.
    """
    spec = study.subscription.spec
    known = [row.published for row in rows if row.figure == RETENTION and 0 < row.published < 1]
    parts = [
        heading(say("study_tenure.heading", low=known[0], high=known[-1]), level),
        paragraph(_paradox(known)),
        _assumptions(study.paradox, spec),
        *third_chart_section(
            study, printed_membership([row for row in rows if row.figure == MEMBERSHIP]), spec, level + 1
        ),
        *public_curves_section(study, level + 1),
    ]
    tenure = [row for row in rows if row.unit in TIMES]
    if not tenure:
        return parts
    restricted = [row for row in tenure if row.figure == RESTRICTED]
    parts += [heading(say("study_tenure.cohort_heading"), level + 1, new_page=True)]
    parts += [paragraph(text) for text in (*_missed(restricted, spec), *_unrestricted(tenure, spec))]
    ordered = sorted(tenure, key=lambda row: (row.figure != RESTRICTED, row.horizon or 0))
    caption = say("study_tenure.caption", units=units(spec.unit))
    return [*parts, *_figure(restricted, spec), comparison_table(caption, ordered, spec)]


def _paradox(known: Sequence[float]) -> str:
    """Give the mean that each published retention implies at a constant hazard, −1/ln r years."""
    means = [say("study_tenure.mean", retained=r, years=-1 / math.log(r)) for r in known]
    return say("study_tenure.paradox", means=means)


def _assumptions(assumptions: pd.DataFrame, spec: CohortSpec) -> Block:
    """Set out what the published retention means in years under each assumption."""
    cells = []
    for row in assumptions.to_dict("records"):
        name = say(f"study_tenure.assumption_{row['assumption']}")
        if row["parameter"]:
            parameter = say(f"study_tenure.common_{row['parameter']}", value=row["value"])
            name = say("study_tenure.with_parameter", assumption=name, parameter=parameter)
        years = [_years(row[key]) for key in ("years_of_worst", "years_of_best")]
        cells.append([capital(name), *years, percent(row["retention_needed_for_six_years"], 1)])
    header = [
        say("study_tenure.assumption"),
        *(capital(score(band, spec)) for band in ("worst", "best")),
        say("study_tenure.needed"),
    ]
    notes, caption = [say("study_tenure.assumptions_note")], say("study_tenure.assumptions")
    return table(caption, header, cells, notes=notes, shares=(6, 1.3, 1.7, 1.3))


def _years(value: float) -> str:
    return NONE if pd.isna(value) else decimal(value, 2)


def _missed(rows: Sequence[StudyFigure], spec: CohortSpec) -> list[str]:
    """Say where the adjusted intervals contain the truth and where they miss it, within follow-up and beyond."""
    inside = [row for row in rows if (row.horizon or 0) <= spec.horizon]
    beyond = [row for row in rows if (row.horizon or 0) > spec.horizon]
    texts = []
    if inside:
        covered = sum(row.covers_truth("adjusted") for row in inside)
        horizon = periods(spec.horizon, spec.unit)
        texts.append(say("study_tenure.inside", horizon=horizon, covered=covered, all=len(inside)))
    missed = [row for row in beyond if not row.covers_truth("adjusted")]
    if missed:
        texts.append(_largest_error(missed, len(beyond), spec))
    elif beyond:
        texts.append(say("study_tenure.covered", all=len(beyond)))
    return [" ".join(texts)] if texts else []


def _largest_error(missed: Sequence[StudyFigure], n: int, spec: CohortSpec) -> str:
    worst = max(missed, key=lambda row: abs(row.adjusted / row.truth - 1))
    return say(
        "study_tenure.missed",
        missed=len(missed),
        all=n,
        which=bands_and_horizons(missed, spec),
        group=score(worst.group, spec),
        horizon=periods(worst.horizon or 0, spec.unit),
        adjusted=written_figure(worst, "adjusted"),
        truth=written_figure(worst, "truth"),
    )


def _unrestricted(rows: Sequence[StudyFigure], spec: CohortSpec) -> list[str]:
    """Set the truth's own mean without a horizon beside the study's words."""
    own = [row for row in rows if row.figure == MEMBERSHIP]
    if not own:
        return []
    truth = [
        say("study_tenure.unrestricted_of", years=written_figure(row, "truth"), group=score(row.group, spec))
        for row in own
    ]
    text = say("study_tenure.unrestricted", truth=truth)
    if any(row.is_infinite("adjusted") for row in own):
        text += f" {say('study_tenure.unrestricted_endless')}"
    return [text]


def _figure(rows: Sequence[StudyFigure], spec: CohortSpec) -> list[Block]:
    bands = list(dict.fromkeys(row.group for row in rows))
    if not bands:
        return []
    with drawing.sheet((6.3, 2.3), 1, len(bands)) as axes:
        for i, (ax, band) in enumerate(zip(axes, bands, strict=True)):
            block = [row for row in rows if row.group == band]
            names = [periods(row.horizon or 0, spec.unit) for row in block]
            label = say("study_tenure.axis", group=score(band, spec), units=units(block[0].unit))
            study_comparison(block, names, label, simulated=i == len(bands) - 1, ax=ax).set_ylabel(
                say("study_tenure.horizon") if i == 0 else ""
            )
        name_marks(axes[0], published=False)
    said = "; ".join(
        say(
            "study_tenure.figure_value",
            group=score(row.group, spec),
            horizon=periods(row.horizon or 0, spec.unit),
            truth=written_figure(row, "truth"),
            adjusted=written_figure(row, "adjusted"),
        )
        for row in rows
    )
    alt = say("study_tenure.figure_alt", values=said)
    return [picture("study-tenure", drawing.svg(axes[0]), alt, say("study_tenure.figure"))]

"""The section on tenure in the report of the study: why its years do not follow, and what the cohort can tell."""

import math
from collections.abc import Sequence

import pandas as pd

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.document import Block, heading, paragraph, picture, table
from cxlink.report.figures import drawing
from cxlink.report.figures.study_figures import StudyFigure, name_marks, study_comparison
from cxlink.report.format import NONE, THIN, TIMES, capital, decimal, listed, percent, score
from cxlink.report.study_sections.public_curves_section import public_curves_section
from cxlink.report.study_sections.study_tables import (
    MEMBERSHIP,
    RESTRICTED,
    RETENTION,
    bands_and_horizons,
    comparison_table,
    reading,
)  # fmt: skip
from cxlink.report.study_sections.third_chart_section import printed_membership, third_chart_section
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
    title = f"Why 43{THIN}%, 74{THIN}% and “six years” do not come from one constant hazard"
    parts = [
        heading(title, level, new_page=True),
        paragraph(_paradox(rows)),
        _readings(study.paradox, spec),
        *third_chart_section(
            study, printed_membership([row for row in rows if row.figure == MEMBERSHIP]), spec, level + 1
        ),
        *public_curves_section(study, level + 1),
    ]
    tenure = [row for row in rows if row.unit in TIMES]
    if not tenure:
        return parts
    restricted = [row for row in tenure if row.figure == RESTRICTED]
    parts += [heading("Tenure in the simulated subscription cohort", level + 1, new_page=True)]
    parts += [paragraph(text) for text in (*_missed(restricted, spec), *_unrestricted(tenure, spec))]
    ordered = sorted(tenure, key=lambda row: (row.figure != RESTRICTED, row.horizon or 0))
    caption = (
        f"Mean tenure within each horizon in {spec.unit}s, and without one in years: published, true in the simulated "
        "subscription cohort, naive, and adjusted."
    )
    return [*parts, *_figure(restricted, spec), comparison_table(caption, ordered, spec)]


def _paradox(rows: Sequence[StudyFigure]) -> str:
    known = [row.published for row in rows if row.figure == RETENTION and 0 < row.published < 1]
    means = listed([f"{percent(r)} retained after a year means {-1 / math.log(r):.1f} years" for r in known])
    return (
        "If customers are lost at one constant rate, retention after a year fixes how long they stay on average: with "
        f"r retained, −1/ln r years. {means}. The study printed “a little over a year” for the lowest score, which "
        "fits, and “another six years” for the highest, which does not. Something that the article does not say must "
        "stand between the two: a rate of loss that falls over time, because customers differ, for one. Several "
        "assumptions do it, and they disagree on everything else. So the six years are not a target of the "
        "simulation; the mean tenure that is true in the simulated cohort is reported instead."
    )


def _readings(readings: pd.DataFrame, spec: CohortSpec) -> Block:
    """Set out what the published retention means in years under each reading."""
    cells = []
    for row in readings.to_dict("records"):
        name = "; ".join(str(row[key]) for key in ("reading", "parameter") if row[key])
        years = [_years(row[key]) for key in ("years_of_worst", "years_of_best")]
        cells.append([capital(name), *years, percent(row["retention_needed_for_six_years"], 1)])
    header = [
        "Reading",
        *(f"{capital(score(band, spec))}" for band in ("worst", "best")),
        "Needed for six years",
    ]
    notes = [
        "The last column is the retention that six years would need. "
        f"{NONE}: the parameter was chosen so that the six years come out, or is fixed to show how much it matters."
    ]
    caption = (
        "Years of further membership that the published retention after one year means, under each reading."
    )
    return table(caption, header, cells, notes=notes, shares=(6, 1.3, 1.7, 1.3))


def _years(value: float) -> str:
    return NONE if pd.isna(value) else decimal(value, 2)


def _missed(rows: Sequence[StudyFigure], spec: CohortSpec) -> list[str]:
    """Say where the adjusted intervals hold the truth and where they miss it, inside follow-up and beyond."""
    inside = [row for row in rows if (row.horizon or 0) <= spec.horizon]
    beyond = [row for row in rows if (row.horizon or 0) > spec.horizon]
    texts = []
    if inside:
        held = sum(row.holds("adjusted") for row in inside)
        texts.append(
            f"Within {spec.horizon} {spec.unit}s, which the cohort was followed for, mean tenure comes from the "
            f"observed curves: {held} of {len(inside)} adjusted intervals hold the truth."
        )
    missed = [row for row in beyond if not row.holds("adjusted")]
    if missed:
        worst = max(missed, key=lambda row: abs(row.adjusted / row.truth - 1))
        texts.append(
            f"At longer horizons it comes from the average of the fitted families, and {len(missed)} of {len(beyond)} "
            f"intervals miss the truth: those of {bands_and_horizons(missed, spec)}. The furthest off is "
            f"{score(worst.group, spec)} within {worst.horizon} {spec.unit}s, {reading(worst, 'adjusted')} where "
            f"{reading(worst, 'truth')} is true. That is a result, not an accident: agreement inside follow-up does "
            "not determine what lies beyond, and the intervals hold the error of the sample, not that of the families."
        )
    elif beyond:
        texts.append(
            f"At longer horizons it comes from the average of the fitted families; in this sample all {len(beyond)} "
            "intervals hold the truth, which agreement inside follow-up does not promise."
        )
    return [" ".join(texts)] if texts else []


def _unrestricted(rows: Sequence[StudyFigure], spec: CohortSpec) -> list[str]:
    """Set the truth's own mean without a horizon beside the study's words."""
    own = [row for row in rows if row.figure == MEMBERSHIP]
    if not own:
        return []
    truth = listed([f"{reading(row, 'truth')} years ({score(row.group, spec)})" for row in own])
    text = (
        f"Without any horizon, customers of the simulated cohort stay {truth} on average, beside the study’s “a little "
        "over a year” for the lowest score and “another six years” for the highest."
    )
    if any(row.endless("adjusted") for row in own):
        text += (
            " The cohort cannot tell: the average of the families has no finite mean, because the curve of one of them "
            "falls too slowly. Any finite number of years would be a choice of family."
        )
    return [text]


def _figure(rows: Sequence[StudyFigure], spec: CohortSpec) -> list[Block]:
    bands = list(dict.fromkeys(row.group for row in rows))
    if not bands:
        return []
    with drawing.sheet((6.3, 2.3), 1, len(bands)) as axes:
        for i, (ax, band) in enumerate(zip(axes, bands, strict=True)):
            block = [row for row in rows if row.group == band]
            names = [f"{row.horizon} {spec.unit}s" for row in block]
            label = f"Mean tenure, {score(band, spec)} ({block[0].unit}s)"
            study_comparison(block, names, label, simulated=i == len(bands) - 1, ax=ax).set_ylabel(
                "Horizon" if i == 0 else ""
            )
        name_marks(axes[0], published=False)
    said = "; ".join(
        f"{score(row.group, spec)} within {row.horizon} {spec.unit}s: truth {reading(row, 'truth')}, adjusted "
        f"{reading(row, 'adjusted')}"
        for row in rows
    )
    caption = (
        "Mean tenure within each horizon: true in the simulated cohort, naive, and adjusted, with intervals."
    )
    return [
        picture(
            "study-tenure", drawing.svg(axes[0]), f"Dots with intervals beside the truth. {said}", caption
        )
    ]

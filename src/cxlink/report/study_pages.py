"""The first pages of the published study: what it is, how its figures come out, why one of them cannot."""

import math
from collections.abc import Sequence
from itertools import groupby

import pandas as pd

from cxlink.cohort.spec import CohortSpec
from cxlink.report import drawing
from cxlink.report.blocks import Block, bullets, heading, notice, paragraph, picture, strong, table
from cxlink.report.content import Study
from cxlink.report.study_figures import Compared, compared, name_marks, study_comparison
from cxlink.report.wording import (
    ENDLESS,
    FIRM,
    NONE,
    THIN,
    TIMES,
    capital,
    decimal,
    listed,
    percent,
    score,
    whole,
    words,
)  # fmt: skip

RETENTION = "one_year_retention"
_SHARES = (2.2, 1.35, 2.35, 1.05, 0.7, 1.7, 1.7)


def study_pages(study: Study, spec: CohortSpec, level: int = 1) -> list[Block]:
    """Open the report of the study.

    Parameters
    ----------
    study : Study
        Its comparison and readings.
    spec : CohortSpec
        Of one of its cohorts: what ``worst`` and ``best`` are.
    level : int
        Of its headings.
    """
    rows = compared(study["comparison"])
    targets = [row for row in rows if row.unit not in TIMES]
    tenure = [row for row in rows if row.unit in TIMES]
    parts = [
        notice([
            strong("No customer records of the study were ever published. "),
            "Both cohorts in this report are simulated, with a known truth set to the figures that were. What the "
            "report shows is whether this analysis finds that truth again from such records, not what any company’s "
            "customers did.",
        ]),
        paragraph(
            "The study (Kriss 2014) set the experience scores of customers of two large companies, one by "
            "subscription and one by transaction, against what they did in the year that followed. Below are its "
            "figures, the truth of the simulated cohorts, the naive comparison of raw groups, and the adjusted one. "
            "Naive and adjusted differ because in these cohorts how much customers need the product goes with both "
            "their score and what they do next."
        ),
        paragraph(_found(targets)),
        _figure(targets, spec),
        _table("Published, true, naive and adjusted.", targets, spec),
    ]  # fmt: skip
    if study["cohorts"]:
        parts += [paragraph("The cohorts:"), bullets(study["cohorts"])]
    parts += _paradox(rows, study["paradox"], level)
    if tenure:
        caption = "Tenure: published, true in the simulated subscription cohort, naive, and adjusted."
        parts.append(_table(caption, tenure, spec))
    return parts


def _found(rows: Sequence[Compared]) -> str:
    """Say how often each reading's intervals hold the truth."""
    adjusted = sum(row.adjusted_low <= row.truth <= row.adjusted_high for row in rows)
    naive = sum(row.naive_low <= row.truth <= row.naive_high for row in rows)
    return (
        f"Of the {len(rows)} figures that the cohorts are set to, the adjusted intervals hold the truth for "
        f"{adjusted}, the naive ones for {naive}."
    )


def _figure(rows: Sequence[Compared], spec: CohortSpec) -> Block:
    blocks = [list(block) for _, block in groupby(rows, key=lambda row: row.figure)]
    sizes = [len(block) for block in blocks]
    tall = 0.4 + 0.55 * len(blocks) + 0.23 * sum(sizes)
    with drawing.sheet((6.3, tall), len(blocks), 1, [size + 0.4 for size in sizes]) as axes:
        for i, (ax, block) in enumerate(zip(axes, blocks, strict=True)):
            scale, unit = (100.0, "%") if block[0].unit == "probability" else (1.0, block[0].unit)
            names = [score(row.group, spec) for row in block]
            label = f"{_named(block[0].figure)} ({unit})"
            study_comparison(block, names, label, scale=scale, simulated=i == 0, ax=ax)
        name_marks(axes[0])
    alt = "Dots with intervals beside the published figures and the truth; the table below holds the numbers."
    caption = (
        "The study’s figures: published, true in the simulated cohorts, naive, and adjusted, with intervals."
    )
    return picture("study-comparison", drawing.svg(axes[0]), alt, caption)


def _table(caption: str, rows: Sequence[Compared], spec: CohortSpec) -> Block:
    cells: list[list[str]] = []
    rules: list[int] = []
    for _, block in groupby(rows, key=lambda row: row.figure):
        rules += [len(cells)] if cells else []
        for _, same in groupby(sorted(block, key=_horizon), key=_horizon):
            own = list(same)
            names = [_titled(own[0]), *[""] * (len(own) - 1)]
            for name, row in zip(names, own, strict=True):
                cells.append([name, capital(score(row.group, spec)), row.published_status, *_numbers(row)])
    header = ["Figure", "Group", "Status", "Published", "Truth", "Naive", "Adjusted"]
    notes = ["Retention in per cent."] if any(row.unit == "probability" for row in rows) else []
    if any(NONE in line for line in cells):
        notes.append(f"{NONE}: no number was printed.")
    if any("∞" in cell for line in cells for cell in line):
        notes.append(f"∞: {ENDLESS} from this follow-up.")
    return table(caption, header, cells, notes=notes, rules=rules, texts=(0, 1, 2), shares=_SHARES)


def _numbers(row: Compared) -> list[str]:
    coarse, fine, scale = {"probability": (0, 1, 100.0), "ratio": (1, 2, 1.0)}.get(row.unit, (0, 1, 1.0))
    shown = [decimal(scale * row.published, coarse), decimal(scale * row.truth, fine)]
    for estimate, low, high in (
        (row.naive, row.naive_low, row.naive_high), (row.adjusted, row.adjusted_low, row.adjusted_high),
    ):  # fmt: skip
        ends = f",{FIRM}".join(decimal(scale * end, fine) for end in (low, high))
        known = math.isfinite(low) or math.isfinite(high)
        shown.append(f"{decimal(scale * estimate, fine)} [{ends}]" if known else decimal(estimate, 0))
    return shown


def _horizon(row: Compared) -> int:
    return row.horizon or 0


def _titled(row: Compared) -> str:
    """Name a figure in the table: its horizon where it is a tenure, else its unit where that is a time."""
    if row.unit not in TIMES:
        return _named(row.figure)
    return f"{_named(row.figure)}, {f'{row.horizon} ' if row.horizon else ''}{row.unit}s"


def _named(name: str) -> str:
    return capital(name.replace("_", " "))


def _paradox(rows: Sequence[Compared], readings: pd.DataFrame, level: int) -> list[Block]:
    """Show why the published retention and the published tenure are not one constant rate of loss."""
    title = f"Why 43{THIN}%, 74{THIN}% and “six years” do not come from one constant hazard"
    known = [row.published for row in rows if row.figure == RETENTION and 0 < row.published < 1]
    means = listed([f"{percent(r)} retained after a year means {-1 / math.log(r):.1f} years" for r in known])
    text = (
        "If customers are lost at one constant rate, retention after a year fixes how long they stay on average: with "
        f"r retained, −1/ln r years. {means}. The study printed “a little over a year” for the lowest score, which "
        "fits, and “another six years” for the highest, which does not. Something that the article does not say must "
        "stand between the two: a rate of loss that falls over time, because customers differ, for one. Several "
        "assumptions do it, and they disagree on everything else. So the six years are not a target of the "
        "simulation; the mean tenure that is true in the simulated cohort is reported instead."
    )
    return [heading(title, level), paragraph(text), _plain_table(readings)]


def _plain_table(readings: pd.DataFrame) -> Block:
    """Print a table as it stands: names in words, numbers to three decimals."""
    texts = [i for i, name in enumerate(readings) if not pd.api.types.is_numeric_dtype(readings[name])]
    rows = [[_cell(value) for value in row] for row in readings.itertuples(index=False)]
    header = [_named(str(name)) for name in readings]
    shares = [2.4 if i in texts else 1.2 for i in range(len(header))]
    caption = "What retention after one year means in years, under each reading."
    return table(caption, header, rows, texts=texts, shares=shares)


def _cell(value: object) -> str:
    if isinstance(value, str):
        return words(value)
    if not isinstance(value, int | float) or math.isnan(value):
        return NONE
    return whole(value) if float(value).is_integer() else decimal(value, 3)

"""The first pages of the published study: what it is, how its figures come out, why one of them cannot."""

import math
from itertools import groupby

import pandas as pd

from cxlink.report import drawing
from cxlink.report.blocks import Block, bullets, heading, notice, paragraph, picture, strong, table
from cxlink.report.content import Study
from cxlink.report.study_figures import Compared, compared, name_marks, study_comparison
from cxlink.report.wording import FIRM, NONE, THIN, capital, decimal, percent, periods, whole

RETENTION = "one_year_retention"
_SHARES = (2.3, 0.6, 1.9, 1.1, 0.8, 1.9, 1.9)
_TIMES = ("day", "week", "month", "quarter", "year")


def study_pages(study: Study, level: int = 1) -> list[Block]:
    """Open the report of the study."""
    rows = compared(study["comparison"])
    parts = [
        notice([
            strong("No customer records of the study were ever published. "),
            "Both cohorts in this report are simulated, with a known truth set to the figures that were. "
            "What the report shows is whether this analysis finds that truth again from such records, not "
            "what any company’s customers did.",
        ]),
        paragraph(
            "The study (Kriss 2014) set the experience scores of customers of two large companies, one by "
            "subscription and one by transaction, against what they did in the year that followed. Below "
            "are its figures, the truth of the simulated cohorts, the naive comparison of raw groups, and "
            "the adjusted one. Naive and adjusted differ because in these cohorts how much customers need "
            "the product goes with both their score and what they do next."
        ),
        _figure(rows),
        _table(rows),
    ]  # fmt: skip
    if study["cohorts"]:
        parts += [paragraph("The cohorts:"), bullets(study["cohorts"])]
    return [*parts, *_paradox(rows, study["paradox"], level)]


def _figure(rows: list[Compared]) -> Block:
    blocks = [list(block) for _, block in groupby(rows, key=lambda row: row.figure)]
    sizes = [len(block) for block in blocks]
    tall = 0.5 + 0.6 * len(blocks) + 0.27 * sum(sizes)
    with drawing.sheet((6.3, tall), len(blocks), 1, [size + 0.4 for size in sizes]) as axes:
        for i, (ax, block) in enumerate(zip(axes, blocks, strict=True)):
            scale = 100.0 if block[0].unit == "probability" else 1.0
            study_comparison(block, _axis(block[0]), scale=scale, simulated=i == 0, ax=ax)
        name_marks(axes[0])
    alt = "Dots with intervals beside the published figures and the truth; the table below holds the numbers."
    caption = (
        "The study’s figures: published, true in the simulated cohorts, naive, and adjusted, with intervals."
    )
    return picture("study-comparison", drawing.svg(axes[0]), alt, caption)


def _axis(row: Compared) -> str:
    if row.unit == "probability":
        return f"{_named(row.figure)} (%)"
    return f"{_named(row.figure)} ({f'{row.unit}s' if row.unit in _TIMES else row.unit})"


def _table(rows: list[Compared]) -> Block:
    cells: list[list[str]] = []
    rules: list[int] = []
    last = ""
    for row in rows:
        if row.figure != last:
            rules += [len(cells)] if cells else []
        coarse, fine, scale = _digits(row.unit)
        name = _titled(row) if row.figure != last else ""
        published, truth = decimal(scale * row.published, coarse), decimal(scale * row.truth, fine)
        naive = _interval(scale, fine, row.naive, row.naive_low, row.naive_high)
        adjusted = _interval(scale, fine, row.adjusted, row.adjusted_low, row.adjusted_high)
        group = row.group.replace("-", "–")
        cells.append([name, group, row.published_status, published, truth, naive, adjusted])
        last = row.figure
    header = ["Figure", "Score", "Published figure is", "Published", "Truth", "Naive", "Adjusted"]
    notes = [f"Retention in per cent. {NONE}: no number was printed, or none is estimated."]
    return table(
        "Published, true, naive and adjusted.",
        header,
        cells,
        notes=notes,
        rules=rules,
        texts=(0, 1, 2),
        shares=_SHARES,
    )


def _titled(row: Compared) -> str:
    unit = f", {row.unit}s" if row.unit in _TIMES else ""
    within = f" to {periods(row.horizon, 'month')}" if row.horizon is not None and unit else ""
    return f"{_named(row.figure)}{within}{unit}"


def _digits(unit: str) -> tuple[int, int, float]:
    """Decimals of a published figure and of an estimate, and the factor to show them by."""
    return {"probability": (0, 1, 100.0), "ratio": (1, 2, 1.0)}.get(unit, (0, 1, 1.0))


def _interval(scale: float, digits: int, estimate: float, low: float, high: float) -> str:
    if math.isnan(estimate):
        return NONE
    ends = f",{FIRM}".join(decimal(scale * end, digits) for end in (low, high))
    return f"{decimal(scale * estimate, digits)} [{ends}]"


def _named(name: str) -> str:
    return capital(name.replace("_", " "))


def _paradox(rows: list[Compared], readings: pd.DataFrame, level: int) -> list[Block]:
    """Show why the published retention and the published tenure are not one constant rate of loss."""
    title = f"Why 43{THIN}%, 74{THIN}% and “six years” do not come from one constant hazard"
    known = [row.published for row in rows if row.figure == RETENTION and 0 < row.published < 1]
    means = "; ".join(f"{percent(r)} retained after a year means {-1 / math.log(r):.1f} years" for r in known)
    text = (
        "If customers are lost at one constant rate, retention after a year fixes how long they stay on "
        f"average: with r retained, −1/ln r years. {means}. The study printed “a little over a year” for the "
        "lowest score, which fits, and “another six years” for the highest, which does not. Something that "
        "the article does not say must stand between the two: a rate of loss that falls over time, because "
        "customers differ, for one. Several assumptions do it, and they disagree on everything else. So the "
        "six years are not a target of the simulation; the mean tenure that is true in the simulated cohort "
        "is reported instead."
    )
    return [heading(title, level), paragraph(text), _plain_table(readings)]


def _plain_table(readings: pd.DataFrame) -> Block:
    """Print a table as it stands: names in words, numbers to three decimals."""
    texts = [i for i, name in enumerate(readings) if not pd.api.types.is_numeric_dtype(readings[name])]
    rows = [[_cell(value) for value in row] for row in readings.itertuples(index=False)]
    header = [_named(str(name)) for name in readings]
    return table(
        "What retention after one year means in years, under each reading.", header, rows, texts=texts
    )


def _cell(value: object) -> str:
    if isinstance(value, str):
        return value.replace("_", " ")
    if not isinstance(value, int | float) or math.isnan(value):
        return NONE
    return whole(value) if float(value).is_integer() else decimal(value, 3)

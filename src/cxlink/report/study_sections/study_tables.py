"""How the study's figures are written: single numbers in sentences, and the table that sets them side by side."""

import math
from collections.abc import Sequence
from itertools import groupby

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.document import Block, table
from cxlink.report.figures.study_figures import StudyFigure
from cxlink.report.format import FIRM, NONE, THIN, TIMES, capital, decimal, periods, score, units
from cxlink.report.words import say

RETENTION = "one_year_retention"
MEMBERSHIP = "expected_further_membership"
RESTRICTED = "restricted_mean_tenure"
_MARKS = "ᵃᵇᶜᵈᵉᶠᵍʰ"
_COLUMNS = ("figure", "group", "published", "truth", "naive", "adjusted")
_SHARES = (2.5, 1.25, 1.35, 0.8, 1.75, 1.75)


def comparison_table(caption: str, rows: Sequence[StudyFigure], spec: CohortSpec) -> Block:
    """Set published, truth, naive and adjusted out, a line a group; how a figure was published stands below.

    Parameters
    ----------
    caption : str
        What it shows.
    rows : sequence of StudyFigure
        In the order of reading; a figure's rows stand together.
    spec : CohortSpec
        What ``worst`` and ``best`` are.
    """
    statuses = list(dict.fromkeys(row.status for row in rows if row.is_published))
    cells: list[list[str]] = []
    rules: list[int] = []
    before = ""
    for title, block in groupby(rows, key=lambda row: row_name(row, spec)):
        own = list(block)
        rules += [len(cells)] if cells and own[0].figure != before else []
        before = own[0].figure
        for i, row in enumerate(own):
            mark = f"{THIN}{_MARKS[statuses.index(row.status)]}" if row.is_published else ""
            numbers = [written_figure(row, name) for name in ("truth", "naive", "adjusted")]
            shown = f"{written_figure(row, 'published')}{mark}"
            cells.append([title if i == 0 else "", capital(score(row.group, spec)), shown, *numbers])
    header = [say(f"study.column_{name}") for name in _COLUMNS]
    said = "; ".join(f"{mark} {status}" for mark, status in zip(_MARKS, statuses, strict=False))
    notes = [say("study.marks", marks=said)] if said else []
    if any(row.unit == "probability" for row in rows):
        notes.append(say("study.in_per_cent"))
    if any(NONE in line for line in cells):
        notes.append(say("study.not_printed"))
    if any(row.is_infinite(name) for row in rows for name in ("naive", "adjusted")):
        notes.append(say("study.endless_note"))
    return table(caption, header, cells, notes=notes, rules=rules, texts=(0, 1), shares=_SHARES)


def written_figure(row: StudyFigure, name: str, unit: bool = False) -> str:
    """Write what was published, is true, or was found, with its interval; ``unit`` adds a per cent sign."""
    estimate, low, high = row.estimate_of(name)
    coarse, fine, scale = {"probability": (0, 1, 100.0), "ratio": (1, 2, 1.0)}.get(row.unit, (0, 1, 1.0))
    digits = coarse if name == "published" else fine
    if math.isinf(estimate):
        return say("study.endless")
    text = decimal(scale * estimate, digits)
    text += f"{THIN}%" if unit and row.unit == "probability" else ""
    if math.isnan(low + high):
        return text
    return f"{text} [{decimal(scale * low, fine)},{FIRM}{decimal(scale * high, fine)}]"


def row_name(row: StudyFigure, spec: CohortSpec) -> str:
    """Name a figure in a table: a tenure with its horizon and its unit."""
    if row.figure == RESTRICTED and row.horizon:
        return say("study.within", horizon=periods(row.horizon, spec.unit))
    if row.unit in TIMES:
        return say("study.unbounded", units=units(row.unit))
    return figure_name(row.figure)


def figure_name(name: str) -> str:
    """Name a figure of the study for readers."""
    return say(f"study.name_{name}")


def bands_and_horizons(rows: Sequence[StudyFigure], spec: CohortSpec) -> list[str]:
    """Write which of the restricted means some rows are: ``score 1 (36 and 60 months)``."""
    said = []
    for group in dict.fromkeys(row.group for row in rows):
        own = [str(row.horizon) for row in rows if row.group == group]
        said.append(say("study.horizons", group=score(group, spec), horizons=own, units=units(spec.unit)))
    return said

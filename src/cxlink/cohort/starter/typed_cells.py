"""Cells of a table as everything that they might be: numbers, days, scores, flags and text."""

from typing import Any

from cxlink.cohort.read import columns
from cxlink.cohort.read.dates import date
from cxlink.cohort.read.money import quantity
from cxlink.cohort.read.score_column import likely_level
from cxlink.cohort.read.shared_steps import select_once
from cxlink.cohort.spec.spec_sections import TableSection

_EXACT = 2**53
TOP_SCORE = 10
"""The highest level of a score that is recognised as one."""


def typed(cells: Any, options: TableSection) -> Any:
    """Read each cell as what it might be.

    Parameters
    ----------
    cells : ibis table
        ``column`` and ``cell``, all cells of one kind.
    options : TableSection
        How text is read.

    Returns
    -------
    ibis table
        ``column``; ``given``, whether the cell holds anything; ``value``, its number; ``inside``, the same where an
        engine can round it; ``score``, its level from 0 to `TOP_SCORE`; ``day``; ``flag``, see `columns.yes_no`;
        ``text``. Each empty where the cell is nothing of the kind.
    """
    import ibis

    cell = cells.cell
    timed, text = cell.type().is_temporal(), cell.type().is_string()
    value = ibis.null("float64") if timed else quantity(cell, options).cast("float64")
    inside = value.between(-_EXACT, _EXACT).ifelse(value, None)
    level, given = likely_level(cell, inside), columns.is_given(cell)
    read = {
        "column": cells.column,
        "given": given,
        "value": value,
        "inside": inside,
        "score": (level.between(0, TOP_SCORE) & (level == level.floor())).ifelse(level, None),
        "day": date(cell, options) if timed or text else ibis.null("date"),
        "flag": ibis.null("int64") if timed else columns.yes_no(cell, options),
        "text": given.ifelse(cell.cast("string"), None),
    }
    return select_once(cells, read)

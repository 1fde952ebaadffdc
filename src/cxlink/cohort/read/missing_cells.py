"""Cells that stand for nothing in one column alone: a 99 that is no score, a date of zeros."""

import re
from typing import Any

from cxlink.cohort.spec.spec_sections import TableSection

_NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def without_codes(table: Any, options: TableSection) -> Any:
    """Give a table in which the codes that ``[table] missing`` lists of a column are empty cells.

    Parameters
    ----------
    table : ibis Table
        Of any engine; columns that it lacks stand in another table of the spec.
    options : TableSection
        With the codes of each column: text as it stands, numbers, which are the same however they are written, or
        days, at whatever time.
    """
    emptied = {
        name: _emptied(table[name], codes)
        for name, codes in options.missing_in.items()
        if name in table.columns
    }
    return table.mutate(**emptied) if emptied else table


def _emptied(column: Any, codes: tuple[str, ...]) -> Any:
    numbers = [number for code in codes if (number := _number(code)) is not None]
    kind = column.type()
    if kind.is_numeric():
        return (
            column.cast("float64").isin(numbers).fill_null(False).ifelse(None, column) if numbers else column
        )
    text = column.cast("string").strip()
    coded = text.isin([code.strip(" ") for code in codes])
    if numbers and kind.is_string():
        coded = coded | (~text.contains("_") & text.try_cast("float64").isin(numbers)).fill_null(False)
    days = [code for code in codes if _DAY.fullmatch(code)]
    if days and not kind.is_date():
        timed = text.re_search("^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]")
        coded = coded | (timed & text.substr(0, 10).isin(days))
    return coded.fill_null(False).ifelse(None, column)


def _number(code: str) -> float | None:
    return float(code) if _NUMBER.fullmatch(code.strip(" ")) else None

"""Raw columns as typed expressions: numbers, dates, yes or no, categories.

Text is cast with ``try_cast``, so that a value that does not fit becomes a sentinel that a rule can name instead of an
error of the engine's in the middle of a scan.
"""

import datetime
import difflib
import re
from typing import Any

from cxlink.cohort.errors import InputError
from cxlink.cohort.source import Source
from cxlink.cohort.spec import TableSection

BAD = -1
"""Stands for a value that is there but is none of what its column may hold."""

_LARGEST = 1_000_000
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def raw(source: Source, name: str, role: str) -> Any:
    """Find a column.

    Raises
    ------
    InputError
        If it is not there; the message names the nearest.
    """
    if name in source.columns:
        return source.table[name]
    near = difflib.get_close_matches(name, source.columns, n=1, cutoff=0.5)
    folded = [column for column in source.columns if column.lower().strip() == name.lower().strip()]
    hint = (folded or near or [None])[0]
    cure = f"Did you mean {hint!r}?" if hint else f"It has: {', '.join(source.columns[:12])}."
    raise InputError(f"{source.name}: no column {name!r} ({role}). {cure}")


def number(column: Any, options: TableSection) -> Any:
    """Give a column as a number; empty where it is empty or no number."""
    kind = column.type()
    if kind.is_string():
        text = column.strip()
        if options.thousands:
            text = text.replace(options.thousands, "")
        if options.decimal != ".":
            text = text.replace(options.decimal, ".")
        return text.try_cast("float64")
    if kind.is_boolean():
        return column.cast("int64")
    if kind.is_decimal():
        return column.cast("float64")
    return column if kind.is_numeric() else column.cast("string").try_cast("float64")


def is_given(column: Any) -> Any:
    """Whether a cell holds anything: not empty, and not blank text."""
    return column.notnull() & (column.strip() != "") if column.type().is_string() else column.notnull()


def score_key(column: Any, options: TableSection, off_scale: int) -> Any:
    """Give the score as a key: the number itself, ``off_scale`` where it is something else, empty where empty."""
    value = number(column, options)
    if column.type().is_integer():
        return value
    if column.type().is_floating():
        value = value.nullif(float("nan"))  # a frame's NaN is an empty cell
        return value
    return is_given(column).ifelse(value.coalesce(off_scale), None)


def whole_key(column: Any, options: TableSection, up: bool = False) -> Any:
    """Give whole periods as a key, rounded down (or up); `BAD` where negative, infinite or text."""
    value = number(column, options)
    if column.type().is_integer():
        return value.cast("int64")
    if column.type().is_floating():
        column = value = value.nullif(float("nan"))
    fits = (value >= 0) & (value <= _LARGEST)
    rounded = fits.ifelse(value, None)
    rounded = (rounded.ceil() if up else rounded.floor()).cast("int64")
    return is_given(column).ifelse(rounded.coalesce(BAD), None)


def has_part(column: Any, options: TableSection) -> Any:
    """Whether a number has a part after the decimal point; False without a look where its type has none."""
    import ibis

    if column.type().is_integer() or column.type().is_boolean():
        return ibis.literal(False)
    value = number(column, options)
    return (value != value.floor()).fill_null(False)


def yes_no(column: Any) -> Any:
    """Give 1 or 0 for 1/0 and true/false; `BAD` for anything else, empty where empty."""
    import ibis

    kind = column.type()
    if kind.is_boolean():
        return column.cast("int64")
    if kind.is_integer():
        return column.cast("int64")
    if kind.is_numeric():
        value = column.cast("float64").nullif(float("nan"))
        return ibis.cases((value.isnull(), None), (value == 1, 1), (value == 0, 0), else_=BAD)
    text = column.cast("string").strip().lower()
    return ibis.cases(
        (~is_given(column), None), (text.isin(["1", "true", "1.0"]), 1), (text.isin(["0", "false", "0.0"]), 0), else_=BAD
    )


def date(column: Any) -> Any:
    """Give a column as a date; empty where it is empty or no date (text must be YYYY-MM-DD, a time may follow)."""
    kind = column.type()
    if kind.is_date():
        return column
    if kind.is_timestamp():
        return column.date()
    return column.cast("string").strip().try_cast("timestamp").date()


def date_or_column(source: Source, text: str, role: str) -> Any:
    """Read ``observed_until``: a date such as 2026-06-30, or the name of a date column.

    Raises
    ------
    InputError
        If it is neither.
    """
    import ibis

    if _ISO_DATE.fullmatch(text) and text not in source.columns:
        try:
            return ibis.literal(datetime.date.fromisoformat(text))
        except ValueError:
            raise InputError(f"[subscription] {role}: {text} is not a day of the calendar.") from None
    return date(raw(source, text, role))


def category(column: Any) -> Any:
    """Give a category as a key: itself, empty where it is empty or blank."""
    if column.type().is_string():
        return is_given(column).ifelse(column, None)
    return column


def band(value: Any, cuts: tuple[float, ...]) -> Any:
    """Give the band of a number as a key: 0 below the first cut, 1 from it on, …; empty where empty."""
    total = (value >= cuts[0]).cast("int64")
    for cut in cuts[1:]:
        total = total + (value >= cut).cast("int64")
    return total


def band_labels(cuts: tuple[float, ...]) -> list[str]:
    """Names of the bands that cuts make: ``<3``, ``3-<12``, ``>=12``."""
    shown = [f"{cut:g}" for cut in cuts]
    return [f"<{shown[0]}", *(f"{a}-<{b}" for a, b in zip(shown, shown[1:], strict=False)), f">={shown[-1]}"]

"""Dates of a table, each column of them converted once."""

import datetime
import re
from collections.abc import Collection
from dataclasses import replace
from itertools import count
from typing import Any

from cxlink.cohort.errors import InputError
from cxlink.cohort.read.columns import or_else, raw, stripped
from cxlink.cohort.read.shared_steps import select_once
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.spec_sections import TableSection

LAST_KNOWN = "Write the last day on which the table still knew who had left"
"""What to do where follow-up is said to end on a day that has not come."""
_TIME = "(,? |T)([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?( ?[AaPp][Mm])?$"
"""A time behind a day; read past where the format names none."""
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def with_days(source: Source, names: Collection[str]) -> Source:
    """Give a table a column more for each of its columns that holds dates as text or as times: the date itself.

    A date is used a dozen times in the keys of a cell; as a column it is converted once.

    Parameters
    ----------
    source : Source
        The table.
    names : collection of str
        Columns of dates; those that the table lacks are left to who reads them, those converted already stay.
    """
    table = source.table
    open_ = (set(names) & set(source.columns)) - set(source.days)
    other = [name for name in sorted(open_) if not table[name].type().is_date()]
    unused = (name for name in map("day_{}".format, count()) if name not in table.columns)
    days = dict(zip(other, unused, strict=False))
    computed = {column: date(table[name], source.options) for name, column in days.items()}
    if not days:
        return source
    own = {name: table[name] for name in table.columns}
    return replace(source, table=select_once(table, own | computed), days={**source.days, **days})


def day(source: Source, name: str, role: str) -> Any:
    """Give a column of dates as dates; empty where a cell is empty or no date.

    Raises
    ------
    InputError
        If the column is not there.
    """
    if name in source.days:
        return source.table[source.days[name]]
    return date(raw(source, name, role), source.options)


def date(column: Any, options: TableSection) -> Any:
    """Give a column as a date; empty where it is empty or no date.

    Text must be written as ``[table] date_format`` says, or YYYY-MM-DD, which has one reading; a time may follow.

    A time zone is the column's own: that of its type, or the offset in the text (`zones`); in a table of an engine
    other than DuckDB, the zone that the engine is set to.
    """
    kind = column.type()
    if kind.is_date():
        return column
    if kind.is_timestamp():
        return column.date()
    text = stripped(column.cast("string"))
    # engines also read "infinity", "epoch" (by any format) and other orders of day, month and year
    plain = text.like("____-%").ifelse(text, None).try_cast("timestamp").date()
    if options.date_format is None:
        return plain
    with_digits = text.re_search("[0-9]").ifelse(text, None)
    if not re.search("%-?[HI]", options.date_format):
        with_digits = with_digits.re_replace(_TIME, "")
    by_format = _try_strptime()(with_digits, options.date_format).date()
    if options.date_format.startswith("%Y-"):
        return by_format
    return or_else(by_format, text.re_search("^[0-9]{4}-").ifelse(plain, None))


def written(options: TableSection) -> str:
    """Say how the text of a date must be written."""
    how = options.date_format or "YYYY-MM-DD"
    return how if how.startswith(("%Y-", "YYYY")) else f"{how} or YYYY-MM-DD"


def _try_strptime() -> Any:
    """DuckDB's function of that name: text as a timestamp by a format, empty where it is written otherwise."""
    import ibis
    import ibis.expr.datatypes as dt

    signature = ((dt.string, dt.string), dt.timestamp)
    return ibis.udf.scalar.builtin(lambda _text, _how: ..., name="try_strptime", signature=signature)


def today() -> datetime.date:
    """Give the latest date that it is anywhere on Earth."""
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=14)).date()


def is_day(text: str) -> bool:
    """Whether ``observed_until`` is a date, such as 2026-06-30, rather than a column."""
    return _ISO_DATE.fullmatch(text) is not None


def day_or_column(source: Source, text: str, role: str) -> Any:
    """Read ``observed_until``: a date such as 2026-06-30, or the name of a date column.

    Raises
    ------
    InputError
        If it is neither, or a date that has not come.
    """
    import ibis

    if not is_day(text) or text in source.columns:
        return day(source, text, role)
    try:
        until = datetime.date.fromisoformat(text)
    except ValueError:
        raise InputError(f"[subscription] {role}: {text} is not a day of the calendar.") from None
    if until > today():
        raise InputError(f"[subscription] {role}: {text} has not come yet. {LAST_KNOWN}.")
    return ibis.literal(until)


def less_gap(until: Any, gap_days: int | None) -> Any:
    """Give the last day on which an end is known to be a loss, from the last day of observation.

    Where spans are merged over gaps, a customer has left only after a gap without a return: follow-up ends so many days
    before the end of observation, for every customer alike.
    """
    import ibis

    return (until - ibis.interval(days=gap_days)).cast("date") if gap_days else until

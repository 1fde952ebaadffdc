"""Whole periods between two dates, on calendar anniversaries, as expressions that run in any engine.

An anniversary is the start's day of the month *m* months on, clipped to the month's end (31 January + 1 month is
28 or 29 February). Engines' own ``date_diff`` counts calendar boundaries instead, which is wrong here.
"""

from typing import Any

from cxlink.cohort.read.columns import as_one

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}


def whole_periods(start: Any, end: Any, unit: str) -> Any:
    """Whole periods that fit between two dates: the largest t with start + t units ≤ end.

    Parameters
    ----------
    start, end : ibis date columns
        With start ≤ end.
    unit : str
        day, week, month, quarter or year.

    Returns
    -------
    ibis int64 column
    """
    if unit in _DAYS:
        return _floor(_days(start, end), _DAYS[unit])
    # min(day of start, length of end's month) > day of end, without a table of month lengths
    short = (start.day() > end.day()) & ~_last_of_month(end)
    return _floor(_month_steps(start, end) - as_one(short), _MONTHS[unit])


def period_of(start: Any, event: Any, unit: str) -> Any:
    """Period in which an event falls: the smallest t with start + t units ≥ event.

    Parameters
    ----------
    start, event : ibis date columns
        With start ≤ event; an event on the day of the start gives 0.
    unit : str
        day, week, month, quarter or year.

    Returns
    -------
    ibis int64 column
    """
    if unit in _DAYS:
        return _ceil(_days(start, event), _DAYS[unit])
    over = start.day() < event.day()
    return _ceil(_month_steps(start, event) + as_one(over), _MONTHS[unit])


def _month_steps(start: Any, end: Any) -> Any:
    """Calendar months between the months of two dates."""
    return ((end.year() - start.year()) * 12 + end.month() - start.month()).cast("int64")


def _days(start: Any, end: Any) -> Any:
    return end.delta(start, unit="day").cast("int64")


def _last_of_month(date: Any) -> Any:
    import ibis

    return (date + ibis.interval(days=1)).day() == 1


def _floor(count: Any, size: int) -> Any:
    return count if size == 1 else (count / size).floor().cast("int64")


def _ceil(count: Any, size: int) -> Any:
    return count if size == 1 else (count / size).ceil().cast("int64")

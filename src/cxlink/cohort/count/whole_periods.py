"""Whole periods between two dates, on calendar anniversaries, as expressions that run in any engine.

An anniversary is the start's day of the month *m* months on, clipped to the month's end (31 January + 1 month is
28 or 29 February). Engines' own ``date_diff`` counts calendar boundaries instead, which is wrong here.

Dates become whole numbers first, one as the start of a period and one as its end: whole periods are their difference,
rounded down. Who asks of many pairs of dates makes the numbers once a date.
"""

from typing import Any

from cxlink.cohort.read.columns import as_one

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_DAYS = {"day": 1, "week": 7}
_OF_MONTH, _LAST_DAY = 32, 31
"""Places of a month: its days, the last of which is also the 31st."""


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
    return between(start_place(start, unit), end_place(end, unit), unit)


def start_place(date: Any, unit: str) -> Any:
    """Whole number of a date that periods start on; see `between`.

    Parameters
    ----------
    date : ibis date column
        The date.
    unit : str
        day, week, month, quarter or year.

    Returns
    -------
    ibis int64 column
        Of periods of months 32 times the calendar month, plus the day of it.
    """
    return _since_1970(date) if unit in _DAYS else _month(date) * _OF_MONTH + date.day()


def end_place(date: Any, unit: str) -> Any:
    """Whole number of a date that periods end on; as `start_place`, the last day of a month being its 31st."""
    if unit in _DAYS:
        return _since_1970(date)
    return _month(date) * _OF_MONTH + _last_of_month(date).ifelse(_LAST_DAY, date.day())


def between(start: Any, end: Any, unit: str) -> Any:
    """Whole periods from a `start_place` to an `end_place`.

    With months m and days d of the dates they are m₂ − m₁, less one where d₂ < d₁ and d₂ is not the last of its month.
    """
    return _floor(end - start, _DAYS[unit] if unit in _DAYS else _MONTHS[unit] * _OF_MONTH)


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
    return _month(end) - _month(start)


def _month(date: Any) -> Any:
    """Number of a calendar month."""
    return (date.year() * 12 + date.month()).cast("int64")


def _since_1970(date: Any) -> Any:
    import ibis

    return _days(ibis.date("1970-01-01"), date)


def _days(start: Any, end: Any) -> Any:
    return end.delta(start, unit="day").cast("int64")


def _last_of_month(date: Any) -> Any:
    import ibis

    return (date + ibis.interval(days=1)).day() == 1


def _floor(count: Any, size: int) -> Any:
    return count if size == 1 else (count / size).floor().cast("int64")


def _ceil(count: Any, size: int) -> Any:
    return count if size == 1 else (count / size).ceil().cast("int64")

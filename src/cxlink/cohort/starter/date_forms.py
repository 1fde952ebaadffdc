"""Formats by which the text of a date can be read, as ``[table] date_format`` has them."""

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta

ISO = "iso"
"""Form of what is read without a format: YYYY-MM-DD, with or without a time."""
MOST_BAD = 0.02
"""Share of a column's different texts that may be none of what it holds, and three more at the least."""

_ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T ]\d.*)?")
_CLOCK = r"(?P<clock>(?P<before>,? |T)\d{1,2}:\d{2}(?P<s>:\d{2}(?P<f>\.\d{1,6})?)?((?P<gap> ?)(?P<half>[AaPp][Mm]))?)?"
_NUMBERS = re.compile(rf"(\d{{1,4}})(?P<mark>[-/.]|\. )(\d{{1,2}})(?P=mark)(\d{{4}}|\d{{1,2}}){_CLOCK}")
_MONTH = (
    r"(?P<month>jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sep(tember)?|oct(ober)?"
    r"|nov(ember)?|dec(ember)?)"
)
_WEEKDAY = r"((?P<weekday>(mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(?P<whole>day)?)(?P<after>,? ))?"
_DAY_MONTH = re.compile(
    rf"{_WEEKDAY}(\d{{1,2}})(?P<mark>[-/ ]|\. ?){_MONTH}(?P<last>,? |[-/.])(?P<year>\d{{4}}|\d{{2}}){_CLOCK}",
    re.I,
)
_MONTH_DAY = re.compile(
    rf"{_WEEKDAY}{_MONTH}(?P<mark>[-/. ])(\d{{1,2}})(?P<last>,? |[-/.])(?P<year>\d{{4}}|\d{{2}}){_CLOCK}",
    re.I,
)
_COMPACT = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
MONTH_ALONE = r"(19|20)\d\d ?[-/.] ?\d{1,2}|\d{1,2} ?[-/.] ?(19|20)\d\d|[^\W\d]{3,}\.?[ -](19|20)\d\d"
"""A month of a year, in numbers or in words, without a day."""
_SERIAL, _DAY_0 = re.compile(r"[1-9]\d{4}(\.\d+)?"), date(1899, 12, 30)
COMPACT = "%Y%m%d"
"""The one format whose dates are numbers too."""
_LAST_DAY, _LAST_MONTH = 31, 12


def forms_of(text: str) -> tuple[str, ...]:
    """Formats that a date can be read by, the one with the day first before that with the month; none where it is none.

    Examples
    --------
    >>> forms_of("03/04/2025"), forms_of("Friday, 31 January 2025"), forms_of("2025-01-31")
    (('%d/%m/%Y', '%m/%d/%Y'), ('%A, %d %B %Y',), ('iso',))
    """
    if _ISO.fullmatch(text):
        return (ISO,)
    if _COMPACT.fullmatch(text):
        return (COMPACT,)
    numbers = _NUMBERS.fullmatch(text)
    if numbers is not None:
        return _in_numbers(numbers)
    for named, order in ((_DAY_MONTH, "{day}{mark}{month}{last}"), (_MONTH_DAY, "{month}{mark}{day}{last}")):
        match = named.fullmatch(text)
        if match is not None:
            return _in_words(match, order)
    return ()


def of_the_day(form: str) -> str:
    """A format without its time, by which a day is read whether or not a time follows.

    Examples
    --------
    >>> of_the_day("%m/%d/%Y %I:%M:%S %p"), of_the_day("%d-%m-%Y")
    ('%m/%d/%Y', '%d-%m-%Y')
    """
    return re.sub(r"(,? |T)%[HI]:%M.*$", "", form)


def is_day_by(text: str, form: str) -> bool:
    """Whether a text that has a form names a day of the calendar.

    Examples
    --------
    >>> is_day_by("30/04/2025", "%d/%m/%Y"), is_day_by("31/04/2025", "%d/%m/%Y"), is_day_by("2025-02-30", "iso")
    (True, False, False)
    """
    try:
        datetime.strptime(*((re.split("[T ]", text)[0], "%Y-%m-%d") if form == ISO else (text, form)))
    except ValueError:
        return False
    return True


def way_of(text: str) -> str:
    """What to do about a text that names a day in no format: an Excel serial number, or a month; empty where neither.

    Examples
    --------
    >>> way_of("45292")
    '45292 is an Excel serial number (2024-01-01): save the column as a date'
    >>> way_of("2024-05")
    '2024-05 is a month: write the day'
    """
    if _SERIAL.fullmatch(text):
        day = _DAY_0 + timedelta(days=int(float(text)))
        return f"{text} is an Excel serial number ({day}): save the column as a date"
    return f"{text} is a month: write the day" if re.fullmatch(MONTH_ALONE, text) else ""


def common_forms(values: Sequence[str]) -> tuple[tuple[str, ...], str] | None:
    """Formats that read a column's dates, and the date that leaves fewest; None where none reads them all.

    Parameters
    ----------
    values : sequence of str
        Different texts of the column, of which a few may be no dates at all.
    """
    read = [(forms, text) for text in values if (forms := forms_of(text))]
    n_bad = len(values) - len(read)
    if not read or n_bad > max(2, MOST_BAD * len(values)) or n_bad >= len(read):
        return None
    common = [form for form in read[0][0] if all(form in forms for forms, _ in read)]
    if len({form.replace("%B", "%b") for form in common}) == 1:  # all in May
        common = common[:1]
    return (tuple(common), min(read, key=lambda one: len(one[0]))[1]) if common else None


def _in_numbers(match: re.Match[str]) -> tuple[str, ...]:
    first, second, mark, clock = int(match[1]), int(match[3]), match["mark"], _clock(match)
    if len(match[1]) == 4:
        return (f"%Y{mark}%m{mark}%d{clock}",) if len(match[4]) < 4 else ()
    if len(match[1]) > 2 or len(match[4]) == 1:
        return ()
    year = _year(match[4])
    day_first = first <= _LAST_DAY and second <= _LAST_MONTH
    month_first = first <= _LAST_MONTH and second <= _LAST_DAY
    return (
        *((f"%d{mark}%m{mark}{year}{clock}",) if day_first else ()),
        *((f"%m{mark}%d{mark}{year}{clock}",) if month_first else ()),
    )


def _in_words(match: re.Match[str], order: str) -> tuple[str, ...]:
    weekday = f"{'%A' if match['whole'] else '%a'}{match['after']}" if match["weekday"] else ""
    # May is as long as its abbreviation
    months = (
        ("%b", "%B") if match["month"].lower() == "may" else ("%b",) if len(match["month"]) == 3 else ("%B",)
    )
    rest = f"{_year(match['year'])}{_clock(match)}"
    marks = {"mark": match["mark"], "last": match["last"]}
    return tuple(f"{weekday}{order.format(day='%d', month=month, **marks)}{rest}" for month in months)


def _year(digits: str) -> str:
    return "%Y" if len(digits) == 4 else "%y"


def _clock(match: re.Match[str]) -> str:
    if not match["clock"]:
        return ""
    hours, half = ("%I", f"{match['gap']}%p") if match["half"] else ("%H", "")
    seconds = ":%S" if match["s"] else ""
    return f"{match['before']}{hours}:%M{seconds}{'.%f' if match['f'] else ''}{half}"

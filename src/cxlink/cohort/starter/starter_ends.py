"""Lines of a starter spec for the day of a loss, and for the end of follow-up."""

import datetime
import json

from cxlink.cohort.read import dates
from cxlink.cohort.spec.open_keys import OPEN
from cxlink.cohort.starter.column_looks import Look


def until_line(until: Look | None, last: datetime.date | None) -> str:
    """The end of follow-up: a column, else the last date of the table, unless it has not come."""
    until_last = until.dates[1] if until is not None and until.dates else None
    last = last if until is None else until_last
    if last is not None and last > dates.today():
        of = "the table" if until is None else until.name
        return (
            f'observed_until = "{OPEN}"  # the date of extraction: dates of {of} run to {last}, not yet come'
        )
    if until is not None:
        return f"observed_until = {json.dumps(until.name, ensure_ascii=False)}"
    if last is None:
        return f'observed_until = "{OPEN}"  # the date of extraction, such as 2026-06-30'
    return f'observed_until = "{last}"  # the last date of the columns used; write the date of extraction'


def end_line(end: Look | None, survey: Look | None, spans: bool) -> str:
    """The column of the day of a loss."""
    if end is None:
        return f'end = "{OPEN}"  # date of loss, empty for current customers'
    line = f"end = {json.dumps(end.name, ensure_ascii=False)}  # date of loss, empty for current customers"
    if spans:
        return f"end = {json.dumps(end.name, ensure_ascii=False)}  # of a span; empty where it has not ended"
    if not end.n:
        return f"{line}; no row has one, so that nobody counts as lost"
    if survey is not None and end.n >= survey.n:
        return f"{line}; it is given in every row: the planned end of a contract is no loss"
    return line

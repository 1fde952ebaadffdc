"""Columns whose headers say that they hold dates, and whose cells cannot be read as any."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cxlink.cohort.starter.column_looks import Look
from cxlink.cohort.starter.date_forms import MONTH_ALONE, common_forms
from cxlink.cohort.starter.roles import dated_role

_LIKE_A_DAY = re.compile(
    r"\d{1,4}[-/. ]+\d{1,2}[-/. ]+\d{1,4}"  # three numbers, in whatever order
    r"|\d[^\w]*[^\W\d]{3,}\.?[^\w]*\d{2}|[^\W\d]{3,}\.?[^\w]*\d{1,2}\D{1,3}\d{2}"  # a month in words, of any language
    rf"|{MONTH_ALONE}"
)
_SAYS_DATE = r"(^|_)(date|datum|day|dag|tag|fecha|data|on|at|am|op|per|le|timestamp)(_|$)|dat(e|um)$"
_LEAST_NUMBER = 10_000
"""Of a spreadsheet's days (1927), of years with month and day, and of a computer's seconds."""


def with_unread_dates(looks: Sequence[Look], texts: Mapping[str, Sequence[str]]) -> list[Look]:
    """Mark the columns that retention would be computed from, were their dates written so that they can be read.

    Parameters
    ----------
    looks : sequence of Look
        The columns.
    texts : mapping of str to sequence of str
        Different texts of each column of text.
    """
    return [replace(look, unread=_example(look, texts.get(look.name, ()))) for look in looks]


def _example(look: Look, texts: Sequence[str]) -> str:
    """One of a column's dates that cannot be read; empty where it has none."""
    if look.dates is not None or look.yes_no or dated_role(look) is None:
        return ""
    if look.low is not None:
        return f"{look.low:.0f}" if look.low >= _LEAST_NUMBER and look.called(_SAYS_DATE) else ""
    like = [text for text in texts if _LIKE_A_DAY.search(text)]
    if 2 * len(like) <= len(texts):
        return ""
    common = common_forms(like)
    # where its dates can be read, what stands among them cannot
    return like[0] if common is None else next((text for text in texts if text not in like), like[0])

"""Whether the rows of a table are spans of a subscription: several a customer, that start on days of their own."""

from collections.abc import Sequence
from typing import Any

from cxlink.cohort.read import columns
from cxlink.cohort.read.source import Source
from cxlink.cohort.starter.column_looks import LOOKED_AT, Look
from cxlink.cohort.starter.roles import best

_NEARLY_ALL = 0.95
"""Share of the customers in several rows that must look so: a few rows may be slips."""


def are_spans(looks: Sequence[Look], source: Source) -> bool:
    """Whether customers in several rows start anew in each, and give one survey at most.

    A log of surveys repeats the day of signup, or gives a survey a row.

    Raises
    ------
    InputError
        If the table cannot be read.
    """
    customer, start, end, survey = (best(looks, role) for role in ("id", "signup", "end", "survey"))
    if customer is None or customer.unique or start is None or end is None:
        return False

    def text(look: Look) -> Any:
        column = source.table[look.name]
        return columns.is_given(column).ifelse(column.cast("string"), None)

    asked = {"asked": text(survey)} if survey is not None else {}
    rows = source.table.select(who=text(customer), start=text(start), **asked).limit(LOOKED_AT)
    rows = rows.filter(rows.who.notnull())
    surveys = rows.asked.nunique() if survey is not None else 0
    each = rows.group_by("who").aggregate(n=rows.count(), starts=rows.start.nunique(), surveys=surveys)
    several = each.filter(each.n > 1)
    fits = (several.starts == several.n) & (several.surveys <= 1)
    found = source.run(several.aggregate(n=several.count(), fit=columns.as_one(fits).sum())).to_pylist()[0]
    return bool(found["n"]) and int(found["fit"] or 0) >= _NEARLY_ALL * int(found["n"])

"""Summary of a column: its range, and whether it holds dates, yes and no, or values that never repeat."""

import datetime
import re
from dataclasses import dataclass

from cxlink.cohort.read import columns
from cxlink.cohort.read.source import Source

_LOOK = 200_000
_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Look:
    """Summary of a column over the table's first rows.

    Attributes
    ----------
    name : str
        Of the column.
    n_values : int
        Number of distinct values.
    low, high : float or None
        Its range, where every value is a number.
    whole : bool
        Whether all of them are whole numbers.
    dates : tuple of date or None
        First and last, where every value is a date.
    unique, yes_no : bool
        Whether no value repeats, and whether all are 0/1, true/false or yes/no.
    """

    name: str
    n_values: int
    low: float | None
    high: float | None
    whole: bool
    dates: tuple[datetime.date, datetime.date] | None
    unique: bool
    yes_no: bool

    def called(self, pattern: str) -> bool:
        """Whether the column's name matches."""
        return re.search(pattern, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", self.name).lower()) is not None


def look_at(source: Source, name: str) -> Look:
    """Summarise a column over the table's first rows.

    Raises
    ------
    InputError
        If they cannot be read.
    """
    column = source.table[name]
    head = source.table.limit(_LOOK)
    given = columns.is_given(column)
    if column.type().is_temporal():
        value, day = column.cast("string").try_cast("float64"), columns.date(column, source.options)
    else:
        value, day = (
            columns.number(column, source.options).cast("float64"),
            columns.date(column, source.options),
        )
    inside = value.between(-_EXACT, _EXACT).ifelse(value, None)  # beyond, an engine cannot round
    picked = head.select(
        given=given,
        value=value,
        inside=inside,
        day=day,
        flag=columns.yes_no(column, source.options),
        text=column.cast("string"),
    )
    seen = picked.aggregate(
        n=picked.given.sum(), n_numbers=(picked.given & picked.value.notnull()).sum(),
        n_days=(picked.given & picked.day.notnull()).sum(), low=picked.value.min(), high=picked.value.max(),
        n_whole=(picked.inside == picked.inside.floor()).sum(), first=picked.day.min(), last=picked.day.max(),
        n_values=picked.text.nunique(), n_flags=(picked.given & picked.flag.isin([0, 1])).sum(),
    )  # fmt: skip
    row = source.run(seen).to_pylist()[0]
    n = row["n"] or 0
    numbers, days = n > 0 and row["n_numbers"] == n, n > 0 and row["n_days"] == n
    return Look(
        name=name,
        n_values=row["n_values"],
        low=row["low"] if numbers else None,
        high=row["high"] if numbers else None,
        whole=numbers and row["n_whole"] == n,
        dates=(row["first"], row["last"]) if days and not numbers else None,
        unique=n > 1 and row["n_values"] == n,
        yes_no=n > 0 and row["n_flags"] == n,
    )

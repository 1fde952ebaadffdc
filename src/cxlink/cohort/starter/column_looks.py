"""Summary of a column: its range, and whether it holds dates, scores, yes and no, or values that never repeat."""

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cxlink.cohort.errors import InputError
from cxlink.cohort.read import columns
from cxlink.cohort.read.safe_engines import embedded
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.spec_sections import TableSection
from cxlink.cohort.starter.date_forms import COMPACT
from cxlink.cohort.starter.header_words import in_plain_letters
from cxlink.cohort.starter.odd_cells import no_answers, slips_of
from cxlink.cohort.starter.typed_cells import TOP_SCORE, typed

LOOKED_AT = 50_000
"""First rows of a table that are looked at."""
_WORDS = 12
_FEW = 20  # rows below which no value is taken for a slip


@dataclass(frozen=True, slots=True)
class Look:
    """Summary of a column over the table's first rows.

    Attributes
    ----------
    name : str
        Of the column.
    n, n_values : int
        Cells that hold anything, and how many different values they have.
    low, high : float or None
        Its range, where every value is a number, a few slips aside.
    whole : bool
        Whether all of them are whole numbers.
    dates : tuple of date or None
        First and last, where every value is a date, a few slips aside.
    unique, yes_no : bool
        Whether no value repeats, and whether all are 0/1, true/false or yes/no.
    levels : tuple of float or None
        Lowest and highest whole number from 0 to 10, where all values are such numbers, a few slips aside.
    slips : tuple of str
        Values that are none of these, at most three.
    n_slips : int
        How many cells hold them.
    codes : tuple of str
        Numbers off the levels that surveys write for no answer, where it holds levels beside them.
    words : tuple of str
        Its different values as text, where there are at most twelve.
    tells_event : bool
        Whether it says who was lost in other words.
    n_empty : int
        How many cells hold nothing.
    of_answer : int or None
        In a table of surveys, how well its header says that it is the day of the answer, 0 the best; None elsewhere.
    unread : str
        One of its dates, where its header says that it holds dates of retention and none can be read.
    """

    name: str
    n: int
    n_values: int
    low: float | None = None
    high: float | None = None
    whole: bool = False
    dates: tuple[datetime.date, datetime.date] | None = None
    unique: bool = False
    yes_no: bool = False
    levels: tuple[float, float] | None = None
    slips: tuple[str, ...] = ()
    n_slips: int = 0
    codes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    tells_event: bool = False
    n_empty: int = 0
    unread: str = ""
    of_answer: int | None = None

    @property
    def header(self) -> str:
        """Its name in plain letters."""
        return in_plain_letters(self.name)

    @property
    def averaged(self) -> bool:
        """Whether it holds averages on a scale of at most 0 to 10, more than one level apart."""
        low, high = self.low, self.high
        return (
            not self.whole and low is not None and high is not None and 0 <= low < high - 1 <= TOP_SCORE - 1
        )

    def called(self, pattern: str) -> bool:
        """Whether the column's name, in plain letters, matches."""
        return re.search(pattern, self.header) is not None


def looks_of(source: Source) -> list[Look]:
    """Summarise the columns of a table over its first rows.

    Columns of one kind are laid one below the other, so that one query reads them all.

    Raises
    ------
    InputError
        If they cannot be read, or there are none.
    """
    rows = source.run(source.table.limit(LOOKED_AT))
    if not rows.num_rows:
        raise InputError(f"{source.name}: no rows below the header.")
    kinds: dict[str, list[str]] = {}
    for field in rows.schema:
        kinds.setdefault(_kind(field), []).append(field.name)
    seen: dict[str, Look] = {}
    engine = source.engine if source.ours and source.engine.name == "duckdb" else embedded()
    for kind, names in kinds.items():
        options = source.options if kind == "text" else TableSection()
        below = replace(source, engine=engine, options=options, table=_below(rows, names, kind))
        seen |= {look.name: look for look in _looks(below, names)}
    if engine is not source.engine:
        engine.disconnect()
    words = {name: _words(rows[name]) for name in seen if 0 < seen[name].n_values <= _WORDS}
    return [replace(seen[name], words=words.get(name, ())) for name in rows.column_names]


def repeats_of(look: Look, source: Source) -> Look:
    """Count a column's cells and its different values over all rows.

    Raises
    ------
    InputError
        If they cannot be read.
    """
    cells = source.table.select(cell=source.table[look.name])
    counted = cells.aggregate(n=columns.is_given(cells.cell).sum(), n_values=cells.cell.nunique())
    row = source.run(counted).to_pylist()[0]
    n, n_values = int(row["n"]), int(row["n_values"])
    return replace(look, n=n, n_values=n_values, unique=n_values >= n)


def _kind(field: Any) -> str:
    import pyarrow.types as kinds

    kind = field.type
    if kinds.is_timestamp(kind) or kinds.is_date(kind):
        return f"time {kind}"
    number = (
        kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_decimal(kind) or kinds.is_boolean(kind)
    )
    return "number" if number else "text"


def _below(rows: Any, names: list[str], kind: str) -> Any:
    """Lay columns of one kind below one another: ``column`` (position of its name) and ``cell``."""
    import ibis
    import pyarrow as pa

    def plain(column: Any) -> Any:
        if kind == "number":
            number = column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column
            return number.cast(pa.float64(), safe=False)
        if kind == "text" and not pa.types.is_string(column.type):
            return pa.chunked_array(
                [[None if one is None else str(one) for one in column.to_pylist()]], pa.string()
            )
        return column

    cells = [chunk for name in names for chunk in plain(rows[name]).chunks]
    at = [i for i, name in enumerate(names) for _ in range(rows.num_rows)]
    return ibis.memtable(pa.table({"column": pa.array(at, pa.int32()), "cell": pa.chunked_array(cells)}))


def _looks(source: Source, names: list[str]) -> list[Look]:
    cells = source.table
    # stored, so that what is asked of single columns does not read every cell again
    picked = source.stored(typed(cells, source.options))
    seen = picked.group_by("column").aggregate(
        n=picked.given.sum(), n_rows=picked.count(), n_numbers=(picked.given & picked.value.notnull()).sum(),
        n_days=(picked.given & picked.day.notnull()).sum(), low=picked.value.min(), high=picked.value.max(),
        n_whole=(picked.inside == picked.inside.floor()).sum(), first=picked.day.min(), last=picked.day.max(),
        n_values=picked.text.nunique(), n_flags=(picked.given & picked.flag.isin([0, 1])).sum(),
        n_scores=(picked.given & picked.score.notnull()).sum(), least=picked.score.min(), most=picked.score.max(),
    )  # fmt: skip
    records = {row["column"]: row for row in source.run(seen).to_pylist()}
    return [
        _look(source, picked.filter(picked.column == i), name, records.get(i, {}))
        for i, name in enumerate(names)
    ]


def _look(source: Source, picked: Any, name: str, row: Mapping[str, Any]) -> Look:
    n = int(row.get("n") or 0)
    if not n:
        return Look(name, 0, 0)
    few = max(2, n // 100) if n >= _FEW else 0
    numbers, days, levels = (n - (row[key] or 0) <= few for key in ("n_numbers", "n_days", "n_scores"))
    numbers = numbers and not (days and source.options.date_format == COMPACT)
    codes = no_answers(source, picked) if numbers and n / 2 < row["n_scores"] < n else ()
    levels, day = levels or bool(codes), days and not numbers
    kind = "score" if levels else "value" if numbers else "day" if day else ""
    slipped = kind and not codes and row[_READ_AS[kind]] < n
    n_slips, slips = slips_of(source, picked, kind) if slipped else (0, ())
    return Look(
        name=name,
        n=n,
        n_values=row["n_values"],
        low=row["low"] if numbers else None,
        high=row["high"] if numbers else None,
        whole=numbers and row["n_whole"] == row["n_numbers"],
        dates=(row["first"], row["last"]) if day else None,
        unique=n > 1 and row["n_values"] == n,
        yes_no=row["n_flags"] == n,
        levels=(row["least"], row["most"]) if levels else None,
        codes=codes,
        n_slips=n_slips,
        slips=slips,
        n_empty=row["n_rows"] - n,
    )


_READ_AS = {"score": "n_scores", "value": "n_numbers", "day": "n_days"}


def _words(column: Any) -> tuple[str, ...]:
    texts = ("" if one is None else str(one).strip() for one in column.unique().to_pylist())
    return tuple(sorted({text for text in texts if text and text != "nan"}))

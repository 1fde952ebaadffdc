"""Raw columns as typed expressions: numbers, yes or no, categories.

Text is cast with ``try_cast``, so that a value that does not fit becomes a sentinel that a rule can name instead of an
error of the engine's in the middle of a scan. Columns that are whole numbers or categories already are keys as they
stand, since every expression in a key is paid for in each row: their values are checked on the grouped cells.
"""

import difflib
import math
import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

from cxlink.cohort.errors import InputError
from cxlink.cohort.read.files import likely_skip
from cxlink.cohort.read.header_place import way_to_header
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.skipped_rows import around_header
from cxlink.cohort.spec.spec_sections import TableSection

BAD = -1
"""Code of a value that is present but not allowed in its column."""

YES = frozenset({"1", "true", "t", "yes", "y", "ja", "j", "si", "sí", "sim", "oui"})
NO = frozenset({"0", "false", "f", "no", "n", "nee", "nein", "non", "nao", "não"})
"""Words of yes and of no, in English, Dutch, German, Spanish, Portuguese and French."""

BLANKS, APOSTROPHES = " \u00a0\u2009\u202f", "'’"
"""Marks between thousands that look alike, of which one table may hold several: blanks, no-break and thin ones."""

_PLAIN = ("1", "0", "Yes", "No", "true", "false")
_CODE = r"^([0-9]+)([.,]0{0,2}|\s+=\s.*)$"
"""A whole number with zeros behind its mark, or with the label of a statistics package: ``1 = yes``."""
_EXACT = 2**53


def raw(source: Source, name: str, role: str) -> Any:
    """Find a column.

    Raises
    ------
    InputError
        If it is not there; the message names the nearest.
    """
    if name in source.columns:
        return source.table[name]
    parts = [part.strip() for part in name.split(",")]
    if set(parts) <= set(source.columns):
        each = " ".join(f"--{role} {part}" for part in parts)
        cure = f"Give each by itself: {each}." if role in ("adjust", "segments") else "Name one of them."
        raise InputError(
            f"{source.name}: no column {name!r} ({role}): these are {len(parts)} columns. {cure}"
        )
    near = difflib.get_close_matches(name, source.columns, n=1, cutoff=0.5)
    folded = [column for column in source.columns if column.lower().strip() == name.lower().strip()]
    hint = next(iter((*folded, *near)), None)
    cure = (
        f"Did you mean {hint!r}?"
        if hint
        else f"It has: {', '.join(source.columns[:12])}.{_other_header(source)}"
    )
    raise InputError(f"{source.name}: no column {name!r} ({role}). {cure}")


def _other_header(source: Source) -> str:
    """Which line seems to name the columns, where ``[table] skip_rows`` says another one; empty otherwise."""
    said = source.options.skip_rows
    if said is None or not source.files:
        return ""
    likely = likely_skip(source.files, source.options)
    return "" if around_header(likely)[0] == around_header(said)[0] else f" {way_to_header(said, likely)}"


def as_one(condition: Any) -> Any:
    """Give 1 where a condition holds and 0 elsewhere, also where it is empty: Postgres casts no boolean to bigint."""
    import ibis

    return condition.ifelse(ibis.literal(1, "int64"), ibis.literal(0, "int64"))


def as_flag(column: Any) -> Any:
    """Give 1 and 0 for true and false, empty where it is empty."""
    return column.notnull().ifelse(as_one(column), None)


def or_else(value: Any, second: Any) -> Any:
    """Give a value, and where it is empty a second reading: as a condition, since DuckDB coalesces at every row."""
    return value.isnull().ifelse(second, value)


def is_one_of(text: Any, words: Sequence[str]) -> Any:
    """Whether text is one of some words: DuckDB joins a longer list to every row, also within a condition."""
    import ibis

    return ibis.or_(*(text == word for word in words))


def stripped(text: Any) -> Any:
    """Text without blanks around it: most has none, and to look costs DuckDB half of stripping it."""
    return text.re_search(r"^[^\s\v](.*[^\s\v])?$").ifelse(text, text.strip())


def without_nan(column: Any) -> Any:
    """Give a floating column with its NaN, which a frame writes for an empty cell, as empty.

    Asked of each value: DuckDB answers comparisons from a Parquet file's least and largest, which leave NaN out.
    """
    return column.isnan().ifelse(None, column)


def number(column: Any, options: TableSection) -> Any:
    """Give a column as a number; empty where it is empty or no number."""
    kind = column.type()
    if kind.is_integer():
        return column
    if kind.is_floating():
        return without_nan(column)
    if kind.is_boolean():
        return as_flag(column)
    if kind.is_decimal() or kind.is_null():
        return column.cast("float64")
    text = column.cast("string")
    if options.decimal != "." or options.thousands:
        text = _in_plain_notation(text.strip(), options)
    else:  # blanks around it are read past; DuckDB reads 1_000 as a thousand
        text = text.contains("_").ifelse(None, text)
    return without_nan(text.nullif("").try_cast("float64"))


def plain_number(text: str, options: TableSection) -> float | None:
    """Read one text as `number` reads a column of it; None where it is no number, or too large for one."""
    text, mark = text.strip(), _thousands(options)
    whole = rf"([0-9]+|[0-9]{{1,3}}({mark}[0-9]{{3}})+)" if mark else "[0-9]+"
    point = re.escape(options.decimal)
    if re.fullmatch(rf"[-+]?({whole}({point}[0-9]*)?|{point}[0-9]+)([eE][-+]?[0-9]+)?", text) is None:
        return None
    value = float((re.sub(mark, "", text) if mark else text).replace(options.decimal, "."))
    return value if math.isfinite(value) else None


def within(column: Any, options: TableSection, low: float, high: float) -> Any:
    """Say whether a column is a number in a span; false of NaN.

    In this order it costs an engine half: DuckDB answers the second part from a Parquet file's least and largest.
    """
    if column.type().is_floating():
        return ~column.isnan() & column.between(low, high)
    return number(column, options).between(low, high)


def _thousands(options: TableSection) -> str:
    """Pattern of the mark between thousands, and of those that look like it; empty where there is none."""
    mark = options.thousands or ""
    alike = next((marks for marks in (BLANKS, APOSTROPHES) if mark and mark in marks), "")
    return f"[{alike}]" if alike else re.escape(mark)


def _in_plain_notation(text: Any, options: TableSection) -> Any:
    """Numbers in the table's own notation as an engine reads them; empty where they are in another one."""
    mark, point = _thousands(options), re.escape(options.decimal)
    whole = rf"([0-9]+|[0-9]{{1,3}}({mark}[0-9]{{3}})+)" if mark else "[0-9]+"
    fits = text.re_search(rf"^[-+]?{whole}({point}[0-9]*)?([eE][-+]?[0-9]+)?$")
    if mark:
        text = text.re_replace(mark, "")
    return fits.ifelse(text.replace(options.decimal, "."), None)


def is_given(column: Any) -> Any:
    """Whether a cell holds anything: not empty, not NaN, and not blank text."""
    if column.type().is_string():
        # most begin with a mark, which sorts after blanks; to strip a cell costs as much as the rest of its reading
        return column.notnull() & ((column >= "!") | (column.strip() != ""))
    if column.type().is_floating():
        return without_nan(column).notnull()
    return column.notnull()


def whole_key(
    column: Any,
    options: TableSection,
    span: tuple[int, int],
    rounding: Literal["none", "down", "up"] = "none",
) -> Any:
    """Give a whole number as a key; one below its span where a cell is off it, no number or, unrounded, not whole.

    A column of whole numbers is its own key: whether it keeps to the span is checked on the cells.
    """
    if column.type().is_integer():
        return column
    return whole_of(number(column, options), is_given(column), span, rounding)


def whole_of(
    value: Any, given: Any, span: tuple[int, int], rounding: Literal["none", "down", "up"] = "none"
) -> Any:
    """Give a number as a key of whole numbers; one below its span where it is off it though a cell is given."""
    inside = value.between(*span).ifelse(
        value, None
    )  # rounding what no whole number holds is an engine's error
    whole = inside.ceil() if rounding == "up" else inside.floor()
    if rounding == "none":
        whole = (inside == whole).ifelse(whole, None)
    return or_else(whole.cast("int64"), given.ifelse(span[0] - 1, None))


def has_part(column: Any, options: TableSection) -> Any | None:
    """Whether a number has a part after the decimal point; None where its type has none."""
    if column.type().is_integer() or column.type().is_boolean():
        return None
    value = number(column, options)
    inside = value.between(-_EXACT, _EXACT).ifelse(value, None)
    return (inside != inside.floor()).fill_null(False)


def yes_no(column: Any, options: TableSection) -> Any:
    """Give 1 or 0 for 1/0 (also 1.00 and 1,0) and for words of yes and no; anything else for anything else.

    Empty where it is empty, unless the spec lists "". Words that it lists go before those of `YES` and `NO`.
    """
    import ibis

    kind, listed = column.type(), (*options.true, *options.false)
    if kind.is_integer() and not listed:
        return column
    if kind.is_null():
        return column.cast("int64")
    if kind.is_boolean() and not listed:
        return as_flag(column)
    if kind.is_numeric() and not listed:
        value = without_nan(column.cast("float64"))
        return ibis.cases((value.isnull(), None), (value == 1, 1), (value == 0, 0), else_=BAD)
    if kind.is_floating():
        column = without_nan(column)
    text = column.cast("string")
    said = text.strip().lower().re_replace(_CODE, r"\1")
    yes, no = (
        [re.sub(_CODE, r"\1", word.strip().lower()) for word in words]
        for words in (options.true, options.false)
    )
    yes, no = [*yes, *(YES - set(no))], [*no, *(NO - set(yes))]
    blank = 1 if "" in yes else 0 if "" in no else None
    in_words = ibis.cases(
        (said.isnull() | (said == ""), blank), (is_one_of(said, yes), 1), (is_one_of(said, no), 0), else_=BAD
    )
    # most cells are written plainly, and need no stripping and folding
    plain = [
        (text == form, code)
        for words, code in ((yes, 1), (no, 0))
        for form in _PLAIN
        if form.lower() in words
    ]
    return ibis.cases(*plain, else_=in_words)


def words_of(column: Any, options: TableSection) -> Any | None:
    """The words of a yes-or-no column; None where its type has none, empty at 1/0 and true/false unless listed."""
    listed = options.true or options.false
    if not column.type().is_string() and not listed:
        return None
    text = column.cast("string")
    word = text.strip()
    if listed:
        return (word == "").ifelse(None, word)
    plain = word.lower().re_search(r"^([01]([.,]0{0,2})?|true|false|)$")
    return (text.isin(("0", "1")) | plain).ifelse(None, word)


def category(column: Any) -> Any:
    """Give a category as a key: itself; blanks are recognised on the cells."""
    kind = column.type()
    if kind.is_floating():
        return without_nan(column)
    plain = (
        kind.is_string() or kind.is_numeric() or kind.is_boolean() or kind.is_date() or kind.is_timestamp()
    )
    return column if plain else column.cast("string")


def percentage(column: Any, options: TableSection) -> Any:
    """Give text that ends in a per cent sign as the number before it: 70 of ``70 %``; empty elsewhere."""
    text = column.strip()
    return text.endswith("%").ifelse(number(text.re_replace(rf"[{BLANKS}]*%$", ""), options), None)


def band(column: Any, value: Any, cuts: tuple[float, ...]) -> Any:
    """Give the band of a column's number as a key: 0 below the first cut, 1 from it on, …; `BAD` where it has none."""
    total = as_one(value >= cuts[0])
    for cut in cuts[1:]:
        total = total + as_one(value >= cut)
    if value.type().is_floating():
        total = value.isinf().ifelse(BAD, total)
    return is_given(column).ifelse(value.notnull().ifelse(total, BAD), None)


def band_labels(cuts: tuple[float, ...]) -> list[str]:
    """Names of the bands that cuts make: ``<3``, ``3-<12``, ``>=12``."""
    shown = [repr(cut).removesuffix(".0") for cut in cuts]
    return [f"<{shown[0]}", *(f"{a}-<{b}" for a, b in pairwise(shown)), f">={shown[-1]}"]

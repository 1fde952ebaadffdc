"""A score as surveys export it: a number, a label such as ``7 - good``, ``7/10``, ``70%``, or an average."""

from collections.abc import Sequence
from typing import Any

from cxlink.cohort.errors import InputError
from cxlink.cohort.read import columns
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.other_scores import OtherScore
from cxlink.cohort.spec.scales import Scale
from cxlink.cohort.spec.score_labels import LabelledScore, folded
from cxlink.cohort.spec.spec_sections import TableSection

_LABELLED = r"^([-+]?[0-9]{1,3})(\s*[-–—=:.)(]+\s*|\s+)[^0-9\s/].*$"
_HUNDRED = 100
OUT_OF = r"^([0-9]{1,3})\s*(/|out of|of|van|von)\s*([0-9]{1,3})$"
"""A score and the highest of its scale, in small letters."""


def score_key(
    column: Any, options: TableSection, scale: Scale, rounded: bool = False, labels: Sequence[str] = ()
) -> Any:
    """Give a score as a key, one below its scale where a cell holds no level of it.

    A label counts as the number that it begins with, ``7/10`` as 7 on a scale that ends at 10, ``70%`` as 70 on one
    that ends at 100.

    Parameters
    ----------
    column : ibis column
        Numbers or text.
    options : TableSection
        How numbers are written.
    scale : Scale
        Its levels.
    rounded : bool
        Whether an average counts as the nearest level, halves as the higher number.
    labels : sequence of str
        Words for its levels, lowest first; capitals and blanks do not tell them apart. With them only they and plain
        numbers are read.
    """
    if column.type().is_integer():
        return column
    value = _number(column, options, scale, labels)
    if rounded:
        value = (value.between(scale.low - 1, scale.high + 1).ifelse(value, None) + 0.5).floor()
    return columns.whole_of(value, columns.is_given(column), (scale.low, scale.high))


def further_key(source: Source, name: str, other: OtherScore) -> Any:
    """Give a further score as a key, one below its scale where a cell holds no level of it.

    Parameters
    ----------
    source : Source
        The table.
    name : str
        Of the score, in ``[score] others``.
    other : OtherScore
        Its column and scale.

    Raises
    ------
    InputError
        If the column is not there, or holds true and false.
    """
    column, scale = columns.raw(source, other.column, f"others.{name}"), other.levels
    if column.type().is_boolean() and (scale.low, scale.high) != (0, 1):
        raise InputError(
            f"{source.name}: {other.column} holds true and false, no score from {scale.low} to {scale.high}. "
            f"Name another column in [score] others.{name}."
        )
    return score_key(column, source.options, scale, other.round, other.labels)


def likely_level(column: Any, value: Any) -> Any:
    """Give a number, else the one that a label such as ``7 - good`` or ``7/10`` begins with, whatever its scale."""
    if not column.type().is_string():
        return value
    text = column.strip().lower()
    first = text.re_extract(OUT_OF, 1).nullif("").coalesce(text.re_extract(_LABELLED, 1))
    return columns.or_else(value, first.try_cast("float64"))


def levels_of(score: LabelledScore) -> str:
    """What a cell of a score must hold, as a rule names it."""
    one = "one of its labels, or " if score.labels else ""
    return f"{one}a whole number from {score.levels.low} to {score.levels.high}"


def label_of(column: Any, options: TableSection) -> Any | None:
    """The text of a cell that is given but is no plain number; None where the column's type has no text."""
    if not column.type().is_string():
        return None
    plain = columns.number(column, options).notnull() | (column.strip() == "")
    return plain.ifelse(None, column.strip())


def _number(column: Any, options: TableSection, scale: Scale, labels: Sequence[str]) -> Any:
    value = columns.number(column, options).cast("float64")
    if not column.type().is_string():
        return value
    import ibis

    if scale.high == _HUNDRED:
        value = columns.or_else(value, columns.percentage(column, options))
    if labels:
        said = column.re_replace(rf"[{columns.BLANKS}\s]+", " ").strip().lower()
        level = [(said == folded(label), float(k)) for k, label in enumerate(labels, scale.low)]
        return columns.or_else(value, ibis.cases(*level, else_=None))
    text = column.strip().lower()
    top = text.re_extract(OUT_OF, 3)
    out_of = text.re_extract(OUT_OF, 1).try_cast("float64")
    labelled = text.re_extract(_LABELLED, 1).try_cast("float64")
    in_words = ibis.cases((top == str(scale.high), out_of), (top != "", None), else_=labelled)
    return columns.or_else(value, in_words)

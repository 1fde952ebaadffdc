"""How the text of a table is written: decimal mark, thousands, order of a date. Found where one value decides it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from cxlink.cohort.read.columns import APOSTROPHES, BLANKS
from cxlink.cohort.read.money import bare, codes_of
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.spec_sections import TableSection
from cxlink.cohort.starter.column_looks import LOOKED_AT
from cxlink.cohort.starter.date_forms import ISO, MOST_BAD, common_forms, of_the_day

_SIGN, _END = r"^[-+]?", r"([eE][-+]?\d+)?$"
_WHOLE = re.compile(rf"{_SIGN}\d+$")
_DOT = re.compile(rf"{_SIGN}\d*\.\d+{_END}|{_SIGN}\d+\.{_END}")
_COMMA = re.compile(rf"{_SIGN}\d*,\d+{_END}")
_DOT_GROUPS = re.compile(rf"{_SIGN}[1-9]\d{{0,2}}(\.\d{{3}})+$")
_COMMA_GROUPS = re.compile(rf"{_SIGN}[1-9]\d{{0,2}}(,\d{{3}})+$")
_DOTS_THEN_COMMA = re.compile(rf"{_SIGN}\d{{1,3}}(\.\d{{3}})+,\d+$")
_COMMAS_THEN_DOT = re.compile(rf"{_SIGN}\d{{1,3}}(,\d{{3}})+\.\d+$")

_GAPS = BLANKS + APOSTROPHES
_GAP_GROUPS = re.compile(rf"{_SIGN}\d{{1,3}}(?P<gap>[{_GAPS}])\d{{3}}((?P=gap)\d{{3}})*([.,]\d+)?$")

Sign = Literal["comma", "dot", "dots", "commas", "gaps", "either_dot", "either_comma"]
"""A comma or a dot before decimals, dots, commas, blanks or apostrophes between thousands, or one of two."""


@dataclass(frozen=True, slots=True)
class Notation:
    """How numbers and dates of a table are written.

    Attributes
    ----------
    decimal, thousands : str or None
        Marks that differ from the default; None where the default reads the table.
    date_format : str or None
        As ``[table] date_format``; None where dates are YYYY-MM-DD or there are none. Where two orders are possible,
        that of the day first.
    numbers_open : dict of str to str
        Columns whose numbers can be read in two ways, with an example of each; empty where one column decides.
    dates_open : dict of str to str
        Columns whose dates can be read in two orders, with an example of each.
    other_dates : dict of str to str
        Columns of dates that are written otherwise than ``date_format`` says, with an example of each.
    decided : dict of str to str
        By key, the value of the table that decided it.
    currencies : dict of str to tuple of str
        Columns whose numbers bear the mark of a currency, with the codes that the commonest mark may stand for.
    """

    decimal: str | None
    thousands: str | None
    date_format: str | None
    numbers_open: Mapping[str, str]
    dates_open: Mapping[str, str]
    other_dates: Mapping[str, str]
    decided: Mapping[str, str]
    currencies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def options(self, **more: Any) -> TableSection:
        """The section by which such a table is looked at; what is open is read one way, and nothing told of it."""
        thousands = self.thousands
        if self.numbers_open and all("." not in text for text in self.numbers_open.values()):
            thousands = ","
        keys = {"decimal": self.decimal or ".", "thousands": thousands, "date_format": self.date_format}
        return TableSection.model_validate({**keys, **more})


def with_dates_of(notation: Notation, other: Notation) -> Notation:
    """A notation by which the dates of a second table are read too, where one format can read both.

    Parameters
    ----------
    notation, other : Notation
        Of the first table, and of the second.
    """
    own, further = notation.date_format, other.date_format
    if further is None or own == further:
        return notation
    if own is None:
        decided = {
            **notation.decided,
            **{key: day for key, day in other.decided.items() if key == "date_format"},
        }
        return replace(notation, date_format=further, dates_open=other.dates_open, decided=decided)
    same = of_the_day(own) == of_the_day(further)
    return replace(notation, date_format=of_the_day(own)) if same else notation


def texts_of(source: Source) -> dict[str, list[str]]:
    """Give the different texts of each column of text over the first rows."""
    columns = [name for name in source.columns if source.table[name].type().is_string()]
    if not columns:
        return {}
    rows = source.run(source.table.select(columns).limit(LOOKED_AT))
    given = {name: (text.strip() for text in rows[name].unique().to_pylist() if text) for name in columns}
    return {name: [text for text in texts if text] for name, texts in given.items()}


def notation_of(texts: Mapping[str, Sequence[str]]) -> Notation:
    """Find how numbers and dates are written, from the texts of each column.

    A mark is taken where one value of the table allows no other reading; where none does, the columns are open.

    Parameters
    ----------
    texts : mapping of str to sequence of str
        Different texts of each column.

    Examples
    --------
    >>> notation_of({"spent": ["1.234,50", "12"]}).thousands
    '.'
    >>> notation_of({"spent": ["1.234", "12.000"]}).numbers_open
    {'spent': '1.234'}
    """
    numbers = {name: signs for name, values in texts.items() if (signs := _signs(values)) is not None}
    found: dict[Sign, str] = {}
    for signs in numbers.values():
        found = {**signs, **found}
    decimal, thousands, decided = _marks(found)
    both = "comma" in found and "dot" in found
    unclear = ("comma", "dot") if both else ("either_dot", "either_comma")
    settled = not both and ("comma" in found or "dot" in found)
    numbers_open = {
        name: next(signs[sign] for sign in unclear if sign in signs)
        for name, signs in numbers.items()
        if not settled and any(sign in signs for sign in unclear)
    }
    date_format, dates_open, other_dates, day = _order(texts)
    if date_format is not None and day:
        decided["date_format"] = day
    currencies = {name: codes for name in numbers if (codes := _currency(texts[name]))}
    return Notation(
        decimal, thousands, date_format, numbers_open, dates_open, other_dates, decided, currencies
    )


def _currency(values: Sequence[str]) -> tuple[str, ...]:
    """What the commonest mark of a currency among numbers may stand for; nothing where none bears one."""
    marked = Counter(codes for text in values if (codes := codes_of(text)))
    return marked.most_common(1)[0][0] if marked else ()


def _marks(found: Mapping[Sign, str]) -> tuple[str | None, str | None, dict[str, str]]:
    """Give decimal and thousands where they differ from the default, and the values that decided them."""
    if "gaps" in found:
        mark = next(mark for mark in found["gaps"] if mark in _GAPS)
        comma = found.get("comma") if "dot" not in found else None
        return (
            ("," if comma else None),
            mark,
            {"thousands": found["gaps"]} | ({"decimal": comma} if comma else {}),
        )
    if ("comma" in found) == ("dot" in found):
        return None, None, {}
    if "dot" in found and "either_dot" in found and "commas" not in found and "either_comma" not in found:
        return ".", None, {"decimal": found["dot"]}
    ours: tuple[Sign, Sign] = ("dots", "either_dot") if "comma" in found else ("commas", "either_comma")
    decided = {"decimal": found["comma"]} if "comma" in found else {}
    grouped = next((found[sign] for sign in ours if sign in found), None)
    if grouped is not None:
        decided["thousands"] = grouped
    thousands = None if grouped is None else "." if "comma" in found else ","
    return ("," if "comma" in found else None), thousands, decided


def is_number(text: str) -> bool:
    """Whether a text is a number in some notation, with or without the mark of a currency or a per cent sign."""
    return _says(_alone(text)) is not None


def _alone(text: str) -> str:
    """A number without its mark or sign."""
    return bare(re.sub(rf"[{BLANKS}]*%$", "", text))


def marks_of(text: str) -> list[dict[str, str]]:
    """Give the ways to write ``[table] decimal`` and ``thousands`` by which a number is read that no default reads.

    Examples
    --------
    >>> marks_of("1.234,5"), marks_of("1,234"), marks_of("1 234.5"), marks_of("soon")
    ([{'decimal': ',', 'thousands': '.'}], [{'decimal': ','}, {'thousands': ','}], [{'thousands': ' '}], [])
    """
    signs = _says(text) or ()
    if "either_comma" in signs:
        return [{"decimal": ","}, {"thousands": ","}]
    decimal, thousands, _ = _marks(dict.fromkeys(signs, text))
    marks = {key: mark for key, mark in (("decimal", decimal), ("thousands", thousands)) if mark is not None}
    return [marks] if marks else []


def _signs(values: Sequence[str]) -> dict[Sign, str] | None:
    """Give what a column of numbers says of its marks, each with an example; None where it is no column of numbers."""
    found: dict[Sign, str] = {}
    n_bad = 0
    for text in values:
        signs = _says(_alone(text))
        n_bad += signs is None
        for sign in signs or ():
            found.setdefault(sign, _alone(text))
    return found if n_bad <= max(2, MOST_BAD * len(values)) and n_bad < len(values) / 2 else None


def _says(text: str) -> tuple[Sign, ...] | None:
    """Give what one number says of the marks: of two readings ``either_…``, None where it is no number."""
    if _WHOLE.match(text):
        return ()
    if _DOTS_THEN_COMMA.match(text):
        return ("comma", "dots")
    if _COMMAS_THEN_DOT.match(text):
        return ("dot", "commas")
    if _GAP_GROUPS.match(text):
        return (*(("comma",) if "," in text else ("dot",) if "." in text else ()), "gaps")
    if _DOT_GROUPS.match(text):
        return ("comma", "dots") if text.count(".") > 1 else ("either_dot",)
    if _COMMA_GROUPS.match(text):
        return ("dot", "commas") if text.count(",") > 1 else ("either_comma",)
    return ("dot",) if _DOT.match(text) else ("comma",) if _COMMA.match(text) else None


def _order(
    texts: Mapping[str, Sequence[str]],
) -> tuple[str | None, dict[str, str], dict[str, str], str]:
    """Give the format of dates, the columns that leave it open, those written otherwise, and the date that decided."""
    shapes = {name: shape for name, values in texts.items() if (shape := common_forms(values)) is not None}
    dated = {name: shape for name, shape in shapes.items() if ISO not in shape[0]}
    if dated and not set.intersection(*(set(forms) for forms, _ in dated.values())):
        # some with a time, some without: one format reads both
        dated = {name: (tuple(map(of_the_day, forms)), day) for name, (forms, day) in dated.items()}
    sure = {name: forms[0] for name, (forms, _) in dated.items() if len(forms) == 1}
    if sure:
        chosen = max(
            sorted(set(sure.values())), key=lambda form: sum(form in forms for forms, _ in dated.values())
        )
        decider = next(name for name in sure if sure[name] == chosen)
        other = {name: day for name, (forms, day) in dated.items() if chosen not in forms}
        return chosen, {}, other, dated[decider][1]
    unclear = {name: day for name, (_, day) in dated.items()}
    formats_open = next((forms[0] for forms, _ in dated.values()), None)
    return formats_open, unclear, {}, ""

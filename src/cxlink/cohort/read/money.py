"""Amounts as spreadsheets and billing systems export them: ``€ 12,50``, ``(20.00)``, ``20.00-``, ``12,-``."""

import re
from typing import Any

from cxlink.cohort.read import columns
from cxlink.cohort.spec.spec_sections import TableSection

SYMBOLS: dict[str, tuple[str, ...]] = {
    "€": ("EUR",), "£": ("GBP",), "¥": ("JPY", "CNY"), "₹": ("INR",), "zł": ("PLN",), "Kč": ("CZK",), "R$": ("BRL",),
    "US$": ("USD",), "C$": ("CAD",), "CA$": ("CAD",), "A$": ("AUD",), "AU$": ("AUD",), "NZ$": ("NZD",), "HK$": ("HKD",),
    "S$": ("SGD",), "MX$": ("MXN",),
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "CLP", "COP", "ARS"), "Fr.": ("CHF",),
    "kr.": ("DKK", "SEK", "NOK", "ISK"), "kr": ("SEK", "NOK", "DKK", "ISK"),
    "₺": ("TRY",), "₩": ("KRW",), "₪": ("ILS",),
}  # fmt: skip
"""Marks of currencies, with the codes (ISO 4217) that each may stand for, the commonest first."""
_CODES = (
    *dict.fromkeys(code for codes in SYMBOLS.values() for code in codes),
    "ZAR",
    "HUF",
    "RON",
    "BGN",
)
_BLANKS = f"[{columns.BLANKS}\\s]*"


def _either_of(marks: tuple[str, ...]) -> str:
    return "|".join(re.escape(mark) for mark in sorted(marks, key=len, reverse=True))


def _steps(marks: tuple[str, ...], decimal: str) -> tuple[tuple[str, str], ...]:
    """Patterns, with what each is replaced by in turn, that make a plain number of an amount.

    Where a sign is put before the number, it must begin as one, so that ``--5`` and ``(-5)`` remain none.
    """
    named, point = _either_of(marks), re.escape(decimal)
    without_mark = (
        (rf"(?i)^([-+(]?){_BLANKS}({named}){_BLANKS}", r"\1"),
        (rf"(?i){_BLANKS}({named}){_BLANKS}([-)]?)$", r"\2"),
    )
    return (
        (rf"^{_BLANKS}", ""),
        (rf"{_BLANKS}$", ""),
        (rf"^[-−]{_BLANKS}", "-"),
        *(without_mark if marks else ()),
        (rf"([0-9]){point}[-–]{{1,2}}$", rf"\1{decimal}00"),
        (rf"^\({_BLANKS}([0-9.,][^-+()]*)\)$", r"-\1"),
        (rf"^([.,]?[0-9]([^-+()]*[0-9])?){_BLANKS}[-−]$", r"-\1"),
    )


_MARKED = re.compile(
    rf"[-+−(]?{_BLANKS}(?P<before>{{0}})?{_BLANKS}[-+(]?[0-9].*?{_BLANKS}(?P<after>{{0}})?{_BLANKS}[-)]?".format(
        _either_of((*SYMBOLS, *_CODES))
    ),
    re.IGNORECASE,
)


def codes_of(cell: str) -> tuple[str, ...]:
    """Currencies that the mark of a cell may stand for, the commonest first; none without a mark.

    Examples
    --------
    >>> codes_of("€ 12,50"), codes_of("(12 USD)"), codes_of("12")
    (('EUR',), ('USD',), ())
    """
    match = _MARKED.fullmatch(cell.strip())
    mark = (match["before"] or match["after"]) if match is not None else None
    if mark is None:
        return ()
    return next(
        (codes for symbol, codes in SYMBOLS.items() if symbol.lower() == mark.lower()), (mark.upper(),)
    )


def currency_of(cell: str, currency: str) -> str | None:
    """The currency that a cell is marked with, that of the spec where its mark may stand for it; None without a mark.

    Examples
    --------
    >>> currency_of("€ 12,50", "EUR"), currency_of("12 USD", "EUR"), currency_of("$12", "CAD"), currency_of("12", "EUR")
    ('EUR', 'USD', 'CAD', None)
    """
    codes = codes_of(cell)
    return None if not codes else currency if currency in codes else codes[0]


def bare(cell: str) -> str:
    """A cell as a plain number has it: without the mark of a currency, with its sign in front.

    Examples
    --------
    >>> bare("-€ 1.234,50"), bare("(12 USD)"), bare("20.00-"), bare("€ 12,-"), bare("a 12")
    ('-1.234,50', '-12', '-20.00', '12,00', 'a 12')
    """
    text = cell
    for pattern, by in _steps((*SYMBOLS, *_CODES), "," if re.search(",[-–]", cell) else "."):
        text = re.sub(pattern, by, text)
    return text if re.match(r"[-+]?[0-9.,]", text) else cell


def amount(column: Any, options: TableSection, currency: str | None = None) -> Any:
    """Give a column as a number, its text with or without the mark of one currency, of any where none is named.

    Parameters
    ----------
    column : ibis column
        Numbers or text; text may be negative in brackets or with its minus behind, and end in ``,-`` for no cents.
    options : TableSection
        How numbers are written.
    currency : str, optional
        A code, whose own marks are read and no other's.
    """
    value = columns.number(column, options)
    if not column.type().is_string():
        return value
    own = tuple(mark for mark, codes in SYMBOLS.items() if currency is None or currency in codes)
    own += _CODES if currency is None else (currency,) if currency else ()
    text = column
    for pattern, by in _steps(own, options.decimal):
        text = text.re_replace(pattern, by)
    return columns.or_else(value, columns.number(text, options))


def quantity(column: Any, options: TableSection, currency: str | None = None) -> Any:
    """Give a column as `amount` does, and percentages as the number before their sign."""
    value = amount(column, options, currency)
    return columns.or_else(value, columns.percentage(column, options)) if column.type().is_string() else value


def amount_within(column: Any, options: TableSection, currency: str, low: float, high: float) -> Any:
    """Say whether a column is an amount in a span, as `columns.within` says it of a number."""
    if column.type().is_string():
        return amount(column, options, currency).between(low, high)
    return columns.within(column, options, low, high)

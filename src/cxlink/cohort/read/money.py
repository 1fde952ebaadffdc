"""Amounts with the mark of their currency, as spreadsheets and billing systems export them: ``€ 12,50``, ``12 USD``."""

import re
from typing import Any

from cxlink.cohort.read import columns
from cxlink.cohort.spec.spec_sections import TableSection

SYMBOLS: dict[str, tuple[str, ...]] = {
    "€": ("EUR",), "£": ("GBP",), "¥": ("JPY", "CNY"), "₹": ("INR",), "zł": ("PLN",), "Kč": ("CZK",), "R$": ("BRL",),
    "US$": ("USD",), "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "CLP", "COP", "ARS"), "Fr.": ("CHF",),
    "kr.": ("DKK", "SEK", "NOK", "ISK"), "kr": ("SEK", "NOK", "DKK", "ISK"),
}  # fmt: skip
"""Marks of currencies, with the codes (ISO 4217) that each may stand for, the commonest first."""
_CODES = (
    *dict.fromkeys(code for codes in SYMBOLS.values() for code in codes),
    "ZAR",
    "HUF",
    "RON",
    "TRY",
    "BGN",
)
_GAP = "[\\s\u00a0\u202f]*"
_EITHER_END = re.compile(
    rf"([-+]?){_GAP}(?P<before>{{0}})?{_GAP}([-+]?[0-9].*?){_GAP}(?P<after>{{0}})?".format(
        "|".join(re.escape(mark) for mark in sorted((*SYMBOLS, *_CODES), key=len, reverse=True))
    ),
    re.IGNORECASE,
)


def currency_of(cell: str, currency: str) -> str | None:
    """The currency that a cell is marked with, that of the spec where its mark may stand for it; None without a mark.

    Examples
    --------
    >>> currency_of("€ 12,50", "EUR"), currency_of("12 USD", "EUR"), currency_of("$12", "CAD"), currency_of("12", "EUR")
    ('EUR', 'USD', 'CAD', None)
    """
    match = _EITHER_END.fullmatch(cell.strip())
    mark = (match["before"] or match["after"]) if match is not None else None
    if mark is None:
        return None
    codes = next(
        (codes for symbol, codes in SYMBOLS.items() if symbol.lower() == mark.lower()), (mark.upper(),)
    )
    return currency if currency in codes else codes[0]


def bare(cell: str) -> str:
    """A cell without the mark of a currency.

    Examples
    --------
    >>> bare("-€ 1.234,50"), bare("12 USD"), bare("a 12")
    ('-1.234,50', '12', 'a 12')
    """
    match = _EITHER_END.fullmatch(cell.strip())
    return f"{match[1]}{match[3]}" if match is not None else cell


def amount(column: Any, options: TableSection, currency: str | None = None) -> Any:
    """Give a column as a number, its text with or without the mark of one currency, of any where none is named.

    Parameters
    ----------
    column : ibis column
        Numbers or text.
    options : TableSection
        How numbers are written.
    currency : str, optional
        A code, whose own marks are read and no other's.
    """
    value = columns.number(column, options)
    if not column.type().is_string():
        return value
    own = [mark for mark, codes in SYMBOLS.items() if currency is None or currency in codes]
    own += _CODES if currency is None else [currency] if currency else []
    if not own:
        return value
    marks = "|".join(re.escape(mark) for mark in sorted(own, key=len, reverse=True))
    text = column.strip().re_replace(rf"(?i)^([-+]?){_GAP}({marks}){_GAP}", r"\1")
    text = text.re_replace(rf"(?i){_GAP}({marks})$", "")
    return value.coalesce(columns.number(text, options))


def amount_within(column: Any, options: TableSection, currency: str, low: float, high: float) -> Any:
    """Say whether a column is an amount in a span, as `columns.within` says it of a number."""
    if column.type().is_string():
        return amount(column, options, currency).between(low, high)
    return columns.within(column, options, low, high)

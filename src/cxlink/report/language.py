"""The language of the document that is being made, and how it writes numbers and lists (Babel)."""

import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from babel import Locale
from babel.lists import format_list
from babel.numbers import get_decimal_symbol

THIN = "\u202f"  # narrow no-break space: groups digits, and keeps a unit with its number
NONE = "–"
CUSTOMERS, SURVEYS = "customers", "surveys"
"""What the numbers of a document count; a sentence may have a form of its own for surveys."""
LEAST_P = 0.001
"""P-values below it are only said to be below it: a normal approximation says no more of them."""
_LANGUAGE: ContextVar[str] = ContextVar("language", default="en")
_COUNTED: ContextVar[str] = ContextVar("counted", default=CUSTOMERS)


@dataclass(frozen=True, slots=True)
class Language:
    """A language that documents are written in.

    Attributes
    ----------
    locale : Locale
        Babel's rules for its plurals, numbers and lists.
    texts : mapping of str to (str or mapping of str to str)
        Each sentence by its key, ``section.name``; of one that depends on a number, a sentence a plural form.
    """

    locale: Locale
    texts: Mapping[str, str | Mapping[str, str]]


@contextmanager
def written_in(language: str) -> Iterator[None]:
    """Write what is made inside in this language."""
    before = _LANGUAGE.set(language)
    try:
        yield
    finally:
        _LANGUAGE.reset(before)


@contextmanager
def counting(what: str) -> Iterator[None]:
    """Write what is made inside of numbers of `CUSTOMERS`, or of `SURVEYS`."""
    before = _COUNTED.set(what)
    try:
        yield
    finally:
        _COUNTED.reset(before)


def counts_surveys() -> bool:
    """Whether the numbers of the document that is being made are of surveys."""
    return _COUNTED.get() == SURVEYS


def current() -> str:
    """Give the language of the document that is being made."""
    return _LANGUAGE.get()


@cache
def read_language(name: str) -> Language:
    """Read ``text/NAME.toml``.

    Raises
    ------
    FileNotFoundError
        If there is no such language.
    """
    text = resources.files("cxlink.report").joinpath(f"text/{name}.toml").read_text(encoding="utf-8")
    return make_language(tomllib.loads(text))


def make_language(tables: Mapping[str, Any]) -> Language:
    """Give a language from the tables of its file: ``locale``, and sentences in tables of any depth."""
    texts = dict(_texts({name: table for name, table in tables.items() if name != "locale"}, ""))
    return Language(Locale.parse(tables["locale"]), texts)


def _texts(table: Mapping[str, Any], above: str) -> Iterator[tuple[str, str | Mapping[str, str]]]:
    for name, text in table.items():
        if isinstance(text, str) or "other" in text:
            yield f"{above}{name}", text
        else:
            yield from _texts(text, f"{above}{name}.")


def whole(number: float | None) -> str:
    """Write a whole number with thin grouping: ``12 345``; a dash for none."""
    if number is None or math.isnan(number):
        return NONE
    return f"{round(number):,}".replace(",", THIN).replace("-", "−")


def decimal(number: float, digits: int) -> str:
    """Write a number with a fixed number of decimals, a true minus and thin grouping; a dash for none."""
    if math.isnan(number):
        return NONE
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    text = f"{number:,.{digits}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    point = get_decimal_symbol(read_language(current()).locale)
    return text.replace(",", THIN).replace(".", point).replace("-", "−")


def percent(share: float, digits: int = 0) -> str:
    """Write a share in per cent: ``62 %``; a dash for none."""
    return NONE if math.isnan(share) else f"{decimal(100 * share, digits)}{THIN}%"


def listed(items: Sequence[str]) -> str:
    """Write a list in words: ``a, b and c``."""
    return format_list(list(items), locale=read_language(current()).locale)


def capital(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]


def p_value(probability: float) -> str:
    """Write a p-value as what it equals or is below: ``= 0.023``, ``< 0.001``."""
    return f"= {decimal(probability, 3)}" if not probability < LEAST_P else f"< {decimal(LEAST_P, 3)}"


def significant(number: float, digits: int) -> str:
    """Write a number with so many digits that say something, a true minus; a dash for none."""
    if not math.isfinite(number):
        return decimal(number, 0)
    point = get_decimal_symbol(read_language(current()).locale)
    return f"{number:.{digits}g}".replace(".", point).replace("-", "−")

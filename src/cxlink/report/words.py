"""The sentences of a document: a section chooses a key and passes facts, the language's file has the words.

A sentence in ``text/LANGUAGE.toml`` has slots, ``{name}`` or ``{name:kind}``, and ``**`` around what is strong.
A sentence that depends on a number is a table of Babel's plural forms, chosen by the slot ``n``::

    [unit]
    month = { one = "{n:integer} month", other = "{n:integer} months" }

One whose numbers are of surveys where every survey of a customer counts may have a form for that as well::

    customers = { other = "Customers", surveys = "Surveys" }
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from string import Formatter
from typing import Any

from cxlink.report.document import Run, Strong, strong
from cxlink.report.language import (
    SURVEYS,
    Language,
    capital,
    counts_surveys,
    current,
    decimal,
    listed,
    p_value,
    percent,
    read_language,
    significant,
    whole,
)

STRONG = "**"
KINDS: Mapping[str, Callable[..., str]] = {
    "": str, "capital": capital, "integer": whole, "decimal": decimal, "percent": percent, "list": listed,
    "significant": significant, "p_value": p_value,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a sentence: words, and the fact that follows them.

    Attributes
    ----------
    text : str
        The words.
    slot, kind : str
        Name of the fact and how it is written, with decimals after a point (``percent.1``); empty for none.
    strong : bool
        Whether it is emphasised.
    """

    text: str
    slot: str
    kind: str
    strong: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in each plural form of its language; under ``other`` alone where no number decides.

    Under ``surveys`` that of a document whose numbers are of surveys, where it has one.
    """

    forms: Mapping[str, tuple[Piece, ...]]

    @property
    def slots(self) -> frozenset[str]:
        """Facts that it needs; the number that chooses its form among them."""
        named = {piece.slot for form in self.forms.values() for piece in form if piece.slot}
        return frozenset(named | {"n"} if self.plural else named)

    @property
    def plural(self) -> bool:
        """Whether a number chooses its form."""
        return len(set(self.forms) - {SURVEYS}) > 1

    @property
    def styled(self) -> bool:
        """Whether any of it is strong."""
        return any(piece.strong for form in self.forms.values() for piece in form)


def say(key: str, /, **facts: object) -> str:
    """Give a sentence of the document's language with its facts filled in.

    Parameters
    ----------
    key : str
        Its name in the language's file, ``section.name``.
    **facts : object
        What its slots hold: numbers for slots of a kind, texts for the others.

    Raises
    ------
    KeyError
        If there is no such sentence, or a fact is missing.
    """
    return "".join(text for text, _ in _filled(key, facts))


def styled(key: str, /, **facts: object) -> list[Run]:
    """Give a sentence as `say` does, in runs: what stands between ``**`` is strong."""
    runs: list[Run] = []
    for text, loud in _filled(key, facts):
        if loud and runs and isinstance(runs[-1], Strong):
            runs[-1] = strong(runs[-1].text + text)
        elif not loud and runs and isinstance(runs[-1], str):
            runs[-1] += text
        else:
            runs.append(strong(text) if loud else text)
    return runs


def _filled(key: str, facts: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    language = current()
    sentence = sentences(language)[key]
    form = read_language(language).locale.plural_form(facts["n"]) if sentence.plural else "other"
    if counts_surveys() and SURVEYS in sentence.forms:
        form = SURVEYS
    for piece in sentence.forms[form]:
        fact = _written(facts[piece.slot], piece.kind) if piece.slot else ""
        if piece.text or fact:
            yield piece.text + fact, piece.strong


def _written(fact: object, kind: str) -> str:
    name, _, digits = kind.partition(".")
    return KINDS[name](fact, int(digits)) if digits else KINDS[name](fact)


@cache
def sentences(language: str) -> Mapping[str, Sentence]:
    """Give every sentence of a language by its key."""
    return parsed(read_language(language))


def parsed(language: Language) -> Mapping[str, Sentence]:
    """Read the sentences of a language.

    Raises
    ------
    ValueError
        If a slot has an unknown kind, a ``**`` is not closed, or the plural forms are not the language's own.
    """
    return {key: _sentence(key, text, language) for key, text in language.texts.items()}


def _sentence(key: str, text: str | Mapping[str, str], language: Language) -> Sentence:
    forms = {"other": text} if isinstance(text, str) else text
    needed = {*language.locale.plural_form.tags, "other"}
    plural = set(forms) - {SURVEYS}
    if len(plural) > 1 and plural != needed:
        raise ValueError(f"{key}: plural forms must be {', '.join(sorted(needed))}")
    return Sentence({form: _pieces(key, words) for form, words in forms.items()})


def _pieces(key: str, text: str) -> tuple[Piece, ...]:
    if text.count(STRONG) % 2:
        raise ValueError(f"{key}: a {STRONG} is not closed")
    pieces, loud = [], False
    for words, slot, kind, _ in Formatter().parse(text):
        *before, last = words.split(STRONG)
        for word in before:
            pieces.append(Piece(word, "", "", loud))
            loud = not loud
        if (kind or "").partition(".")[0] not in KINDS:
            raise ValueError(f"{key}: slot {slot} is of the unknown kind {kind}")
        pieces.append(Piece(last, slot or "", kind or "", loud))
    return tuple(pieces)

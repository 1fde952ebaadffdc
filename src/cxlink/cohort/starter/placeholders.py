"""Words that stand for an empty cell in a column of dates or numbers, such as ``-`` or ``0000-00-00``."""

from collections.abc import Mapping, Sequence

from cxlink.cohort.starter.date_forms import MOST_BAD, forms_of
from cxlink.cohort.starter.notation import is_number

WORDS = frozenset((
    "-", "--", "---", "–", "—", ".", "?", "\\n", "n/a", "na", "#n/a", "#null!", "nil", "none", "null", "(null)",
    "(blank)", "(empty)", "blank", "empty", "missing", "unknown", "nvt", "n.v.t.", "onbekend", "geen", "leeg",
    "k.a.", "keine", "unbekannt", "s/d", "n/d", "no aplica", "desconocido", "inconnu", "0000-00-00",
    "0000-00-00 00:00:00", "00-00-0000", "00/00/0000", "00.00.0000",
))  # fmt: skip
"""In small letters; ``\\N`` is what MySQL and Hive write."""


def placeholders_of(texts: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Give the words for an empty cell of each column that holds dates or numbers beside them.

    Parameters
    ----------
    texts : mapping of str to sequence of str
        Different texts of each column.

    Examples
    --------
    >>> placeholders_of({"end": ["-", "2025-01-31"], "plan": ["-", "pro"]})
    {'end': ('-',)}
    """
    return {name: found for name, values in texts.items() if (found := _words(values))}


def _words(values: Sequence[str]) -> tuple[str, ...]:
    words = tuple(text for text in values if text.lower() in WORDS)
    others = [text for text in values if text.lower() not in WORDS]
    if not words or not others:
        return ()
    n_bad = min(sum(not forms_of(text) for text in others), sum(not is_number(text) for text in others))
    return words if n_bad <= MOST_BAD * len(others) else ()

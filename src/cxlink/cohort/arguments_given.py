"""What the public functions were given, looked at before use: one line says what, and how to come by what is wanted."""

from collections.abc import Collection
from numbers import Real
from typing import Any

import numpy as np

from cxlink.cohort.errors import InputError

_COUNTABLE = "a Cohort from cxlink.read_cohort(table, spec), or its Counts from .count()"
_CURES = {
    "Cohort": "a Cohort from cxlink.read_cohort(table, spec)",
    "Counts": "Counts from .count() of a Cohort, or from cxlink.load_counts(file)",
    "CohortSpec": "a spec from cxlink.read_spec(file) or cxlink.make_spec(tables)",
    "RetentionModel": "models from cxlink.hazards(), cxlink.aft() or cxlink.spend_regression()",
    "Path": "a path",
    "str": "text, such as 'score'",
}


def refuse_other(given: object, kinds: tuple[type, ...], argument: str) -> None:
    """Refuse an argument of another type.

    Parameters
    ----------
    given : object
        The argument.
    kinds : tuple of type
        What is taken.
    argument : str
        What it is, for the message.

    Raises
    ------
    InputError
        Saying its type, what is wanted, and how to make that.
    """
    if isinstance(given, kinds):
        return
    names = [kind.__name__ for kind in kinds]
    if names[:2] == ["Cohort", "Counts"]:
        cure = _COUNTABLE
    else:
        cure = ", or ".join(
            _CURES[name] for name in names if name in _CURES and not (name == "str" and "Path" in names)
        )
    raise InputError(f"{argument}: found {_kind(given)}. Give {cure}.")


def refuse_unlisted(given: object, choices: Collection[str], argument: str) -> None:
    """Refuse a word that is no choice.

    Raises
    ------
    InputError
        Naming the choices.
    """
    if not isinstance(given, str) or given not in choices:
        raise InputError(f"{argument}: {given!r} is none of {', '.join(choices)}.")


def whole_numbers(given: Any, unit: str) -> list[int]:
    """Give one or several whole numbers, 0 or more, as a list.

    Parameters
    ----------
    given : int, or sequence of int
        Of any integer type, or floats that are whole.
    unit : str
        Of what, in the plural, for the message.

    Raises
    ------
    InputError
        If one is none, or there is not one.
    """
    alone = isinstance(given, str) or not np.iterable(given)
    listed = [given] if alone else list(given)
    if not listed:
        raise InputError(f"give at least one number of whole {unit}.")
    for one in listed:
        number = isinstance(one, Real) and not isinstance(one, bool)
        if not number or not np.isfinite(float(one)) or one < 0 or int(one) != one:
            shown = one if number else repr(one)[:40]
            raise InputError(f"{shown} is no number of whole {unit}. Give 0, 1, 2 or more.")
    return [int(one) for one in listed]


def _kind(given: object) -> str:
    if given is None:
        return "None"
    name = type(given).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"

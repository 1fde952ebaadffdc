"""Customers and the surveys that stand in a table of their own, looked at as one table."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from cxlink.cohort.addresses import is_address
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.open_keys import OPEN
from cxlink.cohort.starter import header_words as said
from cxlink.cohort.starter.column_looks import Look
from cxlink.cohort.starter.notation import with_dates_of
from cxlink.cohort.starter.roles import best
from cxlink.cohort.starter.seen_table import Seen, seen_table

_CLOSED = r"clos(ed|ing)|resol|afgesloten|opgelost|geschlossen|gelost"
_ANSWERED = (
    r"^end(ed)?_?(date|at|time)?$",
    r"^creat(ed|e)(_(at|on|date))?$|^date_?created$",
    r"^start(ed)?_?(date|at|time)?$",
)
"""Headers of an answer's own times, in tables of surveys."""
_HANDLED = r"(^|_)(ticket|case|zaak|incident|melding|call|chat)(_|$)"


def with_surveys_seen(seen: Seen, table: Any, surveys: Any) -> Seen:
    """Add the columns of the surveys to those of the customers.

    A column that stands in both is taken from the customers. Where tickets are surveyed, the day on which one was
    closed is no loss of a customer.

    Parameters
    ----------
    seen : Seen
        The customers.
    table, surveys : str or Path
        Where both stand.

    Raises
    ------
    InputError
        If the surveys cannot be read, or have no column of the name by which customers are identified.
    """
    other = seen_table(surveys)
    key = best(seen.looks, "id")
    own = None if key is None else next((look for look in other.looks if look.name == key.name), None)
    if key is None or own is None:
        which = (
            "no column of it was recognised as the customer"
            if key is None
            else f"{other.name} has no {key.name}"
        )
        raise InputError(
            f"{seen.name}: {which}. Both tables must name the customer in a column of the same name: rename one."
        )
    names = {look.name for look in seen.looks}
    handled = any(look.unique and re.search(_HANDLED, look.header) for look in other.looks)
    further = [look for look in other.looks if look.name not in names and not (handled and _is_closing(look))]
    further = [_as_of_answer(look) for look in further]
    # how often a customer is asked; of spans a customer has several rows anyway
    counts = seen.spans or not own.unique
    several = [own if counts and look is key else look for look in seen.looks]
    joined = (
        f"surveys = {_quoted(_beside(table, surveys))}  # the table of scores",
        f"on = {_quoted(key.name)}  # names the customer in both",
    )
    twins = tuple(look.name for look in other.looks if look.name in names and look is not own)
    gone = {**other.placeholders, **seen.placeholders}
    notation = with_dates_of(seen.notation, other.notation)
    return replace(
        seen, looks=[*several, *further], joined=joined, twins=twins, placeholders=gone, notation=notation
    )


def refuse_twins_used(seen: Seen, surveys: Any, used: Iterable[str]) -> None:
    """Refuse a column that stands in both tables and that the spec would name: a fit could not tell which is meant.

    Raises
    ------
    InputError
        With the first.
    """
    for name in used:
        if name in seen.twins:
            other = "the surveys" if is_address(str(surveys)) else Path(surveys).name
            raise InputError(
                f"{seen.name}: {name} stands in {other} too, and a spec cannot say which is meant. Rename it in one "
                "of them, or delete it there."
            )


def _as_of_answer(look: Look) -> Look:
    """A column of the surveys, in which the days of an answer are no signup or loss of a customer."""
    ranks = [rank for rank, pattern in enumerate(_ANSWERED) if re.search(pattern, look.header)]
    dated = look.dates is not None or look.unread
    return replace(look, of_answer=ranks[0]) if dated and ranks else look


def _is_closing(look: Look) -> bool:
    return look.dates is not None and look.called(_CLOSED) and not look.called(said.CUSTOMER)


def _beside(table: Any, surveys: Any) -> str:
    """The surveys as a spec names them: by their name alone where they lie beside the customers."""
    if is_address(str(surveys)):
        return OPEN  # an address may hold a password, and a starter spec is printed
    if is_address(str(table)):
        return str(surveys)
    return Path(surveys).name if Path(surveys).parent == Path(table).parent else str(surveys)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)

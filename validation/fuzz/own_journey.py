"""Contacts counted by plain loops, from the documentation alone: nothing of the package is imported."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from validation.fuzz import own_reading as read
from validation.fuzz.drawn_surveys import key_of
from validation.fuzz.own_horizon import Customer, added, curves, outcome, spent
from validation.fuzz.own_reading import BAD

Spec = Mapping[str, Mapping[str, Any]]
_MOST = 8
ARROW = " → "


@dataclass
class Journey:
    """What contacts should be counted as.

    Attributes
    ----------
    refused : str
        Why they are refused; empty where they are not.
    cells : dict
        Sums by the last score at each touchpoint (empty: no contact), strata, segment and bucket (empty elsewhere).
    contacts : dict
        Customers by touchpoint, segment, quarter and score of the last contact there, and bucket.
    paths : dict
        Customers by touchpoints in the order of first contacts, the touchpoint of the last contact, and bucket.
    horizon : int
        In periods; 0 where few are followed so far.
    notes : dict of str to int
        Contacts that are left out, by reason.
    """

    refused: str = ""
    touchpoints: tuple[str, ...] = ()
    cells: dict[tuple[Any, ...], dict[str, float]] = field(default_factory=dict)
    contacts: dict[tuple[Any, ...], dict[str, float]] = field(default_factory=dict)
    paths: dict[tuple[Any, ...], dict[str, float]] = field(default_factory=dict)
    horizon: int = 0
    notes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Contact:
    """A contact with all of its values."""

    who: str
    place: str
    score: int
    day: datetime.date


def contacts_of(rows: Sequence[Mapping[str, Any]], spec: Spec) -> tuple[list[Contact], str]:
    """Read contacts that lack nothing; and why they are refused, empty where they are not."""
    section, table = spec["touchpoints"], spec.get("table", {})
    low, _, high = section["scale"][1:].partition("-")
    scale, found = (int(section["scale"][0] + low), int(high)), []
    for row in rows:
        who, place = key_of(row[section["on"]]), read.category(row[section["touchpoint"]])
        score = read.score(row[section["score"]], table, scale, False)
        day = read.day(row[section["date"]], table)
        if score is BAD or day is BAD:
            return [], "a score off the scale, or a day that is none"
        absent = read.is_empty(row[section["touchpoint"]])
        if not absent and None not in (who, score, day):
            found.append(Contact(str(who), place, score, day))
    places = {one.place for one in found}
    if not found or len(places) > _MOST:
        return [], "no contact, or too many touchpoints"
    if len({(one.who, one.place, one.day) for one in found}) < len(found):
        return [], "twice at one touchpoint on one day"
    return found, ""


def journey(
    rows: Sequence[Mapping[str, Any]],
    every: Sequence[Customer],
    observed: Sequence[Customer],
    spec: Spec,
    horizon: int,
) -> Journey:
    """Count customers by their contacts on or before the day of their score.

    Parameters
    ----------
    rows : sequence of mappings
        Contacts, with their cells as they stand.
    every : sequence of Customer
        One each, with or without a score.
    observed : sequence of Customer
        Those with a score who were observed at all.
    spec : mapping
        Of the case.
    horizon : int
        Of those with a score.
    """
    found = Journey()
    contacts, found.refused = contacts_of(rows, spec)
    if found.refused:
        return found
    found.touchpoints = tuple(sorted({one.place for one in contacts}))
    by_key = {key_of(one.row[spec["cohort"]["id"]]): one for one in every}
    visits: dict[str, list[Contact]] = {}
    notes = {"contacts_incomplete": len(rows) - len(contacts)}
    notes |= dict.fromkeys(("contacts_unknown", "contacts_unscored", "contacts_after"), 0)
    for contact in contacts:
        customer = by_key.get(contact.who)
        if customer is None:
            notes["contacts_unknown"] += 1
        elif customer.level is None:
            notes["contacts_unscored"] += 1
        elif contact.day > _asked(customer, spec):
            notes["contacts_after"] += 1
        else:
            visits.setdefault(contact.who, []).append(contact)
    found.notes = {name: n for name, n in notes.items() if n}
    if not visits or not observed:
        found.refused = "no contact counts"
        return found
    for who, own in visits.items():
        _count_contacts(found, own, _segment(by_key[who], spec), by_key[who].bucket)
    followed = curves(observed, horizon)
    found.horizon = horizon if followed else 0
    for customer in observed:
        own = visits.get(str(key_of(customer.row[spec["cohort"]["id"]])), [])
        if own:
            last = _last(own)
            at = tuple(last[place].score if place in last else None for place in found.touchpoints)
            sums = outcome(customer, followed, horizon) if followed else {}
            key = (*at, *customer.strata, _segment(customer, spec), customer.bucket)
            added(found.cells, key, {"n": 1.0, **sums, **spent(customer, spec)})
    return found


def _asked(customer: Customer, spec: Spec) -> datetime.date:
    asked = read.day(customer.row[spec["subscription"]["survey"]], spec.get("table", {}))
    return asked if isinstance(asked, datetime.date) else datetime.date.min


def _segment(customer: Customer, spec: Spec) -> str:
    name = spec["touchpoints"].get("segment")
    return read.category(None if name is None else customer.row[name])


def _last(own: Sequence[Contact]) -> dict[str, Contact]:
    """The last contact at each touchpoint."""
    return {one.place: one for one in sorted(own, key=lambda one: one.day)}


def _count_contacts(found: Journey, own: Sequence[Contact], segment: str, bucket: int | str) -> None:
    last = _last(own)
    for place, one in last.items():
        quarter = f"{one.day.year}Q{(one.day.month + 2) // 3}"
        added(found.contacts, (place, segment, quarter, one.score, bucket), {"n": 1.0})
    first = {place: min(one.day for one in own if one.place == place) for place in last}
    path = ARROW.join(sorted(first, key=lambda place: (first[place], place)))
    at = max(last, key=lambda place: (last[place].day, place))
    added(found.paths, (path, at, bucket), {"n": 1.0})

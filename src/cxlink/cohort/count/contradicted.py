"""Keys of a spec that the name of their column contradicts: read as the spec says, and said as not confirmed."""

import re
from collections.abc import Iterator

from cxlink.checks import Fact
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.read import columns
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.starter.header_words import (
    CURRENCY,
    MARKS,
    SPENT_MONTHS,
    UNITS,
    in_plain_letters,
    says,
    says_who_stayed,
)

_MOST_WORDS = 20


def contradicted_keys(source: Source, spec: CohortSpec) -> tuple[Remark, ...]:
    """Name each key whose column is called otherwise: the event, the unit of durations, window and currency of spend.

    Raises
    ------
    InputError
        If the table cannot be read.
    """
    return (*_reversed_event(source, spec), *_other_units(spec), *_other_spend(spec))


def _reversed_event(source: Source, spec: CohortSpec) -> Iterator[Remark]:
    """An event whose yes is read as lost, though its name says that yes means still there."""
    name = spec.subscription.event if spec.subscription is not None else None
    if name is None or not says_who_stayed(in_plain_letters(name)):
        return
    event = columns.raw(source, name, "event")
    rows = source.table.select(
        value=event.cast("string").strip(), lost=columns.yes_no(event, spec.table)
    ).distinct()
    found = source.run(rows.filter(rows.lost.isin([0, 1])).order_by("value").limit(_MOST_WORDS)).to_pylist()
    lost, kept = (
        tuple(str(row["value"]).removesuffix(".0") for row in found if row["lost"] == code) for code in (1, 0)
    )
    if any(word.lower() in columns.YES | MARKS for word in lost):
        yield Remark(
            "unconfirmed_event_name", facts={"column": name, "lost": lost, "retained": kept or ("…",)}
        )


def _other_units(spec: CohortSpec) -> Iterator[Remark]:
    sub = spec.subscription
    for name in (sub.duration, sub.follow_up, sub.entry) if sub is not None else ():
        header = in_plain_letters(name or "")
        named = [unit for unit, pattern in UNITS.items() if says(header, pattern)]
        if named and spec.unit not in named:
            facts = {"column": str(name), "unit": spec.unit, "named_unit": named[0]}
            yield Remark("unconfirmed_unit_name", facts=facts)


def _other_spend(spec: CohortSpec) -> Iterator[Remark]:
    if spec.spend is None:
        return
    name, header = spec.spend.column, in_plain_letters(spec.spend.column)
    months = re.search(SPENT_MONTHS, header)
    if months is not None and int(months[1]) != spec.spend.window_months:
        facts: dict[str, Fact] = {"column": name, "months": spec.spend.window_months, "named": int(months[1])}
        yield Remark("unconfirmed_window_name", facts=facts)
    currency = re.search(CURRENCY, header)
    if currency is not None and currency[2].upper() != spec.spend.currency.upper():
        facts = {"column": name, "currency": spec.spend.currency, "named": currency[2].upper()}
        yield Remark("unconfirmed_currency_name", facts=facts)

"""Contacts in a table of their own, one row a contact: who, where, when, and the score that was given."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from cxlink.cohort.errors import InputError
from cxlink.cohort.read import columns, dates
from cxlink.cohort.read.score_column import levels_of, score_key
from cxlink.cohort.read.source import Source, open_source
from cxlink.cohort.read.survey_table import beside, joining_key, of_its_own
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.touchpoints_section import MOST_TOUCHPOINTS, TouchpointsSection

KEY, TOUCHPOINT, SCORE, DAY = "contact_of", "contact_at", "contact_score", "contact_day"


@dataclass(frozen=True, slots=True, eq=False)
class Contacts:
    """Contacts as they stand in their table, before it is known whose they are.

    Attributes
    ----------
    name : str
        What messages call the table.
    touchpoints : tuple of str
        Names, in their own order.
    rows : Arrow table
        ``contact_of`` (text), ``contact_at`` (position in ``touchpoints``), ``contact_score``, ``contact_day``.
    incomplete : int
        Contacts that lack the customer, the touchpoint, the score or the day, and are not in ``rows``.
    """

    name: str
    touchpoints: tuple[str, ...]
    rows: pa.Table
    incomplete: int


def read_contacts(spec: CohortSpec, table: Any) -> Contacts | None:
    """Read and check the table of contacts; None without ``[touchpoints]``.

    Parameters
    ----------
    spec : CohortSpec
        Its ``[touchpoints]``.
    table : str, Path or anything that `open_source` takes
        Where the customers stand: a relative path of contacts is looked for beside it first.

    Raises
    ------
    InputError
        If it cannot be read, a score leaves the scale, a day is none, there are too many touchpoints, or a customer
        was at one touchpoint twice on a day.
    """
    section = spec.touchpoints
    if section is None:
        return None
    place = beside(section.table, table)
    source = open_source(place, of_its_own(place, spec.table), frozenset(section.columns))
    try:
        return _checked(source, section)
    finally:
        source.close()


def _checked(source: Source, section: TouchpointsSection) -> Contacts:
    raw = {name: columns.raw(source, name, role) for name, role in zip(
        section.columns, ("on", "touchpoint", "score", "date"), strict=True)}  # fmt: skip
    day = dates.date(raw[section.date], source.options)
    rows = source.table.select(
        key=joining_key(raw[section.on]),
        touchpoint=columns.category(raw[section.touchpoint]).cast("string").strip().nullif(""),
        score=score_key(raw[section.score], source.options, section.levels, labels=section.labels).cast(
            "int64"
        ),
        day=day,
        no_day=columns.as_one(columns.is_given(raw[section.date]) & day.isnull()),
    )
    _refuse_faults(source, section, rows)
    complete = rows.drop_null(["key", "touchpoint", "score", "day"]).drop("no_day")
    names = _touchpoints(source, section, complete)
    _refuse_twice(source, complete)
    found = source.run(complete)
    n = int(source.run(rows.count()).as_py())
    place = pa.array(names).dictionary_encode().dictionary
    made = pa.table({
        KEY: found["key"], TOUCHPOINT: pa.compute.index_in(found["touchpoint"], place).cast(pa.int64()),
        SCORE: found["score"], DAY: found["day"],
    })  # fmt: skip
    return Contacts(source.name, tuple(names), made, n - made.num_rows)


def _refuse_faults(source: Source, section: TouchpointsSection, rows: Any) -> None:
    """Refuse days that are none and scores that leave the scale, with an example."""
    scale = section.levels
    off = (rows.score < scale.low) | (rows.score > scale.high)
    counted = rows.aggregate(
        n=rows.count(), off=columns.as_one(off.fill_null(False)).sum(), no_day=rows.no_day.sum()
    )
    totals = source.run(counted).to_pylist()[0]
    if totals["no_day"]:
        raise InputError(
            f"{source.name}: {section.date} must be a date. {totals['no_day']:,} of {totals['n']:,} contacts fail. Set "
            "[table] date_format, or mend them."
        )
    if totals["off"]:
        raise InputError(
            f"{source.name}: {section.score} must be {levels_of(section)}, or empty. {totals['off']:,} of "
            f"{totals['n']:,} contacts fail. Set [touchpoints] {'labels' if section.labels else 'scale'}, or mend them."
        )


def _touchpoints(source: Source, section: TouchpointsSection, rows: Any) -> list[str]:
    found = source.run(rows.select("touchpoint").distinct().limit(10 * MOST_TOUCHPOINTS))
    names = sorted(found["touchpoint"].to_pylist())
    if not names:
        raise InputError(
            f"{source.name}: no contact has a customer, a touchpoint, a score and a day. Check the columns that "
            "[touchpoints] names."
        )
    if len(names) > MOST_TOUCHPOINTS:
        raise InputError(
            f"{source.name}: {section.touchpoint} has more than {MOST_TOUCHPOINTS} values; there may be "
            f"{MOST_TOUCHPOINTS} touchpoints. Group them."
        )
    return names


def _refuse_twice(source: Source, rows: Any) -> None:
    keys = rows.group_by(["key", "touchpoint", "day"]).aggregate(n=rows.count())
    twice = keys.filter(keys.n > 1)
    n = int(source.run(twice.count()).as_py())
    if n:
        one = source.run(twice.order_by(["key", "day", "touchpoint"]).limit(1)).to_pylist()[0]
        raise InputError(
            f"{source.name}: a customer must not be twice at one touchpoint on one day: {n:,} are, such as "
            f"{one['key']} at {one['touchpoint']} on {one['day']}. Keep one row a day."
        )

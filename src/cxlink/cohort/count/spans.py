"""Rows that are spans of a subscription, several a customer: those a short gap apart are merged into one."""

import datetime
from dataclasses import dataclass, replace
from typing import Any

from cxlink.checks import Fact
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.count.span_rules import refuse_bad_spans, same_in_every_span
from cxlink.cohort.read import columns
from cxlink.cohort.read.dates import day, with_days
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec

NEVER = datetime.date(9999, 12, 31)
"""End of a span that has none."""
_TOUCHING = 1
"""Days between the last day of a span and the first of the next, where nothing lies between them."""


@dataclass(frozen=True, slots=True)
class Spans:
    """A table of spans, each beside the subscription that it belongs to.

    Attributes
    ----------
    source : Source
        Its rows, with the columns named below.
    key : str
        The customer.
    start, stop : str
        First and last day of the span.
    first, last : str
        First and last day of its subscription.
    cause : str
        Why the subscription ended; empty where the spec names no cause.
    """

    source: Source
    key: str
    start: str
    stop: str
    first: str
    last: str
    cause: str = ""

    @property
    def own(self) -> tuple[str, ...]:
        """Names of the columns that the table itself lacks."""
        return self.start, self.stop, self.first, self.last, self.cause


def merged_spans(source: Source, spec: CohortSpec) -> tuple[Spans, tuple[Remark, ...]]:
    """Find the subscription of each span: spans of one customer that overlap, or lie a short gap apart, are one.

    In the order of their first days, a span belongs to the subscription before it where it starts at most ``gap_days``
    after the last day that any span of that subscription reaches. A subscription starts with its first span, ends with
    the last day of any, and has not ended where one of them has not.

    Parameters
    ----------
    source : Source
        A row a span.
    spec : CohortSpec
        Its ``[subscription] gap_days``, ``signup`` and ``end``.

    Returns
    -------
    spans : Spans
        The same rows.
    remarks : tuple of Remark
        How many spans, customers and subscriptions there are, how many breaks were bridged, who returned after longer,
        and how many days follow-up ends before the end of observation.

    Raises
    ------
    InputError
        If a span lacks its customer or its first day, ends before it starts, or if spend or another amount of one
        customer differs between spans.
    """
    import ibis

    sub, key = spec.subscription, spec.cohort.id
    assert sub is not None
    assert key is not None
    source = same_in_every_span(with_days(refuse_bad_spans(source, spec), spec.date_columns), spec)
    start, stop, reach, apart, opens, number, first, last, cause = _names(source, spec)
    rows = source.table.mutate(
        day(source, str(sub.signup), "signup").name(start),
        day(source, str(sub.end), "end").fill_null(ibis.literal(NEVER)).name(stop),
    )
    rows = _numbered(rows, spec, key, _names(source, spec))
    group = {"group_by": [rows[key], rows[number]]}
    rows = rows.mutate(rows[start].min().over(**group).name(first), rows[stop].max().over(**group).name(last))
    if sub.cause:
        why = _comparable(columns.raw(replace(source, table=rows), sub.cause, "cause"))
        ended = (rows[stop] == rows[last]).ifelse(why, None)
        rows = rows.mutate(ended.max().over(group_by=[rows[key], rows[number]]).name(cause))
    merged = replace(source, table=rows.drop(reach, apart, opens, number))
    spans = Spans(merged, key, start, stop, first, last, cause if sub.cause else "")
    return spans, _counted(source, spec, rows.select(who=key, apart=apart, opens=opens))


def _numbered(rows: Any, spec: CohortSpec, key: str, names: list[str]) -> Any:
    """Number the subscriptions of each customer, in the order of their first days."""
    import ibis

    start, stop, reach, apart, opens, number = names[:6]
    assert spec.subscription is not None
    ordered = {"group_by": rows[key], "order_by": [rows[start], rows[stop]]}
    rows = rows.mutate(rows[stop].max().over(ibis.window(rows=(None, -1), **ordered)).name(reach))
    rows = rows.mutate(rows[start].delta(rows[reach], unit="day").cast("int64").name(apart))
    joins = (rows[apart] <= spec.subscription.gap_days).fill_null(False)
    rows = rows.mutate((1 - columns.as_one(joins)).name(opens))
    ordered = {"group_by": rows[key], "order_by": [rows[start], rows[stop]]}
    return rows.mutate(rows[opens].sum().over(ibis.window(rows=(None, 0), **ordered)).name(number))


def _comparable(column: Any) -> Any:
    """A cause as Postgres can take the largest of."""
    return column.cast("string") if column.type().is_boolean() else column


def _names(source: Source, spec: CohortSpec) -> list[str]:
    """Names that no column of the table or of its surveys has."""
    longest = max([*source.table.columns, *spec.table_columns], key=len)
    roles = ("start", "stop", "reach", "apart", "opens", "number", "first", "last", "cause")
    return [f"{role}_{longest}" for role in roles]


def _counted(source: Source, spec: CohortSpec, rows: Any) -> tuple[Remark, ...]:
    """Say how many spans became how many subscriptions."""
    assert spec.subscription is not None
    bridged = (rows.opens == 0) & (rows.apart > _TOUCHING)
    customers = rows.group_by("who").aggregate(
        spans=rows.count(), subscriptions=rows.opens.sum(), bridged=columns.as_one(bridged).sum()
    )
    returned = columns.as_one(customers.subscriptions > 1).sum()
    seen = customers.aggregate(
        spans=customers.spans.sum(), customers=customers.count(), bridged=customers.bridged.sum(),
        subscriptions=customers.subscriptions.sum(), returned=returned,
    )  # fmt: skip
    n = {name: int(value or 0) for name, value in source.run(seen).to_pylist()[0].items()}
    days = int(spec.subscription.gap_days or 0)
    facts: dict[str, Fact] = {name: n[name] for name in ("customers", "subscriptions", "bridged")}
    remarks = (
        Remark("spans", n["spans"], facts={**facts, "days": days}),
        Remark("spans_returned", n["returned"]),
        Remark("spans_followed", days),
    )
    return tuple(one for one in remarks if one.n)

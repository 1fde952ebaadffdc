"""Spans of subscriptions merged by plain loops, from the documentation alone: nothing of the package is imported."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

from validation.fuzz import own_reading as read
from validation.fuzz.own_reading import BAD

Row = Mapping[str, Any]
Spec = Mapping[str, Mapping[str, Any]]
_NEVER = datetime.date.max


def merged(rows: Sequence[Row], spec: Spec) -> tuple[list[Row], str]:
    """Give a row for each survey of a customer, with the days of the subscription that runs at it.

    Returns
    -------
    rows : list of mappings
        As a table of one row a customer would have them.
    refused : str
        Why the table is refused; empty where it is not.
    """
    sub, whose = spec["subscription"], spec["cohort"]["id"]
    table = spec.get("table", {})
    spans: dict[Any, list[Any]] = {}
    for row in rows:
        start, end = (read.day(row[sub[role]], table) for role in ("signup", "end"))
        if read.is_empty(row[whose]) or start in (None, BAD) or end is BAD or (end or _NEVER) < start:
            return [], "a row is no span"
        spans.setdefault(row[whose], []).append((start, end or _NEVER, row))
    found: list[Row] = []
    for several in spans.values():
        shared = _shared(several, spec)
        if shared is None:
            return [], "amounts of one customer differ"
        subscriptions = _subscriptions(several, sub["gap_days"])
        found += [_at(survey, subscriptions, spec) | shared for survey in _surveys(several, spec)]
    return found, ""


def _shared(spans: Sequence[Any], spec: Spec) -> dict[str, Any] | None:
    """Amounts of a customer; None where their spans have different ones."""
    complete = spec.get("spend", {}).get("complete")
    names = [
        spec.get("spend", {}).get("column"), complete if isinstance(complete, str) else None,
        spec.get("value", {}).get("margin"), spec.get("control", {}).get("column"),
    ]  # fmt: skip
    shared: dict[str, Any] = {}
    for name in names:
        if isinstance(name, str):
            cells = {row[name] for _, _, row in spans if not read.is_empty(row[name])}
            if len(cells) > 1:
                return None
            shared[name] = next(iter(cells), None)
    return shared


def _subscriptions(spans: Sequence[Any], gap: int) -> list[list[Any]]:
    """Spans in groups: each starts at most ``gap`` days after the last day that those before it reach."""
    groups: list[list[Any]] = []
    for span in sorted(spans, key=lambda one: one[:2]):
        near = groups and (span[0] - max(one[1] for one in groups[-1])).days <= gap
        if near:
            groups[-1].append(span)
        else:
            groups.append([span])
    return groups


def _surveys(spans: Sequence[Any], spec: Spec) -> list[dict[str, Any]]:
    """Different surveys of a customer; one that is empty where there is none."""
    score, asked = spec["score"]["column"], spec["subscription"]["survey"]
    names = [score, asked, *filter(None, [spec.get("metrics", {}).get("touchpoint")])]
    given = {
        tuple(row[name] for name in names): None
        for _, _, row in spans
        if not (read.is_empty(row[score]) and read.is_empty(row[asked]))
    }
    surveys = [dict(zip(names, cells, strict=True)) for cells in given]
    return surveys or [dict.fromkeys(names)]


def _at(survey: dict[str, Any], subscriptions: list[list[Any]], spec: Spec) -> dict[str, Any]:
    """The row that counts for a survey."""
    sub = spec["subscription"]
    asked = read.day(survey[sub["survey"]], spec.get("table", {}))
    known = asked not in (None, BAD)
    every = [(span, group) for group in subscriptions for span in group]

    def place(one: Any) -> Any:
        (start, stop, _), _ = one
        begun = known and start <= asked
        return begun and asked <= stop, begun, start, stop

    span, group = max(every, key=place)
    first, last = min(one[0] for one in group), max(one[1] for one in group)
    if known and not span[0] <= asked <= span[1]:
        first, last = span[0], span[1]
    row = {**span[2], **survey, sub["signup"]: first, sub["end"]: None if last == _NEVER else last}
    if sub.get("cause"):
        causes = [one[2][sub["cause"]] for one in group if one[1] == max(two[1] for two in group)]
        row[sub["cause"]] = max((cause for cause in causes if cause is not None), default=None)
    return row

"""Sums of metrics by plain loops, from the documentation alone: nothing of the package is imported."""

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from validation.fuzz import own_reading as read
from validation.fuzz.own_horizon import added
from validation.fuzz.own_reading import BAD

Spec = Mapping[str, Mapping[str, Any]]
Sums = dict[tuple[Any, ...], dict[str, float]]
_MOST_ORDERS, _MOST_LEVELS = 1e6, 50
_RESERVED = ("touchpoint", "member", "score")


@dataclass(frozen=True)
class OneAnswer:
    """A customer of whom metrics are made.

    Attributes
    ----------
    row : mapping
        Cells by column.
    level : int or None
        Of the score.
    touchpoint, member : str
        Of the answer.
    spent : float or None
        Spend, where it counts.
    complete : bool
        Whether the window of spend is over; also where there is none.
    until : date or None
        Last day of observation, less the gap of spans.
    bucket : int or str
        Of the account; empty where there are none.
    """

    row: Mapping[str, Any]
    level: int | None
    touchpoint: str
    member: str
    spent: float | None
    complete: bool
    until: datetime.date | None
    bucket: int | str


def named_by_metrics(spec: Spec) -> set[Any]:
    """Columns that ``[metrics]`` names."""
    section = spec.get("metrics", {})
    keys = ("orders", "support_cost", "contract_value", "contract_months", "new_customer", "date")
    return {section.get(key) for key in keys} | {*section.get("segments", ())}


def amounts(row: Mapping[str, Any], spec: Spec) -> dict[str, Any]:
    """What the columns of metrics of a row hold: `None` where nothing, `BAD` where what breaks a rule."""
    table, section = spec.get("table", {}), spec.get("metrics", {})
    found: dict[str, Any] = {}
    for key in ("orders", "support_cost", "contract_value"):
        if key in section:
            currency = "" if key == "orders" else read.currency_of(spec)
            found[key] = read.amount(row[section[key]], table, currency, 0)
    orders = found.get("orders")
    if orders not in (None, BAD) and (orders > _MOST_ORDERS or orders != math.floor(orders)):
        found["orders"] = BAD
    if "date" in section:
        found["date"] = read.day(row[section["date"]], table)
    if "contract_value" not in section:
        return found
    value = found["contract_value"]
    if "new_customer" in section:
        new = found["new"] = read.yes_no(row[section["new_customer"]], table)
        if new != 1 and value not in (None, BAD) and value > 0:
            found["new"] = BAD
        signed = value if new == 1 else None
    else:
        signed = value if read.day(row[spec["subscription"]["signup"]], table) is not None else None
    months = section.get("contract_months")
    if isinstance(months, str):
        term = read.number(row[months], table)
        term = term if term not in (None, BAD) and 1 <= term <= 1200 else None
        months = BAD if signed is not None and term is None else term
    found["signed"], found["months"] = signed, months
    return found


def metrics(answers: Sequence[OneAnswer], spec: Spec) -> tuple[Sums, str]:
    """Sums by what is counted, variable, level, period and score; and why it is refused, empty where it is not."""
    if "metrics" not in spec:
        return {}, ""
    found: Sums = {}
    for one in answers:
        _add_answer(found, one, spec)
    for role in ("signup", "survey"):
        if _has_flows(spec):
            _add_flows(found, answers, spec, role)
    for name in _segments(spec):
        if len({_shown(one.row[name]) for one in answers} - {None}) > _MOST_LEVELS:
            return {}, f"{name} has too many values"
    return found, ""


def _shown(cell: Any) -> Any:
    return None if read.is_empty(cell) and not isinstance(cell, str) else cell


def _segments(spec: Spec) -> list[str]:
    section = spec["metrics"]
    taken = {section.get("touchpoint"), section.get("member"), *_RESERVED}
    return [
        name
        for name in section.get("segments", spec.get("adjust", {}).get("columns", ()))
        if name not in taken
    ]


def _variables(one: OneAnswer, spec: Spec) -> dict[str, str]:
    """Level of everybody, and of each variable that tells customers apart."""
    section, found = spec["metrics"], {"": ""}
    if "touchpoint" in section:
        found["touchpoint"] = one.touchpoint
    if "member" in section:
        found["member"] = one.member
    return found | {name: read.category(one.row[name]) for name in _segments(spec)}


def _period(day: Any, spec: Spec) -> int | None:
    """Number of a calendar period, in the order of time."""
    if not isinstance(day, datetime.date):
        return None
    calendar = spec["metrics"].get("period", "quarter")
    if calendar == "year":
        return day.year
    return day.year * 4 + (day.month - 1) // 3 if calendar == "quarter" else day.year * 12 + day.month - 1


def _name(period: int | None, spec: Spec) -> str:
    if period is None:
        return ""
    calendar = spec["metrics"].get("period", "quarter")
    if calendar == "year":
        return f"{period:04d}"
    year, at = divmod(period, 4 if calendar == "quarter" else 12)
    return f"{year:04d}Q{at + 1}" if calendar == "quarter" else f"{year:04d}-{at + 1:02d}"


def _add_answer(found: Sums, one: OneAnswer, spec: Spec) -> None:
    table, section, sub = spec.get("table", {}), spec["metrics"], spec.get("subscription", {})
    held = amounts(one.row, spec)
    date = section.get("date", sub.get("survey"))
    period = _name(_period(read.day(one.row[date], table), spec) if date else None, spec)
    signed = (
        _name(_period(read.day(one.row[sub["signup"]], table), spec), spec) if _has_flows(spec) else period
    )
    _add(found, one, spec, ("answers", period), (0.0, 0.0))
    if one.spent is not None and held.get("orders") is not None:
        _add(found, one, spec, ("transaction_size", period), (one.spent, held["orders"]))
    if held.get("support_cost") is not None and one.complete:
        _add(found, one, spec, ("cost_to_serve", period), (held["support_cost"], 0.0))
    value = held.get("signed")
    if value is not None:
        _add(found, one, spec, ("contract_value", signed), (value, 0.0))
        if held["months"] is not None:
            _add(found, one, spec, ("contract_value_annualised", signed), (value * 12 / held["months"], 0.0))


def _add(found: Sums, one: OneAnswer, spec: Spec, what: tuple[str, str], sides: tuple[float, float]) -> None:
    (of, period), (x, w) = what, sides
    sums = {"n": 1.0, "x": x, "xx": x * x, "w": w, "ww": w * w, "xw": x * w}
    for variable, level in _variables(one, spec).items():
        added(found, (of, variable, level, period, one.level, one.bucket), sums)


def _has_flows(spec: Spec) -> bool:
    sub = spec.get("subscription", {})
    return bool(sub.get("end") and sub.get("signup"))


def _add_flows(found: Sums, answers: Sequence[OneAnswer], spec: Spec, role: str) -> None:
    """Customers at the start of each calendar period from the first loss on, of them lost, joiners, and at its end."""
    sub, rows = spec["subscription"], list[tuple[OneAnswer, int, float, int]]()
    for one in answers:
        since, gone = (
            _period(read.day(one.row[sub[key]], spec.get("table", {})), spec) for key in (role, "end")
        )
        known = None if one.until is None else _period(one.until + datetime.timedelta(1), spec)
        if since is not None and known is not None and (gone is None or gone >= since):
            rows.append((one, since, math.inf if gone is None else gone, known - 1))
    losses = [left for _, _, left, _ in rows if left < math.inf]
    if not losses:
        return
    for period in range(int(min(losses)), max(until for *_, until in rows) + 1):
        for one, since, left, until in rows:
            before = since < period
            inside = {
                "start": before and left >= period, "lost": before and left == period, "joined": since == period,
                "joined_end": since == period and left > period, "end": since <= period and left > period,
            }  # fmt: skip
            for what in (name for name, here in inside.items() if here and until >= period):
                for variable, level in _variables(one, spec).items():
                    key = (f"{role}.{what}", variable, level, _name(period, spec), None, one.bucket)
                    added(found, key, {"n": 1.0, **dict.fromkeys(("x", "xx", "w", "ww", "xw"), 0.0)})

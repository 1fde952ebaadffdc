"""What one row of a table counts as, in plain Python: its cell, its times, what it adds to sums."""

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

from validation.fuzz import own_reading as read
from validation.fuzz.drawn_bands import WORKED_OUT
from validation.fuzz.own_history import history_of
from validation.fuzz.own_metrics import amounts
from validation.fuzz.own_reading import BAD
from validation.fuzz.own_several import levels

Row = Mapping[str, Any]


Spec = Mapping[str, Mapping[str, Any]]


_YEAR = {"day": 365, "week": 52, "month": 12, "quarter": 4, "year": 1}


_TENURE = {
    "day": (90, 365, 730), "week": (13, 52, 104), "month": (3, 12, 24), "quarter": (1, 4, 8), "year": (1, 2),
}  # fmt: skip


def every_survey_counts(spec: Spec) -> bool:
    """Whether each survey of a customer counts."""
    return bool(spec.get("cohort", {}).get("repeat") == "all")


def day_of(text: Any) -> datetime.date | None:
    """The day that a text names; None where it names none."""
    try:
        return datetime.date.fromisoformat(text) if len(text) == 10 else None
    except (TypeError, ValueError):
        return None


def strata(spec: Spec) -> list[str]:
    """What is adjusted for, the history of each survey where all count."""
    history = history_of(spec) if every_survey_counts(spec) else ()
    return [*of_table(spec), *history]


def of_table(spec: Spec) -> list[str]:
    """Columns that are adjusted for, tenure at the survey by default where both dates are known."""
    adjust, sub = spec.get("adjust", {}), spec.get("subscription", {})
    bands = {name: cuts for name, cuts in adjust.get("bands", {}).items() if name not in WORKED_OUT}
    names = [*adjust.get("columns", ()), *(name for name, cuts in bands.items() if cuts)]
    if (
        sub.get("signup")
        and sub.get("clock", "survey") == "survey"
        and "tenure_at_survey" not in adjust.get("columns", ())
        and adjust.get("bands", {}).get("tenure_at_survey") != []
    ):
        names.append("tenure_at_survey")
    return list(dict.fromkeys(names))


def starts_at_signup(spec: Spec) -> bool:
    """Whether customers enter late, on the clock of signup."""
    sub = spec.get("subscription", {})
    return sub.get("clock") == "signup" or "entry" in sub or "window" in sub


def coded_row(
    row: Row, spec: Spec, columns: Sequence[str]
) -> tuple[tuple[Any, ...], dict[str, float]] | None:
    """Key of the cell that a row counts in, and what it adds to it; None where it breaks a rule."""
    table, section = spec.get("table", {}), spec["score"]
    low, high = scale_of(section["scale"])
    level = read.score(
        row[section["column"]], table, (low, high), section.get("round", False), section.get("labels", ())
    )
    if level is BAD or BAD in levels(row, spec).values() or BAD in amounts(row, spec).values():
        return None
    sub = spec.get("subscription")
    times: Any = (0, 0, "", "")
    if sub is not None:
        coding = _dated if sub.get("end") else _lasting
        times = coding(row, spec, level is not None, columns)
    groups = _groups(row, spec)
    sums = _sums(row, spec, level is not None, columns)
    if times is None or groups is None or sums is None:
        return None
    return (level, *groups[0], *times, *groups[1]), {"n": 1.0, **sums}


def scale_of(text: str) -> tuple[int, int]:
    """Ends of a scale."""
    low, _, high = text[1:].partition("-")
    return int(text[0] + low), int(high)


def _groups(row: Row, spec: Spec) -> tuple[list[str], list[str]] | None:
    table, adjust, sub = spec.get("table", {}), spec.get("adjust", {}), spec.get("subscription", {})
    groups: list[Any] = []
    for name in of_table(spec):
        cuts = adjust.get("bands", {}).get(name)
        if cuts and name != "tenure_at_survey":
            groups.append(read.band(row[name], table, tuple(cuts), read.currency_of(spec)))
        elif name == "tenure_at_survey":
            unit = sub.get("unit", "month")
            start, asked = (read.day(row[sub[role]], table) for role in ("signup", "survey"))
            if BAD in (start, asked) or (start and asked and start > asked):
                return None
            known = start is not None and asked is not None
            groups.append(
                read.band_of(read.whole(start, asked, unit), tuple(cuts or _TENURE[unit]))
                if known
                else "(missing)"
            )
        else:
            groups.append(read.category(row[name]))
    metrics = spec.get("metrics", {})
    touched = read.category(row[metrics["touchpoint"]]) if "touchpoint" in metrics else ""
    member: Any = ""
    if "member" in metrics:
        flag = read.yes_no(row[metrics["member"]], table)
        member = BAD if flag is BAD else {1: "yes", 0: "no", None: "(missing)"}[flag]
    return None if BAD in groups or member is BAD else (groups, [touched, member])


def _quarter(asked: Any) -> str:
    return f"{asked.year}Q{(asked.month + 2) // 3}" if asked else ""


def _lasting(row: Row, spec: Spec, scored: bool, _: Sequence[str]) -> tuple[int, int, str, str] | None:
    """Entry, exit, cause and quarter from a duration and an event; None where they break a rule."""
    table, sub = spec.get("table", {}), spec["subscription"]
    longest = 200 * _YEAR[sub.get("unit", "month")]
    event = read.yes_no(row[sub["event"]], table)
    stay = read.periods(row[sub["duration"]], table, longest)
    if event is BAD or stay is BAD or (event is None and (scored or stay is not None)):
        return None
    most = read.periods(row[sub["follow_up"]], table, longest) if "follow_up" in sub else None
    start = read.periods(row[sub["entry"]], table, longest) if "entry" in sub else 0
    asked = read.day(row[sub["survey"]], table) if "survey" in sub else None
    if BAD in (most, start, asked) or (scored and (stay is None or start is None)):
        return None
    if scored and "follow_up" in sub and most is None:
        return None
    if start is not None and stay is not None and start > stay:
        return None
    lost = event == 1 and stay is not None
    leave = math.floor(stay or 0)
    if lost:
        assert stay is not None
        leave = leave + 1 if sub.get("counts") == "completed" else max(math.ceil(stay), 1)
    if most is not None and leave > math.floor(most):
        leave, lost = math.floor(most), False
    if start is None:
        start, leave, lost = 0, 0, False
    entry = max(leave - sub["window"], 0) if "window" in sub else math.ceil(start)
    return entry, leave, _cause(row, spec) if lost else "", _quarter(asked)


_FEWEST_LOST = 10


def last_part_aside(keys: Sequence[tuple[Any, ...]], spec: Spec) -> list[tuple[Any, ...]]:
    """The same keys of all customers, losses in a last period that nobody retained was followed through set aside."""
    sub = spec.get("subscription", {})
    if "duration" not in sub or "follow_up" in sub or sub.get("counts") == "completed":
        return list(keys)
    last = max((key[-5] for key in keys if key[-4] == ""), default=0)
    later = {key[-5] for key in keys if key[-4] != "" and key[-5] > last}
    lost = sum(key[0] is not None and key[-4] != "" and key[-5] == last + 1 for key in keys)
    if last == 0 or later != {last + 1} or lost < _FEWEST_LOST:
        return list(keys)
    moved = []
    for key in keys:
        entry, leave, cause = key[-6:-3]
        if cause != "" and leave == last + 1:
            entry = max(last - sub["window"], 0) if "window" in sub else entry
            leave, cause = last, ""
        moved.append((*key[:-6], entry, leave, cause, *key[-3:]))
    return moved


def _cause(row: Row, spec: Spec) -> str:
    name = spec["subscription"].get("cause")
    return read.category(row[name]) if name else "lost"


def _dated(row: Row, spec: Spec, scored: bool, columns: Sequence[str]) -> tuple[int, int, str, str] | None:
    """Entry, exit, cause and quarter from dates; None where they break a rule."""
    table, sub = spec.get("table", {}), spec["subscription"]
    unit = sub.get("unit", "month")
    signup = read.day(row[sub["signup"]], table) if sub.get("signup") else None
    asked, end = (read.day(row[sub[role]], table) for role in ("survey", "end"))
    until = followed_until(row, spec, columns)
    if BAD in (signup, asked, end, until) or (until is not None and until > datetime.date.today()):
        return None
    for first, second in ((signup, asked), (asked, end), (asked, until)):
        if first is not None and second is not None and first > second:
            return None
    start = signup if sub.get("clock") == "signup" else asked
    if scored and None in (start, asked, until):
        return None
    if start is None or until is None or asked is None:
        return 0, 0, "", _quarter(asked)
    known = until - datetime.timedelta(sub.get("gap_days", 0))
    followed = 0 if known < start <= until else read.whole(start, known, unit)
    leave = read.period(start, end, unit) if end is not None else followed + 1
    lost = leave <= followed
    leave = max(leave, 1) if lost else followed
    if leave > 200 * _YEAR[unit]:
        return None
    entry = read.period(start, asked, unit) if sub.get("clock") == "signup" else 0
    return entry, leave, _cause(row, spec) if lost else "", _quarter(asked)


def followed_until(row: Row, spec: Spec, columns: Sequence[str]) -> Any:
    """Day on which observation of a row ended."""
    until = spec["subscription"]["observed_until"]
    return read.day(row[until], spec.get("table", {})) if until in columns else day_of(until)


def _sums(row: Row, spec: Spec, scored: bool, columns: Sequence[str]) -> dict[str, float] | None:
    """What a row adds to its cell's sums; None where it breaks a rule."""
    table, sums = spec.get("table", {}), dict[str, float]()
    currency = read.currency_of(spec)
    if "control" in spec:
        cell = row[spec["control"]["column"]]
        word = {"true": 1, "false": 0}.get(cell.strip(" ").lower()) if isinstance(cell, str) else None
        held = word if word is not None else read.quantity(cell, table, currency)
        if held not in (None, BAD) and abs(held) > read.LARGEST:
            held = BAD
        if held is BAD and scored:
            return None
        held = None if held is BAD else held
        sums |= {"control_n": held is not None, "control_sum": held or 0, "control_sum_sq": (held or 0) ** 2}
    if "spend" not in spec:
        return sums
    section = spec["spend"]
    over = window_is_over(row, spec, scored, columns)
    if over is BAD:
        return None
    spent = read.amount(
        row[section["column"]], table, currency, -read.LARGEST if section.get("refunds") else 0
    )
    if over and scored and spent is BAD:
        return None
    y = spent if over and spent not in (None, BAD) else None
    log = math.log(y) if y is not None and y > 0 else 0.0
    sums |= {
        "spend_n": y is not None, "spend_zero": y == 0, "spend_sum": y or 0, "spend_sum_sq": (y or 0) ** 2,
        "spend_sum_log": log, "spend_sum_log_sq": log**2, "spend_sum_y_log": (y or 0) * log,
    }  # fmt: skip
    margin = spec.get("value", {}).get("margin")
    if isinstance(margin, str):
        earned = read.amount(row[margin], table, currency)
        if y is not None and scored and earned in (None, BAD):
            return None
        counts = y is not None and earned not in (None, BAD)
        earned = earned if counts else 0
        sums |= {"margin_n": counts, "margin_sum": earned, "margin_sum_sq": earned**2}
    return {name: float(value) for name, value in sums.items()}


def window_is_over(row: Row, spec: Spec, scored: bool, columns: Sequence[str]) -> Any:
    """Whether the window of spend is over; `BAD` where a column that should say so does not."""
    table, complete = spec.get("table", {}), spec["spend"].get("complete")
    if complete is True:
        return True
    if isinstance(complete, str):
        said = read.yes_no(row[complete], table)
        return BAD if said is None and scored else said == 1 if said is not BAD else BAD
    sub = spec["subscription"]
    asked = read.day(row[sub["survey"]], table)
    until = followed_until(row, spec, columns)
    if BAD in (asked, until) or None in (asked, until) or asked > until:
        return False
    return read.whole(asked, until, "month") >= spec["spend"].get("window_months", 12)

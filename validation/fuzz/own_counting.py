"""Rows counted one by one in plain Python, from the documentation of the spec: nothing of the package is imported."""

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from validation.fuzz import own_reading as read
from validation.fuzz.drawn_bands import WORKED_OUT
from validation.fuzz.own_history import Survey, bucket, history_of, refusal, surveys, text_of
from validation.fuzz.own_horizon import Customer, horizon_of
from validation.fuzz.own_journey import Journey, journey
from validation.fuzz.own_merging import merged
from validation.fuzz.own_metrics import OneAnswer, amounts, metrics, named_by_metrics
from validation.fuzz.own_reading import BAD
from validation.fuzz.own_several import Several, by_scores, by_times, levels, others_of

Row = Mapping[str, Any]
Spec = Mapping[str, Mapping[str, Any]]
_YEAR = {"day": 365, "week": 52, "month": 12, "quarter": 4, "year": 1}
_TENURE = {
    "day": (90, 365, 730), "week": (13, 52, 104), "month": (3, 12, 24), "quarter": (1, 4, 8), "year": (1, 2),
}  # fmt: skip


@dataclass
class Expected:
    """What a table should be counted as.

    Attributes
    ----------
    refused : str
        Why the whole table is refused; empty where it is not.
    broken : list of int
        Rows that break a rule, from 1.
    rows : int
        Customers in the table.
    cells : dict
        By score, strata, entry, exit, cause, wave, touchpoint, member, and where every survey counts the score before
        and the bucket (empty elsewhere): sums by the name of their column.
    left_out : dict of str to int
        Customers that are left out, by reason.
    notes : dict of str to int
        Surveys and contacts of a second table that are left out, by reason.
    drivers, follow_up : Several or None
        Customers by several scores, with outcomes and with times; None where there are none.
    journey : Journey or None
        Customers by their contacts; None where there are none.
    metrics : dict
        Sums of metrics by what is counted, variable, level, period, score and bucket.
    """

    refused: str = ""
    broken: list[int] = field(default_factory=list)
    rows: int = 0
    cells: dict[tuple[Any, ...], dict[str, float]] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    drivers: Several | None = None
    follow_up: Several | None = None
    journey: Journey | None = None
    metrics: dict[tuple[Any, ...], dict[str, float]] = field(default_factory=dict)


def counted(
    rows: Sequence[Row],
    spec: Spec,
    columns: Sequence[str],
    drop_invalid: bool = False,
    contacts: Sequence[Row] = (),
) -> Expected:
    """Count rows by a spec that is valid in itself.

    Parameters
    ----------
    rows : sequence of mappings
        Each row's cells by column.
    spec : mapping of section to keys
        As TOML has it.
    columns : sequence of str
        All columns, also of a table without rows.
    drop_invalid : bool
        Whether rows that break a rule are left out.
    contacts : sequence of mappings
        Rows of the table of contacts.
    """
    found = Expected()
    found.refused = _refused(columns, spec) or _no_scores(rows, spec)
    if found.refused:
        return found
    rows = _each_customer(rows, spec, found)
    if "gap_days" in spec.get("subscription", {}):
        rows, found.refused = merged(rows, spec)
    found.rows = len(rows)
    if not rows or found.refused:
        found.refused = found.refused or "no rows"
        return found
    history: list[Survey] = []
    if _all_count(spec):
        history = surveys(rows, spec, scale_of(spec["score"]["scale"]))
        found.left_out = {"unanswered_survey": len(rows) - len(history)} if len(history) < len(rows) else {}
        rows = [survey.row for survey in history]
    coded = [_coded(row, spec, columns) for row in rows]
    found.broken = [i for i, one in enumerate(coded, 1) if one is None]
    if found.broken and not drop_invalid:
        found.refused = "broken rows"
        return found
    if found.broken:
        found.left_out["invalid"] = len(found.broken)
    if _all_count(spec) and not found.broken:
        _count_surveys(history, coded, spec, columns, found)
        return found
    kept = [(row, one) for row, one in zip(rows, coded, strict=True) if one is not None]
    kept = _one_a_customer(kept, spec, found)
    found.refused = found.refused or ("" if kept else "no rows left") or _clustered(kept, spec)
    if found.refused:
        return found
    account = spec.get("cohort", {}).get("cluster")
    every, observed = list[Customer](), list[Customer]()
    for row, (key, sums) in kept:
        place = "" if account is None else bucket(text_of(row[account]))
        every.append(_customer(row, key, sums, place))
        if _never_observed(key, spec):
            why = _left_out(key, spec)
            found.left_out[why] = found.left_out.get(why, 0) + 1
            continue
        observed += every[-1:] if key[0] is not None else []
        cell = found.cells.setdefault((*key, "", place), dict.fromkeys(sums, 0.0))
        for name, value in sums.items():
            cell[name] += value
    found.refused = _too_many_levels([one for _, one in kept], spec)
    _count_further(found, every, observed, spec, contacts)
    _count_metrics(
        found,
        [(one.row, key, sums, one.bucket) for one, (_, (key, sums)) in zip(every, kept, strict=True)],
        spec,
        columns,
    )
    return found


def _count_metrics(found: Expected, rows: Sequence[Any], spec: Spec, columns: Sequence[str]) -> None:
    """Count what metrics are made of, of customers with and without a score."""
    answers = []
    for row, key, sums, place in rows:
        until = _until(row, spec, columns) if spec.get("subscription", {}).get("end") else None
        if isinstance(until, datetime.date):
            until -= datetime.timedelta(spec["subscription"].get("gap_days", 0))
        over = "spend" not in spec or _over(row, spec, key[0] is not None, columns) is True
        spent = sums["spend_sum"] if sums.get("spend_n") else None
        answers.append(OneAnswer(row, key[0], key[-2], key[-1], spent, over, until, place))
    sums_of, refused = metrics(answers, spec)
    found.metrics, found.refused = sums_of, found.refused or refused


def _customer(row: Row, key: tuple[Any, ...], sums: Mapping[str, float], place: int | str) -> Customer:
    spend = tuple(sums.get(name, 0.0) for name in ("spend_n", "spend_sum", "spend_sum_sq"))
    return Customer(row, key[0], key[1:-6], key[-6], key[-5], bool(key[-4]), place, spend)


def _count_further(
    found: Expected,
    every: Sequence[Customer],
    observed: Sequence[Customer],
    spec: Spec,
    contacts: Sequence[Row],
) -> None:
    """Count the tables beside the cells: several scores, and contacts."""
    if found.refused:
        return
    horizon = horizon_of(observed, spec, scale_of(spec["score"]["scale"]))
    if observed and others_of(spec):
        found.drivers = by_scores(observed, spec, horizon)
        if "subscription" in spec and "cluster" not in spec.get("cohort", {}):
            found.follow_up = by_times(observed, spec, horizon)
    if "touchpoints" in spec:
        found.journey = journey(contacts, every, observed, spec, horizon)
        found.refused, found.notes = found.journey.refused, found.notes | found.journey.notes


def _all_count(spec: Spec) -> bool:
    return bool(spec.get("cohort", {}).get("repeat") == "all")


def _count_surveys(
    history: Sequence[Survey], coded: Sequence[Any], spec: Spec, columns: Sequence[str], found: Expected
) -> None:
    """Add surveys up, with what came before each."""
    found.refused = refusal(history, spec) or _too_many_levels(list(coded), spec)
    at = 1 + len(_of_table(spec))
    for survey, (key, sums) in zip(history, coded, strict=True):
        whole = (*key[:at], *survey.strata, *key[at:], survey.previous, survey.bucket)
        every = {**sums, "per_customer": survey.share}
        cell = found.cells.setdefault(whole, dict.fromkeys(every, 0.0))
        for name, value in every.items():
            cell[name] += value
    first = [
        (survey.row, key, sums, survey.bucket)
        for survey, (key, sums) in zip(history, coded, strict=True)
        if survey.strata[1] == "1"
    ]
    _count_metrics(found, first, spec, columns)


def _refused(columns: Sequence[str], spec: Spec) -> str:
    """Why a table is refused for its columns."""
    folded = [name.lower() for name in columns]
    if len(set(folded)) < len(folded):
        return "two columns of one name"
    if spec.get("touchpoints", {}).get("segment") in ("touchpoint", "path"):
        return "a segment named as a column of the tables"
    absent = named(spec) - set(columns)
    return f"no column {min(absent)!r}" if absent else ""


def _no_scores(rows: Sequence[Row], spec: Spec) -> str:
    """Whether a column of scores holds true and false, on a scale other than that from 0 to 1."""
    for section in (spec["score"], *others_of(spec).values()):
        held = {type(row.get(section["column"])) for row in rows} - {type(None)}
        if held == {bool} and scale_of(section["scale"]) != (0, 1):
            return "a score of true and false"
    return ""


def named(spec: Spec) -> set[str]:
    """Columns that a spec names."""
    keys = {
        "cohort": ("id", "count", "cluster"), "score": ("column",), "control": ("column",),
        "spend": ("column", "complete"),
        "subscription": ("signup", "survey", "end", "duration", "event", "follow_up", "entry", "cause"),
        "value": ("margin",), "metrics": ("touchpoint", "member"), "touchpoints": ("segment",), "table": ("on",),
    }  # fmt: skip
    names = {spec.get(section, {}).get(key) for section, several in keys.items() for key in several}
    until = spec.get("subscription", {}).get("observed_until")
    names |= {None if _as_day(until) else until}
    adjust = spec.get("adjust", {})
    names |= {*adjust.get("columns", ()), *adjust.get("bands", ())} - {*WORKED_OUT}
    names |= {one["column"] for one in others_of(spec).values()}
    return {name for name in names | named_by_metrics(spec) if isinstance(name, str)}


def _as_day(text: Any) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(text) if len(text) == 10 else None
    except (TypeError, ValueError):
        return None


def _each_customer(rows: Sequence[Row], spec: Spec, found: Expected) -> Sequence[Row]:
    name = spec.get("cohort", {}).get("count")
    if name is None:
        return rows
    times = [read.number(row[name], spec.get("table", {})) for row in rows]
    if any(n in (None, BAD) or n < 0 or n != math.floor(n) or n > 1e9 for n in times):
        found.refused = "a number of customers that is none"
        return rows
    return [row for row, n in zip(rows, times, strict=True) for _ in range(int(n))]


def _one_a_customer(kept: list[Any], spec: Spec, found: Expected) -> list[Any]:
    name = spec.get("cohort", {}).get("id")
    if name is None:
        return kept
    if any(read.is_empty(row[name]) for row, _ in kept):
        found.refused = "an id is missing"
    by_id: dict[Any, list[Any]] = {}
    for one in kept:
        by_id.setdefault(one[0][name], []).append(one)
    if spec["cohort"].get("repeat") != "first":
        found.refused = found.refused or ("an id repeats" if len(by_id) < len(kept) else "")
        return kept
    survey, column = spec["subscription"]["survey"], spec["score"]["column"]

    def order(one: Any) -> tuple[bool, bool, datetime.date]:
        """Answered surveys first, by date; one without a date is the last."""
        on = read.day(one[0][survey], spec.get("table", {}))
        dated = isinstance(on, datetime.date)
        return read.is_empty(one[0][column]), not dated, on if dated else datetime.date.max

    first = [min(several, key=order) for several in by_id.values()]
    if len(first) < len(kept):
        found.left_out["later_survey"] = len(kept) - len(first)
    return first


def _clustered(kept: list[Any], spec: Spec) -> str:
    """Why customers in accounts cannot be counted: one has no account, or one account has half of them."""
    name = spec.get("cohort", {}).get("cluster")
    if name is None:
        return ""
    if any(read.is_empty(row[name]) for row, _ in kept):
        return "an account is missing"
    accounts = [text_of(row[name]) for row, _ in kept]
    most = max(accounts.count(one) for one in set(accounts))
    return "one account has half of the customers" if 2 * most >= len(accounts) else ""


def _too_many_levels(coded: list[Any], spec: Spec) -> str:
    """Whether a category has over fifty values."""
    adjust, sub = spec.get("adjust", {}), spec.get("subscription", {})
    for at, name in enumerate(_of_table(spec), 1):
        if name not in adjust.get("bands", {}) and name != "tenure_at_survey" and _levels(coded, at) > 50:
            return f"{name} has too many values"
    if sub.get("cause") and len({key[-4] for key, _ in coded if key[-4]}) > 50:
        return "too many causes"
    if spec.get("metrics", {}).get("touchpoint") and _levels(coded, -2) > 50:
        return "too many touchpoints"
    return ""


def _levels(coded: list[Any], at: int) -> int:
    return len({key[at] for key, _ in coded})


def strata(spec: Spec) -> list[str]:
    """What is adjusted for, the history of each survey where all count."""
    history = history_of(spec) if _all_count(spec) else ()
    return [*_of_table(spec), *history]


def _of_table(spec: Spec) -> list[str]:
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


def _never_observed(key: tuple[Any, ...], spec: Spec) -> bool:
    entry, leave = key[-6], key[-5]
    return key[0] is not None and _late(spec) and leave <= entry


def _left_out(key: tuple[Any, ...], spec: Spec) -> str:
    """Why a customer was never observed."""
    if "window" in spec["subscription"]:
        return "under_one_period"
    return "lost_before_entry" if key[-4] else "censored_before_entry"


def _late(spec: Spec) -> bool:
    sub = spec.get("subscription", {})
    return sub.get("clock") == "signup" or "entry" in sub or "window" in sub


def _coded(row: Row, spec: Spec, columns: Sequence[str]) -> tuple[tuple[Any, ...], dict[str, float]] | None:
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
    for name in _of_table(spec):
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


def _cause(row: Row, spec: Spec) -> str:
    name = spec["subscription"].get("cause")
    return read.category(row[name]) if name else "lost"


def _dated(row: Row, spec: Spec, scored: bool, columns: Sequence[str]) -> tuple[int, int, str, str] | None:
    """Entry, exit, cause and quarter from dates; None where they break a rule."""
    table, sub = spec.get("table", {}), spec["subscription"]
    unit = sub.get("unit", "month")
    signup = read.day(row[sub["signup"]], table) if sub.get("signup") else None
    asked, end = (read.day(row[sub[role]], table) for role in ("survey", "end"))
    until = _until(row, spec, columns)
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


def _until(row: Row, spec: Spec, columns: Sequence[str]) -> Any:
    """Day on which observation of a row ended."""
    until = spec["subscription"]["observed_until"]
    return read.day(row[until], spec.get("table", {})) if until in columns else _as_day(until)


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
    over = _over(row, spec, scored, columns)
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


def _over(row: Row, spec: Spec, scored: bool, columns: Sequence[str]) -> Any:
    """Whether the window of spend is over; `BAD` where a column that should say so does not."""
    table, complete = spec.get("table", {}), spec["spend"].get("complete")
    if complete is True:
        return True
    if isinstance(complete, str):
        said = read.yes_no(row[complete], table)
        return BAD if said is None and scored else said == 1 if said is not BAD else BAD
    sub = spec["subscription"]
    asked = read.day(row[sub["survey"]], table)
    until = _until(row, spec, columns)
    if BAD in (asked, until) or None in (asked, until) or asked > until:
        return False
    return read.whole(asked, until, "month") >= spec["spend"].get("window_months", 12)

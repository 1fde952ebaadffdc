"""Rows counted one by one in plain Python, from the documentation of the spec: nothing of the package is imported."""

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from validation.fuzz import own_reading as read
from validation.fuzz.own_history import Survey, bucket, refusal, surveys, text_of
from validation.fuzz.own_horizon import Customer, horizon_of
from validation.fuzz.own_journey import Journey, journey
from validation.fuzz.own_merging import merged
from validation.fuzz.own_metrics import OneAnswer, metrics
from validation.fuzz.own_reading import BAD
from validation.fuzz.own_refusals import no_scores, refused_clusters, refused_columns, too_many_levels
from validation.fuzz.own_rows import (
    Row,
    Spec,
    coded_row,
    every_survey_counts,
    followed_until,
    last_part_aside,
    of_table,
    scale_of,
    starts_at_signup,
    window_is_over,
)
from validation.fuzz.own_several import Several, by_scores, by_times, others_of


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
    found.refused = refused_columns(columns, spec) or no_scores(rows, spec)
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
    if every_survey_counts(spec):
        history = surveys(rows, spec, scale_of(spec["score"]["scale"]))
        found.left_out = {"unanswered_survey": len(rows) - len(history)} if len(history) < len(rows) else {}
        rows = [survey.row for survey in history]
    coded = [coded_row(row, spec, columns) for row in rows]
    unused = _later_and_broken(rows, coded, spec)
    found.broken = [i for i, one in enumerate(coded, 1) if one is None and i - 1 not in unused]
    if found.broken and not drop_invalid:
        found.refused, found.rows = "broken rows", len(rows) - len(unused)
        return found
    if unused:
        found.left_out["later_survey"] = len(unused)
        used = [i for i in range(len(rows)) if i not in unused]
        rows, coded = [rows[i] for i in used], [coded[i] for i in used]
    if found.broken:
        found.left_out["invalid"] = len(found.broken)
    if every_survey_counts(spec) and not found.broken:
        _count_surveys(history, _ended(coded, spec), spec, columns, found)
        return found
    kept = [(row, one) for row, one in zip(rows, coded, strict=True) if one is not None]
    kept = _one_a_customer(kept, spec, found)
    ended = _ended([one for _, one in kept], spec)
    kept = [(row, one) for (row, _), one in zip(kept, ended, strict=True)]
    found.refused = found.refused or ("" if kept else "no rows left") or refused_clusters(kept, spec)
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
    found.refused = too_many_levels([one for _, one in kept], spec)
    _count_further(found, every, observed, spec, contacts)
    _count_metrics(
        found,
        [(one.row, key, sums, one.bucket) for one, (_, (key, sums)) in zip(every, kept, strict=True)],
        spec,
        columns,
    )
    return found


def _ended(coded: Sequence[Any], spec: Spec) -> list[Any]:
    """The same rows, a last part period set aside."""
    keys = last_part_aside([key for key, _ in coded], spec)
    return [(key, sums) for key, (_, sums) in zip(keys, coded, strict=True)]


def _count_metrics(found: Expected, rows: Sequence[Any], spec: Spec, columns: Sequence[str]) -> None:
    """Count what metrics are made of, of customers with and without a score."""
    answers = []
    for row, key, sums, place in rows:
        until = followed_until(row, spec, columns) if spec.get("subscription", {}).get("end") else None
        if isinstance(until, datetime.date):
            until -= datetime.timedelta(spec["subscription"].get("gap_days", 0))
        over = "spend" not in spec or window_is_over(row, spec, key[0] is not None, columns) is True
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


def _count_surveys(
    history: Sequence[Survey], coded: Sequence[Any], spec: Spec, columns: Sequence[str], found: Expected
) -> None:
    """Add surveys up, with what came before each."""
    found.refused = refusal(history, spec) or too_many_levels(list(coded), spec)
    at = 1 + len(of_table(spec))
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


def _each_customer(rows: Sequence[Row], spec: Spec, found: Expected) -> Sequence[Row]:
    name = spec.get("cohort", {}).get("count")
    if name is None:
        return rows
    times = [read.number(row[name], spec.get("table", {})) for row in rows]
    if any(n in (None, BAD) or n < 0 or n != math.floor(n) or n > 1e9 for n in times):
        found.refused = "a number of customers that is none"
        return rows
    return [row for row, n in zip(rows, times, strict=True) for _ in range(int(n))]


def _later_and_broken(rows: Sequence[Row], coded: Sequence[Any], spec: Spec) -> set[int]:
    """Rows that break a rule and are not used: of a customer's surveys in order, those behind the first.

    One whose score or day cannot be read may be the first, and is used.
    """
    cohort, table, section = spec.get("cohort", {}), spec.get("table", {}), spec["score"]
    if cohort.get("repeat") != "first" or "id" not in cohort:
        return set()
    by_id: dict[Any, list[int]] = {}
    for i, row in enumerate(rows):
        by_id.setdefault(row[cohort["id"]], []).append(i)
    ends, rounded, labels = scale_of(section["scale"]), section.get("round", False), section.get("labels", ())
    return {
        i
        for several in by_id.values()
        for i in sorted(several, key=lambda i: _survey_order(rows[i], spec))[1:]
        if coded[i] is None
        and read.score(rows[i][section["column"]], table, ends, rounded, labels) is not BAD
        and isinstance(read.day(rows[i][spec["subscription"]["survey"]], table), datetime.date)
    }


def _survey_order(row: Row, spec: Spec) -> tuple[bool, bool, datetime.date]:
    """Answered surveys first, by date; one without a date is the last."""
    on = read.day(row[spec["subscription"]["survey"]], spec.get("table", {}))
    dated = isinstance(on, datetime.date)
    return read.is_empty(row[spec["score"]["column"]]), not dated, on if dated else datetime.date.max


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
    first = [min(several, key=lambda one: _survey_order(one[0], spec)) for several in by_id.values()]
    if len(first) < len(kept):
        found.left_out["later_survey"] = found.left_out.get("later_survey", 0) + len(kept) - len(first)
    return first


def _never_observed(key: tuple[Any, ...], spec: Spec) -> bool:
    entry, leave = key[-6], key[-5]
    return key[0] is not None and starts_at_signup(spec) and leave <= entry


def _left_out(key: tuple[Any, ...], spec: Spec) -> str:
    """Why a customer was never observed."""
    if "window" in spec["subscription"]:
        return "under_one_period"
    return "lost_before_entry" if key[-4] else "censored_before_entry"

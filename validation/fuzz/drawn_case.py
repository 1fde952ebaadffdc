"""A table and a spec made from a seed alone: columns of any kind, hostile cells, keys that are valid or not."""

import datetime
from collections.abc import Sequence
from random import Random
from typing import Any

from validation.fuzz.case import Case
from validation.fuzz.drawn_bands import into_bands
from validation.fuzz.drawn_clusters import into_clusters
from validation.fuzz.drawn_columns import (
    NOT_NUMBERS,
    add_adjusters,
    add_control,
    add_identity,
    add_metrics,
    add_spend,
    add_unused,
)
from validation.fuzz.drawn_contacts import into_contacts
from validation.fuzz.drawn_exports import into_exports
from validation.fuzz.drawn_metrics import into_metrics
from validation.fuzz.drawn_repeats import into_repeats
from validation.fuzz.drawn_scores import into_scores
from validation.fuzz.drawn_spans import into_spans
from validation.fuzz.drawn_surveys import into_surveys, into_words
from validation.fuzz.drawn_times import add_dates, add_durations, add_score
from validation.fuzz.spoiled import spoil
from validation.fuzz.writers import READERS, SAFE_NAMES

NAMES = (
    "score", "months", "lost", "plan", "spend", "n", "entry", "exit", "cause", "wave", "y", "use", "rows", "id", "gone",
    "reason", "raw.score", "stratum.plan", "row.number", "times_", "wrong", "Klant nummer", "datum", "Ümsatz", "a,b",
    'a"b', "a'b", "a;b", "select", "=1+1", "score (1-10)", "red\x1b[31m", "\u202egnp.exe", "long " + "x" * 200, "{x}",
    "50%", "a\\b", "unnamed_1", "event", "fault", "whole", "1", "ALL", "given", "touchpoint", "member", "segment.a",
)  # fmt: skip


NOT_DAYS = (
    "31-12-2024", "12/31/2024", "2024-02-30", "2023-02-29", "2024-13-01", "today", "now", "infinity", "epoch",
    "20240105", "2024-W05", "0000-00-00", "1. Mai 2024", "45000", "2024-01-01T99:00", "2024-01-01 x", "-2024-01-01",
    "=TODAY()",
)  # fmt: skip


NUMBER_CELLS = (float("nan"), float("inf"), float("-inf"), -1, 10**25, 1e300, -0.5, 2.5, True)


def drawn(seed: int) -> Case:
    """Make a case from its seed."""
    random = Random(seed)
    reader = random.choice(list(READERS))
    n = random.choice([0, 1, 2, 3, 8, 20, 20, 40, 40, 60]) if random.random() < 0.9 else 130
    safe = reader in SAFE_NAMES
    names = [f"v{i}" for i in range(30)] if safe else list(_apart(NAMES))
    random.shuffle(names)
    case = Case(
        seed,
        reader,
        {"row": list(range(1, n + 1))},
        {},
        random,
        names=[name for name in names if name != "row"],
    )
    add_score(case)
    timed = random.choice([add_durations, add_durations, add_dates, add_dates, None])
    if timed is not None:
        timed(case)
    if timed is None or random.random() < 0.5:
        add_spend(case)
    for add in (add_adjusters, add_identity, add_control, add_metrics, add_unused):
        add(case)
    into_spans(case.spec, case.columns, case.add, seed)
    repeats = into_repeats(case.spec, seed)
    into_clusters(case.spec, case.columns, case.add, seed)
    into_bands(case.spec, seed)
    into_scores(case.spec, case.columns, case.add, seed)
    case.contacts = into_contacts(case.spec, case.columns, case.add, seed)
    into_metrics(case.spec, case.columns, case.add, seed)
    _add_table_keys(case)
    into_exports(case.spec, case.columns, seed)
    into_words(case.spec, case.columns, seed)
    case.surveys = into_surveys(case.spec, case.columns, seed)
    if random.random() < 0.4 and not repeats:
        for _ in range(random.choice([1, 1, 1, 2, 3])):
            _make_hostile(case)
    case.drop_invalid = random.random() < 0.3
    if random.random() < 0.12 and not repeats:
        case.spoilt = spoil(case.spec, random)
    if random.random() < 0.03 and reader in TWINS and not repeats:
        case.twin = random.choice(list(case.columns))
    return case


TWINS = {"csv", "csv.gz", "csv latin-1", "xlsx", "arrow table", "pandas", "feather"}
"""Readers of tables that may have two columns of one name."""


def _apart(names: Sequence[str]) -> Sequence[str]:
    return list({name.lower(): name for name in names}.values())


def _add_table_keys(case: Case) -> None:
    random, keys = case.random, dict[str, Any]()
    if random.random() < 0.2:
        keys["decimal"] = ","
    if random.random() < 0.15:
        keys["thousands"] = "." if keys.get("decimal") == "," else random.choice([",", " "])
    if random.random() < 0.15:
        keys["date_format"] = random.choice(["%d-%m-%Y", "%m/%d/%Y", "%d.%m.%y", "%Y-%m-%d"])
    if random.random() < 0.1:
        keys["missing"] = random.choice([["", "-"], ["", "NA", "?"], ["NULL", ""]])
    if keys:
        case.spec["table"] = keys


def _make_hostile(case: Case) -> None:
    """Put a cell that its column should not have into a column that the spec names, or one that is odd but valid."""
    random = case.random
    sub = case.spec.get("subscription", {})
    days = {sub.get(role) for role in ("signup", "survey", "end", "observed_until")} & set(case.columns)
    name = random.choice([name for name in case.columns if name not in ("row", "")])
    if not case.n:
        return
    hostile: tuple[Any, ...] = NOT_DAYS if name in days else (*NOT_NUMBERS, *NUMBER_CELLS)
    if name in days and random.random() < 0.4:
        hostile = (
            datetime.date(1, 1, 1),
            datetime.date(1900, 1, 1),
            datetime.date(9999, 12, 31),
            datetime.date(2024, 2, 29),
        )
    cell = None if random.random() < 0.15 else random.choice(hostile)
    case.columns[name] = list(case.columns[name])
    case.columns[name][random.randrange(case.n)] = cell

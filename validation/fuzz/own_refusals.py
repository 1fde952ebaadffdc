"""Why a whole table is refused, by plain loops: columns that are not there, scores that are none, too many levels."""

from collections.abc import Sequence
from typing import Any

from validation.fuzz import own_reading as read
from validation.fuzz.drawn_bands import WORKED_OUT
from validation.fuzz.own_history import text_of
from validation.fuzz.own_metrics import named_by_metrics
from validation.fuzz.own_rows import (
    Row,
    Spec,
    day_of,
    of_table,
    scale_of,
)
from validation.fuzz.own_several import others_of


def refused_columns(columns: Sequence[str], spec: Spec) -> str:
    """Why a table is refused for its columns."""
    folded = [name.lower() for name in columns]
    if len(set(folded)) < len(folded):
        return "two columns of one name"
    if spec.get("touchpoints", {}).get("segment") in ("touchpoint", "path"):
        return "a segment named as a column of the tables"
    absent = named(spec) - set(columns)
    return f"no column {min(absent)!r}" if absent else ""


def no_scores(rows: Sequence[Row], spec: Spec) -> str:
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
    names |= {None if day_of(until) else until}
    adjust = spec.get("adjust", {})
    names |= {*adjust.get("columns", ()), *adjust.get("bands", ())} - {*WORKED_OUT}
    names |= {one["column"] for one in others_of(spec).values()}
    return {name for name in names | named_by_metrics(spec) if isinstance(name, str)}


def refused_clusters(kept: list[Any], spec: Spec) -> str:
    """Why customers in accounts cannot be counted: one has no account, or one account has half of them."""
    name = spec.get("cohort", {}).get("cluster")
    if name is None:
        return ""
    if any(read.is_empty(row[name]) for row, _ in kept):
        return "an account is missing"
    accounts = [text_of(row[name]) for row, _ in kept]
    most = max(accounts.count(one) for one in set(accounts))
    return "one account has half of the customers" if 2 * most >= len(accounts) else ""


def too_many_levels(coded: list[Any], spec: Spec) -> str:
    """Whether a category has over fifty values."""
    adjust, sub = spec.get("adjust", {}), spec.get("subscription", {})
    for at, name in enumerate(of_table(spec), 1):
        if name not in adjust.get("bands", {}) and name != "tenure_at_survey" and _levels(coded, at) > 50:
            return f"{name} has too many values"
    if sub.get("cause") and len({key[-4] for key, _ in coded if key[-4]}) > 50:
        return "too many causes"
    if spec.get("metrics", {}).get("touchpoint") and _levels(coded, -2) > 50:
        return "too many touchpoints"
    return ""


def _levels(coded: list[Any], at: int) -> int:
    return len({key[at] for key, _ in coded})

"""Specs made invalid, one key at a time: each of these must be refused."""

from collections.abc import Callable
from random import Random
from typing import Any

Spec = dict[str, dict[str, Any]]


def _put(section: str, key: str, value: Any) -> Callable[[Spec], None]:
    def change(spec: Spec) -> None:
        spec.setdefault(section, {})[key] = value

    return change


def _both_dates_and_durations(spec: Spec) -> None:
    sub = spec.setdefault("subscription", {})
    sub |= {"duration": "a", "event": "b", "end": "c", "survey": "d", "observed_until": "2025-01-01"}


def _no_outcome(spec: Spec) -> None:
    for section in ("subscription", "spend", "control", "value", "metrics"):
        spec.pop(section, None)


SPOILS: dict[str, Callable[[Spec], None]] = {
    "an unknown section": _put("scoore", "column", "x"),
    "an unknown key": _put("score", "colunm", "x"),
    "a key of no type of its": _put("score", "round", "yes"),
    "a number for a column": _put("score", "column", 7),
    "a scale that falls": _put("score", "scale", "10-1"),
    "a scale of words": _put("score", "scale", "low-high"),
    "a scale too wide": _put("score", "scale", "0-1000000"),
    "a band off the scale": _put("score", "best", [99]),
    "an empty band": _put("score", "worst", []),
    "a band of no levels": _put("score", "best", "9 to 10"),
    "a horizon of nothing": _put("analysis", "horizon", 0),
    "a horizon in words": _put("analysis", "horizon", "12"),
    "a level over 1": _put("analysis", "level", 1.5),
    "too few draws": _put("analysis", "draws", 1),
    "a negative seed": _put("analysis", "seed", -1),
    "a contrast of one side": _put("analysis", "contrasts", ["best"]),
    "a contrast that overlaps": _put("analysis", "contrasts", ["best:best"]),
    "an anchor of nothing": _put("analysis", "anchors", ["2019:60=1.5"]),
    "an unknown unit": _put("subscription", "unit", "fortnight"),
    "an unknown clock": _put("subscription", "clock", "sundial"),
    "an unknown repeat": _put("cohort", "repeat", "last"),
    "repeat without id": lambda spec: spec.update({"cohort": {"repeat": "first"}}),
    "count with id": lambda spec: spec.update({"cohort": {"count": "a", "id": "b"}}),
    "dates and durations": _both_dates_and_durations,
    "entry and window": lambda spec: spec.update({
        "subscription": {"duration": "a", "event": "b", "entry": "c", "window": 3}
    }),
    "completed without follow_up": lambda spec: spec.update({
        "subscription": {"duration": "a", "event": "b", "counts": "completed"}
    }),
    "spans of durations": lambda spec: spec.update({
        "cohort": {"id": "c"}, "subscription": {"duration": "a", "event": "b", "gap_days": 30}
    }),
    "spans of nobody": lambda spec: spec.update({
        "cohort": {},
        "subscription": {"signup": "a", "survey": "b", "end": "c", "observed_until": "2025-01-01", "gap_days": 1},
    }),
    "no outcome": _no_outcome,
    "no score": lambda spec: spec.__delitem__("score"),
    "windows never complete": lambda spec: spec.update({"spend": {"column": "a", "complete": False}}),
    "cuts that fall": _put("adjust", "bands", {"age": [50, 30]}),
    "cuts without end": _put("adjust", "bands", {"age": [float("inf")]}),
    "a column adjusted for twice": _put("adjust", "columns", ["a", "a"]),
    "the score adjusted for": lambda spec: _put("adjust", "columns", [spec["score"]["column"]])(spec),
    "the score as control": lambda spec: _put("control", "column", spec["score"]["column"])(spec),
    "one mark for two things": _put("table", "thousands", "."),
    "an encoding of no name": _put("table", "encoding", "klingon"),
    "half a date": _put("table", "date_format", "%Y"),
    "a word of both": lambda spec: spec.setdefault("table", {}).update({"true": ["x"], "false": ["x"]}),
    "surveys without on": lambda spec: spec.update({"table": {"surveys": "surveys.csv"}}),
    "a further score without a scale": _put("score", "others", {"csat": {"column": "a"}}),
    "a further score of a name of ours": _put("score", "others", {"state": {"column": "a", "scale": "1-5"}}),
    "the score once more": lambda spec: _put("score", "others", {"csat": {**spec["score"], "scale": "1-5"}})(spec),
    "contacts of no table": _put("touchpoints", "scale", "1-5"),
    "contacts of others": _put("touchpoints", "on", "somebody else"),
    "a negative smallest cell": _put("publish", "smallest_cell", -1),
    "an unknown format": _put("report", "formats", ["docx"]),
    "no formats": _put("report", "formats", []),
    "a margin over the whole": lambda spec: spec.update({"value": {"margin": 30.0}}),
    "an open question": _put("score", "scale", "…"),
    "a column that is not there": _put("score", "column", "no such column"),
    "a section that is no table": lambda spec: spec.update({"score": "nps"}),  # type: ignore[dict-item]
}  # fmt: skip


def spoil(spec: Spec, random: Random) -> str:
    """Make a spec invalid, and say how."""
    name = random.choice(list(SPOILS))
    SPOILS[name](spec)
    if name == "one mark for two things":
        spec["table"]["decimal"] = "."
    return name

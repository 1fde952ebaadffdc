"""Surveys of one customer in their order, in plain loops: nothing of the package is imported."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from validation.fuzz import own_reading as read

Row = Mapping[str, Any]
Spec = Mapping[str, Mapping[str, Any]]
HISTORY = ("previous_score", "survey_number", "since_last_survey")
_SINCE = {"day": (182, 365), "week": (26, 52), "month": (6, 12), "quarter": (2, 4), "year": (1,)}
_BANDS = {(0, 10): (7, 2), (1, 10): (1, 2)}
"""Levels of the worst and of the best band by default; one each elsewhere."""
_PARTS, _BUCKETS = 720_720, 200


@dataclass
class Survey:
    """A row that counts, with what came before it.

    Attributes
    ----------
    row : mapping
        Its cells.
    strata : tuple of str
        The score before in bands, the number of the survey, and the time since the last one.
    previous : int or None
        The score before.
    bucket : int
        Of the customer.
    share : float
        One by the number of surveys that the customer answered.
    """

    row: Row
    strata: tuple[str, ...]
    previous: int | None
    bucket: int
    share: float


def _cuts(spec: Spec) -> Sequence[float] | None:
    """Cuts of the time since the last survey; None by default, none at all where it is left out."""
    cuts: Sequence[float] | None = spec.get("adjust", {}).get("bands", {}).get("since_last_survey")
    return cuts


def history_of(spec: Spec) -> tuple[str, ...]:
    """What is adjusted for by itself where every survey counts."""
    return HISTORY[:2] if _cuts(spec) == [] else HISTORY


def surveys(rows: Sequence[Row], spec: Spec, scale: tuple[int, int]) -> list[Survey]:
    """Give the surveys that count: those that were answered, and one of each customer who answered none."""
    table, name = spec.get("table", {}), spec["cohort"]["id"]
    column, asked = spec["score"]["column"], spec["subscription"]["survey"]
    by_customer: dict[str, list[Row]] = {}
    for row in rows:
        by_customer.setdefault(text_of(row[name]), []).append(row)
    found: list[Survey] = []
    for customer, several in by_customer.items():
        in_order = sorted(several, key=lambda row: read.day(row[asked], table))
        answered = [row for row in in_order if not read.is_empty(row[column])]
        last: Row | None = None
        for number, row in enumerate(answered or in_order[:1], 1):
            previous, since = None, "first"
            if last is not None:
                previous = read.score(last[column], table, scale, spec["score"].get("round", False))
                unit = spec["subscription"].get("unit", "month")
                gone = read.whole(read.day(last[asked], table), read.day(row[asked], table), unit)
                since = read.band_of(gone, tuple(_cuts(spec) or _SINCE[unit]))
            strata = (_band(previous, spec, scale), "3+" if number > 2 else str(number), since)[
                : len(history_of(spec))
            ]
            share = (_PARTS // max(len(answered), 1)) / _PARTS
            found.append(Survey(row, strata, previous, bucket(customer), share))
            last = row
    return found


def refusal(found: Sequence[Survey], spec: Spec) -> str:
    """Why surveys cannot be counted: one customer has half of them."""
    sizes: dict[str, int] = {}
    for survey in found:
        customer = text_of(survey.row[spec["cohort"]["id"]])
        sizes[customer] = sizes.get(customer, 0) + 1
    return "one customer has half of the surveys" if 2 * max(sizes.values(), default=0) >= len(found) else ""


def text_of(name: Any) -> str:
    """Give an id as text: a whole number without decimals, blanks cut off."""
    if isinstance(name, float) and name.is_integer():
        return str(int(name))
    text = str(name).strip()
    whole, _, zeros = text.partition(".")
    return whole if zeros and not zeros.strip("0") and whole.lstrip("-").isdigit() else text


def bucket(customer: str) -> int:
    """Number of the bucket of a customer or an account."""
    return int(hashlib.md5(customer.encode(), usedforsecurity=False).hexdigest()[:4], 16) % _BUCKETS


def _band(previous: int | None, spec: Spec, scale: tuple[int, int]) -> str:
    """The score before by level on a short scale, else by band."""
    if previous is None:
        return "first"
    low, high = scale
    if high - low < 5:
        return str(previous)
    section, levels = spec["score"], list(range(low, high + 1))
    upward = levels if section.get("higher_is_better", True) else levels[::-1]
    n_worst, n_best = _BANDS.get(scale, (1, 1))
    if previous in section.get("worst", upward[:n_worst]):
        return "worst"
    return "best" if previous in section.get("best", upward[-n_best:]) else "middle"

"""Cases whose customers gave further scores, which all of them gave, or few, or those of one outcome."""

from collections.abc import Callable
from random import Random
from typing import Any

SHARE = 0.3
"""Of the cases that can have further scores."""
NAMES = ("csat", "effort", "help_desk", "Z", "x9")
SCALES = ("1-5", "0-10", "1-7", "0-1", "-1-1", "1-10")
_UNITS = {"day": 400, "week": 60, "month": 14, "quarter": 6, "year": 3}


def into_scores(
    spec: dict[str, dict[str, Any]], columns: dict[str, list[Any]], add: Callable[[list[Any]], str], seed: int
) -> bool:
    """Give the customers of some cases further scores, by a stream of numbers of their own.

    Parameters
    ----------
    spec : dict
        Of the case; gains ``[score] others`` and, of some, ``[analysis] horizon``.
    columns : dict of str to list
        Its cells by column.
    add : callable
        Adds a column and gives its name.
    seed : int
        Of the case.

    Returns
    -------
    bool
        Whether it was done.
    """
    random = Random(f"scores of {seed}")
    if random.random() > SHARE or spec.get("cohort", {}).get("repeat") == "all":
        return False
    others: dict[str, dict[str, Any]] = {}
    for name in random.sample(NAMES, random.choice([1, 1, 2, 3])):
        others[name] = {"scale": random.choice(SCALES)}
        cells = _given(spec, columns, random, others[name])
        others[name] = {"column": add(alike_in_spans(cells, spec, columns)), **others[name]}
    spec["score"]["others"] = others
    with_horizon(spec, random)
    return True


def _given(
    spec: dict[str, dict[str, Any]], columns: dict[str, list[Any]], random: Random, section: dict[str, Any]
) -> list[Any]:
    """Cells of a further score: whole, with labels, or averages; given by all, by some, or by those of one outcome."""
    n = len(next(iter(columns.values())))
    low, _, high = section["scale"][1:].partition("-")
    first, last = int(section["scale"][0] + low), int(high)
    cells: list[Any] = [random.randint(first, last) for _ in range(n)]
    look = random.choice(["whole", "whole", "numbers", "labels", "averages"])
    if look == "numbers":
        cells = [float(cell) for cell in cells]
    if look == "labels" and first >= 0:
        cells = [random.choice([str(cell), f"{cell} - good", f"{cell}: x"]) for cell in cells]
    if look == "averages":
        section["round"] = True
        cells = [max(first, cell - random.choice([0, 0.25, 0.5])) for cell in cells]
    if random.random() < 0.3:
        section["higher_is_better"] = False
    missing = random.choice([0, 0, 0.1, 0.5])
    sub = spec.get("subscription", {})
    outcome = columns.get(sub.get("event") or sub.get("end") or "")
    if outcome is not None and random.random() < 0.2:  # an exit survey
        gone = (1, True, "yes", "Y", "ja", "1,0", 1.0)
        lost = [cell in gone if "event" in sub else cell is not None for cell in outcome]
        return [cell if left else None for cell, left in zip(cells, lost, strict=True)]
    return [None if random.random() < missing else cell for cell in cells]


def with_horizon(spec: dict[str, dict[str, Any]], random: Random) -> None:
    """Name the horizon of some cases, which a table of outcomes depends on."""
    if "subscription" in spec and random.random() < 0.4:
        longest = _UNITS[spec["subscription"].get("unit", "month")]
        spec.setdefault("analysis", {})["horizon"] = random.randint(1, longest)


def alike_in_spans(
    cells: list[Any], spec: dict[str, dict[str, Any]], columns: dict[str, list[Any]]
) -> list[Any]:
    """Give the spans of a customer the same cell; without spans the cells as they are."""
    if "gap_days" not in spec.get("subscription", {}):
        return cells
    whose = columns[spec["cohort"]["id"]]
    return [cells[whose.index(one)] for one in whose]

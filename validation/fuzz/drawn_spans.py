"""Dated cases made into spans of subscriptions: several rows a customer, with gaps and overlaps."""

import datetime
from random import Random
from typing import Any

SHARE = 0.25
"""Of the dated cases."""


def into_spans(spec: dict[str, dict[str, Any]], columns: dict[str, list[Any]], add: Any, seed: int) -> None:
    """Turn the rows of some dated cases into spans, from a stream of numbers of their own.

    Starts of one customer differ, so that no two of their spans are alike.

    Parameters
    ----------
    spec : dict
        Of the case; gains ``gap_days``.
    columns : dict
        Of the case; dates, ids, scores and amounts are written anew.
    add : callable
        Adds a column and gives its name.
    seed : int
        Of the case.
    """
    random, sub = Random(f"spans of {seed}"), spec.get("subscription", {})
    if "end" not in sub or "count" in spec.get("cohort", {}) or random.random() > SHARE:
        return
    n = len(columns["row"])
    whose, k = list[int](), 0
    while len(whose) < n:
        whose += [k] * random.choice([1, 1, 2, 3, 4])
        k += 1
    whose = whose[:n]
    cohort = spec.setdefault("cohort", {})
    ids = [f"C{who}" for who in whose]
    if "id" in cohort:
        columns[cohort["id"]] = ids
    else:
        cohort["id"] = add(ids)
    sub.setdefault("signup", "")
    if not sub["signup"]:
        sub["signup"] = add([None] * n)
    sub["gap_days"] = random.choice([0, 1, 7, 30])
    _set_days(sub, columns, whose, random)
    _set_surveys(spec, columns, whose, random)
    for name in _of_customers(spec):
        for i in range(n):
            columns[name][i] = columns[name][whose.index(whose[i])]


def _set_days(sub: dict[str, Any], columns: dict[str, list[Any]], whose: list[int], random: Random) -> None:
    for who in dict.fromkeys(whose):
        rows = [i for i, one in enumerate(whose) if one == who]
        day = datetime.date(2022, 1, 1) + datetime.timedelta(random.randint(0, 500))
        for i in rows:
            length = random.choice([0, random.randint(0, 40), random.randint(0, 300)])
            open_ = random.random() < (0.5 if i == rows[-1] else 0.05)
            columns[sub["signup"]][i] = day
            columns[sub["end"]][i] = None if open_ else day + datetime.timedelta(length)
            step = random.choice([1, length, length + 1, length + random.choice([7, 8, 30, 31, 90]), 20])
            day += datetime.timedelta(max(step, 1))


def _set_surveys(
    spec: dict[str, dict[str, Any]], columns: dict[str, list[Any]], whose: list[int], random: Random
) -> None:
    """A survey a customer, mostly while a span runs: in every row of theirs, or in one; sometimes two."""
    sub, score = spec["subscription"], spec["score"]["column"]
    outside, twice = (random.choice([0, 0, 0, 0.05]) for _ in range(2))
    for who in dict.fromkeys(whose):
        rows = [i for i, one in enumerate(whose) if one == who]
        at = random.choice(rows)
        start, end = columns[sub["signup"]][at], columns[sub["end"]][at]
        last = end or start + datetime.timedelta(200)
        asked = start + datetime.timedelta(random.randint(0, (last - start).days))
        if random.random() < outside:
            asked += datetime.timedelta(random.choice([-400, 5, 20, 400]))
        alone = random.random() < 0.4
        for i in rows:
            here = i == at or not alone
            columns[sub["survey"]][i] = asked if here else None
            columns[score][i] = columns[score][at] if here else None
        if len(rows) > 1 and random.random() < twice:
            other = next(i for i in rows if i != at)
            columns[sub["survey"]][other] = asked + datetime.timedelta(3)
    until = sub.get("observed_until")
    if until in columns:
        columns[until] = [datetime.date(2025, 3, 31)] * len(whose)


def _of_customers(spec: dict[str, dict[str, Any]]) -> list[str]:
    """Columns whose cells are equal in every span of a customer."""
    complete = spec.get("spend", {}).get("complete")
    named = [
        spec.get("spend", {}).get("column"), complete if isinstance(complete, str) else None,
        spec.get("value", {}).get("margin"), spec.get("control", {}).get("column"),
        spec.get("metrics", {}).get("touchpoint"),
    ]  # fmt: skip
    return [name for name in named if isinstance(name, str)]

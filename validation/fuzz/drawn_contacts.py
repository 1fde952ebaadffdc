"""Cases whose customers were in contact: a table of contacts beside theirs, with some that do not count."""

import datetime
from collections.abc import Callable
from random import Random
from typing import Any

from validation.fuzz.drawn_scores import alike_in_spans, with_horizon

SHARE = 0.4
"""Of the cases whose surveys have a date, and whose customers may have contacts."""
PLACES = ("web", " phone ", "shop", "Zoë", "=1+1", "a;b", "e-mail", "chat", "bell", "fair")
SEGMENTS = ("north", "south ", "", "(missing)", "7", "=A1")


def into_contacts(
    spec: dict[str, dict[str, Any]], columns: dict[str, list[Any]], add: Callable[[list[Any]], str], seed: int
) -> dict[str, list[Any]] | None:
    """Give the customers of some cases contacts, by a stream of numbers of their own.

    Parameters
    ----------
    spec : dict
        Of the case; gains ``[touchpoints]`` without the name of its table.
    columns : dict of str to list
        Its cells by column.
    add : callable
        Adds a column and gives its name.
    seed : int
        Of the case.

    Returns
    -------
    dict of str to list or None
        Cells of the table of contacts by column; None where it was not done.
    """
    random = Random(f"contacts of {seed}")
    sub, cohort = spec.get("subscription", {}), spec.get("cohort", {})
    if random.random() > SHARE or not sub.get("survey") or "count" in cohort or cohort.get("repeat") == "all":
        return None
    n = len(next(iter(columns.values())))
    if "id" not in cohort:
        spec.setdefault("cohort", {})["id"] = add([f"K{i}" for i in range(n)])
    on = spec["cohort"]["id"]
    low, high = random.choice([(1, 5), (0, 10), (-1, 1)])
    spec["touchpoints"] = {
        "table": "", "on": on, "touchpoint": "channel", "score": "rating", "scale": f"{low}-{high}",
        "date": "contact day", "higher_is_better": random.random() < 0.8,
    }  # fmt: skip
    if random.random() < 0.3:
        cells = [random.choice([*SEGMENTS, None]) for _ in range(n)]
        spec["touchpoints"]["segment"] = add(alike_in_spans(cells, spec, columns))
    if "others" not in spec["score"]:
        with_horizon(spec, random)
    places = random.sample(PLACES, random.choice([1, 2, 3, 3, 5] if random.random() < 0.95 else [9]))
    rows = [
        one
        for i in range(n)
        if columns[on][i] not in columns[on][:i]
        for one in _of_customer(columns[on][i], columns[sub["survey"]][i], places, (low, high), random)
    ]
    names = (on, "channel", "rating", "contact day")
    table: dict[str, list[Any]] = dict(
        zip(names, ([*cells] for cells in zip(*rows, strict=True)), strict=False)
    )
    return _spoilt(table if rows else {name: [] for name in names}, random)


def _of_customer(
    who: Any, asked: Any, places: list[str], scale: tuple[int, int], random: Random
) -> list[tuple[Any, ...]]:
    """Contacts of a customer, at most one a touchpoint and day, before and after the survey, or on its day."""
    start = asked.date() if isinstance(asked, datetime.datetime) else asked or datetime.date(2024, 5, 1)
    rows: dict[tuple[str, datetime.date], tuple[Any, ...]] = {}
    for _ in range(random.choice([0, 0, 1, 1, 2, 4])):
        place, back = random.choice(places), random.choice([0, 0, 1, 30, 100, -5])
        day = start - datetime.timedelta(back)
        rows[place, day] = (who, place, random.randint(*scale), day)
    return list(rows.values())


def _spoilt(table: dict[str, list[Any]], random: Random) -> dict[str, list[Any]]:
    """Leave values out, add contacts of nobody, and sometimes what must be refused; in another order of rows."""
    names, rows = list(table), [list(row) for row in zip(*table.values(), strict=True)]
    missing = random.choice([0, 0, 0.03])
    for row in rows:
        for at in range(len(names)):
            if random.random() < missing:
                row[at] = None
    if rows and random.random() < 0.2:
        stranger = "nobody" if isinstance(rows[0][0], str) else 10**6
        rows.append([stranger, *random.choice(rows)[1:]])
    if rows and random.random() < 0.05:
        rows.append(list(random.choice(rows)))  # twice at one touchpoint on one day
    if rows and random.random() < 0.05:
        random.choice(rows)[2] = random.choice([99, "seven", 2.5])
    if rows and random.random() < 0.03:
        random.choice(rows)[3] = "someday"
    random.shuffle(rows)
    return {name: [row[at] for row in rows] for at, name in enumerate(names)}

"""Cases whose surveys stand in a table of their own, and cases whose words of yes and no the spec lists."""

from random import Random
from typing import Any

from validation.fuzz import own_reading as read
from validation.fuzz.own_history import text_of

SHARE, WORDS_SHARE = 0.6, 0.2
"""Of the cases with ids and dates of surveys; of those with events."""
_LISTS = (
    (["churned", "left"], ["active"]),
    (["no"], ["yes"]),
    (["Weg "], ["da", "noch da"]),
    (["2"], ["1 = x"]),
)
_TIMES = ("survey", "signup", "end", "observed_until", "duration", "event", "follow_up", "cause")


def into_surveys(
    spec: dict[str, dict[str, Any]], columns: dict[str, list[Any]], seed: int
) -> dict[str, list[Any]] | None:
    """Move the surveys of some cases out of the customers' table, by a stream of numbers of their own.

    Where customers have several surveys their times go along, and their other columns are those of their first row.

    Parameters
    ----------
    spec : dict
        Of the case; gains ``[table] on``.
    columns : dict of str to list
        Its cells by column, some of which are moved.
    seed : int
        Of the case.

    Returns
    -------
    dict of str to list or None
        Cells of the table of surveys by column; None where it was not done.
    """
    random = Random(f"surveys of {seed}")
    sub, cohort = spec.get("subscription", {}), spec.get("cohort", {})
    if random.random() > SHARE or not cohort.get("id") or not sub.get("survey") or "gap_days" in sub:
        return None
    on, score = cohort["id"], spec["score"]
    moved = [score["column"], *(one["column"] for one in score.get("others", {}).values()), sub["survey"]]
    whose = columns[on]
    if len(set(whose)) < len(whose):
        moved += [sub[role] for role in _TIMES if sub.get(role) in columns]
    table = {on: list(whose), **{name: columns.pop(name) for name in dict.fromkeys(moved)}}
    first = [i for i, one in enumerate(whose) if one not in whose[:i]]
    for name, cells in columns.items():
        columns[name] = [cells[i] for i in first]
    asked = [i for i in range(len(whose)) if random.random() < 0.9]
    random.shuffle(asked)
    table = {name: [cells[i] for i in asked] for name, cells in table.items()}
    if asked and random.random() < 0.3:  # a survey of nobody
        stranger = "nobody" if isinstance(whose[0], str) else 10**6
        table = {name: [*cells, stranger if name == on else cells[0]] for name, cells in table.items()}
    spec.setdefault("table", {}).update({"surveys": "", "on": on})
    return table


def into_words(spec: dict[str, dict[str, Any]], columns: dict[str, list[Any]], seed: int) -> bool:
    """Write the events of some cases in words that the spec lists, by a stream of numbers of their own."""
    random, name = Random(f"words of {seed}"), spec.get("subscription", {}).get("event")
    if random.random() > WORDS_SHARE or name not in columns:
        return False
    yes, no = random.choice(_LISTS)
    said: dict[Any, list[Any]] = {1: [*yes], 0: [*no], None: [None]}
    columns[name] = [random.choice(said[read.yes_no(cell, {})]) for cell in columns[name]]
    spec.setdefault("table", {}).update({"true": yes, "false": no})
    return True


def joined(
    rows: list[dict[str, Any]], surveys: dict[str, list[Any]], on: str
) -> tuple[list[dict[str, Any]], int, str]:
    """Give customers their surveys by plain loops: a row a survey, and an empty one for who has none.

    Returns
    -------
    rows : list of dict
        Of customers and surveys.
    unmatched : int
        Surveys of nobody.
    refused : str
        Why it cannot be done; empty where it can.
    """
    keys = [key_of(row[on]) for row in rows]
    named = [key for key in keys if key is not None]
    if len(set(named)) < len(named):
        return rows, 0, "a customer stands in two rows"
    given = [dict(zip(surveys, cells, strict=True)) for cells in zip(*surveys.values(), strict=True)]
    unmatched = sum(key_of(one[on]) not in named for one in given)
    found = []
    for key, row in zip(keys, rows, strict=True):
        own = [one for one in given if key is not None and key_of(one[on]) == key]
        found += [{**one, **row} for one in own or [dict.fromkeys(surveys)]]
    return found, unmatched, ""


def key_of(cell: Any) -> str | None:
    """What customers of two tables are matched by: text without blanks at its ends, numbers as whole ones."""
    return None if read.is_empty(cell) else text_of(cell) if not isinstance(cell, str) else cell.strip()

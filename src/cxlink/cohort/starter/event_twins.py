"""Columns that say who was lost in other words: categories that are known only with the event."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cxlink.cohort.read.source import Source
from cxlink.cohort.starter.column_looks import LOOKED_AT, Look
from cxlink.cohort.starter.roles import best, role_of

_LEFT_OPEN = 0.1
"""Share of the event's errors that a twin leaves: what names nine of ten losses was hardly known before them."""


def without_twins(looks: Sequence[Look], source: Source) -> list[Look]:
    """Mark the categories that nearly tell who was lost, so that none is proposed as an adjuster.

    Guessing the event of each customer by the commonest one of a category goes wrong for some share of them; by the
    commonest of all, for another. A category is marked where the first share is at most a tenth of the second
    (Goodman and Kruskal's lambda of 0.9 or more, 1954, doi:10.1080/01621459.1954.10501231).

    Raises
    ------
    InputError
        If the table cannot be read.
    """
    event = best(looks, "event")
    names = [look.name for look in looks if role_of(look).role == "adjust"]
    if event is None or not names:
        return list(looks)
    twins = {name for name in names if _is_twin(source, name, event.name)}
    return [replace(look, tells_event=True) if look.name in twins else look for look in looks]


def _is_twin(source: Source, name: str, event: str) -> bool:
    rows = source.table.select(category=source.table[name], event=source.table[event]).limit(LOOKED_AT)
    given = rows.filter(rows.event.notnull())
    cells = source.run(given.group_by("category", "event").aggregate(n=given.count())).to_pylist()
    of_event: Counter[Any] = Counter()
    commonest: Counter[Any] = Counter()
    for cell in cells:
        of_event[cell["event"]] += cell["n"]
        commonest[cell["category"]] = max(commonest[cell["category"]], cell["n"])
    alone = of_event.total() - max(of_event.values(), default=0)
    left = of_event.total() - commonest.total()
    return bool(alone > 0 and left <= _LEFT_OPEN * alone)

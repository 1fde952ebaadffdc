"""Cells that hold something else than their column does: codes for no answer, and slips."""

from typing import Any

from cxlink.cohort.read.source import Source

_CODES = frozenset(sign * code for code in (7, 8, 9, 66, 77, 88, 96, 97, 98, 99, 777, 888, 997, 998, 999, 9999)
                   for sign in (1, -1)) | {-1, -2, -3}  # fmt: skip
"""What surveys write for no answer."""
_MOST_CODES = 4


def no_answers(source: Source, picked: Any) -> tuple[str, ...]:
    """Numbers off the levels of a score, where all of them are codes for no answer; else none."""
    odd = (
        picked.filter(picked.given & picked.score.isnull()).select("value").distinct().limit(_MOST_CODES + 1)
    )
    values = sorted(source.run(odd)["value"].to_pylist(), key=lambda value: (value is None, value))
    coded = 0 < len(values) <= _MOST_CODES and all(value in _CODES for value in values)
    return tuple(f"{value:.0f}" for value in values) if coded else ()


def slips_of(source: Source, picked: Any, kind: str) -> tuple[int, tuple[str, ...]]:
    """Cells that hold something else than the column does: how many, and the first of them by the alphabet."""
    odd = picked.filter(picked.given & picked[kind].isnull())
    texts = source.run(odd.group_by("text").aggregate(n=odd.count()).order_by("text")).to_pylist()
    return sum(row["n"] for row in texts), tuple(str(row["text"]).removesuffix(".0") for row in texts[:3])

"""Score scales: their levels, their direction, and sets of levels written as text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cxlink.cohort.errors import InputError

_RANGE = re.compile(r"\s*(-?\d+)\s*-\s*(-?\d+)\s*")
_WIDEST = 101


@dataclass(frozen=True, slots=True)
class Scale:
    """A whole-number scale, such as 1 to 10.

    Attributes
    ----------
    low, high : int
        Its two ends, both included.
    higher_is_better : bool
        Its direction.
    """

    low: int
    high: int
    higher_is_better: bool = True

    @property
    def levels(self) -> tuple[int, ...]:
        """All levels, from the worst to the best."""
        upward = tuple(range(self.low, self.high + 1))
        return upward if self.higher_is_better else upward[::-1]

    def worst(self) -> tuple[int, ...]:
        """Give the default band of the poorest experience: the worst level."""
        return self.levels[:1]

    def best(self) -> tuple[int, ...]:
        """Give the default band of the best experience: two levels, one on scales of up to four."""
        return tuple(sorted(self.levels[-2:] if len(self.levels) > 4 else self.levels[-1:]))


def parse_scale(text: str, higher_is_better: bool = True) -> Scale:
    """Read a scale such as ``"1-10"``.

    Raises
    ------
    InputError
        If the text is not LOW-HIGH with at least two and at most 101 whole levels.
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        raise InputError(f"[score] scale {text!r} is not a scale. Write it as LOW-HIGH, such as 1-10.")
    low, high = int(match[1]), int(match[2])
    if not 1 <= high - low < _WIDEST:
        raise InputError(
            f"[score] scale {text!r} must rise from LOW to HIGH over 2 to {_WIDEST} levels, such as 1-10."
        )
    return Scale(low, high, higher_is_better)


def parse_levels(text: str | int | Iterable[int]) -> tuple[int, ...]:
    """Read a set of levels: ``7``, ``"9-10"``, ``"1,3"``, ``[9, 10]``; ascending, without repeats.

    Raises
    ------
    InputError
        If a part of the text is neither a whole number nor a range.
    """
    if isinstance(text, int):
        return (text,)
    if not isinstance(text, str):
        return tuple(sorted(set(text)))
    levels: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part)
        if match is not None and int(match[1]) <= int(match[2]):
            levels |= set(range(int(match[1]), int(match[2]) + 1))
        elif re.fullmatch(r"\s*-?\d+\s*", part):
            levels.add(int(part))
        else:
            raise InputError(f"{text!r} is not a set of score levels. Write 7, 9-10 or 1,3.")
    return tuple(sorted(levels))


def label(levels: Iterable[int]) -> str:
    """Write a set of levels the way `parse_levels` reads it: ``"9-10"``, ``"1,3"``."""
    ordered = sorted(set(levels))
    runs: list[list[int]] = []
    for level in ordered:
        if runs and level == runs[-1][1] + 1:
            runs[-1][1] = level
        else:
            runs.append([level, level])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)

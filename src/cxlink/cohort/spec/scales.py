"""Score scales: their levels, their direction, and sets of levels written as text."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from cxlink.cohort.errors import InputError

_RANGE = re.compile(r"\s*(-?[0-9]{1,9})\s*-\s*(-?[0-9]{1,9})\s*")
_LEVEL = re.compile(r"\s*-?[0-9]{1,9}\s*")
_WIDEST = 101
_BANDS = {(0, 10): (7, 2), (1, 10): (1, 2)}
"""Levels of the worst and of the best band by default, where it is not one each."""


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
        """Default band of the poorest experience: the worst level; on 0 to 10 the seven worst (detractors)."""
        n_worst, _ = _BANDS.get((self.low, self.high), (1, 1))
        return tuple(sorted(self.levels[:n_worst]))

    def best(self) -> tuple[int, ...]:
        """Default band of the best experience: the best level; on 0 to 10 and on 1 to 10 the two best."""
        _, n_best = _BANDS.get((self.low, self.high), (1, 1))
        return tuple(sorted(self.levels[-n_best:]))

    def upside_down(self, worst: Iterable[int], best: Iterable[int]) -> bool:
        """Whether a level of the worse band is a better one than a level of the better band.

        Examples
        --------
        >>> Scale(1, 10).upside_down([9, 10], [1]), Scale(1, 10, higher_is_better=False).upside_down([9, 10], [1])
        (True, False)
        """
        return max(map(self.levels.index, worst)) > min(map(self.levels.index, best))


@cache
def parse_scale(text: str, higher_is_better: bool = True) -> Scale:
    """Read a scale such as ``"1-10"``.

    Raises
    ------
    InputError
        If the text is not LOW-HIGH with at least two and at most 101 whole levels.
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        raise InputError(f"[score] scale {text!r} is not a scale. Write it as LOW-HIGH, such as 1-10")
    low, high = int(match[1]), int(match[2])
    if not 1 <= high - low < _WIDEST:
        raise InputError(
            f"[score] scale {text!r} must rise from LOW to HIGH over 2 to {_WIDEST} levels, such as 1-10"
        )
    return Scale(low, high, higher_is_better)


def parse_levels(value: Any) -> tuple[int, ...]:
    """Read a set of levels: ``7``, ``"9-10"``, ``"1,3"``, ``[9, 10]``; ascending, without repeats.

    Raises
    ------
    InputError
        If a part of it is neither a whole number nor a range of at most 101.

    Examples
    --------
    >>> parse_levels("1-3,9")
    (1, 2, 3, 9)
    """
    if isinstance(value, str):
        return tuple(sorted({level for part in value.split(",") for level in _levels_of(part, value)}))
    levels = tuple(value) if isinstance(value, list | tuple) else (value,)
    if any(isinstance(level, bool) or not isinstance(level, int) for level in levels):
        raise _not_levels(value)
    return tuple(sorted(set(levels)))


def _levels_of(part: str, text: str) -> range:
    if _LEVEL.fullmatch(part):
        return range(int(part), int(part) + 1)
    match = _RANGE.fullmatch(part)
    if match is None or not 0 <= int(match[2]) - int(match[1]) < _WIDEST:
        raise _not_levels(text)
    return range(int(match[1]), int(match[2]) + 1)


def _not_levels(value: Any) -> InputError:
    shown = list(value) if isinstance(value, tuple) else value
    return InputError(f"{shown!r} is not a set of score levels. Write 7, 9-10 or 1,3")


def label(levels: Iterable[int]) -> str:
    """Write a set of levels the way `parse_levels` reads it: ``"9-10"``, ``"1,3"``.

    Examples
    --------
    >>> label([1, 2, 3, 9])
    '1-3,9'
    """
    runs: list[list[int]] = []
    for level in sorted(set(levels)):
        if runs and level == runs[-1][1] + 1:
            runs[-1][1] = level
        else:
            runs.append([level, level])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)

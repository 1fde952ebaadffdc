"""The section of the score in a starter spec."""

import json
import math
import re

from cxlink.cohort.spec.open_keys import OPEN
from cxlink.cohort.starter import header_words as said
from cxlink.cohort.starter.answer_words import Answers
from cxlink.cohort.starter.column_looks import Look
from cxlink.cohort.starter.roles import answers_in, role_of
from cxlink.cohort.starter.starter_follow_up import Drafted
from cxlink.cohort.visible_text import quoted

_ZERO_TO_TEN = "nps|recommend|aanbevel|aanbeveel|empfehl|ltr"
_SCHOOL = r"schulnote|(^|_)note(_|$)"
_OF_TEN = r"cijfer"


def score_section(look: Look | None, looks: list[Look]) -> Drafted:
    """Write the score's column, scale and direction.

    Parameters
    ----------
    look : Look or None
        The column taken for the score.
    looks : list of Look
        All columns: those that hold whole numbers from 0 to 10 are named where no header says that it is a score.
    """
    if look is None:
        return _open(looks)
    answers = answers_in(look)
    if answers is not None:
        return _worded(look, answers, looks)
    low, high = look.levels or (look.low or 0, look.high or 0)
    named = _named_scale(look.name, low, high)
    bottom, top = named or _scale(look, math.floor(low), math.ceil(high))
    scale = f"{bottom}-{top}"
    why = "as its header says" if named else "write the whole scale, with unused levels"
    lines = [
        f"column = {json.dumps(look.name, ensure_ascii=False)}",
        f'scale = "{scale}"  # found {low:g} to {high:g}; {why}',
    ]
    if look.averaged:
        lines.append("round = true  # averages count as the nearest level")
    if look.n_slips:
        shown = ", ".join(look.slips)
        lines.append(
            f"# {look.n_slips:,} of {look.n:,} values are off it ({shown}): correct them, or list what means"
        )
        lines.append(
            f'# no answer: [table] missing = {{ {json.dumps(look.name, ensure_ascii=False)} = ["…"] }}'
        )
    lines += _others(look, looks)
    # who saw 2 to 10 cannot tell 1-10 from 0-10, whose worst scores are others
    short = low > bottom or (high < top and not (top == _TOP and high > _MIDDLE))
    unsure = ["score.scale"] if short and not named else []
    if look.called(_SCHOOL) and scale == "1-6":
        lines.append("higher_is_better = false  # a school mark: 1 is the best")
        return Drafted(lines, unconfirmed=[*unsure, "score.higher_is_better"])
    if look.called(said.EFFORT):
        lines.append("higher_is_better = true  # an effort score of version 1 has 1 as its best: then false")
        return Drafted(lines, unconfirmed=[*unsure, "score.higher_is_better"])
    return Drafted([*lines, "higher_is_better = true"], unconfirmed=unsure)


def _worded(look: Look, answers: Answers, looks: list[Look]) -> Drafted:
    """The section of a score in words: the label of each level."""
    lines = [
        f"column = {quoted(look.name)}",
        f"labels = [{', '.join(map(quoted, answers.labels))}]  # lowest first: levels 1 to {len(answers.labels)}",
    ]
    if answers.others:
        shown = ", ".join(map(quoted, answers.others))
        lines.append(
            f"# none of them is {shown}: set [table] missing if it means no answer, else mend the labels"
        )
    return Drafted([*lines, *_others(look, looks), "higher_is_better = true"], unconfirmed=["score.labels"])


_TOP, _MIDDLE, _WIDEST = 10, 7, 100
_NAMED = re.compile(
    r"(?<![0-9A-Za-z])([01])\s*(?:[-–—_]|to|t/m|tot|bis|a)\s*(5|6|7|10|100)(?![0-9A-Za-z])", re.IGNORECASE
)


def _open(looks: list[Look]) -> Drafted:
    """The section where no column can be the score as it stands, with what comes near."""
    named = [
        one
        for one in looks
        if one.low is not None and one.called("|".join(said.SCORES[:3])) and not one.yes_no and not one.levels
    ]
    lines = [f"# {one.name} holds {one.low:g} to {one.high:g}{_why(one)}" for one in named[:3]]
    could = [
        one.name
        for one in looks
        if one.levels is not None and one.n_values > 2 and role_of(one).role == "other"
    ]
    hint = f"; whole numbers from 0 to 10 stand in {', '.join(could[:5])}" if could else ""
    why = "no column holds whole numbers of a scale" if named else "no header says that it is a score"
    return Drafted([f'column = "{OPEN}"  # {why}{hint}', *lines, *_in_words(looks), 'scale = "1-10"'])


def _in_words(looks: list[Look]) -> list[str]:
    """The columns that are called a score and hold text."""
    worded = [one for one in looks if one.low is None and one.dates is None and one.words and not one.yes_no]
    named = [one for one in worded if one.called("|".join(said.SCORES[:5])) and not one.called(said.NO_SCORE)]
    return [
        f"# {one.name} holds text, such as {quoted(one.words[0])}: write whole numbers of its scale instead"
        for one in named[:3]
    ]


def _why(look: Look) -> str:
    """Why a column that is called a score cannot be taken for one as it stands, and what to do."""
    low, high = look.low or 0, look.high or 0
    if not look.whole:
        return ", which is no scale of whole numbers: multiply it in the table, by 10 for 0-10, and set round = true"
    way = f'write it here with scale = "{low:g}-{high:g}"' if high - low <= _WIDEST else "cut it in the table"
    return f", which is no scale of answers (a net score is of a group): take the answers, or {way}"


def _others(score: Look, looks: list[Look]) -> list[str]:
    """Name the columns that could be the score as well."""
    others = [one for one in looks if one is not score and role_of(one).role == "score"]
    named = ", ".join(f"{one.name} ({_range(one)})" for one in others[:5])
    return [f"# could be the score as well: {named}"] if named else []


def _range(look: Look) -> str:
    low, high = look.levels or (look.low, look.high)
    return "in words" if low is None else f"{low:g} to {high:g}"


def _named_scale(header: str, low: float, high: float) -> tuple[int, int] | None:
    """The scale that a header names, ``Rating (0-10)``, where it holds the numbers that were found."""
    for match in _NAMED.finditer(header):
        bottom, top = int(match[1]), int(match[2])
        if bottom + 1 < top and bottom <= low and high <= top:
            return bottom, top
    return None


def _scale(look: Look, low: float, high: float) -> tuple[int, int]:
    """Lowest and highest level of the scale that a column's header and its numbers suggest."""
    if high > _TOP:
        return 0, 100
    if look.called(_ZERO_TO_TEN) or low == 0:
        return (0, 10) if look.called(_ZERO_TO_TEN) or high > 5 else (0, 5)
    if look.called(_SCHOOL) and high <= 6:
        return 1, 6
    if look.called(_OF_TEN):
        return 1, 10
    return 1, next(top for top in (5, 7, 10) if high <= top)

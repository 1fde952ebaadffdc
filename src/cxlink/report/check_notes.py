"""The sentence of a check, made from its code and its facts by the words of the document's language."""

from collections.abc import Iterable

from cxlink.checks import Check, matching
from cxlink.report.format import periods, ranges, spelled, units
from cxlink.report.language import decimal
from cxlink.report.words import say

_WHOLE = 10.0
"""From so many times the follow-up on, a horizon is written without a decimal."""


def note(check: Check) -> str:
    """Give the sentence of a check: what its value is, and what that means.

    The key is ``checks.CODE``, or ``checks.CODE.CASE`` where the check says which case it is.

    Raises
    ------
    KeyError
        If the language has no such sentence, or the check lacks a fact that it says.
    """
    if check.get("blank"):
        return say("checks.small_group")
    if "case" in check.facts:
        return say(f"checks.{check.code}.{check.facts['case']}", **_said(check))
    return say(f"checks.{check.code}", **_said(check))


def reason(check: Check) -> str:
    """Give why something could not be done, as a clause."""
    return say(f"reasons.{check.facts['reason']}", **check.facts)


def published_error(checks: Iterable[Check], model: str, unit: str) -> list[str]:
    """Say what extrapolating so far was worth on curves that were followed to their end; nothing within follow-up.

    Parameters
    ----------
    checks : iterable of Check
        What was looked at.
    model : str
        Whose horizon: a model of tenure, or ``value``.
    unit : str
        Time unit.
    """
    check = next(iter(matching(checks, code="extrapolation_factor", model=model)), None)
    if check is None:
        return []
    spans = {name: periods(int(str(check.facts[name])), unit) for name in ("horizon", "followed")}
    times = decimal(check.value, 1 if round(check.value, 1) < _WHOLE else 0)
    told = [say("tenure.published_error", **{**check.facts, **spans, "times": times})]
    few = matching(checks, code="few_periods", model=model)
    told += [
        say("tenure.few_periods", followed=spans["followed"], least=spelled(int(one.bound))) for one in few
    ]
    return told if check.value <= check.bound else [*told, say("tenure.farthest", farthest=check.bound)]


def _said(check: Check) -> dict[str, object]:
    """What the slots of a sentence may hold: facts and fields, and the words that stand for some of them."""
    said: dict[str, object] = {
        **check.facts,
        "model": check.model,
        "value": check.value,
        "bound": check.bound,
    }
    unit = str(check.get("unit"))
    if unit:
        said["units"] = units(unit)
    if isinstance(horizon := check.get("horizon"), int):
        said["after"] = periods(horizon, unit)
    if isinstance(followed := check.get("followed"), int):
        said["follow_up"] = periods(followed, unit)
    for name in ("narrow", "levels"):
        if isinstance(names := check.get(name), str) and names:
            said[name] = ranges(names)
    if "reason" in check.facts:
        said["reason"] = reason(check)
    if isinstance(left := check.get("left"), tuple):
        said["left"] = [say(f"left_out.{name}") for name in left]
    if check.code == "level_ratio":
        said["reading"] = say(f"ratios.{check.facts['ratio']}")
    return said

"""What the section on tenure says of older cohorts: those that its curves are conditioned on, and those left out."""

from collections.abc import Iterable

from cxlink.checks import Check, matching
from cxlink.cohort.spec.anchor_texts import EVERYBODY
from cxlink.report.document import Run
from cxlink.report.format import periods, units
from cxlink.report.words import say, styled


def anchors_used(checks: Iterable[Check], unit: str) -> list[str]:
    """Say which older cohorts entered, and what they changed; nothing where none did.

    Parameters
    ----------
    checks : iterable of Check
        What was looked at.
    unit : str
        Time unit.
    """
    known = list(checks)
    effect = next(iter(matching(known, code="anchor_effect")), None)
    if effect is None:
        return []
    used: dict[str, list[Check]] = {}
    for one in matching(known, code="anchor", case="used"):
        used.setdefault(str(one.get("label")), []).append(one)
    facts = {name: effect.facts[name] for name in ("without", "without_low", "without_high")}
    return [
        say(
            "tenure.anchored", cohorts=[_named(own, unit) for own in used.values()], units=units(unit),
            horizon=periods(int(str(effect.facts["horizon"])), unit), after=effect.value, low=effect.low,
            high=effect.high, before=facts["without"], before_low=facts["without_low"],
            before_high=facts["without_high"],
        )
    ]  # fmt: skip


def _named(own: list[Check], unit: str) -> str:
    """Name a cohort, and its share where one share of all its customers is known."""
    first = own[0]
    if len(own) > 1 or first.group != EVERYBODY or first.get("start"):
        return say("tenure.anchor", label=first.get("label"))
    period = periods(int(str(first.get("period"))), unit)
    return say("tenure.anchor_share", label=first.get("label"), share=first.value, period=period)


def anchors_left_out(checks: Iterable[Check]) -> list[Run]:
    """Warn of older cohorts that contradict this one; nothing where none does."""
    labels = dict.fromkeys(str(one.get("label")) for one in matching(checks, code="anchor", case="outside"))
    cohorts = [say("tenure.anchor", label=label) for label in labels]
    return styled("tenure.anchor_left_out", cohorts=cohorts) if cohorts else []

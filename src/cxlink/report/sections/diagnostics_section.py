"""The page of diagnostics: what was checked, what failed first."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cxlink.checks import Check, facts_text, matching
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.check_notes import note
from cxlink.report.content import Material
from cxlink.report.document import Block, heading, paragraph, table
from cxlink.report.figures.tenure_ladder import BAYESIAN
from cxlink.report.format import (
    FIRM,
    NONE,
    category,
    decimal,
    listed,
    score,
    shortened,
    variable,
    whole,
    words,
)
from cxlink.report.language import current
from cxlink.report.sections.family_table import family_lines, is_of_families
from cxlink.report.words import say, sentences

_MOST_ROWS = 60
_SHARES = (1.3, 1.3, 1.45, 1.05, 0.7, 3.9)
_SEARCH = ("converged", "monotone")
_FITTING = ("separated", "hardly_bounded", "held_rising", "flat_likelihood", "search_stopped")
"""Codes of what a family's fit had to do; those that say the same stand on one line."""
_FEW = 4
_MANY = 12
_LONG = 150  # characters of names on one line
_VERDICTS = {True: "yes", False: "no", None: ""}
_ORDER = {"no": 0, "": 1, "yes": 2}


def diagnostics_pages(m: Material, level: int = 1) -> list[Block]:
    """Set out the checks; a long table is cut, failures stand first."""
    found = list(m.results.checks)
    if m.results.bayesian is not None:
        found = [check for check in found if check.model not in BAYESIAN]
    title = heading(say("diagnostics.heading"), level)
    if not found:
        return [title, paragraph(say("diagnostics.none"))]
    shown = _not_shown_elsewhere(found)
    failed = sum(line.check.passed is False for line in shown)
    said = [say("diagnostics.failed", n=failed, total=len(shown)) if failed else say("diagnostics.passed")]
    if len(shown) < len(found):
        said.append(say("diagnostics.of_families"))
    if m.results.bayesian is not None:
        said.append(say("diagnostics.of_posteriors"))
    return [title, paragraph(" ".join(said)), *_checks(_once(shown, m.spec), m)]


@dataclass(frozen=True, slots=True)
class _Line:
    """A check and whose it is, in words."""

    check: Check
    model: str


def _not_shown_elsewhere(found: Sequence[Check]) -> list[_Line]:
    """Leave out of the families' checks what the section on tenure shows; join those that say the same."""
    lines = [_Line(check, words(check.model)) for check in found]
    if not family_lines(found):
        return lines
    families = {check.model for check in matching(found, code="aic")}
    mine = [line.check.model in families or is_of_families(line.check) for line in lines]
    noted = [line.check for line, own in zip(lines, mine, strict=True) if own and line.check.code in _FITTING]
    kept = [
        line for line, own in zip(lines, mine, strict=True)
        if not own or (line.check.code in _SEARCH and line.check.passed is False)
    ]  # fmt: skip
    return [*_joined_families(noted), *kept]


def _joined_families(checks: Sequence[Check]) -> list[_Line]:
    """Make one line of the families that say the same."""
    same: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        same.setdefault((check.code, facts_text(check.facts)), []).append(check)
    lines = []
    for alike in same.values():
        models = [words(model) for model in dict.fromkeys(check.model for check in alike)]
        many = say("diagnostics.families", count=len(models))
        lines.append(_Line(alike[0], listed(models) if len(models) <= _FEW else many))
    return lines


def _checks(lines: Sequence[_Line], m: Material) -> list[Block]:
    """Set checks out, those that say the same of several groups on one line."""
    hidden = _hidden(m)
    found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for line in lines:
        check = line.check
        small = bool(hidden & {check.group, str(check.get("reference"))})
        key = (_VERDICTS[check.passed], line.model, _name(check), note(check), str(check.get("case")))
        found.setdefault(key, []).append((_subject(check, m), NONE if small else _value(check)))
    if not found:
        return []
    rows = []
    for (flag, model, quantity, said, _), groups in sorted(
        found.items(), key=lambda line: _ORDER[line[0][0]]
    ):
        names, values = zip(*groups, strict=True)
        verdict = {"yes": say("diagnostics.yes"), "no": say("diagnostics.no")}.get(flag, "")
        rows.append([model, quantity, _joined(names), _joined(values), verdict, said])
    notes = [say("diagnostics.first", shown=_MOST_ROWS, total=len(rows))] if len(rows) > _MOST_ROWS else []
    columns = ("model", "check", "group", "value", "passed", "note")
    header = [say(f"diagnostics.column_{name}") for name in columns]
    return [
        table(
            say("diagnostics.caption"),
            header,
            rows[:_MOST_ROWS],
            notes=notes,
            texts=(0, 1, 2, 4, 5),
            shares=_SHARES,
        )
    ]


def _name(check: Check) -> str:
    """Name what was looked at, and of which estimates: ``support, unadjusted``."""
    adjusted = "" if check.code in _FITTING else _adjusted(check)
    key = f"check_name.{check.code}"
    name = say(key) if key in sentences(current()) else words(check.code)
    return ", ".join(text for text in (name, adjusted, str(check.get("scenario"))) if text)


def _adjusted(check: Check) -> str:
    adjusted = str(check.get("adjusted"))
    return say("format.adjusted_no") if adjusted == "no" else adjusted


def _subject(check: Check, m: Material) -> str:
    """Name of whom it is: a group, a contrast, a stratum, a term or a parameter; of a family's fit, which one."""
    if check.code in _FITTING:
        return _adjusted(check)
    stratum, reference = str(check.get("stratum")), str(check.get("reference"))
    if stratum:
        return category(m.categories[stratum]) if stratum in m.categories else shortened(stratum)
    if check.group:
        group = _scores(check.group, m.spec)
        return (
            say("diagnostics.against", group=group, reference=_scores(reference, m.spec))
            if reference
            else group
        )
    named = (str(check.get(name)) for name in ("term", "parameter", "effect"))
    return next((shortened(variable(name), 2 * _LONG) for name in named if name), "")


def _scores(group: str, spec: CohortSpec) -> str:
    """Name a group as the other tables do; what is no group of scores by its own name."""
    try:
        return score(group, spec)
    except InputError:
        return words(group)


def _once(lines: Sequence[_Line], spec: CohortSpec) -> list[_Line]:
    """Keep one of the checks that say the same of the same levels under two names, such as 1 and worst."""
    first: dict[tuple[str, ...], _Line] = {}
    for line in lines:
        check = line.check
        whose = (_levels(check.group, spec), _levels(str(check.get("reference")), spec))
        facts = facts_text({name: fact for name, fact in check.facts.items() if name != "reference"})
        first.setdefault((line.model, check.code, str(check.value), str(check.passed), facts, *whose), line)
    return list(first.values())


def _levels(group: str, spec: CohortSpec) -> str:
    """Write a group as the levels it names; any other text as it is."""
    try:
        return str(spec.group(group))
    except InputError:
        return group


def _hidden(m: Material) -> set[str]:
    """Levels, and bands of one, with too few customers for their numbers to be published."""
    small = {level for level, n in m.scores.items() if n is None}
    bands = {band for band in m.bands if m.too_small(band)}
    return {str(level) for level in small} | bands


def _joined(cells: tuple[str, ...]) -> str:
    """Cells of one line: each once, a few in a row, of many, or long ones, the first and the last."""
    distinct = list(dict.fromkeys(cells))
    every = "; ".join(distinct)
    if len(distinct) <= 2 or (len(distinct) <= _MANY and len(every) <= _LONG):
        return every
    return f"{distinct[0]}; … {distinct[-1]}"


def _value(check: Check) -> str:
    """Write what was found, with its interval where it has one."""
    if math.isnan(check.low + check.high):
        return _number(check.value)
    return f"{_number(check.value)} [{_number(check.low)},{FIRM}{_number(check.high)}]"


def _number(number: float) -> str:
    if math.isnan(number):
        return NONE
    return whole(number) if number.is_integer() and abs(number) < 1e9 else decimal(number, 3)

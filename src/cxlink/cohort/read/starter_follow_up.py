"""The section of retention in a starter spec: from dates, or from durations and an event."""

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cxlink.cohort.read import header_words as said
from cxlink.cohort.read.column_looks import Look
from cxlink.cohort.read.roles import Role, best, event_words, role_of
from cxlink.cohort.spec.open_keys import OPEN

_YEAR = {"day": 365, "week": 52, "month": 12, "quarter": 4, "year": 1}
_WINDOWS = {
    r"(\d+)_?(d|days?|dagen|tage)(_|$)": "day", r"(\d+)_?(w|weeks?|weken|wochen)(_|$)": "week",
    r"(\d+)_?(m|months?|maanden|monate|mnd)(_|$)": "month", r"(\d+)_?(y|years?|jaar|jahre)(_|$)": "year",
    r"(last|this|afgelopen|vorige?|letzte[nrs]?|dit)_(month|maand|monat)": "month",
    r"(last|this|afgelopen|vorige?|dit|letzte[nrs]?)_(quarter|kwartaal|quartal)": "quarter",
    r"(last|this|afgelopen|vorige?|dit|letzte[nrs]?)_(year|jaar|jahr)": "year",
}  # fmt: skip
_YEARS_AT_MOST, _MONTHS_AT_MOST = 15, 360


@dataclass(frozen=True, slots=True)
class Drafted:
    """Lines of a section, and what the other sections need to know of it.

    Attributes
    ----------
    lines : list of str
        Of TOML.
    unconfirmed : list of str
        Keys, as ``section.key``, that were guessed beyond what the table says.
    table : list of str
        Lines that it needs in ``[table]``.
    used : list of Look
        Columns that it names.
    dated : bool
        Whether retention is computed from dates.
    surveyed : date or None
        The first survey, where its column is named.
    """

    lines: list[str]
    unconfirmed: list[str] = field(default_factory=list)
    table: list[str] = field(default_factory=list)
    used: list[Look] = field(default_factory=list)
    dated: bool = False
    surveyed: datetime.date | None = None


def follow_up(looks: list[Look], *, asked: bool, needed: bool) -> Drafted:
    """Write the section from dates where a loss has one, else from a duration and an event; what is missing is open.

    Parameters
    ----------
    looks : list of Look
        The columns, that of the score aside.
    asked : bool
        Whether the order of dates is open, so that no date of the table can be written down.
    needed : bool
        Whether there is no other outcome: then a survey date alone is enough to write the section.
    """
    survey, end = best(looks, "survey"), best(looks, "end")
    duration, event = best(looks, "duration"), best(looks, "event")
    whole = duration is not None and event is not None
    if end is not None and (survey is not None or not whole):
        return _dates(looks, asked)
    if duration is not None or event is not None:
        return _durations(looks, duration, event)
    if survey is not None and needed:
        return _dates(looks, asked)
    lines = [
        "",
        "# [subscription]               # no duration and event, nor survey and end dates, were recognised",
        '# duration = "…"',
        '# event = "…"',
        *_other_dates(looks, []),
    ]
    return Drafted(lines, surveyed=survey.dates[0] if survey is not None and survey.dates else None)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _dates(looks: list[Look], asked: bool) -> Drafted:
    roles: tuple[Role, ...] = ("signup", "survey", "end", "observed_until")
    found: dict[str, Look | None] = {role: best(looks, role) for role in roles}
    used = [look for look in found.values() if look is not None]
    survey, end, until = found["survey"], found["end"], found["observed_until"]
    known = [look.dates for look in used if look.dates and look is not until]
    last = max((dates[1] for dates in known), default=None)
    lines = ["", "[subscription]"]
    lines.append(f"signup = {_quoted(found['signup'].name)}" if found["signup"] else '# signup = "…"')
    lines.append(
        f"survey = {_quoted(survey.name)}  # date of the score"
        if survey
        else f'survey = "{OPEN}"  # date of the score'
    )
    lines.append(_end_line(end, survey))
    if until is not None:
        lines.append(f"observed_until = {_quoted(until.name)}")
    elif asked or last is None:
        lines.append(f'observed_until = "{OPEN}"  # the date of extraction, such as 2026-06-30')
    else:
        lines.append(f'observed_until = "{last}"  # the last date in the table; write the date of extraction')
    lines += ['unit = "month"', *_cause(looks), *_other_dates(looks, used)]
    surveyed = survey.dates[0] if survey is not None and survey.dates and not asked else None
    guessed = until is None and not asked and last is not None
    unconfirmed = ["subscription.observed_until"] if guessed else []
    return Drafted(lines, unconfirmed, used=used, dated=True, surveyed=surveyed)


def _end_line(end: Look | None, survey: Look | None) -> str:
    if end is None:
        return f'end = "{OPEN}"  # date of loss, empty for current customers'
    line = f"end = {_quoted(end.name)}  # date of loss, empty for current customers"
    if survey is not None and end.n >= survey.n:
        return f"{line}; it is given in every row: the planned end of a contract is no loss"
    return line


def _durations(looks: list[Look], duration: Look | None, event: Look | None) -> Drafted:
    survey, entry, follow = (best(looks, role) for role in ("survey", "entry", "follow_up"))
    unit, sure = unit_of(duration, looks)
    lines, unconfirmed = ["", "[subscription]"], []
    if duration is None:
        lines.append(
            f'duration = "{OPEN}"  # periods from the score to the loss, or to the end of observation'
        )
    else:
        lines.append(f"duration = {_quoted(duration.name)}")
    said_of, table = _event(event)
    lines += said_of
    lines.append(f'unit = "{unit}"' + ("" if sure or duration is None else f"  # {_range(duration)}"))
    unconfirmed += [] if sure or duration is None else ["subscription.unit"]
    lines.append(
        'counts = "periods"  # a loss at 3 fell in the third period; "completed": three whole periods had passed'
    )
    lines.append(
        f"follow_up = {_quoted(follow.name)}  # {unit}s that each, lost or not, could have been observed"
        if follow is not None
        else '# follow_up = "…"     # whole periods each, lost or not, could have been observed; "completed" needs it'
    )
    lines.append("# survivors must have whole periods rounded down: rounded up, they stay too long")
    origin, guessed = _origin(duration, event, entry, unit)
    lines += origin
    lines += [f"survey = {_quoted(survey.name)}  # date of the score"] if survey is not None else []
    used = [look for look in (duration, event, entry, follow, survey) if look is not None]
    return Drafted(
        [*lines, *_cause(looks), *_other_dates(looks, used)],
        [*unconfirmed, *guessed],
        table,
        used,
        surveyed=survey.dates[0] if survey is not None and survey.dates else None,
    )


def _origin(
    duration: Look | None, event: Look | None, entry: Look | None, unit: str
) -> tuple[list[str], list[str]]:
    """Since when durations count: from the score, from signup with an entry, or a snapshot of current customers."""
    if entry is not None:
        return [
            f"entry = {_quoted(entry.name)}  # durations start at signup: {unit}s elapsed at the score"
        ], []
    if duration is not None and duration.called(said.SNAPSHOT) and not duration.called(said.SINCE_SCORE):
        window, told = _window(duration, event, unit)
        periods = f"{window} {unit}s" if window > 1 else unit
        guess = "" if told else " (a guess)"
        line = (
            f"window = {window}  # a snapshot: tenure from signup, losses of the last {periods} only{guess}"
        )
        return [
            line,
            '# entry = "…"         # or the periods elapsed at the score',
        ], ["subscription.window"]
    lines = [
        '# entry = "…"         # if durations start at signup: periods elapsed when the score was given',
        "# window = 3          # or, for a snapshot of current customers: observed for the last 3 periods only",
    ]
    if duration is None or duration.called(said.SINCE_SCORE):
        return lines, []
    return ["# durations are taken as time since the score", *lines], ["subscription.duration"]


def _window(duration: Look, event: Look | None, unit: str) -> tuple[int, bool]:
    """Periods before a snapshot in which its losses fell: what a header says of it, else a year."""
    for look in (event, duration):
        for pattern, of in _WINDOWS.items() if look is not None else ():
            match = re.search(pattern, look.header) if look is not None else None
            if match is not None and not (look is duration and not match[1].isdigit()):
                many = int(match[1]) if match[1].isdigit() else 1
                periods = many * _YEAR[unit] / _YEAR[of]
                if periods >= 1:
                    return round(periods), True
    return _YEAR[unit], False


def unit_of(duration: Look | None, looks: Sequence[Look]) -> tuple[str, bool]:
    """Give the unit of durations, and whether a header says it: its own; else, from the numbers, the likely one.

    A column of 0 to 10 beside one of years is not months; one of over 360 counts days.
    """
    if duration is None:
        return "month", True
    own = [unit for unit, pattern in said.UNITS.items() if duration.called(pattern)]
    if own:
        return own[0], True
    high = duration.high or 0
    beside = {unit for look in looks for unit, pattern in said.UNITS.items() if look.called(pattern)}
    if high > _MONTHS_AT_MOST:
        return "day", False
    years = high <= _YEARS_AT_MOST and (duration.called(said.SNAPSHOT) or "year" in beside)
    return ("year" if years else "month"), False


def _range(look: Look) -> str:
    return f"no header says it: guessed from {look.low:g} to {look.high:g}"


def _event(look: Look | None) -> tuple[list[str], list[str]]:
    """The line of the event, and what ``[table]`` must say of its words."""
    if look is None:
        return [f'event = "{OPEN}"  # whether the customer was lost then: 1 or 0, yes or no'], []
    line = f"event = {_quoted(look.name)}"
    if look.yes_no and not look.called("|".join(said.LOST)):
        yes = [word for word in look.words if _means_yes(word)]
        no = [word for word in look.words if not _means_yes(word)]
        table = [
            f"true = [{_list(no)}]  # {look.name} says who stayed: its no is read as lost",
            f"false = [{_list(yes)}]",
        ]
        return [f"{line}  # says who stayed; see [table] true and false"], table
    if look.yes_no:
        words = [word for word in look.words if not re.fullmatch(r"[01]([.,]0*)?", word)]
        yes = [word for word in words if _means_yes(word)]
        no = [word for word in words if not _means_yes(word)]
        return [
            f"{line}  # {_list(yes)} is read as lost, {_list(no)} as retained" if yes and no else line
        ], []
    lost, stayed = event_words(look.words)
    other = [word for word in look.words if word not in (*lost, *stayed)]
    table = [f"true = [{_list(lost)}]  # words of {look.name} that mean lost", f"false = [{_list(stayed)}]"]
    if other:
        table.append(f"# of {look.name}, {_list(other)} is neither: add it to one of them")
    return [f"{line}  # {_list(lost)} is read as lost, {_list(stayed)} as retained"], table


def _means_yes(word: str) -> bool:
    from cxlink.cohort.read.columns import YES

    return re.sub(r"^([0-9]+)[.,]0{0,2}$", r"\1", word.lower()) in YES


def _list(words: Sequence[str]) -> str:
    return ", ".join(map(_quoted, words))


def _cause(looks: Sequence[Look]) -> list[str]:
    column = best(looks, "cause")
    return [f"# cause = {_quoted(column.name)}  # competing causes of loss"] if column else []


def _other_dates(looks: Sequence[Look], used: Sequence[Look]) -> list[str]:
    """List the columns of dates that no key names."""
    rest: Mapping[str, Look] = {
        look.name: look for look in looks if look.dates is not None and look not in used
    }
    lines = []
    for name, look in rest.items():
        assert look.dates is not None
        role = role_of(look).role
        what = f" ({role})" if role not in ("date", "other") else ""
        lines.append(f"# also a date: {name}{what}, {look.dates[0]} to {look.dates[1]}")
    return lines

"""The section of retention in a starter spec: from dates, or from durations and an event."""

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cxlink.cohort.read import dates
from cxlink.cohort.spec.open_keys import OPEN
from cxlink.cohort.starter import header_words as said
from cxlink.cohort.starter.column_looks import Look
from cxlink.cohort.starter.roles import Role, best, role_of, says_nothing
from cxlink.cohort.starter.starter_ends import end_line, until_line
from cxlink.cohort.starter.starter_event import event_lines

_YEAR = {"day": 365, "week": 52, "month": 12, "quarter": 4, "year": 1}
_WINDOWS = {
    r"(\d+)_?(d|days?|dagen|tage)(_|$)": "day", r"(\d+)_?(w|weeks?|weken|wochen)(_|$)": "week",
    r"(\d+)_?(m|months?|maanden|monate|mnd)(_|$)": "month", r"(\d+)_?(y|years?|jaar|jahre)(_|$)": "year",
    r"(last|this|afgelopen|vorige?|letzte[nrs]?|dit)_(month|maand|monat)": "month",
    r"(last|this|afgelopen|vorige?|dit|letzte[nrs]?)_(quarter|kwartaal|quartal)": "quarter",
    r"(last|this|afgelopen|vorige?|dit|letzte[nrs]?)_(year|jaar|jahr)": "year",
}  # fmt: skip
_GAP = "gap_days = 30  # rows are spans: a customer who returns within so many days has never left (a guess)"
_TIMELESS = (
    '# if only who was lost within a year is known: a column that is 1 in every row, and unit = "year"'
)
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


def follow_up(looks: list[Look], *, asked: bool, needed: bool, spans: bool = False) -> Drafted:
    """Write the section from dates where a loss has one, else from a duration and an event; what is missing is open.

    Parameters
    ----------
    looks : list of Look
        The columns, that of the score aside.
    asked : bool
        Whether the order of dates is open, so that no date of the table can be written down.
    needed : bool
        Whether there is no other outcome: then a survey date alone is enough to write the section.
    spans : bool
        Whether rows are spans of a subscription.
    """
    survey, end = best(looks, "survey"), best(looks, "end")
    duration, event = best(looks, "duration"), best(looks, "event")
    whole = duration is not None and event is not None
    if end is not None and (spans or survey is not None or not whole):
        return _dates(looks, asked, spans)
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


def _dates(looks: list[Look], asked: bool, spans: bool = False) -> Drafted:
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
    lines.append(end_line(end, survey, spans))
    lines.append(until_line(until, None if asked else last))
    lines += [*([_GAP] if spans else []), 'unit = "month"', *_cause(looks), *_other_dates(looks, used)]
    surveyed = survey.dates[0] if survey is not None and survey.dates and not asked else None
    guessed = until is None and not asked and last is not None and last <= dates.today()
    unconfirmed = ["subscription.observed_until"] if guessed else []
    unconfirmed += ["subscription.gap_days"] if spans else []
    return Drafted(lines, unconfirmed, used=used, dated=True, surveyed=surveyed)


def _durations(looks: list[Look], duration: Look | None, event: Look | None) -> Drafted:
    survey, entry, follow = (best(looks, role) for role in ("survey", "entry", "follow_up"))
    unit, sure = unit_of(duration, looks)
    lines, unconfirmed = ["", "[subscription]"], []
    if duration is None:
        said_of_time = "periods from the score to the loss, or to the end of observation"
        lines += [f'duration = "{OPEN}"  # {said_of_time}', _TIMELESS]
    else:
        lines.append(f"duration = {_quoted(duration.name)}")
    said_of, table = event_lines(event)
    lines += said_of
    lines.append(f'unit = "{unit}"' + ("" if sure or duration is None else f"  # {_range(duration)}"))
    unconfirmed += [] if sure or duration is None else ["subscription.unit"]
    unconfirmed += ["subscription.event"] if event is not None and says_nothing(event) else []
    lines.append(
        'counts = "periods"  # a loss at 3 fell in the third period; "completed": three whole periods had passed'
    )
    lines.append(
        f"follow_up = {_quoted(follow.name)}  # {unit}s that each, lost or not, could have been observed"
        if follow is not None
        else '# follow_up = "…"     # whole periods each, lost or not, could have been observed; "completed" needs it'
    )
    lines += [
        "# survivors must have whole periods rounded down: rounded up, they stay too long; if losses count in a part",
        "# period that survivors are not followed through, customers seem to leave too early: follow_up mends that",
    ]
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

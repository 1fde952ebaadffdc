"""Retention by score and quarter of the survey, and whether losses drift over calendar time."""

import math
from collections.abc import Sequence

from cxlink.checks import Check, matching
from cxlink.report.content import Material
from cxlink.report.document import Block, paragraph, table
from cxlink.report.format import FIRM, NONE, coverage, periods, score, whole, with_limits
from cxlink.report.language import decimal, listed
from cxlink.report.words import say

GROUPS = ("worst", "best", "all")
_HUNDRED = 100


def by_quarter(m: Material) -> list[Block]:
    """Say whether losses drift, and set retention out by quarter; nothing where all surveys are of one quarter."""
    found = {group: matching(m.results.checks, code="quarter_retention", group=group) for group in GROUPS}
    quarters = [str(check.facts["quarter"]) for check in found["all"]]
    if not quarters:
        return []
    columns = {
        group: {str(check.facts["quarter"]): check for check in checks} for group, checks in found.items()
        if checks
    }  # fmt: skip
    rows = []
    for quarter in quarters:
        n = columns["all"][quarter].get("surveys")
        cells = [_cell(checks.get(quarter)) for checks in columns.values()]
        rows.append([_name(quarter), NONE if n is None or n == "" else whole(int(str(n))), *cells])
    after = periods(m.spec.horizon, m.spec.unit)
    header = [
        say("falling.column_quarter"),
        say("falling.column_surveys"),
        *(score(g, m.spec) for g in columns),
    ]
    empty = [quarter for quarter, check in columns["all"].items() if check.get("surveys") == 0]
    notes = [say("falling.quarters_read", after=after)]
    notes += (
        [say("falling.quarters_empty", n=len(empty), quarters=listed([_name(q) for q in empty]))]
        if empty
        else []
    )
    caption = say("falling.caption_quarters", after=after, level=coverage(m.spec))
    return [*_drift(m), table(caption, header, rows, notes=notes)]


def _drift(m: Material) -> list[Block]:
    drift = matching(m.results.checks, code="calendar_drift")
    if not drift or math.isnan(drift[0].low):
        return []
    check: Check = drift[0]
    kind = "up" if check.low > 1 else "down" if check.high < 1 else "not_shown"
    return [paragraph(say(f"falling.drift_{kind}", ratio=with_limits(check)))]


def _cell(check: Check | None) -> str:
    """Retention in per cent with its interval, where there is one."""
    if check is None or math.isnan(check.value):
        return NONE
    ends: Sequence[float] = (check.low, check.high)
    value = decimal(_HUNDRED * check.value, 0)
    if any(math.isnan(end) for end in ends):
        return value
    low, high = (decimal(_HUNDRED * end, 0) for end in ends)
    return f"{value} [{low},{FIRM}{high}]"


def _name(quarter: str) -> str:
    """``2024 Q3``."""
    return f"{quarter[:-2]}{FIRM}{quarter[-2:]}"

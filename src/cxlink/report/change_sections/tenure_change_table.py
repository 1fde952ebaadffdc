"""Changes of expected tenure between two cohorts, by group and horizon."""

from cxlink.comparison.changes import OutcomeChange
from cxlink.estimands.tidy import select
from cxlink.report.change_sections.change_material import Row, called
from cxlink.report.document import Block, table
from cxlink.report.format import FIRM, NONE, capital, coverage, decimal, periods, units
from cxlink.report.words import say
from cxlink.results import ComparisonResults

_INTERVAL = ("estimate", "conf_low", "conf_high")


def tenure_table(found: ComparisonResults, outcome: OutcomeChange) -> list[Block]:
    """Set the changes of mean tenure out, by group and horizon; nothing where there are none."""
    if outcome.estimand != "retention":
        return []
    rows = select(found.changes, base=outcome.base, cohort=outcome.cohort, estimand="tenure")
    if not len(rows):
        return []
    horizons = sorted(set(rows["horizon"]))
    lines = []
    for name in dict.fromkeys(rows["group"]):
        by = {row["horizon"]: row for row in select(rows, group=name).to_dict("records")}
        lines.append([called(name, found), *(_in_time(by.get(h)) for h in horizons)])
    unit = found.spec.unit
    header = [say("change.column_score"), *(capital(periods(int(h), unit)) for h in horizons)]
    caption = say("change.tenure_caption", units=units(unit), level=coverage(found.spec))
    return [table(caption, header, lines, notes=[say("change.tenure_note")], dense=True)]


def _in_time(row: Row | None) -> str:
    """Write a change of tenure with its interval, signed."""
    if row is None:
        return NONE
    said = [decimal(row[name], 1) for name in ("estimate", "conf_low", "conf_high")]
    value, low, high = (
        f"+{text}" if row[name] > 0 else text for text, name in zip(said, _INTERVAL, strict=True)
    )
    return f"{value} [{low},{FIRM}{high}]"

"""The page about scores of simulated customers that fell and rose: both contrasts beside what is true of them."""

from dataclasses import dataclass, fields

import pandas as pd

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.document import Block, Run, heading, paragraph, picture, table
from cxlink.report.figures import drawing
from cxlink.report.figures.known_truth_figure import Interval, KnownTruth, beside_truth
from cxlink.report.format import FIRM, decimal, periods, whole
from cxlink.report.words import say, styled

_POINTS = 100.0


@dataclass(frozen=True, slots=True)
class _Change:
    """One row of `cxlink.study.known_change.known_change`."""

    change: str
    given: str
    horizon: int
    base: int
    customers: int
    answers: int
    surveys: int
    changed: float
    stayed: float
    truth: float
    difference: float
    conf_low: float
    conf_high: float

    @property
    def interval(self) -> Interval:
        """The difference with its limits, in points."""
        return _POINTS * self.difference, _POINTS * self.conf_low, _POINTS * self.conf_high

    @property
    def holds_truth(self) -> bool:
        """Whether the interval contains the truth."""
        return self.conf_low <= self.truth <= self.conf_high


def known_change_pages(changes: pd.DataFrame, seed: int, spec: CohortSpec, level: int = 1) -> list[Block]:
    """Set both contrasts of a fall and of a rise beside the truth; nothing where none could be made.

    Parameters
    ----------
    changes : DataFrame
        See `cxlink.study.known_change.known_change`.
    seed : int
        Of the cohort.
    spec : CohortSpec
        Its unit.
    level : int
        Of the heading.
    """
    if not len(changes):
        return []
    rows = [_Change(*row) for row in changes[[one.name for one in fields(_Change)]].itertuples(index=False)]
    fell = {row.given: row for row in rows if row.change == "fell"}
    if len(fell) < 2:
        return []
    after, first = periods(rows[0].horizon, spec.unit), rows[0]
    held = sum(row.holds_truth for row in rows)
    return [
        heading(say("known_change.heading"), level, new_page=True),
        paragraph(styled(
            "known_change.what", base=first.base, seed=seed, customers=first.customers, answers=first.answers,
            after=after,
        )),
        paragraph(styled("known_change.last", after=after, **_facts(fell["last"]))),
        paragraph(_second(fell["present"], after)),
        paragraph(say("known_change.held", held=held, all=len(rows))),
        _picture(rows, after),
        _table(rows, after),
        paragraph(styled("known_change.taken")),
    ]  # fmt: skip


def _facts(row: _Change) -> dict[str, str]:
    return {"value": _written(row.interval), "truth": _one(_POINTS * row.truth)}


def _second(row: _Change, after: str) -> list[Run]:
    """Say whether the fall is a warning of its own; the words follow the interval alone."""
    key = "alarming" if row.conf_high < 0 else "safer" if row.conf_low > 0 else "open"
    return styled(f"known_change.present_{key}", after=after, **_facts(row))


def _one(value: float) -> str:
    return decimal(value, 1)


def _written(interval: Interval) -> str:
    estimate, low, high = map(_one, interval)
    return f"{estimate} [{low},{FIRM}{high}]"


def _picture(rows: list[_Change], after: str) -> Block:
    lines = []
    for change in dict.fromkeys(row.change for row in rows):
        own = sorted((row for row in rows if row.change == change), key=lambda row: row.given)
        readings = tuple(
            (say(f"known_change.mark_{row.given}"), row.interval, _POINTS * row.truth) for row in own
        )
        lines.append(KnownTruth(say(f"known_change.move_{change}"), readings))
    axes = beside_truth(lines, say("known_change.axis", after=after), say("known_change.group"))
    said = [
        say("known_change.alt_value", change=say(f"known_change.row_{row.change}_{row.given}"), **_facts(row))
        for row in rows
    ]
    alt = say("known_change.alt", values=said)
    return picture("study-change", drawing.svg(axes), alt, say("known_change.figure", after=after))


def _table(rows: list[_Change], after: str) -> Block:
    cells = [
        [
            say(f"known_change.row_{row.change}_{row.given}"), whole(row.surveys), _one(_POINTS * row.changed),
            _one(_POINTS * row.stayed), _written(row.interval), _one(_POINTS * row.truth),
        ]
        for row in rows
    ]  # fmt: skip
    names = ("change", "surveys", "changed", "stayed", "difference", "truth")
    header = [say(f"known_change.column_{name}") for name in names]
    return table(say("known_change.caption", after=after), header, cells, notes=[say("known_change.note")])

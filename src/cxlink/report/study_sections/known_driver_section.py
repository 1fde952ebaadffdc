"""The page about several scores of simulated customers, of which one acts: what is true beside what is found."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

import pandas as pd

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.document import Block, Run, heading, paragraph, picture, table
from cxlink.report.figures import drawing
from cxlink.report.figures.known_truth_figure import Interval, KnownTruth, beside_truth
from cxlink.report.format import FIRM, NONE, decimal, periods
from cxlink.report.words import say, styled

_PER = 100.0
"""Contrasts are written as customers per hundred."""


@dataclass(frozen=True, slots=True)
class _Score:
    """One row of `cxlink.study.known_driver.known_driver`."""

    score: str
    horizon: int
    base: int
    customers: int
    truth: float
    alone: float
    alone_low: float
    alone_high: float
    beside_others: float
    beside_others_low: float
    beside_others_high: float
    gain_alone: float
    gain_alone_low: float
    gain_alone_high: float
    gain_beyond: float
    gain_beyond_low: float
    gain_beyond_high: float

    def interval(self, name: str, scale: float = _PER) -> Interval:
        """Give an estimate with its limits."""
        estimate, low, high = (scale * float(getattr(self, f"{name}{end}")) for end in ("", "_low", "_high"))
        return estimate, low, high

    def excludes_zero(self, name: str) -> bool:
        """Whether the interval of an estimate lies on one side of 0."""
        _, low, high = self.interval(name)
        return low > 0 or high < 0


def known_driver_pages(drivers: pd.DataFrame, seed: int, spec: CohortSpec, level: int = 1) -> list[Block]:
    """Set beside the truth what three scores tell, alone and together; nothing where none were compared.

    Parameters
    ----------
    drivers : DataFrame
        See `cxlink.study.known_driver.known_driver`.
    seed : int
        Of the cohort.
    spec : CohortSpec
        Its unit.
    level : int
        Of the heading.
    """
    if not len(drivers):
        return []
    rows = [_Score(*row) for row in drivers[[one.name for one in fields(_Score)]].itertuples(index=False)]
    after = periods(rows[0].horizon, spec.unit)
    acting = _quoted([row for row in rows if row.truth])
    return [
        heading(say("known_driver.heading"), level, new_page=True),
        paragraph(styled(
            "known_driver.what", base=rows[0].base, customers=rows[0].customers, names=_quoted(rows), acting=acting,
            n=len(rows) - len(acting), others=_quoted([row for row in rows if not row.truth]), seed=seed, after=after,
        )),
        paragraph(_found(rows, "alone", after)),
        paragraph(_found(rows, "beside_others", after)),
        paragraph(say("known_driver.held", held=_held(rows), all=len(rows))),
        _picture(rows, after),
        _table(rows, after),
        paragraph(styled("known_driver.taken")),
    ]  # fmt: skip


def _found(rows: list[_Score], name: str, after: str) -> list[Run]:
    """Say of which scores the interval excludes 0, in the words of one reading."""
    telling = [row for row in rows if row.excludes_zero(name)]
    silent = _quoted([row for row in rows if not row.excludes_zero(name)])
    said = [say("known_driver.value", score=row.score, value=_written(row.interval(name))) for row in telling]
    runs: list[Run] = [*styled(f"known_driver.{name}_telling", n=len(telling), values=said, after=after)]
    if silent:
        runs += [" ", say("known_driver.silent", n=len(silent), names=silent)]
    return runs


def _quoted(rows: list[_Score]) -> list[str]:
    return [say("known_driver.quoted", score=row.score) for row in rows]


def _held(rows: list[_Score]) -> int:
    return sum(row.beside_others_low <= row.truth <= row.beside_others_high for row in rows)


def _written(interval: Interval, digits: int = 1) -> str:
    estimate, low, high = (decimal(end, digits) for end in interval)
    return NONE if math.isnan(interval[0]) else f"{estimate} [{low},{FIRM}{high}]"


def _picture(rows: list[_Score], after: str) -> Block:
    lines = [KnownTruth(row.score, tuple(_readings(row))) for row in rows]
    axes = beside_truth(lines, say("known_driver.axis", after=after), say("known_driver.column_score"))
    said = [
        say(
            "known_driver.alt_value", score=row.score, truth=decimal(_PER * row.truth, 1),
            alone=_written(row.interval("alone")), beside=_written(row.interval("beside_others")),
        )
        for row in rows
    ]  # fmt: skip
    alt = say("known_driver.alt", values=said)
    return picture("study-drivers", drawing.svg(axes), alt, say("known_driver.figure", after=after))


def _readings(row: _Score) -> Iterator[tuple[str, Interval, float]]:
    """Give both readings; the truth is of the second."""
    for name, truth in (("alone", math.nan), ("beside_others", _PER * row.truth)):
        yield say(f"known_driver.mark_{name}"), row.interval(name), truth


def _table(rows: list[_Score], after: str) -> Block:
    cells = [
        [
            row.score, *(_written(row.interval(name)) for name in ("alone", "beside_others")),
            decimal(_PER * row.truth, 1),
            *(_written(row.interval(name, 1.0)) for name in ("gain_alone", "gain_beyond")),
        ]
        for row in rows
    ]  # fmt: skip
    names = ("score", "alone", "beside_others", "truth", "gain_alone", "gain_beyond")
    header = [say(f"known_driver.column_{name}") for name in names]
    notes = [say("known_driver.note")]
    return table(say("known_driver.caption", after=after), header, cells, notes=notes)

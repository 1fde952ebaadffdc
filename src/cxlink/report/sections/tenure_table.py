"""The manager's table of tenure: what was seen, what the model says beyond, and how far families differ."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from cxlink.estimands.second_opinions import REPORTED
from cxlink.report.content import Material
from cxlink.report.document import Block, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.figures.tenure_ladder import Step, is_family, steps
from cxlink.report.format import (
    NONE,
    bare,
    capital,
    coverage,
    decimal,
    percent,
    periods,
    score,
    units,
)  # fmt: skip
from cxlink.report.words import say

Key = tuple[str, int | None, dict[str, Any]]
Line = tuple[str, str, Key]
"""Kind of a line, its name, and the key of its estimates."""


def ladder(m: Material) -> list[Step]:
    """Give the ladder of both bands."""
    keys = {"stratum": "", "cause": "", "scenario": "", "given": 0}
    return steps([row for band in m.bands for row in m.book.where("tenure", group=band, **keys)])


def families_of(m: Material) -> list[str]:
    """Give the single families that have rows of tenure."""
    return sorted({row.model for row in m.book.where("tenure_mean", group=m.bands) if is_family(row.model)})


def ladder_table(m: Material) -> list[Block]:
    """Set tenure out for both bands: observed, the average with its share extrapolated, and the families' range."""
    made, kinds = [*_observed(m)], set[str]()
    rules: list[int] = []
    for block in _blocks(m):
        lines = [(kind, line) for kind, name, key in block if (line := _line(m, name, key))]
        if lines and made:
            rules.append(len(made))
        made += [line for _, line in lines]
        kinds |= {kind for kind, _ in lines}
    if not made:
        return []
    some = families_of(m)
    more = [say("tenure_table.extrapolated"), *([say("tenure_table.families")] if some else [])]
    header = ["", *(name for band in m.bands for name in (capital(score(band, m.spec)), *more))]
    caption = say("tenure_table.caption", units=units(m.spec.unit), level=coverage(m.spec))
    caption += f" {say('tenure_table.caption_families')}" if some else ""
    cells = made if some else [[cell for i, cell in enumerate(line) if i % 3 or not i] for line in made]
    return [table(caption, header, cells, notes=_notes(m, kinds, cells), rules=rules, dense=True)]


def _observed(m: Material) -> Iterator[list[str]]:
    """Lines of the means that Kaplan–Meier reaches."""
    seen = [step for step in ladder(m) if not is_family(step.middle.model) and step.middle.model != REPORTED]
    for horizon in sorted({step.horizon for step in seen}):
        here = {step.group: step for step in seen if step.horizon == horizon}
        cells = [cell for band in m.bands for cell in _seen(here.get(band), m)]
        yield [say("tenure_table.observed", horizon=periods(horizon, m.spec.unit)), *cells]


def _seen(step: Step | None, m: Material) -> list[str]:
    """Cells of an observed mean; its range only where families have the same row."""
    if step is None:
        return [NONE, NONE, NONE]
    rows = m.book.where("tenure", group=step.group, horizon=step.horizon)
    some = any(is_family(row.model) for row in rows)
    span = _range([step.low, step.high]) if some else NONE
    return [bare(step.middle, 1), percent(step.middle.extrapolated), span]


def _range(values: Sequence[float]) -> str:
    """Write the lowest and the highest of some numbers: ``25.1–26.4``."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return NONE
    low, high = (decimal(pick(known), 0 if 1000 <= pick(known) < math.inf else 1) for pick in (min, max))
    return low if low == high else f"{low}–{high}"


def _blocks(m: Material) -> Iterator[list[Line]]:
    """Kinds, names and keys of the lines below, in blocks with a rule before each."""
    unit, spec = m.spec.unit, m.spec
    ends = sorted({step.horizon for step in ladder(m) if step.middle.model == REPORTED})
    last = ends[-1] if ends else max(spec.tenure_horizons)
    to_last = periods(last, unit)
    yield [
        *(("rmst", say("tenure_table.rmst", horizon=periods(h, unit)), ("tenure", h, {})) for h in ends),
        ("mean", say("tenure_table.mean"), ("tenure_mean", None, {})),
        ("median", say("tenure_table.median"), ("tenure_median", None, {})),
    ]
    discounted = say("tenure_table.discounted", rate=spec.analysis.discount, horizon=to_last)
    yield [
        ("discounted", discounted, ("tenure_discounted", last, {})),
        ("curtate", say("tenure_table.curtate", horizon=to_last), ("tenure_curtate", last, {})),
    ]
    for k in spec.given:
        stayed = periods(k, unit)
        yield [
            *(
                (
                    "remaining",
                    say("tenure_table.remaining", given=stayed, horizon=h),
                    ("remaining_tenure", h, {"given": k}),
                )
                for h in ends
            ),
            (
                "remaining",
                say("tenure_table.remaining_mean", given=stayed),
                ("remaining_tenure", None, {"given": k}),
            ),
        ]
    for w in spec.analysis.waning if len(m.scores) > 1 else ():
        gone = {"scenario": f"waning={w}"}
        yield [
            ("waning", say("tenure_table.waning", by=w, horizon=periods(h, unit)), ("tenure", h, gone))
            for h in ends
        ]


def _line(m: Material, name: str, key: Key) -> list[str]:
    """Give the cells of a line of the average; none where it has no such row."""
    estimand, horizon, more = key
    cells: list[str] = []
    for band in m.bands:
        row = m.book.best(estimand, band, REPORTED, horizon, **more)
        cells += [bare(row, 1), _share(row), _range(_of_families(m, row, more)) if row else NONE]
    return [name, *cells] if set(cells) != {NONE} else []


def _of_families(m: Material, row: Estimate, more: dict[str, Any]) -> list[float]:
    keys = {"given": 0, "scenario": "", **more, "stratum": "", "cause": "", "reference": ""}
    found = m.book.where(row.estimand, group=row.group, horizon=row.horizon, adjusted=row.adjusted, **keys)
    return [one.estimate for one in found if is_family(one.model)]


def _share(row: Estimate | None) -> str:
    if row is None or row.blank or math.isnan(row.extrapolated):
        return NONE
    return percent(row.extrapolated)


def _notes(m: Material, kinds: set[str], lines: Sequence[Sequence[str]]) -> list[str]:
    """Explain what the table has."""
    unit, notes = m.spec.unit, []
    if any("∞" in cell for line in lines for cell in line[1:]):
        notes.append(say("tenure_table.endless"))
    if "median" in kinds:
        notes.append(say("tenure_table.note_median", all=1.0))
    if "curtate" in kinds:
        notes.append(say("tenure_table.note_curtate", unit=units(unit, 1), units=units(unit)))
    if "remaining" in kinds:
        notes.append(say("tenure_table.note_remaining", given=periods(m.spec.given[0], unit)))
    if "waning" in kinds:
        notes.append(say("tenure_table.note_waning", unit=units(unit, 1)))
    return notes


def undetermined(m: Material) -> list[Step]:
    """Give the steps of the average, beyond follow-up, whose interval is wider than half the estimate."""
    return [
        step
        for step in ladder(m)
        if step.middle.model == REPORTED
        and step.middle.extrapolated > 0
        and step.middle.conf_high - step.middle.conf_low > step.middle.estimate / 2
    ]

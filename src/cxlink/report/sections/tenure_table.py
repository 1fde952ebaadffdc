"""The manager's table of tenure: what was seen, what the average says beyond, and how far the families differ."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from cxlink.report.content import Material
from cxlink.report.document import Block, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.figures.tenure_ladder import AVERAGE, Step, is_family, steps
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
    whole,
)  # fmt: skip
from cxlink.report.words import say

Key = tuple[str, int | None, dict[str, Any]]


def ladder(m: Material) -> list[Step]:
    """Give the ladder of both bands."""
    keys = {"stratum": "", "cause": "", "scenario": "", "given": 0}
    return steps([row for band in m.bands for row in m.book.where("tenure", group=band, **keys)])


def families_of(m: Material) -> list[str]:
    """Give the single families that have rows of tenure."""
    return sorted({row.model for row in m.book.where("tenure_mean", group=m.bands) if is_family(row.model)})


def ladder_table(m: Material) -> list[Block]:
    """Set tenure out for both bands: observed, the average with its share extrapolated, and the families' range."""
    made = [*_observed(m)]
    rules: list[int] = []
    for block in _blocks(m):
        lines = [line for name, key in block if (line := _line(m, name, key))]
        if lines and made:
            rules.append(len(made))
        made += lines
    if not made:
        return []
    columns = [
        name for band in m.bands for name in (capital(score(band, m.spec)), "extrapolated", "families")
    ]
    some = families_of(m)
    caption = (
        f"Tenure, in {units(m.spec.unit)} with {coverage(m.spec)} intervals: observed within follow-up, beyond it the "
        "average of the families; the share extrapolated; and the range from the lowest to the highest family."
    )
    header = ["", *(columns if some else [name for name in columns if name != "families"])]
    cells = made if some else [[cell for i, cell in enumerate(line) if i % 3 or not i] for line in made]
    return [table(caption, header, cells, notes=_notes(m, cells), rules=rules, dense=True)]


def _observed(m: Material) -> Iterator[list[str]]:
    """Lines of the means that Kaplan–Meier reaches."""
    seen = [step for step in ladder(m) if not is_family(step.middle.model) and step.middle.model != AVERAGE]
    for horizon in sorted({step.horizon for step in seen}):
        here = {step.group: step for step in seen if step.horizon == horizon}
        cells = [cell for band in m.bands for cell in _seen(here.get(band), m)]
        yield [f"Mean to {periods(horizon, m.spec.unit)}, observed", *cells]


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


def _blocks(m: Material) -> Iterator[list[tuple[str, Key]]]:
    """Names and keys of the lines below, in blocks with a rule before each."""
    unit, spec, yearly = m.spec.unit, m.spec, percent(m.spec.analysis.discount)
    beyond = [step.horizon for step in ladder(m) if step.middle.model == AVERAGE]
    ends = sorted(set(beyond))
    last = ends[-1] if ends else max(spec.tenure_horizons)
    yield [
        *((f"Mean to {periods(h, unit)}", ("tenure", h, {})) for h in ends),
        ("Mean without a horizon", ("tenure_mean", None, {})),
        ("Half have left after (median)", ("tenure_median", None, {})),
    ]
    yield [
        (f"Discounted by {yearly} a year, to {periods(last, unit)}", ("tenure_discounted", last, {})),
        (f"Whole {units(unit)} completed, to {periods(last, unit)}", ("tenure_curtate", last, {})),
    ]
    for k in spec.given:
        yield [
            *(
                (f"After {periods(k, unit)}: in the next {whole(h)}", ("remaining_tenure", h, {"given": k}))
                for h in ends
            ),
            (f"After {periods(k, unit)}: without a horizon", ("remaining_tenure", None, {"given": k})),
        ]
    for w in spec.analysis.waning if len(m.scores) > 1 else ():
        gone = {"scenario": f"waning={w}"}
        yield [
            *(
                (f"Difference gone by {whole(w)}: mean to {periods(h, unit)}", ("tenure", h, gone))
                for h in ends
            ),
        ]


def _line(m: Material, name: str, key: Key) -> list[str]:
    """Give the cells of a line of the average; none where it has no such row."""
    estimand, horizon, more = key
    cells: list[str] = []
    for band in m.bands:
        row = m.book.best(estimand, band, AVERAGE, horizon, **more)
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


def _notes(m: Material, lines: Sequence[Sequence[str]]) -> list[str]:
    """Explain what the table has."""
    names, cells = [line[0] for line in lines], [cell for line in lines for cell in line[1:]]
    notes = []
    if any("∞" in cell for cell in cells):
        notes.append(say("tenure_table.endless"))
    if any(name.startswith("Half") for name in names):
        notes.append(f"Extrapolated, of a median: 100{chr(0x202F)}% where it lies beyond follow-up.")
    if any(name.startswith("Whole") for name in names):
        notes.append(
            f"Whole {units(m.spec.unit)} completed: a customer lost in one has not completed it. Discounted: later "
            f"{units(m.spec.unit)} count for less, as later payments do."
        )
    if any(name.startswith("After") for name in names):
        notes.append(
            f"After {periods(m.spec.given[0], m.spec.unit)}: of the customers who have already stayed that long, the "
            "time still to come."
        )
    if any(name.startswith("Difference") for name in names):
        notes.append(
            f"Difference gone by: the scores’ difference wanes beyond follow-up and is gone by that {m.spec.unit}."
        )
    return notes


def undetermined(m: Material) -> list[Step]:
    """Give the steps of the average, beyond follow-up, whose interval is wider than half the estimate."""
    return [
        step
        for step in ladder(m)
        if step.middle.model == AVERAGE
        and step.middle.extrapolated > 0
        and step.middle.conf_high - step.middle.conf_low > step.middle.estimate / 2
    ]

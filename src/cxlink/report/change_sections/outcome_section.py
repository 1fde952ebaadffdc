"""One outcome of two cohorts in the report of a comparison: how its change splits, and how the base predicts."""

import pandas as pd
from matplotlib.axes import Axes

from cxlink.cohort.strata import Category
from cxlink.comparison.changes import OutcomeChange
from cxlink.comparison.common_support import Aside
from cxlink.comparison.recommendation import MOST_POINTS
from cxlink.estimands.tidy import select
from cxlink.report.change_sections.change_material import (
    axis_unit,
    bracket,
    called,
    own,
    plain,
    rows_by,
    scale,
)
from cxlink.report.change_sections.cluster_lines import cluster_lines
from cxlink.report.change_sections.tenure_change_table import tenure_table
from cxlink.report.document import Block, bullets, heading, paragraph, picture, table
from cxlink.report.figures import drawing
from cxlink.report.figures.change_figures import (
    PARTS,
    change_parts,
    effect_by_score,
    observed_and_predicted,
    off_by_score,
    tenth,
)
from cxlink.report.format import (
    FIRM,
    NONE,
    capital,
    category,
    coverage,
    listed,
    periods,
    score,
    shortened,
    signed,
    whole,
)  # fmt: skip
from cxlink.report.words import say
from cxlink.results import ComparisonResults

_MOST_NAMES = 5


def outcome_section(found: ComparisonResults, outcome: OutcomeChange, number: int) -> list[Block]:
    """Write one outcome of one cohort; ``number`` tells its figures apart."""
    title = say(
        f"change.title_{outcome.estimand}", base=shortened(outcome.base), cohort=shortened(outcome.cohort)
    )
    notes = [*set_aside_lines(outcome), *cluster_lines(outcome)]
    if outcome.not_estimable:
        notes.append(say("change.without_baseline", levels=[str(level) for level in outcome.not_estimable]))
    return [
        heading(title, new_page=True),
        _parts_figure(found, outcome, number),
        _split_table(found, outcome),
        _effects_figure(found, outcome, number),
        *tenure_table(found, outcome),
        *([bullets([say("change.note", note=note) for note in notes], small=True)] if notes else []),
        heading(say("change.calibration_heading"), 2),
        *_calibration(found, outcome, number),
    ]


def set_aside_lines(outcome: OutcomeChange) -> list[str]:
    """Say what could not be compared, and why."""
    young = outcome.without_spend
    lines = [say("change.without_spend", cohort=young)] if young else []
    for name, aside in zip((outcome.base, outcome.cohort), outcome.aside, strict=True):
        if aside.total == 0:
            continue
        why = {
            "change.aside_level": aside.level,
            "change.aside_stratum": aside.stratum,
            "change.aside_unfollowed": aside.unfollowed,
        }
        facts = {
            "outcome": say(f"change.name_{outcome.estimand}"),
            "cohort": name,
        }
        reasons = ", ".join(
            say(reason, share=share, n=outcome.horizon) for reason, share in why.items() if share
        )
        names = _names(aside)
        key = (
            "change.aside_more"
            if len(names) > _MOST_NAMES
            else "change.aside_named"
            if names
            else "change.aside"
        )
        lines.append(say(key, reasons=reasons, names="; ".join(names[:_MOST_NAMES]), **facts))
    return lines


def _names(aside: Aside) -> list[str]:
    """Name the levels and strata that only one cohort has."""
    levels = [say("change.aside_score", score=signed(level)) for level in aside.levels]
    return [*levels, *(", ".join(category(Category(*one)) for one in stratum) for stratum in aside.strata)]


def _parts_figure(found: ComparisonResults, outcome: OutcomeChange, number: int) -> Block:
    axes, by = draw_parts(found, outcome), rows_by(own(found.changes, outcome, group="all"), "part")
    said = "; ".join(
        say("change.spoken", name=say(f"change.part_{part}"), value=bracket(by[part], outcome, True))
        for part in PARTS
    )
    caption = say("change.parts_caption", level=coverage(found.spec))
    alt = say("change.parts_alt", values=said).replace(FIRM, " ")
    return picture(f"{number}-parts", drawing.svg(axes), alt, caption)


def draw_parts(found: ComparisonResults, outcome: OutcomeChange, ax: Axes | None = None) -> Axes:
    """Draw the parts of an outcome's change."""
    rows, label = own(found.changes, outcome, group="all"), say("change.axis", unit=axis_unit(outcome))
    return change_parts(rows, label, scale(outcome), simulated=found.simulated, ax=ax)


def draw_effects(found: ComparisonResults, outcome: OutcomeChange, ax: Axes | None = None) -> Axes:
    """Draw what the effect changed of an outcome at each score."""
    rows, label = own(found.changes, outcome), say("change.axis_two_lines", unit=axis_unit(outcome))
    return effect_by_score(rows, found.spec, label, scale(outcome), simulated=found.simulated, ax=ax)


def draw_errors(found: ComparisonResults, outcome: OutcomeChange, ax: Axes | None = None) -> Axes:
    """Draw what was observed of an outcome at each score, less what the base predicts."""
    most = MOST_POINTS if outcome.estimand == "retention" else None
    return off_by_score(
        own(found.calibration, outcome), found.spec, say("change.difference_axis", unit=axis_unit(outcome)),
        scale(outcome), most=most, simulated=found.simulated, ax=ax,
    )  # fmt: skip


def _effects_figure(found: ComparisonResults, outcome: OutcomeChange, number: int) -> Block:
    axes, rows = draw_effects(found, outcome), own(found.changes, outcome)
    by, levels = rows_by(select(rows, part="effect"), "group"), _levels(found)
    said = "; ".join(
        say("change.spoken", name=score(name, found.spec), value=bracket(row, outcome, True))
        for name, row in by.items()
        if name in levels
    )
    caption = say("change.effects_caption")
    alt = say("change.effects_alt", values=said).replace(FIRM, " ")
    return picture(f"{number}-effects", drawing.svg(axes), alt, caption)


def _levels(found: ComparisonResults) -> set[str]:
    """Name the groups that are a single score."""
    return {str(level) for level in found.spec.scale.levels}


def _split_table(found: ComparisonResults, outcome: OutcomeChange) -> Block:
    rows = own(found.changes, outcome)
    names, lines = list(dict.fromkeys(rows["group"])), []
    for name in names:
        by = rows_by(select(rows, group=name), "part")
        cells = [bracket(by[part], outcome, True) for part in PARTS]
        if len(found.spec.group(name)) == 1:
            cells[1] = NONE
        lines.append([called(name, found), *cells])
    caption = say("change.split_caption", unit=axis_unit(outcome), level=coverage(found.spec))
    header = [
        say(f"change.column_{name}") for name in ("score", "strata", "scores", "baseline", "effect", "total")
    ]
    note = say("change.split_note")
    return table(
        caption,
        header,
        lines,
        notes=[note],
        rules=[sum(name in _levels(found) for name in names)],
        dense=True,
    )


def _calibration(found: ComparisonResults, outcome: OutcomeChange, number: int) -> list[Block]:
    rows = own(found.calibration, outcome)
    what = say(f"change.outcome_{outcome.estimand}", unit=outcome.unit)
    names = [name for name in dict.fromkeys(rows["group"]) if name not in ("worst", "best")]
    first, lines = sum(not tenth(name) for name in names), []
    for name in names:
        by = rows_by(select(rows, group=name), "quantity")
        cells = [bracket(by[q], outcome, q == "difference") for q in ("predicted", "observed", "difference")]
        called = say("change.tenth", number=tenth(name)) if tenth(name) else score(name, found.spec)
        lines.append([capital(called), whole(by["observed"]["n"]), *cells])
    caption = say(f"change.calibration_caption_{outcome.estimand}", outcome=what)
    notes = [say("change.uneven_tenths")] if len(names) - first < 10 else []
    header = [
        say(f"change.column_{name}") for name in ("group", "customers", "predicted", "observed", "difference")
    ]
    return [
        _calibration_figure(found, outcome, number, (what, lines)),
        table(caption, header, lines, rules=[first], dense=True, notes=notes),
        paragraph(_lines(rows, outcome, found)),
    ]


def _calibration_figure(
    found: ComparisonResults, outcome: OutcomeChange, number: int, shown: tuple[str, list[list[str]]]
) -> Block:
    """Draw what was predicted and observed; ``shown`` says what it is, and holds the table's lines to read aloud."""
    what, lines = shown
    rows = own(found.calibration, outcome)
    with drawing.sheet((6.3, 2.8), 1, 2, widths=[1.1, 1]) as axes:
        observed_and_predicted(rows, found.spec, what, scale(outcome), ax=axes[0])
        draw_errors(found, outcome, axes[1])
    caption = say(f"change.calibration_figure_{outcome.estimand}")
    said = "; ".join(
        say("change.calibration_spoken", name=line[0], predicted=line[2], observed=line[3]) for line in lines
    )
    alt = say("change.calibration_alt", values=said).replace(FIRM, " ")
    return picture(f"{number}-calibration", drawing.svg(axes[0]), alt, caption)


def _lines(rows: pd.DataFrame, outcome: OutcomeChange, found: ComparisonResults) -> str:
    """Ratio, intercept, slope and Brier score in sentences."""
    known = rows_by(select(rows, group="all"), "quantity")
    named = [
        say(f"change.measure_{key}", value=plain(known[key], 2))
        for key in ("observed_over_expected", "intercept", "slope")
        if key in known
    ]
    said = [say("change.calibration_measures", measures=listed(named))]
    none, only = outcome.unused
    if none or only:
        facts = {"cells": outcome.n_cells, "none": none, "only": only}
        said.append(say(f"change.unused_{outcome.estimand}", **facts))
    if "slope" not in known:
        said.append(say("change.no_slope"))
    if "brier" in known:
        said.append(
            say(
                "change.brier",
                after=periods(outcome.horizon or 0, found.spec.unit),
                brier=plain(known["brier"], 4),
                constant=plain(known["brier_constant"], 4),
            )
        )
    elif outcome.estimand == "retention":
        said.append(say("change.no_brier"))
    return " ".join(said)

"""One outcome of two cohorts in the report of a comparison: how its change splits, and what the base foretells."""

import pandas as pd

from cxlink.comparison.changes import OutcomeChange
from cxlink.comparison.recommendation import MOST_POINTS
from cxlink.estimands.tidy import select
from cxlink.report.change_sections.change_material import (
    axis_unit,
    bracket,
    is_level,
    own,
    plain,
    rows_by,
    scale,
)
from cxlink.report.document import Block, bullets, heading, paragraph, picture, table
from cxlink.report.figures import drawing
from cxlink.report.figures.change_figures import PARTS, change_parts, effect_by_score, foretold, off_by_score
from cxlink.report.format import (
    FIRM,
    NONE,
    capital,
    coverage,
    levels,
    listed,
    periods,
    score,
    shortened,
    whole,
)  # fmt: skip
from cxlink.results import ComparisonResults


def outcome_section(found: ComparisonResults, outcome: OutcomeChange, number: int) -> list[Block]:
    """Write one outcome of one cohort; ``number`` tells its figures apart."""
    name = "Retention" if outcome.estimand == "retention" else "Spend"
    title = f"{name}: {shortened(outcome.base)} to {shortened(outcome.cohort)}"
    notes = set_aside_lines(outcome)
    if outcome.not_estimable:
        left = listed([str(level) for level in outcome.not_estimable])
        notes.append(
            f"the baseline is averaged without score {left}: one of the cohorts lost nobody of it, and there is no "
            "logarithm of that"
        )
    return [
        heading(title, new_page=True),
        _parts_figure(found, outcome, number),
        _split_table(found, outcome),
        _effects_figure(found, outcome, number),
        *([bullets([f"{capital(note)}." for note in notes], small=True)] if notes else []),
        heading("What the base foretells", 2),
        *_calibration(found, outcome, number),
    ]


def set_aside_lines(outcome: OutcomeChange) -> list[str]:
    """Say what could not be compared, and why."""
    lines = [outcome.left_out] if outcome.left_out else []
    for name, aside in zip((outcome.base, outcome.cohort), outcome.aside, strict=True):
        if aside.total == 0:
            continue
        why = {
            "a score the other does not have": aside.level,
            "a stratum the other does not have": aside.stratum,
            f"a stratum that is not followed for {outcome.horizon} periods in both": aside.unfollowed,
        }
        said = ", ".join(f"{100 * share:.1f} % with {reason}" for reason, share in why.items() if share)
        named = (
            f" ({'; '.join(aside.names[:5])}{', …' if len(aside.names) > 5 else ''})" if aside.names else ""
        )
        lines.append(f"{outcome.estimand}: set aside of {name}: {said}{named}")
    return lines


def _parts_figure(found: ComparisonResults, outcome: OutcomeChange, number: int) -> Block:
    rows = own(found.changes, outcome, group="all")
    axes = change_parts(rows, f"Change ({axis_unit(outcome)})", scale(outcome), simulated=found.simulated)
    by = rows_by(rows, "part")
    said = "; ".join(f"{name}: {bracket(by[part], outcome, True)}" for part, name in PARTS.items())
    caption = f"All scores: the change and its parts, with {coverage(found.spec)} intervals."
    alt = f"Dots with intervals. {said}".replace(FIRM, " ")
    return picture(f"{number}-parts", drawing.svg(axes), alt, caption)


def _effects_figure(found: ComparisonResults, outcome: OutcomeChange, number: int) -> Block:
    rows, label = own(found.changes, outcome), f"Change\n({axis_unit(outcome)})"
    axes = effect_by_score(rows, found.spec, label, scale(outcome), simulated=found.simulated)
    by = rows_by(select(rows, part="effect"), "group")
    said = "; ".join(
        f"score {name}: {bracket(row, outcome, True)}" for name, row in by.items() if is_level(name)
    )
    caption = "By score: the whole change, and the part of it that is neither mix nor baseline."
    alt = f"Dots with intervals by score. The effect at {said}".replace(FIRM, " ")
    return picture(f"{number}-effects", drawing.svg(axes), alt, caption)


def _split_table(found: ComparisonResults, outcome: OutcomeChange) -> Block:
    rows = own(found.changes, outcome)
    names, lines = list(dict.fromkeys(rows["group"])), []
    for name in names:
        by = rows_by(select(rows, group=name), "part")
        cells = [bracket(by[part], outcome, True) for part in PARTS]
        if len(found.spec.group(name)) == 1:
            cells[1] = NONE
        lines.append([_called(name, found), *cells])
    caption = (
        f"The change and its parts by score ({axis_unit(outcome)}), with {coverage(found.spec)} intervals."
    )
    header = ["Score", "Strata", "Scores", "Baseline", "Effect", "Total"]
    note = "Strata and scores together are the mix. The parts of each line add up to its total."
    return table(caption, header, lines, notes=[note], rules=[sum(map(is_level, names))], dense=True)


def _called(name: str, found: ComparisonResults) -> str:
    if name == "all":
        return "all scores"
    return f"{name}: {levels(name, found.spec)}" if name in ("worst", "best") else levels(name, found.spec)


def _calibration(found: ComparisonResults, outcome: OutcomeChange, number: int) -> list[Block]:
    rows = own(found.calibration, outcome)
    retained = outcome.estimand == "retention"
    what = "still there (%)" if retained else f"mean spend ({outcome.unit})"
    names = [name for name in dict.fromkeys(rows["group"]) if name not in ("worst", "best")]
    first, lines = sum(not name.startswith("decile") for name in names), []
    for name in names:
        by = rows_by(select(rows, group=name), "quantity")
        cells = [bracket(by[q], outcome, q == "difference") for q in ("predicted", "observed", "difference")]
        called = name.replace("decile", "Tenth") if name.startswith("decile") else score(name, found.spec)
        lines.append([capital(called), whole(by["observed"]["n"]), *cells])
    caption = (
        f"Predicted from the base and observed, {what}; tenths by what is predicted, 1 the lowest "
        f"{'risk' if retained else 'spend'}."
    )
    together = (
        "Customers of one score and stratum stay together, so that some tenths are empty and others larger."
    )
    notes = [together] if len(names) - first < 10 else []
    header = ["Whose", "Customers", "Predicted", "Observed", "Difference"]
    return [
        _foretold_figure(found, outcome, number, (what, lines)),
        table(caption, header, lines, rules=[first], dense=True, notes=notes),
        paragraph(_lines(rows, outcome, found)),
    ]


def _foretold_figure(
    found: ComparisonResults, outcome: OutcomeChange, number: int, shown: tuple[str, list[list[str]]]
) -> Block:
    """Draw what was predicted and observed; ``shown`` says what it is, and holds the table's lines to read aloud."""
    what, lines = shown
    rows, retained = own(found.calibration, outcome), outcome.estimand == "retention"
    with drawing.sheet((6.3, 2.8), 1, 2, widths=[1.1, 1]) as axes:
        foretold(rows, found.spec, what, scale(outcome), ax=axes[0])
        off_by_score(
            rows, found.spec, f"Observed less predicted\n({axis_unit(outcome)})", scale(outcome),
            most=MOST_POINTS if retained else None, simulated=found.simulated, ax=axes[1],
        )  # fmt: skip
    caption = (
        "Observed in the new cohort against predicted from the base’s figures, with intervals of both; right, the "
        f"difference by score{', and three points either way in grey' if retained else ''}."
    )
    said = "; ".join(f"{line[0]}: predicted {line[2]}, observed {line[3]}" for line in lines)
    alt = f"Dots about a diagonal, and differences. {said}".replace(FIRM, " ")
    return picture(f"{number}-foretold", drawing.svg(axes[0]), alt, caption)


def _lines(rows: pd.DataFrame, outcome: OutcomeChange, found: ComparisonResults) -> str:
    """Ratio, intercept, slope and Brier score in sentences."""
    known = rows_by(select(rows, group="all"), "quantity")
    named = {
        "observed_over_expected": "observed over expected is", "intercept": "the intercept (log ratio at slope 1)",
        "slope": "the slope",
    }  # fmt: skip
    text = f"{capital(listed([f'{name} {plain(known[key], 2)}' for key, name in named.items() if key in known]))}."
    none, only = outcome.unused
    retained = outcome.estimand == "retention"
    if none or only:
        losses = f" and {only} with losses only" if retained else ""
        text += (
            f" Slope and intercept stand on {outcome.n_cells} cells of score and stratum; {none} of the base without "
            f"any {'loss' if retained else 'spend'}{losses} are set aside, since they would hide the rest."
        )
    if "slope" not in known:
        text += " A slope cannot be told: fewer than two cells that differ."
    if "brier" in known:
        text += (
            f" The Brier score of the base’s predictions after {periods(outcome.horizon or 0, found.spec.unit)} is "
            f"{plain(known['brier'], 4)}, against {plain(known['brier_constant'], 4)} of one figure for all."
        )
    elif retained:
        text += (
            " There is no Brier score: nobody of the new cohort was followed from the survey to the horizon."
        )
    return text

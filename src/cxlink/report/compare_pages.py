"""The report of a comparison: what changed, why, whether the older model still holds, and how that was found."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.spec import CohortSpec
from cxlink.estimates.changes import Outcome
from cxlink.estimates.table import select
from cxlink.estimates.verdicts import MOST_POINTS, RECALIBRATE, VALID, Verdict, rule
from cxlink.report import drawing
from cxlink.report.blocks import Block, bullets, code, heading, notice, paragraph, picture, strong, table
from cxlink.report.compare_figures import PARTS, change_parts, effect_by_score, foretold, off_by_score
from cxlink.report.compare_methods import REFERENCES, methods
from cxlink.report.wording import (
    FIRM,
    NONE,
    capital,
    coverage,
    decimal,
    levels,
    listed,
    percent,
    periods,
    score,
    shortened,
    units,
    whole,
)  # fmt: skip

_ADVICE = {
    VALID: "What was learnt from the base still foretells this cohort.",
    RECALIBRATE: "The ranking of customers still holds, and the level does not: multiply the base’s hazards or means "
    "by the ratio of observed over expected, or pool the cohorts.",
}
_REFIT = "The base’s figures do not foretell this cohort by a common factor alone: fit the model to the new cohort."


@dataclass(frozen=True)
class Sizes:
    """A cohort's customers, those with a score, and the longest that any of these was followed, in periods."""

    name: str
    customers: int
    scored: int
    followed: int


@dataclass(frozen=True)
class Compared:
    """Everything that the report of a comparison is made from.

    Attributes
    ----------
    changes, calibration : DataFrame
        The tables of the folder.
    verdicts : tuple of Verdict
        One for each outcome.
    outcomes : tuple of Outcome
        In the same order.
    sizes : tuple of Sizes
        The base first.
    aside : dict of (cohort, estimand) to list of str
        Sentences about customers who could not be compared.
    spec : CohortSpec
        The base's.
    simulated : bool
        Whether any cohort is.
    command, version : str
        How to run it again, and by what.
    """

    changes: pd.DataFrame
    calibration: pd.DataFrame
    verdicts: tuple[Verdict, ...]
    outcomes: tuple[Outcome, ...]
    sizes: tuple[Sizes, ...]
    aside: dict[tuple[str, str], list[str]]
    spec: CohortSpec
    simulated: bool
    command: str
    version: str


def comparison_document(given: Compared) -> dict[str, Any]:
    """Give the whole report as JSON values."""
    base, *others = (shortened(one.name) for one in given.sizes)
    parts = [*_opening(given), *_sizes(given)]
    for number, outcome in enumerate(given.outcomes, 1):
        parts += _outcome(given, outcome, number)
    parts += [heading("How this was found", new_page=False), *methods(given.spec)]
    parts += [heading("Sources"), bullets(REFERENCES, small=True)]
    parts += [heading("Running it again"), code(given.command)]
    return {
        "title": f"What changed from {base} to {listed(others)}",
        "subtitle": "Changes in retention and spend between cohorts, split into who the customers are and how they "
        "behave.",
        "header": " · ".join([base, *others]),
        "footer": f"cxlink {given.version}".strip(),
        "simulated": given.simulated,
        "parts": parts,
    }


def _opening(given: Compared) -> list[Block]:
    """The verdicts, and each change in a sentence."""
    parts: list[Block] = []
    for outcome, verdict in zip(given.outcomes, given.verdicts, strict=True):
        advice = _ADVICE.get(verdict.verdict, _REFIT)
        about = f"{capital(outcome.estimand)}, {shortened(outcome.cohort)}: {verdict.verdict}. "
        parts.append(notice([strong(about), f"{advice} {capital(verdict.why)}."]))
        parts.append(paragraph(_sentence(given, outcome)))
    estimands = list(dict.fromkeys(one.estimand for one in given.outcomes))
    other = " For spend: three per cent of the mean." if len(estimands) > 1 else ""
    parts.append(paragraph([strong("The rule. "), f"{capital(rule(estimands[0]))}.{other}"]))
    parts.append(
        paragraph(
            "Nothing here says why customers changed, or what would follow from changing their scores: parts of a "
            "change are bookkeeping, not causes."
        )
    )
    return parts


def _sentence(given: Compared, outcome: Outcome) -> str:
    rows = _own(given.changes, outcome, group="all").set_index("part")
    first, last = (shortened(name) for name in (outcome.base, outcome.cohort))
    when = f" after {periods(outcome.horizon, given.spec.unit)}" if outcome.horizon else ""
    what = f"Retention{when}" if outcome.estimand == "retention" else "Mean spend"
    total = rows.loc["total"]
    parts = [f"{_amount(rows.loc[part], outcome)} by {word}" for part, word in _BY.items()]
    return (
        f"{what} changed by {_amount(total, outcome)} from {first} to {last}: {listed(parts)}. In each bracket the "
        f"{coverage(given.spec)} interval."
    )


_BY = {
    "mix": "the mix of customers", "baseline": "a baseline that moved alike for all", "effect": "what is left, by "
    "score",
}  # fmt: skip


def _own(table_: pd.DataFrame, outcome: Outcome, **where: Any) -> pd.DataFrame:
    return select(table_, base=outcome.base, cohort=outcome.cohort, estimand=outcome.estimand, **where)


def _scale(outcome: Outcome) -> tuple[float, int]:
    """Factor and decimals that an outcome is written with."""
    if outcome.estimand == "retention":
        return 100.0, 1
    size = max(
        (abs(row["estimate"]) for row in outcome.calibration if row["quantity"] == "predicted"), default=0.0
    )
    return 1.0, 0 if size >= 1000 else 2


def _number(value: float, outcome: Outcome) -> str:
    scale, digits = _scale(outcome)
    return decimal(scale * value, digits)


def _change(value: float, outcome: Outcome) -> str:
    text = _number(value, outcome)
    return text if text.startswith("−") or not value > 0 else f"+{text}"


def _amount(row: pd.Series, outcome: Outcome) -> str:
    unit = "points" if outcome.estimand == "retention" else outcome.unit
    low, high = (_change(row[name], outcome) for name in ("conf_low", "conf_high"))
    return f"{_change(row['estimate'], outcome)} {unit} [{low},{FIRM}{high}]"


def _bracket(row: pd.Series | None, outcome: Outcome, change: bool) -> str:
    if row is None or np.isnan(row["estimate"]):
        return NONE
    write = _change if change else _number
    low, high = (write(row[name], outcome) for name in ("conf_low", "conf_high"))
    return f"{write(row['estimate'], outcome)} [{low},{FIRM}{high}]"


def _sizes(given: Compared) -> list[Block]:
    """Cohorts, with the response rate: shown, not split."""
    lines = [
        [
            shortened(one.name) + (" (base)" if at == 0 else ""),
            whole(one.customers),
            whole(one.scored),
            percent(one.scored / max(one.customers, 1), 1),
            whole(one.followed) if given.spec.subscription is not None else NONE,
        ]
        for at, one in enumerate(given.sizes)
    ]
    header = [
        "Cohort",
        "Customers",
        "With a score",
        "Share",
        f"Followed for up to ({units(given.spec.unit)})",
    ]
    note = "The share with a score is shown, and no part of any change below: all figures are of customers with one."
    return [table("The cohorts.", header, lines, notes=[note])]


def _outcome(given: Compared, outcome: Outcome, number: int) -> list[Block]:
    """One outcome of one cohort: the split, and what the base foretells."""
    name = "Retention" if outcome.estimand == "retention" else "Spend"
    title = f"{name}: {shortened(outcome.base)} to {shortened(outcome.cohort)}"
    parts = [
        heading(title, new_page=True),
        _parts_figure(given, outcome, number),
        _split_table(given, outcome),
    ]
    parts.append(_effects_figure(given, outcome, number))
    notes = list(given.aside[outcome.cohort, outcome.estimand])
    if outcome.untold:
        left = listed([str(level) for level in outcome.untold])
        notes.append(
            f"the baseline is averaged without score {left}: one of the cohorts lost nobody of it, and there is no "
            "logarithm of that"
        )
    if notes:
        parts.append(bullets([f"{capital(note)}." for note in notes], small=True))
    return [*parts, heading("What the base foretells", 2), *_calibration(given, outcome, number)]


def _axis(outcome: Outcome) -> str:
    return "percentage points" if outcome.estimand == "retention" else outcome.unit


def _parts_figure(given: Compared, outcome: Outcome, number: int) -> Block:
    rows = _own(given.changes, outcome, group="all")
    axes = change_parts(rows, f"Change ({_axis(outcome)})", _scale(outcome)[0], simulated=given.simulated)
    said = "; ".join(
        f"{PARTS[row['part']]}: {_bracket(row, outcome, True)}"
        for _, row in rows.iterrows()
        if row["part"] in PARTS
    )
    caption = f"All scores: the change and its parts, with {coverage(given.spec)} intervals."
    return picture(
        f"{number}-parts", drawing.svg(axes), f"Dots with intervals. {said}".replace(FIRM, " "), caption
    )


def _effects_figure(given: Compared, outcome: Outcome, number: int) -> Block:
    rows = _own(given.changes, outcome)
    axes = effect_by_score(
        rows, given.spec, f"Change\n({_axis(outcome)})", _scale(outcome)[0], simulated=given.simulated
    )
    said = "; ".join(
        f"score {row['group']}: {_bracket(row, outcome, True)}"
        for _, row in select(rows, part="effect").iterrows()
        if row["group"].lstrip("-").isdigit()
    )
    caption = "By score: the whole change, and the part of it that is neither mix nor baseline."
    alt = f"Dots with intervals by score. The effect at {said}".replace(FIRM, " ")
    return picture(f"{number}-effects", drawing.svg(axes), alt, caption)


def _split_table(given: Compared, outcome: Outcome) -> Block:
    rows = _own(given.changes, outcome)
    names = list(dict.fromkeys(rows["group"]))
    lines = []
    for name in names:
        by = select(rows, group=name).set_index("part")
        cells = [_bracket(by.loc[part], outcome, True) for part in PARTS]
        if len(given.spec.group(name)) == 1:
            cells[1] = NONE
        lines.append([_called(name, given), *cells])
    single = sum(name.lstrip("-").isdigit() for name in names)
    caption = f"The change and its parts by score ({_axis(outcome)}), with {coverage(given.spec)} intervals."
    header = ["Score", "Strata", "Scores", "Baseline", "Effect", "Total"]
    note = "Strata and scores together are the mix. The parts of each line add up to its total."
    return table(caption, header, lines, notes=[note], rules=[single], dense=True)


def _called(name: str, given: Compared) -> str:
    return {"worst": "worst: ", "best": "best: "}.get(name, "") + (
        levels(name, given.spec) if name != "all" else "all scores"
    )


def _calibration(given: Compared, outcome: Outcome, number: int) -> list[Block]:
    rows = _own(given.calibration, outcome)
    what = "still there (%)" if outcome.estimand == "retention" else f"mean spend ({outcome.unit})"
    scale, lines = _scale(outcome)[0], []
    with drawing.sheet((6.3, 2.8), 1, 2, widths=[1.1, 1]) as axes:
        foretold(rows, given.spec, what, scale, ax=axes[0])
        most = MOST_POINTS if outcome.estimand == "retention" else None
        label = f"Observed less predicted\n({_axis(outcome)})"
        off_by_score(rows, given.spec, label, scale, most=most, simulated=given.simulated, ax=axes[1])
    names = [name for name in dict.fromkeys(rows["group"]) if name not in ("worst", "best")]
    for name in names:
        own = select(rows, group=name).set_index("quantity")
        cells = [
            _bracket(own.loc[q], outcome, q == "difference") for q in ("predicted", "observed", "difference")
        ]
        label = f"{_tenth(name)}" if name.startswith("decile") else score(name, given.spec)
        lines.append([capital(label), whole(own.loc["observed", "n"]), *cells])
    said = "; ".join(f"{line[0]}: predicted {line[2]}, observed {line[3]}" for line in lines).replace(
        FIRM, " "
    )
    caption = (
        "Observed in the new cohort against predicted from the base’s figures, with intervals of both; right, the "
        "difference by score"
    )
    caption += ", and three points either way in grey." if outcome.estimand == "retention" else "."
    figure = picture(
        f"{number}-foretold", drawing.svg(axes[0]), f"Dots about a diagonal, and differences. {said}", caption
    )
    header = ["Whose", "Customers", "Predicted", "Observed", "Difference"]
    first = sum(not name.startswith("decile") for name in names)
    shown = table(
        f"Predicted from the base and observed, {what}; tenths by what is predicted, 1 the lowest "
        f"{'risk' if outcome.estimand == 'retention' else 'spend'}.",
        header, lines, rules=[first], dense=True, notes=_tenth_note(first, len(names)),
    )  # fmt: skip
    return [figure, shown, paragraph(_lines(rows, outcome, given))]


def _tenth(name: str) -> str:
    return f"tenth {name.removeprefix('decile ')}"


def _tenth_note(first: int, n: int) -> list[str]:
    if n - first >= 10:
        return []
    return [
        "Customers of one score and stratum stay together, so that some tenths are empty and others larger."
    ]


def _lines(rows: pd.DataFrame, outcome: Outcome, given: Compared) -> str:
    """Ratio, intercept, slope and Brier score in sentences."""
    known = select(rows, group="all").set_index("quantity")
    named = {
        "observed_over_expected": "Observed over expected is {}", "intercept": "the intercept (log ratio at slope 1) "
        "{}",
        "slope": "the slope {}",
    }  # fmt: skip
    said = [text.format(_plain(known.loc[key], 2)) for key, text in named.items() if key in known.index]
    text = f"{listed(said)}." if said else ""
    none, only = outcome.unused
    if none or only:
        lost = "loss" if outcome.estimand == "retention" else "spend"
        text += (
            f" Slope and intercept stand on {outcome.n_cells} cells of score and stratum; {none} of the base without "
            f"any {lost} and {only} with losses only are set aside, since they would hide the rest."
        )
    if "slope" not in known.index:
        text += " A slope cannot be told: fewer than two cells that differ."
    if "brier" in known.index:
        text += (
            f" The Brier score of the base’s predictions after {periods(outcome.horizon or 0, given.spec.unit)} is "
            f"{_plain(known.loc['brier'], 4)}, against {_plain(known.loc['brier_constant'], 4)} of one figure for all."
        )
    elif outcome.estimand == "retention":
        text += (
            " There is no Brier score: nobody of the new cohort was followed from the survey to the horizon."
        )
    return text


def _plain(row: pd.Series, digits: int) -> str:
    low, high = (decimal(row[name], digits) for name in ("conf_low", "conf_high"))
    return f"{decimal(row['estimate'], digits)} [{low},{FIRM}{high}]"

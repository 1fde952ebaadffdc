"""The report of a comparison: what changed, why, whether the older model still holds, and how that was found."""

from typing import Any

from cxlink.comparison.changes import OutcomeChange
from cxlink.comparison.recommendation import RECALIBRATE, REFIT, VALID, rule
from cxlink.report.change_sections.change_material import ChangeMaterial, amount, own, rows_by
from cxlink.report.change_sections.comparison_methods import REFERENCES, methods
from cxlink.report.change_sections.outcome_section import outcome_section
from cxlink.report.document import Block, bullets, code, heading, notice, paragraph, strong, table
from cxlink.report.format import NONE, capital, coverage, listed, percent, periods, shortened, units, whole
from cxlink.report.render_typst import mark, printed

_ADVICE = {
    VALID: "What was learnt from the base still foretells this cohort.",
    RECALIBRATE: "The ranking of customers still holds, and the level does not: multiply the base’s hazards or means "
    "by the ratio of observed over expected, or pool the cohorts.",
    REFIT: "The base’s figures do not foretell this cohort by a common factor alone: fit the model to the new cohort.",
}
_PARTS = {
    "mix": "the mix of customers",
    "baseline": "a baseline that moved alike for all",
    "effect": "what is left, by score",
}


def comparison_document(given: ChangeMaterial) -> dict[str, Any]:
    """Give the whole report as JSON values."""
    base, *others = (shortened(one.name) for one in given.sizes)
    parts = [*_opening(given), *_sizes(given)]
    for number, outcome in enumerate(given.outcomes, 1):
        parts += outcome_section(given, outcome, number)
    parts += [heading("How this was found"), *methods(given.spec)]
    parts += [heading("Sources"), bullets(REFERENCES, small=True)]
    parts += [heading("Running it again"), code(given.command)]
    return printed({
        "title": f"What changed from {base} to {listed(others)}",
        "subtitle": "Changes in retention and spend between cohorts, split into who the customers are and how they "
        "behave.",
        "header": " · ".join([base, *others]),
        "footer": f"cxlink {given.version}".strip(),
        "mark": mark(given.simulated),
        "parts": parts,
    })  # fmt: skip


def _opening(given: ChangeMaterial) -> list[Block]:
    """The verdicts, and each change in a sentence."""
    parts: list[Block] = []
    for outcome, verdict in zip(given.outcomes, given.verdicts, strict=True):
        about = f"{capital(outcome.estimand)}, {shortened(outcome.cohort)}: {verdict.verdict}. "
        parts.append(notice([strong(about), f"{_ADVICE[verdict.verdict]} {capital(verdict.why)}."]))
        parts.append(paragraph(_sentence(given, outcome)))
    estimands = list(dict.fromkeys(one.estimand for one in given.outcomes))
    other = " For spend: three per cent of the mean." if len(estimands) > 1 else ""
    parts.append(paragraph([strong("The rule. "), f"{capital(rule(estimands[0]))}.{other}"]))
    text = (
        "Nothing here says why customers changed, or what would follow from changing their scores: parts of a change "
        "are bookkeeping, not causes."
    )
    return [*parts, paragraph(text)]


def _sentence(given: ChangeMaterial, outcome: OutcomeChange) -> str:
    rows = rows_by(own(given.changes, outcome, group="all"), "part")
    first, last = (shortened(name) for name in (outcome.base, outcome.cohort))
    when = f" after {periods(outcome.horizon, given.spec.unit)}" if outcome.horizon else ""
    what = f"Retention{when}" if outcome.estimand == "retention" else "Mean spend"
    parts = [f"{amount(rows[part], outcome)} by {word}" for part, word in _PARTS.items()]
    return (
        f"{what} changed by {amount(rows['total'], outcome)} from {first} to {last}: {listed(parts)}. In each bracket "
        f"the {coverage(given.spec)} interval."
    )


def _sizes(given: ChangeMaterial) -> list[Block]:
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

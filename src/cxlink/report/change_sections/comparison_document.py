"""The report of a comparison: what changed, why, whether the older model still holds, and how that was found."""

from cxlink import __version__
from cxlink.comparison.changes import OutcomeChange
from cxlink.comparison.recommendation import RECALIBRATE, REFIT, VALID, rule
from cxlink.report.change_sections.change_material import amount, own, rows_by
from cxlink.report.change_sections.comparison_methods import REFERENCES, methods
from cxlink.report.change_sections.outcome_section import outcome_section
from cxlink.report.document import (
    Block,
    Document,
    bullets,
    code,
    heading,
    mark,
    notice,
    paragraph,
    strong,
    table,
)
from cxlink.report.format import NONE, capital, coverage, listed, percent, periods, shortened, units, whole
from cxlink.results import ComparisonResults

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


def comparison_document(found: ComparisonResults, command: str = "") -> Document:
    """Give the whole report."""
    base, *others = (shortened(one.spec.cohort.name) for one in found.cohorts)
    parts = [*opening(found), *_sizes(found)]
    for number, outcome in enumerate(found.outcomes, 1):
        parts += outcome_section(found, outcome, number)
    parts += [heading("How this was found"), *methods(found.spec)]
    parts += [heading("Sources"), bullets(REFERENCES, small=True)]
    parts += [heading("Running it again"), code(command)]
    return Document(
        title=f"What changed from {base} to {listed(others)}",
        subtitle="Changes in retention and spend between cohorts, split into who the customers are and how they "
        "behave.",
        header=" · ".join([base, *others]),
        footer=f"cxlink {__version__}",
        mark=mark(found.simulated),
        blocks=tuple(parts),
    )


def opening(found: ComparisonResults) -> list[Block]:
    """Give the verdicts, and each change in a sentence."""
    parts: list[Block] = []
    for outcome, verdict in zip(found.outcomes, found.verdicts, strict=True):
        about = f"{capital(outcome.estimand)}, {shortened(outcome.cohort)}: {verdict.verdict}. "
        parts.append(notice([strong(about), f"{_ADVICE[verdict.verdict]} {capital(verdict.why)}."]))
        parts.append(paragraph(_sentence(found, outcome)))
    estimands = list(dict.fromkeys(one.estimand for one in found.outcomes))
    other = " For spend: three per cent of the mean." if len(estimands) > 1 else ""
    parts.append(paragraph([strong("The rule. "), f"{capital(rule(estimands[0]))}.{other}"]))
    text = (
        "Nothing here says why customers changed, or what would follow from changing their scores: parts of a change "
        "are bookkeeping, not causes."
    )
    return [*parts, paragraph(text)]


def _sentence(found: ComparisonResults, outcome: OutcomeChange) -> str:
    rows = rows_by(own(found.changes, outcome, group="all"), "part")
    first, last = (shortened(name) for name in (outcome.base, outcome.cohort))
    when = f" after {periods(outcome.horizon, found.spec.unit)}" if outcome.horizon else ""
    what = f"Retention{when}" if outcome.estimand == "retention" else "Mean spend"
    parts = [f"{amount(rows[part], outcome)} by {word}" for part, word in _PARTS.items()]
    return (
        f"{what} changed by {amount(rows['total'], outcome)} from {first} to {last}: {listed(parts)}. In each bracket "
        f"the {coverage(found.spec)} interval."
    )


def _sizes(found: ComparisonResults) -> list[Block]:
    """Cohorts, with the response rate: shown, not split."""
    lines = []
    for at, one in enumerate(found.cohorts):
        customers, scored = int(one.cells["n"].sum()), int(one.scored["n"].sum())
        lines.append([
            shortened(one.spec.cohort.name) + (" (base)" if at == 0 else ""),
            whole(customers),
            whole(scored),
            percent(scored / max(customers, 1), 1),
            whole(int(one.scored["exit"].max())) if found.spec.subscription is not None else NONE,
        ])  # fmt: skip
    header = [
        "Cohort",
        "Customers",
        "With a score",
        "Share",
        f"Followed for up to ({units(found.spec.unit)})",
    ]
    note = "The share with a score is shown, and no part of any change below: all figures are of customers with one."
    return [table("The cohorts.", header, lines, notes=[note])]

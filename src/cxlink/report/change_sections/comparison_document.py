"""The report of a comparison: what changed, why, whether the base model is still valid, and the methods."""

import numpy as np

from cxlink import __version__
from cxlink.comparison.changes import OutcomeChange
from cxlink.groups.changed_scores import of_first_surveys
from cxlink.report.change_sections.change_material import amount, own, rows_by
from cxlink.report.change_sections.comparison_methods import REFERENCES, methods
from cxlink.report.change_sections.outcome_section import outcome_section
from cxlink.report.change_sections.verdict_words import rule, tolerance, verdict, why
from cxlink.report.content import byline, counted_by, mark
from cxlink.report.document import Block, Document, bullets, code, heading, notice, paragraph, table
from cxlink.report.format import NONE, coverage, percent, periods, shortened, units, whole
from cxlink.report.language import counting
from cxlink.report.words import say, styled
from cxlink.results import ComparisonResults


def comparison_document(found: ComparisonResults, command: str = "") -> Document:
    """Give the whole report."""
    base, *others = (shortened(one.spec.cohort.name) for one in found.cohorts)
    clustered = any(any(one.clustered) for one in found.outcomes)
    with counting(counted_by(found.spec)):
        parts = [*opening(found), *_sizes(found)]
        for number, outcome in enumerate(found.outcomes, 1):
            parts += outcome_section(found, outcome, number)
        parts += [heading(say("comparison.methods_heading")), *methods(found.spec, clustered=clustered)]
    parts += [heading(say("comparison.references_heading")), bullets(REFERENCES, small=True)]
    parts += [heading(say("comparison.command_heading")), code(command)]
    return Document(
        title=say("comparison.title", base=base, cohorts=others),
        subtitle=say("comparison.subtitle"),
        header=" · ".join([base, *others]),
        footer=f"cxlink {__version__}",
        mark=mark(found.simulated),
        blocks=tuple(parts),
        author=found.spec.report.author,
        byline=byline(found.spec),
    )


def opening(found: ComparisonResults) -> list[Block]:
    """Give the verdicts, and each change in a sentence."""
    parts: list[Block] = []
    for outcome, judged in zip(found.outcomes, found.verdicts, strict=True):
        facts = {
            "outcome": say(f"change.name_{outcome.estimand}"),
            "cohort": shortened(outcome.cohort),
            "advice": say(f"comparison.advice_{judged.verdict}"),
        }
        parts.append(notice(styled("comparison.verdict", verdict=verdict(judged), why=why(judged), **facts)))
        parts.append(paragraph(change_sentence(found, outcome)))
    estimands = list(dict.fromkeys(one.estimand for one in found.outcomes))
    stated = styled("comparison.rule", rule=rule(estimands[0]))
    stated += [say("comparison.rule_spend", tolerance=tolerance("spend"))] if len(estimands) > 1 else []
    return [*parts, paragraph(stated), paragraph(say("comparison.not_causal"))]


def change_sentence(found: ComparisonResults, outcome: OutcomeChange) -> str:
    """Give a change and its parts in a sentence."""
    rows = rows_by(own(found.changes, outcome, group="all"), "part")
    first, last = (shortened(name) for name in (outcome.base, outcome.cohort))
    parts = [
        say(f"comparison.part_{part}", change=amount(rows[part], outcome))
        for part in ("mix", "baseline", "effect")
    ]
    key = f"comparison.change_{outcome.estimand}"
    if np.isnan(rows["total"]["conf_low"]):
        key += "_alone"
    after = periods(outcome.horizon or found.spec.horizon, found.spec.unit)
    facts = {"base": first, "cohort": last, "parts": parts, "level": coverage(found.spec)}
    return say(key, after=after, change=amount(rows["total"], outcome), **facts)


def _sizes(found: ComparisonResults) -> list[Block]:
    """Cohorts, with the response rate: shown, not split."""
    lines = []
    for at, one in enumerate(map(of_first_surveys, found.cohorts)):
        name = shortened(one.spec.cohort.name)
        customers, scored = int(one.cells["n"].sum()), int(one.scored["n"].sum())
        lines.append([
            say("comparison.base", name=name) if at == 0 else name,
            whole(customers),
            whole(scored),
            percent(scored / max(customers, 1), 1),
            whole(int(found.cohorts[at].scored["exit"].max())) if found.spec.subscription is not None else NONE,
        ])  # fmt: skip
    header = [
        *(say(f"comparison.column_{name}") for name in ("cohort", "customers", "scored", "share")),
        say("comparison.followed_column", units=units(found.spec.unit)),
    ]
    return [table(say("comparison.sizes_caption"), header, lines, notes=[say("comparison.sizes_note")])]

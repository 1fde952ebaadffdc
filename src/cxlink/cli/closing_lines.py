"""Lines that a command ends with: the main results of a fit, a comparison or an intervention."""

import numpy as np

from cxlink.checks import Check, matching
from cxlink.cli.headline_table import headline_lines
from cxlink.cohort.count.resolution import resolution_checks
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.fallback import SUCCESSOR
from cxlink.report.change_sections.cluster_lines import cluster_lines
from cxlink.report.change_sections.comparison_document import change_sentence
from cxlink.report.change_sections.intervention_words import caution, coverage_note, sentences
from cxlink.report.change_sections.outcome_section import set_aside_lines
from cxlink.report.change_sections.verdict_words import verdict, why
from cxlink.report.check_notes import note
from cxlink.report.content import counted_by, gather
from cxlink.report.format import words
from cxlink.report.language import counting
from cxlink.report.posterior_sections.posterior_warnings import sampling_failures
from cxlink.report.profile_lines import empty_bands, noted, plain
from cxlink.report.profile_words import adjuster_notes, exclusion_moves, table_notes
from cxlink.report.sections.result_warnings import odd_spend
from cxlink.report.words import say
from cxlink.results import ComparisonResults, Results
from cxlink.value.intervention import InterventionValue


def closing_lines(found: Results) -> list[str]:
    """Main results of a fit as a table, and the notes on them."""
    with counting(counted_by(found.spec)):
        lines = headline_lines(gather(found))
    thin = [_thin(check, found.spec) for check in matching(found.checks, code="support", passed=False)]
    few = matching(found.checks, code="customers_per_stratum", passed=False, blank="")
    scattered = matching(found.checks, code="buckets_per_group", passed=False, blank="")
    resolved = [note(check) for check in resolution_checks(found.counts)]
    notes = [
        *exclusion_moves(found.checks, found.spec),
        *odd_spend(gather(found)),
        *adjuster_notes(found.checks),
        *resolved,
        *thin,
        *(_few(check, found) for check in few),
        *(_few_clusters(check, found) for check in scattered),
        *table_notes(found),
        *map(note, matching(found.checks, code="left_out_of_clusters")),
        *empty_bands(found.counts),
    ]
    return plain([*sampling_failures(found.checks), *lines, *noted(notes)])


def comparison_lines(found: ComparisonResults) -> list[str]:
    """Change of each outcome with its parts, what could not be compared, and the verdicts."""
    lines = [change_sentence(found, outcome) for outcome in found.outcomes]
    for compared in found.outcomes:
        lines += noted([*set_aside_lines(compared), *cluster_lines(compared)])
    for one in found.verdicts:
        outcome = say(f"change.name_{one.estimand}")
        lines.append(
            say("terminal.verdict", outcome=outcome, cohort=one.cohort, verdict=verdict(one), why=why(one))
        )
    return plain(lines)


def intervention_lines(outcome: InterventionValue) -> list[str]:
    """Main results of an intervention in sentences."""
    return plain([*sentences(outcome), caution(), *coverage_note(outcome)])


def _few(check: Check, found: Results) -> str:
    """Say that a side of the headline contrast has few customers a stratum."""
    return say(
        "terminal.few", model=words(check.model), group=check.group, average=check.value, least=check.bound,
        then=_then(check, found),
    )  # fmt: skip


def _few_clusters(check: Check, found: Results) -> str:
    """Say that a side of the headline contrast has few clusters."""
    return say(
        "terminal.few_clusters", model=words(check.model), group=check.group, n=int(check.value),
        least=int(check.bound), then=_then(check, found),
    )  # fmt: skip


def _then(check: Check, found: Results) -> str:
    """What was done about it: whether an additive model took over."""
    took_over = matching(found.checks, code="takes_over", model=SUCCESSOR[check.model])
    return say("terminal.additive" if took_over else "terminal.not_additive")


def _thin(check: Check, spec: CohortSpec) -> str:
    """Say that an estimate is of few of the customers; without the share where a group is too small to publish it."""
    reference = check.get("reference")
    group = say("terminal.against", group=check.group, reference=reference) if reference else check.group
    facts = {
        "model": words(check.model),
        "group": group,
        "customers": say(f"limitations.target_{spec.analysis.target}"),
    }
    if np.isnan(check.value):
        return say("terminal.support_blank", least=check.bound, **facts)
    return say("terminal.support", share=check.value, **facts)

"""The paragraph on retention weighted for censoring by the scores that are not adjusted for."""

from collections.abc import Iterator

from cxlink.checks import Check, matching
from cxlink.report.check_notes import note
from cxlink.report.content import Material
from cxlink.report.document import Block, paragraph
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import decimal, full, levels, percent, periods, shared_digits, units, with_limits
from cxlink.report.words import say
from cxlink.sensitivity.censoring_weights.weight_rows import WEIGHTED

MODEL = "kaplan_meier"


def weighted_for_censoring(m: Material, unweighted: Estimate) -> list[Block]:
    """Say what retention is with weights from the other scores, or why there are none.

    Parameters
    ----------
    m : Material
        Of a report of several scores.
    unweighted : Estimate
        The headline's difference.
    """
    refused = matching(m.results.checks, code="censoring_unweighted")
    if refused:
        return [paragraph(say("censoring.unweighted", sentence=note(refused[0])))]
    rows = _rows(m)
    if rows is None:
        return []
    said = [_result(m, rows, unweighted), *_ratios(m), *_sizes(m), _meaning(m)]
    return [paragraph(" ".join([*said, say("censoring.weighted_assumed", unit=units(m.spec.unit, 1))]))]


def _rows(m: Material) -> tuple[Estimate, Estimate, Estimate] | None:
    """Both sides and their difference; None where any is missing or blank."""
    (group, reference), key = m.sides, {"scenario": WEIGHTED}
    found = [m.book.best("retention", side, MODEL, m.spec.horizon, **key) for side in m.sides]
    found.append(
        m.book.best("retention_difference", group, MODEL, m.spec.horizon, reference=reference, **key)
    )
    rows = [row for row in found if row is not None and not row.blank]
    return (rows[0], rows[1], rows[2]) if len(rows) == 3 else None


def _result(m: Material, rows: tuple[Estimate, Estimate, Estimate], unweighted: Estimate) -> str:
    group, reference = m.sides
    digits = shared_digits([*rows, unweighted])
    return say(
        "censoring.weighted", scores=_names(m), after=periods(m.spec.horizon, m.spec.unit),
        group=levels(group, m.spec), reference=levels(reference, m.spec), of_group=full(rows[0], digits),
        of_reference=full(rows[1], digits), difference=full(rows[2], digits), unweighted=full(unweighted, digits),
    )  # fmt: skip


def _names(m: Material) -> list[str]:
    """The other scores that weights are made from."""
    held = m.results.counts.follow_up
    return list(held.others(m.spec) if held is not None else m.spec.others)


def _ratios(m: Material) -> Iterator[str]:
    for check in matching(m.results.checks, code="censoring_score"):
        case, name = check.get("case"), str(check.get("score"))
        yield say(f"censoring.weighted_ratio_{case}", score=name, ratio=with_limits(check))


def _sizes(m: Material) -> Iterator[str]:
    """Say what weighting costs, and for whom nobody stands."""
    for side in m.sides:
        for check in matching(m.results.checks, code="censoring_weights", group=side):
            if not check.get("blank"):
                yield from _size(m, check)
        for check in matching(m.results.checks, code="censoring_support", group=side, passed=False):
            share = percent(1 - check.value)
            after = periods(m.spec.horizon, m.spec.unit)
            yield say("censoring.weighted_support", group=levels(side, m.spec), share=share, after=after)


def _size(m: Material, check: Check) -> Iterator[str]:
    largest = float(str(check.get("largest")))
    yield say(
        "censoring.weighted_size", customers=check.get("customers"), group=levels(check.group, m.spec),
        effective=round(check.value), largest=decimal(largest, 1),
    )  # fmt: skip
    if not check.passed:
        share = percent(float(str(check.get("truncated"))))
        yield say("censoring.weighted_truncated", bound=round(check.bound), share=share)


def _meaning(m: Material) -> str:
    """Say what the end of follow-up is in this table."""
    sub = m.spec.subscription
    case = "dated" if sub is not None and (sub.dated or sub.window) else "recorded"
    if sub is not None and sub.follow_up:
        case = "followed"
    return say(f"censoring.weighted_end_{case}")

"""The part of the report about confounders as strong as recorded variables."""

from collections.abc import Iterator
from dataclasses import replace

from cxlink.checks import Check, matching
from cxlink.estimands.scenario import HIGHEST, LOWEST
from cxlink.report.content import Material
from cxlink.report.document import Block, paragraph, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import (
    bare,
    coverage,
    decimal,
    full,
    number,
    percent,
    periods,
    score,
    shared_digits,
    shortened,
    value,
    variable,
)  # fmt: skip
from cxlink.report.words import say
from cxlink.sensitivity.confounding_rows import ROBUSTNESS

_OUTCOMES = {"kaplan_meier": "retention", "means": "spend"}


def benchmarks(m: Material) -> list[Block]:
    """Say how strong a confounder must be, and how far one as strong as each adjustment variable moves a difference."""
    parts = [block for model in _OUTCOMES for block in _outcome(m, model)]
    rows = [row for model in _OUTCOMES for row in _lines(m, model)]
    if not rows:
        return parts
    columns = (
        "difference_of",
        "as_strong",
        "explains_outcome",
        "explains_weights",
        "without",
        "lowest",
        "highest",
    )
    group, reference = (score(side, m.spec) for side in m.sides)
    caption = say("sensitivity.benchmark_caption", group=group, reference=reference, level=coverage(m.spec))
    header = [say(f"sensitivity.column_{name}") for name in columns]
    return [*parts, table(caption, header, rows), paragraph(say("sensitivity.benchmark_method"))]


def _outcome(m: Material, model: str) -> Iterator[Block]:
    """Say of an outcome how strong a confounder must be, and how far the strongest variable's equal moves it."""
    found = matching(m.results.checks, code="confounder", model=model)
    if any(check.get("case") == "late_entry" for check in found):
        yield paragraph(say("sensitivity.benchmark_late_entry"))
    difference, robustness = _main(m, model), _robustness(m, model)
    if difference is None or robustness is None or robustness.blank or difference.blank:
        return
    said = [_said(m, model, difference), _needed(robustness)]
    strengths = [check for check in found if check.get("case") == "as_strong" and not check.get("blank")]
    if strengths:
        said += [text for text in [_strongest(m, max(strengths, key=lambda check: check.value))] if text]
    elif any(check.get("case") == "no_variable" for check in found):
        said.append(say("sensitivity.no_benchmark"))
    yield paragraph(" ".join(said))


def _main(m: Material, model: str) -> Estimate | None:
    group, reference = m.sides
    horizon = m.spec.horizon if model == "kaplan_meier" else None
    return m.book.best(f"{_OUTCOMES[model]}_difference", group, model, horizon, reference=reference)


def _robustness(m: Material, model: str) -> Estimate | None:
    group, reference = m.sides
    return next(iter(m.book.where(ROBUSTNESS, model=model, group=group, reference=reference)), None)


def _said(m: Material, model: str, difference: Estimate) -> str:
    return say(f"sensitivity.robustness_{_OUTCOMES[model]}", difference=full(difference), **_time(m, model))


def _time(m: Material, model: str) -> dict[str, str]:
    """The time in which an outcome is seen, in words."""
    if model == "kaplan_meier" or m.spec.spend is None:
        return {"after": periods(m.spec.horizon, m.spec.unit)}
    return {"window": periods(m.spec.spend.window_months, "month")}


def _needed(row: Estimate) -> str:
    if row.conf_low == 0:
        return say("sensitivity.robustness_none", value=percent(row.estimate, 1))
    return say("sensitivity.robustness", value=percent(row.estimate, 1), limit=percent(row.conf_low, 1))


def _strongest(m: Material, check: Check) -> str:
    low, high = _ends(m, check)
    if low is None or high is None:
        return ""
    digits = shared_digits([low, high])
    lowest, highest = replace(low, estimate=low.conf_low), replace(high, estimate=high.conf_high)
    return say(
        "sensitivity.as_strong", variable=variable(str(check.get("term"))), low=number(low, digits),
        high=value(high, digits), lowest=number(lowest, digits), highest=value(highest, digits),
    )  # fmt: skip


def _ends(m: Material, check: Check) -> tuple[Estimate | None, Estimate | None]:
    """The difference moved down, and up, by a confounder as strong as the variable of a check."""
    of = {"model": check.model, "group": check.group, "reference": str(check.get("reference"))}
    low, high = (
        next(iter(m.book.where(str(check.get("of")), scenario=f"{kind}={check.get('term')}", **of)), None)
        for kind in (LOWEST, HIGHEST)
    )
    return low, high


def _lines(m: Material, model: str) -> Iterator[list[str]]:
    """One line a variable."""
    found = matching(m.results.checks, code="confounder", model=model, case="as_strong")
    for check in found:
        low, high = _ends(m, check)
        if low is None or high is None or low.blank or check.get("blank"):
            continue
        digits = shared_digits([low, high])
        without = replace(low, estimate=float(str(check.get("without"))))
        yield [
            _column(m, model), shortened(variable(str(check.get("term")))),
            *(decimal(100 * float(str(check.get(name))), 1) for name in ("outcome", "score")),
            number(without, digits), bare(low, digits), bare(high, digits),
        ]  # fmt: skip


def _column(m: Material, model: str) -> str:
    facts = _time(m, model)
    if "window" in facts and m.spec.spend is not None:
        facts["currency"] = m.spec.spend.currency
    return say(f"sensitivity.difference_{_OUTCOMES[model]}", **facts)

"""The part of the report about customers whose follow-up ended before the horizon."""

from collections.abc import Iterator

from cxlink.checks import matching
from cxlink.report.content import Material
from cxlink.report.document import Block, paragraph, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import (
    bare,
    capital,
    coverage,
    decimal,
    levels,
    percent,
    periods,
    score,
    shared_digits,
    with_limits,
)  # fmt: skip
from cxlink.report.sections.weighted_censoring import weighted_for_censoring
from cxlink.report.words import say
from cxlink.sensitivity.censoring_rows import CENSORING, DELTA, DELTAS
from cxlink.sensitivity.nonresponse_rows import TIPPING_POINT

MODEL = "kaplan_meier"
_MOST = 1000.0
"""Times as fast: beyond, a number says no more than that there is none."""


def censored_early(m: Material) -> list[Block]:
    """Give retention if those whose follow-up ended early leave otherwise; nothing where it ended early for nobody."""
    rows = _differences(m)
    if not rows:
        return []
    said = [_shares(m), *_tipping(m, rows[1.0]), *_quarters(m)]
    if not m.spec.others:
        return [paragraph(" ".join([*said, say("censoring.limits")])), _table(m, rows)]
    return [paragraph(" ".join(said)), _table(m, rows), *weighted_for_censoring(m, rows[1.0])]


def _differences(m: Material) -> dict[float, Estimate]:
    """The difference of the headline contrast by δ, 1 among them; nothing where any is missing or blank."""
    group, reference = m.sides
    names = {1.0: "", **{delta: f"{DELTA}={delta:g}" for delta in DELTAS}}
    found: dict[float, Estimate] = {}
    for delta, scenario in sorted(names.items()):
        row = m.book.best(
            "retention_difference", group, MODEL, m.spec.horizon, reference=reference, scenario=scenario
        )
        if row is None or row.blank:
            return {}
        found[delta] = row
    return found


def _shares(m: Material) -> str:
    shares = {
        check.group: percent(check.value)
        for check in matching(m.results.checks, code="censored_early", group=m.sides)
    }
    group, reference = m.sides
    return say(
        "censoring.shares", after=periods(m.spec.horizon, m.spec.unit), group=levels(group, m.spec),
        reference=levels(reference, m.spec), of_group=shares.get(group, ""), of_reference=shares.get(reference, ""),
    )  # fmt: skip


def _tipping(m: Material, difference: Estimate) -> Iterator[str]:
    """Say how fast those whose follow-up ended early would have to leave."""
    group, reference = m.sides
    key = {"reference": reference, "scenario": CENSORING}
    row = m.book.best(TIPPING_POINT, group, MODEL, m.spec.horizon, **key)
    if row is None or row.blank:
        return
    if difference.conf_low <= 0 <= difference.conf_high:
        yield say("censoring.tipping_zero")
        return
    more, less = (group, reference) if difference.estimate > 0 else (reference, group)
    sides = {"more": levels(more, m.spec), "less": levels(less, m.spec)}
    if row.estimate > _MOST:
        yield say("censoring.tipping_never", **sides)
    else:
        yield say("censoring.tipping", times=decimal(row.estimate, 1), **sides)
    if row.conf_low > _MOST:
        yield say("censoring.limit_never")
    else:
        yield say("censoring.limit", times=decimal(row.conf_low, 1))


def _quarters(m: Material) -> Iterator[str]:
    """Say whether customers of the quarters that end early left as fast as earlier ones."""
    for check in matching(m.results.checks, code="late_quarters"):
        if not check.get("blank"):
            share = percent(float(str(check.get("share"))))
            after = periods(m.spec.horizon, m.spec.unit)
            yield say("censoring.quarters", share=share, after=after, ratio=with_limits(check))


def _table(m: Material, rows: dict[float, Estimate]) -> Block:
    """One line a δ: both groups and their difference."""
    lines, digits = [], shared_digits(list(rows.values()))
    for delta, difference in rows.items():
        key = {"scenario": difference.scenario, "adjusted": difference.adjusted}
        sides = [m.book.get("retention", side, MODEL, m.spec.horizon, **key) for side in m.sides]
        cells = [bare(row, digits) for row in (*sides, difference)]
        lines.append([decimal(delta, 1), *cells])
    header = [
        say("censoring.column_delta"), *(capital(score(side, m.spec)) for side in m.sides),
        say("score_tables.difference"),
    ]  # fmt: skip
    caption = say("censoring.caption", after=periods(m.spec.horizon, m.spec.unit), level=coverage(m.spec))
    return table(caption, header, lines)

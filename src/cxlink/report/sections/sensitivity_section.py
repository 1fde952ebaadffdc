"""The sensitivity analyses: unmeasured confounding, a negative control, censoring, non-response, measurement error."""

import math
from collections.abc import Mapping, Sequence

from cxlink.report.content import Material
from cxlink.report.document import Block, heading, notice, paragraph, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import (
    NONE,
    coverage,
    customers,
    decimal,
    full,
    levels,
    out_of_scale,
    periods,
    score,
    shared_digits,
    who,  # fmt: skip
)
from cxlink.report.sections.censoring_section import censored_early
from cxlink.report.sections.confounding_section import benchmarks
from cxlink.report.sections.limitations import adjusted_for
from cxlink.report.sections.nonresponse_section import unanswered
from cxlink.report.words import say

_LINES = ("", "measurement_error")
_RATIOS = ("retained", "lost", "")
_LARGE = 10  # E-values from here on have no decimals in a sentence


def sensitivity_pages(m: Material, level: int = 1) -> list[Block]:
    """Set the sensitivity analyses out under one heading, each only where the data allow it."""
    found = {
        "unmeasured": _e_values(m), "benchmarks": benchmarks(m), "control": _control(m),
        "censoring": censored_early(m), "nonresponse": unanswered(m),
        "measurement": _errors(m),
    }  # fmt: skip
    pages = [
        part
        for name, parts in found.items()
        if parts
        for part in (heading(say(f"sensitivity.heading_{name}"), level + 1), *parts)
    ]
    return [heading(say("sensitivity.heading"), level), *pages] if pages else []


def _e_values(m: Material) -> list[Block]:
    after = periods(m.spec.horizon, m.spec.unit)
    names = {
        "retained": say("sensitivity.outcome_retained", after=after),
        "lost": say("sensitivity.outcome_lost", after=after),
    }
    if m.spec.spend is not None:
        window = periods(m.spec.spend.window_months, "month")
        names[""] = say("sensitivity.outcome_spend", window=window)
    group, reference = m.sides
    found = {row.scenario: row for row in m.book.where("e_value", group=group, reference=reference)}
    rows = [
        [name, *(out_of_scale(end) or decimal(end, 2) for end in (found[key].estimate, found[key].conf_low))]
        for key, name in names.items()
        if key in found and not found[key].blank
    ]
    if not rows:
        return []
    adjusted = adjusted_for(m)
    text = say("sensitivity.e_values", names=adjusted) if adjusted else say("sensitivity.e_values_unadjusted")
    header = [say(f"sensitivity.column_{column}") for column in ("outcome", "ratio", "limit")]
    sides = {"group": score(group, m.spec), "reference": score(reference, m.spec)}
    caption = say("sensitivity.e_values_caption", **sides)
    notes = []
    if any(row[2] == decimal(1, 2) for row in rows):
        notes.append(say("sensitivity.e_value_of_one", one=decimal(1, 2), level=coverage(m.spec)))
    if any("∞" in row for row in rows):
        notes.append(say("sensitivity.e_value_infinite"))
    said = " ".join([text, *_ratios(found)])
    return [paragraph(said), table(caption, header, rows, notes=notes)]


def _ratios(found: Mapping[str, Estimate]) -> list[str]:
    """Give the E-values of the headline's ratios in a sentence; nothing where one is blank, or none is finite."""
    if any(row.blank for row in found.values()):
        return []
    values = [
        say(
            f"sensitivity.of_{key or 'spend'}",
            value=f"{_e_value(found[key].estimate)} ({_e_value(found[key].conf_low)})",
        )
        for key in _RATIOS
        if key in found and math.isfinite(found[key].estimate)
    ]
    return [say("sensitivity.e_values_in_short", values=values)] if values else []


def _e_value(value: float) -> str:
    return out_of_scale(value) or decimal(value, 1 if value < _LARGE else 0)


def _control(m: Material) -> list[Block]:
    """Set out the negative control, and warn where it shows a difference."""
    group, reference = m.sides
    if m.spec.control is None or not m.book.where("control"):
        return []
    rows = {side: m.book.best("control", side, "means") for side in m.sides}
    difference = m.book.best("control_difference", group, "means", reference=reference)
    if difference is None or difference.blank or any(row is None or row.blank for row in rows.values()):
        return []
    name, digits = m.spec.control.column, shared_digits([*rows.values(), difference])
    said = say(
        "sensitivity.control_standardised" if difference.adjusted == "standardised" else "sensitivity.control",
        name=name, names=adjusted_for(m), difference=full(difference, digits),
        means=[
            say("sensitivity.control_mean", value=full(row, digits), group=who(side, m.spec))
            for side, row in rows.items()
        ],
    )  # fmt: skip
    if difference.conf_low <= 0 <= difference.conf_high:
        return [paragraph(f"{said} {say('sensitivity.control_null')}")]
    return [paragraph(said), notice(say("sensitivity.control_differs", name=name))]


def _errors(m: Material) -> list[Block]:
    """Say how well the score repeats itself, and what its errors would hide."""
    found = [_first(m.book.where(name)) for name in ("score_reliability", "score_calibration")]
    correlation, slope = found
    if correlation is None or slope is None or correlation.blank:
        return []
    text = say(
        "sensitivity.reliability", customers=customers(correlation.n or 0), correlation=_bounded(correlation),
        slope=_bounded(slope),
    )  # fmt: skip
    seen, corrected = (_first(m.book.where("retention_slope", scenario=name)) for name in _LINES)
    if seen is None or seen.blank:
        return [paragraph(text)]
    after = periods(m.spec.horizon, m.spec.unit)
    text += f" {say('sensitivity.slope', after=after, slope=_points(seen))}"
    if corrected is None or corrected.blank:
        return [paragraph(f"{text} {say('sensitivity.not_corrected')}")]
    said = [
        text,
        say("sensitivity.corrected", slope=_points(corrected)),
        _between(m),
        say("sensitivity.assumed"),
    ]
    return [paragraph(" ".join(part for part in said if part))]


def _between(m: Material) -> str:
    """Give the headline's difference by the corrected line."""
    group, reference = m.sides
    rows = [_first(m.book.where("retention_difference", model="line", scenario=name)) for name in _LINES]
    if any(row is None or row.blank for row in rows):
        return ""
    seen, corrected = (full(row) for row in rows)
    sides = {"group": levels(group, m.spec), "reference": levels(reference, m.spec)}
    return say("sensitivity.between", corrected=corrected, seen=seen, **sides)


def _first(rows: Sequence[Estimate]) -> Estimate | None:
    return next(iter(rows), None)


def _bounded(row: Estimate) -> str:
    """Write a number and its interval, without a unit."""
    return f"{decimal(row.estimate, 2)} [{decimal(row.conf_low, 2)}, {decimal(row.conf_high, 2)}]"


def _points(row: Estimate) -> str:
    """Write a slope in percentage points."""
    numbers = [decimal(100 * x, 1) for x in (row.estimate, row.conf_low, row.conf_high)]
    if math.isnan(row.conf_low):
        return numbers[0]
    return f"{numbers[0]} [{numbers[1]}, {numbers[2]}]" if NONE not in numbers else numbers[0]

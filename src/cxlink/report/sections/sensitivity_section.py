"""The pages of doubt: what else could explain the results, who did not answer, how exactly scores are measured."""

import math
from collections.abc import Sequence

from cxlink.report.content import Material
from cxlink.report.document import Block, heading, notice, paragraph, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import (
    NONE,
    coverage,
    customers,
    decimal,
    full,
    listed,
    periods,
    score,
    shared_digits,
    who,
)  # fmt: skip
from cxlink.report.sections.limitations import adjusted_for
from cxlink.report.sections.nonresponse_section import plain, unanswered

_LINES = ("", "measurement_error")


def doubts_pages(m: Material, level: int = 1) -> list[Block]:
    """Say what else could explain the results; each section only where the data allow it."""
    sections = {
        "What else could explain it": _e_values(m),
        "A comparison that should show nothing": _control(m),
        "Who did not answer": unanswered(m),
        "How exactly the score is measured": _errors(m),
    }
    return [part for title, parts in sections.items() if parts for part in (heading(title, level), *parts)]


def _e_values(m: Material) -> list[Block]:
    after = periods(m.spec.horizon, m.spec.unit)
    names = {"retained": f"Still there after {after}", "lost": f"Lost within {after}"}
    if m.spec.spend is not None:
        names[""] = f"Mean spend in {m.spec.spend.window_months} months"
    group, reference = m.sides
    found = {row.scenario: row for row in m.book.where("e_value", group=group, reference=reference)}
    rows = [
        [name, decimal(found[key].estimate, 2), decimal(found[key].conf_low, 2)]
        for key, name in names.items()
        if key in found and not found[key].blank
    ]
    if not rows:
        return []
    text = (
        "Customers who give different scores may differ in something that nobody recorded. An E-value says how much of "
        "such a difference it would take to account for a whole result: that many times as frequent in one of the two "
        "groups as in the other, and making the outcome that many times as likely (of spend: as large) as well, beyond "
        f"what is adjusted for ({adjusted_for(m) or 'nothing'}). Anything weaker leaves part of the result standing; "
        "nothing here says whether there is such a thing (VanderWeele and Ding 2017)."
    )
    header = ["Outcome", "E-value of the ratio", "Of its limit nearer to 1"]
    caption = f"E-values: {score(group, m.spec)} against {score(reference, m.spec)}."
    notes = []
    if any(row[2] == decimal(1, 2) for row in rows):
        notes.append(f"{decimal(1, 2)}: the {coverage(m.spec)} interval of the ratio includes no difference.")
    if any("∞" in row for row in rows):
        notes.append("∞: one side is 0, so that nothing finite accounts for the whole ratio.")
    return [paragraph(text), table(caption, header, rows, notes=notes)]


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
    said = [f"{full(row, digits)} of {who(side, m.spec)}" for side, row in rows.items()]
    kind = (
        f"standardised to the mix of {adjusted_for(m)}"
        if difference.adjusted == "standardised"
        else "not adjusted"
    )
    text = (
        f"No score can have changed {name}. Between customers who differ in their score alone it would be the same "
        f"(Lipsitch et al. 2010). Its mean is {listed(said)} ({kind}); the difference is {full(difference, digits)}"
    )
    if difference.conf_low <= 0 <= difference.conf_high:
        text += (
            ". The interval includes no difference, as it should; that does not show that the groups are alike in "
            "everything else."
        )
        return [paragraph(text)]
    warning = (
        f"The groups compared differ in {name}, though no score changed it: something is not held equal between them, "
        "and part of the results of this report may come from that."
    )
    return [paragraph(f"{text}."), notice(warning)]


def _errors(m: Material) -> list[Block]:
    """Say how well the score repeats itself, and what its errors would hide."""
    found = [_first(m.book.where(name)) for name in ("score_reliability", "score_calibration")]
    correlation, slope = found
    if correlation is None or slope is None or correlation.blank:
        return []
    text = (
        f"{customers(correlation.n or 0).capitalize()} gave a score twice. The two go together with a correlation of "
        f"{_bounded(correlation)}; customers whose first scores differ by a point differed by {_bounded(slope)} points "
        "the second time."
    )
    seen, corrected = (_first(m.book.where("retention_slope", scenario=name)) for name in _LINES)
    if seen is None or seen.blank:
        return [paragraph(text)]
    after = periods(m.spec.horizon, m.spec.unit)
    text += (
        f" In a straight line through the scores, retention after {after} changes by {_points(seen)} percentage "
        "points for a point of the score."
    )
    if corrected is None or corrected.blank:
        text += " The score hardly repeats itself, so that this cannot be corrected for its errors."
        return [paragraph(text)]
    text += f" If all that does not repeat itself is an error of measurement, the line is one of {_points(corrected)}"
    limits = (
        ". A change of mind between the surveys counts as an error here, which makes the correction too large; only "
        "who stayed could be asked again; and a straight line is assumed (Rosner et al. 1990)."
    )
    return [paragraph(text + _between(m) + limits)]


def _between(m: Material) -> str:
    """Say what the corrected line makes of the headline's difference."""
    group, reference = m.sides
    rows = [_first(m.book.where("retention_difference", model="line", scenario=name)) for name in _LINES]
    seen, corrected = (full(row) for row in rows)
    if any(row is None or row.blank for row in rows):
        return ""
    return f", and from {plain(reference, m)} to {plain(group, m)} it makes {corrected} instead of {seen}"


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

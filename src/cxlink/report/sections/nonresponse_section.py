"""The part of the report about customers without a score."""

from cxlink.checks import matching
from cxlink.report.content import Material
from cxlink.report.document import Block, paragraph, picture, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.figures import drawing
from cxlink.report.figures import nonresponse_figure as response_figures
from cxlink.report.format import (
    NONE,
    coverage,
    customers,
    full,
    percent,
    periods,
    shared_digits,
    stratum,
    value,
    who,
    whole,
)  # fmt: skip
from cxlink.report.sections import score_tables as tables
from cxlink.report.sections.limitations import adjusted_for, mixed
from cxlink.report.words import say

MODEL = "kaplan_meier"
NOT_SCORED = "not_scored"
_MOST_ROWS = 40


def unanswered(m: Material) -> list[Block]:
    """Say who gave a score, how long the others stayed, and how long they would have had to; nothing if all did."""
    if not m.n_unscored or not m.n_scored:
        return []
    n = m.n_scored + m.n_unscored
    text = f"{whole(m.n_scored)} of {whole(n)} customers gave a score ({percent(m.n_scored / n)})."
    if m.spec.analysis.target == "customers" and adjusted_for(m):
        text += f" Standardised figures of this report have the mix of {adjusted_for(m)} among {mixed(m)}."
    parts = [paragraph(" ".join([text, *_their_retention(m)]))]
    return [*parts, *_curves(m), *_response(m), *_tipping(m)]


def _curves(m: Material) -> list[Block]:
    """Draw how long they stayed, beside the others, where that is known of both for two periods or more."""
    curves = response_figures.known_curves(m.results.estimates)
    if len(curves) < 2 or min(map(len, curves.values())) < 2:
        return []
    axes = response_figures.unanswered_curves(m.results.estimates, m.spec, simulated=m.results.simulated)
    said = "; ".join(
        say(
            "retention.curves_value",
            group=say(response_figures.CURVES[group][0]),
            value=value(curve[-1]),
            after=periods(curve[-1].horizon or 0, m.spec.unit),
        )
        for group, curve in curves.items()
    )
    alt = f"Curves of the share of customers still there, falling over time. {said}"
    caption = (
        "Customers still there, by time since the survey, with a score and without (unadjusted); shaded: "
        f"{coverage(m.spec)} intervals."
    )
    return [picture("retention-unanswered", drawing.svg(axes), alt, caption)]


def _response(m: Material) -> list[Block]:
    """Set out the response by category."""
    found = matching(m.results.checks, code="response")
    known = [(str(check.facts["stratum"]), check.value) for check in found if check.get("stratum")]
    rows = [
        [stratum(name), percent(share)]
        for name, share in sorted(known, key=lambda pair: tables.stratum_order(pair[0], m))
    ]
    if not rows:
        return []
    notes = tables.blank_notes(m) if any(NONE in row for row in rows) else []
    if len(rows) > _MOST_ROWS:
        notes.append(f"The first {_MOST_ROWS} of {len(rows)}; the rest is in diagnostics.csv.")
    caption = "Who gave a score, by stratum."
    return [table(caption, ["Stratum", "With a score"], rows[:_MOST_ROWS], notes=notes)]


def _their_retention(m: Material) -> list[str]:
    """Say how long those without a score stayed, where their clock can start."""
    if m.spec.subscription is None:
        return []
    keys = {"model": MODEL, "group": NOT_SCORED, "stratum": "", "scenario": ""}
    curve = [row for row in m.book.where("retention", **keys, adjusted="no") if not row.blank]
    theirs = max(
        (row for row in curve if (row.horizon or 0) <= m.spec.horizon),
        key=lambda row: row.horizon or 0,
        default=None,
    )
    if theirs is None:
        return ["How long the others stayed is not known: no row of theirs says from when to count."]
    respondents = m.book.get("retention", "all", MODEL, theirs.horizon)
    after = periods(theirs.horizon or 0, m.spec.unit)
    digits = shared_digits([theirs, respondents])
    text = (
        f"Of the others, {customers(theirs.n or 0)} can be followed: {full(theirs, digits)} were still there {after} "
        "after they were asked"
    )
    if respondents is not None and not respondents.blank:
        text += f", of those with a score {full(respondents, digits)}"
    same = m.book.get("retention", NOT_SCORED, MODEL, theirs.horizon, adjusted="standardised")
    if same is not None and not same.blank:
        text += (
            f"; with the mix of {adjusted_for(m) or 'entries'} among {mixed(m)}, {full(same)} of the others"
        )
    return [f"{text}."]


def _tipping(m: Material) -> list[Block]:
    """Say what the retention of those who did not answer would have to be for the difference to vanish."""
    group, reference = m.sides
    row = m.book.best("tipping_point", group, MODEL, m.spec.horizon, reference=reference)
    difference = m.book.headline("retention_difference", group, reference)
    seen = m.book.headline("retention", group)
    if any(one is None or one.blank for one in (row, difference, seen)) or _holds_nothing(difference):
        return []
    assert row is not None  # as was just looked at
    after = periods(m.spec.horizon, m.spec.unit)
    text = (
        f"Could those who did not answer undo the difference in retention after {after}? "
        "Suppose they would have given scores in the same proportions as the others, and that those who would have "
        f"given {plain(reference, m)} stayed as {who(reference, m.spec)} did. "
    )
    of_whom = f"of those who would have given {plain(group, m)}"
    instead = f", where {value(seen)} of {who(group, m.spec)} were"
    if 0 < row.estimate < 1:
        text += f"Then the difference would vanish if {full(row)} {of_whom} were still there{instead}."
    else:
        every = "not one" if row.estimate <= 0 else "every one"
        text += f"Then it would not vanish even if {every} {of_whom} were still there{instead}."
    return [paragraph(f"{text} (A tipping point: Yan et al. 2009.)")]


def plain(group: str, m: Material) -> str:
    """Write the scores of a group alone: ``9–10``."""
    return who(group, m.spec).removeprefix("customers who gave ")


def _holds_nothing(row: Estimate | None) -> bool:
    return row is None or not (row.conf_low > 0 or row.conf_high < 0)

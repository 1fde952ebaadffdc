"""The part of the report about customers without a score."""

from cxlink.checks import matching
from cxlink.report.content import Material
from cxlink.report.document import Block, paragraph, picture, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.figures import drawing
from cxlink.report.figures import nonresponse_figure as response_figures
from cxlink.report.format import (
    NONE,
    category,
    coverage,
    customers,
    full,
    levels,
    percent,
    periods,
    shared_digits,
    value,
)  # fmt: skip
from cxlink.report.sections import score_tables as tables
from cxlink.report.sections.limitations import adjusted_for, mix_of, mixed
from cxlink.report.words import say

MODEL = "kaplan_meier"
NOT_SCORED = "not_scored"
_MOST_ROWS = 40


def unanswered(m: Material) -> list[Block]:
    """Give response, the retention of non-respondents, and the tipping point; nothing where everybody responded."""
    if not m.n_unscored or not m.n_scored:
        return []
    n = m.n_customers + m.n_unscored
    said = [say("nonresponse.response", scored=m.n_customers, everybody=n, share=m.n_customers / n)]
    if m.spec.analysis.target == "customers" and adjusted_for(m):
        said.append(say("nonresponse.target", names=adjusted_for(m), customers=mixed(m)))
    parts = [paragraph(" ".join([*said, *_their_retention(m)]))]
    return [*parts, *_curves(m), *_response(m), *_tipping(m)]


def _curves(m: Material) -> list[Block]:
    """Draw retention with a score and without, where both are known for two periods or more."""
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
    alt = say("nonresponse.curves_alt", values=said)
    caption = say("nonresponse.curves", level=coverage(m.spec))
    return [picture("retention-unanswered", drawing.svg(axes), alt, caption)]


def _response(m: Material) -> list[Block]:
    """Set out the response by category."""
    found = matching(m.results.checks, code="response")
    shares = {check.get("stratum"): check.value for check in found}
    rows = [
        [category(one), percent(shares[one.label])]
        for one in tables.in_order(m.categories.values(), m)
        if one.label in shares
    ]
    if not rows:
        return []
    notes = tables.blank_notes(m) if any(NONE in row for row in rows) else []
    if len(rows) > _MOST_ROWS:
        notes.append(say("nonresponse.first_strata", shown=_MOST_ROWS, all=len(rows)))
    header = [say("score_tables.stratum"), say("nonresponse.with_score")]
    return [table(say("nonresponse.by_stratum"), header, rows[:_MOST_ROWS], notes=notes)]


def _their_retention(m: Material) -> list[str]:
    """Give the retention of customers without a score, where their time origin is known."""
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
        return [say("nonresponse.retention_unknown")]
    respondents = m.book.get("retention", "all", MODEL, theirs.horizon)
    after = periods(theirs.horizon or 0, m.spec.unit)
    digits = shared_digits([theirs, respondents])
    facts = {"customers": customers(theirs.n or 0), "after": after, "value": full(theirs, digits)}
    if respondents is not None and not respondents.blank:
        facts["respondents"] = full(respondents, digits)
    said = [say("nonresponse.retention_both" if "respondents" in facts else "nonresponse.retention", **facts)]
    same = m.book.get("retention", NOT_SCORED, MODEL, theirs.horizon, adjusted="standardised")
    if same is not None and not same.blank:
        facts = {"names": mix_of(m), "customers": mixed(m), "value": full(same)}
        said.append(say("nonresponse.standardised", **facts))
    return said


def _tipping(m: Material) -> list[Block]:
    """Give the retention of non-respondents at which the difference would vanish."""
    group, reference = m.sides
    row = m.book.best("tipping_point", group, MODEL, m.spec.horizon, reference=reference)
    difference = m.book.headline("retention_difference", group, reference)
    seen = m.book.headline("retention", group)
    if any(one is None or one.blank for one in (row, difference, seen)) or _includes_zero(difference):
        return []
    assert row is not None  # as was just looked at
    sides = {"group": levels(group, m.spec), "reference": levels(reference, m.spec)}
    after = periods(m.spec.horizon, m.spec.unit)
    said = [say("nonresponse.tipping_question", after=after, **sides)]
    if 0 < row.estimate < 1:
        said.append(say("nonresponse.tipping", needed=full(row), seen=value(seen), **sides))
    else:
        key = "nonresponse.tipping_none" if row.estimate <= 0 else "nonresponse.tipping_all"
        said.append(say(key, seen=value(seen), group=sides["group"]))
    return [paragraph(" ".join([*said, say("nonresponse.tipping_source")]))]


def _includes_zero(row: Estimate | None) -> bool:
    return row is None or not (row.conf_low > 0 or row.conf_high < 0)

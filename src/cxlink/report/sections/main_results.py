"""The main results in words: retention, spend and tenure of the best and the worst scores."""

import math
from dataclasses import replace

from cxlink.checks import matching
from cxlink.estimands.second_opinions import REPORTED
from cxlink.report.content import Material
from cxlink.report.document import Run
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import (
    full,
    full_beside,
    levels,
    limit,
    listed,
    periods,
    score,
    stretch,
    who,
    with_limits,
    with_n,
)
from cxlink.report.sections.limitations import adjusted_for
from cxlink.report.sections.support_words import unsupported
from cxlink.report.words import say, styled

OUTCOMES = ("retention", "spend", "tenure")


def headline(m: Material, estimand: str) -> dict[str, Estimate | None]:
    """Give the headline rows of an outcome: ``group``, ``reference``, their ``difference`` and their ``ratio``."""
    group, reference = m.sides
    found = {"group": m.book.headline(estimand, group), "reference": m.book.headline(estimand, reference)}
    for kind in ("difference", "ratio"):
        found[kind] = m.book.headline(f"{estimand}_{kind}", group, reference)
    return {name: row if row is None or not row.blank else None for name, row in found.items()}


def headline_rows(m: Material) -> list[list[str]]:
    """Give the cells of page one's table: a row for each outcome that has a headline."""
    names = {"retention": say("results.row_retention", after=periods(m.spec.horizon, m.spec.unit))}
    if m.spec.spend is not None:
        names["spend"] = say("results.row_spend", window=periods(m.spec.spend.window_months, "month"))
    until = reach(m)
    if until is not None:
        names["tenure"] = say("results.row_tenure", horizon=periods(until, m.spec.unit))
    rows = []
    for estimand, name in names.items():
        found = headline(m, estimand)
        if any(row is not None for row in found.values()):
            cells = [_cell(found[side], estimand, found) for side in ("group", "reference")]
            rows.append([name, *cells, full_beside(found["difference"], found), full(found["ratio"])])
    return rows


def reach(m: Material) -> int | None:
    """Give the horizon of the tenure on page one, in periods; None where it has none."""
    return next((row.horizon for row in headline(m, "tenure").values() if row and row.horizon), None)


def retention(m: Material) -> list[Run]:
    """Say how many of the two bands were retained at the horizon; or why that is not known."""
    if m.spec.subscription is None:
        return []
    found = headline(m, "retention")
    bands, after = _bands(found), periods(m.spec.horizon, m.spec.unit)
    if not bands:
        return [*styled("results.retention_none", reason=_no_retention(m)), *_trend(m, "trend")]
    if any(one_sided(row) for row in bands):
        said = styled("results.retention_sides", text=" ".join(_side(row, m) for row in bands))
    else:
        key = "results.retention_two" if len(bands) > 1 else "results.retention_one"
        said = styled(key, after=after, **_sides(found, m))
    return [*said, *_contrast(found, "results.retention_difference_ratio"), *_trend(m, "trend")]


def one_sided(row: Estimate | None) -> str:
    """Say whether ``none`` or ``all`` of a group were lost up to the horizon of its retention; else nothing."""
    if row is None or row.blank or not row.n or row.n_events is None:
        return ""
    if row.n_events == 0 or (row.estimate == 1 and row.adjusted == "no"):
        return "none"
    return "all" if row.n_events == row.n and row.estimate == 0 else ""


def _side(row: Estimate, m: Material) -> str:
    """Say of one band how many were retained, or that none or all were lost, and how that is bounded."""
    after, kind = periods(m.spec.horizon, m.spec.unit), one_sided(row)
    if not kind:
        return say("results.retention_side", after=after, value=full(row), group=_who(row, m))
    if (window := m.spec.subscription and m.spec.subscription.window) and window < m.spec.horizon:
        kind, after = f"{kind}_observed", periods(window, m.spec.unit)  # nobody was followed to the horizon
    text = say(f"results.retention_{kind}_lost", n=row.n, levels=levels(row.group, m.spec), after=after)
    if bounded := bound(row):
        return say("results.retention_bounded", text=text, limit=bounded)
    return say("results.retention_unbounded", text=text)


def bound(row: Estimate) -> str:
    """Write the limit of a group of whom none or all were lost, whichever model gave it; nothing where it has none."""
    return limit(replace(row, estimate=1.0 if one_sided(row) == "none" else 0.0))


def _cell(row: Estimate | None, estimand: str, found: dict[str, Estimate | None]) -> str:
    """Write a band's estimate for page one's table."""
    kind = one_sided(row) if estimand == "retention" else ""
    if row is None or not kind:
        return full_beside(row, found)
    text, bounded = say(f"results.cell_{kind}_lost", n=row.n), bound(row)
    return say("results.cell_bounded", text=text, limit=bounded) if bounded else text


def _trend(m: Material, code: str) -> list[Run]:
    """Give the trend per point of the scale, beside the contrast of two bands."""
    known = [check for check in matching(m.results.checks, code=code) if check.low < check.high < math.inf]
    key = "results.trend" if code == "trend" else "results.spend_trend"
    return [f" {say(key, factor=with_limits(check))}" for check in known]


def spend(m: Material) -> list[Run]:
    """Say what the two bands spent."""
    if m.spec.spend is None:
        return []
    found = headline(m, "spend")
    sides = _sides(found, m)
    if not sides:
        return [*styled("results.spend_none", reason=_no_spend(m)), *_trend(m, "spend_trend")]
    key = "results.spend_two" if len(sides) > 2 else "results.spend_one"
    said = styled(key, window=periods(m.spec.spend.window_months, "month"), **sides)
    if m.spec.subscription is not None:
        said.append(f" {say('results.spend_lost')}")
    return [*said, *_contrast(found, "results.difference_ratio"), *_trend(m, "spend_trend")]


def tenure(m: Material) -> list[Run]:
    """Say how long the two bands stayed within follow-up, and that beyond it the model decides."""
    found, later = headline(m, "tenure"), beyond(m)
    known = _bands(found)
    if not known:
        return styled("results.tenure_none", beyond=later) if later else []
    key = "results.tenure_two" if len(known) > 1 else "results.tenure_one"
    said = styled(key, horizon=stretch(known[0].horizon or m.spec.horizon, m.spec.unit), **_sides(found, m))
    return [*said, *_contrast(found, "results.difference_ratio"), *([f" {later}"] if later else [])]


def _sides(found: dict[str, Estimate | None], m: Material) -> dict[str, str]:
    """Name the bands that have an estimate, and give it; the first of them stands as ``group``."""
    facts: dict[str, str] = {}
    for name, row in zip(("group", "reference"), _bands(found), strict=False):
        facts |= {name: _who(row, m), f"{name}_value": full_beside(row, found)}
    return facts


def _who(row: Estimate, m: Material) -> str:
    """Say who a group is, and how many they are."""
    return with_n(who(row.group, m.spec), row.n)


def beyond(m: Material) -> str:
    """Say what the estimate is at the longest horizon, and how much of it is extrapolated."""
    horizon, pieces = max(m.spec.tenure_horizons), []
    for group in m.sides:
        row = m.book.best("tenure", group, REPORTED, horizon)
        if row is not None and not row.blank and row.extrapolated > 0:
            name, share = score(group, m.spec), row.extrapolated
            pieces.append(say("results.beyond_group", value=full(row), group=name, share=share))
    if not pieces:
        return ""
    said = say("results.beyond", horizon=periods(horizon, m.spec.unit), estimates=pieces)
    return " ".join([said, *_of_another_model(m)])


def _of_another_model(m: Material) -> list[str]:
    """Where another model gives the headline, say what the one that extrapolates puts in its place."""
    until = reach(m)
    stands = m.book.headline("tenure", m.sides[0])
    if until is None or stands is None or stands.model in ("kaplan_meier", REPORTED):
        return []
    rows = [m.book.best("tenure", group, REPORTED, until) for group in m.sides]
    values = [
        say("limitations.of_group", value=full(row), group=score(row.group, m.spec))
        for row in rows
        if row is not None and not row.blank
    ]
    after = periods(until, m.spec.unit)
    return [say("results.beyond_model", horizon=after, estimates=values)] if values else []


def _bands(found: dict[str, Estimate | None]) -> list[Estimate]:
    return [row for row in (found["group"], found["reference"]) if row is not None]


def _contrast(found: dict[str, Estimate | None], with_ratio: str) -> list[Run]:
    difference, ratio = found["difference"], found["ratio"]
    if difference is None:
        return []
    facts = {"difference": full_beside(difference, found)}
    said = (
        say("results.difference", **facts) if ratio is None else say(with_ratio, ratio=full(ratio), **facts)
    )
    if difference.conf_low <= 0 <= difference.conf_high:
        said += f" {say('results.not_distinguished')}"
    return [f" {said}"]


def _no_retention(m: Material) -> str:
    """Say why no headline stands at the horizon, and what is known instead."""
    horizon = periods(m.spec.horizon, m.spec.unit)
    curves = m.book.where("retention", model="kaplan_meier", adjusted="no", stratum="", scenario="")
    if curves and all(row.blank for row in curves):
        return say("results.retention_blank", horizon=horizon)
    last = min(max((row.horizon or 0 for row in curves if not row.blank), default=0), m.spec.horizon)
    if last == 0:
        return say("results.retention_not_estimated", horizon=horizon)
    text = say("results.retention_not_followed", horizon=horizon)
    if unsupported(m, "kaplan_meier"):
        text = say("results.retention_unsupported", horizon=horizon, **_compared(m))
    elif last == m.spec.horizon:
        sides = [who(group, m.spec) for group in m.sides]
        text = say("results.retention_unstandardised", horizon=horizon, groups=sides)
    rows = [m.book.get("retention", group, "kaplan_meier", last) for group in (*m.sides, "all")]
    shown = [
        say("results.retention_of", value=full(row), group=who(row.group, m.spec))
        for row in rows
        if row is not None and not row.blank
    ]
    known = say("results.retention_known", horizon=periods(last, m.spec.unit), values=shown)
    return f"{text} {known}" if shown else text


def _no_spend(m: Material) -> str:
    """Say why spend has no headline, and what is known instead."""
    if not unsupported(m, "means"):
        return say("results.spend_not_estimated")
    rows = [m.book.get("spend", group, "means") for group in (*m.sides, "all")]
    shown = [
        say("results.spend_of", group=who(row.group, m.spec), value=full(row))
        for row in rows
        if row is not None and not row.blank
    ]
    text = say("results.spend_unsupported", **_compared(m))
    return f"{text} {say('results.spend_known', values=listed(shown))}" if shown else text


def _compared(m: Material) -> dict[str, str]:
    """Name the strata, the levels of the headline contrast, and what clusters ask of their customers."""
    group, reference = (levels(side, m.spec) for side in m.sides)
    several = say("results.of_several_buckets") if m.spec.cluster_column else ""
    return {"variables": adjusted_for(m), "group": group, "reference": reference, "several": several}

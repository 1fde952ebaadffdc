"""The pages about retention: curves, scores, contrasts, strata, other clocks, reasons for leaving."""

from cxlink.report.content import Material
from cxlink.report.document import Block, heading, paragraph, picture, table
from cxlink.report.estimates_lookup import one_kind
from cxlink.report.figures import cohort_figures as figures
from cxlink.report.figures import drawing
from cxlink.report.format import (
    bare,
    capital,
    coverage,
    periods,
    score,
    shortened,
    value,
)  # fmt: skip
from cxlink.report.sections import score_tables as tables

MODEL = "kaplan_meier"
LATER = (
    "Scores given shortly before a cancellation may record a decision already taken. Counting only customers who "
    "are still there some time after the score shows how much of the difference such scores carry."
)
NAIVE = (
    "Counting from signup is shown as a warning only: a customer had to stay until the survey to give a score at all, "
    "so the time before it counts as retention that nobody could have lost."
)


def retention_pages(m: Material, level: int = 1) -> list[Block]:
    """Say how long customers stayed, score by score; nothing for a cohort with spend only."""
    if m.spec.subscription is None:
        return []
    h, after, share = m.spec.horizon, periods(m.spec.horizon, m.spec.unit), coverage(m.spec)
    parts = [heading("Retention", level)]
    if not m.book.where("retention", model=MODEL):
        return [*parts, paragraph("No retention could be estimated; the diagnostics say why.")]
    scenarios = [
        name for name in ("", "since_signup") if m.book.where("retention", model=MODEL, scenario=name)
    ]
    parts += [_curves(m, scenario) for scenario in scenarios]
    if m.book.where("retention", model=MODEL, horizon=h, scenario="", stratum=""):
        caption = f"Still customers after {after} by score, in per cent with {share} intervals."
        parts += [*_by_score(m), tables.by_score(m, "retention", MODEL, h, caption)]
    caption = (
        f"Retention after {after} compared: differences in percentage points, ratios, with {share} intervals."
    )
    parts += tables.contrasts(m, "retention", MODEL, h, caption)
    caption = f"Retention after {after} within strata, in per cent, with {share} intervals."
    parts += tables.strata(m, "retention", MODEL, h, caption)
    return [*parts, *_other_clocks(m, level + 1), *_causes(m, level + 1)]


def _curves(m: Material, scenario: str) -> Block:
    """Draw the curves; customers at risk are known on the clock's own axis only."""
    sub, unit = m.spec.subscription, m.spec.unit
    own_clock = bool(scenario) or (sub is not None and sub.clock == "survey")
    axes = figures.retention_curves(
        m.given.estimates, m.spec, at_risk=m.given.at_risk if own_clock else None, scenario=scenario,
        simulated=m.given.simulated,
    )  # fmt: skip
    curves = {
        group: one_kind(
            m.book.where("retention", model=MODEL, group=group, stratum="", cause="", scenario=scenario)
        )
        for group in figures.BANDS
    }
    ends = [max(curve, key=lambda row: row.horizon or 0) for curve in curves.values() if curve]
    standardised = any(row.adjusted == "standardised" for row in ends)
    kind = "standardised, unless marked otherwise" if standardised else "unadjusted"
    start = "signup, from the first period with customers at risk" if scenario else "the score"
    caption = f"Customers still there, by time since {start} ({kind}); shaded: {coverage(m.spec)} intervals."
    if not scenario and any((row.horizon or 0) >= m.spec.horizon for row in ends):
        caption += f" Dotted line: {periods(m.spec.horizon, unit)}."
    if own_clock:
        caption += " Customers at risk: in the period that ends at the time shown; at 0, in the first."
    said = "; ".join(
        f"{score(r.group, m.spec)}: {value(r)} after {periods(r.horizon or 0, unit)}" for r in ends
    )
    alt = f"Curves of the share of customers still there, falling over time. {said}"
    return picture(f"retention-{scenario.replace('_', '-') or 'curves'}", drawing.svg(axes), alt, caption)


def _by_score(m: Material) -> list[Block]:
    """Draw retention at the horizon by score, where any may be shown."""
    said = tables.spoken([m.book.best("retention", str(level), MODEL, m.spec.horizon) for level in m.scores])
    if not said:
        return []
    axes = figures.retention_by_score(m.given.estimates, m.spec, simulated=m.given.simulated)
    after = periods(m.spec.horizon, m.spec.unit)
    alt = f"Dots with intervals: share still there after {after}, by score. {said}"
    caption = f"Still customers after {after}, score by score, with {coverage(m.spec)} intervals."
    return [picture("retention-by-score", drawing.svg(axes), alt, caption)]


def _other_clocks(m: Material, level: int) -> list[Block]:
    """Set the main reading beside later starts, and beside signup as a warning."""
    h, groups = m.spec.horizon, (*m.bands, "all")
    every = m.book.where("retention", model=MODEL, horizon=h, stratum="", group=groups)
    lags = sorted(
        {int(row.scenario.removeprefix("lag=")) for row in every if row.scenario.startswith("lag=")}
    )
    names = {f"lag={lag}": f"Counted from {periods(lag, m.spec.unit)} after the score" for lag in lags}
    if any(row.scenario == "from_signup" for row in every):
        names["from_signup"] = "Counted from signup (misleading)"
    if not names:
        return []
    lines = []
    for scenario, name in {"": "Main reading", **names}.items():
        for kind in tables.ADJUSTED:
            found = [
                m.book.get("retention", group, MODEL, h, scenario=scenario, adjusted=kind) for group in groups
            ]
            if any(row is not None for row in found):
                cells = ["" if row is None and row is found[-1] else bare(row, 1) for row in found]
                lines.append([f"{name}, {tables.HEADERS[kind].lower()}", *cells])
    text = " ".join(["Do the figures depend on when the clock starts?", *([LATER] if lags else [])])
    text += f" {NAIVE}" if "from_signup" in names else ""
    header = ["Reading", *(capital(score(group, m.spec)) for group in groups)]
    caption = f"Retention to {periods(h, m.spec.unit)}, other readings; in per cent, with {coverage(m.spec)} intervals."
    return [heading("Other readings of the clock", level), paragraph(text), table(caption, header, lines)]


def _causes(m: Material, level: int) -> list[Block]:
    """Set out the reasons for leaving, where the table gives any."""
    groups = (*m.bands, "all")
    rows = m.book.where("cumulative_incidence", group=groups, horizon=m.spec.horizon, stratum="", scenario="")
    chosen = {
        (row.cause, row.group): row for row in sorted(rows, key=lambda row: row.adjusted == "standardised")
    }
    causes = dict.fromkeys(row.cause for row in rows if row.cause)
    if not causes:
        return []
    cells = [
        [shortened(cause), *(bare(chosen.get((cause, group)), 1) for group in groups)] for cause in causes
    ]
    header = ["Reason for leaving", *(capital(score(group, m.spec)) for group in groups)]
    caption = (
        f"Customers lost for each reason within {periods(m.spec.horizon, m.spec.unit)} of the score (cumulative "
        f"incidence), in per cent, with {coverage(m.spec)} intervals."
    )
    return [heading("Reasons for leaving", level), table(caption, header, cells)]

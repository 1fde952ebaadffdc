"""The pages about retention: curves, scores, contrasts, strata, sensitivity, reasons for leaving."""

from cxlink.report import drawing, figures, tables
from cxlink.report.blocks import Block, heading, paragraph, picture, table
from cxlink.report.content import Estimate, Material
from cxlink.report.wording import (
    bare,
    capital,
    coverage,
    decimal,
    periods,
    score,
    shortened,
    value,
)

MODEL = "kaplan_meier"


def retention_pages(m: Material, level: int = 1) -> list[Block]:
    """Say how long customers stayed, score by score; nothing for a cohort with spend only."""
    if m.spec.subscription is None:
        return []
    after, share = periods(m.spec.horizon, m.spec.unit), coverage(m.spec)
    parts = [heading("Retention", level)]
    if not m.book.where("retention", model=MODEL):
        return [*parts, paragraph("No retention could be estimated; the diagnostics say why.")]
    parts += [_curves(m, "")]
    if m.book.where("retention", model=MODEL, scenario="since_signup"):
        parts += [_curves(m, "since_signup")]
    if m.book.where("retention", model=MODEL, horizon=m.spec.horizon, scenario="", stratum=""):
        parts += [_by_score(m)]
        caption = f"Still customers after {after} by score, in per cent with {share} intervals."
        parts += [tables.by_score(m, "retention", MODEL, m.spec.horizon, caption)]
    caption = (
        f"Retention after {after} compared: differences in percentage points, ratios, with {share} intervals."
    )
    parts += tables.contrasts(m, "retention", MODEL, m.spec.horizon, caption)
    parts += [paragraph(text) for text in _e_values(m)]
    within = f"Retention after {after} within strata, in per cent, with {share} intervals."
    return [
        *parts,
        *tables.strata(m, "retention", MODEL, m.spec.horizon, within),
        *_sensitivity(m, level + 1),
        *_causes(m, level + 1),
    ]


def _curves(m: Material, scenario: str) -> Block:
    own_clock = bool(scenario) or m.spec.subscription is None or m.spec.subscription.clock == "survey"
    axes = figures.retention_curves(
        m.given.estimates, m.spec, at_risk=m.given.at_risk if own_clock else None, scenario=scenario,
        simulated=m.given.simulated,
    )  # fmt: skip
    rows = [
        row for row in m.book.where("retention", model=MODEL, stratum="", scenario=scenario) if not row.blank
    ]
    kinds = {row.adjusted for row in rows if row.group in figures.BANDS}
    kind = "standardised, unless marked otherwise" if "standardised" in kinds else "unadjusted"
    start = "signup, from the first period with customers at risk" if scenario else "the score"
    caption = (
        f"Customers still there, by time since {start} ({kind}); shaded: {coverage(m.spec)} intervals at "
        "each period."
        + (f" Dotted line: {periods(m.spec.horizon, m.spec.unit)}." if not scenario else "")
        + (
            " Customers at risk: in the period that ends at the time shown; at 0, in the first."
            if own_clock
            else ""
        )
    )
    ends = [_last(rows, group) for group in ("best", "worst", "all")]
    alt = "Curves of the share of customers still there, falling over time. " + "; ".join(
        f"{score(row.group, m.spec)}: {value(row)} after {periods(row.horizon or 0, m.spec.unit)}"
        for row in ends
        if row
    )
    name = "retention-since-signup" if scenario else "retention-curves"
    return picture(name, drawing.svg(axes), alt, caption)


def _last(rows: list[Estimate], group: str) -> Estimate | None:
    return max((row for row in rows if row.group == group), key=lambda row: row.horizon or 0, default=None)


def _by_score(m: Material) -> Block:
    axes = figures.retention_by_score(m.given.estimates, m.spec, simulated=m.given.simulated)
    after, share = periods(m.spec.horizon, m.spec.unit), coverage(m.spec)
    ends = [m.book.best("retention", str(level), MODEL, m.spec.horizon) for level in m.scores]
    alt = f"Dots with intervals: share still there after {after}, by score. " + "; ".join(
        f"{row.group}: {value(row)}" for row in ends if row is not None and not row.blank
    )
    caption = f"Still customers after {after}, score by score, with {share} intervals."
    return picture("retention-by-score", drawing.svg(axes), alt, caption)


def _e_values(m: Material) -> list[str]:
    """Say how strong something unmeasured would have to be, where E-values were computed."""
    names = {"lost": "being lost", "retained": "being retained"}
    found = [
        row
        for row in m.book.where("e_value", group="best", reference="worst")
        if row.scenario in names and not row.blank
    ]
    chosen = {row.scenario: row for row in sorted(found, key=lambda row: row.adjusted == "standardised")}
    if not chosen:
        return []
    said = [
        f"{decimal(row.estimate, 2)} for {names[key]} (at the interval's limit nearer to 1: "
        f"{decimal(row.conf_low, 2)})"
        for key, row in sorted(chosen.items())
    ]  # fmt: skip
    return [
        "E-values: something unmeasured would have to go with both the score and the outcome by a risk "
        f"ratio of at least {' and '.join(said)} to account for the whole ratio by itself (VanderWeele and "
        "Ding 2017)."
    ]


def _sensitivity(m: Material, level: int) -> list[Block]:
    """Set the main reading beside later starts, and beside signup as a warning."""
    h, unit = m.spec.horizon, m.spec.unit
    lags = sorted(
        {
            int(r.scenario[4:])
            for r in m.book.where("retention", model=MODEL, horizon=h)
            if r.scenario.startswith("lag=")
        }
    )
    kinds = [
        ("Main reading", ""),
        *((f"Counted from {periods(lag, unit)} after the score", f"lag={lag}") for lag in lags),
    ]
    kinds.append(("Counted from signup (misleading)", "from_signup"))
    rows = []
    for name, scenario in kinds:
        for adjusted in tables.ADJUSTED:
            found = [
                m.book.get("retention", group, MODEL, h, scenario=scenario, adjusted=adjusted)
                for group in (*m.bands, "all")
            ]
            if any(row is not None for row in found):
                rows.append([f"{name}, {tables.HEADERS[adjusted].lower()}", *(bare(row, 1) for row in found)])
    if len({row[0].split(",")[0] for row in rows}) < 2:
        return []
    header = ["Reading", *(capital(score(group, m.spec)) for group in (*m.bands, "all"))]
    text = "Do the figures depend on when the clock starts? "
    if lags:
        text += (
            "Scores given shortly before a cancellation may record a decision already taken. Counting only "
            "customers who are still there some time after the score shows how much of the difference such "
            "scores carry. "
        )
    if any(row[0].startswith("Counted from signup") for row in rows):
        text += (
            "Counting from signup is shown as a warning only: a customer had to stay until the survey to "
            "give a score at all, so the time before it counts as retention that nobody could have lost."
        )
    caption = (
        f"Retention to {periods(h, unit)}, other readings; in per cent, with {coverage(m.spec)} intervals."
    )
    return [
        heading("Other readings of the clock", level),
        paragraph(text.strip()),
        table(caption, header, rows),
    ]


def _causes(m: Material, level: int) -> list[Block]:
    rows = m.book.where("cumulative_incidence", horizon=m.spec.horizon, stratum="", scenario="")
    causes = dict.fromkeys(row.cause for row in rows if row.cause)
    if not causes:
        return []
    names = (*m.bands, "all")
    cells = [
        [shortened(cause), *(bare(_incidence(m, cause, group), 1) for group in names)] for cause in causes
    ]
    header = ["Reason for leaving", *(capital(score(group, m.spec)) for group in names)]
    after = periods(m.spec.horizon, m.spec.unit)
    caption = (
        f"Customers lost for each reason within {after} of the score (cumulative incidence), in per cent, "
        f"with {coverage(m.spec)} intervals."
    )
    return [heading("Reasons for leaving", level), table(caption, header, cells)]


def _incidence(m: Material, cause: str, group: str) -> Estimate | None:
    rows = m.book.where(
        "cumulative_incidence", group=group, cause=cause, horizon=m.spec.horizon, stratum="", scenario=""
    )
    return max(rows, key=lambda row: row.adjusted == "standardised", default=None)

"""The pages about retention: curves, scores, contrasts, strata, other time origins, reasons for leaving."""

from cxlink.estimands.scenario import scenario_of
from cxlink.estimands.second_opinions import REPORTED
from cxlink.report.content import Material
from cxlink.report.document import Block, heading, paragraph, picture, table
from cxlink.report.estimates_lookup import Estimate, one_kind
from cxlink.report.figures import cohort_figures as figures
from cxlink.report.figures import drawing
from cxlink.report.figures.score_curves import level_curves, score_curves, with_bands
from cxlink.report.format import (
    bare,
    capital,
    coverage,
    levels,
    periods,
    score,
    shortened,
    value,
)  # fmt: skip
from cxlink.report.sections import score_tables as tables
from cxlink.report.sections.simultaneous_table import simultaneous
from cxlink.report.words import say

MODEL = "kaplan_meier"


def retention_pages(m: Material, level: int = 1) -> list[Block]:
    """Say how long customers stayed, score by score; nothing for a cohort with spend only."""
    if m.spec.subscription is None:
        return []
    h, after, share = m.spec.horizon, periods(m.spec.horizon, m.spec.unit), coverage(m.spec)
    parts = [heading(say("retention.heading"), level)]
    if not m.book.where("retention", model=MODEL):
        return [*parts, paragraph(say("retention.none"))]
    scenarios = [
        name for name in ("", "since_signup") if m.book.where("retention", model=MODEL, scenario=name)
    ]
    parts += [curves(m, scenario) for scenario in scenarios]
    parts += _by_level(m)
    if m.book.where("retention", model=MODEL, horizon=h, scenario="", stratum=""):
        caption = say("retention.caption_by_score", after=after, level=share)
        parts += [*_by_score(m), tables.by_score(m, "retention", MODEL, h, caption)]
    caption = say("retention.caption_contrasts", after=after, level=share)
    parts += tables.contrasts(m, "retention", MODEL, h, caption)
    kinds = ("retention_difference", "retention_ratio")
    parts += simultaneous(m, kinds, MODEL, h, "retention.caption_simultaneous")
    caption = say("retention.caption_strata", after=after, level=share)
    parts += tables.strata(m, "retention", MODEL, h, caption)
    return [*parts, *_other_origins(m, level + 1), *_causes(m, level + 1)]


def curves(m: Material, scenario: str) -> Block:
    """Draw the curves; customers at risk are known on the cohort's own time axis only."""
    sub, unit = m.spec.subscription, m.spec.unit
    own_clock = bool(scenario) or (sub is not None and sub.clock == "survey")
    axes = figures.retention_curves(
        m.results.estimates, m.spec, at_risk=m.results.at_risk if own_clock else None, scenario=scenario,
        simulated=m.results.simulated,
    )  # fmt: skip
    known = {
        group: one_kind(
            m.book.where("retention", model=MODEL, group=group, stratum="", cause="", scenario=scenario)
        )
        for group in figures.BANDS
    }
    ends = [max(curve, key=lambda row: row.horizon or 0) for curve in known.values() if curve]
    standardised = any(row.adjusted == "standardised" for row in ends)
    kind = say("retention.curves_standardised" if standardised else "retention.curves_unadjusted")
    curve = "retention.curves_signup" if scenario else "retention.curves_survey"
    caption = [say(curve, kind=kind, level=coverage(m.spec))]
    if not scenario and any((row.horizon or 0) >= m.spec.horizon for row in ends):
        caption.append(say("retention.curves_horizon", horizon=periods(m.spec.horizon, unit)))
    if own_clock:
        caption.append(say("retention.curves_at_risk"))
    values = [
        say(
            "retention.curves_value",
            group=score(r.group, m.spec),
            value=value(r),
            after=periods(r.horizon or 0, unit),
        )
        for r in ends
    ]
    alt = say("retention.curves_alt", values="; ".join(values))
    return picture(
        f"retention-{scenario.replace('_', '-') or 'curves'}", drawing.svg(axes), alt, " ".join(caption)
    )


def _by_level(m: Material) -> list[Block]:
    """Draw a curve for each score, where three or more have one."""
    known = level_curves(m.results.estimates, m.spec)
    if len(known) < 3:
        return []
    ends = [curve[-1] for curve in known.values()]
    standardised = any(row.adjusted == "standardised" for row in ends)
    kind = say("retention.curves_standardised" if standardised else "retention.curves_unadjusted")
    values = [
        say(
            "retention.curves_value",
            group=r.group,
            value=value(r),
            after=periods(r.horizon or 0, m.spec.unit),
        )
        for r in ends
    ]
    axes = score_curves(m.results.estimates, m.spec, simulated=m.results.simulated)
    banded = with_bands(known)
    caption = say("forest.curves", kind=kind, level=coverage(m.spec))
    if banded != list(known):
        lowest, highest = (levels(level, m.spec) for level in banded)
        caption = say("forest.curves_ends", kind=kind, level=coverage(m.spec), lowest=lowest, highest=highest)
    alt = say("forest.curves_alt", values="; ".join(values))
    return [picture("retention-score-curves", drawing.svg(axes), alt, caption)]


def _by_score(m: Material) -> list[Block]:
    """Draw retention at the horizon by score, where any may be shown."""
    said = tables.spoken([m.book.best("retention", str(level), MODEL, m.spec.horizon) for level in m.scores])
    if not said:
        return []
    axes = figures.retention_by_score(m.results.estimates, m.spec, simulated=m.results.simulated)
    after = periods(m.spec.horizon, m.spec.unit)
    alt = say("retention.figure_by_score_alt", after=after, values=said)
    caption = say("retention.figure_by_score", after=after, level=coverage(m.spec))
    return [picture("retention-by-score", drawing.svg(axes), alt, caption)]


def _other_origins(m: Material, level: int) -> list[Block]:
    """Set the main analysis beside later time origins, and beside signup as a warning."""
    h, groups = m.spec.horizon, (*m.bands, "all")
    every = m.book.where("retention", model=(MODEL, REPORTED), horizon=h, stratum="", group=groups)
    others = {scenario_of(row.scenario): row.scenario for row in every}
    lags = sorted(
        (int(one.number), name)
        for one, name in others.items()
        if one.kind == "lag" and one.number is not None
    )
    names = {name: say("retention.origin_lag", lag=periods(lag, m.spec.unit)) for lag, name in lags}
    if any(row.scenario == "from_signup" for row in every):
        names["from_signup"] = say("retention.origin_signup")
    if not names:
        return []
    lines, extrapolated = [], False
    for scenario, name in {"": say("retention.origin_main"), **names}.items():
        for kind in tables.ADJUSTED:
            found = [_observed_or_continued(m, group, scenario, kind) for group in groups]
            extrapolated |= any(row.extrapolated > 0 for row in found if row is not None)
            if any(row is not None for row in found):
                cells = ["" if row is None and row is found[-1] else bare(row, 1) for row in found]
                lines.append(
                    [
                        say("retention.origin_row", origin=name, adjusted=say(f"format.adjusted_{kind}")),
                        *cells,
                    ]
                )
    text = [say("retention.origins_question"), *([say("retention.origins_lag")] if lags else [])]
    text += [say("retention.origins_signup")] if "from_signup" in names else []
    text += [say("retention.origins_extrapolated")] if extrapolated else []
    header = [say("retention.origins_column"), *(capital(score(group, m.spec)) for group in groups)]
    caption = say("retention.origins_caption", horizon=periods(h, m.spec.unit), level=coverage(m.spec))
    return [
        heading(say("retention.origins_heading"), level),
        paragraph(" ".join(text)),
        table(caption, header, lines),
    ]


def _observed_or_continued(m: Material, group: str, scenario: str, adjusted: str) -> Estimate | None:
    """Retention at the horizon: observed, or beyond follow-up by the curve of tenure."""
    h, key = m.spec.horizon, {"scenario": scenario, "adjusted": adjusted}
    return m.book.get("retention", group, MODEL, h, **key) or m.book.get(
        "retention", group, REPORTED, h, **key
    )


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
    header = [say("retention.causes_column"), *(capital(score(group, m.spec)) for group in groups)]
    caption = say(
        "retention.causes_caption", horizon=periods(m.spec.horizon, m.spec.unit), level=coverage(m.spec)
    )
    return [heading(say("retention.causes_heading"), level), table(caption, header, cells)]

"""The pages about spend."""

from cxlink.report.content import Material
from cxlink.report.document import Block, heading, paragraph, picture
from cxlink.report.figures import cohort_figures as figures
from cxlink.report.figures import drawing
from cxlink.report.format import coverage, periods
from cxlink.report.sections import score_tables as tables
from cxlink.report.sections.coefficient_section import coefficient_pages
from cxlink.report.sections.regression_section import spend_model_pages
from cxlink.report.sections.simultaneous_table import simultaneous
from cxlink.report.words import say

MODEL = "means"


def spend_pages(m: Material, level: int = 1) -> list[Block]:
    """Say what customers spent, score by score; nothing for a cohort without spend."""
    if m.spec.spend is None:
        return []
    parts = [heading(say("spend.heading"), level), paragraph(_windows(m))]
    if not m.book.where("spend", model=MODEL):
        return [*parts, paragraph(say("spend.none"))]
    currency, share = m.spec.spend.currency, coverage(m.spec)
    window = periods(m.spec.spend.window_months, "month")
    parts += _figure(m, window)
    caption = say("spend.caption_by_score", window=window, currency=currency, level=share)
    parts.append(tables.by_score(m, "spend", MODEL, None, caption))
    caption = say("spend.caption_contrasts", currency=currency, level=share)
    parts += tables.contrasts(m, "spend", MODEL, None, caption)
    kinds = ("spend_difference", "spend_ratio")
    parts += simultaneous(m, kinds, MODEL, None, "spend.caption_simultaneous")
    within = say("spend.caption_strata", window=window, currency=currency, level=share)
    parts += tables.strata(m, "spend", MODEL, None, within)
    return [*parts, *spend_model_pages(m, level + 1), *coefficient_pages(m, "spend", level + 1)]


def _figure(m: Material, window: str) -> list[Block]:
    """Draw spend by score, where any may be shown."""
    said = tables.spoken([m.book.best("spend", str(score), MODEL) for score in m.scores])
    if not said:
        return []
    axes = figures.spend_by_score(m.results.estimates, m.spec, simulated=m.results.simulated)
    alt = say("spend.figure_alt", window=window, values=said)
    caption = say("spend.figure", window=window, level=coverage(m.spec))
    return [picture("spend-by-score", drawing.svg(axes), alt, caption)]


def _windows(m: Material) -> str:
    spend = m.spec.spend
    scored = m.results.counts.cells[m.results.counts.cells["score"].notna()]
    if spend is None or "spend_n" not in scored:
        return ""
    complete = int(scored["spend_n"].sum())
    window = periods(spend.window_months, "month")
    text = say("spend.windows", window=window, complete=complete, scored=m.n_scored)
    return text if m.spec.subscription is None else f"{text} {say('spend.windows_retention')}"

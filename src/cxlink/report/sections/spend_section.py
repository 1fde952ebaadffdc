"""The pages about spend."""

from cxlink.report.content import Material
from cxlink.report.document import Block, heading, paragraph, picture
from cxlink.report.figures import cohort_figures as figures
from cxlink.report.figures import drawing
from cxlink.report.format import coverage, whole
from cxlink.report.sections import score_tables as tables
from cxlink.report.sections.regression_section import spend_model_pages

MODEL = "means"


def spend_pages(m: Material, level: int = 1) -> list[Block]:
    """Say what customers spent, score by score; nothing for a cohort without spend."""
    if m.spec.spend is None:
        return []
    parts = [heading("Spend", level), paragraph(_windows(m))]
    if not m.book.where("spend", model=MODEL):
        return [*parts, paragraph("No mean spend could be estimated; the diagnostics say why.")]
    currency, share = m.spec.spend.currency, coverage(m.spec)
    window = f"{m.spec.spend.window_months} months"
    parts += _figure(m, window)
    caption = f"Mean spend in {window} by score, in {currency} with {share} intervals."
    parts.append(tables.by_score(m, "spend", MODEL, None, caption))
    caption = f"Mean spend compared: differences in {currency}, ratios of means, with {share} intervals."
    parts += tables.contrasts(m, "spend", MODEL, None, caption)
    within = f"Mean spend in {window} within strata, in {currency} with {share} intervals."
    parts += tables.strata(m, "spend", MODEL, None, within)
    return [*parts, *spend_model_pages(m, level + 1)]


def _figure(m: Material, window: str) -> list[Block]:
    """Draw spend by score, where any may be shown."""
    said = tables.spoken([m.book.best("spend", str(score), MODEL) for score in m.scores])
    if not said:
        return []
    axes = figures.spend_by_score(m.given.estimates, m.spec, simulated=m.given.simulated)
    alt = f"Dots with intervals: mean spend in {window}, by score. {said}"
    caption = (
        f"Mean spend in the {window} after the score, score by score, with {coverage(m.spec)} intervals."
    )
    return [picture("spend-by-score", drawing.svg(axes), alt, caption)]


def _windows(m: Material) -> str:
    spend = m.spec.spend
    scored = m.given.cells[m.given.cells["score"].notna()]
    if spend is None or "spend_n" not in scored:
        return ""
    complete = int(scored["spend_n"].sum())
    text = (
        f"Spend is counted over the {spend.window_months} months after the score, for the {whole(complete)} "
        f"of {whole(m.n_scored)} scored customers whose window was over. Means are of everybody in it, those "
        "who spent nothing included."
    )
    if m.spec.subscription is not None:
        text += (
            " Customers whose window was not over are left out, whether lost or not; whoever left within a "
            "complete one stays in."
        )
    return text

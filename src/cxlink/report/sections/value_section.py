"""The pages about what a customer is worth."""

from cxlink.report.content import Material
from cxlink.report.document import Block, code, heading, notice, paragraph, picture, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.figures import cohort_figures as figures
from cxlink.report.figures import drawing
from cxlink.report.format import bare, capital, coverage, percent, periods, score, shared_digits, units
from cxlink.report.sections import score_tables as tables

_FIRST_EXCLUDED = "first_excluded"


def value_pages(m: Material, level: int = 1) -> list[Block]:
    """Say what customers are worth by score: new ones and current ones; nothing where the spec has no [value]."""
    if m.spec.value is None or m.spec.spend is None:
        return []
    parts = [heading("What it is worth", level), paragraph(_how(m))]
    estimand = "value" if m.book.where("value") else "revenue"
    rows = m.book.where(estimand, given=0, scenario="")
    if not rows or all(row.blank for row in rows):
        return [*parts, paragraph("No value could be estimated; the diagnostics say why.")]
    model, horizon = rows[0].model, rows[0].horizon
    span, what = periods(horizon or 0, m.spec.unit), f"Lifetime {estimand}"
    currency = m.spec.spend.currency
    parts += _figure(m, rows, what, span)
    caption = f"{what} of a customer over {span} by score, in {currency} with {coverage(m.spec)} intervals."
    parts.append(tables.by_score(m, estimand, model, horizon, caption))
    caption = f"{what} compared: differences in {currency}, ratios, with {coverage(m.spec)} intervals."
    parts += tables.contrasts(m, estimand, model, horizon, caption)
    parts += _bands(m, estimand, model, horizon)
    return [*parts, notice(_caution()), code("cxlink value RUN --move 1-6:7-8 --fraction 0.2 --cost 500000")]


def _how(m: Material) -> str:
    spend, margin = m.spec.spend, m.spec.value.margin if m.spec.value else None
    window = f"{spend.window_months if spend else 0} months"
    earned = (
        f"Margin is the column {margin}, over the {window} after the score."
        if isinstance(margin, str)
        else f"Margin is taken as {percent(margin)} of spend."
        if margin is not None
        else "No margin was given: what follows is lifetime revenue, not value."
    )
    if m.spec.subscription is None:
        return (
            f"{earned} Nothing is known of retention, so that it is counted over the {window} of spend alone."
        )
    return (
        f"{earned} That of a {m.spec.unit} as a customer is the mean over the window, zeros in, divided by the "
        f"{units(m.spec.unit)} of it that were spent as a customer, within each level and stratum. Value is the sum of "
        f"that margin × retention, discounted at {percent(m.spec.value_discount, 1)} a year, from the day of the score "
        "on. Retention is as observed while ten customers of a level and stratum are at risk, and continued by the "
        "average of the families. Intervals carry retention and spend, drawn together."
    )


def _figure(m: Material, rows: list[Estimate], what: str, span: str) -> list[Block]:
    known = {row.group: row for row in sorted(rows, key=lambda row: row.adjusted)}
    said = tables.spoken([known.get(str(level)) for level in m.scores])
    if not said:
        return []
    axes = figures.value_by_score(m.results.estimates, m.spec, simulated=m.results.simulated)
    alt = f"Dots with intervals: {what.lower()} over {span}, by score. {said}"
    caption = f"{what} of a customer over {span}, score by score, with {coverage(m.spec)} intervals."
    return [picture("value-by-score", drawing.svg(axes), alt, caption)]


def _bands(m: Material, estimand: str, model: str, horizon: int | None) -> list[Block]:
    """Set the bands out: new customers either way, current ones, revenue, and what lies beyond follow-up."""

    def found(name: str, **key: object) -> list[Estimate | None]:
        return [m.book.best(name, band, model, horizon, **key) for band in m.bands]

    lines = {"New customers, first margin at once": found(estimand)}
    lines["New customers, margins at the ends of periods"] = found(estimand, scenario=_FIRST_EXCLUDED)
    for given in m.spec.given if m.spec.subscription is not None else ():
        name = f"Current customers, after {periods(given, m.spec.unit)}: what is left"
        lines[name] = found(estimand, given=given)
    if estimand == "value":
        lines["Lifetime revenue of new customers"] = found("revenue")
    rate = "margin_per_period" if estimand == "value" else "revenue_per_period"
    name = f"{'Margin' if estimand == 'value' else 'Revenue'} of a {m.spec.unit} as a customer"
    lines[name] = [m.book.best(rate, band, model) for band in m.bands]
    digits = shared_digits([row for row in lines[name] if row is not None])
    rows = [
        [text, *(bare(row, digits if text == name else None) for row in rows)]
        for text, rows in lines.items()
        if any(row is not None for row in rows)
    ]
    beyond = [percent(row.extrapolated) if row is not None else "" for row in found(estimand)]
    rows.append(["Of the first, share beyond what was observed", *beyond])
    currency = m.spec.spend.currency if m.spec.spend else ""
    header = ["", *(capital(score(band, m.spec)) for band in m.bands)]
    return [
        table(f"New and current customers, in {currency} with {coverage(m.spec)} intervals.", header, rows)
    ]


def _caution() -> str:
    return (
        "What customers with better scores are worth is not what an improvement would bring: the difference is an "
        "association. Margin is taken to stay what it was in the window. The command below values a programme, with "
        "the share of the difference that would follow as a dial:"
    )

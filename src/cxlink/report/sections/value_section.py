"""The pages about customer lifetime value."""

from cxlink.report.check_notes import published_error
from cxlink.report.content import Material
from cxlink.report.document import Block, code, heading, notice, paragraph, picture, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.figures import cohort_figures as figures
from cxlink.report.figures import drawing
from cxlink.report.format import bare, capital, coverage, percent, periods, score, shared_digits, units
from cxlink.report.sections import score_tables as tables
from cxlink.report.words import say

_FIRST_EXCLUDED = "first_excluded"
_TREND = "margin_trend"


def value_pages(m: Material, level: int = 1) -> list[Block]:
    """Give customer lifetime value by score, of new and current customers; nothing where the spec has no [value]."""
    if m.spec.value is None or m.spec.spend is None:
        return []
    parts = [heading(say("value.heading"), level), paragraph(_how(m))]
    estimand = "value" if m.book.where("value") else "revenue"
    rows = m.book.where(estimand, given=0, scenario="")
    if not rows or all(row.blank for row in rows):
        return [*parts, paragraph(say("value.none"))]
    model, horizon = rows[0].model, rows[0].horizon
    outcome, span = say(f"value.outcome_{estimand}"), periods(horizon or 0, m.spec.unit)
    currency, share = m.spec.spend.currency, coverage(m.spec)
    parts += _figure(m, rows, outcome, span)
    caption = say("value.caption_by_score", outcome=outcome, span=span, currency=currency, level=share)
    parts.append(tables.by_score(m, estimand, model, horizon, caption))
    caption = say("value.caption_contrasts", outcome=outcome, currency=currency, level=share)
    parts += tables.contrasts(m, estimand, model, horizon, caption)
    parts += _bands(m, estimand, model, horizon)
    return [
        *parts,
        notice(say("value.caution")),
        code(f"cxlink value RUN --move worst:best --fraction 0.2 --cost {_example_cost(m)}"),
    ]


def _example_cost(m: Material) -> str:
    """Give a cost of the cohort's size, a round hundredth of its spend; ``COST`` where that is not told."""
    spent = m.book.best("spend", "all", "means", None)
    if spent is None or spent.blank or not spent.estimate > 0:
        return "COST"
    share = spent.estimate * m.n_customers / 100
    return f"{float(f'{share:.0e}'):.15g}"


def _how(m: Material) -> str:
    spend, margin = m.spec.spend, m.spec.value.margin if m.spec.value else None
    window = periods(spend.window_months if spend else 0, "month")
    if isinstance(margin, str):
        earned = say("value.margin_column", column=margin, window=window)
    else:
        earned = say("value.no_margin") if margin is None else say("value.margin_share", share=margin)
    if m.spec.subscription is None:
        return f"{earned} {say('value.window_only', window=window)}"
    unit, plural = units(m.spec.unit, 1), units(m.spec.unit)
    method = say("value.method", unit=unit, units=plural, discount=m.spec.value_discount)
    return " ".join([earned, method, *published_error(m.results.checks, "value", m.spec.unit)])


def _figure(m: Material, rows: list[Estimate], outcome: str, span: str) -> list[Block]:
    known = {row.group: row for row in sorted(rows, key=lambda row: row.adjusted)}
    said = tables.spoken([known.get(str(level)) for level in m.scores])
    if not said:
        return []
    axes = figures.value_by_score(m.results.estimates, m.spec, simulated=m.results.simulated)
    alt = say("value.figure_alt", outcome=outcome, span=span, values=said)
    caption = say("value.figure", outcome=outcome, span=span, level=coverage(m.spec))
    return [picture("value-by-score", drawing.svg(axes), alt, caption)]


def _bands(m: Material, estimand: str, model: str, horizon: int | None) -> list[Block]:
    """Set the bands out: new customers either way, current ones, revenue, and the share that is extrapolated."""

    def found(name: str, **key: object) -> list[Estimate | None]:
        return [m.book.best(name, band, model, horizon, **key) for band in m.bands]

    lines = {say("value.new_first_included"): found(estimand)}
    lines[say("value.new_first_excluded")] = found(estimand, scenario=_FIRST_EXCLUDED)
    lines[say("value.new_margin_trend")] = found(estimand, scenario=_TREND)
    for given in m.spec.given if m.spec.subscription is not None else ():
        name = say("value.current", after=periods(given, m.spec.unit))
        lines[name] = found(estimand, given=given)
    if estimand == "value":
        lines[say("value.revenue_of_new")] = found("revenue")
    rates = _rates(m, estimand, model)
    digits = shared_digits([row for line in rates.values() for row in line if row is not None])
    rows = [
        [text, *(bare(row, digits if text in rates else None) for row in rows)]
        for text, rows in (lines | rates).items()
        if any(row is not None for row in rows)
    ]
    beyond = [percent(row.extrapolated) if row is not None else "" for row in found(estimand)]
    rows.append([say("value.extrapolated"), *beyond])
    currency = m.spec.spend.currency if m.spec.spend else ""
    header = ["", *(capital(score(band, m.spec)) for band in m.bands)]
    return [table(say("value.caption_bands", currency=currency, level=coverage(m.spec)), header, rows)]


def _rates(m: Material, estimand: str, model: str) -> dict[str, list[Estimate | None]]:
    """Margin, or revenue, of the next period: of new customers, and of those retained for some time."""
    rate = "margin_per_period" if estimand == "value" else "revenue_per_period"
    unit = units(m.spec.unit, 1)
    lines = {say(f"value.rate_{estimand}", unit=unit): [m.book.best(rate, band, model) for band in m.bands]}
    for given in m.spec.given if m.spec.subscription is not None else ():
        name = say(f"value.later_rate_{estimand}", unit=unit, after=periods(given, m.spec.unit))
        lines[name] = [m.book.best(rate, band, model, given=given) for band in m.bands]
    return lines

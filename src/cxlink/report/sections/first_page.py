"""Page one: what a manager reads in a minute."""

from collections.abc import Sequence

from cxlink.estimands.tidy import select
from cxlink.report.content import Material
from cxlink.report.document import (
    Block,
    Paragraph,
    Run,
    bullets,
    heading,
    notice,
    paragraph,
    picture,
    plain,
    table,
)
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.figures import cohort_figures as figures
from cxlink.report.figures import drawing
from cxlink.report.format import NONE, capital, coverage, customers, listed, periods, score, signed
from cxlink.report.sections import main_results as results
from cxlink.report.sections import score_tables as tables
from cxlink.report.sections.limitations import empty_bands, limits, resolved, snapshot, standardised_to
from cxlink.report.sections.quick_pages import fitted
from cxlink.report.words import say, styled

_LINE = 92  # characters that a line of the page holds, about
_ROOM = 25  # lines of text beside which page one has room for a picture


def first_page(m: Material, level: int = 1) -> list[Block]:
    """Give the results in numbers and words, and their limits."""
    parts, limited = headline_blocks(m), limits(m)
    if m.spec.analysis.models != "quick":
        limited = [*limited, plain(fitted(m))]
    said = [plain(part.runs) for part in parts if isinstance(part, Paragraph)][1:]
    if _lines([*said, *limited]) <= _ROOM:
        parts += _overview(m)
    return [*parts, heading(say("first_page.limits_heading"), level), bullets(limited)]


def headline_blocks(m: Material) -> list[Block]:
    """Give the results in numbers and words."""
    parts = [paragraph(_opening(m))]
    if m.results.simulated:
        parts.append(notice(say("first_page.simulated")))
    if m.spec.analysis.models == "quick":
        parts.append(notice(fitted(m)))
    parts += [notice(sentence) for sentence in (*resolved(m), *empty_bands(m), snapshot(m)) if sentence]
    rows = results.headline_rows(m)
    if rows:
        header = [say("first_page.result"), *(capital(score(side, m.spec)) for side in m.sides)]
        header += [say("first_page.difference"), say("first_page.ratio")]
        known = [i for i in range(len(header)) if any(row[i] != NONE for row in rows)]
        parts.append(
            table(_caption(m), [header[i] for i in known], [[row[i] for i in known] for row in rows])
        )
    said = [text for text in (results.retention(m), results.spend(m), results.tenure(m)) if text]
    return [*parts, *(paragraph(text) for text in said)]


def _opening(m: Material) -> list[Run]:
    """Say how many customers gave a score, and what the report relates it to."""
    spend = m.spec.spend
    facts = {
        "customers": customers(m.n_scored),
        "table": m.table or say("first_page.the_table"),
        "low": signed(m.spec.scale.levels[0]),
        "high": signed(m.spec.scale.levels[-1]),
    }
    if spend is None:
        return styled("first_page.opening_retention", **facts)
    key = "first_page.opening_spend" if m.spec.subscription is None else "first_page.opening_both"
    return styled(key, window=periods(spend.window_months, "month"), **facts)


def _caption(m: Material) -> str:
    rows = [row for outcome in results.OUTCOMES for row in results.headline(m, outcome).values()]
    return say("first_page.caption", level=coverage(m.spec), adjustment=standardised_to(rows, m))


def _overview(m: Material) -> list[Block]:
    """Draw both outcomes by score, side by side; nothing where neither has three levels."""
    known = {"retention": _by_level(m, "retention", "kaplan_meier", m.spec.horizon)}
    known["spend"] = _by_level(m, "spend", "means", None)
    known = {outcome: rows for outcome, rows in known.items() if len(rows) > 2}
    if not known:
        return []
    draw = {"retention": figures.retention_by_score, "spend": figures.spend_by_score}
    with drawing.sheet((6.3, 1.9), 1, len(known)) as axes:
        for ax, (outcome, rows) in zip(axes, known.items(), strict=True):
            shown = select(m.results.estimates, adjusted=rows[0].adjusted)
            draw[outcome](shown, m.spec, simulated=m.results.simulated, ax=ax).set_xlabel(
                say("first_page.overview_axis")
            )
            ticks = [label.get_text() for label in ax.get_xticklabels()]
            fewer = slice(None, None, 1 + len(ticks) // 12)
            ax.set_xticks(list(ax.get_xticks())[fewer], ticks[fewer])
    after = periods(m.spec.horizon, m.spec.unit)
    names = {
        "retention": say("first_page.overview_retention", after=after),
        "spend": say("first_page.overview_spend"),
    }
    said = [
        say("first_page.overview_alt", outcome=names[outcome], values=tables.spoken(rows))
        for outcome, rows in known.items()
    ]
    outcomes = listed([names[outcome] for outcome in known])
    caption = say("first_page.overview_caption", outcomes=outcomes, level=coverage(m.spec))
    return [picture("overview", drawing.svg(axes[0]), ". ".join(said), caption)]


def _by_level(m: Material, estimand: str, model: str, horizon: int | None) -> list[Estimate]:
    rows = [m.book.best(estimand, str(level), model, horizon) for level in m.scores]
    return [row for row in rows if row is not None and not row.blank]


def _lines(texts: Sequence[str]) -> int:
    """Lines that texts take on the page, about."""
    return sum(-(-len(text) // _LINE) for text in texts)

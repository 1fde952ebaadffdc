"""Page one: what a manager reads in a minute."""

from cxlink.report.content import Material
from cxlink.report.document import Block, Run, bullets, heading, notice, paragraph, plain, table
from cxlink.report.falling.falling_section import answers, every_survey, verdict
from cxlink.report.format import NONE, capital, coverage, periods, score, signed, with_n
from cxlink.report.profile_words import exclusion_moves, not_confirmed
from cxlink.report.sections import main_results as results
from cxlink.report.sections.limitations import empty_bands, limits, resolved, snapshot, standardised_to
from cxlink.report.sections.overview import overview
from cxlink.report.sections.quick_pages import fitted
from cxlink.report.sections.result_warnings import few, later_adjusters, odd_spend, wrong_sign
from cxlink.report.sections.support_words import stands_on
from cxlink.report.words import say, styled


def first_page(m: Material, level: int = 1) -> list[Block]:
    """Give the results in numbers, in a picture and in words, and their limits."""
    numbers, said, limited = _numbers(m), _sentences(m), limits(m)
    if m.spec.analysis.models != "quick":
        limited = [*limited, plain(fitted(m))]
    last = [heading(say("first_page.limits_heading"), level), bullets(limited)]
    # of a quick analysis the second page has the same by score
    drawn = overview(m, results.reach(m)) if m.spec.analysis.models != "quick" else []
    return [*numbers, *drawn, *said, *last]


def headline_blocks(m: Material) -> list[Block]:
    """Give the results in numbers and words."""
    return [*_numbers(m), *_sentences(m)]


def _numbers(m: Material) -> list[Block]:
    """Give what the cohort is, what the reader must know first, and the table of the main results."""
    parts = [paragraph(_opening(m))]
    if m.results.simulated:
        parts.append(notice(say("first_page.simulated")))
    if m.spec.analysis.models == "quick":
        parts.append(notice(fitted(m)))
    if m.spec.every_survey:
        parts.append(notice(every_survey(m)))
    bands = " ".join([*resolved(m), *few(m)])
    warnings = (
        not_confirmed(m.results.profile),
        *exclusion_moves(m.results.checks, m.spec),
        *later_adjusters(m),
        *odd_spend(m),
        *wrong_sign(m),
        *empty_bands(m),
        bands,
        " ".join(stands_on(m)),
        snapshot(m),
    )
    parts += [notice(sentence) for sentence in warnings if sentence]
    rows = results.headline_rows(m)
    if rows:
        sides = [capital(with_n(score(side, m.spec), _size(m, side))) for side in m.sides]
        header = [say("first_page.result"), *sides, say("first_page.difference"), say("first_page.ratio")]
        known = [i for i in range(len(header)) if any(row[i] != NONE for row in rows)]
        parts.append(
            table(_caption(m), [header[i] for i in known], [[row[i] for i in known] for row in rows])
        )
    return parts


def _size(m: Material, side: str) -> int | None:
    """Give the customers of a side; None where they are too few to be published."""
    return None if m.too_small(side) else m.size(side)


def _sentences(m: Material) -> list[Block]:
    said = [text for text in (results.retention(m), results.spend(m), results.tenure(m)) if text]
    return [*(paragraph(text) for text in said), *verdict(m)]


def _opening(m: Material) -> list[Run]:
    """Say how many customers gave a score, and what the report relates it to."""
    spend = m.spec.spend
    facts = {
        "customers": answers(m),
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

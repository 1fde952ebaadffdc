"""Mean spend of the two bands by regression models, beside the headline."""

import math

from cxlink.report.content import Material
from cxlink.report.document import Block, heading, paragraph, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import NONE, bare, capital, coverage, number, score, words
from cxlink.report.sections import score_tables as tables
from cxlink.report.sections.limitations import adjusted_for
from cxlink.report.words import say

MODELS = ("poisson", "gamma", "two_part", "log_ols")
_HEADLINE = "means"


def spend_model_pages(m: Material, level: int = 2) -> list[Block]:
    """Set the headline contrast of spend out by model; nothing where no other model has it."""
    kind = _kind(m)
    found = {model: _cells(m, model, kind) for model in (_HEADLINE, *MODELS)}
    known = {
        model: cells for model, cells in found.items() if any(r is not None and not r.blank for r in cells)
    }
    if not set(known) & set(MODELS):
        return []
    if kind == "no" and _same(known):
        return [paragraph(say("regression.same"))]
    digits = tables.common_digits([r for cells in known.values() for r in cells[:3] if r is not None])
    lines = [
        [capital(_name(model)), *(bare(row, digits) for row in cells[:3]), bare(cells[3])]
        for model, cells in known.items()
    ]
    sides = [capital(score(side, m.spec)) for side in m.sides]
    header = [say("regression.model"), *sides, say("score_tables.difference"), say("score_tables.ratio")]
    key = "regression.caption_standardised" if kind == "standardised" else "regression.caption"
    currency = m.spec.spend.currency if m.spec.spend is not None else ""
    caption = say(key, currency=currency, level=coverage(m.spec))
    notes = tables.blank_notes(m) if any(NONE in line for line in lines) else []
    return [
        heading(say("regression.heading"), level),
        paragraph(_what(m, known)),
        table(caption, header, lines, notes=notes, rules=[1] if _HEADLINE in known else []),
    ]


def beside_means(m: Material) -> str:
    """Say for the methods which other models of spend were fitted, and how; nothing where none was."""
    fitted = {row.model for row in m.book.where("spend", model=MODELS)}
    found = [say(f"regression.method_{model}") for model in MODELS if model in fitted]
    return f" {say('regression.methods', n=len(found), models=found)}" if found else ""


def _kind(m: Material) -> str:
    """Whether the models' rows are standardised."""
    rows = m.book.where("spend", model=MODELS, stratum="", scenario="", adjusted="standardised")
    return "standardised" if rows else "no"


def _cells(m: Material, model: str, kind: str) -> list[Estimate | None]:
    """Means of the two sides, their difference and their ratio."""
    group, reference = m.sides
    contrasts = [f"spend_{what}" for what in ("difference", "ratio")]
    return [
        *(m.book.get("spend", side, model, adjusted=kind) for side in m.sides),
        *(m.book.get(what, group, model, reference=reference, adjusted=kind) for what in contrasts),
    ]


def _same(known: dict[str, list[Estimate | None]]) -> bool:
    """Whether every model gives the same means of both sides, to what is printed."""
    means = [[round(row.estimate, 6) for row in cells[:2] if row is not None] for cells in known.values()]
    return all(mean == means[0] for mean in means)


def _name(model: str) -> str:
    return say("regression.means") if model == _HEADLINE else words(model)


def _what(m: Material, known: dict[str, list[Estimate | None]]) -> str:
    names = adjusted_for(m)
    said = [
        say("regression.additive", names=names) if names else "",
        say("regression.targets"),
        *_agreement(known),
    ]
    return " ".join(text for text in said if text)


def _agreement(known: dict[str, list[Estimate | None]]) -> list[str]:
    """Say how far apart the ratios are, and whether the headline's interval contains them."""
    ratios = {model: cells[3] for model, cells in known.items()}
    rows = {
        model: r for model, r in ratios.items() if r is not None and not r.blank and r.estimate < math.inf
    }
    others = {model: row for model, row in rows.items() if model != _HEADLINE}
    if not others:
        return []
    low, high = (number(pick(others.values(), key=lambda row: row.estimate)) for pick in (min, max))
    span, headline = low if low == high else say("results.range", low=low, high=high), rows.get(_HEADLINE)
    if headline is None:
        said = [say("regression.ratio_alone", span=span)]
    else:
        said = [say("regression.ratios", n=len(others), headline=number(headline), span=span)]
        outside = [
            words(m) for m, r in others.items() if not headline.conf_low <= r.estimate <= headline.conf_high
        ]
        within = say("regression.within", n=len(others))
        said.append(say("regression.outside", n=len(outside), models=outside) if outside else within)
    includes = [row.conf_low <= 1 <= row.conf_high for row in rows.values()]
    return [*said, say("regression.intervals_differ")] if any(includes) and not all(includes) else said

"""What other models of spend make of the two bands, beside the headline."""

import math

from cxlink.report.content import Material
from cxlink.report.document import Block, heading, paragraph, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import NONE, bare, capital, coverage, listed, number, score, words
from cxlink.report.sections import score_tables as tables
from cxlink.report.sections.limitations import adjusted_for

MODELS = ("poisson", "gamma", "two_part", "log_ols")
_METHODS = {
    "poisson": "an additive Poisson pseudo-likelihood (Gourieroux, Monfort and Trognon 1984)",
    "gamma": "a quasi-gamma with zeros in (Manning and Mullahy 2001)",
    "two_part": "a logit of any spend times a gamma of the amounts",
    "log_ols": "such a logit times a least-squares fit of log amounts, smeared by score level (Duan 1983)",
}
_HEADLINE = "means"
_SAME = (
    "With nothing to adjust for, an additive Poisson, a quasi-gamma and models in two parts (who spends anything, and "
    "how much) give the same means: each score has its own in all of them."
)


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
        return [paragraph(_SAME)]
    digits = tables.common_digits([r for cells in known.values() for r in cells[:3] if r is not None])
    lines = [
        [capital(_name(model)), *(bare(row, digits) for row in cells[:3]), bare(cells[3])]
        for model, cells in known.items()
    ]
    header = ["Model", *(capital(score(side, m.spec)) for side in m.sides), "Difference", "Ratio"]
    standardised = ", standardised" if kind == "standardised" else ""
    currency = m.spec.spend.currency if m.spec.spend is not None else ""
    caption = f"Mean spend by model{standardised}, in {currency} with {coverage(m.spec)} intervals."
    notes = tables.blank_notes(m) if any(NONE in line for line in lines) else []
    return [
        heading("Spend by other models", level),
        paragraph(_what(m, known)),
        table(caption, header, lines, notes=notes, rules=[1] if _HEADLINE in known else []),
    ]


def beside_means(m: Material) -> str:
    """Say for the methods which other models of spend were fitted, and how; nothing where none was."""
    fitted = {row.model for row in m.book.where("spend", model=MODELS)}
    found = [text for model, text in _METHODS.items() if model in fitted]
    if not found:
        return ""
    verb = "stands" if len(found) == 1 else "stand"
    return (
        f" Beside them {verb} {listed(found)}; effects of the score and of the variables adjusted for are additive on "
        "the scale of each model, and errors are robust, over all parts together."
    )


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
    return "means by level and stratum" if model == _HEADLINE else words(model)


def _what(m: Material, known: dict[str, list[Estimate | None]]) -> str:
    names = adjusted_for(m)
    text = ""
    if names:
        text = (
            f"These models take the effect of the score to be the same whatever {names} may be, on the scale of "
            "logarithms or of log-odds, so they can also answer for strata in which some score has nobody. "
        )
    text += (
        "The Poisson and the quasi-gamma describe mean spend, zeros in; the models in two parts describe who spends "
        "anything, and how much those do, and multiply the two. "
    )
    return f"{text}{_agreement(known)}".strip()


def _agreement(known: dict[str, list[Estimate | None]]) -> str:
    """Say how far apart the ratios are, and whether the headline's interval holds them."""
    ratios = {model: cells[3] for model, cells in known.items()}
    rows = {
        model: r for model, r in ratios.items() if r is not None and not r.blank and r.estimate < math.inf
    }
    others = {model: row for model, row in rows.items() if model != _HEADLINE}
    if not others:
        return ""
    low, high = (number(pick(others.values(), key=lambda row: row.estimate)) for pick in (min, max))
    span = low if low == high else f"{low} to {high}"
    headline = rows.get(_HEADLINE)
    if headline is None:
        return f"Their ratio of the two means is {span}.{_told_apart(list(rows.values()))}"
    text = (
        f"The means by level and stratum give a ratio of {number(headline)}; {_others(len(others))} {span}, "
    )
    outside = [
        words(m) for m, r in others.items() if not headline.conf_low <= r.estimate <= headline.conf_high
    ]
    if outside:
        verb = "lies" if len(outside) == 1 else "lie"
        text += f"of which {listed(outside)} {verb} outside its interval: the answer depends on the model."
    else:
        text += "within its interval."
    return text + _told_apart(list(rows.values()))


def _told_apart(rows: list[Estimate]) -> str:
    """Say so where some intervals of the ratio hold 1 and others do not."""
    holds = [row.conf_low <= 1 <= row.conf_high for row in rows]
    return " Not all of these intervals leave out a ratio of 1." if any(holds) and not all(holds) else ""


def _others(count: int) -> str:
    return "the other model gives" if count == 1 else "the others give"

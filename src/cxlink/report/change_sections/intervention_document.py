"""The report of an intervention: its value, its break-even point, and the methods."""

import math
from typing import Any

import pandas as pd

from cxlink import __version__
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.change_sections.intervention_words import caution, chance, even, sentences, what
from cxlink.report.check_notes import published_error
from cxlink.report.content import byline, mark
from cxlink.report.document import (
    Block,
    Document,
    bullets,
    code,
    heading,
    notice,
    paragraph,
    picture,
    table,
)
from cxlink.report.estimates_lookup import Estimate, known_rows
from cxlink.report.figures import drawing
from cxlink.report.figures.intervention_figures import break_even, by_share, chance_of_breaking_even
from cxlink.report.format import (
    NONE,
    bare,
    coverage,
    decimal,
    full,
    percent,
    periods,
    units,
    whole,
)
from cxlink.report.words import say, styled
from cxlink.value.intervention import InterventionValue
from cxlink.value.shifts import Intervention

_SHOWN = (0.0, 0.25, 0.5, 0.75, 1.0)
SOURCES = (
    "Gupta, S., Lehmann, D. R. and Stuart, J. A. (2004). Valuing customers. Journal of Marketing Research 41(1), 7–18.",
    "VanderWeele, T. J. and Ding, P. (2017). Sensitivity analysis in observational research: introducing the E-value. "
    "Annals of Internal Medicine 167(4), 268–274.",
)


def intervention_document(outcome: InterventionValue, command: str = "") -> Document:
    """Give the whole report; ``command`` says how to run it again."""
    intervention, spec, estimates = outcome.intervention, outcome.spec, outcome.estimates
    parts = [
        heading(say("intervention.heading")),
        *_sentences(outcome),
        *_figures(intervention, spec, estimates),
        _shares(intervention, spec, estimates),
        heading(say("intervention.value_heading")),
        paragraph(_values(intervention, spec, estimates)),
        *(paragraph(text) for text in published_error(outcome.checks, "value", spec.unit)),
        heading(say("intervention.methods_heading")),
        bullets(_methods(outcome)),
        heading(say("intervention.references_heading")),
        bullets(SOURCES, small=True),
        heading(say("comparison.command_heading")),
        code(command),
    ]
    return Document(
        title=say("intervention.title", cohort=spec.cohort.name),
        subtitle=say("intervention.subtitle", intervention=what(outcome)),
        header=spec.cohort.name,
        footer=f"cxlink {__version__}",
        mark=mark(spec.cohort.simulated),
        blocks=tuple(parts),
        author=spec.report.author,
        byline=byline(spec),
    )


def results(outcome: InterventionValue) -> list[Block]:
    """Give what came out, in sentences and by causal share."""
    return [*_sentences(outcome), _shares(outcome.intervention, outcome.spec, outcome.estimates)]


def _sentences(outcome: InterventionValue) -> list[Block]:
    return [*(paragraph(text) for text in sentences(outcome)), notice(caution())]


def _figures(intervention: Intervention, spec: CohortSpec, estimates: pd.DataFrame) -> list[Block]:
    first = break_even(
        estimates, intervention.cost, intervention.causal_share, simulated=spec.cohort.simulated
    )
    second = chance_of_breaking_even(estimates, intervention.causal_share, simulated=spec.cohort.simulated)
    ends = by_share(estimates, "incremental_margin")[-1][1]
    chances = [
        say("intervention.probability_at", share=share, probability=chance(row))
        for share, row in by_share(estimates, "break_even_probability")
        if share in _SHOWN
    ]
    return [
        picture(
            "break-even", drawing.svg(first),
            say("intervention.figure_alt", margin=full(ends), even=even(intervention, estimates)),
            say("intervention.figure", level=coverage(spec), share=intervention.causal_share),
        ),
        picture(
            "break-even-probability", drawing.svg(second),
            say("intervention.probability_alt", values="; ".join(chances)),
            say("intervention.probability"),
        ),
    ]  # fmt: skip


def _shares(intervention: Intervention, spec: CohortSpec, estimates: pd.DataFrame) -> Block:
    names = ["incremental_margin", "programme_return", "payback", "break_even_probability"]
    by_name = {name: dict(by_share(estimates, name)) for name in names}
    rows = []
    for share in sorted({*_SHOWN, intervention.causal_share}):
        margin, returned, payback, probability = (by_name[name].get(share) for name in names)
        rows.append([
            percent(share), bare(margin), _per_cent(returned), _periods(payback),
            NONE if probability is None else chance(probability),
        ])  # fmt: skip
    currency = spec.spend.currency if spec.spend is not None else ""
    header = [
        say("intervention.column_share"),
        say("intervention.column_margin", currency=currency),
        say("intervention.column_return"),
        say("intervention.column_payback", units=units(spec.unit)),
        say("intervention.column_even"),
    ]
    caption = say("intervention.shares_caption", level=coverage(spec))
    return table(caption, header, rows, notes=[say("intervention.shares_note")])


def _periods(row: Estimate | None) -> str:
    if row is None:
        return NONE
    return say("intervention.never") if math.isinf(row.estimate) else whole(row.estimate)


def _per_cent(row: Estimate | None) -> str:
    if row is None or row.blank:
        return NONE
    low, high = (decimal(100 * end, 0) for end in (row.conf_low, row.conf_high))
    return f"{decimal(100 * row.estimate, 0)} [{low},\u00a0{high}]"


def _values(intervention: Intervention, spec: CohortSpec, estimates: pd.DataFrame) -> list[Any]:
    rows = {row.group: row for row in known_rows(estimates, estimand="value")}
    before, after = rows[intervention.reference], rows[intervention.group]
    difference = known_rows(estimates, estimand="value_difference")[0]
    horizon = periods(before.horizon or 0, spec.unit)
    return styled(
        "intervention.values",
        horizon=horizon,
        before=full(before),
        after=full(after),
        difference=full(difference),
        before_share=before.extrapolated,
        after_share=after.extrapolated,
    )


def _methods(outcome: InterventionValue) -> list[str]:
    spec = outcome.spec
    margin = spec.value.margin if spec.value is not None else None
    window = spec.spend.window_months if spec.spend is not None else 0
    source = say("intervention.margin_column", column=margin)
    if not isinstance(margin, str):
        source = say("intervention.margin_share", share=float(margin or 0))
    valued = say("intervention.method_value_spend")
    if spec.subscription is not None:
        valued = say("intervention.method_value", discount=spec.value_discount)
    methods = [
        say("intervention.method_margin", source=source, window=periods(window, "month")),
        valued,
        say("intervention.method_strata"),
        say("intervention.method_covered", n=outcome.n_source, share=outcome.covered),
        say(
            "intervention.method_intervals",
            level=coverage(spec),
            draws=spec.analysis.draws,
            seed=spec.analysis.seed,
        ),
    ]
    if outcome.fingerprint:
        methods.append(say("intervention.method_fingerprint", fingerprint=outcome.fingerprint))
    return methods

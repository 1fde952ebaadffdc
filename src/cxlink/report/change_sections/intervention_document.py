"""The report of an intervention: its value, its break-even point, and the methods."""

import math
from typing import Any

import pandas as pd

from cxlink import __version__
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.content import mark
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
    customers,
    decimal,
    full,
    levels,
    money,
    percent,
    periods,
    units,
    value,
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
        *_told(outcome),
        *_figures(intervention, spec, estimates),
        _shares(intervention, spec, estimates),
        heading(say("intervention.value_heading")),
        paragraph(_values(intervention, spec, estimates)),
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
    )


def results(outcome: InterventionValue) -> list[Block]:
    """Give what came out, in sentences and by causal share."""
    return [*_told(outcome), _shares(outcome.intervention, outcome.spec, outcome.estimates)]


def _told(outcome: InterventionValue) -> list[Block]:
    return [*(paragraph(text) for text in sentences(outcome)), notice(caution())]


def what(outcome: InterventionValue) -> str:
    """Say what is done: ``20 % of the customers who gave 1–6, 1 234 of them, shifted to 7–8``."""
    intervention, spec = outcome.intervention, outcome.spec
    shifted = {
        "fraction": intervention.fraction,
        "reference": levels(intervention.reference, spec),
        "customers": customers(round(outcome.n_shifted)),
    }
    if intervention.points:
        return say("intervention.shifted", n=intervention.points, **shifted)
    return say("intervention.moved", group=levels(intervention.group, spec), **shifted)


def caution() -> str:
    """Say that how much of the difference is causal is the reader's to judge."""
    return say("intervention.caution")


def coverage_note(outcome: InterventionValue) -> list[str]:
    """Say of how many customers the gain is that of others; nothing where it is of none."""
    share = 1 - outcome.covered
    return [say("intervention.unsupported", share=share)] if share > 0 else []


def sentences(outcome: InterventionValue) -> list[str]:
    """Say in words what came out: for the terminal, and for the first page."""
    intervention, spec, estimates = outcome.intervention, outcome.spec, outcome.estimates
    found = _asked(intervention, estimates)
    margin = found["incremental_margin"]
    over = periods(margin.horizon or 0, spec.unit)
    cost = money(whole(intervention.cost), margin.unit)
    first = say(
        "intervention.margin", intervention=what(outcome), horizon=over, cost=cost, share=intervention.causal_share,
        margin=full(margin),
    )  # fmt: skip
    return [first, _return(intervention, found, spec), _even(intervention, estimates), _e_value(estimates)]


def _asked(intervention: Intervention, estimates: pd.DataFrame) -> dict[str, Estimate]:
    """Rows for the causal share that was asked for, by estimand."""
    found = {}
    for name in ("incremental_margin", "programme_return", "payback", "break_even_probability"):
        for share, row in by_share(estimates, name):
            if share == intervention.causal_share:
                found[name] = row
    return found


def _return(intervention: Intervention, found: dict[str, Estimate], spec: CohortSpec) -> str:
    if intervention.cost == 0:
        return say("intervention.no_cost")
    payback, chance = found["payback"], found["break_even_probability"]
    horizon = periods(payback.horizon or 0, spec.unit)
    returned = found["programme_return"]
    said = [
        say("intervention.return", value=returned.estimate, low=returned.conf_low, high=returned.conf_high),
        _payback(payback, horizon, spec),
        say("intervention.break_even_probability", probability=_chance(chance)),
    ]
    return " ".join(said)


def _payback(row: Estimate, horizon: str, spec: CohortSpec) -> str:
    back = periods(0 if math.isinf(row.estimate) else round(row.estimate), spec.unit)
    said = say("intervention.paid_back", after=back)
    if math.isinf(row.estimate):
        said = say("intervention.never_paid_back", horizon=horizon)
    if not row.conf_low < math.inf:
        return f"{said}."
    if math.isinf(row.conf_high):
        limits = say("intervention.payback_open", low=whole(row.conf_low), horizon=horizon)
    else:
        limits = say("intervention.payback_interval", low=whole(row.conf_low), high=whole(row.conf_high))
    return f"{said} {limits}."


def _chance(row: Estimate) -> str:
    """Write a probability that is a share of draws: all of them are not certainty."""
    if row.estimate > 0.99:
        return say("intervention.over_99")
    return say("intervention.under_1") if row.estimate < 0.01 else value(row)


def _even(intervention: Intervention, estimates: pd.DataFrame) -> str:
    rows = known_rows(estimates, estimand="break_even_share")
    if not rows or intervention.cost == 0:
        return say("intervention.even_no_cost")
    row = rows[0]
    if row.estimate == float("inf"):
        return say("intervention.even_never")
    if row.estimate > 1:
        return say("intervention.even_beyond", times=row.estimate)
    if row.conf_high > 1:
        return say("intervention.even_open", share=row.estimate, low=row.conf_low)
    return say("intervention.even", share=row.estimate, low=row.conf_low, high=row.conf_high)


def _e_value(estimates: pd.DataFrame) -> str:
    rows, ratios = (known_rows(estimates, estimand=name) for name in ("e_value", "value_ratio"))
    if not rows or not ratios:
        return say("intervention.no_e_value")
    return say(
        "intervention.e_value", ratio=full(ratios[0]), e_value=rows[0].estimate, limit=rows[0].conf_low
    )


def _figures(intervention: Intervention, spec: CohortSpec, estimates: pd.DataFrame) -> list[Block]:
    first = break_even(
        estimates, intervention.cost, intervention.causal_share, simulated=spec.cohort.simulated
    )
    second = chance_of_breaking_even(estimates, intervention.causal_share, simulated=spec.cohort.simulated)
    ends = by_share(estimates, "incremental_margin")[-1][1]
    chances = [
        say("intervention.probability_at", share=share, probability=_chance(row))
        for share, row in by_share(estimates, "break_even_probability")
        if share in _SHOWN
    ]
    return [
        picture(
            "break-even", drawing.svg(first),
            say("intervention.figure_alt", margin=full(ends), even=_even(intervention, estimates)),
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
    wanted = sorted({*_SHOWN, intervention.causal_share})
    rows = []
    for share in wanted:
        margin, returned, payback, chance = (by_name[name].get(share) for name in names)
        rows.append([
            percent(share), bare(margin), _per_cent(returned),
            _periods(payback),
            NONE if chance is None else _chance(chance),
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
    found = [
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
        found.append(say("intervention.method_fingerprint", fingerprint=outcome.fingerprint))
    return found

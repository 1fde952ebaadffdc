"""What an intervention is, and what came out of it, in sentences: for the report and for the terminal."""

import math

import pandas as pd

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.estimates_lookup import Estimate, known_rows
from cxlink.report.figures.intervention_figures import by_share
from cxlink.report.format import customers, full, levels, money, periods, value, whole
from cxlink.report.words import say
from cxlink.value.intervention import InterventionValue
from cxlink.value.shifts import Intervention


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
    rows = _specified(intervention, estimates)
    margin = rows["incremental_margin"]
    over = periods(margin.horizon or 0, spec.unit)
    cost = money(whole(intervention.cost), margin.unit)
    first = say(
        "intervention.margin", intervention=what(outcome), horizon=over, cost=cost, share=intervention.causal_share,
        margin=full(margin),
    )  # fmt: skip
    return [first, _return(intervention, rows, spec), even(intervention, estimates), _e_value(estimates)]


def _specified(intervention: Intervention, estimates: pd.DataFrame) -> dict[str, Estimate]:
    """Rows at the causal share specified, by estimand."""
    names = ("incremental_margin", "programme_return", "payback", "break_even_probability")
    rows = {name: dict(by_share(estimates, name)).get(intervention.causal_share) for name in names}
    return {name: row for name, row in rows.items() if row is not None}


def _return(intervention: Intervention, rows: dict[str, Estimate], spec: CohortSpec) -> str:
    if intervention.cost == 0:
        return say("intervention.no_cost")
    returned = rows["programme_return"]
    return " ".join([
        say("intervention.return", value=returned.estimate, low=returned.conf_low, high=returned.conf_high),
        _payback(rows["payback"], spec),
        say("intervention.break_even_probability", probability=chance(rows["break_even_probability"])),
    ])  # fmt: skip


def _payback(row: Estimate, spec: CohortSpec) -> str:
    """Say after how long the cost is paid back, with the interval where there is one."""
    horizon = periods(row.horizon or 0, spec.unit)
    if math.isinf(row.estimate):
        first = say("intervention.never_paid_back", horizon=horizon)
    else:
        first = say("intervention.paid_back", after=periods(round(row.estimate), spec.unit))
    if not row.conf_low < math.inf:
        return say("intervention.payback", text=first)
    if math.isinf(row.conf_high):
        return say("intervention.payback_open", text=first, low=whole(row.conf_low), horizon=horizon)
    return say(
        "intervention.payback_interval", text=first, low=whole(row.conf_low), high=whole(row.conf_high)
    )


def chance(row: Estimate) -> str:
    """Write a probability that is a share of draws: all of them are not certainty."""
    if row.estimate > 0.99:
        return say("intervention.over_99")
    return say("intervention.under_1") if row.estimate < 0.01 else value(row)


def even(intervention: Intervention, estimates: pd.DataFrame) -> str:
    """Say at which causal share it breaks even."""
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

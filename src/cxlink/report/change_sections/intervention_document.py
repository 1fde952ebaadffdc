"""The report of a programme: what it would be worth, where it breaks even, and what that stands on."""

from typing import Any

import pandas as pd

from cxlink import __version__
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.document import (
    Block,
    Document,
    bullets,
    code,
    heading,
    mark,
    notice,
    paragraph,
    picture,
    strong,
    table,
)
from cxlink.report.estimates_lookup import Estimate, known_rows
from cxlink.report.figures import drawing
from cxlink.report.figures.intervention_figures import break_even, by_share, chance_of_breaking_even
from cxlink.report.format import (
    NONE,
    bare,
    capital,
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
from cxlink.value.intervention import InterventionValue
from cxlink.value.shifts import Programme

_SHOWN = (0.0, 0.25, 0.5, 0.75, 1.0)
CAUTION = (
    "The difference between the groups is an association, adjusted for what was measured. How much of it would follow "
    "if scores were changed, no cohort can tell: the causal share is the reader's to judge, and every probability here "
    "is given it."
)
SOURCES = (
    "Gupta, S., Lehmann, D. R. and Stuart, J. A. (2004). Valuing customers. Journal of Marketing Research 41(1), 7–18.",
    "VanderWeele, T. J. and Ding, P. (2017). Sensitivity analysis in observational research: introducing the E-value. "
    "Annals of Internal Medicine 167(4), 268–274.",
)


def programme_document(outcome: InterventionValue, command: str = "") -> Document:
    """Give the whole report; ``command`` says how to run it again."""
    programme, spec, estimates = outcome.programme, outcome.spec, outcome.estimates
    parts = [
        heading("What it would be worth"),
        *_told(outcome),
        *_figures(programme, spec, estimates),
        _shares(programme, spec, estimates),
        heading("What a customer is worth"),
        paragraph(_values(programme, spec, estimates)),
        heading("How it was worked out"),
        bullets(_methods(outcome)),
        heading("References"),
        bullets(SOURCES, small=True),
        heading("How to run it again"),
        code(command),
    ]
    return Document(
        title=f"What a better experience is worth: {spec.cohort.name}",
        subtitle=f"{capital(what(outcome))}.",
        header=spec.cohort.name,
        footer=f"cxlink {__version__}",
        mark=mark(spec.cohort.simulated),
        blocks=tuple(parts),
    )


def results(outcome: InterventionValue) -> list[Block]:
    """Give what came out, in sentences and by causal share."""
    return [*_told(outcome), _shares(outcome.programme, outcome.spec, outcome.estimates)]


def _told(outcome: InterventionValue) -> list[Block]:
    return [*(paragraph(text) for text in sentences(outcome)), notice(CAUTION)]


def what(outcome: InterventionValue) -> str:
    """Say what is done: ``20 % of the customers who gave 1–6, 1 234 of them, moved to 7–8``."""
    programme, spec = outcome.programme, outcome.spec
    moved = f"{percent(programme.fraction)} of the customers who gave {levels(programme.reference, spec)}"
    if programme.group.startswith("shift="):
        points = int(programme.group.removeprefix("shift="))
        goal = f"scoring {points} point{'' if points == 1 else 's'} better"
    else:
        goal = f"moved to {levels(programme.group, spec)}"
    return f"{moved} ({customers(round(outcome.n_moved))}) {goal}"


def sentences(outcome: InterventionValue) -> list[str]:
    """Say in words what came out: for the terminal, and for the first page."""
    programme, spec, estimates = outcome.programme, outcome.spec, outcome.estimates
    found = _asked(programme, estimates)
    margin = found["incremental_margin"]
    over = periods(margin.horizon or 0, spec.unit)
    cost = money(whole(programme.cost), margin.unit)
    first = (
        f"{capital(what(outcome))}, over {over}, at a cost of {cost}: were "
        f"{percent(programme.causal_share)} of the adjusted difference to follow, the margin would be {full(margin)} "
        f"more."
    )
    return [first, _return(programme, found, spec), _even(programme, estimates), _e_value(estimates)]


def _asked(programme: Programme, estimates: pd.DataFrame) -> dict[str, Estimate]:
    """Rows for the causal share that was asked for, by estimand."""
    found = {}
    for name in ("incremental_margin", "programme_return", "payback", "break_even_probability"):
        for share, row in by_share(estimates, name):
            if share == programme.causal_share:
                found[name] = row
    return found


def _return(programme: Programme, found: dict[str, Estimate], spec: CohortSpec) -> str:
    if programme.cost == 0:
        return "At a cost of 0 a return is not defined, and there is nothing to pay back."
    payback, chance = found["payback"], found["break_even_probability"]
    horizon = periods(payback.horizon or 0, spec.unit)
    back = (
        f"It would not be paid back within {horizon}"
        if payback.estimate == float("inf")
        else f"It would be paid back by the margins of {periods(round(payback.estimate), spec.unit)}"
    )
    if payback.conf_low < float("inf"):
        ends = [NONE if end == float("inf") else whole(end) for end in (payback.conf_low, payback.conf_high)]
        back += f" (interval from {ends[0]} to {ends[1] if ends[1] != NONE else f'more than {horizon}'})"
    returned = found["programme_return"]
    return (
        f"The return, (margin − cost) / cost, would be {percent(returned.estimate)} "
        f"[{percent(returned.conf_low)}, {percent(returned.conf_high)}]. {back}. Given that share, the probability of "
        f"at least breaking even is {_chance(chance)}."
    )


def _chance(row: Estimate) -> str:
    """Write a probability that is a share of draws: all of them are not certainty."""
    if row.estimate > 0.99:
        return "more than 99\u202f%"
    return "less than 1\u202f%" if row.estimate < 0.01 else value(row)


def _even(programme: Programme, estimates: pd.DataFrame) -> str:
    rows = known_rows(estimates, estimand="break_even_share")
    if not rows or programme.cost == 0:
        return "It breaks even wherever the difference is not against it."
    row = rows[0]
    if row.estimate == float("inf"):
        return "No causal share breaks even: the customers moved would be worth no more than they are."
    if row.estimate > 1:
        return f"Not even the whole difference would earn the cost: it would take {decimal(row.estimate, 1)} times it."
    upper = percent(row.conf_high) if row.conf_high <= 1 else "more than all of it"
    return (
        f"It breaks even if {percent(row.estimate)} of the difference follows (interval from "
        f"{percent(row.conf_low)} to {upper})."
    )


def _e_value(estimates: pd.DataFrame) -> str:
    rows, ratios = (known_rows(estimates, estimand=name) for name in ("e_value", "value_ratio"))
    if not rows or not ratios:
        return "The values are not all over 0, so that they have no ratio and no E-value."
    limit = f"; for the end of its interval nearer 1, {decimal(rows[0].conf_low, 2)}"
    return (
        f"The ratio of values is {full(ratios[0])}. Something unmeasured would have to go with both the score and the "
        f"value by a factor of {decimal(rows[0].estimate, 2)} each to account for all of it (E-value{limit})."
    )


def _figures(programme: Programme, spec: CohortSpec, estimates: pd.DataFrame) -> list[Block]:
    share = percent(programme.causal_share)
    first = break_even(estimates, programme.cost, programme.causal_share, simulated=spec.cohort.simulated)
    second = chance_of_breaking_even(estimates, programme.causal_share, simulated=spec.cohort.simulated)
    ends = by_share(estimates, "incremental_margin")[-1][1]
    chances = {s: _chance(row) for s, row in by_share(estimates, "break_even_probability") if s in _SHOWN}
    return [
        picture(
            "break-even", drawing.svg(first),
            f"A straight line with its interval: incremental margin by the causal share, from 0 to {full(ends)} at "
            f"100 %; a dashed line at the cost. {_even(programme, estimates)}",
            f"Incremental margin by the causal share, with {coverage(spec)} intervals, against the cost (dashed). "
            f"Dotted: the share that was asked for, {share}.",
        ),
        picture(
            "break-even-probability", drawing.svg(second),
            "A line: the probability of breaking even by the causal share: "
            + "; ".join(f"at {percent(s)}: {chance}" for s, chance in chances.items()),
            "Probability that the margin is at least the cost, given each causal share.",
        ),
    ]  # fmt: skip


def _shares(programme: Programme, spec: CohortSpec, estimates: pd.DataFrame) -> Block:
    names = ["incremental_margin", "programme_return", "payback", "break_even_probability"]
    by_name = {name: dict(by_share(estimates, name)) for name in names}
    wanted = sorted({*_SHOWN, programme.causal_share})
    rows = []
    for share in wanted:
        margin, returned, payback, chance = (by_name[name].get(share) for name in names)
        rows.append([
            percent(share), bare(margin), _per_cent(returned),
            NONE if payback is None else "never" if payback.estimate == float("inf") else whole(payback.estimate),
            NONE if chance is None else _chance(chance),
        ])  # fmt: skip
    currency = spec.spend.currency if spec.spend is not None else ""
    header = [
        "Causal share", f"Margin ({currency})", "Return (%)", f"Paid back ({units(spec.unit)})", "Breaks even",
    ]  # fmt: skip
    notes = ["Return: (margin − cost) / cost. Never: not within the horizon."]
    return table(f"By causal share, with {coverage(spec)} intervals.", header, rows, notes=notes)


def _per_cent(row: Estimate | None) -> str:
    if row is None or row.blank:
        return NONE
    low, high = (decimal(100 * end, 0) for end in (row.conf_low, row.conf_high))
    return f"{decimal(100 * row.estimate, 0)} [{low},\u00a0{high}]"


def _values(programme: Programme, spec: CohortSpec, estimates: pd.DataFrame) -> list[Any]:
    rows = {row.group: row for row in known_rows(estimates, estimand="value")}
    before, after = rows[programme.reference], rows[programme.group]
    difference = known_rows(estimates, estimand="value_difference")[0]
    horizon = periods(before.horizon or 0, spec.unit)
    return [
        strong("Before and after. "),
        f"Over {horizon}, a customer to be moved is worth {full(before)} as things are, and {full(after)} if worth "
        f"what customers with the target's scores are worth in the same strata; the difference is {full(difference)}. "
        f"{percent(before.extrapolated)} and {percent(after.extrapolated)} of these lie beyond what was observed.",
    ]


def _methods(outcome: InterventionValue) -> list[str]:
    spec = outcome.spec
    margin = spec.value.margin if spec.value is not None else None
    window = spec.spend.window_months if spec.spend is not None else 0
    earned = f"the column {margin}" if isinstance(margin, str) else f"{percent(float(margin or 0))} of spend"
    found = [
        f"Margin is {earned}. That of a period as a customer is the mean over the {window} months of the window "
        "divided by the periods of it that were spent as a customer, level by level and stratum by stratum.",
        f"Value is the sum of margin × retention × (1 + d)^(−t/p), d = {percent(spec.value_discount, 1)} a year, from "
        "t = 0 on. Retention is Kaplan–Meier while ten customers are at risk, continued by the average of the families."
        if spec.subscription is not None
        else "There is no retention in this cohort: value is counted over the window of spend alone.",
        "The customers moved keep their strata, and spread over the target's levels in the shares that these have in "
        "the cohort. Only customers with a score are counted.",
        f"Those moved stand for all {whole(outcome.n_source)} customers of their levels; "
        f"{percent(outcome.covered)} of these are in strata where every level of the target has customers with a "
        "complete window.",
        f"{coverage(spec)} intervals from {whole(spec.analysis.draws)} joint draws of retention and spend. Seed "
        f"{spec.analysis.seed}. The cost is paid at once, and is taken as known.",
    ]
    return [*found, f"Fingerprint of the table: {outcome.fingerprint}."] if outcome.fingerprint else found

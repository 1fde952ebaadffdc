"""The value of an intervention that improves the scores of some customers: margin, return, payback, break-even.

The customers shifted keep their strata, and spread over the levels of the target in the cohort's shares. What they gain
is a share of the difference between the two groups, the causal share: how much of the association would follow if
scores were changed. No cohort tells it, so that everything is given for shares from 0 to 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.contrasts import positive
from cxlink.estimands.e_values import e_value, limit_nearer_one
from cxlink.estimands.over_clusters.clustered_rows import clustering
from cxlink.estimands.support_checks import LEAST_SUPPORT
from cxlink.estimands.tidy import row, tidy
from cxlink.survival.tails.tails import Tails
from cxlink.value.break_even import Gain
from cxlink.value.clv import SHARED, LifetimeValue
from cxlink.value.customer_value import estimate_values, value_question
from cxlink.value.shifts import Intervention, shifted_standards
from cxlink.value.value_rows import ValueEstimates, value_distance
from cxlink.value.value_sums import INCLUDED, ValueQuestion

Row = dict[str, Any]
OF_INTERVENTION = (
    "incremental_margin", "programme_return", "payback", "break_even_probability", "break_even_share",
)  # fmt: skip
"""Estimands of two groups that are neither their difference nor their ratio."""
SHARES = tuple(round(0.05 * k, 2) for k in range(21))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class InterventionValue:
    """What an intervention is values.

    Attributes
    ----------
    spec : CohortSpec
        Of the cohort.
    intervention : Intervention
        Whose scores improve, to what, at what cost.
    estimates : DataFrame
        With the columns of a run folder's.
    checks : tuple of Check
        What they stand on.
    n_source : int
        Customers in the levels that improve.
    covered : float
        Share of them in strata where every level of the target has spend: the values are of these.
    fingerprint : str
        Of the table.
    """

    spec: CohortSpec
    intervention: Intervention
    estimates: pd.DataFrame
    checks: tuple[Check, ...]
    n_source: int
    covered: float
    fingerprint: str

    @property
    def n_shifted(self) -> float:
        """Customers whose score improves."""
        return self.intervention.fraction * self.n_source

    def __repr__(self) -> str:
        where = self.spec.cohort.name
        return f"<InterventionValue of {self.intervention.name} in {where}: {self.n_shifted:,.0f} customers shifted>"


def intervention_value(
    spells: Spells,
    counts: Counts,
    intervention: Intervention,
    rng: np.random.Generator,
    tails: Tails | None = None,
) -> InterventionValue:
    """Value an intervention.

    Parameters
    ----------
    spells, counts
        The cohort; with spend, and a margin.
    intervention : Intervention
        Whose scores improve, to what, at what cost.
    rng : Generator
        Advanced.
    tails : Tails, optional
        What continues retention beyond follow-up; by default as an analysis chooses and fits it.

    Raises
    ------
    InputError
        If no customer to be shifted is in a stratum where every level of the target has spend, or the horizon is beyond
        what can be valued.
    """
    spec = counts.spec
    source, target, covered = shifted_standards(spells, intervention)
    question = value_question((source, target), spec, np.array([[-1.0, 1.0]]))
    _refuse_horizon(question, intervention, spec)
    estimates = estimate_values(spells, counts, replace(question, shared=((1, 0),)), rng, tails)
    values = estimates.amounts["value", ""]
    n_shifted = intervention.fraction * source.n
    gain = Gain(values.path[0], values.path_draws[:, 0], n_shifted, intervention.cost)
    rows = [
        *_values(estimates, values, intervention, spec, source.n),
        *_money(gain, estimates, values, intervention, spec),
    ]
    support = Check(
        "support", "value", intervention.group, covered, bound=LEAST_SUPPORT, passed=covered >= LEAST_SUPPORT,
        facts={"case": "moved", "reference": intervention.reference},
    )  # fmt: skip
    checks = (support, *value_distance(estimates, (1, 0), spec))
    fingerprint = counts.profile.fingerprint
    clustered = clustering(counts)
    rows = clustered.rows(rows) if clustered is not None else rows
    return InterventionValue(spec, intervention, tidy(rows), checks, source.n, covered, fingerprint)


def _refuse_horizon(question: ValueQuestion, intervention: Intervention, spec: CohortSpec) -> None:
    horizon = spec.value.horizon if spec.value is not None and spec.subscription is None else None
    if horizon is not None and horizon > question.horizon:
        raise InputError(
            f"{intervention.name}: retention is not known, so that value is counted over the {question.horizon} "
            f"{spec.unit}s of the spend window at most (horizon {horizon}). Give --horizon {question.horizon} or less."
        )


def _named(estimates: ValueEstimates, spec: CohortSpec) -> Row:
    adjusted = "standardised" if spec.stratum_variables else "no"
    return {"model": estimates.model, "horizon": estimates.horizon, "adjusted": adjusted}


def _values(
    estimates: ValueEstimates, values: LifetimeValue, intervention: Intervention, spec: CohortSpec, n: int
) -> Iterator[Row]:
    """Value of a customer before and after, and how they compare."""
    level, currency = spec.analysis.level, spec.spend.currency if spec.spend else ""
    point, draws, beyond = values.point[:, 0, INCLUDED], values.draws[:, :, 0, INCLUDED], values.beyond[:, 0]
    names = {**_named(estimates, spec), "n": n}
    for g, group in enumerate((intervention.reference, intervention.group)):
        yield row(
            "value", point[g], draws[:, g], level, currency, group=group, extrapolated=beyond[g], **names
        )
    both = {
        **names,
        "group": intervention.group,
        "reference": intervention.reference,
        "extrapolated": beyond.max(),
    }
    # the gain is a difference of sums, and stands on their own draws
    yield row("value_difference", values.path[0, -1], values.path_draws[:, 0, -1], level, currency, **both)
    for scenario in SHARED:
        if ("value", scenario) in estimates.amounts:
            one = estimates.amounts["value", scenario]
            a, b = one.draws[:, 0, 0, INCLUDED], one.draws[:, 1, 0, INCLUDED]
            where = {**both, "scenario": scenario}
            yield row("value_difference", values.path[0, -1], a - b, level, currency, **where)
    if positive(point, draws):
        ratio = row("value_ratio", point[1] / point[0], draws[:, 1] / draws[:, 0], level, "ratio", **both)
        yield ratio
        limit = limit_nearer_one(ratio["conf_low"], ratio["conf_high"])
        known = {"std_error": np.nan, "conf_low": e_value(limit), "conf_high": np.nan}
        yield {**ratio, **known, "estimand": "e_value", "estimate": e_value(ratio["estimate"])}


def _money(
    gain: Gain, estimates: ValueEstimates, values: LifetimeValue, intervention: Intervention, spec: CohortSpec
) -> Iterator[Row]:
    """Margin, return, payback and the probability of breaking even, for every causal share."""
    level, currency = spec.analysis.level, spec.spend.currency if spec.spend else ""
    names = {
        **_named(estimates, spec), "group": intervention.group, "reference": intervention.reference,
        "n": round(gain.n_shifted), "extrapolated": values.beyond[:, 0].max(),
    }  # fmt: skip
    yield row("break_even_share", *gain.break_even_share(), level, "ratio", **names)
    for share in sorted({*SHARES, intervention.causal_share}):
        given = {**names, "scenario": f"causal_share={share:.10g}"}
        yield row("incremental_margin", *gain.margin(share), level, currency, **given)
        if gain.cost > 0:
            yield row("programme_return", *gain.returned(share), level, "ratio", **given)
        yield row("payback", *gain.payback(share), level, spec.unit, **given)
        chance = row(
            "break_even_probability",
            gain.break_even_probability(share),
            np.empty(0),
            level,
            "probability",
            **given,
        )
        yield chance

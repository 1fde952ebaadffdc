"""What a programme is worth that moves customers from some scores to others: margin, return, payback, breaking even.

The moved customers keep their strata, and spread over the levels of the target in the cohort's shares. What they gain
is a share of the difference between the two groups, the causal share: how much of the association would follow if
scores were changed. No cohort tells it, so that everything is given for shares from 0 to 1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
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
from cxlink.estimands.support_checks import LEAST_SUPPORT
from cxlink.estimands.tidy import row, tidy
from cxlink.survival.splice import Families
from cxlink.value.clv import Worth
from cxlink.value.customer_value import asked, valued
from cxlink.value.shifts import Programme, moved_standards
from cxlink.value.value_rows import Valued
from cxlink.value.value_sums import INCLUDED

Row = dict[str, Any]
SHARES = tuple(round(0.05 * k, 2) for k in range(21))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class InterventionValue:
    """What a programme is worth.

    Attributes
    ----------
    spec : CohortSpec
        Of the cohort.
    programme : Programme
        What was asked.
    estimates : DataFrame
        With the columns of a run folder's.
    checks : tuple of Check
        What they stand on.
    n_source : int
        Customers in the levels that are moved from.
    covered : float
        Share of them in strata where every level of the target has spend: the values are of these.
    fingerprint : str
        Of the table.
    """

    spec: CohortSpec
    programme: Programme
    estimates: pd.DataFrame
    checks: tuple[Check, ...]
    n_source: int
    covered: float
    fingerprint: str

    @property
    def n_moved(self) -> float:
        """Customers moved."""
        return self.programme.fraction * self.n_source

    def __repr__(self) -> str:
        where = self.spec.cohort.name
        return f"<InterventionValue of {self.programme.name} in {where}: {self.n_moved:,.0f} customers moved>"


@dataclass(frozen=True, slots=True, eq=False)
class _Gain:
    """What one moved customer gains, were all of the association to follow; after 1, 2, … periods."""

    point: np.ndarray
    draws: np.ndarray
    n_moved: float
    cost: float

    def margin(self, share: float) -> tuple[float, np.ndarray]:
        """Incremental margin of the programme over the horizon."""
        return share * self.n_moved * self.point[-1], share * self.n_moved * self.draws[:, -1]

    def returned(self, share: float) -> tuple[float, np.ndarray]:
        """(margin − cost) / cost."""
        point, draws = self.margin(share)
        return (point - self.cost) / self.cost, (draws - self.cost) / self.cost

    def payback(self, share: float) -> tuple[float, np.ndarray]:
        """Periods whose margins it takes to earn the cost; infinite where the horizon's do not."""
        point = _first(share * self.n_moved * self.point[None], self.cost)[0]
        return float(point), _first(share * self.n_moved * self.draws, self.cost)

    def broken_even(self, share: float) -> float:
        """Probability that the margin is at least the cost, given the share."""
        return float((self.margin(share)[1] >= self.cost).mean())

    def share(self) -> tuple[float, np.ndarray]:
        """The causal share at which the margin is the cost; infinite where none is."""
        point, draws = self.margin(1.0)
        return float(_over(self.cost, np.array(point))), _over(self.cost, draws)


def _over(cost: float, margin: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(margin > 0, cost / margin, np.inf if cost > 0 else 0.0)


def _first(earned: np.ndarray, cost: float) -> np.ndarray:
    enough = earned >= cost
    after = np.where(enough.any(axis=1), enough.argmax(axis=1) + 1.0, np.inf)
    return np.zeros(len(earned)) if cost == 0 else after


def programme_value(
    spells: Spells, counts: Counts, families: Families | None, programme: Programme, rng: np.random.Generator
) -> InterventionValue:
    """Value a programme.

    Parameters
    ----------
    spells, counts
        The cohort; with spend, and a margin.
    families : Families or None
        What continues retention beyond follow-up.
    programme : Programme
        Who is moved where, at what cost.
    rng : Generator
        Advanced.

    Raises
    ------
    InputError
        If no customer to be moved is in a stratum where every level of the target has spend, or retention is not
        known to the horizon.
    """
    spec = counts.spec
    source, target, covered = moved_standards(spells, programme)
    question = asked((source, target), spec, np.array([[-1.0, 1.0]]))
    found = valued(spells, counts, families, question, rng)
    worth = found.amounts["value"]
    _refuse_unknown(worth, programme, spec)
    gain = _Gain(worth.path[0], worth.path_draws[:, 0], programme.fraction * source.n, programme.cost)
    rows = [*_values(found, worth, programme, spec, source.n), *_money(gain, found, worth, programme, spec)]
    support = Check(
        "support", "value", programme.group, covered, bound=LEAST_SUPPORT, passed=covered >= LEAST_SUPPORT,
        facts={"case": "moved", "reference": programme.reference},
    )  # fmt: skip
    return InterventionValue(
        spec, programme, tidy(rows), (support,), source.n, covered, counts.profile.fingerprint
    )


def _refuse_unknown(worth: Worth, programme: Programme, spec: CohortSpec) -> None:
    known = int(np.isfinite(worth.path[0]).sum())
    if known < len(worth.path[0]):
        cure = f"Give --horizon {known} or less" if known else "Nothing can be valued"
        raise InputError(
            f"{programme.name}: no family could continue retention, which is known for {known} {spec.unit}s. {cure}."
        )


def _named(found: Valued, spec: CohortSpec) -> Row:
    adjusted = "standardised" if spec.stratum_variables else "no"
    return {"model": found.model, "horizon": found.horizon, "adjusted": adjusted}


def _values(found: Valued, worth: Worth, programme: Programme, spec: CohortSpec, n: int) -> Iterator[Row]:
    """Value of a customer before and after, and how they compare."""
    level, currency = spec.analysis.level, spec.spend.currency if spec.spend else ""
    point, draws, beyond = worth.point[:, 0, INCLUDED], worth.draws[:, :, 0, INCLUDED], worth.beyond[:, 0]
    names = {**_named(found, spec), "n": n}
    for g, group in enumerate((programme.reference, programme.group)):
        yield row(
            "value", point[g], draws[:, g], level, currency, group=group, extrapolated=beyond[g], **names
        )
    both = {**names, "group": programme.group, "reference": programme.reference, "extrapolated": beyond.max()}
    # the gain is a difference of sums, and stands on their own draws
    yield row("value_difference", worth.path[0, -1], worth.path_draws[:, 0, -1], level, currency, **both)
    if positive(point, draws):
        ratio = row("value_ratio", point[1] / point[0], draws[:, 1] / draws[:, 0], level, "ratio", **both)
        yield ratio
        limit = limit_nearer_one(ratio["conf_low"], ratio["conf_high"])
        known = {"std_error": np.nan, "conf_low": e_value(limit), "conf_high": np.nan}
        yield {**ratio, **known, "estimand": "e_value", "estimate": e_value(ratio["estimate"])}


def _money(gain: _Gain, found: Valued, worth: Worth, programme: Programme, spec: CohortSpec) -> Iterator[Row]:
    """Margin, return, payback and the probability of breaking even, for every causal share."""
    level, currency = spec.analysis.level, spec.spend.currency if spec.spend else ""
    names = {
        **_named(found, spec), "group": programme.group, "reference": programme.reference,
        "n": round(gain.n_moved), "extrapolated": worth.beyond[:, 0].max(),
    }  # fmt: skip
    yield row("break_even_share", *gain.share(), level, "ratio", **names)
    for share in sorted({*SHARES, programme.causal_share}):
        given = {**names, "scenario": f"causal_share={share:.10g}"}
        yield row("incremental_margin", *gain.margin(share), level, currency, **given)
        if gain.cost > 0:
            yield row("programme_return", *gain.returned(share), level, "ratio", **given)
        yield row("payback", *gain.payback(share), level, spec.unit, **given)
        chance = row(
            "break_even_probability", gain.broken_even(share), np.empty(0), level, "probability", **given
        )
        yield chance

"""What stands behind the estimates: support, sparse groups, curves that end early, spend that rests on little."""

import math
from collections.abc import Iterator

import numpy as np

from cxlink.checks import Check, Fact
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells, level_positions
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.scales import label
from cxlink.groups.effective_buckets import FEWEST_BUCKETS, effective_buckets
from cxlink.groups.requests import Request
from cxlink.groups.support import FEWEST_AT_RISK
from cxlink.spend.concentration import MOST, rests_on_one
from cxlink.spend.means import CellMeans, MeanSpend
from cxlink.survival.survival import Survival

LEAST_SUPPORT = 0.9
"""Share of the customers that a headline stands on; under it the additive models take over."""
LEAST_PER_STRATUM = 20
"""Customers of each side of the headline a stratum, on average; under it the additive models take over.

Intervals from estimates by level and stratum held 85 to 89 % of the truths there.
"""
MOST_EMPTIED = 0.5
_SEVERAL = 2


def support_checks(model: str, request: Request, spec: CohortSpec) -> Iterator[Check]:
    """Share of the customers standardised to that each standardised contrast stands on."""
    adjusted = request.labels["adjusted"]
    outcome = "spend" if model == "means" else "retention"
    case = "followed" if adjusted == "no" else f"{outcome}_{spec.analysis.target}"
    for (group, reference), share in request.covered.items():
        judged = adjusted != "no" and is_headline(group, reference, spec)
        yield Check(
            "support", model, group, share, bound=LEAST_SUPPORT,
            passed=share >= LEAST_SUPPORT if judged else None,
            facts={"case": case, "reference": reference, "adjusted": adjusted, **until(spec)},
        )  # fmt: skip


def size_checks(model: str, request: Request, spells: Spells, spec: CohortSpec) -> Iterator[Check]:
    """Customers of each side of the headline contrast a stratum, on average, before any outcome.

    Of spend those with a complete window. Nothing where there is one stratum.
    """
    if request.labels["adjusted"] == "no" or len(spells.strata) < _SEVERAL:
        return
    each = spells.spend[:, 0] if model == "means" else spells.n
    n = np.bincount(spells.pair, each, spells.n_pairs)
    n_strata = len(np.unique(spells.stratum[n > 0]))
    for side in spec.contrast(spec.analysis.contrasts[0]):
        inside = np.isin(spells.level, level_positions(spells.levels, spec.group(side)))
        average = float(n[inside].sum()) / max(n_strata, 1)
        yield Check(
            "customers_per_stratum", model, side, average, bound=LEAST_PER_STRATUM,
            passed=average >= LEAST_PER_STRATUM, facts={"strata": n_strata},
        )  # fmt: skip


def bucket_checks(model: str, counts: Counts) -> Iterator[Check]:
    """Buckets of clusters of each side of the headline contrast; nothing where customers are independent."""
    buckets = effective_buckets(counts)
    if buckets is None:
        return
    sides = counts.spec.contrast(counts.spec.analysis.contrasts[0])
    for side in sides:
        n = buckets.buckets(side)
        if n:
            yield Check(
                "buckets_per_group", model, side, float(n), bound=float(FEWEST_BUCKETS), passed=n >= FEWEST_BUCKETS,
            )  # fmt: skip


def is_headline(group: str, reference: str, spec: CohortSpec) -> bool:
    """Whether this is the headline contrast, or one side of it by itself."""
    sides = spec.contrast(spec.analysis.contrasts[0])
    return (group, reference) == sides or (group in sides and not reference)


def until(spec: CohortSpec) -> dict[str, Fact]:
    """Give the horizon and its unit, as facts."""
    return {"horizon": spec.horizon, "unit": spec.unit}


def curve_checks(curves: Survival, spec: CohortSpec) -> Iterator[Check]:
    """Say which groups are sparse, end before the horizon, or lost bootstrap draws."""
    if curves.labels["stratum"] or curves.labels["scenario"]:
        return
    facts: dict[str, Fact] = {"adjusted": curves.labels["adjusted"], **until(spec)}
    at = {int(t): k for k, t in enumerate(curves.times)}
    for g in curves.own:
        whose = (curves.model, curves.groups[g])
        if curves.sparse[g]:
            case = "strata" if curves.separated.size and curves.separated[g] else "curve"
            yield Check("sparse", *whose, float(curves.n_events[g]), facts={"case": case, **facts})
        if curves.last[g] < spec.horizon and np.isnan(curves.point[g, at[spec.horizon]]):
            yield Check("last_period_at_risk", *whose, float(curves.last[g]), passed=False, facts=facts)
        elif curves.emptied[g] > 0:
            share = float(curves.emptied[g])
            yield Check(
                "draws_left_out", *whose, share, bound=MOST_EMPTIED, passed=share < MOST_EMPTIED, facts=facts
            )


def spend_checks(cells: CellMeans, means: MeanSpend) -> Iterator[Check]:
    """Say which groups' means rest on one customer, by number or by what it spent, or on nobody who spent."""
    for g in means.own:
        if means.n[g] == 1:
            yield Check("one_customer", "means", means.groups[g], 1.0)
        elif means.concentration.size and rests_on_one(means.concentration[g], means.n[g]):
            share = float(means.concentration[g])
            facts: dict[str, Fact] = {"share": math.floor(100 * share) / 100, **means.labels}
            yield Check(
                "spend_concentration", "means", means.groups[g], share, bound=MOST, passed=False, facts=facts
            )
        if means.unvaried[g] and not means.spent_nothing[g]:
            facts = {"mean": float(means.point[g]), **means.labels}
            yield Check("spend_unvaried", "means", means.groups[g], float(means.n[g]), facts=facts)
    if cells.spent_nothing.any():
        yield Check("spent_nothing", "means", value=float(cells.spent_nothing.sum()), facts={"case": "cells"})


def band_checks(counts: Counts) -> Iterator[Check]:
    """Name the bands that nobody is in."""
    spec = counts.spec
    present = {int(level) for level in counts.scored["score"]}
    for name, band in (("worst", spec.worst), ("best", spec.best)):
        if present and not present & set(band):
            yield Check("empty_band", group=name, value=0.0, passed=False, facts={"levels": label(band)})


def few_at_risk(spells: Spells) -> bool:
    """Whether fewer than ten customers of the cohort were ever at risk, or none: no curve is known to any period."""
    return bool(spells.n[spells.exit > spells.entry].sum() < FEWEST_AT_RISK)


def unmodelled(model: str) -> Check:
    """Say that a model is not fitted where fewer than ten customers were at risk."""
    return Check("not_fitted", model, passed=False, facts={"case": "curves", "reason": "few_at_risk"})

"""Retention of the headline contrast weighted by the other scores for who is censored before the horizon, as rows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.follow_up_counts import FollowUpCounts
from cxlink.cohort.count.spells import PersonPeriods, Spells, person_periods
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.other_scores import MAIN
from cxlink.cohort.strata import stratum_column
from cxlink.estimands.tidy import row, widened_to_contain
from cxlink.groups.curves import Standard
from cxlink.groups.discrete_hazard import hazards
from cxlink.groups.requests import Request, pooled
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import reaches
from cxlink.sensitivity.censoring_rows import headline_sides
from cxlink.sensitivity.censoring_weights.censoring_fit import fit_censoring
from cxlink.sensitivity.censoring_weights.follow_up_arrays import arrays_of
from cxlink.sensitivity.censoring_weights.weight_checks import score_checks, unweighted, weight_checks
from cxlink.sensitivity.censoring_weights.weighted_retention import (
    CensoringWeights,
    WeightedRetention,
    weighted_retention,
    weights_of,
)
from cxlink.survival.small_groups import sparse_draws
from cxlink.survival.sparsity import ONE_IN_ALL, added_to, is_sparse

Row = dict[str, Any]
WEIGHTED = "censoring_weighted"
"""Scenario of retention, and of its difference, weighted for censoring."""


def weighted_rows(spells: Spells, counts: Counts, rng: np.random.Generator) -> tuple[list[Row], list[Check]]:
    """Give retention of both sides of the headline with weights from the scores that are no strata.

    Parameters
    ----------
    spells, counts
        The cohort, with a subscription.
    rng : Generator
        Advanced.

    Returns
    -------
    rows : list of dict
        ``retention`` and ``retention_difference`` in scenario ``censoring_weighted``; none without ``[score] others``,
        or where nobody is censored before the horizon.
    findings : list of Check
        ``censoring_weights`` of each side: how many customers the weighted ones count for, and the largest weight;
        ``censoring_support``: how many gave other scores of which somebody is followed to the horizon;
        ``censoring_score``: the hazard ratio of censoring by each other score; ``censoring_merged``: scores whose
        levels were merged; ``censoring_unweighted``: why there are no such rows.
    """
    spec = counts.spec
    request = standardised(spells, spec, reaches(spells, spec.horizon)) or pooled(spells, spec)
    standards = headline_sides(spells, request, spec)
    if not spec.others or request is None or standards is None:
        return [], []
    held = usable(counts)
    if isinstance(held, Check):
        return [], [held]
    last = min(spells.n_periods, max(int(side.entry.max()) for side in standards) + spec.horizon)
    arrays = arrays_of(held, spells, spec, last)
    fit = fit_censoring(arrays)
    if not fit.informative.any():
        return [], []
    if not fit.terms:
        return [], [unweighted("same")]
    weights = weights_of(arrays, fit)
    found = [weighted_retention(weights, request.members, side, spec.horizon) for side in standards]
    few = [
        is_sparse(spells, request, side, spec.horizon) or not 0 < one.value < 1
        for side, one in zip(standards, found, strict=True)
    ]
    sides = _Sides(standards, (found[0], found[1]), (few[0], few[1]))
    draws = _draws(weights, spells, request, sides, (spec.analysis.draws, spec.horizon), rng=rng)
    rows = list(_rows(sides, draws, request, spec))
    findings = [*weight_checks(weights, request, standards, spec), *score_checks(arrays, fit, spec)]
    findings += [Check("censoring_merged", value=float(k), facts={"score": name}) for name, k in held.merged]
    return [widened_to_contain(one) for one in rows] if any(few) else rows, findings


def usable(counts: Counts) -> FollowUpCounts | Check:
    """Give the table that weights are made from, or say why they are not."""
    spec, held = counts.spec, counts.follow_up
    if spec.cluster_column is not None:
        return unweighted("clustered")
    if held is None:
        return unweighted("missing")
    if held.horizon != spec.horizon:
        return unweighted("horizon")
    if not held.others(spec):
        return unweighted("after_outcome")
    if not len(held.cells):
        return unweighted("too_many")
    return held if _customers(held.cells, spec) == _customers(counts.scored, spec) else unweighted("missing")


def _customers(cells: pd.DataFrame, spec: CohortSpec) -> dict[object, int]:
    """Customers in follow-up by score and stratum."""
    names = [MAIN, *(stratum_column(name) for name in spec.stratum_variables)]
    followed = cells[cells["exit"] > cells["entry"]]
    return {key: int(n) for key, n in followed.groupby(names)["n"].sum().items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Sides:
    """Both sides of the headline contrast: how each is averaged, its estimate, and whether its group is sparse."""

    standards: tuple[Standard, Standard]
    found: tuple[WeightedRetention, WeightedRetention]
    sparse: tuple[bool, bool]


def _draws(
    weights: CensoringWeights,
    spells: Spells,
    request: Request,
    sides: _Sides,
    size: tuple[int, int],
    *,
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """Draw both sides: normal on the logit scale with the covariance of their influences; otherwise if sparse.

    A sparse group is drawn as the headline's is, with as many customers in each period as the weighted ones count for;
    see `cxlink.survival.small_groups`.
    """
    n_draws, horizon = size
    values = np.array([one.value for one in sides.found])
    influence = np.array([one.influence for one in sides.found])
    covariance = (influence * weights.arrays.n) @ influence.T
    scale = np.where(np.array(sides.sparse), 1.0, values * (1 - values))
    normal = rng.multivariate_normal(np.zeros(2), covariance / np.outer(scale, scale), n_draws, method="eigh")
    draws = []
    for k, standard in enumerate(sides.standards):
        if not sides.sparse[k]:
            draws.append(expit(logit(values[k]) + normal[:, k]))
            continue
        periods = effective_periods(weights, spells)
        drawn = sparse_draws(
            periods, request, standard, (n_draws, int(standard.entry.max()) + horizon + 1, horizon), rng,
            read=np.array([horizon]), added=added_to(spells, request, standard, horizon) or ONE_IN_ALL,
        )  # fmt: skip
        draws.append(np.concatenate(list(drawn))[:, 0])
    return draws


def effective_periods(weights: CensoringWeights, spells: Spells) -> PersonPeriods:
    """Give customers at risk and lost by pair and period as so many of equal weight: (Σw)² / Σw² (Kish 1965)."""
    arrays, weight, whole = weights.arrays, weights.weight, person_periods(spells)
    sums = np.zeros((3, spells.n_pairs, weight.shape[1]))
    for total, values in zip(
        sums, (weight * arrays.at_risk, weight**2 * arrays.at_risk, weight * arrays.gone), strict=True
    ):
        np.add.at(total, arrays.pair, values)
    at_risk = np.divide(sums[0] ** 2, sums[1], out=np.zeros_like(sums[0]), where=sums[1] > 0)
    return replace(whole, at_risk=at_risk, lost=at_risk * hazards(sums[0], sums[2]))


def _rows(sides: _Sides, draws: list[np.ndarray], request: Request, spec: CohortSpec) -> Iterator[Row]:
    level, (group, reference) = spec.analysis.level, sides.standards
    shared = {"model": "kaplan_meier", "horizon": spec.horizon, **request.labels, "scenario": WEIGHTED}
    for side, one, drawn in zip(sides.standards, sides.found, draws, strict=True):
        yield row(
            "retention", one.value, drawn, level, "probability", group=side.group, n=side.n, n_events=side.n_events,
            **shared,
        )  # fmt: skip
    yield row(
        "retention_difference", sides.found[0].value - sides.found[1].value, draws[0] - draws[1], level,
        "probability", group=group.group, reference=reference.group, n=group.n, n_events=group.n_events, **shared,
    )  # fmt: skip

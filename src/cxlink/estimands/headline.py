"""Rows and checks of the headline, and the naive rows beside them, from counts."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells, spells_of
from cxlink.estimands.e_values import e_values
from cxlink.estimands.estimand import NOT_LEADING
from cxlink.estimands.fallback import SUCCESSOR
from cxlink.estimands.spend_estimands import LEADING, spend_rows
from cxlink.estimands.support_checks import (
    bucket_checks,
    curve_checks,
    size_checks,
    spend_checks,
    support_checks,
)
from cxlink.estimands.survival_estimands import leading_rows, survival_refusals, survival_rows
from cxlink.groups import requests as standards
from cxlink.groups.headline_requests import curve_requests, leading, spend_requests
from cxlink.groups.requests import Request
from cxlink.spend.means import CellMeans, MeanSpend, cell_means, mean_spend, on_log_link
from cxlink.survival.kaplan_meier import kaplan_meier
from cxlink.survival.survival import Survival

Row = dict[str, Any]
Beside = Callable[[Survival], tuple[list[Row], list[Check]]]


def headline(
    spells: Spells, counts: Counts, rng: np.random.Generator, beside: Beside | None = None
) -> tuple[list[Row], list[Check]]:
    """Kaplan–Meier and means of spend, drawn together from one bootstrap of customers.

    Parameters
    ----------
    spells, counts
        The cohort.
    rng : Generator
        Advanced.
    beside : callable, optional
        Takes the headline's curves of retention, with draws; returns further rows and checks made from them.

    Returns
    -------
    rows : list of dict
        Of ``estimates.csv``.
    findings : list of Check
        Of ``diagnostics.csv``.
    """
    spec = counts.spec
    asked = curve_requests(spells, spec) if spec.subscription is not None else []
    spend = spend_requests(spells, spec) if spec.spend is not None else []
    return headline_of(spells, counts, asked, spend, rng, beside=beside)


def headline_of(
    spells: Spells,
    counts: Counts,
    asked: Sequence[Request],
    spend: Sequence[Request],
    rng: np.random.Generator,
    *,
    beside: Beside | None = None,
) -> tuple[list[Row], list[Check]]:
    """Give the rows of some curves and means; see `headline`."""
    spec = counts.spec
    findings = [check for request in asked for check in support_checks("kaplan_meier", request, spec)]
    findings += [check for request in spend for check in support_checks("means", request, spec)]
    first = leading(asked), leading(spend)
    for model, request in zip(SUCCESSOR, first, strict=True):
        findings += size_checks(model, request, spells, spec) if request is not None else []
        findings += bucket_checks(model, counts) if request is not None else ()
    curves, spend = ([r for r in requests if r.standards] for requests in (asked, spend))
    cells = [cell_means(spells, request.members) for request in spend]
    width = len(spells.n) if spells.buckets is None else len(spells.buckets.pair)
    scores = sparse.vstack([c.scores for c in cells]) if cells else sparse.csr_array((0, width))
    made = kaplan_meier(spells, curves, spec.analysis.draws, rng, horizon=spec.horizon, scores=scores.tocsr())
    rows = []
    for request, curve in zip(curves, made.curves, strict=True):
        rows += survival_rows(curve, spec, leading_rows(curve, spec) if request is first[0] else NOT_LEADING)
        findings += [*curve_checks(curve, spec), *survival_refusals(curve, spec)]
        if request is first[0] and beside is not None:
            more, found = beside(curve)
            rows, findings = [*rows, *more], [*findings, *found]
    for request, cell, mean in _means(spend, cells, made.influence, counts, rng):
        rows += spend_rows(mean, spec, LEADING if request is first[1] else NOT_LEADING)
        findings += spend_checks(cell, mean)
    return [*rows, *e_values(rows)], findings


def _means(
    requests: Sequence[Request],
    cells: list[CellMeans],
    influence: np.ndarray,
    counts: Counts,
    rng: np.random.Generator,
) -> list[tuple[Request, CellMeans, MeanSpend]]:
    if not requests:
        return []
    scored = counts.scored
    spenders = scored["spend_n"].sum() - scored["spend_zero"].sum()
    positive = float(scored["spend_sum"].sum() / spenders) if spenders else 0.0
    edges = np.cumsum([0, *(len(c.n) for c in cells)])
    made = [
        mean_spend(request, cell, influence[:, a:b], rng, positive)
        for request, cell, a, b in zip(requests, cells, edges[:-1], edges[1:], strict=True)
    ]
    spend = counts.spec.spend
    if spend is not None and not spend.refunds:
        made = [on_log_link(means, rng) for means in made]
    return list(zip(requests, cells, made, strict=True))


def from_signup(naive: Counts, rng: np.random.Generator) -> list[Row]:
    """Give the naive rows: time counted from signup, as if every customer had had the score since then.

    Parameters
    ----------
    naive : Counts
        Counted from signup, every entry 0.
    rng : Generator
        Advanced.
    """
    if not len(naive.scored):
        return []
    spec, spells = naive.spec, _ignoring_strata(spells_of(naive))
    request = standards.pooled(spells, spec)
    if request is None:
        return []
    request = replace(
        request, times=np.array([0, spec.horizon]), labels={**request.labels, "scenario": "from_signup"}
    )
    none = sparse.csr_array((0, len(spells.n)))
    made = kaplan_meier(spells, [request], spec.analysis.draws, rng, horizon=spec.horizon, scores=none)
    rows = [row for row in survival_rows(made.curves[0], spec) if row.get("horizon") == spec.horizon]
    return [row for row in rows if row["estimand"] != "cumulative_incidence"]


def _ignoring_strata(spells: Spells) -> Spells:
    """The same spells in a single stratum; pairs stay as they are, since pooled curves use them all."""
    return replace(spells, stratum=np.zeros_like(spells.stratum), strata=pd.DataFrame(index=range(1)))

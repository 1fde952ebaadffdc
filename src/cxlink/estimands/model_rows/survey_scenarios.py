"""Retention by level and after a change under other ways to count surveys that repeat.

``until_next``: follow-up of each survey ends at the customer's next one, as in a Cox model of a score that is updated
over time. ``per_customer``: each survey has the weight 1 by the number of those that its customer answered, so that
averages are over customers. The likelihood, and the influence that the sandwich adds up over buckets, are those of
surveys times their weights.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cxlink.cohort.count.counts import PER_CUSTOMER, Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.estimand import NOT_LEADING
from cxlink.estimands.fallback import thin
from cxlink.estimands.headline import headline_of
from cxlink.estimands.model_rows.change_rows import leading_contrast
from cxlink.estimands.over_clusters.clustered_rows import Clustering
from cxlink.estimands.survival_estimands import survival_rows
from cxlink.groups.changed_scores import changed_scores
from cxlink.groups.effective_buckets import effective_buckets
from cxlink.groups.headline_requests import leading
from cxlink.groups.requests import Request, pooled
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import reaches
from cxlink.survival.proportional_hazards.grouped_ph import grouped_ph
from cxlink.survival.proportional_hazards.hazard_fit import Unestimated
from cxlink.survival.proportional_hazards.hazard_requests import hazard_requests

Row = dict[str, Any]
UNTIL_NEXT = "until_next"
SCENARIOS = (UNTIL_NEXT, PER_CUSTOMER)
_REPORTED = ("retention", "retention_difference", "retention_ratio")
_WHICH = ("estimand", "group", "reference", "adjusted", "scenario")


def survey_scenarios(
    counts: Counts, cut: Counts | None, rows: Sequence[Row], rng: np.random.Generator
) -> list[Row]:
    """Estimate retention at the horizon, by the model that leads, under each scenario whose counts there are.

    Parameters
    ----------
    counts : Counts
        Of a cohort whose surveys all count.
    cut : Counts or None
        The same with follow-up cut at the next survey.
    rows : sequence of dict
        The main analysis, levels and changes: what weighted surveys have in common with it are their numbers.
    rng : Generator
        Its children are advanced.

    Returns
    -------
    list of dict
        ``retention``, ``retention_difference`` and ``retention_ratio``; of levels scenario ``until_next`` and
        ``per_customer``, of changes ``fall_given_last_until_next`` and so on.
    """
    first, second = rng.spawn(2)
    found = list(_all_rows(cut, UNTIL_NEXT, first)) if cut is not None and len(cut.scored) else []
    if PER_CUSTOMER in counts.cells:
        sizes = {
            tuple(row.get(name) or "" for name in _WHICH): (row.get("n"), row.get("n_events"))
            for row in rows if row["estimand"] in _REPORTED and row.get("horizon") == counts.spec.horizon
        }  # fmt: skip
        found += _of_surveys(_all_rows(weighted(counts), PER_CUSTOMER, second), sizes)
    return found


def weighted(counts: Counts) -> Counts:
    """Count each customer once, every survey as its share: the number in a cell need not be whole."""
    cells = counts.cells.assign(n=counts.cells[PER_CUSTOMER])
    return replace(counts, cells=cells)


def _all_rows(counts: Counts, scenario: str, rng: np.random.Generator) -> Iterator[Row]:
    of_levels, *of_changes = rng.spawn(5)
    for row in Clustering(counts, effective_buckets(counts)).rows(_level_rows(counts, of_levels)):
        yield {**row, "scenario": scenario, "headline": False}
    for compared, stream in zip(changed_scores(counts), of_changes, strict=False):
        for row in leading_contrast(compared, stream):
            yield {**row, "scenario": f"{compared.scenario}_{scenario}"}


def _level_rows(counts: Counts, rng: np.random.Generator) -> list[Row]:
    """Kaplan–Meier where it has customers enough to lead, else proportional hazards; contrasts of the headline."""
    spells, spec = spells_of(counts), counts.spec
    plain, average = pooled(spells, spec), standardised(spells, spec, reaches(spells, spec.horizon))
    asked = [_at_horizon(one, spec.horizon) for one in (plain, average) if one is not None and one.standards]
    observed, modelled = rng.spawn(2)
    rows, findings = headline_of(spells, counts, asked, [], observed)
    if thin(findings, "kaplan_meier", spec) or leading(asked) is None:
        request = _at_horizon(hazard_requests(spells, spec)[-1], spec.horizon)
        fitted = grouped_ph(spells, spec, request, spec.analysis.draws, modelled, covariance="jackknife")
        kept = [row for row in rows if row.get("adjusted") == "no"]
        rows = (
            kept
            if isinstance(fitted, Unestimated)
            else [*kept, *survival_rows(fitted.curves, spec, NOT_LEADING)]
        )
    return [row for row in rows if row["estimand"] in _REPORTED and row.get("horizon") == spec.horizon]


def _at_horizon(request: Request, horizon: int) -> Request:
    return replace(request, times=np.array([0, horizon]), horizons=(), later=())


def _of_surveys(rows: Iterable[Row], sizes: dict[tuple[Any, ...], tuple[Any, Any]]) -> Iterator[Row]:
    """Give rows of weighted surveys the number of surveys, and of losses, that they are made of."""
    for row in rows:
        scenario = row["scenario"].removesuffix(PER_CUSTOMER).removesuffix("_")
        which = tuple({**row, "scenario": scenario}.get(name) or "" for name in _WHICH)
        if which in sizes:
            n, n_events = sizes[which]
            yield {**row, "n": n, "n_events": n_events}

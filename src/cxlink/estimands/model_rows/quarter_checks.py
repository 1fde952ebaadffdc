"""Retention by score and quarter of the survey, and whether losses drift over calendar time."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from cxlink.checks import Check, Fact
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import person_periods, spells_of
from cxlink.estimands.headline import headline_of
from cxlink.estimands.over_clusters.clustered_rows import Clustering
from cxlink.estimands.support_checks import until
from cxlink.groups.effective_buckets import effective_buckets
from cxlink.groups.requests import pooled
from cxlink.groups.survey_quarters import survey_quarters
from cxlink.survival.proportional_hazards.proportionality import trend

GROUPS = ("worst", "best", "all")
_TOGETHER = 2
"""Blank quarters that are withheld at least, where one is: one alone would follow from the others."""


def quarter_checks(counts: Counts, rng: np.random.Generator) -> Iterator[Check]:
    """Estimate retention at the horizon by quarter of the survey, and test for a drift.

    Yields
    ------
    Check
        ``quarter_retention``: of ``worst``, ``best`` and ``all``, each quarter from the first to the last; without a
        value where nobody answered, where no survey was followed so far, or where too few answered to be shown.
        ``calendar_drift``: the hazard ratio of one quarter later, level and strata additive (grouped proportional
        hazards; Wald test over buckets). Nothing where all surveys are of one quarter.
    """
    for group, stream in zip(GROUPS, rng.spawn(len(GROUPS)), strict=True):
        yield from _of_group(counts, group, stream)
    if survey_quarters(counts, counts.spec.scale.levels) is None:
        return
    made = survey_quarters(counts, counts.spec.scale.levels, adjusted=True)
    assert made is not None
    slope = trend(person_periods(spells_of(made.counts)), counts.spec.analysis.level)
    if slope is not None:
        facts: dict[str, Fact] = {"z": slope.z, "p": slope.p, "quarters": len(made.quarters)}
        yield Check(
            "calendar_drift",
            "grouped_ph",
            "all",
            slope.estimate,
            slope.conf_low,
            slope.conf_high,
            facts=facts,
        )


def _of_group(counts: Counts, group: str, rng: np.random.Generator) -> Iterator[Check]:
    """Kaplan–Meier of the surveys of each quarter, unadjusted."""
    made = survey_quarters(counts, counts.spec.group(group))
    if made is None:
        return
    horizon = counts.spec.horizon
    spells = spells_of(made.counts)
    request = pooled(spells, made.counts.spec)
    rows: list[dict[str, Any]] = []
    if request is not None:
        asked = replace(request, times=np.array([0, horizon]), horizons=(), later=())
        rows, _ = headline_of(spells, made.counts, [asked], [], rng)
    over = Clustering(made.counts, effective_buckets(made.counts)).rows(rows)
    known = {r["group"]: r for r in over if r["estimand"] == "retention" and r.get("horizon") == horizon}
    sizes = made.counts.cells.groupby("score")["n"].sum()
    n = [int(sizes.get(at, 0)) for at in range(1, len(made.quarters) + 1)]
    hidden = _withheld(n, counts.spec.publish.smallest_cell)
    for at, quarter in enumerate(made.quarters, 1):
        row = known.get(str(at), {})
        facts: dict[str, Fact] = {"quarter": quarter, "surveys": n[at - 1], **until(counts.spec)}
        if at - 1 in hidden:
            row, facts = {}, {"quarter": quarter, "blank": True, **until(counts.spec)}
        value, low, high = (float(row.get(name, np.nan)) for name in ("estimate", "conf_low", "conf_high"))
        yield Check("quarter_retention", "kaplan_meier", group, value, low, high, facts=facts)


def _withheld(n: list[int], least: int) -> set[int]:
    """Quarters with too few surveys to be shown; where that is one alone, the smallest other one with it."""
    small = {at for at, size in enumerate(n) if 0 < size < least}
    others = sorted((size, at) for at, size in enumerate(n) if size and at not in small)
    while small and len(small) < _TOGETHER and others:
        small.add(others.pop(0)[1])
    return small

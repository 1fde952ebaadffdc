"""Rows that were excluded for a rule: retention with those that could have been counted, against what is estimated."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.support_checks import until
from cxlink.groups.requests import pooled
from cxlink.survival.kaplan_meier import kaplan_meier

_DRAWS = 400
"""Enough for a standard error to 4 %."""


def exclusion_checks(around: Sequence[Counts]) -> Iterator[Check]:
    """Compare unadjusted retention at the horizon with and without the rows that were excluded.

    Parameters
    ----------
    around : sequence of Counts
        By score and time alone: with the rows excluded whose score and times are valid, and without them; empty where
        no row was excluded.

    Yields
    ------
    Check
        For each group of the headline contrast: what the exclusion adds to its retention. It fails where that is more
        than the standard error of what is left.
    """
    if not around or around[0].spec.subscription is None or not all(len(counts.scored) for counts in around):
        return
    spec = around[0].spec
    (before, _), (after, errors) = map(_retention, around)
    for group in [
        name for name in spec.contrast(spec.analysis.contrasts[0]) if name in before and name in after
    ]:
        moved = after[group] - before[group]
        facts = {"before": before[group], "estimate": after[group], **until(spec)}
        passed = not abs(moved) > errors[group]
        yield Check(
            "excluded_rows", "kaplan_meier", group, moved, bound=errors[group], passed=passed, facts=facts
        )


def _retention(counts: Counts) -> tuple[dict[str, float], dict[str, float]]:
    """Retention at the horizon and its standard error, by group; without groups that are not followed so far."""
    spec, spells = counts.spec, spells_of(counts)
    request = pooled(spells, spec)
    if request is None or not request.standards:
        return {}, {}
    asked = replace(request, times=np.array([0, spec.horizon]), horizons=(), later=())
    rng, nothing = np.random.default_rng(spec.analysis.seed), csr_array((0, len(spells.n)))
    (made,) = kaplan_meier(spells, [asked], _DRAWS, rng, horizon=spec.horizon, scores=nothing).curves
    points = {request.standards[g].group: (float(made.point[g, 1]), made.draws[:, g, 1]) for g in request.own}
    there = {name: both for name, both in points.items() if not np.isnan(both[0])}
    return (
        {name: point for name, (point, _) in there.items()},
        {name: float(draws.std(ddof=1)) for name, (_, draws) in there.items()},
    )

"""Rows excluded for a rule: who was lost among them, and retention with those that could have been counted."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.lost_shares import LostShares
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.counted import Counted
from cxlink.estimands.support_checks import until
from cxlink.groups.requests import pooled
from cxlink.survival.kaplan_meier import kaplan_meier

_DRAWS = 400
"""Enough for a standard error to 4 %."""


def exclusion_findings(made: Counted) -> Iterator[Check]:
    """Give the checks of the rows that were excluded: who was lost among them, and how far retention moves."""
    yield from exclusion_losses(made.excluded, made.counts.spec.publish.smallest_cell)
    yield from exclusion_checks(made.around_exclusion)


def exclusion_losses(excluded: LostShares | None, smallest: int) -> Iterator[Check]:
    """Compare the share lost of the customers who were excluded with that of the others.

    Parameters
    ----------
    excluded : LostShares or None
        Both, of the customers whose event or end can be read, whatever else is wrong with their rows.
    smallest : int
        ``[publish] smallest_cell``: where fewer were lost, or not, the numbers are blank.

    Yields
    ------
    Check
        What the exclusion adds to the share lost. It fails where the two differ by more than chance, and the exclusion
        moves the share by more than its standard error.
    """
    if excluded is None or not excluded.n or not excluded.n_others:
        return
    moved, error = excluded.moved, excluded.error
    passed = not (excluded.unlike and abs(moved) > error)
    if excluded.smaller_than(smallest):
        yield Check("excluded_losses", passed=passed, facts={"blank": True})
    else:
        yield Check("excluded_losses", value=moved, bound=error, passed=passed, facts=excluded.facts())


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

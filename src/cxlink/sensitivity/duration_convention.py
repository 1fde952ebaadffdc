"""The duration convention: the headline under the other one, with parts of periods at risk, and of a snapshot."""

from collections.abc import Hashable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlink.checks import Check, Fact
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.counted import other_convention
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.strata import stratum_column
from cxlink.estimands.support_checks import until
from cxlink.estimands.tidy import select
from cxlink.groups.headline_requests import curve_requests, leading
from cxlink.sensitivity.snapshot_losses import spread_over_window
from cxlink.survival.kaplan_meier import point_curves


def convention_checks(counts: Counts, other: Counts | None, estimates: pd.DataFrame) -> Iterator[Check]:
    """Compare the headline with what it would be if durations were recorded otherwise.

    Under the other convention; where no follow-up is named, so that parts of periods may have been observed, with the
    actuarial risk set; of a snapshot, with those lost at risk for as long as the tenures of those retained suggest. A
    check fails where they differ by over a standard error.

    Parameters
    ----------
    counts : Counts
        Under the convention of the estimates.
    other : Counts or None
        Under the other one; None where durations come from dates.
    estimates : DataFrame
        Of the cohort.

    Yields
    ------
    Check
        For each group of the headline contrast: what the other counts add to its ``estimate``.
    """
    sub = counts.spec.subscription
    if sub is None:
        return
    if other is not None:
        convention = other_convention(sub.counts)
        yield from _differences("counts_reading", counts.spec, other, estimates, {"counts": convention})
    if not sub.dated and sub.follow_up is None:
        yield from _differences("part_periods", counts.spec, with_part_periods(counts), estimates, {})
    if sub.window is not None and sub.window > 1:
        facts: dict[str, Fact] = {"window": sub.window}
        yield from _differences("window_losses", counts.spec, spread_over_window(counts), estimates, facts)


def with_part_periods(counts: Counts) -> Counts:
    """The same customers, half of those retained at risk for one more period.

    With r customers at risk and c censored after t − 1 periods, r_t + c_{t−1} / 2 are at risk in period t, as in a life
    table (Cutler & Ederer 1958, doi 10.1016/0021-9681(58)90126-7); none after the last period of level and stratum.
    """
    cells = counts.cells.assign(n=counts.cells["n"].astype(float))
    cells.loc[cells["cause"] == "", "n"] /= 2
    keys = ["score", *(stratum_column(name) for name in counts.spec.stratum_variables)]
    last = cells.groupby(keys, dropna=False)["exit"].transform("max")
    more = cells.assign(exit=np.minimum(cells["exit"] + 1, last))[cells["cause"] == ""]
    both = pd.concat([cells, more], ignore_index=True)
    return replace(counts, cells=both)


def _differences(
    code: str, spec: CohortSpec, other: Counts, estimates: pd.DataFrame, facts: dict[str, Fact]
) -> Iterator[Check]:
    """What other counts add to the headline: a check fails where that is over a standard error."""
    points = headline_points(other)
    for row in _at_the_horizon(estimates, spec):
        value = points.get(row["group"])
        if value is None:
            continue
        difference = value - row["estimate"]
        ok = not abs(difference) > row["std_error"]
        more: dict[str, Fact] = {**facts, "estimate": float(row["estimate"]), **until(spec)}
        yield Check(code, "kaplan_meier", row["group"], difference, passed=ok, facts=more)


def _at_the_horizon(estimates: pd.DataFrame, spec: CohortSpec) -> list[dict[Hashable, Any]]:
    """Kaplan–Meier rows of both groups of the headline contrast, standardised where available."""
    rows = select(
        estimates, estimand="retention", model="kaplan_meier", horizon=spec.horizon, stratum="", scenario="",
        group=spec.contrast(spec.analysis.contrasts[0]),
    )  # fmt: skip
    adjusted = rows[rows["adjusted"] == "standardised"]
    return (adjusted if len(adjusted) else rows).to_dict("records")


def headline_points(counts: Counts) -> dict[str, float]:
    """Retention of both groups of the headline contrast at the horizon, without intervals.

    Returns
    -------
    dict of str to float
        By group, omitting groups without customers at risk up to the horizon.
    """
    if not len(counts.scored) or counts.spec.subscription is None:
        return {}
    spells = spells_of(counts)
    requests = curve_requests(spells, counts.spec)
    request = leading(requests)
    if request is None or not request.standards:
        return {}
    survival = point_curves(spells, replace(request, times=np.array([0, counts.spec.horizon]), horizons=()))
    sides = counts.spec.contrast(counts.spec.analysis.contrasts[0])
    points = {request.standards[g].group: float(survival[g, 1]) for g in request.own}
    return {name: points[name] for name in sides if name in points and not np.isnan(points[name])}

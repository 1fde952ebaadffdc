"""The duration convention: the headline under the other one."""

from collections.abc import Hashable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.counted import other_convention
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.support_checks import until
from cxlink.estimands.tidy import select
from cxlink.groups.headline_requests import curve_requests, leading
from cxlink.survival.kaplan_meier import point_curves


def convention_checks(spec: CohortSpec, other: Counts | None, estimates: pd.DataFrame) -> Iterator[Check]:
    """Compare the headline under both duration conventions: a check fails where they differ by over a standard error.

    Parameters
    ----------
    spec : CohortSpec
        With the convention of the estimates.
    other : Counts or None
        Under the other convention; None where durations come from dates.
    estimates : DataFrame
        Of the cohort.

    Yields
    ------
    Check
        For each group of the headline contrast: what the other convention adds to its ``estimate``.
    """
    if spec.subscription is None or other is None:
        return
    convention = other_convention(spec.subscription.counts)
    points = headline_points(other)
    for row in _at_the_horizon(estimates, spec):
        value = points.get(row["group"])
        if value is None:
            continue
        difference = value - row["estimate"]
        ok = not abs(difference) > row["std_error"]
        facts = {"counts": convention, "estimate": float(row["estimate"]), **until(spec)}
        yield Check("counts_reading", "kaplan_meier", row["group"], difference, passed=ok, facts=facts)


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

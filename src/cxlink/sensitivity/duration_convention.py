"""The duration convention: the headline under the other one."""

from collections.abc import Hashable
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


def compare_conventions(
    counts: Counts, other: Counts | None, estimates: pd.DataFrame
) -> tuple[Counts, list[Check]]:
    """Compare the headline under both duration conventions.

    Parameters
    ----------
    counts : Counts
        Under the convention of the spec.
    other : Counts or None
        Under the other convention; None where durations come from dates.
    estimates : DataFrame
        Of ``counts``.

    Returns
    -------
    counts, findings
        The counts, with a note in their profile where a difference exceeds the standard error, and a check for each
        group of the headline contrast.
    """
    spec = counts.spec
    if spec.subscription is None or other is None:
        return counts, []
    convention = other_convention(spec.subscription.counts)
    points = headline_points(other)
    findings, notes = [], []
    for row in _at_the_horizon(estimates, spec):
        value = points.get(row["group"])
        if value is None:
            continue
        difference = value - row["estimate"]
        ok = not abs(difference) > row["std_error"]
        facts = {"counts": convention, **until(spec)}
        findings.append(
            Check("counts_reading", "kaplan_meier", row["group"], difference, passed=ok, facts=facts)
        )
        if not ok:
            notes.append(f"{100 * value:.1f} % for {100 * row['estimate']:.1f} % ({row['group']})")
    if notes:
        sentence = (
            f'If a recorded duration meant the other thing (counts = "{convention}"), retention at {spec.horizon} '
            f"{spec.unit}s would be {' and '.join(notes)}."
        )
        counts = replace(counts, profile=replace(counts.profile, notes=(*counts.profile.notes, sentence)))
    return counts, findings


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

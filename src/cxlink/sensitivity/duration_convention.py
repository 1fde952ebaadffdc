"""Both readings of a recorded duration: what the headline would be under the other one."""

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


def compare_readings(
    counts: Counts, other: Counts | None, estimates: pd.DataFrame
) -> tuple[Counts, list[Check]]:
    """Compare the headline under both readings of recorded durations; note it where they differ beyond the error.

    Parameters
    ----------
    counts : Counts
        As the spec reads them.
    other : Counts or None
        Under the other convention; None where there is none.
    estimates : DataFrame
        Of the counts.

    Returns
    -------
    counts, findings
        The counts, with a sentence among the notes of their profile where a difference is larger than the standard
        error, and a finding for each side of the headline.
    """
    spec = counts.spec
    if spec.subscription is None or other is None:
        return counts, []
    named = other_convention(spec.subscription.counts)
    theirs = headline_points(other)
    findings, notes = [], []
    for row in _at_the_horizon(estimates, spec):
        value = theirs.get(row["group"])
        if value is None:
            continue
        apart = value - row["estimate"]
        ok = not abs(apart) > row["std_error"]
        facts = {"counts": named, **until(spec)}
        findings.append(Check("counts_reading", "kaplan_meier", row["group"], apart, passed=ok, facts=facts))
        if not ok:
            notes.append(f"{100 * value:.1f} % for {100 * row['estimate']:.1f} % ({row['group']})")
    if notes:
        sentence = (
            f'If a recorded duration meant the other thing (counts = "{named}"), retention at {spec.horizon} '
            f"{spec.unit}s would be {' and '.join(notes)}."
        )
        counts = replace(counts, profile=replace(counts.profile, notes=(*counts.profile.notes, sentence)))
    return counts, findings


def _at_the_horizon(estimates: pd.DataFrame, spec: CohortSpec) -> list[dict[Hashable, Any]]:
    """Kaplan–Meier rows of both sides of the headline: standardised where there are any."""
    rows = select(
        estimates, estimand="retention", model="kaplan_meier", horizon=spec.horizon, stratum="", scenario="",
        group=spec.contrast(spec.analysis.contrasts[0]),
    )  # fmt: skip
    adjusted = rows[rows["adjusted"] == "standardised"]
    return (adjusted if len(adjusted) else rows).to_dict("records")


def headline_points(counts: Counts) -> dict[str, float]:
    """Retention of worst and best at the horizon, without intervals.

    Returns
    -------
    dict of str to float
        By group; a group without customers, or without anybody at risk to the horizon, is not in it.
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

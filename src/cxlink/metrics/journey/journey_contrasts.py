"""What the score at each touchpoint goes with, given the scores at all others."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxlink.cohort.count.driver_counts import BUCKET
from cxlink.cohort.count.journey_counts import SEGMENT, TOUCHPOINT, JourneyCounts
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.strata import stratum_column
from cxlink.metrics.drivers.joint_cells import Factor, JointCells
from cxlink.metrics.drivers.partial_contrasts import PointContrast, retention_contrasts, spend_contrasts

LEAST = 100
"""Customers with a touchpoint's score, under whom a segment has no contrast."""
_NONE = -np.inf  # of a touchpoint where a customer was not: below the levels of any scale


@dataclass(frozen=True, slots=True)
class TouchpointContrast:
    """Contrast of one touchpoint.

    Attributes
    ----------
    outcome : str
        ``retention`` or ``spend``.
    how : str
        ``alone``, or ``partial``: given the others.
    segment : str
        Category; empty for all customers.
    contrast : PointContrast
        Named by the touchpoint; ``n`` are the customers who gave a score there and whose outcome is known.
    """

    outcome: str
    how: str
    segment: str
    contrast: PointContrast


def contrasts_of_journey(journey: JourneyCounts, spec: CohortSpec) -> Iterator[TouchpointContrast]:
    """Give the contrasts of all touchpoints, alone and given the others, and given the others by segment.

    One additive model of all touchpoints and strata: a factor of each touchpoint, the customers who were not there a
    category of it. See `retention_contrasts` and `spend_contrasts`, also for customers who are clustered.

    Parameters
    ----------
    journey : JourneyCounts
        Of a cohort.
    spec : CohortSpec
        Its scale of contacts and its strata.
    """
    cells = journey.cells
    for outcome, fit in _outcomes(journey, spec).items():
        whole = _joint(cells, journey, spec)
        for one in _fitted(fit, whole, outcome):
            yield TouchpointContrast(outcome, "partial", "", one)
        for score in whole.scores:
            for one in _fitted(fit, replace(whole, scores=(score,)), outcome):
                yield TouchpointContrast(outcome, "alone", "", one)
        if spec.touchpoints is None or spec.touchpoints.segment is None:
            continue
        for segment in sorted(set(cells[SEGMENT])):
            for one in _fitted(fit, _joint(cells[cells[SEGMENT] == segment], journey, spec), outcome):
                if one.n >= LEAST:
                    yield TouchpointContrast(outcome, "partial", segment, one)


def _outcomes(
    journey: JourneyCounts, spec: CohortSpec
) -> dict[str, Callable[[JointCells], list[PointContrast]]]:
    retention = {"retention": retention_contrasts} if journey.horizon else {}
    paid = spec.spend is not None and not (journey.cells["spend_sum"] < 0).any()
    return {**retention, **({"spend": spend_contrasts} if paid else {})}


def _fitted(
    fit: Callable[[JointCells], list[PointContrast]], cells: JointCells, outcome: str
) -> list[PointContrast]:
    """Fit, where both outcomes occur; ``n`` is the touchpoint's own."""
    names = ("retained", "lost") if outcome == "retention" else ("spend_n", "spend_sum")
    if not cells.scores or any(not cells.table[name].sum() > 0 for name in names):
        return []
    known = cells.table[list(names)].sum(axis=1) if outcome == "retention" else cells.table["spend_n"]
    n = known.to_numpy(dtype=float)
    own = {one.name: int(n[np.isfinite(one.points)[one.codes]].sum()) for one in cells.scores}
    return [replace(one, n=own[one.name]) for one in fit(cells)]


def _joint(cells: pd.DataFrame, journey: JourneyCounts, spec: CohortSpec) -> JointCells:
    """Lay cells out: a factor of each touchpoint with two levels or more, and of each stratum variable."""
    assert spec.touchpoints is not None
    n, worst = cells["n"].to_numpy(dtype=float), spec.touchpoints.levels.levels[0]
    span = float(spec.touchpoints.levels.high - spec.touchpoints.levels.low)
    scores = []
    for name in journey.touchpoints:
        codes, values = _by_size(cells[TOUCHPOINT + name].fillna(_NONE), n)
        points = np.where(values == _NONE, np.nan, np.abs(values - worst))
        if np.isfinite(points).sum() > 1:
            scores.append(Factor(name, codes, points, span))
    strata = []
    for variable in spec.stratum_variables:
        codes, categories = _by_size(cells[stratum_column(variable)], n)
        if len(categories) > 1:
            strata.append(Factor(variable, codes, np.full(len(categories), np.nan)))
    bucket = cells[BUCKET].to_numpy(int) if BUCKET in cells else None
    return JointCells(n, tuple(scores), tuple(strata), cells, bucket)


def _by_size(column: pd.Series, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Codes of a column's values, the most frequent first; equal ones in their own order."""
    codes, values = pd.factorize(column, sort=True)
    order = np.argsort(-np.bincount(codes, n, len(values)), kind="stable")
    place = np.empty(len(values), dtype=int)
    place[order] = np.arange(len(values))
    return place[codes], np.asarray(values)[order]

"""Simultaneous intervals of the partial contrasts of one model: of the scores, or of the touchpoints of a journey."""

from collections.abc import Sequence

import numpy as np

from cxlink.estimands.simultaneous import level_of_each
from cxlink.metrics.bucketed_metrics import half_width, symmetric
from cxlink.metrics.drivers.partial_contrasts import PointContrast
from cxlink.metrics.metric_intervals import MetricEstimate


def simultaneous_contrasts(
    contrasts: Sequence[PointContrast], level: float
) -> list[tuple[str, MetricEstimate]]:
    """Give the contrasts intervals that all hold at once in the stated share of cohorts.

    Each is its interval by itself at the one higher level of `level_of_each`: normal, or where customers are clustered
    Student's with its own degrees of freedom, so that none is narrower than its own.

    Parameters
    ----------
    contrasts : sequence of PointContrast
        All those of one model.
    level : float
        Confidence level of all intervals together.

    Returns
    -------
    list of (str, MetricEstimate)
        By name, of the contrasts that have an interval by themselves; none of fewer than two.
    """
    family = [
        k
        for k, one in enumerate(contrasts)
        if np.isfinite(one.std_error) and np.isfinite(half_width(level, one.freedom))
    ]
    if len(family) < 2:
        return []
    covariance = np.array([contrasts[k].covariance for k in family])[:, family]
    each = level_of_each(covariance, level)
    members = [contrasts[k] for k in family]
    return [(one.name, symmetric((one.estimate, one.std_error, one.n), each, one.freedom)) for one in members]

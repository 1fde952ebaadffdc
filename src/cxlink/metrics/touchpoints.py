"""Retention and spend by the score at each touchpoint: rows of the metrics table."""

from collections.abc import Iterator

import numpy as np
from scipy.special import ndtri

from cxlink.cohort.count.counts import Counts
from cxlink.metrics.metric_intervals import MetricEstimate
from cxlink.metrics.metric_table import Row, metric_row
from cxlink.metrics.touchpoint_slopes import Slopes, by_touchpoint, retention_slopes, spend_slopes

METRICS = {"retention": "touchpoint_hazard_ratio", "spend": "touchpoint_spend_ratio"}
DIFFER = {"retention": "touchpoint_hazards_differ", "spend": "touchpoint_spends_differ"}


def touchpoint_rows(counts: Counts) -> Iterator[Row]:
    """Hazard and spend ratios per point of the score at each touchpoint; none without ``touchpoint``."""
    cohort = by_touchpoint(counts)
    if cohort is None:
        return
    if counts.spec.subscription is not None:
        yield from _rows("retention", retention_slopes(cohort), counts.spec.analysis.level)
    if counts.spec.spend is not None and cohort.cells["spend_n"].sum():
        yield from _rows("spend", spend_slopes(cohort), counts.spec.analysis.level)


def _rows(outcome: str, slopes: Slopes | None, level: float) -> Iterator[Row]:
    if slopes is None:
        return
    for how, estimates in (("alone", slopes.alone), ("together", slopes.together)):
        for name, n, (slope, error) in zip(slopes.touchpoints, slopes.n, estimates, strict=True):
            yield metric_row(
                METRICS[outcome], _ratio(slope, error, int(n), level), level, version=how, unit="ratio",
                variable="touchpoint", category=name,
            )  # fmt: skip
    if np.isfinite(slopes.differ[1]):
        p_value = MetricEstimate(slopes.differ[1], np.nan, np.nan, np.nan, int(slopes.n.sum()))
        yield metric_row(DIFFER[outcome], p_value, level, version="together", unit="p-value")


def _ratio(slope: float, error: float, n: int, level: float) -> MetricEstimate:
    reach = float(ndtri((1 + level) / 2)) * error
    low, middle, high = (float(x) for x in np.exp(np.clip([slope - reach, slope, slope + reach], -700, 700)))
    return MetricEstimate(middle, middle * error, low, high, n)

"""A journey as rows of the metrics table."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.journey_counts import ARROW, SEGMENT, JourneyCounts
from cxlink.metrics.journey.journey_changes import trends
from cxlink.metrics.journey.journey_contrasts import contrasts_of_journey
from cxlink.metrics.metric_intervals import MetricEstimate, mean_score, share
from cxlink.metrics.metric_table import Row, metric_row

MEAN, REACHED, FIRST, LAST, PATH = (
    "journey_mean", "journey_reached", "journey_first", "journey_last", "journey_path",
)  # fmt: skip
CONTRASTS = {"retention": "journey_retention_contrast", "spend": "journey_spend_contrast"}
TREND, TREND_TEST = "journey_trend", "journey_trend_test"
VARIABLE, ORDER = "touchpoint", "path"
PATHS = 10
"""The most frequent paths that are given."""


def journey_rows(counts: Counts) -> Iterator[Row]:
    """Give means, order, contrasts and trends of the touchpoints; none without ``[touchpoints]``."""
    journey, spec = counts.journey, counts.spec
    if journey is None or spec.touchpoints is None:
        return
    yield from _means(counts, journey)
    yield from _order(counts, journey)
    for one in contrasts_of_journey(journey, spec.of_first_surveys):
        unit = "probability" if one.outcome == "retention" else spec.spend.currency if spec.spend else ""
        error = one.contrast.std_error
        # by segment the touchpoint stands in the version: a row's category is that of the segment
        where = (
            {"version": f"partial:{one.contrast.name}", "variable": spec.touchpoints.segment, "category": one.segment}
            if one.segment
            else {"version": one.how, "variable": VARIABLE, "category": one.contrast.name}
        )  # fmt: skip
        yield _row(
            counts, CONTRASTS[one.outcome], (one.contrast.estimate, error, one.contrast.n), unit=unit, **where
        )
    for trend in trends(journey.contacts, 1 if spec.touchpoints.higher_is_better else -1):
        at = {"variable": VARIABLE, "category": trend.touchpoint}
        yield _row(counts, TREND, (trend.slope, trend.std_error, trend.n), unit="score", **at)
        p_value = MetricEstimate(trend.p_value, np.nan, np.nan, np.nan, trend.n)
        yield metric_row(TREND_TEST, p_value, spec.analysis.level, unit="p-value", **at)


def _row(counts: Counts, metric: str, found: tuple[float, float, int], **columns: object) -> Row:
    value, error, n = found
    level = counts.spec.analysis.level
    reach = float(ndtri((1 + level) / 2)) * error
    return metric_row(metric, MetricEstimate(value, error, value - reach, value + reach, n), level, **columns)


def _means(counts: Counts, journey: JourneyCounts) -> Iterator[Row]:
    """Mean of the last score at each touchpoint: of all customers, by quarter, and by segment."""
    section, level = counts.spec.touchpoints, counts.spec.analysis.level
    assert section is not None
    ends = (section.levels.low, section.levels.high)

    def mean(cells: pd.DataFrame, **at: object) -> Row:
        values, n = (cells[name].to_numpy(dtype=float) for name in ("score", "n"))
        return metric_row(MEAN, mean_score(values, n, ends, level), level, unit="score", **at)

    for name, own in journey.contacts.groupby("touchpoint", sort=True):
        at = {"variable": VARIABLE, "category": str(name)}
        yield mean(own, **at)
        for period, part in own.groupby("period", sort=True):
            yield mean(part, period=str(period), **at)
        if section.segment is None:
            continue
        for segment, part in own.groupby(SEGMENT, sort=True):
            yield mean(part, version=str(name), variable=section.segment, category=str(segment))


def _order(counts: Counts, journey: JourneyCounts) -> Iterator[Row]:
    """Shares of the customers with a contact: who was at each touchpoint, first, last, and the frequent paths."""
    paths = journey.paths
    first = paths["path"].str.split(ARROW, regex=False)
    total = int(paths["n"].sum())
    for name in journey.touchpoints:
        inside = {
            REACHED: pd.Series([name in steps for steps in first], dtype=bool),
            FIRST: first.str[0] == name,
            LAST: paths["last"] == name,
        }
        for metric, which in inside.items():
            at = {"variable": VARIABLE, "category": name}
            yield _share(counts, metric, int(paths.loc[which, "n"].sum()), total, **at)
    frequent = (
        paths.groupby("path")["n"].sum().reset_index().sort_values(["n", "path"], ascending=[False, True])
    )
    for path, n in frequent.head(PATHS).itertuples(index=False, name=None):
        yield _share(counts, PATH, int(n), total, variable=ORDER, category=path)


def _share(counts: Counts, metric: str, n: int, total: int, **at: object) -> Row:
    """Share of the customers; blank where a group would be too small to be published."""
    level, least = counts.spec.analysis.level, counts.spec.publish.smallest_cell
    found = share(n, total, level)
    if 0 < n < least or 0 < total - n < least:
        found = MetricEstimate(np.nan, np.nan, np.nan, np.nan, total)
    return metric_row(metric, found, level, unit="probability", **at)

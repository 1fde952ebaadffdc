"""A journey as rows of the metrics table."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.driver_counts import BUCKET
from cxlink.cohort.count.journey_counts import ARROW, SEGMENT, JourneyCounts
from cxlink.estimands.simultaneous import SIMULTANEOUS
from cxlink.metrics.bucketed_metrics import by_bucket, over_buckets, symmetric
from cxlink.metrics.drivers.simultaneous_contrasts import simultaneous_contrasts
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
    """Give means, order, contrasts and trends of the touchpoints; none without ``[touchpoints]``.

    Where customers are clustered, errors are over buckets of clusters, and of too few of them there are none.
    """
    journey, spec = counts.journey, counts.spec
    if journey is None or spec.touchpoints is None:
        return
    level = spec.analysis.level
    yield from _means(counts, journey)
    yield from _order(counts, journey)
    contrasts = list(contrasts_of_journey(journey, spec.of_first_surveys))
    units = {"retention": "probability", "spend": spec.spend.currency if spec.spend else ""}
    for one in contrasts:
        found = one.contrast
        # by segment the touchpoint stands in the version: a row's category is that of the segment
        where = (
            {"version": f"partial:{found.name}", "variable": spec.touchpoints.segment, "category": one.segment}
            if one.segment
            else {"version": one.how, "variable": VARIABLE, "category": found.name}
        )  # fmt: skip
        estimate = symmetric((found.estimate, found.std_error, found.n), level, found.freedom)
        yield metric_row(CONTRASTS[one.outcome], estimate, level, unit=units[one.outcome], **where)
    for outcome, unit in units.items():
        own = (outcome, "partial", "")
        partial = [one.contrast for one in contrasts if (one.outcome, one.how, one.segment) == own]
        for name, estimate in simultaneous_contrasts(partial, level):
            where = {"version": SIMULTANEOUS, "variable": VARIABLE, "category": name}
            yield metric_row(CONTRASTS[outcome], estimate, level, unit=unit, **where)
    for trend in trends(journey.contacts, 1 if spec.touchpoints.higher_is_better else -1):
        at = {"variable": VARIABLE, "category": trend.touchpoint}
        slope = symmetric((trend.slope, trend.std_error, trend.n), level, trend.freedom)
        yield metric_row(TREND, slope, level, unit="score", **at)
        p_value = MetricEstimate(trend.p_value, np.nan, np.nan, np.nan, trend.n)
        yield metric_row(TREND_TEST, p_value, level, unit="p-value", **at)


def _means(counts: Counts, journey: JourneyCounts) -> Iterator[Row]:
    """Mean of the last score at each touchpoint: of all customers, by quarter, and by segment."""
    section, level = counts.spec.touchpoints, counts.spec.analysis.level
    assert section is not None
    ends = (section.levels.low, section.levels.high)

    def mean(cells: pd.DataFrame, **at: object) -> Row:
        values, n = (cells[name].to_numpy(dtype=float) for name in ("score", "n"))
        estimate = mean_score(values, n, ends, level)
        if BUCKET in cells:
            each = by_bucket(cells.assign(total=values * n), "total"), by_bucket(cells, "n")
            estimate = over_buckets(estimate, {"x": each[0], "w": each[1], "n": each[1]}, level, ends)
        return metric_row(MEAN, estimate, level, unit="score", **at)

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
    for name in journey.touchpoints:
        inside = {
            REACHED: pd.Series([name in steps for steps in first], dtype=bool),
            FIRST: first.str[0] == name,
            LAST: paths["last"] == name,
        }
        for metric, which in inside.items():
            at = {"variable": VARIABLE, "category": name}
            yield _share(counts, metric, which, **at)
    frequent = (
        paths.groupby("path")["n"].sum().reset_index().sort_values(["n", "path"], ascending=[False, True])
    )
    for path in frequent["path"].head(PATHS):
        yield _share(counts, PATH, paths["path"] == path, variable=ORDER, category=path)


def _share(counts: Counts, metric: str, which: pd.Series, **at: object) -> Row:
    """Share of the customers who took some of the paths; blank where a group would be too small to be published."""
    level, least = counts.spec.analysis.level, counts.spec.publish.smallest_cell
    assert counts.journey is not None
    paths = counts.journey.paths
    own = paths[which]
    n, total = int(own["n"].sum()), int(paths["n"].sum())
    found = share(n, total, level)
    if BUCKET in paths:
        every = by_bucket(paths, "n")
        found = over_buckets(found, {"x": by_bucket(own, "n"), "w": every, "n": every}, level, (0.0, 1.0))
    if 0 < n < least or 0 < total - n < least:
        found = MetricEstimate(np.nan, np.nan, np.nan, np.nan, total)
    return metric_row(metric, found, level, unit="probability", **at)

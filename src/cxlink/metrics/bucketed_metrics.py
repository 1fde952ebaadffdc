"""Metrics of clustered customers: ratios of sums, their errors from what each bucket of clusters adds to both sums."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtri, stdtrit

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.groups.effective_buckets import FEWEST_EFFECTIVE, effective_of
from cxlink.metrics.metric_intervals import MetricEstimate

Bounds = tuple[float, float]
_NONE = (np.nan, np.nan)


def without_interval(estimate: MetricEstimate) -> MetricEstimate:
    """Give an estimate alone: its error is not known over buckets."""
    return replace(estimate, std_error=np.nan, conf_low=np.nan, conf_high=np.nan)


def half_width(level: float, freedom: float) -> float:
    """Half width of an interval in standard errors: normal, Student's over buckets; NaN under `FEWEST_EFFECTIVE`.

    Parameters
    ----------
    level : float
        Confidence level.
    freedom : float
        Infinite where customers are independent, else effective buckets.

    Examples
    --------
    >>> [round(half_width(0.95, freedom), 3) for freedom in (float("inf"), 10.0, 5.0)]
    [1.96, 2.228, nan]
    """
    if freedom < FEWEST_EFFECTIVE:
        return np.nan
    upper = (1 + level) / 2
    return float(ndtri(upper) if np.isinf(freedom) else stdtrit(freedom, upper))


def symmetric(found: tuple[float, float, int], level: float, freedom: float) -> MetricEstimate:
    """Give an estimate, its error and customers the interval about it; neither error nor interval of too few buckets.

    Parameters
    ----------
    found : (float, float, int)
        The three.
    level, freedom : float
        See `half_width`.
    """
    value, error, n = found
    reach = half_width(level, freedom) * error
    return MetricEstimate(value, error if np.isfinite(reach) else np.nan, value - reach, value + reach, n)


def by_bucket(part: pd.DataFrame, of: str, points: Callable[[int], float] | None = None) -> np.ndarray:
    """Add a column of a table of metrics up by bucket, each row times the points of its score; (n_buckets,)."""
    value = part[of].to_numpy(float)
    if points is not None:
        value = value * np.array([points(int(score)) for score in part["score"]])
    return np.bincount(part["bucket"].to_numpy(int), value, BUCKETS)


def over_buckets(
    estimate: MetricEstimate, sums: Mapping[str, np.ndarray], level: float, bounds: Bounds
) -> MetricEstimate:
    """Give the error and Student's interval of a ratio R = Σx / Σw over buckets of clusters.

    V = G / (G − 1)·Σ_b (x_b − R·w_b)² / (Σw)² (Cochran 1977, chapter 6), with (Σn_b²)² / Σn_b⁴ degrees of freedom.

    Parameters
    ----------
    estimate : MetricEstimate
        As of independent customers.
    sums : mapping of str to ndarray of shape (n_buckets,)
        ``x``, ``w`` and ``n`` (customers).
    level : float
        Confidence level.
    bounds : (float, float)
        Where R can be: 0 and 1 (the interval is made on the logit scale), 0 and infinity (on that of the logarithm),
        else its interval is cut off at them.
    """
    x, w, n = sums["x"], sums["w"], sums["n"]
    n_buckets, freedom = int((n > 0).sum()), effective_of(n)
    if not w.sum() > 0 or freedom < FEWEST_EFFECTIVE or np.isnan(estimate.estimate):
        return without_interval(estimate)
    ratio = float(x.sum() / w.sum())
    error = float(np.sqrt(n_buckets / (n_buckets - 1) * ((x - ratio * w) ** 2).sum()) / w.sum())
    low, high = _ends(ratio, error, float(stdtrit(freedom, (1 + level) / 2)), bounds)
    return replace(estimate, std_error=error if error > 0 else np.nan, conf_low=low, conf_high=high)


def _ends(ratio: float, error: float, width: float, bounds: Bounds) -> tuple[float, float]:
    if not error > 0:
        return _NONE
    if bounds == (0.0, 1.0):
        if not 0 < ratio < 1:
            return _NONE
        reach = width * error / (ratio * (1 - ratio))
        return float(expit(logit(ratio) - reach)), float(expit(logit(ratio) + reach))
    if bounds == (0.0, np.inf):
        if not ratio > 0:
            return _NONE
        reach = np.exp(min(width * error / ratio, 700.0))
        return float(ratio / reach), float(ratio * reach)
    low, high = np.clip([ratio - width * error, ratio + width * error], *bounds)
    return float(low), float(high)

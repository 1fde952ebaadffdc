"""Estimates and intervals of the metrics, each from a few sums."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

_ADDED = 3.0


@dataclass(frozen=True, slots=True)
class MetricEstimate:
    """An estimate with its standard error and interval; NaN where there is none.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high : float
        In the metric's unit.
    n : int
        Customers it is estimated from.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    n: int


def share(count: float, n: float, level: float) -> MetricEstimate:
    """Share of ``n`` with Wilson's interval (Wilson 1927, JASA 22:209–212, doi 10.1080/01621459.1927.10502953).

    Parameters
    ----------
    count, n : float
        Customers that are counted, out of how many.
    level : float
        Confidence level of the interval.

    Examples
    --------
    >>> top_box = share(8, 10, level=0.95)
    >>> print(f"{top_box.estimate:.2f} [{top_box.conf_low:.3f}, {top_box.conf_high:.3f}]")
    0.80 [0.490, 0.943]
    """
    if n <= 0:
        return _none(0)
    z, p = _z(level), count / n
    middle, reach = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    low, high = (middle - reach) / (1 + z**2 / n), (middle + reach) / (1 + z**2 / n)
    # exactly 0 and 1 at the ends, where rounding leaves a trace
    low, high = (0.0 if count == 0 else low), (1.0 if count == n else high)
    return MetricEstimate(p, float(np.sqrt(p * (1 - p) / n)), float(low), float(high), int(n))


def net_promoters(promoters: float, detractors: float, n: float, level: float) -> MetricEstimate:
    """Net promoter score, 100·(P − D)/n, from −100 to 100, with the adjusted Wald interval.

    ¾ of a promoter, ¾ of a detractor and 1½ passives are added: with p and d the shares among n + 3, the standard error
    is √((p + d − (p − d)²)/(n + 3)) and the interval lies about p − d; ends beyond ±100 are cut off. The estimate is
    the plain one (Rocks 2016, The American Statistician 70:365–372).

    Parameters
    ----------
    promoters, detractors, n : float
        Customers.
    level : float
        Confidence level of the interval.

    Examples
    --------
    >>> nps = net_promoters(promoters=50, detractors=20, n=100, level=0.95)
    >>> print(f"{nps.estimate:.0f} [{nps.conf_low:.1f}, {nps.conf_high:.1f}]")
    30 [14.1, 44.2]
    """
    if n <= 0:
        return _none(0)
    total = n + _ADDED
    p, d = (promoters + _ADDED / 4) / total, (detractors + _ADDED / 4) / total
    error = float(np.sqrt((p + d - (p - d) ** 2) / total))
    low, high = np.clip([p - d - _z(level) * error, p - d + _z(level) * error], -1, 1)
    estimate = 100 * (promoters - detractors) / n
    return MetricEstimate(estimate, 100 * error, 100 * float(low), 100 * float(high), int(n))


def mean_score(values: np.ndarray, n: np.ndarray, scale: tuple[int, int], level: float) -> MetricEstimate:
    """Mean answer with Student's interval, cut off at the ends of the scale.

    Where all answers are equal the variance estimate is 0: then z²/2 customers are added at either end of the scale,
    which on a scale of two levels is the interval of Agresti and Coull (1998, Am. Stat. 52:119–126).

    Parameters
    ----------
    values, n : ndarray of shape (n_levels,)
        Answers, and the customers who gave them.
    scale : (int, int)
        Its two ends.
    level : float
        Confidence level of the interval.

    Examples
    --------
    >>> csat = mean_score(np.array([1, 4, 5]), np.array([10, 30, 60]), (1, 5), level=0.95)
    >>> print(f"{csat.estimate:.1f} [{csat.conf_low:.2f}, {csat.conf_high:.2f}]")
    4.3 [4.06, 4.54]
    """
    total = float(n.sum())
    if total <= 0:
        return _none(0)
    mean = float(n @ values / total)
    squares = float(n @ (values - mean) ** 2)
    if squares > 0:
        error = float(np.sqrt(squares / (total - 1) / total))
        reach = float(stdtrit(total - 1, (1 + level) / 2)) * error
        ends = mean - reach, mean + reach
    else:
        z = _z(level)
        all_values, weight = np.append(values, scale), np.append(n, [z**2 / 2] * 2)
        middle = float(np.average(all_values, weights=weight))
        error = float(np.sqrt(np.average((all_values - middle) ** 2, weights=weight) / weight.sum()))
        ends = min(middle - z * error, mean), max(middle + z * error, mean)
    low, high = np.clip(ends, *scale)
    return MetricEstimate(mean, error, float(low), float(high), int(total))


def ratio(n: int, numerator: tuple[float, float], denominator: tuple[float, float], cross: float, level: float
          ) -> MetricEstimate:  # fmt: skip
    """Ratio of two sums, R = Σx/Σw, by the delta method: V = n/(n−1)·Σ(x − Rw)²/(Σw)² (Cochran 1977, ch. 6).

    The interval is symmetric on the log scale: amounts are skewed and non-negative. It is NaN for a single customer
    and where Σx = 0.

    Parameters
    ----------
    n : int
        Customers.
    numerator, denominator : (float, float)
        Σx and Σx²; Σw and Σw².
    cross : float
        Σxw.
    level : float
        Confidence level of the interval.
    """
    (x, xx), (w, ww) = numerator, denominator
    if n <= 0 or w <= 0:
        return _none(n)
    estimate = x / w
    if n < 2 or x <= 0:
        return MetricEstimate(estimate, np.nan, np.nan, np.nan, n)
    left = max(xx - 2 * estimate * cross + estimate**2 * ww, 0.0)
    # rounding error of the cancellation counts as 0
    left = 0.0 if left <= 1e-13 * (xx + estimate**2 * ww) else left
    error = float(np.sqrt(n / (n - 1) * left)) / w
    reach = np.exp(min(float(stdtrit(n - 1, (1 + level) / 2)) * error / estimate, 700.0))
    return MetricEstimate(estimate, error, float(estimate / reach), float(estimate * reach), n)


def _none(n: int) -> MetricEstimate:
    return MetricEstimate(np.nan, np.nan, np.nan, np.nan, n)


def _z(level: float) -> float:
    return float(ndtri((1 + level) / 2))

"""Change of the score at a touchpoint over calendar time, with a test of trend."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtr, stdtr

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.driver_counts import BUCKET
from cxlink.groups.effective_buckets import FEWEST_EFFECTIVE, effective_of


@dataclass(frozen=True, slots=True)
class ScoreTrend:
    """Linear trend of the mean score at a touchpoint over calendar quarters.

    Attributes
    ----------
    touchpoint : str
        Where.
    slope, std_error : float
        Points per quarter, towards better.
    p_value : float
        Of no linear trend, two-sided; adjusted for the number of touchpoints (Holm 1979).
    n : int
        Customers.
    freedom : float
        Degrees of freedom of its interval: infinite where customers are independent, else effective buckets.
    """

    touchpoint: str
    slope: float
    std_error: float
    p_value: float
    n: int
    freedom: float = np.inf


def quarter_number(period: str) -> int:
    """Number a calendar quarter: ``2025Q1`` is 8100.

    Examples
    --------
    >>> quarter_number("2025Q1"), quarter_number("2024Q4")
    (8100, 8099)
    """
    year, _, quarter = period.partition("Q")
    return 4 * int(year) + int(quarter) - 1


def trends(contacts: pd.DataFrame, towards: int) -> list[ScoreTrend]:
    """Regress the score on the quarter, by touchpoint, with robust errors (HC1, or over buckets of clusters).

    A customer counts once at a touchpoint, in the quarter of the last contact there: no two contacts of one are taken
    for independent.
    b = Σ n(x − x̄)y / Σ n(x − x̄)², Var b = N/(N − 2)·Σ n(x − x̄)²e² / (Σ n(x − x̄)²)², exact from the cells (MacKinnon &
    White 1985, doi 10.1016/0304-4076(85)90158-7). Where customers are clustered, e² gives way to the square of what the
    customers of a bucket add up to: Var b = G/(G − 1)·Σ_b (Σ_{i∈b} (x − x̄)e)² / (Σ n(x − x̄)²)², G the buckets (Liang &
    Zeger 1986, doi 10.1093/biomet/73.1.13), and degrees of freedom are the buckets that the (x − x̄)² stand in.

    Parameters
    ----------
    contacts : DataFrame
        See `JourneyCounts.contacts`.
    towards : int
        1 where a higher score is better, else −1.

    Returns
    -------
    list of ScoreTrend
        Of the touchpoints with contacts in three quarters or more, and two scores or more.
    """
    found = []
    for name, own in contacts.groupby("touchpoint", sort=True):
        x = own["period"].map(quarter_number).to_numpy(dtype=float)
        y, n = towards * own["score"].to_numpy(dtype=float), own["n"].to_numpy(dtype=float)
        total = n.sum()
        if len(set(x)) < 3 or total < 3 or len(set(y)) < 2:
            continue
        centred = x - n @ x / total
        spread = n @ centred**2
        slope = n @ (centred * y) / spread
        left = y - n @ y / total - slope * centred
        if BUCKET in own:
            bucket = own[BUCKET].to_numpy(int)
            variance, freedom = _over_buckets(bucket, n * centred * left, n * centred**2)
        else:
            variance, freedom = float(total / (total - 2) * (n @ (centred * left) ** 2)), np.inf
        error = float(np.sqrt(variance) / spread)
        p_value = _two_sided(slope / error, freedom) if error > 0 else np.nan
        found.append(ScoreTrend(str(name), float(slope), error, p_value, int(total), freedom))
    return _adjusted(found)


def _over_buckets(bucket: np.ndarray, scores: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Variance of the sum of scores from what each bucket adds to it, and the buckets that their weights stand in."""
    n_buckets = len(np.unique(bucket))
    squares = float((np.bincount(bucket, scores, BUCKETS) ** 2).sum())
    return n_buckets / max(n_buckets - 1, 1) * squares, effective_of(np.bincount(bucket, weight, BUCKETS))


def _two_sided(ratio: float, freedom: float) -> float:
    """P-value of an estimate over its error, normal or Student's; NaN of too few buckets."""
    if freedom < FEWEST_EFFECTIVE:
        return np.nan
    return float(2 * (ndtr(-abs(ratio)) if np.isinf(freedom) else stdtr(freedom, -abs(ratio))))


def _adjusted(found: list[ScoreTrend]) -> list[ScoreTrend]:
    """Adjust p-values for the number of them that are known: Holm's step-down (Holm 1979, doi 10.2307/4615733)."""
    known = [i for i, one in enumerate(found) if np.isfinite(one.p_value)]
    largest, made = 0.0, list(found)
    for place, i in enumerate(sorted(known, key=lambda i: found[i].p_value)):
        largest = max(largest, min(1.0, (len(known) - place) * found[i].p_value))
        made[i] = replace(found[i], p_value=largest)
    return made

"""Change of the score at a touchpoint over calendar time, with a test of trend."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr


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
    """

    touchpoint: str
    slope: float
    std_error: float
    p_value: float
    n: int


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
    """Regress the score on the quarter, by touchpoint, with heteroskedasticity-robust errors (HC1).

    A customer counts once at a touchpoint, in the quarter of the last contact there, so that customers are independent.
    b = Σ n(x − x̄)y / Σ n(x − x̄)², Var b = N/(N − 2)·Σ n(x − x̄)²e² / (Σ n(x − x̄)²)², exact from the cells (MacKinnon &
    White 1985, doi 10.1016/0304-4076(85)90158-7).

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
        error = float(np.sqrt(total / (total - 2) * (n @ (centred * left) ** 2)) / spread)
        p_value = float(2 * ndtr(-abs(slope) / error)) if error > 0 else np.nan
        found.append(ScoreTrend(str(name), float(slope), error, p_value, int(total)))
    return _adjusted(found)


def _adjusted(found: list[ScoreTrend]) -> list[ScoreTrend]:
    """Adjust p-values for their number: Holm's step-down, in their order (Holm 1979, doi 10.2307/4615733)."""
    order = sorted(range(len(found)), key=lambda i: found[i].p_value)
    largest, made = 0.0, list(found)
    for place, i in enumerate(order):
        one = found[i]
        largest = max(largest, min(1.0, (len(found) - place) * one.p_value))
        made[i] = ScoreTrend(one.touchpoint, one.slope, one.std_error, largest, one.n)
    return made

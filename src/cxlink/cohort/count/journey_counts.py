"""The table of a journey: customers by the score that they gave last at each touchpoint, and what else is counted."""

from dataclasses import dataclass

import pandas as pd

TOUCHPOINT = "touchpoint."
"""Before the names of touchpoints, in the columns of cells."""
SEGMENT = "segment"


@dataclass(frozen=True, slots=True)
class JourneyCounts:
    """Customers with a score who were in contact before or on the day that they gave it.

    Attributes
    ----------
    touchpoints : tuple of str
        Where a customer can be in contact, in the order of their names.
    cells : DataFrame, one row a cell, sorted
        ``touchpoint.NAME`` (the last score given there, empty: no contact), ``stratum.*``, ``segment`` (text), where
        customers are clustered ``bucket``, ``n``; with outcomes at the horizon and sums of spend as in
        `DriverCounts.cells`.
    contacts : DataFrame
        ``touchpoint, segment, period, score, n``: customers by the last score that they gave at a touchpoint, and the
        calendar quarter (``2025Q1``) in which they did. Where customers are clustered also ``bucket``, one more key.
    paths : DataFrame
        ``path, last, n``: customers by the touchpoints in the order of their first contact there, joined by `ARROW`,
        and by the touchpoint of their last contact. Where customers are clustered also ``bucket``.
    horizon : int
        Periods after which retention is looked at; 0 where nobody could be followed so far.
    merged : tuple of (str, int)
        Touchpoints whose adjacent levels were merged, and the number of classes that are left.
    """

    touchpoints: tuple[str, ...]
    cells: pd.DataFrame
    contacts: pd.DataFrame
    paths: pd.DataFrame
    horizon: int = 0
    merged: tuple[tuple[str, int], ...] = ()


ARROW = " → "

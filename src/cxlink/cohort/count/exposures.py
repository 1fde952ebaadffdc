"""Customers by the row of their person-periods: what a covariance over customers needs beside the person-periods."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Exposures:
    """Customers by row, and the periods in which they were at risk.

    Attributes
    ----------
    row : int ndarray of shape (n_cells,)
        Of the person-periods.
    entry, exit : int ndarray of shape (n_cells,)
        At risk in the columns from ``entry`` up to, but not in, ``exit``.
    lost : bool ndarray of shape (n_cells,)
        Whether they were lost in the last of these.
    n : ndarray of shape (n_cells,)
        Customers.
    bucket : int ndarray of shape (n_cells,), optional
        Of the clusters that they belong to; None where customers are independent.
    """

    row: np.ndarray
    entry: np.ndarray
    exit: np.ndarray
    lost: np.ndarray
    n: np.ndarray
    bucket: np.ndarray | None = None

    def within(self, periods: np.ndarray, row: np.ndarray | None = None) -> "Exposures":
        """Give the same in some of the periods, or by other rows.

        Parameters
        ----------
        periods : bool ndarray of shape (n_periods,)
            Which stay.
        row : int ndarray of shape (n_rows,), optional
            New row of each; −1 where it has none. Customers without a row, or a period at risk, are left out.
        """
        place = np.concatenate([[0], np.cumsum(periods)])
        seen = self.lost & periods[np.maximum(self.exit - 1, 0)]
        rows, entry, leave = self.row if row is None else row[self.row], place[self.entry], place[self.exit]
        keep = (rows >= 0) & (leave > entry)
        bucket = None if self.bucket is None else self.bucket[keep]
        return Exposures(rows[keep], entry[keep], leave[keep], seen[keep], self.n[keep], bucket)

    def of_bucket(self, bucket: int) -> "Exposures":
        """Give the customers of one bucket."""
        at = np.flatnonzero(self.bucket == bucket)
        return Exposures(self.row[at], self.entry[at], self.exit[at], self.lost[at], self.n[at])

    def over(self, at_risk: np.ndarray, lost: np.ndarray) -> np.ndarray:
        """Add up over the periods at risk of each cell's customer: (n_cells,).

        Parameters
        ----------
        at_risk, lost : ndarray of shape (n_rows, n_periods)
            What each period at risk gives, and what that of the loss gives beside.
        """
        total = np.pad(np.cumsum(at_risk, axis=1), ((0, 0), (1, 0)))
        stay: np.ndarray = total[self.row, self.exit] - total[self.row, self.entry]
        stay[self.lost] += lost[self.row[self.lost], self.exit[self.lost] - 1]
        return stay

    def by_period(self, values: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Add up values of cells over those at risk, and those lost, in each row and period; the reverse of `over`.

        Parameters
        ----------
        values : ndarray of shape (n_cells,)
            Of all customers of a cell.
        shape : (int, int)
            Rows and periods.
        """
        n_rows, n_periods = shape
        first = self.row * (n_periods + 1)
        size = n_rows * (n_periods + 1)
        moves = np.bincount(first + self.entry, values, size) - np.bincount(first + self.exit, values, size)
        at_risk = np.cumsum(moves.reshape(n_rows, n_periods + 1), axis=1)[:, :-1]
        gone = (self.row * n_periods + self.exit - 1)[self.lost]
        return at_risk, np.bincount(gone, values[self.lost], n_rows * n_periods).reshape(shape)


def together(parts: Sequence[Exposures]) -> Exposures:
    """Put customers who are by rows of one layout, all of them with buckets, under each other."""
    columns = [[getattr(part, one.name) for part in parts] for one in fields(Exposures)]
    return Exposures(*(np.concatenate(column) for column in columns))

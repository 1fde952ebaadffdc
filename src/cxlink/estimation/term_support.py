"""How many customers, or buckets of clusters, a coefficient of a regression, or a sum of coefficients, stands on.

In least squares on the same design c'b is Σ w·y over the customers, w = x'(X'X)⁻¹c. With q_b = W₊² + W₋², W₊ and W₋
what the customers of bucket b weigh in it with either sign, (Σq)² / Σq² are the effective buckets, as in
`effective_buckets`: for a level of the score by itself, against another one, they are the same. An independent customer
is a bucket of one. A term that a few customers alone inform fits them exactly, so that an error made of what customers
contribute to the score tends to 0: under six the estimate stands without an interval. Customers whose variance is that
of the model are left out of Σq²: how they vary is not estimated.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.groups.effective_buckets import FEWEST_EFFECTIVE, effective_number

_ROUNDING, _MISSED = 1e-13, 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class TermSupport:
    """Customers of a regression by row of its design.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        The design, with the constant where the model has one.
    n : ndarray of shape (n_rows,)
        Customers.
    by_bucket : sparse array of shape (n_rows, n_buckets), optional
        The same by bucket of their clusters; None where they are independent.
    modelled : bool ndarray of shape (n_rows,), optional
        Independent customers who are taken to vary as the model says; none where left out.
    """

    rows: np.ndarray
    n: np.ndarray
    by_bucket: sparse.csr_array | None = None
    modelled: np.ndarray | None = None

    def effective(self, sums: np.ndarray) -> np.ndarray:
        """Effective number of customers, or buckets, that sums of coefficients stand on.

        Parameters
        ----------
        sums : ndarray of shape (n_sums, n_columns)
            Of the columns, each with its factor.

        Returns
        -------
        ndarray of shape (n_sums,)
            Infinite where nothing but the model says how customers vary; 0 of no bucket.

        Examples
        --------
        >>> levels = np.array([[1.0, 0.0], [1.0, 1.0]])
        >>> TermSupport(levels, np.array([1000.0, 4.0])).effective(np.array([[0.0, 1.0]])).round(2)
        array([4.03])
        """
        weight = self._weights(sums)
        if self.by_bucket is not None:
            return buckets_of_weights(weight, self.by_bucket)
        q, seen = weight**2, self.n if self.modelled is None else np.where(self.modelled, 0, self.n)
        whole, squares = self.n @ q, seen @ q**2
        effective: np.ndarray = np.divide(
            whole**2, squares, out=np.full(len(sums), np.inf), where=squares > 0
        )
        return effective

    def freedom(self, sums: np.ndarray) -> np.ndarray:
        """Degrees of freedom of their intervals: infinite where independent customers are six or more."""
        effective = self.effective(sums)
        if self.by_bucket is not None:
            return effective
        return np.where(effective < FEWEST_EFFECTIVE, effective, np.inf)

    def of_columns(self) -> np.ndarray:
        """Degrees of freedom of each column's own coefficient, (n_columns,)."""
        return self.freedom(np.eye(self.rows.shape[1]))

    def _weights(self, sums: np.ndarray) -> np.ndarray:
        """What a customer of each row weighs in each sum, (n_rows, n_sums); nothing where no customer informs it."""
        size = np.sqrt(self.n @ self.rows**2)
        scale = np.where(size > 0, size, 1.0)
        scaled = self.rows / scale
        inverse = np.linalg.pinv(scaled.T @ (self.n[:, None] * scaled), rcond=_ROUNDING, hermitian=True)
        wanted = (sums / scale).T
        weight = scaled @ inverse @ wanted
        missed = np.abs(scaled.T @ (self.n[:, None] * weight) - wanted).max(axis=0, initial=0.0)
        found: np.ndarray = np.where(missed < _MISSED * np.abs(wanted).max(axis=0, initial=0.0), weight, 0.0)
        return found


def buckets_of_weights(weight: np.ndarray, by_bucket: sparse.csr_array) -> np.ndarray:
    """Effective buckets of sums over customers, (n_sums,), from what one of each row weighs, (n_rows, n_sums)."""
    positive, negative = (by_bucket.T @ np.maximum(side, 0.0) for side in (weight, -weight))
    return np.array([effective_number(q) for q in (positive**2 + negative**2).T])


def term_support(
    rows: np.ndarray,
    customers: tuple[np.ndarray, np.ndarray, np.ndarray | None],
    modelled: np.ndarray | None = None,
) -> TermSupport:
    """Sort customers by row of a design.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        The design, with the constant where the model has one.
    customers : tuple of ndarray, each of shape (n_cells,)
        Row of each cell of customers, their number, and their bucket (None where they are independent).
    modelled : bool ndarray of shape (n_rows,), optional
        See `TermSupport`.
    """
    row, n, bucket = customers
    total = np.bincount(row, n, len(rows))
    if bucket is None:
        return TermSupport(rows, total, None, modelled)
    return TermSupport(rows, total, sparse.csr_array((n, (row, bucket)), shape=(len(rows), BUCKETS)))

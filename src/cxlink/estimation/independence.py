"""Which columns of a design are sums of a constant and of other columns."""

from collections.abc import Iterator

import numpy as np

_ALIASED = 1e-9


def independent_columns(matrix: np.ndarray) -> Iterator[bool]:
    """Find, from left to right, the columns that are no sum of a constant and of columns before them.

    By modified Gram–Schmidt: a column is a sum of others if its part orthogonal to them is at most 1e-9 of its length.

    Parameters
    ----------
    matrix : ndarray of shape (n_rows, n_columns)
        The design, without the constant.

    Yields
    ------
    bool
        One a column.

    Examples
    --------
    >>> list(independent_columns(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])))
    [True, False]
    """
    basis = [np.full(len(matrix), 1 / np.sqrt(max(len(matrix), 1)))]
    for column in matrix.T.astype(float):
        space, orthogonal = np.array(basis), column
        for _ in range(2):  # twice is enough (Kahan)
            orthogonal = orthogonal - space.T @ (space @ orthogonal)
        length = float(np.linalg.norm(orthogonal))
        independent = length > _ALIASED * max(float(np.linalg.norm(column)), 1e-300)
        if independent:
            basis.append(orthogonal / length)
        yield independent

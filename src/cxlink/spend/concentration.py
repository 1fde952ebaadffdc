"""Means that rest on one customer's spend, told from sums of squares.

Of amounts that are not negative, one customer has at least the share Σx² / (Σx)² of them, and at most its square root.
"""

import numpy as np

from cxlink.survival.sparsity import FEWEST

MOST = 0.5
"""Of Σx² / (Σx)²: from here on a customer has half of the spend or more, and the mean an error of two thirds of it."""


def concentration(weights: np.ndarray, n: np.ndarray, squares: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Concentration of averages of cells: Σ (w_c / n_c)² Σy² / mean².

    Parameters
    ----------
    weights : ndarray of shape (n_groups, n_cells)
        w.
    n, squares : ndarray of shape (n_cells,)
        Customers, and Σy².
    mean : ndarray of shape (n_groups,)
        Of the groups, Σ w_c Σy / n_c.

    Returns
    -------
    ndarray of shape (n_groups,)
        1 where one customer spent all of it; 0 where the mean is not known, or nothing.
    """
    a_customer = np.divide(weights, n, out=np.zeros_like(weights), where=n > 0)
    known = np.nan_to_num(mean) ** 2
    share: np.ndarray = np.divide(a_customer**2 @ squares, known, out=np.zeros_like(known), where=known > 0)
    return share


def rests_on_one(concentrations: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Whether one customer makes the mean of each group; of fewer than ten customers their number says as much."""
    many: np.ndarray = (concentrations >= MOST) & (np.asarray(n) >= FEWEST)
    return many

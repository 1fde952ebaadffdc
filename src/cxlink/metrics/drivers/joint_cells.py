"""The joint cells of several scores as arrays, and the designs of additive models of any set of the scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.driver_counts import BUCKET, DriverCounts
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.other_scores import MAIN
from cxlink.cohort.strata import stratum_column

_ALIASED = 1e-9
"""Share of a column that the columns before it leave over, under which it is taken to follow from them."""


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """A score or an adjustment variable, over the joint cells.

    Attributes
    ----------
    name : str
        Its name.
    codes : int ndarray of shape (n_cells,)
        Category of each cell; 0 is the one with most customers, the reference of the design.
    points : ndarray of shape (n_categories,)
        Of a score: points from the worst level of its scale towards the best; NaN for customers who did not give it.
        Of a variable: NaN.
    span : float
        Points between the ends of the scale.
    """

    name: str
    codes: np.ndarray
    points: np.ndarray
    span: float = np.nan


@dataclass(frozen=True, slots=True, eq=False)
class JointCells:
    """Customers by all scores and strata.

    Attributes
    ----------
    n : ndarray of shape (n_cells,)
        Customers.
    scores, strata : tuple of Factor
        Scores with two levels or more; adjustment variables with two categories or more.
    table : DataFrame
        The cells with their outcomes, see `DriverCounts.cells`.
    bucket : int ndarray of shape (n_cells,) or None
        Of the customers' clusters; None where customers are independent, or their buckets no longer known.
    """

    n: np.ndarray
    scores: tuple[Factor, ...]
    strata: tuple[Factor, ...]
    table: pd.DataFrame
    bucket: np.ndarray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Dummy variables of some factors over the distinct cells that they make.

    Attributes
    ----------
    cell : int ndarray of shape (n_cells,)
        Which row each joint cell is in.
    matrix : ndarray of shape (n_rows, n_terms)
        Without a constant.
    terms : tuple of (str, int)
        Factor and category of each column.
    """

    cell: np.ndarray
    matrix: np.ndarray
    terms: tuple[tuple[str, int], ...]

    def add_up(self, amounts: np.ndarray) -> np.ndarray:
        """Add amounts of joint cells up by row."""
        return np.bincount(self.cell, amounts, len(self.matrix))


def joint_cells(counts: DriverCounts, spec: CohortSpec) -> JointCells:
    """Lay the second table of a cohort out.

    Parameters
    ----------
    counts : DriverCounts
        Of a cohort with several scores.
    spec : CohortSpec
        Their scales and directions.
    """
    cells = counts.cells
    n = cells["n"].to_numpy(dtype=float)
    scales = {MAIN: spec.scale, **{name: other.levels for name, other in spec.others.items()}}
    scores = []
    for name in counts.scores:
        scale = scales[name]
        codes, values = _by_size(cells[name], n)
        points = np.abs(np.array(values, dtype=float) - scale.levels[0])
        scores.append(Factor(name, codes, points, float(scale.high - scale.low)))
    strata = []
    for variable in spec.stratum_variables:
        codes, values = _by_size(cells[stratum_column(variable)], n)
        strata.append(Factor(variable, codes, np.full(len(values), np.nan)))
    several = [tuple(one for one in factors if len(one.points) > 1) for factors in (scores, strata)]
    bucket = cells[BUCKET].to_numpy(int) if BUCKET in cells else None
    return JointCells(n, several[0], several[1], cells, bucket)


def _by_size(column: pd.Series, n: np.ndarray) -> tuple[np.ndarray, list[Any]]:
    """Codes of a column's values, the most frequent first; equal ones in their own order."""
    codes, values = pd.factorize(column, sort=True)
    order = np.argsort(-np.bincount(codes, n, len(values)), kind="stable")
    place = np.empty(len(values), dtype=int)
    place[order] = np.arange(len(values))
    return place[codes], [values[int(i)] for i in order]


def design_of(factors: Sequence[Factor], n_cells: int) -> Design:
    """Make the design of an additive model of these factors, a category each."""
    if not factors:
        return Design(np.zeros(n_cells, dtype=int), np.empty((1, 0)), ())
    codes = np.column_stack([one.codes for one in factors])
    sizes = tuple(len(one.points) for one in factors)
    keys = np.ravel_multi_index(tuple(codes.T), sizes)
    _, first, cell = np.unique(keys, return_index=True, return_inverse=True)
    rows = codes[first]
    terms = tuple((one.name, k) for one in factors for k in range(1, len(one.points)))
    parts = [rows[:, [j]] == np.arange(1, len(one.points)) for j, one in enumerate(factors)]
    return Design(cell.ravel(), np.hstack(parts).astype(float), terms)


def independent(matrix: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Positions of columns that do not follow from a constant and the columns before them, where weights are above 0.

    By pivots of the Cholesky decomposition of the centred cross-products.
    """
    total = weights.sum()
    centred = matrix - (weights @ matrix) / total
    cross = centred.T @ (weights[:, None] * centred) / total
    size, kept = np.diag(cross).copy(), []
    left = cross.copy()
    for j in range(len(size)):
        if left[j, j] > _ALIASED * max(size[j], 1e-300) and size[j] > 0:
            kept.append(j)
            left = left - np.outer(left[:, j], left[j]) / left[j, j]
    return np.array(kept, dtype=int)

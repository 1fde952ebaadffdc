"""The design of a regression of spend: the effect of the score, and main effects of each adjustment variable."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import linprog

from cxlink.cohort.spec.spec_sections import Effect
from cxlink.cohort.strata import stratum_variables
from cxlink.estimation.design_terms import INTERCEPT, SCORE, DesignTerm, level_terms, score_terms
from cxlink.estimation.effects import basis
from cxlink.spend.spend_cells import SpendCells

_ZERO = 1e-9
_NOTHING = 1e-12
_DEPENDENT = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class SpendDesign:
    """Columns of each score level, beside those of each stratum.

    Attributes
    ----------
    by_level : ndarray of shape (n_levels, n_score_columns)
        A dummy for each level; for a linear or spline effect an intercept and its columns.
    by_stratum : ndarray of shape (n_strata, n_other_columns)
        A dummy for each category of each variable but its reference, the category with most information.
    blocks : tuple of slice
        Which columns of ``by_stratum`` belong to each variable.
    terms : tuple of DesignTerm
        Terms of all columns.
    free : bool
        Whether each level has its own column.
    """

    by_level: np.ndarray
    by_stratum: np.ndarray
    blocks: tuple[slice, ...]
    terms: tuple[DesignTerm, ...]
    free: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns: ``7``, ``plan=basic``; ``the level`` and ``the score`` of a score as a number."""
        return tuple(_named(term) for term in self.terms)

    def rows(self, cells: SpendCells) -> np.ndarray:
        """Columns of each cell, of shape (n_cells, n_columns)."""
        return np.hstack([self.by_level[cells.level], self.by_stratum[cells.stratum]])

    def linear(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Level and stratum parts of the linear predictor, (n_draws, n_levels) and (n_draws, n_strata)."""
        k = self.by_level.shape[1]
        return theta[:, :k] @ self.by_level.T, theta[:, k:] @ self.by_stratum.T

    def inestimable(self, rows: np.ndarray) -> np.ndarray:
        """Combinations of level and stratum outside the space of the fitted rows: (n_levels, n_strata) of bool."""
        shape = (len(self.by_level), len(self.by_stratum))
        null_space = _null_space(rows)
        k = self.by_level.shape[1]
        outside: np.ndarray = np.zeros(shape, dtype=bool)
        for axis in null_space.T:
            outside |= np.abs((self.by_level @ axis[:k])[:, None] + self.by_stratum @ axis[k:]) > 1e-8
        return outside


def additive(cells: SpendCells, effect: Effect) -> SpendDesign:
    """Lay out the effect of the score and main effects of the adjustment variables."""
    free = effect in ("levels", "monotone")
    ones = np.ones((len(cells.levels), 1))
    score = np.eye(len(cells.levels)) if free else np.hstack([ones, basis(cells.levels, effect)])
    columns: list[np.ndarray] = []
    terms, blocks = level_terms(SCORE, cells.levels), []
    if not free:
        terms = [INTERCEPT, *score_terms(cells.levels, effect, score.shape[1] - 1)]
    for column, variable in zip(cells.strata, stratum_variables(cells.strata), strict=True):
        of = cells.strata[column].to_numpy()
        categories, reference = _categories(of, cells)
        others = categories[:reference] + categories[reference + 1 :]
        blocks.append(slice(len(columns), len(columns) + len(others)))
        columns += [(of == category).astype(float) for category in others]
        terms += level_terms(variable, categories, reference)
    by_stratum = np.column_stack(columns) if columns else np.zeros((len(cells.strata), 0))
    return SpendDesign(score, by_stratum, tuple(blocks), tuple(terms), free)


def each_level(cells: SpendCells) -> SpendDesign:
    """Lay out one mean for each level, strata pooled."""
    terms = tuple(level_terms(SCORE, cells.levels))
    return SpendDesign(np.eye(len(cells.levels)), np.zeros((len(cells.strata), 0)), (), terms, True)


def _named(term: DesignTerm) -> str:
    if term == INTERCEPT:
        return "the level"
    if term.variables == (SCORE,):
        return term.levels[0] or "the score"
    return f"{term.name}={term.level}"


def _categories(of: np.ndarray, cells: SpendCells) -> tuple[list[str], int]:
    """Categories, and the reference: largest rarer outcome of any spend, then most spenders."""
    spent, without = (
        np.bincount(cells.stratum, n, len(of)) for n in (cells.positive, cells.n - cells.positive)
    )
    categories = sorted(set(of))
    information = [
        (min(spent[of == c].sum(), without[of == c].sum()), spent[of == c].sum()) for c in categories
    ]
    return categories, max(range(len(categories)), key=lambda i: information[i])


def filled(design: SpendDesign, cells: SpendCells) -> tuple[SpendDesign, list[str]]:
    """Replace the amount effect of levels and categories without spenders by the average of the others.

    Returns
    -------
    design : SpendDesign
        For predictions.
    names : list of str
        The levels and categories replaced.
    """
    spent = np.bincount(cells.level, cells.positive, len(design.by_level))
    missing = (np.bincount(cells.level, cells.n, len(design.by_level)) > 0) & (spent == 0) & design.free
    by_level, by_stratum = design.by_level.copy(), design.by_stratum.copy()
    by_level[missing] = spent @ design.by_level / spent.sum()
    names = [design.names[i] for i in np.flatnonzero(missing)]
    spent = np.bincount(cells.stratum, cells.positive, len(by_stratum))
    n = np.bincount(cells.stratum, cells.n, len(by_stratum))
    for block in design.blocks:
        dummies = design.by_stratum[:, block]
        for j in np.flatnonzero((spent @ dummies == 0) & (n @ dummies > 0)):
            by_stratum[dummies[:, j] > 0, block] = spent @ dummies / spent.sum()
            names.append(design.names[design.by_level.shape[1] + block.start + int(j)])
    return replace(design, by_level=by_level, by_stratum=by_stratum), names


def independent(columns: np.ndarray) -> np.ndarray:
    """Positions of the columns linearly independent of those before them, by a Cholesky factor of their products."""
    products = columns.T @ columns
    kept: list[int] = []
    factor = np.zeros_like(products)
    for j in range(len(products)):
        n = len(kept)
        across = solve_triangular(factor[:n, :n], products[kept, j], lower=True) if n else np.zeros(0)
        rest = float(products[j, j] - across @ across)
        if rest > _DEPENDENT * max(float(products[j, j]), _DEPENDENT):
            factor[n, :n], factor[n, n] = across, np.sqrt(rest)
            kept.append(j)
    return np.array(kept, dtype=int)


def _null_space(rows: np.ndarray) -> np.ndarray:
    """Orthonormal basis of the null space of the rows, one vector a column, from their cross-product matrix."""
    values, axes = np.linalg.eigh(rows.T @ rows)
    null_space: np.ndarray = axes[:, values <= _NOTHING * max(values.max(initial=0.0), 1.0)]
    return null_space


def separated(rows: np.ndarray, side: Sequence[int] | np.ndarray) -> np.ndarray:
    """Find the separated cells: their linear predictor can diverge while the likelihood never decreases.

    Separation is a direction d with side·Xd ≥ 0 in the cells that have a side, and Xd = 0 in all others; one linear
    program finds all cells with Xd ≠ 0 for any such direction (Correia, Guimarães & Zylkin 2019, arXiv 1903.01633).

    Parameters
    ----------
    rows : ndarray of shape (n_cells, n_columns)
        The design.
    side : int ndarray of shape (n_cells,)
        −1 in cells where nobody spent, 1 (for a logit) where everybody did, 0 in all others.

    Returns
    -------
    bool ndarray of shape (n_cells,)
    """
    side = np.asarray(side)
    separated_cells = np.zeros(len(rows), dtype=bool)
    null_space = _null_space(rows[side == 0])
    free = np.flatnonzero(side)
    if not null_space.size or not free.size:
        return separated_cells
    shifts = side[free, None] * (rows[free] @ null_space)
    shifts[np.abs(shifts) < _ZERO] = 0.0
    n_null, n_free = null_space.shape[1], len(free)
    result = linprog(
        np.r_[np.zeros(n_null), -np.ones(n_free)],
        A_ub=np.hstack([-shifts, np.eye(n_free)]),
        b_ub=np.zeros(n_free),
        bounds=[(None, None)] * n_null + [(0, 1)] * n_free,
    )
    separated_cells[free] = np.asarray(result.x)[n_null:] > 0.5
    return separated_cells

"""The design of a regression of spend: the effect of the score, and main effects of each adjustment variable."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import linprog

from cxlink.cohort.spec.spec_sections import Effect
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
        A dummy for each category of each variable but its reference: the category that tells most.
    blocks : tuple of slice
        Which columns of ``by_stratum`` belong to each variable.
    terms : tuple of DesignTerm
        What all columns stand for.
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
        """Give the parts of the linear predictor: (n_draws, n_levels) and (n_draws, n_strata), to be added up."""
        k = self.by_level.shape[1]
        return theta[:, :k] @ self.by_level.T, theta[:, k:] @ self.by_stratum.T

    def unknown(self, seen: np.ndarray) -> np.ndarray:
        """Combinations of level and stratum of which the rows seen say nothing: (n_levels, n_strata) of bool."""
        shape = (len(self.by_level), len(self.by_stratum))
        lost = _unseen(seen)
        k = self.by_level.shape[1]
        found: np.ndarray = np.zeros(shape, dtype=bool)
        for axis in lost.T:
            found |= np.abs((self.by_level @ axis[:k])[:, None] + self.by_stratum @ axis[k:]) > 1e-8
        return found


def additive(cells: SpendCells, effect: Effect) -> SpendDesign:
    """Lay out the effect of the score and main effects of the adjustment variables."""
    free = effect in ("levels", "monotone")
    ones = np.ones((len(cells.levels), 1))
    score = np.eye(len(cells.levels)) if free else np.hstack([ones, basis(cells.levels, effect)])
    columns: list[np.ndarray] = []
    terms, blocks = level_terms(SCORE, cells.levels), []
    if not free:
        terms = [INTERCEPT, *score_terms(cells.levels, effect, score.shape[1] - 1)]
    for variable in cells.strata.columns:
        of = cells.strata[variable].to_numpy()
        found, reference = _categories(of, cells)
        wanted = found[:reference] + found[reference + 1 :]
        blocks.append(slice(len(columns), len(columns) + len(wanted)))
        columns += [(of == category).astype(float) for category in wanted]
        terms += level_terms(str(variable).removeprefix("stratum."), found, reference)
    by_stratum = np.column_stack(columns) if columns else np.zeros((len(cells.strata), 0))
    return SpendDesign(score, by_stratum, tuple(blocks), tuple(terms), free)


def each_level(cells: SpendCells) -> SpendDesign:
    """Lay out one mean for each level, the strata together."""
    terms = tuple(level_terms(SCORE, cells.levels))
    return SpendDesign(np.eye(len(cells.levels)), np.zeros((len(cells.strata), 0)), (), terms, True)


def _named(term: DesignTerm) -> str:
    if term == INTERCEPT:
        return "the level"
    if term.variables == (SCORE,):
        return term.levels[0] or "the score"
    return f"{term.name}={term.level}"


def _categories(of: np.ndarray, cells: SpendCells) -> tuple[list[str], int]:
    """Categories, and which is the reference: most customers on the rarer side of having spent, then most who did."""
    spent, nothing = (
        np.bincount(cells.stratum, n, len(of)) for n in (cells.positive, cells.n - cells.positive)
    )
    found = sorted(set(of))
    telling = [(min(spent[of == c].sum(), nothing[of == c].sum()), spent[of == c].sum()) for c in found]
    return found, max(range(len(found)), key=lambda i: telling[i])


def filled(design: SpendDesign, cells: SpendCells) -> tuple[SpendDesign, list[str]]:
    """Give levels and categories in which nobody spent the average amount effect of those in which somebody did.

    Returns
    -------
    design : SpendDesign
        For predictions.
    names : list of str
        Whom that concerns.
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
    """Positions of the columns that do not depend on those before them: a Cholesky factor of their products."""
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


def _unseen(rows: np.ndarray) -> np.ndarray:
    """Directions of the parameters that change no row, one a column: the null space, from the columns' products."""
    values, axes = np.linalg.eigh(rows.T @ rows)
    found: np.ndarray = axes[:, values <= _NOTHING * max(values.max(initial=0.0), 1.0)]
    return found


def separated(rows: np.ndarray, side: Sequence[int] | np.ndarray) -> np.ndarray:
    """Find the cells whose linear predictor can run away without any other cell's objecting.

    Such is a direction d with side·Xd ≥ 0 in the cells that have a side, and Xd = 0 in all others; the linear
    programme finds all cells that any such direction moves (Correia, Guimarães & Zylkin 2019, arXiv 1903.01633).

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
    found = np.zeros(len(rows), dtype=bool)
    loose = _unseen(rows[side == 0])
    free = np.flatnonzero(side)
    if not loose.size or not free.size:
        return found
    moves = side[free, None] * (rows[free] @ loose)
    moves[np.abs(moves) < _ZERO] = 0.0
    n_loose, n_free = loose.shape[1], len(free)
    result = linprog(
        np.r_[np.zeros(n_loose), -np.ones(n_free)],
        A_ub=np.hstack([-moves, np.eye(n_free)]),
        b_ub=np.zeros(n_free),
        bounds=[(None, None)] * n_loose + [(0, 1)] * n_free,
    )
    found[free] = np.asarray(result.x)[n_loose:] > 0.5
    return found

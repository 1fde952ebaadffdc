"""What the terms of fitted models stand on: effective customers, or buckets, see `cxlink.estimation.term_support`."""

import numpy as np
from scipy.sparse import csr_array

from cxlink.cohort.count.spells import Spells
from cxlink.estimation.term_support import TermSupport, term_support
from cxlink.spend.equation_stack import Stack
from cxlink.spend.fitted_regressions import SpendFit
from cxlink.spend.spend_cells import SpendCells
from cxlink.survival.families.fitted import Fit
from cxlink.survival.proportional_hazards.hazard_fit import HazardFit
from cxlink.survival.proportional_hazards.robust_errors import few_losses


def hazard_freedom(fit: HazardFit, spells: Spells) -> np.ndarray:
    """Degrees of freedom of the effects of grouped proportional hazards, (n_effects,).

    Independent customers of levels with fewer than ten losses vary as the model says.
    """
    rows = fit.design.matrix[_places(len(fit.design.matrix), spells)]
    with_constant = np.column_stack([np.ones(len(rows)), rows])
    return _of_pairs(with_constant, spells, few_losses(fit.grouped, rows)).of_columns()[1:]


def family_freedom(fit: Fit, spells: Spells) -> np.ndarray:
    """Degrees of freedom of a family's parameters, (n_parameters,); of independent customers errors are the model's."""
    each = [matrix[_places(len(matrix), spells)] for matrix in fit.matrices]
    modelled = np.ones(spells.n_pairs, dtype=bool)
    return np.concatenate([_of_pairs(rows, spells, modelled).of_columns() for rows in each])


def spend_freedom(fit: SpendFit, cells: SpendCells, parts: list[str]) -> list[np.ndarray]:
    """Degrees of freedom of the parameters of each equation of a regression of spend, (n_parameters,) each."""
    found = []
    for k, (part, layer) in enumerate(zip(parts, fit.terms, strict=True)):
        rows = layer.design.rows(cells)[:, layer.columns]
        found.append(_of_cells(rows, cells, _penalised(fit.stack, k, rows), part).of_columns())
    return found


def _places(n_rows: int, spells: Spells) -> np.ndarray:
    """Row of each pair of level and stratum in a matrix of all of them, of levels alone, or of one row."""
    if n_rows == 1:
        return np.zeros(spells.n_pairs, dtype=int)
    alone = n_rows == len(spells.levels)
    return spells.level if alone else spells.level * len(spells.strata) + spells.stratum


def _of_pairs(rows: np.ndarray, spells: Spells, modelled: np.ndarray) -> TermSupport:
    at_risk = spells.exit > spells.entry
    if spells.buckets is None:
        return term_support(rows, (spells.pair, spells.n * at_risk, None), modelled)
    each = spells.buckets
    n = np.asarray(each.customers[at_risk].sum(axis=0), dtype=float).ravel()
    return term_support(rows, (each.pair, n, each.bucket))


def _of_cells(rows: np.ndarray, cells: SpendCells, penalised: np.ndarray, part: str) -> TermSupport:
    name = "n" if part in ("mean", "any_spend") else "positive"
    if cells.buckets is None:
        return TermSupport(rows, getattr(cells, name), None, penalised)
    return TermSupport(rows, getattr(cells, name), csr_array(getattr(cells.buckets, name)))


def _penalised(stack: Stack, k: int, rows: np.ndarray) -> np.ndarray:
    """Cells of a penalised parameter: their error is that of the penalised likelihood."""
    found: np.ndarray = rows[:, [one.index for one in stack.marginals[k]]].any(axis=1)
    return found

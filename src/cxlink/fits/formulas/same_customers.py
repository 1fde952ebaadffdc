"""Whether two models were fitted to the same customers: told by their counts, whatever the formulas."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlink.fits.formulas.model_cells import ModelCells

_ROUNDING = 1e-9
"""Of sums of spend, which are added up in another order."""


def same_customers(first: ModelCells, second: ModelCells, variables: Sequence[str]) -> bool:
    """Say whether customers and their spend agree in each cell of follow-up and of some variables.

    Parameters
    ----------
    first, second : ModelCells
        What two models were fitted to.
    variables : sequence of str
        Of both; one that is a category of the one and a number of the other is left out.
    """
    shared = [
        name for name in variables if first.profiles[name].dtype.kind == second.profiles[name].dtype.kind
    ]
    mine, other = (_totals(cells, shared) for cells in (first, second))
    return (
        mine.index.equals(other.index)
        and mine.shape == other.shape
        and np.allclose(mine, other, rtol=_ROUNDING, atol=_ROUNDING)
    )


def _totals(cells: ModelCells, shared: Sequence[str]) -> pd.DataFrame:
    """Customers and sums of spend by shared variables, entry, exit and whether they were lost."""
    rows = cells.profiles[list(shared)].iloc[cells.profile].reset_index(drop=True)
    keys = [
        *(rows[name].astype(str) if rows[name].dtype.kind == "O" else rows[name] for name in shared),
        *(pd.Series(one) for one in (cells.entry, cells.exit, cells.lost)),
    ]
    totals: pd.DataFrame = cells.spend.assign(n=cells.n).groupby(keys, sort=True).sum()
    return totals

"""Small cells left out of counts, and as many others that what was left out is of nobody by itself."""

from collections.abc import Iterator

import numpy as np
import pandas as pd


def too_few(cells: pd.DataFrame, size: str, smallest: int) -> np.ndarray:
    """Mark cells of fewer customers than ``smallest``, and more where a total less the others would tell of so few.

    Totals of a score level, of a category of a stratum variable, of both and of everybody are published elsewhere: what
    is left out of each is nothing, or of ``smallest`` customers and more.

    Parameters
    ----------
    cells : DataFrame
        Of counts.
    size : str
        Column of customers: ``n``, or those behind the sums that are left out.
    smallest : int
        ``[publish] smallest_cell``.

    Returns
    -------
    ndarray of bool, shape (n_cells,)
    """
    n = cells[size].to_numpy(dtype=float)
    out: np.ndarray = n < smallest
    groups = [part for margin in _margins(cells) for part in margin]
    changed = True
    while changed:
        changed = False
        for part in groups:
            gone = n[part][out[part]].sum()
            left = part[~out[part]]
            if 0 < gone < smallest and len(left):
                out[left[np.argmin(n[left])]] = changed = True
    return out


def _margins(cells: pd.DataFrame) -> Iterator[list[np.ndarray]]:
    """Cells of each total that is published."""
    strata = [name for name in cells.columns if str(name).startswith("stratum.")]
    yield [np.arange(len(cells))]
    for keys in (["score"], *([name] for name in strata), *(["score", name] for name in strata)):
        parts = cells.reset_index(drop=True).groupby(keys, dropna=False).indices.values()
        yield [np.asarray(part, dtype=int) for part in parts]

"""Cells as text, and what identifies them."""

import hashlib

import numpy as np
import pandas as pd


def fingerprint_of(cells: pd.DataFrame) -> str:
    """SHA-256 of sorted cells: the same for the same customers in any order of rows, from any reader."""
    lines = map("\x1f".join, zip(*(_as_text(cells[name]) for name in cells), strict=True))
    return hashlib.sha256("\x1e".join(["\x1f".join(cells.columns), *lines]).encode()).hexdigest()


def _as_text(column: pd.Series) -> list[str]:
    """Text of each cell; each value is written once."""
    if column.dtype == float:  # by their bits: 0 and -0 are written otherwise
        codes, bits = pd.factorize(column.to_numpy(float).view(np.int64))
        values = pd.Series(bits.view(float))
    else:
        codes, found = pd.factorize(column, use_na_sentinel=False)
        values = pd.Series(found)
    return [*np.asarray(values.astype(str), dtype=object)[codes]]

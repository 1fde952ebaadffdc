"""The small table of sums that metrics are made from, kept beside the cells of the counts."""

import base64
import io
from collections.abc import Sequence
from functools import cache

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxlink.cohort.count.foreign_cells import read_limited

KEYS = ("of", "variable", "level", "period", "score")
SUMS = ("x", "xx", "w", "ww", "xw")
COLUMNS = (*KEYS, "n", *SUMS)
"""Columns: ``of`` (``answers``: customers in the table; ``transaction_size``, ``cost_to_serve``, ``contract_value``,
``contract_value_annualised``: those with an amount; ``signup.start``, ``.lost``, ``.joined``, ``.joined_end``, ``.end``
and the same from ``survey.``: customers at the start of a calendar period, of them lost in it, joiners of it, of them
still there at its end, all there at its end), ``variable`` and ``level`` (empty: everybody; else a segment's column
and category, ``touchpoint`` or ``member``), ``period`` (calendar; empty where not known), ``score`` (Int64; empty:
none), and ``n`` with the sums Σx, Σx², Σw, Σw², Σxw of what a ratio Σx/Σw is made of (w left at 0 where each customer
counts once). Where customers are clustered also ``bucket``, one more key.
"""
_BUCKET = "bucket"


def nothing() -> pd.DataFrame:
    """Give the table without a row."""
    return _nothing().copy()


@cache
def _nothing() -> pd.DataFrame:
    frame = pd.DataFrame({name: pd.Series(dtype=str) for name in KEYS[:4]})
    frame["score"], frame["n"] = pd.Series(dtype="Int64"), pd.Series(dtype="int64")
    return frame.assign(**{name: pd.Series(dtype="float64") for name in SUMS})


def totals(pieces: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Add the rows of tables up where their keys are the same, and sort them; rows of nobody are left out."""
    nonempty = [piece[_columns(piece)] for piece in pieces if len(piece)]
    if not nonempty:
        return nothing()
    frame = pd.concat(nonempty, ignore_index=True)
    keys = [*KEYS, *([_BUCKET] if _BUCKET in frame else [])]
    frame = frame.groupby(keys, dropna=False, sort=True, as_index=False).sum()
    return frame[frame["n"] > 0].reset_index(drop=True)[_columns(frame)]


def _columns(table: pd.DataFrame) -> list[str]:
    return [*COLUMNS, *([_BUCKET] if _BUCKET in table else [])]


def without_buckets(table: pd.DataFrame) -> pd.DataFrame:
    """Add the buckets of clusters up."""
    return totals([table.drop(columns=_BUCKET)]) if _BUCKET in table else table


def suppressed(table: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Leave out rows about fewer customers than ``smallest``, the buckets of clusters added up."""
    table = without_buckets(table)
    return table[table["n"] >= smallest].reset_index(drop=True)


def as_text(table: pd.DataFrame) -> str:
    """Write the table as text that a file's metadata can hold; every bit of its numbers is kept."""
    buffer = io.BytesIO()
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(arrow, buffer, compression="zstd")
    return base64.b64encode(buffer.getvalue()).decode()


def from_text(text: str) -> pd.DataFrame:
    """Read it back."""
    table = read_limited(io.BytesIO(base64.b64decode(text)), "metrics")
    frame: pd.DataFrame = table.to_pandas()
    return frame.astype({"score": "Int64"})[_columns(frame)]

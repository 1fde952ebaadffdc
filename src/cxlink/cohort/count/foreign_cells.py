"""Counts from a file that anybody may have made: its size, columns and values are looked at before they are used."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec

_MOST_ROWS = 20_000_000
"""Twenty cohorts of the largest size that is counted."""
_MOST_BYTES = 4 << 30
"""Unpacked; what twenty million cells of twenty columns take."""
_MOST_COLUMNS = 200
_MOST_METADATA = 256 << 20
_WHOLE = (
    "score",
    "previous",
    "entry",
    "exit",
    "bucket",
    "n",
    "spend_n",
    "spend_zero",
    "control_n",
    "margin_n",
)
_WORDS = ("cause", "wave", "touchpoint", "member")
_SUMS = (
    "per_customer", "spend_sum", "spend_sum_sq", "spend_sum_log", "spend_sum_log_sq", "spend_sum_y_log", "control_sum",
    "control_sum_sq", "margin_sum", "margin_sum_sq",
)  # fmt: skip


def read_limited(source: Any, name: str) -> pa.Table:
    """Read a Parquet file whose own description says that it is no larger than counts can be.

    Parameters
    ----------
    source : path or file
        The file.
    name : str
        What a message calls it.

    Raises
    ------
    InputError
        If it says it has more rows, columns or bytes.
    """
    with pq.ParquetFile(source) as file:  # not as a data set: a folder called a=b would add a column
        about = file.metadata
        unpacked = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
        if about.num_rows > _MOST_ROWS or about.num_columns > _MOST_COLUMNS or unpacked > _MOST_BYTES:
            raise InputError(
                f"{name}: {about.num_rows:,} rows, {about.num_columns} columns and {unpacked:,} bytes; counts have at "
                f"most {_MOST_ROWS:,}, {_MOST_COLUMNS} and {_MOST_BYTES:,}. It is not read."
            )
        if sum(len(value) for value in (about.metadata or {}).values()) > _MOST_METADATA:
            raise InputError(f"{name}: its description is larger than that of counts. It is not read.")
        return file.read()


def refuse_impossible(cells: pd.DataFrame, spec: CohortSpec, name: str) -> None:
    """Check that cells are such as counting makes: their columns, types and ranges.

    Parameters
    ----------
    cells : DataFrame
        As read.
    spec : CohortSpec
        That of the counts.
    name : str
        What a message calls them.

    Raises
    ------
    InputError
        With the first column that cannot be, and why.
    """
    strata = [f"stratum.{variable}" for variable in spec.stratum_variables]
    needed = ["score", *strata, "entry", "exit", "cause", "wave", "n"]
    needed += ["previous"] if spec.every_survey else []
    known = {*needed, *_WHOLE, *_WORDS, *_SUMS}
    wrong = sorted(set(needed) ^ (set(cells.columns) - (known - set(needed))))
    if wrong or cells.columns.duplicated().any():
        raise InputError(f"{name}: not the columns of counts ({wrong[0] if wrong else 'one stands twice'}).")
    for column in cells.columns:
        values = cells[column]
        why = _why_impossible(column, values, spec)
        if why:
            raise InputError(f"{name}: {column} {why}, which counting never gives. Fit the cohort again.")
    if (cells["entry"] > cells["exit"]).any():
        raise InputError(f"{name}: entry after exit, which counting never gives. Fit the cohort again.")


def _why_impossible(column: str, values: pd.Series, spec: CohortSpec) -> str:
    if column in _WORDS or column.startswith("stratum."):
        return "" if values.map(lambda value: isinstance(value, str)).all() else "is not text"
    if not pd.api.types.is_numeric_dtype(values):
        return "is not a number"
    known = values.dropna().to_numpy(dtype=float)
    if column not in ("score", "previous") and len(known) < len(values):
        return "is missing"
    if not np.isfinite(known).all():
        return "is not finite"
    if column in _SUMS:
        return ""
    if (known != np.round(known)).any():
        return "is no whole number"
    if column in ("score", "previous"):
        outside = (known < spec.scale.low) | (known > spec.scale.high)
        return f"leaves the scale {spec.score.scale}" if outside.any() else ""
    if (known < (column == "n")).any():
        return "is negative" if (known < 0).any() else "is 0"
    if column == "bucket" and (known >= BUCKETS).any():
        return f"is not under {BUCKETS}"
    if column in ("entry", "exit") and (known > spec.longest).any():
        return f"is over {spec.longest:,} periods"
    return "is more than anybody has customers" if known.sum() >= 2.0**53 else ""

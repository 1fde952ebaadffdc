"""Files of SPSS, Stata and SAS as Arrow tables: a value with a label as ``7 = good``, others as they stand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxlink.cohort.errors import InputError

_READERS = {
    ".sav": "read_sav", ".zsav": "read_sav", ".por": "read_por", ".dta": "read_dta", ".sas7bdat": "read_sas7bdat",
    ".xpt": "read_xport",
}  # fmt: skip
LABELLED = frozenset(_READERS)


def read_labelled(file: Path) -> Any:
    """Read a file of a statistics package; what its user marked as missing is empty.

    A score reads the number that a label begins with; a column of yes and no likewise.

    Raises
    ------
    InputError
        If pyreadstat is not installed.
    """
    import pyarrow as pa

    try:
        import pyreadstat
    except ImportError:
        raise InputError(
            f"{file.name}: SPSS, Stata and SAS files need pyreadstat. Install it (pip install 'cxlink[spss]'), or save "
            "the table as CSV or Parquet."
        ) from None
    frame, about = getattr(pyreadstat, _READERS[file.suffix.lower()])(str(file))
    labels: Mapping[str, Mapping[Any, str]] = about.variable_value_labels
    arrays = [_array(frame[name], labels.get(name, {})) for name in frame.columns]
    return pa.table(arrays, names=list(frame.columns))


def _array(column: Any, labels: Mapping[Any, str]) -> Any:
    import pyarrow as pa

    cells = [None if gone or cell == "" else cell for cell, gone in zip(column, column.isna(), strict=True)]
    whole = all(cell is None or (isinstance(cell, float) and cell.is_integer()) for cell in cells)
    if whole or labels:
        cells = [int(cell) if isinstance(cell, float) and cell.is_integer() else cell for cell in cells]
    if labels:
        return pa.array(
            [None if c is None else f"{c} = {labels[c]}" if c in labels else str(c) for c in cells]
        )
    return pa.array(cells, from_pandas=True)

"""Files of SPSS, Stata and SAS as Arrow tables: a value with a label as ``7 = good``, others as they stand.

Where labels are numbers themselves and other ones than their codes, as when a categorical of 1 to 10 is saved with the
codes 0 to 9, the label is the value: ``1 = code 0``.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cxlink.cohort.errors import InputError

_READERS = {
    ".sav": "read_sav", ".zsav": "read_sav", ".por": "read_por", ".dta": "read_dta", ".sas7bdat": "read_sas7bdat",
    ".xpt": "read_xport",
}  # fmt: skip
LABELLED = frozenset(_READERS)
_NUMBER = re.compile(r"([-+]?[0-9]+(?:[.,][0-9]+)?)(?:(?:\s*[-–—=:.)(]+\s*|\s+)[^0-9\s/].*)?")


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
        written = _by_label if _renumbered(labels) else _by_code
        return pa.array([None if cell is None else written(cell, labels) for cell in cells])
    return pa.array(cells, from_pandas=True)


def _renumbered(labels: Mapping[Any, str]) -> bool:
    """Whether a label is, or begins with, another number than its code."""
    return any(
        numbers and not any(_is(code, number) for number in numbers)
        for code, numbers in ((code, _numbers(label)) for code, label in labels.items())
    )


def _numbers(label: str) -> tuple[str, ...]:
    """Number of a label such as ``7`` or ``7 - good``, with a comma as either mark; none of ``18-24`` or ``good``."""
    found = _NUMBER.fullmatch(label.strip())
    return (found[1].replace(",", "."), found[1].replace(",", "")) if found is not None else ()


def _is(code: Any, number: str) -> bool:
    try:
        return float(code) == float(number)
    except ValueError:
        return False


def _by_code(cell: Any, labels: Mapping[Any, str]) -> str:
    return f"{cell} = {labels[cell]}" if cell in labels else str(cell)


def _by_label(cell: Any, labels: Mapping[Any, str]) -> str:
    """A cell as its label has it; the code stands behind a bare number, so that a report shows both."""
    if cell not in labels:
        return f"no label: {cell}"
    label = labels[cell].strip()
    return f"{label} = code {cell}" if re.fullmatch("[-+]?[0-9]+", label) else label

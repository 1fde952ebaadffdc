"""Where the header of a sheet or a text file stands: below a title, a date of export, blank rows."""

from collections.abc import Sequence
from statistics import median

from cxlink.cohort.errors import InputError

LOOKED_AT = 50
"""First rows that are looked at."""
_LEAST_ROWS = 3


def rows_above(rows: Sequence[Sequence[object]]) -> int:
    """Number of rows above the header: the first row of which more than half as many cells are filled as usual.

    Parameters
    ----------
    rows : sequence of sequence
        The first rows, cell by cell; what is blank or None is not filled.

    Examples
    --------
    >>> rows_above([["Customers"], [], ["id", "csat", "left"], ["1", "7", ""], ["2", "9", "1"]])
    2
    """
    filled = [sum(cell is not None and str(cell).strip() != "" for cell in row) for row in rows]
    usual = median(n for n in filled if n) if any(filled) else 0
    if usual < 2 or sum(n > 0 for n in filled) < _LEAST_ROWS:
        return 0
    return next(i for i, n in enumerate(filled) if 2 * n > usual)


def refuse_title(name: str, above: int) -> None:
    """Refuse a table whose header does not stand in its first row, unless the spec says so.

    Raises
    ------
    InputError
        With the key that says it.
    """
    if above:
        raise InputError(
            f"{name}: the columns seem to be named in line {above + 1:,}, below a title or blank lines. Set [table] "
            f"skip_rows = {above} (or 0, if the first line names them)."
        )

"""Rows of a table that are neither its header nor customers: a number of them above the header, or a list of rows."""

from typing import Any

SkipRows = int | tuple[int, ...]
"""Rows above the header; or the rows themselves, counted from 1, of which those after the first that is left out are
below it."""
_MOST = 1000


def around_header(skip: SkipRows) -> tuple[int, int]:
    """Number of rows above the header, and of those between it and the first customer.

    Examples
    --------
    >>> around_header(3), around_header((2, 3)), around_header((1, 3))
    ((3, 0), (0, 2), (1, 1))
    """
    if isinstance(skip, int):
        return skip, 0
    above = next((n for n, row in enumerate(skip) if row != n + 1), len(skip))
    return above, len(skip) - above


def checked_skip(value: Any) -> Any:
    """Give back what may be ``[table] skip_rows``.

    Raises
    ------
    ValueError
        If it is neither a number of rows nor a list of those around one header.
    """
    rows = value if isinstance(value, tuple) else (value,)
    if value is None:
        return value
    if not rows or any(
        isinstance(row, bool) or not isinstance(row, int) or not 0 <= row <= _MOST for row in rows
    ):
        raise ValueError(
            f"write how many lines stand above the header, from 0 to {_MOST:,}, or a list of lines, such as [2, 3]"
        )
    if isinstance(value, tuple):
        above, below = around_header(value)
        if value != (*range(1, above + 1), *range(above + 2, above + 2 + below)):
            raise ValueError(
                "a list names all lines down to the first customer but that of the header, such as [2, 3] or [1, 3]"
            )
    return value

"""Where the header of a sheet or a text file stands: below a title or blank rows, above question texts."""

import re
from collections.abc import Sequence
from itertools import islice
from statistics import median

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.skipped_rows import SkipRows, around_header

LOOKED_AT = 50
"""First rows that are looked at."""
_LEAST_ROWS = 3
_IMPORT_ID = '{"ImportId"'  # Qualtrics, below the question texts
_RESPONSES = frozenset(
    ("response", "open-ended response", "antwoord", "antwoorden", "open antwoord")
)  # SurveyMonkey
_COUNTED = re.compile(r"[^a-zA-Z]*[0-9][^a-zA-Z]*")


def rows_to_skip(rows: Sequence[Sequence[object]]) -> SkipRows:
    """Rows that are neither header nor customers, as ``[table] skip_rows`` has them; 0 where there are none.

    Parameters
    ----------
    rows : sequence of sequence
        The first rows, cell by cell; what is blank or None is not filled.

    Examples
    --------
    >>> rows_to_skip([["Customers"], [], ["id", "csat", "left"], ["1", "7", ""], ["2", "9", "1"]])
    2
    >>> rows_to_skip([["id", "Q1"], ["Customer", "Satisfied?"], ['{"ImportId":"a"}', '{"ImportId":"b"}'], ["1", "7"]])
    (2, 3)
    """
    above = _rows_above(rows)
    below = _described(rows[above:])
    if not below:
        return above
    return (*range(1, above + 1), *range(above + 2, above + 2 + below))


def _rows_above(rows: Sequence[Sequence[object]]) -> int:
    """Number of rows above the header: the first row of which more than half as many cells are filled as usual."""
    texts = [_texts(row) for row in rows]
    filled = [len([text for text in row if text]) for row in texts]
    usual = median(n for n in filled if n) if any(filled) else 0
    if usual < 2 or sum(n > 0 for n in filled) < _LEAST_ROWS:
        return 0
    first = next(i for i, n in enumerate(filled) if 2 * n > usual)
    second = next((i for i, n in enumerate(filled[first + 1 :], first + 1) if n), first)
    return second if _is_title(texts[first], texts[second], texts[second + 1 :]) else first


def _is_title(row: Sequence[str], next_row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row is a title of a few cells: the next one is longer, all words, and numbers stand below it alone."""
    short, long = [text for text in row if text], [text for text in next_row if text]
    at_left = len(short) == len("".join("x" if text else " " for text in row).rstrip())
    words = len(set(long)) == len(long) > len(short) and not any(map(_COUNTED.fullmatch, long))
    numbered = [any(map(_COUNTED.fullmatch, one)) for one in below if any(one)]
    return at_left and words and bool(numbered) and all(numbered)


def _described(rows: Sequence[Sequence[object]]) -> int:
    """Number of rows below the header that describe the columns: question texts, ids of an import, kinds of answers."""
    for n, row in enumerate(islice(rows, 1, 3), 1):
        texts = _texts(row)
        given = [text for text in texts if text]
        if given and 2 * sum(text.replace(" ", "").startswith(_IMPORT_ID) for text in given) > len(given):
            return n
        kinds = any(text.lower() in _RESPONSES for text in given)
        if n == 1 and kinds and not texts[0] and not any(map(_COUNTED.fullmatch, given)):
            return n
    return 0


def _texts(row: Sequence[object]) -> list[str]:
    return ["" if cell is None else str(cell).strip() for cell in row]


def refuse_unsaid(name: str, skip: SkipRows) -> None:
    """Refuse a table in which not all rows below the first are customers, unless the spec says so.

    Raises
    ------
    InputError
        With the key that says it.
    """
    if isinstance(skip, tuple):
        listed = ", ".join(map(str, skip))
        raise InputError(
            f"{name}: line{'s' if len(skip) > 1 else ''} {listed} seem to be no customers but to describe the columns. "
            f"Set [table] skip_rows = [{listed}] (or 0, if all but the first line are customers)."
        )
    if skip:
        raise InputError(
            f"{name}: the columns seem to be named in line {skip + 1:,}, below a title or blank lines. Set [table] "
            f"skip_rows = {skip} (or 0, if the first line names them)."
        )


def way_to_header(skip_rows: SkipRows, likely: SkipRows) -> str:
    """What to do where the line that is left first does not name the columns: the key that leaves one that does."""
    if skip_rows == likely:
        return "Set [table] skip_rows to the number of lines above the one that names the columns."
    shown = likely if isinstance(likely, int) else list(likely)
    return f"Line {around_header(likely)[0] + 1:,} seems to name them: set [table] skip_rows = {shown}."

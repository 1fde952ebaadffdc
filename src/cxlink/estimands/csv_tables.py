"""Tables as CSV files: ten significant digits, and no cell that a spreadsheet would take for a formula."""

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd

from cxlink.estimands.tidy import TEXT, WHOLE

_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_MARKED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def neutral(text: str) -> str:
    """Give a text that no spreadsheet takes for a formula: an apostrophe before a sign that begins one.

    A cell that begins with ``=``, ``+``, ``-``, ``@``, a tab or a line's end is read as a formula (CWE-1236); a plain
    number is none. What has apostrophes before such a sign gets one more, so that `as_written` undoes it.

    Examples
    --------
    >>> neutral("=1+1"), neutral("-3"), neutral("-3--1"), as_written(neutral("'=x"))
    ("'=1+1", '-3', "'-3--1", "'=x")
    """
    return f"'{text}" if _FORMULA.match(text) and not _PLAIN_NUMBER.fullmatch(text) else text


def as_written(text: str) -> str:
    """Undo `neutral`."""
    return text[1:] if _MARKED.match(text) else text


def csv_text(table: pd.DataFrame) -> str:
    r"""Text of a table in the run folder: UTF-8, ``\n``, ten significant digits, ``true``/``false``, ``inf``.

    Texts and names of columns are `neutral`.
    """
    written = table.copy()
    for name in written.columns:
        if written[name].dtype == float:
            written[name] = [_number(value) for value in written[name]]
        elif pd.api.types.is_bool_dtype(written[name]):
            written[name] = written[name].astype(object).map({True: "true", False: "false"})
        elif not pd.api.types.is_numeric_dtype(written[name]):
            written[name] = [neutral(cell) if isinstance(cell, str) else cell for cell in written[name]]
    return written.rename(columns=neutral).to_csv(index=False, lineterminator="\n")


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value + 0.0:.10g}"  # + 0.0: no negative zero


def read_csv(path: Path | str | TextIO, text: Sequence[str] = TEXT) -> pd.DataFrame:
    """Read an estimates table back, with its types."""
    with Path(path).open(encoding="utf-8", newline="") if isinstance(path, str | Path) else path as stream:
        names, *rows = csv.reader(stream)  # which takes any text back; pandas takes a NUL for an end
    table = pd.DataFrame(rows, columns=[as_written(name) for name in names], dtype=object)
    for name in table.columns:
        if name in WHOLE:
            table[name] = pd.to_numeric(table[name].replace("", None)).astype("Int64")
        elif name == "headline":
            table[name] = table[name].eq("true")
        elif name not in text:
            table[name] = pd.to_numeric(table[name].replace("", None)).astype(float)
        else:
            table[name] = table[name].map(as_written)
    return table

"""Rows of the estimates table by what they are of, the main analysis where nothing else is asked for."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import pandas as pd

from cxlink.cohort.errors import InputError
from cxlink.estimands.tidy import select

_MAIN = {"stratum": "", "scenario": "", "cause": "", "given": 0}
_FIRST = ("standardised", "conditional", "no")


def pick(table: pd.DataFrame, estimand: str, **where: Any) -> pd.DataFrame:
    """Give the rows of an estimand.

    Parameters
    ----------
    table : DataFrame
        ``estimates.csv`` and ``families.csv`` in one.
    estimand : str
        Such as ``tenure`` or ``retention_difference``.
    **where
        Values of columns that identify a row: ``model``, ``group``, ``reference``, ``horizon``, ``adjusted``,
        ``stratum``, ``cause``, ``given``, ``scenario``; a list means any of them. Of those left out the main analysis
        is meant: the whole cohort and any loss; standardised where that is there; and the model that page one stands
        on, or else the first one with such rows.

    Returns
    -------
    DataFrame
        The rows in the order of the table.

    Raises
    ------
    InputError
        If there is no such estimand, column, or row; the message names the nearest, or the values there are.
    """
    rows = _asked(table, "estimand", estimand)
    for name in where:
        if name not in table.columns:
            raise InputError(f"estimates have no column {name!r}.{_nearest(name, list(table.columns))}")
    for name, value in where.items():
        rows = _asked(rows, name, value)
    for name, value in _MAIN.items():
        if name not in where:
            rows = _preferred(rows, name, [value])
    if "adjusted" not in where:
        rows = _preferred(rows, "adjusted", _FIRST)
    if "model" not in where:
        leading = list(rows.loc[rows["headline"].eq(True), "model"].unique())
        rows = _preferred(rows, "model", [*leading, *rows["model"].unique()])
    return rows.reset_index(drop=True)


def _asked(rows: pd.DataFrame, name: str, value: Any) -> pd.DataFrame:
    """Rows with a value of a column."""
    text = rows[name].dtype == object
    several = value if isinstance(value, tuple | list | set) else [value]
    chosen = select(rows, **{name: [str(one) for one in several] if text else list(several)})
    if chosen.empty:
        there = [one for one in rows[name].drop_duplicates() if pd.notna(one)]
        raise InputError(f"no estimate has {name} {value!r}.{_nearest(str(value), there)}")
    return chosen


def _nearest(name: str, there: Sequence[Any]) -> str:
    near = get_close_matches(name, [str(one) for one in there], n=1, cutoff=0.6)
    if near:
        return f" Did you mean {near[0]!r}?"
    return f" There are {', '.join(str(one) for one in there[:20])}."


def _preferred(rows: pd.DataFrame, name: str, values: Sequence[Any]) -> pd.DataFrame:
    """Rows with the first of these values that any has; all rows if none has."""
    for value in values:
        chosen = select(rows, **{name: value})
        if len(chosen):
            return chosen
    return rows

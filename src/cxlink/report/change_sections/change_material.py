"""How the changes between cohorts are looked up and written."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxlink.comparison.changes import OutcomeChange
from cxlink.estimands.tidy import select
from cxlink.report.format import FIRM, NONE, decimal, levels
from cxlink.report.words import say
from cxlink.results import ComparisonResults

Row = Mapping[Any, Any]


def own(table: pd.DataFrame, outcome: OutcomeChange, **where: Any) -> pd.DataFrame:
    """Give an outcome's rows of a table."""
    return select(table, base=outcome.base, cohort=outcome.cohort, estimand=outcome.estimand, **where)


def rows_by(table: pd.DataFrame, column: str) -> dict[str, Row]:
    """Give the rows of a table by their value in a column."""
    return {str(row[column]): row for row in table.to_dict("records")}


def axis_unit(outcome: OutcomeChange) -> str:
    """Give the unit of an outcome's changes."""
    return say("change.percentage_points") if outcome.estimand == "retention" else outcome.unit


def scale(outcome: OutcomeChange) -> float:
    """Give what an outcome's estimates are multiplied by: 100 for per cent."""
    return 100.0 if outcome.estimand == "retention" else 1.0


def number(value: float, outcome: OutcomeChange) -> str:
    """Write an estimate: per cent, or an amount."""
    if outcome.estimand == "retention":
        return decimal(100 * value, 1)
    sizes = (abs(row["estimate"]) for row in outcome.calibration if row["quantity"] == "predicted")
    return decimal(value, 0 if max(sizes, default=0.0) >= 1000 else 2)


def change(value: float, outcome: OutcomeChange) -> str:
    """Write a change, with its sign."""
    text = number(value, outcome)
    return f"+{text}" if value > 0 else text


def amount(row: Row, outcome: OutcomeChange) -> str:
    """Write a change with its unit and interval: ``−1.5 points [−3.7, +0.5]``."""
    unit = say("change.points") if outcome.estimand == "retention" else outcome.unit
    if np.isnan(row["conf_low"]):
        return f"{change(row['estimate'], outcome)} {unit}"
    low, high = (change(row[name], outcome) for name in ("conf_low", "conf_high"))
    return f"{change(row['estimate'], outcome)} {unit} [{low},{FIRM}{high}]"


def bracket(row: Row, outcome: OutcomeChange, signed: bool) -> str:
    """Write an estimate and its interval for a table whose header names the unit."""
    if np.isnan(row["estimate"]):
        return NONE
    write = change if signed else number
    if np.isnan(row["conf_low"]):
        return write(row["estimate"], outcome)
    low, high = (write(row[name], outcome) for name in ("conf_low", "conf_high"))
    return f"{write(row['estimate'], outcome)} [{low},{FIRM}{high}]"


def plain(row: Row, digits: int) -> str:
    """Write a ratio or a score with its interval."""
    if np.isnan(row["conf_low"]):
        return decimal(row["estimate"], digits)
    low, high = (decimal(row[name], digits) for name in ("conf_low", "conf_high"))
    return f"{decimal(row['estimate'], digits)} [{low},{FIRM}{high}]"


def called(name: str, found: ComparisonResults) -> str:
    """Call a group in a table: a band with its levels."""
    shown = levels(name, found.spec)
    return say(f"change.band_{name}", levels=shown) if name in ("worst", "best") else shown

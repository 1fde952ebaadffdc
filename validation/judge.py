"""Rules that are written before a run, and verdicts on what it found."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

_NORMAL = 1.959964


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is asked of the coverage of some intervals.

    Attributes
    ----------
    name : str
        A phrase.
    low, high : float
        Where every value must lie.
    query : str
        Which rows, in pandas' words.
    over : tuple of str
        Columns within which coverage is averaged first; without them each row is judged by itself.
    """

    name: str
    low: float
    high: float
    query: str
    over: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule, and what was found.

    Attributes
    ----------
    rule, found : str
        What was asked, and the figures.
    held : bool
        Whether it is so.
    """

    rule: str
    found: str
    held: bool


def judged(table: pd.DataFrame, rules: Sequence[Rule]) -> pd.DataFrame:
    """Judge the coverage of a table's rows by every rule.

    Returns
    -------
    DataFrame
        ``rule, values, lowest, highest, low, high, held``; a rule that no row is asked of is not held.
    """
    found = []
    for rule in rules:
        rows = table.query(rule.query, engine="python")
        value = rows.groupby(list(rule.over))["coverage"].mean() if rule.over else rows["coverage"]
        found.append({
            "rule": rule.name, "values": len(value), "lowest": value.min(), "highest": value.max(),
            "low": rule.low, "high": rule.high,
            "held": bool(len(value) and value.between(rule.low, rule.high).all()),
        })  # fmt: skip
    return pd.DataFrame(found)


def monte_carlo_error(share: float, cohorts: int) -> float:
    """Standard error √(p(1 − p)/n) of a share p of n simulated cohorts."""
    return float(np.sqrt(share * (1 - share) / cohorts))


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of what simulated cohorts gave, shape (n_cohorts,)."""
    middle, half = values.mean(), _NORMAL * values.std(ddof=1) / np.sqrt(len(values))
    return float(middle - half), float(middle + half)

"""The estimates table as the report reads it: rows with names, and a book to look them up in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from cxlink.estimands.tidy import select
from cxlink.sensitivity.confounding_rows import ROBUSTNESS
from cxlink.sensitivity.nonresponse_rows import TIPPING_POINT
from cxlink.value.intervention import OF_INTERVENTION


@dataclass(frozen=True, slots=True)
class Estimate:
    """One row of the estimates table; its attributes are the table's columns.

    ``horizon``, ``n`` and ``n_events`` are None where the table is empty, the numbers NaN.
    """

    estimand: str
    model: str
    group: str
    reference: str
    horizon: int | None
    adjusted: str
    stratum: str
    cause: str
    given: int
    scenario: str
    headline: bool
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    level: float
    unit: str
    n: int | None
    n_events: int | None
    extrapolated: float

    @property
    def blank(self) -> bool:
        """Whether there is no number: the group is suppressed, or nothing could be estimated."""
        return bool(np.isnan(self.estimate))

    @property
    def is_difference(self) -> bool:
        """Whether it is a group less its reference: of two groups, no ratio, and on no scale of its own."""
        return bool(self.reference) and self.unit != "ratio" and self.estimand not in _OWN_SCALE


_OWN_SCALE = (*OF_INTERVENTION, TIPPING_POINT, ROBUSTNESS)
"""Estimands of two groups that are neither their difference nor their ratio."""
_OTHER_AVERAGES = ("averaged_aic", "averaged_backtest")
_COLUMNS = [field.name for field in fields(Estimate)]
_KEY = _COLUMNS[:10]


@dataclass(frozen=True, slots=True)
class Book:
    """The estimates table, looked up by key in constant time.

    Attributes
    ----------
    by_key : dict of tuple to Estimate
        Every row under the ten columns that identify it.
    by_estimand : dict of str to tuple of Estimate
        The rows of each estimand, in the table's order.
    """

    by_key: dict[tuple[Any, ...], Estimate]
    by_estimand: dict[str, tuple[Estimate, ...]]

    def get(
        self, estimand: str, group: str, model: str, horizon: int | None = None, **key: Any
    ) -> Estimate | None:
        """Give the row of this key, or None; ``key`` holds what is not the main analysis."""
        known = {
            "reference": "",
            "adjusted": "no",
            "stratum": "",
            "cause": "",
            "given": 0,
            "scenario": "",
            **key,
        }
        known |= {"estimand": estimand, "group": group, "model": model, "horizon": horizon}
        return self.by_key.get(tuple(known[name] for name in _KEY))

    def best(
        self, estimand: str, group: str, model: str, horizon: int | None = None, **key: Any
    ) -> Estimate | None:
        """Give the standardised row of this key, else the unadjusted one, else None."""
        found = self.get(estimand, group, model, horizon, **{**key, "adjusted": "standardised"})
        return found or self.get(estimand, group, model, horizon, **{**key, "adjusted": "no"})

    def where(self, estimand: str, **columns: Any) -> list[Estimate]:
        """Give the rows of an estimand whose columns have these values; a tuple means any of them."""
        rows: Iterable[Estimate] = self.by_estimand.get(estimand, ())
        for name, value in columns.items():
            wanted = value if isinstance(value, tuple) else (value,)
            rows = [row for row in rows if getattr(row, name) in wanted]
        return list(rows)

    def headline(self, estimand: str, group: str, reference: str = "") -> Estimate | None:
        """Give the row that page one stands on: standardised where there is one, else unadjusted."""
        rows = self.where(estimand, headline=True, group=group, reference=reference, scenario="", stratum="")
        return max(rows, key=lambda row: row.adjusted == "standardised", default=None)


def known_rows(estimates: pd.DataFrame, **where: Any) -> list[Estimate]:
    """Give the rows of a table whose columns have these values and that hold a number, by horizon."""
    chosen = select(estimates, **where).dropna(subset="estimate")
    return _rows(chosen.sort_values("horizon", kind="stable"))


def preferred(rows: Sequence[Estimate]) -> list[Estimate]:
    """Keep one row of each model, group and horizon: standardised where there is one, else unadjusted.

    An average by AIC or by backtest goes where it is what ``averaged`` holds too.
    """
    kept: dict[tuple[Any, ...], Estimate] = {}
    for row in rows:
        key = (row.model, row.group, row.horizon)
        if key not in kept or row.adjusted == "standardised":
            kept[key] = row
    same = {(row.group, row.horizon, row.estimate) for row in kept.values() if row.model == "averaged"}
    return [
        r
        for r in kept.values()
        if r.model not in _OTHER_AVERAGES or (r.group, r.horizon, r.estimate) not in same
    ]


def one_kind(rows: Sequence[Estimate]) -> list[Estimate]:
    """Keep a whole curve of one kind: standardised where there is one, else unadjusted."""
    standardised = [row for row in rows if row.adjusted == "standardised"]
    return standardised or [row for row in rows if row.adjusted == "no"]


def open_book(estimates: pd.DataFrame) -> Book:
    """Index an estimates table."""
    rows = _rows(estimates)
    by_estimand: dict[str, list[Estimate]] = {}
    for row in rows:
        by_estimand.setdefault(row.estimand, []).append(row)
    by_key = {tuple(getattr(row, name) for name in _KEY): row for row in rows}
    return Book(by_key, {name: tuple(found) for name, found in by_estimand.items()})


def _rows(estimates: pd.DataFrame) -> list[Estimate]:
    columns = [_python(estimates[name]) for name in _COLUMNS]
    return [Estimate(*values) for values in zip(*columns, strict=True)]


def _python(column: pd.Series) -> list[Any]:
    """Values of a column as Python's own; None where a whole number is missing."""
    if isinstance(column.dtype, pd.Int64Dtype):
        return [None if pd.isna(value) else int(value) for value in column]
    return list(column.tolist())

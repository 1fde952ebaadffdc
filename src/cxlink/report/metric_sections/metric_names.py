"""How metrics are written: their names, their numbers in their units, and rows with names."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlink.metrics.metric_table import COLUMNS
from cxlink.metrics.power_rows import UNIT as MILLINAT
from cxlink.report.format import FIRM, NONE, THIN, decimal, units
from cxlink.report.words import say

METRICS = (
    "nps", "csat_top_two_box", "csat_mean", "ces_mean", "ces_top_two_box", "response_share", "transaction_size",
    "cost_to_serve", "contract_value", "contract_value_annualised", "churn_rate", "retention_rate",
)  # fmt: skip
IN_SEGMENTS = (
    "nps", "csat_top_two_box", "ces_mean", "churn_rate", "transaction_size", "cost_to_serve", "response_share",
)  # fmt: skip
"""The metrics that are set out by segment, under short names."""
CODINGS = ("nps_class", "top_two_box", "linear", "full_score")
_ORIGINS = ("from_signup", "from_survey")
_RATES = ("churn_rate", "retention_rate")
_DIGITS = {"points": 1, "probability": 1, "score": 2, "ratio": 3, "p-value": 2, MILLINAT: 1}
_BARE = ("points", "score", "ratio", "p-value", "amount", MILLINAT)


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the metrics table; its attributes are the table's columns."""

    metric: str
    version: str
    variable: str
    category: str
    period: str
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    level: float
    unit: str
    n: int | None

    @property
    def is_rate(self) -> bool:
        """Whether it is a rate by calendar period."""
        return self.metric in _RATES

    @property
    def name(self) -> str:
        """What readers call it, and which of its kinds it is."""
        return self.named()

    def named(self, calendar: str = "") -> str:
        """Name it; a rate with its calendar period where that is given."""
        name = say(f"metrics.name_{self.metric}")
        if self.is_rate and calendar:
            name = say("metrics.per_period", name=name, unit=units(calendar, 1))
        if self.version in _ORIGINS:
            return say("metrics.since", name=name, origin=version_name(self.version))
        return say("metrics.non_standard", name=name) if self.version == "non_standard" else name


def version_name(version: str) -> str:
    """Name a version of a metric: that of a rate by its time origin."""
    return say(f"metrics.origin_{version}") if version in _ORIGINS else version


def metric_list(table: pd.DataFrame, **where: Any) -> list[Metric]:
    """Give the rows whose columns have these values; a tuple means any of them."""
    if not len(table):
        return []
    chosen = pd.Series(True, index=table.index)
    for name, value in where.items():
        chosen &= table[name].isin(value) if isinstance(value, tuple) else table[name].eq(value)
    rows = table.loc[chosen, list(COLUMNS)]
    return [_metric(values) for values in rows.itertuples(index=False, name=None)]


def _metric(values: tuple[Any, ...]) -> Metric:
    row = dict(zip(COLUMNS, values, strict=True))
    return Metric(**{**row, "n": None if pd.isna(row["n"]) else int(row["n"])})


def digits(rows: Iterable[Metric]) -> int:
    """Decimals for metrics of one unit that stand together."""
    estimates = [row for row in rows if not np.isnan(row.estimate)]
    if not estimates:
        return 1
    largest = max(abs(row.estimate) for row in estimates)
    return _DIGITS.get(estimates[0].unit, 2 if largest < 100 else 0)


def bare(row: Metric | None, shown: int | None = None) -> str:
    """Write an estimate with its interval, without its unit: ``30.5 [27.7, 33.2]``; shares in per cent."""
    return _with_interval(row, shown, "{}")


def interval(row: Metric | None, shown: int) -> str:
    """Write an interval alone, without its unit: ``[27.7, 33.2]``; nothing where there is none."""
    if row is None or np.isnan(row.conf_low + row.conf_high):
        return NONE
    times = 100.0 if row.unit == "probability" else 1.0
    low, high = (decimal(times * x, shown) for x in (row.conf_low, row.conf_high))
    return f"[{low},{FIRM}{high}]"


def with_unit(row: Metric) -> str:
    """Write an estimate with its interval and its unit: ``EUR 80 [79, 81]``, ``40.5 % [39.6, 41.5]``."""
    if row.unit in _BARE:
        return bare(row)
    return _with_interval(row, None, f"{{}}{THIN}%" if row.unit == "probability" else f"{row.unit}{THIN}{{}}")


def _with_interval(row: Metric | None, shown: int | None, form: str) -> str:
    """Write an estimate in a form, and its interval."""
    if row is None or np.isnan(row.estimate):
        return NONE
    places = digits([row]) if shown is None else shown
    times = 100.0 if row.unit == "probability" else 1.0
    text = form.format(decimal(times * row.estimate, places))
    return text if np.isnan(row.conf_low + row.conf_high) else f"{text} {interval(row, places)}"


def unit_words(row: Metric) -> str:
    """Name the unit in a header or at an axis: ``%``, ``points``, ``EUR``."""
    if row.unit in ("score", "points"):
        return say(f"metrics.unit_{row.unit}")
    return "%" if row.unit == "probability" else row.unit

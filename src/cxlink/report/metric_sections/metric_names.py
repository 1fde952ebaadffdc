"""How metrics are written: their names, their numbers in their units, and rows with names."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlink.metrics.metric_table import COLUMNS
from cxlink.report.format import FIRM, NONE, THIN, decimal

NAMES = {
    "nps": "Net promoter score", "csat_top_two_box": "Satisfied (top two boxes)", "csat_mean": "Satisfaction, mean",
    "ces_mean": "Effort, mean", "ces_top_two_box": "Little effort (best two answers)",
    "response_share": "Customers who answered",
    "transaction_size": "Average transaction size", "cost_to_serve": "Cost to serve, per customer and year",
    "contract_value": "Average contract value, as signed",
    "contract_value_annualised": "Average contract value, annualised",
    "churn_rate": "Churn rate", "retention_rate": "Retention rate",
}  # fmt: skip
IN_SEGMENTS = {
    "nps": "NPS", "csat_top_two_box": "Satisfied", "ces_mean": "Effort", "churn_rate": "Churn",
    "transaction_size": "Transaction", "cost_to_serve": "Cost to serve",
    "response_share": "Answered",
}  # fmt: skip
"""The metrics that are set out by segment, under short names."""
READINGS = {
    "nps_class": "Promoter, passive or detractor", "top_two_box": "Top two boxes or not",
    "linear": "The answer as a number (a mean)", "full_score": "Every answer by itself",
}  # fmt: skip
CLOCKS = {"from_signup": "from signup", "from_survey": "from the survey on"}
_DIGITS = {"points": 1, "probability": 1, "score": 2, "ratio": 3, "p-value": 2}


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the metrics table; its attributes are the table's columns."""

    metric: str
    version: str
    segment: str
    period: str
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    level: float
    unit: str
    n: int | None
    definition: str
    source: str

    @property
    def name(self) -> str:
        """What readers call it, and which of its kinds it is."""
        name = NAMES.get(self.metric, self.metric.replace("_", " "))
        if self.version in CLOCKS:
            return f"{name}, {CLOCKS[self.version]}"
        return f"{name} (not standard)" if self.version == "non_standard" else name


def metric_list(table: pd.DataFrame, **where: Any) -> list[Metric]:
    """Give the rows whose columns have these values; a tuple means any of them."""
    if not len(table):
        return []
    keep = pd.Series(True, index=table.index)
    for name, value in where.items():
        keep &= table[name].isin(value) if isinstance(value, tuple) else table[name].eq(value)
    chosen = table.loc[keep, list(COLUMNS)]
    return [_metric(values) for values in chosen.itertuples(index=False, name=None)]


def _metric(values: tuple[Any, ...]) -> Metric:
    given = dict(zip(COLUMNS, values, strict=True))
    return Metric(**{**given, "n": None if pd.isna(given["n"]) else int(given["n"])})


def digits(rows: Iterable[Metric]) -> int:
    """Decimals for metrics of one unit that stand together."""
    known = [row for row in rows if not np.isnan(row.estimate)]
    if not known:
        return 1
    if known[0].unit.startswith("nats"):
        return 1
    sizes = [abs(row.estimate) for row in known]
    return _DIGITS.get(known[0].unit, 2 if max(sizes) < 100 else 0)


def bare(row: Metric | None, shown: int | None = None) -> str:
    """Write an estimate with its interval, without its unit: ``30.5 [27.7, 33.2]``; shares in per cent."""
    if row is None or np.isnan(row.estimate):
        return NONE
    places = digits([row]) if shown is None else shown
    times = 100.0 if row.unit == "probability" else 1.0
    text = decimal(times * row.estimate, places)
    if np.isnan(row.conf_low + row.conf_high):
        return text
    ends = [decimal(times * end, places) for end in (row.conf_low, row.conf_high)]
    return f"{text} [{ends[0]},{FIRM}{ends[1]}]"


def with_unit(row: Metric) -> str:
    """Write an estimate with its interval and its unit: ``EUR 80 [79, 81]``, ``40.5 % [39.6, 41.5]``."""
    text = bare(row)
    if text == NONE or row.unit in ("points", "score", "ratio", "p-value", "amount"):
        return text
    if row.unit == "probability":
        head, _, tail = text.partition(" [")
        return f"{head}{THIN}% [{tail}" if tail else f"{head}{THIN}%"
    return text if row.unit.startswith("nats") else f"{row.unit}{THIN}{text}"


def unit_words(row: Metric) -> str:
    """Name the unit in a header or at an axis: ``%``, ``points``, ``EUR``."""
    return {"probability": "%", "score": "answer"}.get(row.unit, row.unit)

"""The tidy table of metrics: one row an estimate. The file ``metrics.csv`` adds each metric's definition and source."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from cxlink.metrics.metric_intervals import MetricEstimate

COLUMNS = (
    "metric", "version", "variable", "category", "period", "estimate", "std_error", "conf_low", "conf_high", "level",
    "unit", "n",
)  # fmt: skip
KEY = ("metric", "version", "variable", "category", "period")
"""What identifies a row. Its segment is the customers of a category of a variable; both are empty for all customers."""
NUMBERS = ("estimate", "std_error", "conf_low", "conf_high")
Row = dict[str, Any]


def metric_row(metric: str, result: MetricEstimate, level: float, **columns: Any) -> Row:
    """Make one row; ``columns`` are any of the others of `COLUMNS`."""
    unknown = set(columns) - set(COLUMNS)
    if unknown:
        raise KeyError(f"not a column of the metrics: {', '.join(sorted(unknown))}")
    return {
        "metric": metric, "estimate": result.estimate, "std_error": result.std_error, "conf_low": result.conf_low,
        "conf_high": result.conf_high, "level": level, "n": result.n, **columns,
    }  # fmt: skip


def tidy_metrics(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Collect rows: all columns, typed; metrics in the order of first appearance, then by version,
    segment and period.

    Raises
    ------
    ValueError
        If two rows have the same key.
    """
    table = pd.DataFrame(list(rows)).reindex(columns=list(COLUMNS))
    for name in (*KEY, "unit"):
        table[name] = table[name].fillna("").astype(str)
    for name in (*NUMBERS, "level"):
        table[name] = table[name].astype(float)
    table["n"] = pd.to_numeric(table["n"]).astype("Int64")
    if table.duplicated(list(KEY)).any():
        first = table.loc[table.duplicated(list(KEY)), list(KEY)].iloc[0].to_dict()
        raise ValueError(f"two metrics share one key: {first}")
    place = {name: i for i, name in enumerate(dict.fromkeys(table["metric"]))}
    table = table.assign(place=table["metric"].map(place))
    order = ["place", *KEY[1:]]
    return table.sort_values(order, kind="stable", ignore_index=True)[list(COLUMNS)]

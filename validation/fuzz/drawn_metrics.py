"""Cases with columns that metrics are made of: orders, costs, contracts, dates and segments."""

import datetime
from collections.abc import Callable
from random import Random
from typing import Any

from validation.fuzz.drawn_scores import alike_in_spans

SHARE = 0.25
RESERVED = ("touchpoint", "member", "score")
"""Names that no column of a segment may have."""


def into_metrics(
    spec: dict[str, dict[str, Any]], columns: dict[str, list[Any]], add: Callable[[list[Any]], str], seed: int
) -> bool:
    """Give some cases columns of metrics, by a stream of numbers of their own.

    Parameters
    ----------
    spec : dict
        Of the case; gains keys of ``[metrics]``.
    columns : dict of str to list
        Its cells by column.
    add : callable
        Adds a column and gives its name.
    seed : int
        Of the case.

    Returns
    -------
    bool
        Whether it was done.
    """
    random = Random(f"metrics of {seed}")
    if random.random() > SHARE:
        return False
    n, section = len(next(iter(columns.values()))), spec.setdefault("metrics", {})

    def column(draw: Callable[[], Any], missing: float = 0.1) -> str:
        cells = [None if random.random() < missing else draw() for _ in range(n)]
        return add(alike_in_spans(cells, spec, columns))

    if "spend" in spec and random.random() < 0.5:
        section["orders"] = column(lambda: random.choice([0, 1, 2, 7, 40]))
    if random.random() < 0.4:
        section["support_cost"] = column(lambda: round(random.uniform(0, 90), 2))
        if random.random() < 0.3:
            section["window_months"] = random.choice([1, 12])
    if random.random() < 0.4:
        _add_contracts(spec, column, random)
    if random.random() < 0.4:
        start = datetime.date(2023, 12, 20)
        section["date"] = column(lambda: start + datetime.timedelta(random.randint(0, 800)))
    if random.random() < 0.6:
        section["period"] = random.choice(["month", "quarter", "year"])
    if random.random() < 0.5:
        name = column(lambda: random.choice(["a", " a", "b ", "B", "", "=1", "7"]))
        section["segments"] = [] if name in RESERVED else [name]
        section["segments"] += random.choice([[], spec.get("adjust", {}).get("columns", [])[:1]])
        section["segments"] = [one for one in section["segments"] if one not in RESERVED]
    return True


def _add_contracts(spec: dict[str, dict[str, Any]], column: Callable[..., str], random: Random) -> None:
    """Values that new customers signed, of a year or of a stated time."""
    section, signup = spec["metrics"], spec.get("subscription", {}).get("signup")
    months = random.choice([None, 24, "column"])
    if signup and random.random() < 0.5:
        section["contract_value"] = column(lambda: random.choice([0, 120, 99.5]), 0.3)
    else:  # all are new, since others may have signed nothing
        section["contract_value"] = column(lambda: random.choice([0, 120, 99.5]), 0.3)
        section["new_customer"] = column(lambda: random.choice([1, 1, 1.0]), 0)
    if months is not None:
        section["contract_months"] = (
            months if months == 24 else column(lambda: random.choice([1, 12, 6.5]), 0)
        )

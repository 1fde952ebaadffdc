"""The study again and again: bias and coverage of its figures over many simulated cohorts."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from cxlink.estimands.tidy import select
from cxlink.study.processes import processes
from cxlink.study.published import read
from cxlink.study.replications import added, replicated, summary, tally
from cxlink.study.truth import RELATIVE_TO_POOREST

DRAWS = 500
_BATCH = 10
_PROCESS = {"one_year_retention": "study_subscription", "relative_annual_revenue": "study_transaction"}
COLUMNS = (
    "figure", "group", "unit", "cohorts", "customers", "truth",
    "naive_bias", "naive_coverage", "adjusted_bias", "adjusted_coverage",
)  # fmt: skip


def repeated(
    cohorts: int, customers: Mapping[str, int], seed: int, progress: Callable[[str], None] = lambda _: None
) -> pd.DataFrame:
    """Draw the study's cohorts again and again, and tally what the analysis finds of its figures.

    Parameters
    ----------
    cohorts : int
        Of each design.
    customers : mapping of str to int
        Customers scored in a cohort, by figure: ``one_year_retention``, ``relative_annual_revenue``.
    seed : int
        Of the whole run.
    progress : callable
        Told how far the work is.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row a figure and group: mean error and share of intervals that hold the truth, of the naive
        comparison and of the adjusted one. 95 % intervals, 500 draws; the truth is that of each cohort's own mix.
    """
    rows = []
    for figure, name in _PROCESS.items():
        found = _tallied(name, customers[figure], cohorts, seed, progress)
        for printed in select(read("kriss_2014"), figure=figure).to_dict("records"):
            where = _where(figure, str(printed["group"]))
            if where is not None:
                rows.append(_row(figure, printed["unit"], where, found) | {"customers": customers[figure]})
    return pd.DataFrame(rows).assign(cohorts=cohorts)[list(COLUMNS)]


def _tallied(
    name: str, customers: int, cohorts: int, seed: int, progress: Callable[[str], None]
) -> pd.DataFrame:
    law = processes()[name]
    contrasts = RELATIVE_TO_POOREST if name == "study_transaction" else ()
    rng = np.random.default_rng([seed, list(processes()).index(name)])
    batches = []
    for first in range(0, cohorts, _BATCH):
        progress(f"{name.removeprefix('study_')} cohorts, {first} of {cohorts}")
        size = min(_BATCH, cohorts - first)
        made = (replicated(law, customers, DRAWS, rng, contrasts) for _ in range(size))
        batches.append(tally(row for rows in made for row in rows))
    return summary(added(batches), cohorts)


def _where(figure: str, group: str) -> dict[str, str] | None:
    """The estimate that a printed figure is compared with; None for the reference of the ratios."""
    if figure == "one_year_retention":
        return {"estimand": "retention", "group": "worst" if group == "1" else "best", "reference": ""}
    if group == "1-3":
        return None
    return {"estimand": "spend_ratio", "group": group, "reference": "1-3"}


def _row(figure: str, unit: str, where: dict[str, str], found: pd.DataFrame) -> dict[str, object]:
    same = found["scenario"].eq("")
    for column, value in where.items():
        same &= found[column].eq(value)
    row: dict[str, object] = {"figure": figure, "group": where["group"], "unit": unit}
    for name, adjusted in (("naive", "no"), ("adjusted", "standardised")):
        one = found[same & found["adjusted"].eq(adjusted)].iloc[0]
        row |= {"truth": one["truth"], f"{name}_bias": one["bias"], f"{name}_coverage": one["coverage"]}
    return row

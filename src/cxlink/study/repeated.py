"""Replications of the study: bias and coverage of its figures over simulated cohorts."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlink.estimands.tidy import select
from cxlink.stages import Progress, announce, silent
from cxlink.study.processes import processes
from cxlink.study.published import read
from cxlink.study.replications import added, replicated, summary, tally
from cxlink.study.tenure_replications import COHORTS as TENURE_COHORTS
from cxlink.study.tenure_replications import repeated_tenure
from cxlink.study.truth import RELATIVE_TO_POOREST

DRAWS = 500
_BATCH = 10
_PROCESS = {"one_year_retention": "study_subscription", "relative_annual_revenue": "study_transaction"}
COLUMNS = (
    "figure", "group", "horizon", "unit", "cohorts", "customers", "truth",
    "naive_bias", "naive_coverage", "adjusted_bias", "adjusted_coverage",
)  # fmt: skip


def repeated(
    cohorts: int, customers: Mapping[str, int], seed: int, progress: Progress = silent
) -> pd.DataFrame:
    """Simulate the study's cohorts repeatedly, and summarise the estimates of its figures.

    Parameters
    ----------
    cohorts : int
        Number of cohorts of each design.
    customers : mapping of str to int
        Customers scored in a cohort, by figure: ``one_year_retention``, ``relative_annual_revenue``.
    seed : int
        Seed of all cohorts.
    progress : callable
        Told how many cohorts are made.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row a figure, group and (of tenure, from at most `TENURE_COHORTS`) horizon: bias and coverage of
        the naive and the adjusted comparison. 95 % intervals, 500 draws; the truth is standardised to the mix of each
        cohort.
    """
    rows: list[dict[str, object]] = []
    for figure, name in _PROCESS.items():
        summaries = _tallied(name, customers[figure], cohorts, seed, progress)
        for printed in select(read("kriss_2014"), figure=figure).to_dict("records"):
            where = _where(figure, str(printed["group"]))
            if where is not None:
                sizes = {"customers": customers[figure], "cohorts": cohorts}
                rows.append(_row(figure, printed["unit"], where, summaries) | sizes)
    n = customers["one_year_retention"]
    rows += repeated_tenure(min(cohorts, TENURE_COHORTS), n, DRAWS, seed, progress)
    return pd.DataFrame(rows)[list(COLUMNS)].astype({"horizon": "Int64"})


def _tallied(name: str, customers: int, cohorts: int, seed: int, progress: Progress) -> pd.DataFrame:
    process = processes()[name]
    contrasts = RELATIVE_TO_POOREST if name == "study_transaction" else ()
    rng = np.random.default_rng([seed, list(processes()).index(name)])
    batches = []
    for first in range(0, cohorts, _BATCH):
        announce(progress, f"replications_{name}", done=first, cohorts=cohorts)
        size = min(_BATCH, cohorts - first)
        cohort_rows = (replicated(process, customers, DRAWS, rng, contrasts) for _ in range(size))
        batches.append(tally(row for rows in cohort_rows for row in rows))
    return summary(added(batches), cohorts)


def _where(figure: str, group: str) -> dict[str, str] | None:
    """The estimate that a printed figure is compared with; None for the reference of the ratios."""
    if figure == "one_year_retention":
        return {"estimand": "retention", "group": "worst" if group == "1" else "best", "reference": ""}
    if group == "1-3":
        return None
    return {"estimand": "spend_ratio", "group": group, "reference": "1-3"}


def _row(figure: str, unit: str, where: dict[str, str], summaries: pd.DataFrame) -> dict[str, object]:
    match = summaries["scenario"].eq("")
    for column, value in where.items():
        match &= summaries[column].eq(value)
    row: dict[str, object] = {"figure": figure, "group": where["group"], "unit": unit}
    for name, adjusted in (("naive", "no"), ("adjusted", "standardised")):
        summary_row = summaries[match & summaries["adjusted"].eq(adjusted)].iloc[0]
        row |= {
            "truth": summary_row["truth"],
            f"{name}_bias": summary_row["bias"],
            f"{name}_coverage": summary_row["coverage"],
        }
    return row

"""Do the intervals of metrics and of a score's reliability hold their truth? Eight laws, three sizes."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from cxlink.study.replications import added, summary, tally
from validation.answer_laws import answer_laws
from validation.judge import Verdict, monte_carlo_error
from validation.page import Page, made_by, rules, shown
from validation.process import Cell, CellTables, Proof, labelled

SEED = 20261129
SIZES = (1_500, 20_000, 1_000_000)
COHORTS, BLOCK = 1_000, 250
SMALL, USUAL, ERRORS = (0.90, 0.99), (0.92, 0.98), (0.90, 1.15)
"""Coverage that is wanted at 1,500 customers and at more; and, there, of mean standard error over the deviation."""


def cells() -> list[Cell]:
    """Every law at each size."""
    return [
        Cell(
            {"process": name, "customers": n}, (SEED, at, n), COHORTS, BLOCK, partial(tallied, name, n), added
        )
        for at, name in enumerate(answer_laws())
        for n in SIZES
    ]


def tallied(name: str, customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts of a law, and tally its metrics."""
    law = answer_laws()[name]
    return tally(row for _ in range(cohorts) for row in law.replicated(customers, rng))


def coverage(tables: CellTables) -> pd.DataFrame:
    """Coverage of every metric: ``process, customers``, then as `replications.summary` gives it, and ``errors``.

    ``errors`` is the mean standard error over the deviation of the estimates.
    """
    table = labelled([(cell, summary(sums, cell.cohorts)) for cell, sums in tables])
    return table.assign(errors=table["std_error"] / table["deviation"])


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge each metric at each size, over the laws, by rules that were written before the run."""
    for (metric, customers), rows in table.groupby(["estimand", "customers"], sort=False):
        low, high = SMALL if customers == SIZES[0] else USUAL
        small = customers == SIZES[0]
        fails = rows[~rows["coverage"].between(low, high) | (~rows["errors"].between(*ERRORS) & (not small))]
        rule = f"{metric}, {customers:,} customers: {low:.0%} to {high:.0%}"
        rule += "" if small else f", standard error over deviation {ERRORS[0]} to {ERRORS[1]}"
        text = (
            f"{rows['coverage'].min():.1%} to {rows['coverage'].max():.1%}; {rows['errors'].min():.2f} to "
            f"{rows['errors'].max():.2f}"
        )
        if len(fails):
            text += f" (fails: {', '.join(fails['process'])})"
        yield Verdict(rule, text, fails.empty)


def page(tables: CellTables) -> Page:
    """Judge the coverage."""
    table = coverage(tables)
    return Page("metrics", list(_lines(table)), {"metrics": table})


def _lines(table: pd.DataFrame) -> Iterator[str]:
    made = int(table["made"].max())
    yield "# How often intervals of metrics hold the truth\n"
    yield (
        f"{made_by()}: {made:,} cohorts a cell, drawn as counts from laws of answers; 95 % intervals. "
        f"The Monte Carlo error of a coverage of 95 % is {monte_carlo_error(0.95, made):.1%}."
    )
    yield "\n## The laws\n"
    for law in answer_laws().values():
        yield f"- `{law.name}`: {law.about}."
    yield from rules(verdicts(table))
    yield "\n## Every cell\n"
    columns = {
        "metric": "{estimand}", "law": "{process}", "customers": "{customers:,}", "truth": "{truth:.4g}",
        "coverage": "{coverage:.1%}", "mean error": "{bias:+.2g}", "standard error over deviation": "{errors:.2f}",
    }  # fmt: skip
    yield from shown(table.sort_values(["estimand", "process", "customers"]), columns)


METRICS = Proof(
    "metrics",
    "intervals of NPS, shares, mean answers, ratios of sums and reliability hold the truth",
    cells,
    page,
)

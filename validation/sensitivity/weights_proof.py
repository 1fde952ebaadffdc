"""Does retention weighted for censoring hold the truth where another score tells of it, and Kaplan–Meier not?"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from cxlink.cohort.count.spells import spells_of
from cxlink.sensitivity.censoring_weights.weight_rows import WEIGHTED, weighted_rows
from cxlink.study.replications import added, headline_rows, tally
from validation.judge import Verdict
from validation.process import Cell
from validation.sensitivity.weights_law import LAWS, drawn_counts, truths

SEED, DRAWS = 20261130, 500
SIZES = (1_500, 20_000, 1_000_000)
COHORTS, BLOCK = 1_000, 100
SMALL, USUAL, ERRORS = (0.90, 0.99), (0.92, 0.98), (0.90, 1.15)
"""Coverage that is wanted at 1,500 customers and at more; and, there, of mean standard error over the deviation."""
MISSED, LEFT = 0.5, 0.25
"""Coverage of plain Kaplan–Meier at a million at most, and share of its error that weights of another form leave."""
JUDGED = "csat_tells"
Row = dict[str, object]


def replicated(name: str, customers: int, rng: np.random.Generator) -> Iterator[Row]:
    """Rows of one cohort with their truths: weighted, and the headline's beside them."""
    counts = drawn_counts(LAWS[name], customers, DRAWS, rng)
    known = truths(counts)
    weighted, _ = weighted_rows(spells_of(counts), counts, rng)
    plain = [row for row in headline_rows(counts, rng) if row["adjusted"] == "standardised"]
    for row in (*weighted, *plain):
        key = row["estimand"], row["group"]
        if key in known and row.get("reference", "") in ("", "worst"):
            yield {**row, "truth": known[key]}


def tallied(name: str, customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts, and tally their rows."""
    return tally(row for _ in range(cohorts) for row in replicated(name, customers, rng))


def weight_cells() -> list[Cell]:
    """Every law at each size."""
    return [
        Cell(
            {"process": name, "customers": n}, (SEED, at, n), COHORTS, BLOCK, partial(tallied, name, n), added
        )
        for at, name in enumerate(LAWS)
        for n in SIZES
    ]


def weight_verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge by rules that were written before the run."""
    own = table[table["process"] == JUDGED]
    for (estimand, customers), rows in own[own["scenario"] == WEIGHTED].groupby(
        ["estimand", "customers"], sort=False
    ):
        small = customers == SIZES[0]
        low, high = SMALL if small else USUAL
        fits = rows["coverage"].between(low, high) & (rows["errors"].between(*ERRORS) | small)
        rule = f"weighted {estimand}, {customers:,} customers: {low:.0%} to {high:.0%}"
        rule += "" if small else f", standard error over deviation {ERRORS[0]} to {ERRORS[1]}"
        text = f"{rows['coverage'].min():.1%} to {rows['coverage'].max():.1%}"
        text += "" if small else f"; {rows['errors'].min():.2f} to {rows['errors'].max():.2f}"
        yield Verdict(rule, text, bool(fits.all()))
    plain = own[(own["scenario"] == "") & (own["customers"] == SIZES[-1])]
    if len(plain):
        most = float(plain["coverage"].max())
        rule = f"Kaplan–Meier without weights, {SIZES[-1]:,} customers: at most {MISSED:.0%}"
        yield Verdict(rule, f"{plain['coverage'].min():.1%} to {most:.1%}", most <= MISSED)
    yield from _left(table)


def _left(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge what is left of the error of plain Kaplan–Meier where the weights' model does not hold."""
    other = table[(table["process"] != JUDGED) & (table["customers"] == SIZES[-1])]
    errors = other.pivot_table(index=["estimand", "group"], columns="scenario", values="bias")
    if len(errors):
        left = float((errors[WEIGHTED] / errors[""]).abs().max())
        rule = f"effects on censoring that differ, {SIZES[-1]:,} customers: at most {LEFT:.0%} of the error is left"
        yield Verdict(rule, f"{left:.0%}", left <= LEFT)

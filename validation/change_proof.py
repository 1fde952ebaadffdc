"""Do the parts that `cxlink compare` splits a change into hold their truth? Four kinds of change between cohorts."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd

from validation.cohort_pairs import HORIZON, KINDS, replicated
from validation.judge import Rule, Verdict, judged, monte_carlo_error
from validation.page import Page, made_by, rules, shown
from validation.process import Cell, CellTables, Proof, labelled, stacked

SEED = 2026
PAIRS, BLOCK = 300, 20
CUSTOMERS, DRAWS = 4_000, 400
"""Of each cohort, and of each comparison."""
LEVEL = 0.95
_ERROR = monte_carlo_error(LEVEL, PAIRS)
RULES = (
    Rule("each part, in the whole cohort: within three Monte Carlo errors of 95 %", LEVEL - 3 * _ERROR,
         LEVEL + 3 * _ERROR, "group == 'all'"),
    # some seventy quantities more, of which the farthest is farther than three
    Rule("each part, in every group: at most four Monte Carlo errors below 95 %", LEVEL - 4 * _ERROR, 1.0,
         "made > 0"),
)  # fmt: skip
_KEYS = ["estimand", "group", "part"]
_SUMS = ["truth", "made", "held", "bias", "square", "std_error"]


def cells() -> list[Cell]:
    """Every kind of change."""
    return [
        Cell({"kind": kind}, (SEED, at), PAIRS, BLOCK, partial(tallied, kind), added)
        for at, kind in enumerate(KINDS)
    ]


def tallied(kind: str, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw pairs of cohorts, and sum what the intervals of each part hold."""
    rows = []
    for _ in range(cohorts):
        rows += replicated(kind, CUSTOMERS, DRAWS, int(rng.integers(2**31)), rng)
    table = pd.DataFrame(rows)
    error = table["estimate"] - table["truth"]
    held = (table["conf_low"] <= table["truth"]) & (table["truth"] <= table["conf_high"])
    return added([table.assign(made=1, held=held.astype(int), bias=error, square=error**2)])


def added(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Add sums up."""
    return stacked(tables).groupby(_KEYS, sort=False, as_index=False)[_SUMS].sum()


def coverage(tables: CellTables) -> pd.DataFrame:
    """Coverage of every part: ``kind, estimand, group, part, truth, made, coverage, bias, deviation, std_error``."""
    table = labelled(tables).astype({"group": str})
    made = table["made"]
    for name in ("truth", "bias", "std_error"):
        table[name] = table[name] / made
    variance = (table["square"] - made * table["bias"] ** 2) / (made - 1).clip(lower=1)
    table = table.assign(coverage=table["held"] / made, deviation=np.sqrt(variance.clip(lower=0)))
    return table[["kind", *_KEYS, "truth", "made", "coverage", "bias", "deviation", "std_error"]]


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge every rule for every kind of change."""
    for kind, rows in table.groupby("kind", sort=False):
        for one in judged(rows, RULES).to_dict("records"):
            found = f"{one['lowest']:.1%} to {one['highest']:.1%}"
            yield Verdict(f"{kind}: {one['rule']}", found, one["held"])


def page(tables: CellTables) -> Page:
    """Judge the coverage."""
    table = coverage(tables)
    return Page("changes", list(_lines(table)), {"changes": table})


def _lines(table: pd.DataFrame) -> Iterator[str]:
    yield "# How often the parts of a change hold their truth\n"
    yield (
        f"{made_by()}: {int(table['made'].max())} pairs of simulated cohorts for each kind of change, {CUSTOMERS:,} "
        f"customers in each; 95 % intervals from {DRAWS} draws. What differs between the two is the mix of customers, "
        "the baseline of losses and spend, the effect of scores, or all three; no additive model holds. Retention is "
        f"after {HORIZON} months. The Monte Carlo error is that of the coverage."
    )
    yield from rules(verdicts(table))
    yield "\n## The whole cohort\n"
    columns = {
        "change": "{kind}", "quantity": "{estimand}", "part": "{part}", "truth": "{truth:+.4g}",
        "mean error": "{bias:+.2g}", "coverage": "{coverage:.1%}", "Monte Carlo error": "{error:.1%}",
    }  # fmt: skip
    whole = table[table["group"] == "all"]
    errors = map(monte_carlo_error, whole["coverage"], whole["made"])
    yield from shown(whole.assign(error=list(errors)), columns)


CHANGES = Proof("changes", "parts of a change between two cohorts hold their truth", cells, page)

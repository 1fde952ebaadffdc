"""Is the probability that a programme breaks even what it says? Truths drawn at random, five bins of it.

A probability has no coverage: of the programmes that are given 20 to 40 %, so many must break even. What is drawn is
how strongly the score acts, uniform over `STRENGTH` times a planted law's, and what a customer costs, uniform around
`MIDDLE`, so that what is unknown is spread evenly over several standard errors; a prior that says much would shift
what is right for its own draws.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from cxlink.cohort.count.spells import spells_of
from cxlink.value.customer_value import generator
from cxlink.value.intervention import intervention_value
from cxlink.value.shifts import plan_intervention
from validation.judge import Verdict
from validation.page import Page, made_by, rules, short_run, shown
from validation.printed.entry import SMALL, seeded
from validation.printed.exact_truths import mix_of
from validation.printed.planted_law import WORST, PlantedLaw, counts_of, drawn, planted_laws, spec_of
from validation.printed.value_entries import CAUSAL_SHARE, gained
from validation.process import Cell, CellTables, Proof, labelled, stacked

SEED, COHORTS, BLOCK = 20261129, 400, 20
LAW = "heavy_users_stay"
STRENGTH = (0.5, 1.5)
MIDDLE = 27.0
WIDTH = {SMALL: 15.0, 20_000: 8.0}
"""Half the range of the cost of a customer, in EUR, by customers scored."""
BINS = 5
ALLOWED = 0.03
"""Beside two binomial errors."""


def cells() -> list[Cell]:
    """Both sizes."""
    return [
        Cell({"process": LAW, "customers": n}, (SEED, n), COHORTS, BLOCK, partial(tallied, n), added)
        for n in WIDTH
    ]


def strengthened(law: PlantedLaw, factor: float) -> PlantedLaw:
    """Let the score act so many times as strongly on the log hazards; their mean over the levels stays."""
    log = np.log(law.hazard)
    middle = log.mean(axis=0)
    return replace(law, hazard=np.exp(middle + factor * (log - middle)))


def tallied(customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw truths and cohorts, and sum by bin how many break even, and with which probability they were to."""
    found = np.array([_one(customers, rng) for _ in range(cohorts)])
    bins = np.minimum((found[:, 0] * BINS).astype(int), BINS - 1)
    table = pd.DataFrame({"bin": bins, "n": 1, "stated": found[:, 0], "even": found[:, 1]})
    return added([table])


def _one(customers: int, rng: np.random.Generator) -> tuple[float, float]:
    """The probability that is printed, and whether the programme breaks even."""
    law = strengthened(planted_laws()[LAW], rng.uniform(*STRENGTH))
    each = MIDDLE + rng.uniform(-1, 1) * WIDTH[customers]
    counts = counts_of(law, customers, spec_of(law, seeded(rng)), drawn(rng))
    spells, mix = spells_of(counts), mix_of(counts)
    size = float(mix[list(np.array(WORST) - 1)].sum())
    asked = plan_intervention(
        spells, counts.spec, move="worst:best", cost=each * size, causal_share=CAUSAL_SHARE
    )
    rows = intervention_value(spells, counts, asked, generator(counts.spec, intervention=True)).estimates
    printed = rows["estimand"].eq("break_even_probability") & rows["scenario"].eq(
        f"causal_share={CAUSAL_SHARE:g}"
    )
    return float(rows.loc[printed, "estimate"].iloc[0]), float(CAUSAL_SHARE * gained(law, mix)[-1] >= each)


def added(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Add sums up."""
    return stacked(tables).groupby("bin", as_index=False)[["n", "stated", "even"]].sum()


def calibration(tables: CellTables) -> pd.DataFrame:
    """Give each bin of each size: ``customers, bin, n, stated, even, allowed``, means of both and how far apart."""
    table = labelled(tables)
    stated, even = table["stated"] / table["n"], table["even"] / table["n"]
    error = np.sqrt(stated * (1 - stated) / table["n"])
    return table.assign(stated=stated, even=even, allowed=2 * error + ALLOWED)


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge each bin."""
    for row in table.to_dict("records"):
        low, high = row["bin"] / BINS, (row["bin"] + 1) / BINS
        rule = (
            f"{row['customers']:,} customers, stated {low:.0%} to {high:.0%}: within two binomial errors and "
            f"{ALLOWED:.0%} of what is stated"
        )
        text = f"stated {row['stated']:.1%}, broke even {row['even']:.1%} of {row['n']}"
        yield Verdict(rule, text, abs(row["stated"] - row["even"]) <= row["allowed"])


def page(tables: CellTables) -> Page:
    """Judge the bins."""
    table = calibration(tables)
    return Page(
        "break_even", list(_lines(table, min(cell.cohorts for cell, _ in tables))), {"break_even": table}
    )


def _lines(table: pd.DataFrame, made: int) -> Iterator[str]:
    yield "# Whether programmes break even as often as is printed\n"
    yield (
        f"{made_by()}. Customers of the worst score are moved to the best ones' at a causal share of {CAUSAL_SHARE:g}; "
        f"the law is `{LAW}`, the score acting {STRENGTH[0]:g} to {STRENGTH[1]:g} times as strongly, uniformly drawn, "
        f"and a customer costs {MIDDLE:g} EUR more or less, uniformly drawn within "
        + " and ".join(f"{width:g} EUR ({n:,} customers)" for n, width in WIDTH.items())
        + f". Whether it breaks even is known by sums.{short_run(made, COHORTS)}"
    )
    yield from rules(verdicts(table))
    yield "\n## Bins\n"
    columns = {
        "customers": "{customers:,}", "cohorts": "{n}", "stated": "{stated:.1%}", "broke even": "{even:.1%}",
        "allowed apart": "{allowed:.1%}",
    }  # fmt: skip
    yield from shown(table, columns)


BREAK_EVEN = Proof(
    "break_even", "the probability that a programme breaks even is as often true as it says", cells, page
)

"""Are the Bayesian models' posteriors right, nearer to the truth where levels are sparse, and better for pooling?

Ranks of truths drawn from the priors (`prior_truths`, `ranks`), levels of few customers (`posterior_sparse`), and a
cohort of three months pooled with older ones (`young_cohort`).
"""

from functools import partial

import numpy as np
import pandas as pd

from validation import posterior_sparse, young_cohort
from validation.page import Page
from validation.posterior_page import Simulations, posterior_page
from validation.prior_truths import KINDS, simulated
from validation.process import Cell, CellTables, Proof, labelled, stacked

SEED = 20140801
SIMULATIONS, SPARSE_COHORTS, POOLED_COHORTS = 300, 100, 200
"""Of each kind whose ranks are looked at, of each truth with sparse levels, and of pooled cohorts."""
POOLING = "pooling"


def cells() -> list[Cell]:
    """Every kind of model, every truth with sparse levels of each size, and the pooled cohorts."""
    first = len(KINDS)
    ranked = [
        Cell({"kind": name}, (SEED, at, 0), SIMULATIONS, 20, partial(ranks, name))
        for at, name in enumerate(KINDS)
    ]
    sparse = [
        Cell(
            {"truth": name, "customers": customers}, (SEED, first + at, customers), SPARSE_COHORTS, 10,
            partial(few, name, customers),
        )
        for at, name in enumerate(posterior_sparse.TRUTHS) for customers in posterior_sparse.CUSTOMERS
    ]  # fmt: skip
    last = first + len(posterior_sparse.TRUTHS)
    return [*ranked, *sparse, Cell({"cohorts": POOLING}, (SEED, last, 0), POOLED_COHORTS, 10, pooled)]


def ranks(kind: str, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Simulate a kind of `KINDS`: ``quantity, rank``."""
    made = simulated(KINDS[kind], cohorts, rng)
    return pd.DataFrame({"quantity": name, "rank": rank} for one in made for name, rank in one.items())


def few(truth: str, customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts with sparse levels: what `posterior_sparse.averaged` gives of each."""
    return pd.DataFrame(
        row
        for _ in range(cohorts)
        for row in posterior_sparse.averaged(posterior_sparse.replicated(truth, customers, rng))
    )


def pooled(cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw young cohorts and older ones: what `young_cohort.replicated` gives of each."""
    return pd.DataFrame(young_cohort.replicated(rng) for _ in range(cohorts))


def simulations(tables: CellTables) -> Simulations:
    """Put what the cells found together by what they are about."""
    ranked, sparse = (
        labelled([(cell, table) for cell, table in tables if label in cell.labels])
        for label in ("kind", "truth")
    )
    return Simulations(ranked, sparse, stacked([table for cell, table in tables if cell.process == POOLING]))


def page(tables: CellTables) -> Page:
    """Judge the simulations."""
    return posterior_page(simulations(tables))


POSTERIORS = Proof(
    "posteriors", "posteriors are calibrated, nearer to the truth where levels are sparse, and gain by pooling", cells,
    page,
)  # fmt: skip

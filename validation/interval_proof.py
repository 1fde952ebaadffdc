"""Do 95 % intervals hold the truth? Eight processes, two sizes, two seeds, and levels of few customers."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd

from cxlink.study.processes import processes
from cxlink.study.repeated import DRAWS
from cxlink.study.replications import added, replicated, summary, tally
from validation import sparse_levels
from validation.interval_page import interval_page
from validation.page import Page
from validation.process import Cell, CellTables, Proof, labelled

SEEDS = (20140801, 20261121)
SIZES = {20_000: 2_000, 1_000_000: 500}
"""Customers scored, and cohorts of that size."""
SPARSE, SPARSE_COHORTS = "sparse_levels", 2_000
BLOCK = 20


def cells() -> list[Cell]:
    """Every process at each size with each seed, and the sparse levels."""
    places = [
        (name, at, size, cohorts, seed)
        for seed in SEEDS
        for size, cohorts in SIZES.items()
        for at, name in enumerate(processes())
    ]
    sparse = [
        (SPARSE, len(processes()), customers, SPARSE_COHORTS, SEEDS[0])
        for customers in sparse_levels.CUSTOMERS
    ]
    return [_cell(*place) for place in (*places, *sparse)]


def _cell(process: str, at: int, customers: int, cohorts: int, seed: int) -> Cell:
    return Cell(
        {"process": process, "customers": customers, "seed": seed}, (seed, at, customers), cohorts, BLOCK,
        partial(tallied, process, customers), added,
    )  # fmt: skip


def tallied(process: str, customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts of a process, or of `SPARSE` with so many customers in each level, and tally them."""
    if process == SPARSE:
        made = (sparse_levels.replicated(customers, DRAWS, rng) for _ in range(cohorts))
    else:
        made = (replicated(processes()[process], customers, DRAWS, rng) for _ in range(cohorts))
    return tally(row for rows in made for row in rows)


def coverage(tables: CellTables) -> pd.DataFrame:
    """Coverage of every quantity: ``process, customers, seed, cohorts``, then as `replications.summary` gives it."""
    each: Sequence[tuple[Cell, pd.DataFrame]] = [(cell, summary(sums, cell.cohorts)) for cell, sums in tables]
    table = labelled(each)
    table.insert(3, "cohorts", [cell.cohorts for cell, sums in tables for _ in range(len(sums))])
    return table


def page(tables: CellTables) -> Page:
    """Judge the coverage."""
    table = coverage(tables)
    sparse = table["process"] == SPARSE
    return interval_page(table[~sparse], table[sparse])


INTERVALS = Proof(
    "intervals",
    "95 % intervals of retention, tenure and spend, standardised and not, hold the truth",
    cells,
    page,
)

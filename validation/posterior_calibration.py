"""The proof of the Bayesian models (``make coverage``, ``python -m validation.posterior_calibration``).

Are posteriors what they say they are (`bayes_truths`, `bayes_ranks`), are they nearer to the truth where levels are
sparse (`bayes_sparse`), and does a young cohort gain from older ones (`bayes_pooling`)?
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cxlink.cohort.errors import InputError
from validation import posterior_sparse as bayes_sparse
from validation import young_cohort as bayes_pooling
from validation.interval_coverage import FOLDER, SEEDS, remade
from validation.prior_truths import KINDS, simulated

RANKED, SPARSE, POOLED = 15, 10, 20
"""Blocks of each kind whose ranks are looked at, of each truth with sparse levels, and of pooled cohorts."""
SIMULATIONS, SPARSE_COHORTS, POOLED_COHORTS = 20, 10, 10
"""In each block."""
POOLING = "pooling"


@dataclass(frozen=True, slots=True)
class BayesBlock:
    """Simulations that are made together.

    Attributes
    ----------
    name : str
        A kind of `bayes_truths.KINDS`, a truth of `bayes_sparse.TRUTHS`, or `POOLING`.
    customers : int
        In each sparse level; 0 elsewhere.
    number, size : int
        Position among the blocks of its sort, and how many simulations are in it.
    """

    name: str
    customers: int
    number: int
    size: int

    @property
    def file(self) -> str:
        """Name of what it found."""
        customers = f"-{self.customers}" if self.customers else ""
        return f"bayes-{self.name}{customers}-{self.number:03d}.csv"

    def tallies(self) -> pd.DataFrame:
        """Simulate: ranks, or what each cohort gave."""
        names = [*KINDS, *bayes_sparse.TRUTHS, POOLING]
        rng = np.random.default_rng([SEEDS[0], names.index(self.name), self.customers, self.number])
        if self.name == POOLING:
            return pd.DataFrame([bayes_pooling.replicated(rng) for _ in range(self.size)])
        if self.name in KINDS:
            made = simulated(KINDS[self.name], self.size, rng)
            rows = [{"quantity": name, "rank": rank} for ranks in made for name, rank in ranks.items()]
            return pd.DataFrame(rows).assign(kind=self.name)
        found = [
            row
            for _ in range(self.size)
            for row in bayes_sparse.tallied(bayes_sparse.replicated(self.name, self.customers, rng))
        ]
        return pd.DataFrame(found).assign(truth=self.name, customers=self.customers)


def every_block() -> Iterator[BayesBlock]:
    """Every block there is, so that a part of them is a part of each sort."""
    for number in range(max(RANKED, SPARSE, POOLED)):
        for name in KINDS if number < RANKED else ():
            yield BayesBlock(name, 0, number, SIMULATIONS)
        for name in bayes_sparse.TRUTHS if number < SPARSE else ():
            for customers in bayes_sparse.CUSTOMERS:
                yield BayesBlock(name, customers, number, SPARSE_COHORTS)
        yield BayesBlock(POOLING, 0, number, POOLED_COHORTS)


def probe() -> pd.DataFrame:
    """One simulation of each sort: what tells whether other code made the files."""
    first = {block.name: block for block in every_block() if not block.number}
    made = [BayesBlock(name, block.customers, 0, 1).tallies() for name, block in first.items()]
    return pd.concat(made, ignore_index=True)


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """What all simulations found.

    Attributes
    ----------
    ranks : DataFrame
        ``kind, quantity, rank``, a row for each simulation and quantity.
    sparse : DataFrame
        ``truth, customers, model, error, square, width, held``, a row for each cohort and model.
    pooling : DataFrame
        ``score_pooled, score_alone`` and so on, a row for each cohort.
    """

    ranks: pd.DataFrame
    sparse: pd.DataFrame
    pooling: pd.DataFrame


def collected(folder: Path, made: Sequence[BayesBlock]) -> Results:
    """Read the blocks' files."""

    def read(names: Sequence[str]) -> pd.DataFrame:
        files = [folder / block.file for block in made if block.name in names]
        return pd.concat([pd.read_csv(file) for file in files], ignore_index=True)

    return Results(read(list(KINDS)), read(list(bayes_sparse.TRUTHS)), read([POOLING]))


def main() -> None:
    """Make what is missing, then the tables, the picture and the page."""
    from validation.posterior_page import write_bayes_page

    parser = argparse.ArgumentParser(
        prog="python -m validation.posterior_calibration", description=main.__doc__
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="where the tables go")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes at work")
    asked = parser.parse_args()
    wanted = list(every_block())

    def tell(done: int, of: int) -> None:
        if done % 10 == 0 or done == of:
            print(f"Bayesian models: {done} of {of} blocks", flush=True)

    try:
        remade(asked.out / "blocks", wanted, asked.workers, tell, ("bayes-probe", probe))
    except InputError as error:
        raise SystemExit(f"cxlink: {error}") from None
    write_bayes_page(collected(asked.out / "blocks", wanted), asked.out)


if __name__ == "__main__":
    main()

"""The proof of extrapolated tenure (``make coverage``, ``python -m validation.tenure_coverage``).

Cohorts with a known tenure, followed for one or two years; the averages' restricted means at twice the follow-up, and
from one year to ten.
"""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cxlink.cohort.errors import InputError
from validation.interval_coverage import FOLDER, SEEDS, remade
from validation.tenure_laws import YEAR, tenure_laws
from validation.tenure_replications import replicated, tallied

CUSTOMERS = (2_000, 50_000)
FOLLOW_UP = (YEAR, 2 * YEAR)
COHORTS, BLOCK = 200, 20
_KEYS = ["process", "customers", "follow_up", "horizon", "model"]


@dataclass(frozen=True, slots=True)
class TenureBlock:
    """Cohorts that are drawn and tallied together.

    Attributes
    ----------
    process : str
        Name of the law.
    customers, follow_up : int
        Scored, and months that they are followed.
    number, cohorts : int
        Position among the blocks of its cell, and how many cohorts are in it.
    """

    process: str
    customers: int
    follow_up: int
    number: int
    cohorts: int = BLOCK

    @property
    def file(self) -> str:
        """Name of its tallies."""
        return f"tenure-{self.process}-{self.customers}-{self.follow_up}-{self.number:03d}.csv"

    def tallies(self) -> pd.DataFrame:
        """Draw the cohorts, analyse and tally them."""
        laws = tenure_laws()
        law, at = laws[self.process], list(laws).index(self.process)
        rng = np.random.default_rng([SEEDS[0], at, self.customers, self.follow_up, self.number])
        rows = [
            row for _ in range(self.cohorts) for row in replicated(law, self.customers, self.follow_up, rng)
        ]
        cell = {"process": self.process, "customers": self.customers, "follow_up": self.follow_up}
        return pd.DataFrame([{**cell, **row} for row in tallied(rows)])


def every_block() -> Iterator[TenureBlock]:
    """Every block there is."""
    for number in range(COHORTS // BLOCK):
        for process in tenure_laws():
            for customers in CUSTOMERS:
                for follow_up in FOLLOW_UP:
                    yield TenureBlock(process, customers, follow_up, number)


def probe() -> pd.DataFrame:
    """One cohort of each truth: what tells whether other code made the files."""
    return pd.concat([TenureBlock(name, CUSTOMERS[0], YEAR, 0, 1).tallies() for name in tenure_laws()])


def collected(folder: Path, made: list[TenureBlock]) -> pd.DataFrame:
    """Coverage, mean width and mean error of every cell.

    Returns
    -------
    DataFrame
        ``process, customers, follow_up, horizon, model, n, coverage, width, error``; n counts levels and cohorts;
        width and error are relative to the truth. Rows without a model: ``coverage`` is the share of cohorts in which
        a spike was flagged.
    """
    sums = pd.concat([pd.read_csv(folder / block.file, keep_default_na=False) for block in made])
    total = sums.groupby(_KEYS, as_index=False)[["n", "held", "width", "error"]].sum()
    for name in ("held", "width", "error"):
        total[name] = total[name] / total["n"]
    return total.rename(columns={"held": "coverage"})


def main() -> None:
    """Make what is missing, then the table and the page."""
    from validation.tenure_page import write_tenure_page

    parser = argparse.ArgumentParser(prog="python -m validation.tenure_coverage", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="where the tables go")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes at work")
    asked = parser.parse_args()
    wanted = list(every_block())

    def tell(done: int, of: int) -> None:
        if done % 20 == 0 or done == of:
            print(f"coverage of tenure: {done} of {of} blocks", flush=True)

    try:
        remade(asked.out / "blocks", wanted, asked.workers, tell, ("tenure-probe", probe))
    except InputError as error:
        raise SystemExit(f"cxlink: {error}") from None
    write_tenure_page(collected(asked.out / "blocks", wanted), asked.out)


if __name__ == "__main__":
    main()

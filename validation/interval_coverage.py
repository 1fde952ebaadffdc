"""The proof that the intervals are right: ``make coverage`` (``python -m validation.interval_coverage``).

Work is cut into blocks of cohorts, each with a seed of its own and a small file of tallies, so that an interrupted
run goes on where it stopped. Before it goes on, a probe is made again: if it differs, the code has changed since.
"""

import argparse
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from cxlink.cohort.errors import InputError
from cxlink.study.processes import processes
from cxlink.study.repeated import DRAWS
from cxlink.study.replications import added, replicated, summary, tally
from validation import sparse_levels

SEEDS = (20140801, 20261121)
SIZES = {20_000: 2_000, 1_000_000: 500}
"""Customers scored, and cohorts of that size."""
SPARSE, SPARSE_COHORTS = "sparse_levels", 2_000
BLOCK = 20
FOLDER = Path("reports/coverage")


@dataclass(frozen=True, slots=True)
class Block:
    """Cohorts that are drawn and tallied together.

    Attributes
    ----------
    process : str
        Name of the law, or `SPARSE`.
    size, seed : int
        Customers scored (of `SPARSE`: in each level), and the seed of the whole run.
    number, cohorts : int
        Position among the blocks of the same process, size and seed; and how many cohorts are in it.
    """

    process: str
    size: int
    seed: int
    number: int
    cohorts: int

    @property
    def file(self) -> str:
        """Name of its tallies."""
        return f"{self.process}-{self.size}-{self.seed}-{self.number:03d}.csv"

    def tallies(self) -> pd.DataFrame:
        """Draw the cohorts, analyse and tally them."""
        laws = list(processes().values())
        at = [*processes(), SPARSE].index(self.process)
        rng = np.random.default_rng([self.seed, at, self.size, self.number])
        if self.process == SPARSE:
            made = (sparse_levels.replicated(self.size, DRAWS, rng) for _ in range(self.cohorts))
        else:
            made = (replicated(laws[at], self.size, DRAWS, rng) for _ in range(self.cohorts))
        return tally(row for rows in made for row in rows)


def blocks(process: str, size: int, seed: int) -> list[Block]:
    """Blocks of one process, size and seed."""
    cohorts = SPARSE_COHORTS if process == SPARSE else SIZES[size]
    return [Block(process, size, seed, number, BLOCK) for number in range(cohorts // BLOCK)]


def every_block() -> Iterator[Block]:
    """Every block there is: both seeds of the processes, and the sparse levels."""
    for seed in SEEDS:
        for size in SIZES:
            for process in processes():
                yield from blocks(process, size, seed)
    for customers in sparse_levels.CUSTOMERS:
        yield from blocks(SPARSE, customers, SEEDS[0])


class Tallied(Protocol):
    """Cohorts with a file of tallies."""

    @property
    def file(self) -> str:
        """Name of the file."""
        ...

    def tallies(self) -> pd.DataFrame:
        """Draw the cohorts, analyse and tally them."""
        ...


def probe() -> pd.DataFrame:
    """One cohort of each process: what tells whether other code made the files."""
    made = [Block(name, min(SIZES), 0, 0, 1).tallies() for name in processes()]
    return pd.concat(made, ignore_index=True)


def remade(
    folder: Path,
    wanted: Sequence[Tallied],
    workers: int,
    tell: Callable[[int, int], None],
    probed: tuple[str, Callable[[], pd.DataFrame]] = ("probe", probe),
) -> None:
    """Make the blocks whose files are missing.

    Parameters
    ----------
    folder : Path
        Of the tallies.
    wanted : sequence of blocks
        All of them.
    workers : int
        Processes at work.
    tell : callable
        Told how many of how many blocks are there.
    probed : (name, function)
        What is made again before going on, and compared with what the files' code made of it.

    Raises
    ------
    InputError
        If files are there that other code has made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _unchanged(folder, *probed)
    missing = [block for block in wanted if not (folder / block.file).exists()]
    with ProcessPoolExecutor(workers) as pool:
        waiting = {pool.submit(_make, folder, block) for block in missing}
        for done, future in enumerate(as_completed(waiting), 1):
            future.result()
            tell(len(wanted) - len(missing) + done, len(wanted))


def _make(folder: Path, block: Tallied) -> None:
    _write(block.tallies(), folder / block.file)


def _write(table: pd.DataFrame, path: Path) -> None:
    partial = path.with_suffix(".partial")
    table.to_csv(partial, index=False, lineterminator="\n")
    partial.replace(path)


def _unchanged(folder: Path, name: str, probed: Callable[[], pd.DataFrame]) -> None:
    """Compare what is probed with what the files' code made of it."""
    kept, again = folder / f"{name}.csv", folder / f"{name}-now.csv"
    made = probed()
    if not kept.exists():
        _write(made, kept)
        return
    _write(made, again)
    if kept.read_bytes() != again.read_bytes():
        raise InputError(
            f"{folder}: made by other code than this. Remove the folder, and run `make coverage` again."
        )


def collected(folder: Path, made: list[Block]) -> pd.DataFrame:
    """Coverage of every quantity of blocks of one process, size and seed.

    Returns
    -------
    DataFrame
        ``process, customers, seed, cohorts``, then as `replications.summary` gives it.
    """
    cohorts = sum(block.cohorts for block in made)
    tallied = added(pd.read_csv(folder / block.file, keep_default_na=False) for block in made)
    first = made[0]
    named = {"process": first.process, "customers": first.size, "seed": first.seed, "cohorts": cohorts}
    return pd.DataFrame(named, index=tallied.index).join(summary(tallied, cohorts))


def main() -> None:
    """Make what is missing, then the tables, the picture and the page."""
    from validation.coverage_page import write_page

    parser = argparse.ArgumentParser(prog="python -m validation.interval_coverage", description=main.__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="where the tables go")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes at work")
    asked = parser.parse_args()
    wanted = list(every_block())

    def tell(done: int, of: int) -> None:
        if done % 50 == 0 or done == of:
            print(f"coverage: {done} of {of} blocks", flush=True)

    try:
        remade(asked.out / "blocks", wanted, asked.workers, tell)
    except InputError as error:
        raise SystemExit(f"cxlink: {error}") from None
    found = []
    for _, made in groupby(wanted, key=lambda block: (block.process, block.size, block.seed)):
        found.append(collected(asked.out / "blocks", list(made)))
    table = pd.concat(found, ignore_index=True)
    sparse = table["process"] == SPARSE
    write_page(table[~sparse], table[sparse], asked.out)


if __name__ == "__main__":
    main()

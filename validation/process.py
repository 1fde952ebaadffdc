"""What a proof is made of: cells of cohorts whose truth is known, and the page that is made of what they found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from validation.page import Page


def stacked(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table under the other."""
    return pd.concat(list(tables), ignore_index=True)


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A process with a known truth, at one size: its cohorts are drawn in blocks and kept in one file.

    Attributes
    ----------
    labels : mapping of str to str or int
        What tells it from the other cells, the name of its process first: columns of a proof's tables.
    seed : tuple of int
        Of its cohorts; the position of a block is added to it.
    cohorts, block : int
        How many are drawn, and how many of them in a block.
    tally : callable
        Draws so many cohorts with a generator, calls the one function that makes the estimate, and says how far it is
        from the truth: a table. A `functools.partial` of a module's function, since it goes to other processors.
    add : callable
        Makes one table of those of all blocks.
    """

    labels: Mapping[str, str | int]
    seed: tuple[int, ...]
    cohorts: int
    block: int
    tally: Callable[[int, np.random.Generator], pd.DataFrame]
    add: Callable[[Sequence[pd.DataFrame]], pd.DataFrame] = stacked

    @property
    def process(self) -> str:
        """Name of its process."""
        return str(next(iter(self.labels.values())))

    @property
    def name(self) -> str:
        """Name of its file."""
        return "-".join(str(label) for label in self.labels.values())


CellTables = Sequence[tuple[Cell, pd.DataFrame]]
"""Cells, each with the table of its cohorts."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A claim about intervals, and the cells that it is tried on.

    Attributes
    ----------
    name, about : str
        A word for the command, and a sentence.
    cells : callable
        Makes the cells.
    page : callable
        Judges what they found, by rules that were written before the run.
    """

    name: str
    about: str
    cells: Callable[[], Sequence[Cell]]
    page: Callable[[CellTables], Page]


def labelled(tables: CellTables) -> pd.DataFrame:
    """Put the tables of all cells under one another, each with its cell's labels before its own columns."""
    return stacked([
        pd.DataFrame(dict(cell.labels), index=table.index).join(table) for cell, table in tables
    ])  # fmt: skip

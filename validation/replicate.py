"""Cohorts drawn and tallied block by block, so that an interrupted run goes on where it stopped.

A block has a seed and a file of its own. Once all blocks of a cell are there, they become the cell's one file. Before a
run goes on, one cohort of each process is drawn again: if its tally differs, the code has changed since.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cxlink.cohort.errors import InputError
from validation.process import Cell, CellTables, Proof, stacked

ONE_CODE = 1e-9
"""Differences between processors that do the same sums stay far below it; other code moves a tally by more."""

Work = tuple[Cell, int, Path]
"""A cell, the position of one of its blocks, and the file that it goes to."""


def processors() -> int:
    """How many processors the machine has."""
    return os.cpu_count() or 1


def replicate(
    proof: Proof,
    folder: Path,
    workers: int,
    progress: Callable[[int, int], None] = lambda *_: None,
    most: int | None = None,
) -> CellTables:
    """Make the blocks that are missing, and give every cell's table.

    Parameters
    ----------
    proof : Proof
        What is tried.
    folder : Path
        ``cells/NAME`` in it gets a file a finished cell, ``blocks/NAME`` holds those of unfinished ones.
    workers : int
        Processors at work; 1: this one.
    progress : callable
        Told how many of how many blocks are there.
    most : int, optional
        Blocks of each cell that are made in this run at most, the first of it; all of them by default. Those of earlier
        runs count as well.

    Returns
    -------
    sequence of (Cell, DataFrame)
        Cells that have any block; ``cohorts`` of an unfinished one says how many there are.

    Raises
    ------
    InputError
        If files are there that other code has made.
    """
    cells, blocks, done = proof.cells(), folder / "blocks" / proof.name, folder / "cells" / proof.name
    for place in (blocks, done):
        place.mkdir(parents=True, exist_ok=True)
    _unchanged(cells, done, blocks)
    files = {cell.name: _files(cell, blocks) for cell in cells}
    unfinished = [cell for cell in cells if not _file(cell, done).exists()]
    missing = [
        (cell, number, file)
        for cell in unfinished
        for number, file in enumerate(files[cell.name][:most])
        if not file.exists()
    ]
    total = sum(len(each[:most]) for each in files.values())
    for made, cell in enumerate(_made(missing, workers), total - len(missing) + 1):
        _finish(cell, files[cell.name], done)
        progress(made, total)
    for cell in unfinished:
        _finish(cell, files[cell.name], done)
    return [found for cell in cells if (found := _so_far(cell, files[cell.name], _file(cell, done)))]


def _so_far(cell: Cell, blocks: Sequence[Path], file: Path) -> tuple[Cell, pd.DataFrame] | None:
    """A cell's table; of an unfinished one, of the blocks that there are."""
    if file.exists():
        return cell, _read(file)
    made = [number for number, block in enumerate(blocks) if block.exists()]
    if not made:
        return None
    cohorts = sum(_cohorts(cell, number) for number in made)
    return replace(cell, cohorts=cohorts), cell.add([_read(blocks[number]) for number in made])


def finished(proof: Proof, folder: Path) -> tuple[int, int, int, int]:
    """How many cells of a proof are finished, and how many there are; and the same of cohorts."""
    cells, done, blocks = proof.cells(), folder / "cells" / proof.name, folder / "blocks" / proof.name
    whole, cohorts = 0, 0
    for cell in cells:
        if _file(cell, done).exists():
            whole, cohorts = whole + 1, cohorts + cell.cohorts
        else:
            there = [number for number, file in enumerate(_files(cell, blocks)) if file.exists()]
            cohorts += sum(_cohorts(cell, number) for number in there)
    return whole, len(cells), cohorts, sum(cell.cohorts for cell in cells)


def _cohorts(cell: Cell, number: int) -> int:
    """Cohorts of a block: the last may have fewer."""
    return min(cell.block, cell.cohorts - number * cell.block)


def block_table(cell: Cell, number: int, cohorts: int | None = None) -> pd.DataFrame:
    """Draw and tally one block of a cell, or its first so many cohorts."""
    return cell.tally(cohorts or _cohorts(cell, number), np.random.default_rng([*cell.seed, number]))


def probe(cells: Sequence[Cell]) -> pd.DataFrame:
    """One cohort of the first cell of each process: what tells whether other code made the files."""
    first = {cell.process: cell for cell in reversed(cells)}
    return stacked([block_table(cell, 0, cohorts=1) for cell in reversed(first.values())])


def _file(cell: Cell, folder: Path) -> Path:
    return folder / f"{cell.name}.csv"


def _files(cell: Cell, folder: Path) -> list[Path]:
    return [folder / f"{cell.name}-{number:03d}.csv" for number in range(-(-cell.cohorts // cell.block))]


def _made(missing: Sequence[Work], workers: int) -> Iterator[Cell]:
    """Make blocks; yield the cell of each once it is made."""
    if workers == 1:
        for work in missing:
            _make(*work)
            yield work[0]
        return
    with ProcessPoolExecutor(workers) as pool:
        waiting = {pool.submit(_make, *work): work[0] for work in missing}
        for future in as_completed(waiting):
            future.result()
            yield waiting[future]


def _make(cell: Cell, number: int, file: Path) -> None:
    _write(block_table(cell, number), file)


def _finish(cell: Cell, blocks: Sequence[Path], folder: Path) -> None:
    """Once all blocks are there, put them together and remove them."""
    file = _file(cell, folder)
    if not file.exists():
        if not all(block.exists() for block in blocks):
            return
        _write(cell.add([_read(block) for block in blocks]), file)
    for block in blocks:
        block.unlink(missing_ok=True)


def _write(table: pd.DataFrame, file: Path) -> None:
    partial = file.with_suffix(".partial")
    table.to_csv(partial, index=False, lineterminator="\n")
    partial.replace(file)


def _read(file: Path) -> pd.DataFrame:
    return pd.read_csv(file, keep_default_na=False, float_precision="round_trip")


def _unchanged(cells: Sequence[Cell], folder: Path, blocks: Path) -> None:
    """Compare what is probed with what the files' code made of it."""
    kept, again = folder / "probe.csv", folder / "probe-now.csv"
    made = probe(cells)
    if not kept.exists():
        _write(made, kept)
        return
    _write(made, again)
    if not _alike(_read(kept), _read(again)):
        raise InputError(
            f"{folder} and {blocks}: made by other code than this. Remove both, and run `make coverage` again."
        )
    again.unlink()


def _alike(kept: pd.DataFrame, again: pd.DataFrame) -> bool:
    """Whether two tables differ by no more than two processors do, whose last digits differ."""
    try:
        pd.testing.assert_frame_equal(kept, again, rtol=ONE_CODE, atol=ONE_CODE)
    except AssertionError:
        return False
    return True

"""Rows that equal another one in every column: the same customer twice, where nothing tells customers apart."""

from collections.abc import Collection
from itertools import accumulate
from typing import Any

import numpy as np

from cxlink.cohort.count.equal_rows import arrow_codes, numbered_rows
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.count.similar_ids import MOST_ROWS
from cxlink.cohort.read.source import Source, open_source
from cxlink.cohort.spec.cohort_spec import CohortSpec

FEW = 0.5
"""Pairs of equal rows that chance alone would make: from here on copies cannot be told from customers alike."""


def copied_rows(table: Any, columns: Collection[str], spec: CohortSpec, n_rows: int) -> tuple[Remark, ...]:
    """Say how many rows equal another one in every column, where unrelated columns would hardly make two that do.

    Two rows drawn at random agree in a column with the probability Σ p², p the shares of its values; in all columns,
    were they unrelated, with the product of these. Times the number of pairs of rows that is the number of equal pairs
    that are no copies. Where columns are related that is too few: spend that is empty for whoever left is no column
    to them. They are called copies only where `_alike_but_for_one` finds few such pairs too.

    Parameters
    ----------
    table : path, frame or Ibis table
        As `open_source` takes it; all its columns are read, also those that the spec does not name.
    columns : collection of str
        Names of all its columns. Without dates, or a column that the spec does not name, customers alike are no news.
    spec : CohortSpec
        With an id, or a number of customers a row, rows need not be told apart.
    n_rows : int
        Rows of the table; a large one is not looked at, since every row would have to be held in memory.
    """
    if spec.cohort.id is not None or spec.cohort.count is not None or n_rows > MOST_ROWS:
        return ()
    if not set(columns) - spec.table_columns and not (spec.subscription and spec.subscription.dated):
        return ()
    source = open_source(table, spec.table)
    try:
        copies = n_rows - int(source.run(source.table.distinct().count()).as_py())
        if not copies or _by_chance(source, n_rows) >= FEW:
            return ()
        code = "copied_rows" if _alike_but_for_one(source) < FEW else "equal_rows"
        return (Remark(code, copies, facts={"columns": len(source.columns)}),)
    finally:
        source.close()


def _by_chance(source: Source, n_rows: int) -> float:
    """Pairs of rows that would be equal if the columns were unrelated."""
    pairs = n_rows * (n_rows - 1) / 2
    for name in source.table.columns:
        sizes = source.table.group_by(value=source.table[name]).aggregate(n=source.table.count())
        squares = source.run(sizes.aggregate(total=(sizes.n.cast("float64") ** 2).sum())).to_pylist()[0][
            "total"
        ]
        pairs *= float(squares or 0) / n_rows**2
        if pairs < FEW:
            break
    return pairs


def _alike_but_for_one(source: Source) -> float:
    """Pairs of rows that would be equal by chance, from those that differ in one column alone, whatever is related.

    Two customers who agree in all columns but one agree in that too with the odds q / (1 − q), q the share of all
    pairs that do. The largest number that a column leads to expect: one that follows from others says nothing, and
    columns that tell the same customers apart count once.
    """
    read = (arrow_codes(column) for column in source.run(source.table).itercolumns())
    coded = list({codes.tobytes(): (codes, n_codes) for codes, n_codes in read}.values())
    n_rows = len(coded[0][0])
    alike = np.zeros(n_rows, np.int32), 1
    after = list(accumulate(coded[:0:-1], _joined, initial=alike))[::-1]
    before, expected = alike, 0.0
    for column, later in zip(coded, after, strict=True):
        rest = _joined(before, later)
        apart = _pairs(rest[0]) - _pairs(_joined(rest, column)[0])
        agree = _pairs(column[0]) / (n_rows * (n_rows - 1) / 2)
        expected = max(expected, apart * agree / (1 - agree) if apart else 0.0)
        before = _joined(before, column)
    return expected


def _joined(first: tuple[np.ndarray, int], second: tuple[np.ndarray, int]) -> tuple[np.ndarray, int]:
    """Codes of two columns as those of one."""
    values, codes = np.unique(numbered_rows([first, second]), return_inverse=True)
    return codes.astype(np.int32), len(values)


def _pairs(codes: np.ndarray) -> float:
    """Pairs of rows with one code."""
    n = np.unique(codes, return_counts=True)[1].astype(float)
    return float((n * (n - 1)).sum() / 2)

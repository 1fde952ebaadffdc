"""Rows that equal another one in every column: the same customer twice, where nothing tells customers apart."""

from collections.abc import Collection
from typing import Any

from cxlink.cohort.count.profile import Remark
from cxlink.cohort.count.similar_ids import MOST_ROWS
from cxlink.cohort.read.source import Source, open_source
from cxlink.cohort.spec.cohort_spec import CohortSpec

FEW = 0.5
"""Pairs of equal rows that chance alone would make: from here on copies cannot be told from customers alike."""


def copied_rows(table: Any, columns: Collection[str], spec: CohortSpec, n_rows: int) -> tuple[Remark, ...]:
    """Say how many rows equal another one in every column, where chance would hardly make two that do.

    Two rows drawn at random agree in a column with the probability Σ p², p the shares of its values; in all columns,
    were they unrelated, with the product of these. Times the number of pairs of rows that is the number of equal pairs
    that are no copies.

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
        return (Remark("copied_rows", copies, facts={"columns": len(source.columns)}),)
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

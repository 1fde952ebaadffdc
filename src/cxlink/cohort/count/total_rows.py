"""Rows that look like the total or the average below a table: they would count as a customer."""

import re
from collections.abc import Sequence
from typing import Any

from cxlink.cohort.count.profile import Remark
from cxlink.cohort.count.similar_ids import MOST_ROWS
from cxlink.cohort.read import columns
from cxlink.cohort.read.source import Source, open_source
from cxlink.cohort.spec.cohort_spec import CohortSpec

_WORDS = re.compile(
    r"(grand |sub|eind)?-?("
    r"totale?s?|totaal|totalen|gesamt|gesamtsumme|gesamtergebnis|summe|sum|som|somme|suma|soma|"
    r"average|avg|mean|gemiddelde?|durchschnitt|mittelwert|moyenne|promedio|média"
    r")( general| g[ée]n[ée]ral| geral)?\s*:?",
    re.IGNORECASE,
)
_MOST = 3
"""Rows at the end of a table that may be totals; where the one before them is too, the word is a category."""


def total_rows(table: Any, source: Source, spec: CohortSpec, n_rows: int) -> tuple[Remark, ...]:
    """Say which of the last rows name themselves a total, in the id, or without one in any column of text.

    Parameters
    ----------
    table : path, frame or Ibis table
        As `open_source` takes it.
    source : Source
        The same, opened with the columns that the spec names.
    spec : CohortSpec
        Its id; without one all columns are read.
    n_rows : int
        Rows of the table; a large one is not looked at, since it would have to be read once more, nor is a table of an
        engine, whose rows have no last one.
    """
    if n_rows > MOST_ROWS or not source.ordered:
        return ()
    if spec.cohort.id is not None:
        return _remarks(source, [columns.raw(source, spec.cohort.id, "id")])
    whole = open_source(table, spec.table)
    try:
        return _remarks(whole, [whole.table[name] for name in whole.columns])
    finally:
        whole.close()


def _remarks(source: Source, cells: Sequence[Any]) -> tuple[Remark, ...]:
    """Look for totals in the text among columns."""
    import ibis

    texts = [cell for cell in cells if cell.type().is_string()]
    if not texts:
        return ()
    rows = source.table.select(*texts, ibis.row_number().name("row of the table"))
    last = source.run(rows.order_by(ibis.desc("row of the table")).limit(_MOST + 1)).to_pylist()[::-1]
    found = [(row.pop("row of the table"), word) for row in last if (word := _total_in(row)) is not None]
    if not 0 < len(found) <= _MOST:
        return ()
    where = tuple(f"{at + 1:,}" for at, _ in found)
    return (Remark("total_rows", len(found), facts={"word": found[0][1], "rows": where}),)


def _total_in(row: dict[str, Any]) -> str | None:
    """The first text of a row, where it is a word for a total; else None."""
    words = (cell.strip() for cell in row.values() if isinstance(cell, str))
    first = next((word for word in words if word), "")
    return first if _WORDS.fullmatch(first) else None

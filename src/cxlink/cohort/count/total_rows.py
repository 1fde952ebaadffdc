"""Rows that look like the total or the average below a table: they would count as a customer."""

from collections.abc import Sequence
from typing import Any

from cxlink.cohort.count.profile import Remark
from cxlink.cohort.count.similar_ids import MOST_ROWS
from cxlink.cohort.read import columns
from cxlink.cohort.read.source import Source, open_source
from cxlink.cohort.spec.cohort_spec import CohortSpec

_WORDS = (
    r"^\s*(grand |sub|eind)?-?("
    r"totale?s?|totaal|totalen|gesamt|gesamtsumme|gesamtergebnis|summe|sum|som|somme|suma|soma|"
    r"average|avg|mean|gemiddelde?|durchschnitt|mittelwert|moyenne|promedio|media|m[ée]dia"
    r")( general| g[ée]n[ée]ral| geral)?\s*:?\s*$"
)
_MOST = 3
"""More rows of such a word are a category of that name."""


def total_rows(table: Any, source: Source, spec: CohortSpec, n_rows: int) -> tuple[Remark, ...]:
    """Say how many rows name themselves a total, in the id, or without one in any column of text, and where.

    Parameters
    ----------
    table : path, frame or Ibis table
        As `open_source` takes it.
    source : Source
        The same, opened with the columns that the spec names.
    spec : CohortSpec
        Its id; without one all columns are read.
    n_rows : int
        Rows of the table; a large one is not looked at, since every row would have to be read once more, nor is a
        table of an engine, whose rows have no last one.
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
    said = ibis.coalesce(*(cell.lower().re_search(_WORDS).ifelse(cell.strip(), None) for cell in texts))
    rows = source.table.select(word=said, row=ibis.row_number())
    found = source.run(
        rows.filter(rows.word.notnull()).order_by(["row", "word"]).limit(_MOST + 1)
    ).to_pylist()
    if not 0 < len(found) <= _MOST:
        return ()
    where = tuple(f"{one['row'] + 1:,}" for one in found)
    return (Remark("total_rows", len(found), facts={"word": found[0]["word"], "rows": where}),)

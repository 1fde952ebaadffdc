"""Tables that look grouped, of which each row is counted as one customer: said, with the key that counts them."""

from dataclasses import replace
from typing import Any

from cxlink.cohort.count.profile import Remark
from cxlink.cohort.read.source import Source, open_source
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.starter.column_looks import looks_of
from cxlink.cohort.starter.header_words import COUNT, in_plain_letters, says
from cxlink.cohort.starter.roles import role_of


def uncounted_rows(table: Any, source: Source, spec: CohortSpec) -> tuple[Remark, ...]:
    """Name the column that looks like a number of customers a row, where neither it nor an id is named.

    Parameters
    ----------
    table : path, frame or Ibis table
        As `open_source` takes it; read once more if a header says so.
    source : Source
        The same, opened with the columns that the spec names.
    spec : CohortSpec
        What it holds.
    """
    if spec.cohort.id is not None or spec.cohort.count is not None:
        return ()
    unused = [name for name in source.columns if name not in spec.table_columns]
    named = [name for name in unused if says(in_plain_letters(name), rf"^({COUNT})$")]
    if not named:
        return ()
    whole = open_source(table, spec.table, named)
    try:
        looks = looks_of(replace(whole, table=whole.table.select(named)))
    finally:
        whole.close()
    counts = [look.name for look in looks if role_of(look).role == "count"]
    return (Remark("uncounted_rows", facts={"column": counts[0]}),) if counts else ()

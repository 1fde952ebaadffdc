"""Ids that differ in capitals or blanks alone: two customers to a computer, often one to whoever typed them."""

from cxlink.cohort.count.profile import Remark
from cxlink.cohort.read import columns
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec

MOST_ROWS = 1_000_000
"""Larger tables are not looked at: every id would have to be held in memory."""


def similar_ids(source: Source, spec: CohortSpec, n_rows: int) -> tuple[Remark, ...]:
    """Say how many ids are equal to another one but for capitals and blanks.

    Parameters
    ----------
    source : Source
        The table.
    spec : CohortSpec
        Its id.
    n_rows : int
        Rows of the table.
    """
    if spec.cohort.id is None or n_rows > MOST_ROWS:
        return ()
    key = columns.raw(source, spec.cohort.id, "id")
    if not key.type().is_string():
        return ()
    ids = source.table.select(id=key).distinct()
    plain = ids.select(plain=ids.id.re_replace(r"\s+", "").lower())
    alike = plain.group_by("plain").aggregate(n=plain.count())
    n = source.run(alike.filter(alike.n > 1).n.sum()).as_py()
    # without an example: a report names no customer
    return (Remark("similar_ids", int(n), facts={"column": spec.cohort.id}),) if n else ()

"""Several scores of one customer, counted in pairs: what the reliability of the score is worked out from."""

import pyarrow as pa

from cxlink.cohort.count.identity import survey_order
from cxlink.cohort.count.row_expressions import prepare
from cxlink.cohort.read import columns
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec


def repeated_scores(source: Source, spec: CohortSpec) -> pa.Table | None:
    """Count customers by the first and the second score that they gave, in one query.

    Parameters
    ----------
    source : Source
        The table, with all rows of a customer.
    spec : CohortSpec
        Its id, score and survey date.

    Returns
    -------
    Arrow table or None
        One row a pair of scores: ``score``, ``again``, ``n`` (customers). None where a customer has one row.
    """
    import ibis

    if spec.cohort.id is None or spec.cohort.repeat == "error":
        return None
    score = prepare(source, spec).keys["score"]
    window = {
        "group_by": columns.raw(source, spec.cohort.id, "id"),
        "order_by": survey_order(source, spec),
    }
    rows = source.table.select(
        score=score, again=score.lead().over(**window), place=ibis.row_number().over(**window)
    )
    first = rows.filter((rows.place == 0) & rows.again.notnull())  # unanswered ones come last
    return source.run(
        first.group_by(["score", "again"]).aggregate(n=first.count()).order_by(["score", "again"])
    )

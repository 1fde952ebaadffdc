"""Several scores of one customer, counted in pairs: what the reliability of the score is worked out from."""

import pyarrow as pa
import pyarrow.compute as pc

from cxlink.cohort.count.identity import survey_order
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.count.row_expressions import prepare
from cxlink.cohort.read import columns, dates
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import PREVIOUS_SCORE, SURVEY_NUMBER, CohortSpec
from cxlink.cohort.strata import stratum_column


def repeated_scores(source: Source, spec: CohortSpec, raw: pa.Table) -> pa.Table | None:
    """Count customers by the first and the second score that they gave: one query, none where every survey counts.

    Parameters
    ----------
    source : Source
        The table, with all rows of a customer.
    spec : CohortSpec
        Its id, score and survey date.
    raw : Arrow table
        Its raw cells: where every survey counts, each knows the number of the survey and the score before.

    Returns
    -------
    Arrow table or None
        One row a pair of scores: ``score``, ``again``, ``n`` (customers), and of customers of whom the first survey
        counts ``same_day`` (those who gave both on one day). None where a customer has one row.
    """
    import ibis

    if spec.cohort.id is None or spec.cohort.repeat == "error":
        return None
    if spec.every_survey:
        return _of_second_surveys(raw)
    assert spec.subscription is not None
    assert spec.subscription.survey is not None
    score, day = prepare(source, spec).keys["score"], dates.day(source, spec.subscription.survey, "survey")
    window = {
        "group_by": columns.raw(source, spec.cohort.id, "id"),
        "order_by": survey_order(source, spec),
    }
    rows = source.table.select(
        score=score, again=score.lead().over(**window), place=ibis.row_number().over(**window),
        same_day=columns.as_one(day == day.lead().over(**window)),
    )  # fmt: skip
    first = rows.filter((rows.place == 0) & rows.again.notnull())  # unanswered ones come last
    pairs = first.group_by(["score", "again"]).aggregate(n=first.count(), same_day=first.same_day.sum())
    return source.run(pairs.order_by(["score", "again"]))


def scores_of_one_day(repeats: pa.Table | None, spec: CohortSpec) -> tuple[Remark, ...]:
    """Say of how many customers the first survey is one of two on a day, with other scores: the lower one counts."""
    if repeats is None or "same_day" not in repeats.column_names:
        return ()
    other = repeats.filter(pc.not_equal(repeats["score"], repeats["again"]))
    n = pc.sum(other["same_day"]).as_py() or 0
    return (Remark("same_day", int(n), facts={"column": spec.score.column}),) if n else ()


def _of_second_surveys(raw: pa.Table) -> pa.Table:
    """The same pairs from raw cells: the score of each second survey, and the one before it."""
    before, number = (raw[stratum_column(name)] for name in (PREVIOUS_SCORE, SURVEY_NUMBER))
    pairs = pa.table({"score": before, "again": raw["score"], "n": raw["n"]})
    second = pairs.filter(pc.and_(pc.equal(number, 2), pc.is_valid(raw["score"])))
    sums = (
        second.group_by(["score", "again"]).aggregate([("n", "sum")]).rename_columns(["score", "again", "n"])
    )
    return sums.sort_by([("score", "ascending"), ("again", "ascending")])

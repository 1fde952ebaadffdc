"""One row a customer: no id twice, or the first survey that was answered."""

from typing import Any

from cxlink.cohort import columns
from cxlink.cohort.errors import InputError
from cxlink.cohort.source import Source
from cxlink.cohort.spec import CohortSpec


def refuse_repeats(source: Source, spec: CohortSpec) -> None:
    """Check that no id occurs twice and none is missing: a pass of its own, which the engine may spill to disk.

    Raises
    ------
    InputError
        With the first id that does, and the cure.
    """
    assert spec.cohort.id is not None
    name = spec.cohort.id
    key = columns.raw(source, name, "id")
    table = source.table.select(id=key)
    n_missing = int((~columns.is_given(key)).sum().execute() or 0)
    if n_missing:
        raise InputError(f"{source.name}: {name} is missing in {n_missing:,} rows. Fill it in, or leave [cohort] id out.")
    twice = table.group_by("id").aggregate(n=table.count()).filter(lambda t: t.n > 1)
    shown = twice.order_by("id").limit(1).to_pyarrow().to_pylist()
    if shown:
        n_twice = int(twice.count().execute())
        raise InputError(
            f"{source.name}: {name} must not repeat. {n_twice:,} of them occur more than once, such as "
            f"{shown[0]['id']} ({shown[0]['n']} rows). Keep one row a customer, or set [cohort] repeat = \"first\"."
        )


def first_surveys(source: Source, spec: CohortSpec) -> tuple[Source, dict[str, int]]:
    """Keep each customer's first survey that was answered (a row without a score if none was).

    Raises
    ------
    InputError
        If there is no survey date to order by.
    """
    import ibis

    sub = spec.subscription
    if sub is None or sub.survey is None:
        raise InputError('[cohort] repeat = "first" needs [subscription] survey, the date of each score.')
    assert spec.cohort.id is not None
    key = columns.raw(source, spec.cohort.id, "id")
    survey = columns.date(columns.raw(source, sub.survey, "survey"))
    score = columns.score_key(columns.raw(source, spec.score.column, "score"), spec.table, spec.scale.low - 1)
    order: list[Any] = [score.isnull(), survey, score]
    rest = [source.table[name] for name in source.columns]  # ties: any fixed order, so that rows' order is none
    rank = ibis.row_number().over(group_by=key, order_by=[*order, *rest])
    ranked = source.table.mutate(rank_=rank)
    kept = ranked.filter(ranked.rank_ == 0).drop("rank_")
    n_before, n_after = (int(table.count().execute()) for table in (source.table, kept))
    dropped = {"a later survey of the same customer": n_before - n_after} if n_before > n_after else {}
    return Source(source.name, kept, (), source.ordered, source.options), dropped

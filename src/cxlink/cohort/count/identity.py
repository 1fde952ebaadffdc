"""One row per customer: unique ids, or the first completed survey."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from cxlink.cohort.count.profile import Remark
from cxlink.cohort.count.refusals import as_cells, shown
from cxlink.cohort.count.rules import TableRule
from cxlink.cohort.errors import InputError
from cxlink.cohort.read import columns
from cxlink.cohort.read.dates import day
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec

LOOKED_AT = 100_000
"""Rows by which ids are taken to rise or not."""
MOST_AT_ONCE = 15_000_000
"""Ids that are grouped at once: some hundred megabytes."""


def one_row_a_customer(source: Source, spec: CohortSpec) -> tuple[Source, tuple[Remark, ...]]:
    """Reduce to one row per id: refuse repeats, or keep the first completed survey; unless every survey counts.

    A pass of its own: in order of the rows where ids rise, else grouped in parts.

    Raises
    ------
    InputError
        If an id is missing, or occurs twice without ``repeat = "first"``; with an example, and the cure.
    """
    if spec.cohort.id is None or spec.every_survey:
        return source, ()
    key = columns.raw(source, spec.cohort.id, "id")
    n_rows = refuse_missing(source, spec.cohort.id, key)
    if spec.cohort.repeat == "first":
        return _first_surveys(source, spec, key)
    _refuse_repeats(source, spec, key, n_rows)
    return source, ()


def refuse_missing(source: Source, name: str, key: Any) -> int:
    """Refuse missing ids.

    Returns
    -------
    int
        Rows of the table.

    Raises
    ------
    InputError
        If a row has no id.
    """
    import ibis

    rows = source.table.select(gone=~columns.is_given(key))
    totals = source.run(rows.aggregate(n=rows.count(), gone=columns.as_one(rows.gone).sum())).to_pylist()[0]
    n_rows, n_gone = int(totals["n"]), int(totals["gone"] or 0)
    if not n_gone:
        return n_rows
    where = ""
    if source.ordered:
        numbered = rows.mutate(at=ibis.row_number())
        first = source.run(numbered.filter(numbered.gone).at.min()).as_py() + 1
        where = f", {'the first ' if n_gone > 1 else ''}in row {first:,}"
    fail = "rows fail" if n_gone > 1 else "rows fails"
    raise InputError(
        f"{source.name}: {name} must be there in every row. {n_gone:,} of {n_rows:,} {fail}{where} (found "
        "nothing). Fill it in, or leave [cohort] id out."
    )


def _refuse_repeats(source: Source, spec: CohortSpec, key: Any, n_rows: int) -> None:
    ids = source.table.select(id=key)
    if _rise(source, ids):
        return
    n_twice, examples = 0, list[dict[str, Any]]()
    for part in _parts(source, ids, n_rows):
        sizes = part.group_by("id").aggregate(n=part.count())
        twice = sizes.filter(sizes.n > 1)
        n_here = int(source.run(twice.count()).as_py())
        n_twice += n_here
        examples += source.run(twice.order_by("id").limit(1)).to_pylist() if n_here else []
    if n_twice:
        raise _repeated(source, spec, n_twice, min(examples, key=lambda example: example["id"]))


def _repeated(source: Source, spec: CohortSpec, n: int, one: dict[str, Any]) -> InputError:
    """Error of customers in several rows, or of several surveys where their rows are spans."""
    name, rows, cure = spec.cohort.id, f"{shown(one['id'])} ({one['n']:,}", '[cohort] repeat = "first".'
    if spec.spans:
        several = f"{n:,} customers have several, such as" if n > 1 else "One customer has several:"
        must = f"the spans of a {name} must hold one survey, the same wherever it is written"
        return InputError(f"{source.name}: {must}. {several} {rows} surveys). Keep one, or set {cure}")
    several = f"{n:,} of them occur more than once, such as" if n > 1 else "One occurs more than once:"
    sub = spec.subscription
    dated = sub is not None and sub.dated and sub.signup is not None
    merge = " Where rows are spans of a subscription, set [subscription] gap_days." if dated else ""
    must = f"{source.name}: {name} must not repeat. {several} {rows} rows)"
    return InputError(f"{must}. Keep one row a customer, or set {cure}{merge}")


def _rise(source: Source, ids: Any) -> bool:
    """Whether each id is larger than the one in the row before, so that none repeats: one pass that keeps one row.

    The first rows are looked at first: where they do not rise, the others are not read.
    """
    import ibis

    if source.engine.name != "duckdb":
        return False
    for rows in (ids.limit(LOOKED_AT), ids):
        # without a partition or an order DuckDB gives the row before as it reads
        pairs = rows.select(one=rows.id, before=rows.id.lag().over(ibis.window()))
        falls = columns.as_one(pairs.before >= pairs.one).sum()
        if source.run(pairs.aggregate(falls=falls))["falls"][0].as_py():
            return False
    return True


def _parts(source: Source, ids: Any, n_rows: int) -> Iterator[Any]:
    """Ids in so many parts that each is grouped in little memory; equal ones are in one part."""
    n_parts = -(-n_rows // MOST_AT_ONCE)
    if n_parts < 2 or source.engine.name != "duckdb":  # other engines group on disk where they lack memory
        yield ids
        return
    for part in range(n_parts):
        yield ids.filter((ids.id.hash() % n_parts).abs() == part)


def _first_surveys(source: Source, spec: CohortSpec, key: Any) -> tuple[Source, tuple[Remark, ...]]:
    """Keep each customer's first completed survey, or one row without a score where none was completed."""
    ranked, rank = _ranked(source, spec, key)
    first = ranked.filter(ranked[rank] == 0).select(source.table.columns)
    n_before, n_after = (source.run(table.count()).as_py() for table in (source.table, first))
    later = n_before - n_after
    return source.kept(first), (Remark("later_survey", later),) if later else ()


def _ranked(source: Source, spec: CohortSpec, key: Any) -> tuple[Any, str]:
    """Number each customer's rows in order of their surveys, from 0, in a column more; and its name."""
    import ibis

    rank = "rank_" + max(source.table.columns, key=len)  # longer than any name there
    place = ibis.row_number().over(group_by=key, order_by=survey_order(source, spec))
    return source.table.mutate(place.name(rank)), rank


def without_later(
    source: Source, spec: CohortSpec, rules: Sequence[TableRule]
) -> tuple[Source, tuple[Remark, ...]]:
    """Leave out the rows that violate rules and are not used: of customers whose first survey counts, later ones.

    Who was asked again after leaving has a survey after the loss. A row whose score or day cannot be read may be the
    first, and stays.
    """
    if spec.cohort.repeat != "first" or spec.cohort.id is None:
        return source, ()
    assert spec.subscription is not None
    ranked, rank = _ranked(source, spec, columns.raw(source, spec.cohort.id, "id"))
    rows = as_cells(replace(source, table=ranked), spec)
    score_is_read = rows.score.isnull() | rows.score.between(spec.scale.low, spec.scale.high)
    later = (rows[f"raw.{rank}"] > 0) & rows.wave.notnull() & score_is_read
    broken = rules[0].broken(rows).fill_null(False)
    for rule in rules[1:]:
        broken = broken | rule.broken(rows).fill_null(False)
    rows = rows.mutate(left_out=later & broken)
    n = int(source.run(columns.as_one(rows.left_out).sum()).as_py() or 0)
    if not n:
        return source, ()
    used = rows.filter(~rows.left_out)
    names = source.table.columns
    return source.kept(used.select([used[f"raw.{name}"].name(name) for name in names])), (
        Remark("later_survey", n),
    )


def survey_order(source: Source, spec: CohortSpec) -> list[Any]:
    """Order of a customer's surveys: completed ones by date, then the others."""
    sub = spec.subscription
    assert sub is not None
    assert sub.survey is not None
    score = columns.raw(source, spec.score.column, "score")
    survey = day(source, sub.survey, "survey")
    # ties within a day are broken by the other columns, so that the order of rows does not matter
    rest = [source.table[name] for name in source.table.columns if name in spec.table_columns]
    return [~columns.is_given(score), survey, score, *rest]

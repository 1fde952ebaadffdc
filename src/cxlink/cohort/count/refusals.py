"""Rows that violate a rule: named in an error message, or excluded and counted."""

from collections.abc import Callable, Sequence
from typing import Any

from cxlink.cohort.count.cures import DROP, either
from cxlink.cohort.count.lost_shares import LostShares, gone_key, lost_shares
from cxlink.cohort.count.metric_expressions import metric_rows
from cxlink.cohort.count.other_columns import other_keys
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.count.row_expressions import prepare
from cxlink.cohort.count.rules import TableRule
from cxlink.cohort.errors import InputError
from cxlink.cohort.read.columns import as_one
from cxlink.cohort.read.shared_steps import select_once
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec

_ROW, _PLACE = "row.number", "row.place"


def refusal(
    source: Source, spec: CohortSpec, rule: TableRule, rows_of: Callable[[Source], Any] | None = None
) -> InputError:
    """Error of the rows that violate a rule, in one line: how many, where the first is, its value.

    Parameters
    ----------
    source : Source
        The table.
    spec : CohortSpec
        What it holds.
    rule : TableRule
        The rule.
    rows_of : callable, optional
        Gives the rows on which the rule is checked, with `raw_columns` beside; by default with the cells' columns.
    """
    n_rows = n_broken = 0
    first, cell = "", None
    for part in source.parts():
        rows = as_cells(part, spec) if rows_of is None else rows_of(part)
        broken = rule.broken(rows).fill_null(False)
        numbers = rows.aggregate(rows=rows.count(), broken=as_one(broken).sum())
        n_here, n_broken_here = (n or 0 for n in part.run(numbers).to_pylist()[0].values())
        n_rows, n_broken = n_rows + n_here, n_broken + n_broken_here
        if n_broken_here and not first:
            where, found, cell = _first(part, spec, rows.filter(broken), rule, only=n_broken_here == 1)
            file = f" of {part.name.rsplit('/', 1)[1]}" if len(source.files) > 1 else ""
            first = f"{where}{file}{found}"
    fail = "row fails" if n_rows == 1 else "rows fails" if n_broken == 1 else "rows fail"
    of_lost, last = _last_resort(source, spec, rule)
    cure = either(rule.cure, last) if isinstance(rule.cure, str) else rule.cure(cell, last)
    return InputError(
        f"{source.name}: {rule.must}. {n_broken:,} of {n_rows:,} {fail}, {first}. {of_lost}{cure}"
    )


def _last_resort(source: Source, spec: CohortSpec, rule: TableRule) -> tuple[str, str]:
    """What a message says of the customers who would be dropped, and whether it proposes that.

    Not where what became of them is not known, or is not what became of the others: that would change the answer.
    """
    if rule.drop != "unrelated" or spec.subscription is None:
        return "", "" if rule.drop == "never" else DROP
    rows = as_cells(source, spec)
    shares = lost_shares(source, rows, rule.broken(rows))
    if not shares.readable:
        return "", ""
    if not shares.unlike:
        return "", DROP
    who = {shares.n: "All", 0: "None"}.get(shares.lost, f"{shares.lost:,}")
    were = "was" if shares.lost == 0 else "were"
    return (
        f"{who} of these {shares.n:,} customers {were} lost, {shares.lost_others:,} of the {shares.n_others:,} others: "
        "dropping them would change the answer. ", "",
    )  # fmt: skip


def without_broken(
    source: Source, spec: CohortSpec, rules: Sequence[TableRule]
) -> tuple[Source, tuple[Remark, ...], LostShares | None]:
    """Exclude the rows that violate rules; count them by the first rule that each violates, and by who was lost."""
    import ibis

    rows = as_cells(source, spec)
    reason = ibis.cases(
        *[(rule.broken(rows).fill_null(False), i) for i, rule in enumerate(rules)], else_=len(rules)
    )
    rows = rows.mutate(reason=reason)
    counted = source.run(rows.group_by("reason").aggregate(n=rows.count())).to_pylist()
    n = {row["reason"]: row["n"] for row in counted}
    dropped = [Remark("invalid", n[i], facts={"rule": rule.must}) for i, rule in enumerate(rules) if i in n]
    shares = lost_shares(source, rows, rows.reason < len(rules)) if spec.subscription is not None else None
    valid = rows.filter(rows.reason == len(rules))
    names = source.table.columns
    kept = source.kept(valid.select([valid[f"raw.{name}"].name(name) for name in names]))
    return kept, tuple(dropped), shares


def as_cells(source: Source, spec: CohortSpec) -> Any:
    """Give rows the cells' columns: each row as a cell of its own; with its raw columns, and its number."""
    import ibis

    prepared = prepare(source, spec)
    columns: dict[str, Any] = dict(prepared.keys)
    if prepared.y is not None:
        use = ibis.literal(1) if prepared.use is None else prepared.use
        lacks = as_one(prepared.filled.isnull()) if prepared.filled is not None else 0
        columns |= {"spend_n": use - lacks, "use_min": use, "spend_known": as_one(prepared.y.notnull())}
    if prepared.margin is not None:
        columns["margin_n"] = as_one(prepared.margin.notnull())
    if prepared.control is not None and prepared.given is not None:
        numeric = prepared.control.notnull()
        columns |= {"control_given": as_one(prepared.given), "control_n": as_one(numeric)}
    if spec.metrics is not None:
        columns |= {f"bad.{name}": wrong for name, wrong in metric_rows(source, spec).bad.items()}
    columns |= other_keys(source, spec)
    if spec.subscription is not None:
        columns["gone"] = gone_key(source, spec)
    return select_once(source.table, columns | raw_columns(source))


def raw_columns(source: Source) -> dict[str, Any]:
    """Give the columns of a table as ``raw.NAME``, and the number of each row where rows have an order."""
    import ibis

    numbered = {_ROW: ibis.row_number()} if source.ordered else {}
    return {**{f"raw.{name}": source.table[name] for name in source.table.columns}, **numbered}


def _in_order(source: Source, spec: CohortSpec, bad: Any, rule: TableRule) -> Any:
    """Broken rows, the one to be named first: by number, else by id, else by what they hold."""
    if source.ordered:
        return bad.order_by(_ROW)
    names = [spec.cohort.id] if spec.cohort.id else _shown_columns(source, rule)
    return bad.order_by([f"raw.{name}" for name in names])


def _first(
    source: Source, spec: CohortSpec, bad: Any, rule: TableRule, only: bool
) -> tuple[str, str, str | None]:
    """Where the first of the broken rows is, and what it holds in the rule's columns and in the first; in one pass."""
    names = _shown_columns(source, rule)
    place = _ROW if source.ordered else f"raw.{spec.cohort.id}" if spec.cohort.id else None
    columns = [bad[f"raw.{name}"].cast("string").name(name) for name in names]
    columns += [bad[place].name(_PLACE)] if place else []
    record: dict[str, Any] = {}
    if columns:
        rows = _in_order(source, spec, bad, rule).select(columns).limit(1)
        (record,) = source.run(rows).to_pylist()
    found = f" (found {' and '.join(shown(record[name]) for name in names)})" if names else ""
    cell = record[names[0]] if names else None
    if place is None:
        return "one" if only else "one of them", found, cell
    at = record[_PLACE]
    where = f"in row {at + 1:,}" if source.ordered else f"with {spec.cohort.id} {shown(at)}"
    return where if only else f"the first {where}", found, cell


def _shown_columns(source: Source, rule: TableRule) -> list[str]:
    return [name for name in dict.fromkeys(rule.columns) if name in source.columns]


def shown(value: Any) -> str:
    """Write a value of a table in a message: as it stands, in quotes where it would not be seen."""
    text = "nothing" if value is None else str(value)[:40]
    return text if text and " " not in text else repr(text)

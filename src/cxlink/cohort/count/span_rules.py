"""What must hold of rows that are spans of a subscription."""

from dataclasses import replace
from typing import Any

from cxlink.cohort.count.refusals import raw_columns, refusal, shown
from cxlink.cohort.count.rules import TableRule
from cxlink.cohort.errors import InputError
from cxlink.cohort.read import columns
from cxlink.cohort.read.dates import date, written
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec


def refuse_bad_spans(source: Source, spec: CohortSpec) -> Source:
    """Give the table back, if every row names its customer and is a span.

    Leaving a span out would change what it is merged with, so that no cure drops rows.

    Raises
    ------
    InputError
        If a row lacks its customer or its first day, or ends before it starts, or either day cannot be read.
    """
    sub, key = spec.subscription, spec.cohort.id
    assert sub is not None
    assert key is not None
    start, end = str(sub.signup), str(sub.end)
    for name, role in ((key, "id"), (start, "signup"), (end, "end")):
        columns.raw(source, name, role)

    def with_days_of(part: Source) -> Any:
        table = part.table
        read = {"first": date(table[start], spec.table), "last": date(table[end], spec.table)}
        return table.select(**raw_columns(part), **read)

    how = written(spec.table)
    rules = (
        TableRule((key,), f"{key} must be there in every row", lambda t: ~columns.is_given(t[f"raw.{key}"]),
                  "Fill it in: spans of one customer are merged"),
        TableRule((start,), f"{start} must be a date, {how}, in every row", lambda t: t.first.isnull(),
                  "A row is a span of a subscription: write the day on which it started, or set [table] date_format"),
        TableRule((end,), f"{end} must be a date, {how}, or empty",
                  lambda t: columns.is_given(t[f"raw.{end}"]) & t.last.isnull(),
                  "Set [table] date_format or rewrite it; a span that has not ended has none"),
        TableRule((start, end), f"{start} must not be after {end}", lambda t: t.first > t.last, "Correct it"),
    )  # fmt: skip
    rows = with_days_of(source)
    counts = {f"n{i}": columns.as_one(rule.broken(rows)).sum() for i, rule in enumerate(rules)}
    found = source.run(rows.aggregate(**counts)).to_pylist()[0]
    for i, rule in enumerate(rules):
        if found[f"n{i}"]:
            raise refusal(source, spec, rule, with_days_of)
    return source


def same_in_every_span(source: Source, spec: CohortSpec) -> Source:
    """Give every span of a customer the amounts, and the cluster, that any of them has.

    Spend, its window, margin, the negative control and the cluster are of a customer, not of a span.

    Raises
    ------
    InputError
        If two spans of a customer have different ones.
    """
    section, key = spec.spend, str(spec.cohort.id)
    complete = section.complete if section is not None and isinstance(section.complete, str) else None
    asked = (
        spec.cohort.cluster,
        section.column if section is not None else None,
        complete,
        spec.margin_column,
        spec.control.column if spec.control is not None else None,
    )
    names = [name for name in dict.fromkeys(asked) if name is not None and name in source.table.columns]
    if not names:
        return source
    table = source.table.mutate(**{name: _or_nothing(source.table[name]) for name in names})
    for name in names:
        _refuse_different(source, table, key, name)
    most = {name: table[name].max().over(group_by=table[key]) for name in names}
    return replace(source, table=table.mutate(**most))


def _refuse_different(source: Source, table: Any, key: str, name: str) -> None:
    customers = table.group_by(who=table[key]).aggregate(n=table[name].nunique())
    several = customers.filter(customers.n > 1)
    n_several = int(source.run(several.count()).as_py())
    if n_several:
        example = shown(source.run(several.order_by("who").limit(1))["who"][0].as_py())
        raise InputError(
            f"{source.name}: {name} must be the same in every span of a customer, or empty: it is the customer's own, "
            f"over one window. {n_several:,} of them have different ones, such as {key} {example}. Add it up, or leave "
            "it to a table of surveys."
        )


def _or_nothing(column: Any) -> Any:
    """A cell, empty where it holds nothing; a flag as its text, since Postgres takes no largest of flags."""
    plain = column.cast("string") if column.type().is_boolean() else column
    return columns.is_given(plain).ifelse(plain, None)

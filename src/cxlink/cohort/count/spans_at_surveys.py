"""One span for each survey of a customer, with the first and the last day of its subscription."""

from dataclasses import replace
from typing import Any

from cxlink.cohort.count.spans import NEVER, Spans
from cxlink.cohort.read import columns
from cxlink.cohort.read.dates import day, with_days
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec


def with_own_surveys(spans: Spans, spec: CohortSpec) -> Source:
    """Join the spans of each customer to the surveys that any of their rows holds.

    Scores may stand in every row of a customer or in one alone; equal ones are one survey.
    """
    source = spans.source
    table, key = source.table, f"key_{spans.start}"
    score = columns.raw(source, spec.score.column, "score")
    survey = columns.raw(source, _survey(spec), "survey")
    names = _of_surveys(source, spec)
    given = table.filter(columns.is_given(score) | columns.is_given(survey))
    surveys = given.select(given[spans.key].name(key), *(given[name] for name in names)).distinct()
    rest = table.drop(*names)
    joined = rest.left_join(surveys, rest[spans.key] == surveys[key]).drop(key)
    return replace(source.kept(joined), columns=source.columns)


def _survey(spec: CohortSpec) -> str:
    assert spec.subscription is not None
    return str(spec.subscription.survey)


def _of_surveys(source: Source, spec: CohortSpec) -> list[str]:
    """Columns that are of a survey rather than of a span, and the days that were read from them."""
    metrics = spec.metrics
    named = [spec.score.column, _survey(spec)]
    named += [name for name in (metrics.touchpoint, metrics.date) if name] if metrics is not None else []
    sub = spec.subscription
    spans = {spec.cohort.id, sub.signup, sub.end} if sub is not None else set()
    names = [name for name in dict.fromkeys(named) if name in source.table.columns and name not in spans]
    return [*names, *(source.days[name] for name in names if name in source.days)]


def spans_at_surveys(spans: Spans, spec: CohortSpec, joined: Source) -> Source:
    """Keep one span for each survey of a customer.

    The one that runs on the day of the survey, of several the one that started last: after an upgrade the new plan
    counts. A survey on a day on which none runs keeps the span before it, with the days of that span alone, so that
    its dates break a rule; in a bridged gap too, since of those who were in one only who returned are known. A customer
    without a survey keeps the last span.

    Parameters
    ----------
    spans : Spans
        The spans of the table.
    spec : CohortSpec
        Its score and survey.
    joined : Source
        The same spans, a row for each of them and each survey of its customer.
    """
    import ibis

    table = spans.source.table
    of_spans = set(table.columns) - set(_of_surveys(spans.source, spec))
    source = with_days(joined, spec.date_columns)
    rows = source.table
    asked = day(source, _survey(spec), "survey")
    begun = (rows[spans.start] <= asked).fill_null(False)
    runs = begun & (asked <= rows[spans.stop]).fill_null(False)
    # ties are broken by the other columns, so that the order of rows does not matter
    rest = [rows[name] for name in rows.columns if name in spec.table_columns]
    place, inside = f"place_{spans.start}", f"inside_{spans.start}"
    window = {
        "group_by": [rows[name] for name in rows.columns if name == spans.key or name not in of_spans],
        "order_by": [
            ibis.desc(columns.as_one(runs)), ibis.desc(columns.as_one(begun)), ibis.desc(rows[spans.start]),
            ibis.desc(rows[spans.stop]), *rest,
        ],
    }  # fmt: skip
    ranked = rows.mutate(ibis.row_number().over(**window).name(place), (runs | asked.isnull()).name(inside))
    return _with_days_of_subscription(spans, spec, source, ranked.filter(ranked[place] == 0), inside)


def _with_days_of_subscription(
    spans: Spans, spec: CohortSpec, source: Source, kept: Any, inside: str
) -> Source:
    """Put the days and the cause of the subscription in place of those of the span."""
    import ibis

    sub = spec.subscription
    assert sub is not None
    first = kept[inside].ifelse(kept[spans.first], kept[spans.start])
    last = kept[inside].ifelse(kept[spans.last], kept[spans.stop])
    merged = {str(sub.signup): first, str(sub.end): (last == ibis.literal(NEVER)).ifelse(None, last)}
    if spans.cause:
        merged[str(sub.cause)] = kept[spans.cause]
    days = {name: of for name, of in source.days.items() if name not in merged}
    gone = {*spans.own, *(of for name, of in source.days.items() if name in merged)}
    names = [name for name in source.table.columns if name not in gone]
    chosen = kept.select(*(merged.get(name, kept[name]).name(name) for name in names))
    return replace(source.kept(_held(source, chosen)), days=days)


def _held(source: Source, rows: Any) -> Any:
    """Hold the rows where DuckDB was opened for this table: they are asked for several times, and merged once."""
    import ibis

    return ibis.memtable(source.run(rows)) if source.ours and source.engine.name == "duckdb" else rows

"""Queries as Spark runs them: what it does otherwise than other engines is written so that it does the same."""

from typing import Any

from cxlink.cohort.read.spark_waiting import interruptible

_ENDS = r"^\s+|\s+$"
_NUMBER = r"^\s*[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?\s*$"
"""Spark also reads ``7d`` and ``0x7p0`` as 7, as Java does; blanks around a number any engine reads past."""
_DAY = r"^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_MOMENT = _DAY + r"([ T][0-9]{1,2}:[0-9]{1,2}[-+:.0-9ZUTC ]*)?$"
"""Spark also reads ``2020-02`` as a day, and would give a time with an offset the day that it is in UTC."""


def run_on_spark(engine: Any, expression: Any) -> Any:
    """Run an expression on Spark, into an Arrow table or scalar: by Arrow alone, so that no whole number is rounded.

    Parameters
    ----------
    engine : ibis backend
        A session of Spark, or of Spark Connect.
    expression : ibis expression
        As any engine takes it.
    """
    return interruptible(engine._session, lambda: _found(engine, expression))


def _found(engine: Any, expression: Any) -> Any:
    import ibis.expr.operations as ops

    table = expression.as_table()
    for rows in table.op().find(ops.InMemoryTable):
        frame = engine._session.createDataFrame(_with_signs(rows.data.to_pyarrow(rows.schema)))
        frame.createOrReplaceTempView(rows.name)
    found = engine.raw_sql(engine.compile(as_elsewhere(table))).toArrow()
    return expression.__pyarrow_result__(found.cast(table.schema().to_pyarrow()))


def as_elsewhere(table: Any) -> Any:
    """Give a query that Spark understands as other engines do.

    Its ``trim`` takes spaces alone away, its regular expressions call what they found ``$1``, and it reads more texts
    as numbers and days.

    Parameters
    ----------
    table : ibis Table
        As any engine takes it.
    """
    import ibis.expr.operations as ops

    def written(node: Any, changed: dict[str, Any] | None) -> Any:
        node = node.__recreate__(changed) if changed else node
        if isinstance(node, ops.Strip):
            return ops.RegexReplace(node.arg, _ENDS, "")
        if isinstance(node, ops.RegexReplace):
            return ops.RegexReplace(node.arg, node.pattern, node.replacement.value.replace("\\", "$"))
        if isinstance(node, ops.TryCast) and node.arg.dtype.is_string():
            return _read(node.arg.to_expr(), node.to).op()
        return node

    return table.op().replace(written).to_expr()


def _read(text: Any, kind: Any) -> Any:
    """Text as a number or a day, where it is written as one; empty where it is not."""
    if kind.is_numeric():
        return text.re_search(_NUMBER).ifelse(text.try_cast(kind), None)
    valid = text.re_search(_MOMENT) & text.try_cast(kind).notnull()
    return valid.ifelse(text.re_extract(_DAY, 0).try_cast(kind), None)


def _with_signs(rows: Any) -> Any:
    """Arrow rows in types that Spark takes: it has no whole numbers without a sign."""
    import pyarrow as pa

    kinds = [pa.int64() if pa.types.is_unsigned_integer(field.type) else field.type for field in rows.schema]
    return rows.cast(pa.schema(list(zip(rows.column_names, kinds, strict=True))))

"""Tables that are counted by the engine they are in: which engines do, and in which order text stands there."""

from typing import Any

from cxlink.cohort.read.zones import in_own_zones, zones_of

COUNTING = ("duckdb", "postgres")
"""Engines that count their own tables; the rows of others are read in batches (`engine_batches`)."""

_BY_BYTES = ("pg_c_utf8", "C.utf8", "C.UTF-8", "C")
"""Collations of Postgres in the order of code points, as DuckDB sorts: the first that the server has is used."""


def in_place(engine: Any, rows: Any) -> Any:
    """Give a table of an engine that counts for itself as one whose days and order of text are those of a file's.

    Parameters
    ----------
    engine : ibis backend
        One of `COUNTING`.
    rows : ibis Table
        A table or an expression of it.
    """
    return in_own_zones(rows, zones_of(rows.schema())) if engine.name == "duckdb" else _by_bytes(engine, rows)


def _by_bytes(engine: Any, rows: Any) -> Any:
    """Text of Postgres in the order of its code points: which of two equal days is first is then the same anywhere.

    Types that have no order, such as documents and enumerations, are read as their text; shapes of a map are left out.
    """
    schema = rows.schema()
    names = [name for name in schema.names if not schema[name].is_geospatial()]
    plain = {name: schema[name] for name in names if _is_plain(schema[name])}
    if len(plain) == len(schema):
        return rows
    served = "SELECT collname FROM pg_collation WHERE collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding()))"
    with engine.raw_sql(served) as cursor:
        has = {name for (name,) in cursor.fetchall()}
    order = next(name for name in _BY_BYTES if name in has)
    read = {name: f'CAST({_quoted(name)} AS TEXT) COLLATE "{order}" AS {_quoted(name)}' for name in names}
    read |= {name: _quoted(name) for name in plain}
    query = f'SELECT {", ".join(read.values())} FROM ({engine.compile(rows.select(names))}) AS "rows"'
    return engine.sql(query, schema={name: plain.get(name, "string") for name in names})


def _is_plain(kind: Any) -> bool:
    return bool(kind.is_numeric() or kind.is_boolean() or kind.is_date() or kind.is_timestamp())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

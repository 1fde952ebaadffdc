"""Tables of engines: counted in place (DuckDB, Postgres, Spark), or copied into DuckDB in batches (SQLite, Polars)."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from cxlink.cohort.read.files import plain, refuse_twins
from cxlink.cohort.read.zones import in_own_zones, zones_of

COUNTING = ("duckdb", "postgres", "pyspark")
"""Engines that count their own tables; the rows of others are read in batches."""

BATCH = 100_000
"""Rows read from an engine at a time."""

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
    if engine.name == "duckdb":
        return in_own_zones(rows, zones_of(rows.schema()))
    return _by_bytes(engine, rows) if engine.name == "postgres" else _in_plain_types(rows)


def _in_plain_types(rows: Any) -> Any:
    """Lists, maps and structures of Spark as their text: a map has no order, and cannot be grouped by."""
    schema = rows.schema()
    odd = [name for name in schema.names if not _is_plain(schema[name]) and not schema[name].is_string()]
    return rows.mutate(**{name: rows[name].cast("string") for name in odd}) if odd else rows


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


def in_batches(engine: Any, rows: Any, wanted: Collection[str] | None, duckdb: Any) -> Any:
    """Copy the columns that matter from an engine into DuckDB.

    Parameters
    ----------
    engine : ibis backend
        Where the rows are.
    rows : ibis Table
        Its rows.
    wanted : collection of str or None
        Columns that matter; None for all.
    duckdb : ibis backend
        DuckDB in memory.

    Returns
    -------
    ibis Table
        The rows in ``duckdb``, timestamps as the local time of their columns' zones.

    Raises
    ------
    InputError
        If two columns have one name but for capitals.
    """
    from ibis.util import gen_name

    keep = [name for name in rows.columns if wanted is None or name in wanted] or list(rows.columns[:1])
    refuse_twins("table", keep)
    chosen = rows.select(keep)
    batches = _sqlite_batches(engine, chosen) if engine.name == "sqlite" else _batches(engine, chosen)
    first = next(batches)  # says of which types the columns are, and in which zones
    name = gen_name("rows")
    duckdb.create_table(name, first)
    for batch in batches:
        duckdb.insert(name, batch)
    return in_own_zones(duckdb.table(name), zones_of(first.schema))


def _batches(engine: Any, rows: Any) -> Iterator[Any]:
    import pyarrow as pa

    reader = engine.to_pyarrow_batches(rows, chunk_size=BATCH)
    yield plain(reader.schema.empty_table())
    for batch in reader:
        yield plain(pa.Table.from_batches([batch]))


def _sqlite_batches(engine: Any, rows: Any) -> Iterator[Any]:
    """Rows of SQLite, whose cells may be of other types than their columns: such a column is read as text.

    Days and times are text there, and are read as text of a file is.
    """
    import pyarrow as pa

    kinds = _sqlite_types(engine, rows)
    schema = pa.schema([(name, kind) for name, (kind, _) in kinds.items()])
    yield schema.empty_table()
    cursor = engine.con.execute(engine.compile(rows))
    while batch := cursor.fetchmany(BATCH):
        cells = zip(*batch, strict=True)
        yield pa.table(
            [
                pa.array([None if cell is None else read(cell) for cell in column], kind)
                for column, (kind, read) in zip(cells, kinds.values(), strict=True)
            ],
            schema=schema,
        )


def _sqlite_types(engine: Any, rows: Any) -> dict[str, tuple[Any, Callable[[Any], Any]]]:
    """Arrow type of each column, by what its cells are, and how a cell is read."""
    import pyarrow as pa

    names = list(rows.columns)
    looks = ", ".join(f"group_concat(DISTINCT typeof({_quoted(name)}))" for name in names)
    flags = [f"count(*) FILTER (WHERE {_quoted(name)} NOT IN (0, 1))" for name in names]
    query = f'SELECT {looks}, {", ".join(flags)} FROM ({engine.compile(rows)}) AS "rows"'
    seen = engine.con.execute(query).fetchone()
    types: dict[str, tuple[Any, Callable[[Any], Any]]] = {}
    for name, held, n_others in zip(names, seen, seen[len(names) :], strict=False):
        stored = set((held or "null").split(",")) - {"null"}
        if rows[name].type().is_boolean() and not n_others:
            types[name] = (pa.bool_(), bool)
        elif stored == {"integer"}:
            types[name] = (pa.int64(), int)
        elif stored and stored <= {"integer", "real"}:
            types[name] = (pa.float64(), float)
        else:
            types[name] = (pa.string(), str)
    return types


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

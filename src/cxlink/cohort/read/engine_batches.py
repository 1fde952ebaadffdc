"""Rows of engines that do not count for themselves (SQLite, Polars): copied into DuckDB in Arrow batches."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from cxlink.cohort.read.files import plain, refuse_twins
from cxlink.cohort.read.zones import in_own_zones, zones_of

BATCH = 100_000
"""Rows read from an engine at a time."""


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

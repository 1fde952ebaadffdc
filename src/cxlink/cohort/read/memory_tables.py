"""Tables in memory: frames of pandas and polars, lazy ones too, Arrow tables, relations of DuckDB."""

from collections.abc import Collection
from typing import Any

from cxlink.cohort.errors import InputError
from cxlink.cohort.read.engine_errors import complaint
from cxlink.cohort.read.files import plain, refuse_twins
from cxlink.cohort.read.text_files import named
from cxlink.cohort.read.zones import in_own_zones, zones_of


def in_memory(frame: Any, wanted: Collection[str] | None) -> tuple[Any, tuple[str, ...]]:
    """Give a frame, an Arrow table or a relation as an Ibis table, with the names of all its columns.

    Raises
    ------
    InputError
        If it is none of these, has no columns, or cannot be read.
    """
    import ibis
    import pyarrow as pa

    every, frame = _collected(frame, wanted)
    if isinstance(frame, pa.Table):
        names = tuple(frame.column_names)
    elif hasattr(frame, "iloc") or hasattr(frame, "to_series"):
        names = tuple(map(str, getattr(frame, "columns", ())))
    else:
        raise InputError(
            "table: give a path, a pandas, polars or Arrow table, a DuckDB relation, or an Ibis table."
        )
    if not names:
        raise InputError("table: it has no columns.")
    refuse_twins("table", names)
    names = tuple(named(names))
    at = [i for i, name in enumerate(names) if wanted is None or name in wanted] or [0]
    try:
        columns = [_arrow_column(frame, i) for i in at]
        rows = plain(pa.table(columns, names=[names[i] for i in at]))
    except Exception as error:
        raise InputError(f"table: {complaint(error, ())}.") from None
    return in_own_zones(ibis.memtable(rows), zones_of(rows.schema)), every or names


def _collected(frame: Any, wanted: Collection[str] | None) -> tuple[tuple[str, ...], Any]:
    """Run a lazy frame of polars, or a relation of DuckDB, for the columns that matter; with the names of all."""
    lazy = hasattr(frame, "collect_schema") and hasattr(frame, "collect")
    if not lazy and not hasattr(frame, "to_arrow_table"):
        return (), frame
    names = tuple(frame.collect_schema().names() if lazy else frame.columns)
    refuse_twins("table", names)
    keep = [name for name in names if wanted is None or name in wanted] or list(names[:1])
    try:
        if lazy:
            return names, frame.select(keep).collect()
        quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in keep)
        return names, frame.project(quoted).to_arrow_table()
    except Exception as error:
        raise InputError(f"table: {complaint(error, ())}.") from None


def _arrow_column(frame: Any, position: int) -> Any:
    """One column of a frame; pandas' objects that are points in time in their own zones, mixed ones as their text."""
    import pyarrow as pa

    if isinstance(frame, pa.Table):
        return frame.column(position)
    if hasattr(frame, "to_arrow"):
        return frame.to_series(position).to_arrow()
    column = frame.iloc[:, position]
    try:
        array = pa.array(column, from_pandas=True)
        # objects may have a zone each, where an Arrow column has one
        several = column.dtype == object and zones_of(pa.schema({"": array.type}))
        if several:
            return pa.array(
                [
                    None if gone else at.replace(tzinfo=None)
                    for at, gone in zip(column, column.isna(), strict=True)
                ]
            )
        if not isinstance(array.type, pa.ExtensionType):
            return array
    except (pa.ArrowException, OverflowError):
        pass
    return pa.array(
        [None if gone else str(value) for value, gone in zip(column, column.isna(), strict=True)], pa.string()
    )

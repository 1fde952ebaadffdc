"""Time zones: a timestamp's calendar day is that of its column's own zone, whoever reads it."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from cxlink.cohort.errors import InputError

_OFFSET = re.compile(r"([+-])([0-9]{2}):?([0-9]{2})")
_UTC = {"UTC", "Etc/UTC", "Z", "+00:00", "GMT"}


def zones_of(schema: Any) -> dict[str, str]:
    """Time zone of each column of an Arrow or Ibis schema that has one."""
    pairs = zip(schema.names, schema.types, strict=True)
    zones = {name: getattr(kind, "tz", None) or getattr(kind, "timezone", None) for name, kind in pairs}
    return {name: zone for name, zone in zones.items() if zone is not None}


def common_zones(
    files: tuple[Path, ...], schemas: list[Any], wanted: Collection[str] | None
) -> dict[str, str]:
    """Time zones of a table's columns, by its files' Arrow schemas, of all columns or of those that matter.

    Raises
    ------
    InputError
        If a column has another zone in another file: a day would then depend on the file.
    """
    zones = [zones_of(schema) for schema in schemas]
    matter = set(schemas[0].names if wanted is None else wanted)
    for file, here in zip(files, zones, strict=True):
        for name in sorted(matter & (set(here) | set(zones[0]))):
            if here.get(name) != zones[0].get(name):
                raise InputError(
                    f"{file.name}: {name} has time zone {here.get(name, 'none')}, in {files[0].name} "
                    f"{zones[0].get(name, 'none')}. Save both in one zone."
                )
    return {name: zone for name, zone in zones[0].items() if name in matter}


def zoned_by_engine(source: Any, names: Collection[str]) -> tuple[str, ...]:
    """Columns of an engine's own table, of some, that hold points in time: their day is that in UTC.

    Parameters
    ----------
    source : Source
        As opened. Rows of files and of frames have an order, and columns with a zone of their own.
    names : collection of str
        Columns that are read as days.
    """
    if source.ordered:
        return ()
    zones = zones_of(source.table.schema())
    return tuple(name for name in sorted(names) if name in zones)


def in_own_zones(table: Any, zones: Mapping[str, str]) -> Any:
    """Give a DuckDB table's timestamps with a zone as the local time of that zone, without one.

    Parameters
    ----------
    table : ibis Table
        On an engine whose session is in UTC.
    zones : mapping of str to str
        Zone of each column that has one: a name of the tz database, or an offset such as +01:00.
    """
    local = {
        name: _local(table[name], zone)
        for name, zone in zones.items()
        if zone not in _UTC and table[name].type().is_timestamp()
    }
    return table.mutate(**local) if local else table


def _local(column: Any, zone: str) -> Any:
    import ibis

    offset = _OFFSET.fullmatch(zone)
    if offset is None:
        return _timezone()(zone, column)
    minutes = (int(offset[2]) * 60 + int(offset[3])) * (-1 if offset[1] == "-" else 1)
    return column.cast("timestamp") + ibis.interval(minutes=minutes)


def _timezone() -> Any:
    """DuckDB's function of that name: a point in time as the local time of a zone."""
    import ibis
    import ibis.expr.datatypes as dt

    signature = ((dt.string, dt.Timestamp(timezone="UTC")), dt.timestamp)
    return ibis.udf.scalar.builtin(lambda _zone, _at: ..., name="timezone", signature=signature)

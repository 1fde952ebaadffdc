"""DuckDB as it is opened here: it reads what it is given, and nothing else."""

import glob
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_LOCAL = ("enable_external_access", "autoinstall_known_extensions", "autoload_known_extensions")
"""Settings of a DuckDB file without which a view in it could read any file or address."""


def embedded(files: Collection[Path] = ()) -> Any:
    """DuckDB in memory, which reads these files and nothing else: no other file, no address, no extension.

    Ibis sets its zone to UTC, so that a date is the same day wherever the machine stands.
    """
    import ibis

    engine = ibis.duckdb.connect()
    # as they are, and as the patterns that match them alone
    names = {name for file in files for name in (str(file), glob.escape(str(file)))}
    paths = ", ".join("'{}'".format(name.replace("'", "''")) for name in sorted(names))
    for setting in (
        "autoinstall_known_extensions = false", "autoload_known_extensions = false", f"allowed_paths = [{paths}]",
        "enable_external_access = false", "lock_configuration = true",
    ):  # fmt: skip
        engine.raw_sql(f"SET {setting}")
    return engine


def opened_safely(address: str) -> str:
    """An address as it is opened: a file of a database as it is, read only, and nothing from outside it."""
    parts = urlsplit(address)
    path = parts.netloc + parts.path
    if parts.scheme not in ("duckdb", "sqlite") or not path:
        return address
    if not Path(path).exists():  # connecting would make an empty one
        raise FileNotFoundError("no such database")
    if parts.scheme == "duckdb":
        settings = {"read_only": "True"} | dict.fromkeys(_LOCAL, "False")
        more = "&".join(f"{key}={value}" for key, value in settings.items() if key not in parts.query)
        address += ("&" if parts.query else "?") + more if more else ""
    return address

"""The first minute with a table: is it there, has it a spec, and how a starter spec is written."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxlink.cohort.errors import InputError

if TYPE_CHECKING:
    from cxlink.cohort.spec.cohort_spec import CohortSpec


def spec_for(table: str, spec: str | None, flags: Mapping[str, Mapping[str, Any]]) -> "CohortSpec":
    """Read the spec of a table from its file and the flags, after a look whether the table is there.

    Raises
    ------
    InputError
        If there is no such table, or neither file nor flags name the score: then with the way to a spec.
    """
    from cxlink.cohort.read.files import find_files
    from cxlink.cohort.spec.cohort_spec import read_spec

    address = "::" in table
    if not address:
        find_files(table)
    if spec is None and "column" not in flags.get("score", {}):
        name = table_name(table)
        again = "TABLE" if address else table
        raise InputError(
            f"{name if address else Path(table).name}: no spec says which column is the score. Make one with `cxlink "
            f"init {again} --out {name}.toml`, read it, then add --spec {name}.toml; or give --score and --scale."
        )
    return read_spec(spec, flags, table_name(table))


def table_name(table: str) -> str:
    """Name a cohort after its table, where the spec does not."""
    return Path(table.rsplit("::", 1)[-1]).name.split(".")[0].strip("*")[:100] or "cohort"


def write_starter(text: str, out: str) -> None:
    """Write a starter spec to a file that does not exist yet.

    Raises
    ------
    InputError
        If it exists, or cannot be written.
    """
    try:
        with Path(out).open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise InputError(f"{out}: exists already. Choose another --out.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{out}: cannot be written ({reason}).") from None

"""The first minute with a table: is it there, has it a spec, and how a starter spec is written."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxlink.cohort.errors import InputError

_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
"""Names that Windows keeps for devices, whatever their ending."""
_LONGEST = 100
"""Bytes of a folder's name; file systems allow 255, and a folder that is being filled has a longer one."""

if TYPE_CHECKING:
    from cxlink.cohort.spec.cohort_spec import CohortSpec


def spec_for(table: str, spec: str | None, flags: Mapping[str, Mapping[str, Any]]) -> "CohortSpec":
    """Read the spec of a table from its file and the flags, after a look whether the table is there.

    Raises
    ------
    InputError
        If there is no such table, or neither file nor flags name the score: then with the way to a spec.
    """
    from cxlink.cohort.addresses import is_address
    from cxlink.cohort.read.files import find_files
    from cxlink.cohort.spec.cohort_spec import read_spec

    address = is_address(table)
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


def file_name(name: str) -> str:
    """Make a folder's name of a cohort's, for any file system: letters, digits, dots and dashes; 100 bytes at most."""
    safe = "".join(c if c.isalnum() or c in "._-" else "-" for c in name).strip(".-")
    short = safe.encode()[:_LONGEST].decode(errors="ignore").strip(".-")
    return f"cohort-{short}" if short.partition(".")[0].lower() in _DEVICES else short or "cohort"


def write_starter(text: str, out: str) -> None:
    """Write a starter spec to a file that does not exist yet.

    Raises
    ------
    InputError
        If it exists, or cannot be written.
    """
    made = False
    try:
        with Path(out).open("x", encoding="utf-8") as stream:
            made = True
            stream.write(text)
    except FileExistsError:
        raise InputError(f"{out}: exists already. Choose another --out.") from None
    except (OSError, ValueError) as error:
        if made:
            Path(out).unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{out}: cannot be written ({reason}).") from None

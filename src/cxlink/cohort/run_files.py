"""Files of a run folder that anybody may have made: read only within limits, and only as its record says they are."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from cxlink.cohort.errors import InputError

_LONGEST_RECORD = 16 << 20
"""Bytes; a run's record has some thousand."""
LONGEST_TABLE = 256 << 20
"""Bytes of a table of estimates; the largest have some ten million."""


def read_record(path: Path) -> dict[str, Any]:
    """Read a JSON record of a few levels.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, is larger than any record, nested deeper than a record is, or no object.
    """
    if path.stat().st_size > _LONGEST_RECORD:
        raise ValueError("too large")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(record, dict):
        raise TypeError("no object")
    return record


def refuse_changed(folder: Path, files: Mapping[str, Any]) -> None:
    """Check that the files of a folder are inside it and as its record says.

    Parameters
    ----------
    folder : Path
        The run folder.
    files : mapping of str to str
        SHA-256 by name.

    Raises
    ------
    InputError
        With the first that leads out of the folder, is missing, or is not as it was written.
    """
    for name, hashed in files.items():
        path = _inside(folder, name)
        if path is None:
            raise InputError(f"{folder}: names a file outside of it ({name[:100]}). It is not read.")
        if not path.is_file():
            raise InputError(f"{folder}: {name} is missing. Fit the cohort again.")
        try:
            with path.open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"{folder}: {name} cannot be read ({error.strerror}).") from None
        if found != hashed:
            raise InputError(f"{folder}: {name} is not as it was written. Fit the cohort again.")


def refuse_large(path: Path) -> None:
    """Check that a table is no larger than a table of estimates can be.

    Raises
    ------
    InputError
        If it is.
    """
    if path.stat().st_size > LONGEST_TABLE:
        raise InputError(f"{path.parent}: {path.name} is larger than a table of estimates. It is not read.")


def _inside(folder: Path, name: str) -> Path | None:
    """Path of a file below the folder; None where the name or a link leads out of it."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith(("/", "\\")) or ".." in parts or any(c in name for c in "\\:\0"):
        return None
    path = folder.joinpath(*parts)
    linked = any(folder.joinpath(*parts[: i + 1]).is_symlink() for i in range(len(parts)))
    return None if linked else path

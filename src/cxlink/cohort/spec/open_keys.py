"""What ``cxlink init`` left to the user: keys that are open, and guesses that nobody has confirmed."""

from collections.abc import Mapping
from typing import Any

from cxlink.cohort.errors import InputError

OPEN = "…"
"""Value of a key that a starter spec asks for."""


def refuse_open(tables: Mapping[str, Any], source: str) -> None:
    """Refuse a spec in which a question of ``cxlink init`` is unanswered.

    Parameters
    ----------
    tables : mapping of section to its keys
        As read from TOML.
    source : str
        Name of the spec in the message.

    Raises
    ------
    InputError
        One line that names the keys.
    """
    keys = [
        f"[{section}] {key}"
        for section, values in tables.items()
        if isinstance(values, Mapping)
        for key, value in values.items()
        if value == OPEN
    ]
    if keys:
        waits = "waits for its answer" if len(keys) == 1 else "wait for their answers"
        raise InputError(
            f'{source}: {", ".join(keys)} {waits}: `cxlink init` could not tell and wrote "{OPEN}". Its comment says '
            "what to write; a section that does not apply may be deleted."
        )

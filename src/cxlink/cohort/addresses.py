"""Addresses of engines' tables, ``URL::table``: told from files, and never printed or kept beyond the table's name."""

import os
import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from cxlink.cohort.errors import InputError

_MARKS = re.compile(r"[/:@?&=;#,+\s]+")
_LEAST = 3
"""Letters of a part of an address that is hidden in other texts: shorter ones stand in most words."""
_PLAIN = frozenset({"true", "false", "none", "localhost", "memory"})
"""Parts of addresses that say nothing of anybody."""
_SPARK = ("spark://", "sc://")


def is_address(text: str) -> bool:
    """Whether a text names a table of an engine, not a file."""
    return "::" in text and not os.path.exists(text)  # noqa: PTH110 (false, no error, where it can be no path)


def shown(text: str) -> str:
    """What may be printed or kept of a table's place: a file as it is, of an address the table's name alone.

    Examples
    --------
    >>> shown("postgres://reader:secret@host/db::sales.customers")
    'URL::sales.customers'
    >>> shown("spark://local[2]::/data/crm/customers.parquet")
    'URL::customers.parquet'
    """
    return f"URL::{_last(text.rsplit('::', 1)[1])[1]}" if is_address(text) else text


def is_spark(address: str) -> bool:
    """Whether an address is one of Spark: ``spark://HOST:PORT``, ``spark://local[2]``, or ``sc://HOST:PORT``."""
    return address.startswith(_SPARK)


def parted(text: str) -> tuple[str, str]:
    """Split ``URL::table``; ``$NAME::table`` takes the address from an environment variable.

    The folder of a file that Spark reads belongs to the address: ``spark://local[2]::/data``, ``customers.parquet``.

    Raises
    ------
    InputError
        If there is no such variable.
    """
    address, name = text.rsplit("::", 1)
    if address.startswith("$"):
        known = os.environ.get(address[1:], "")
        if not known:
            raise InputError(
                f"{_last(name)[1]}: the environment has no variable of that name. Export it with the address."
            )
        address = known
    folder, file = _last(name) if is_spark(address) else (None, name)
    return (address if folder is None else f"{address}::{folder}"), file


def _last(name: str) -> tuple[str | None, str]:
    """Folder of a file, None without one, and its name."""
    folder, mark, file = name.rstrip("/").rpartition("/")
    return (folder if mark else None), file


def pieces(address: str) -> frozenset[str]:
    """Every part of an address that could identify a place, a person or a key; in small letters."""
    raw = _MARKS.split(address.partition("://")[2] or address)
    meant = [unquote(part) for part in raw]
    parts = {address, *raw, *meant, *(part for text in meant for part in _MARKS.split(text))}
    return frozenset(part.lower() for part in parts if len(part) >= _LEAST and part.lower() not in _PLAIN)


def tells(text: str, address: str) -> bool:
    """Whether a text tells any part of an address."""
    return any(True for _ in _told(text, pieces(address)))


def hidden(text: str, addresses: Iterable[str]) -> str:
    """Give a text with every part of these addresses as ``***``."""
    for address in addresses:
        for part in sorted(pieces(address), key=len, reverse=True):
            text = _as_a_word(part).sub("***", text)
    return text


def addresses_in(arguments: Iterable[str]) -> list[str]:
    """Addresses among the arguments of a command, those from the environment included."""
    found = []
    for argument in arguments:
        if is_address(argument) or "://" in argument:
            address, *name = argument.rsplit("::", 1)
            found += [address, os.environ.get(address[1:], "")] if address.startswith("$") else [address]
            found += [_last(file)[0] or "" for file in name]
    return [address for address in found if address]


def _told(text: str, parts: Iterable[str]) -> Iterator[str]:
    return (part for part in parts if _as_a_word(part).search(text))


def _as_a_word(part: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(part)}(?!\w)", re.IGNORECASE)

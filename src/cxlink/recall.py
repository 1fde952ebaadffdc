"""Results that this process has made already, by what they were made from: asked for again, they are not made again."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from threading import Lock
from typing import Any

import pandas as pd
from pydantic import BaseModel

from cxlink.results import Results

MOST = 8
"""Analyses that are kept: the last ones asked for."""
_kept: OrderedDict[str, Results] = OrderedDict()
_lock = Lock()


def fingerprint(*parts: Any) -> str:
    """Give the SHA-256 of everything that results depend on: frames with their columns and types, specs, settings.

    Parameters
    ----------
    *parts
        Frames, dataclasses and pydantic models, tuples of such, and plain values, whose text is taken.
    """
    digest = hashlib.sha256()
    for piece in _pieces(parts):
        digest.update(len(piece).to_bytes(8, "big"))
        digest.update(piece)
    return digest.hexdigest()


def _pieces(part: Any) -> Iterator[bytes]:
    if isinstance(part, pd.DataFrame):
        yield repr(list(zip(part.columns, part.dtypes, strict=True))).encode()
        yield pd.util.hash_pandas_object(part).to_numpy().tobytes()
    elif isinstance(part, BaseModel):
        yield part.model_dump_json(exclude_unset=True).encode()
    elif isinstance(part, tuple):
        yield f"tuple of {len(part)}".encode()
        for one in part:
            yield from _pieces(one)
    elif is_dataclass(part):
        yield type(part).__name__.encode()
        for field in fields(part):
            yield from _pieces(getattr(part, field.name))
    else:
        yield repr(part).encode()


def recalled[R: Results](known: str, make: Callable[[], R]) -> R:
    """Give the results under a fingerprint, made where they are not known.

    What is kept is a copy: whoever changes a table of what was given changes no later answer.

    Parameters
    ----------
    known : str
        As `fingerprint` gives it.
    make : callable
        Makes them.
    """
    with _lock:
        kept = _kept.get(known)
        if kept is not None:
            _kept.move_to_end(known)
    if kept is None:
        made = make()
        with _lock:
            _kept[known] = _copied(made)
            while len(_kept) > MOST:
                _kept.popitem(last=False)
        return made
    return _copied(kept)  # type: ignore[return-value]


def forget() -> None:
    """Keep nothing of what was made so far."""
    with _lock:
        _kept.clear()


def _copied[R: Results](results: R) -> R:
    frames: dict[str, Any] = {
        field.name: value.copy()
        for field in fields(results)
        if isinstance(value := getattr(results, field.name), pd.DataFrame)
    }
    return replace(results, **frames)

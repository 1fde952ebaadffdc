"""The first error of a spec, in one line that names the key."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

_UNKNOWN = "extra_forbidden"
_CLOSE = 0.6
"""Share of letters in common from which an unknown key is taken for a known one (Ratcliff & Metzener 1988)."""


def first_complaint(error: ValidationError, spec: type[BaseModel]) -> str:
    """Describe the first error of a spec in one line: an unknown key before one that is missing for its sake.

    Parameters
    ----------
    error : ValidationError
        What pydantic found.
    spec : model
        The spec's, whose fields are its sections.
    """
    errors = error.errors(include_url=False)
    first = next((one for one in errors if one["type"] == _UNKNOWN), errors[0])
    # where a key may be of two types, pydantic adds the type it tried to the key's place
    where = [str(part) for part in first["loc"] if part not in ("bool", "str", "float")]
    key = f"[{where[0]}] {'.'.join(where[1:])}".strip() if where else ""
    cause = first.get("ctx", {}).get("error")
    if first["type"] == _UNKNOWN:
        return _unknown(key, where, first["input"], spec)
    if first["type"] == "missing":
        return f"{key} is missing."
    if cause is not None:
        text = str(cause).rstrip(".")
        return f"{key}: {text}." if key else f"{text}."
    value = first.get("input")
    value = list(value) if isinstance(value, tuple) else value
    shown = "" if isinstance(value, Mapping | BaseModel) else f" (found {value!r})"
    text = str(first["msg"])
    return f"{key}: {text[:1].lower()}{text[1:]}{shown}."


def _unknown(key: str, where: list[str], value: Any, spec: type[BaseModel]) -> str:
    """Say that a section or a key is unknown, and which was meant: one of a like name, else one of that name."""
    *above, name = where
    elsewhere = [section for section, keys in _sections(spec) if name in keys]
    if not above and not isinstance(value, Mapping):
        under = f"belongs under [{elsewhere[0]}]" if elsewhere else "belongs under a [section]"
        return f"{name} stands above the first [section]: it {under}."
    of = "a key of the spec" if above else "a section of the spec"
    known = _keys_below(above, spec)
    close = get_close_matches(name.lower(), known, n=1, cutoff=_CLOSE)
    if close:
        return f"{key} is not {of}: did you mean {close[0] if above else f'[{close[0]}]'}?"
    if elsewhere:
        return f"{key} is not {of}: {name} stands under [{elsewhere[0]}]."
    shown = sorted(known if above else (f"[{section}]" for section in known))
    return f"{key} is not {of}. Known here: {', '.join(shown)}."


def _sections(spec: type[BaseModel]) -> Iterator[tuple[str, list[str]]]:
    """Sections of the spec, each with its keys."""
    for name in spec.model_fields:
        yield name, _keys_below([name], spec)


def _keys_below(above: list[str], spec: type[BaseModel]) -> list[str]:
    """Keys that the spec knows below a section or key; none where any name is allowed there."""
    place: Any = spec
    for name in above:
        models = [one for one in _inner(place) if isinstance(one, type) and issubclass(one, BaseModel)]
        named = [one for one in _inner(place) if get_origin(one) is dict]
        if models and name in models[0].model_fields:
            place = models[0].model_fields[name].annotation
        elif named:
            place = get_args(named[0])[1]
        else:
            return []
    models = [one for one in _inner(place) if isinstance(one, type) and issubclass(one, BaseModel)]
    return list(models[0].model_fields) if models else []


def _inner(place: Any) -> list[Any]:
    """A type, and the types that it may be instead."""
    return [place, *(get_args(place) if get_origin(place) is not dict else ())]

"""The first error of a spec, in one line that names the key."""

from collections.abc import Mapping

from pydantic import BaseModel, ValidationError


def first_complaint(error: ValidationError, spec: type[BaseModel]) -> str:
    """Describe the first error of a spec in one line.

    Parameters
    ----------
    error : ValidationError
        What pydantic found.
    spec : model
        The spec's, whose fields are its sections.
    """
    first = error.errors(include_url=False)[0]
    # where a key may be of two types, pydantic adds the type it tried to the key's place
    where = [str(part) for part in first["loc"] if part not in ("bool", "str", "float")]
    key = f"[{where[0]}] {'.'.join(where[1:])}".strip() if where else ""
    cause = first.get("ctx", {}).get("error")
    if first["type"] == "extra_forbidden":
        return f"{key} is not a key of the spec. Known here: {', '.join(sorted(_keys_beside(where, spec)))}."
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


def _keys_beside(where: list[str], spec: type[BaseModel]) -> list[str]:
    """Keys that the spec knows where an unknown one was found."""
    fields = spec.model_fields
    if len(where) == 1:
        return list(fields)
    annotation = fields[where[0]].annotation
    options = [annotation, *getattr(annotation, "__args__", ())]
    section = next(o for o in options if isinstance(o, type) and issubclass(o, BaseModel))
    return list(section.model_fields)

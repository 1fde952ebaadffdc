"""What every table of a spec is: a frozen model that knows its keys."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of the spec: frozen, and strict about unknown keys and types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

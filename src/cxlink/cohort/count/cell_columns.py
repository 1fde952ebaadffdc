"""Columns of cells as rules see them: compared and combined as a query would, without an engine."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column, or what a rule says of it; an empty cell makes what is said of it empty, as in SQL.

    Attributes
    ----------
    values : Arrow array of length n_cells
        Numbers, text, or truth values.
    """

    values: Any

    def __lt__(self, other: Any) -> "Column":
        return Column(pc.less(self.values, _values(other)))

    def __gt__(self, other: Any) -> "Column":
        return Column(pc.greater(self.values, _values(other)))

    def __eq__(self, other: object) -> "Column":  # type: ignore[override]
        return Column(pc.equal(self.values, _values(other)))

    def __and__(self, other: Any) -> "Column":
        return Column(pc.and_kleene(self.values, _values(other)))

    def __or__(self, other: Any) -> "Column":
        return Column(pc.or_kleene(self.values, _values(other)))

    def __invert__(self) -> "Column":
        return Column(pc.invert(self.values))

    def isnull(self) -> "Column":
        """Whether each cell is empty."""
        return Column(pc.is_null(self.values))

    def notnull(self) -> "Column":
        """Whether each cell holds something."""
        return Column(pc.is_valid(self.values))

    def isin(self, numbers: Collection[float]) -> "Column":
        """Whether each cell is one of some numbers; empty where it is."""
        among = pc.is_in(self.values, value_set=pa.array(numbers).cast(self.values.type))
        return Column(pc.if_else(pc.is_valid(self.values), among, None))


def _values(other: Any) -> Any:
    return other.values if isinstance(other, Column) else pa.scalar(other)


@dataclass(frozen=True, slots=True)
class CellColumns:
    """The columns of an Arrow table, by name or as attributes."""

    cells: pa.Table

    def __getitem__(self, name: str) -> Column:
        return Column(self.cells[name])

    def __getattr__(self, name: str) -> Column:
        return self[name]

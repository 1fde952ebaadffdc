"""Columns of cells as rules see them: compared and combined as a query would, without an engine."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


@dataclass(frozen=True, slots=True, eq=False)
class CellColumn:
    """A column, or what a rule says of it; an empty cell makes what is said of it empty, as in SQL.

    Attributes
    ----------
    values : Arrow array of length n_cells
        Numbers, text, or truth values.
    """

    values: Any

    def __lt__(self, other: Any) -> "CellColumn":
        return CellColumn(pc.less(self.values, _values(other)))

    def __gt__(self, other: Any) -> "CellColumn":
        return CellColumn(pc.greater(self.values, _values(other)))

    def __eq__(self, other: object) -> "CellColumn":  # type: ignore[override]
        return CellColumn(pc.equal(self.values, _values(other)))

    def __and__(self, other: Any) -> "CellColumn":
        return CellColumn(pc.and_kleene(self.values, _values(other)))

    def __or__(self, other: Any) -> "CellColumn":
        return CellColumn(pc.or_kleene(self.values, _values(other)))

    def __invert__(self) -> "CellColumn":
        return CellColumn(pc.invert(self.values))

    def isnull(self) -> "CellColumn":
        """Whether each cell is empty."""
        return CellColumn(pc.is_null(self.values))

    def notnull(self) -> "CellColumn":
        """Whether each cell holds something."""
        return CellColumn(pc.is_valid(self.values))

    def isin(self, numbers: Collection[float]) -> "CellColumn":
        """Whether each cell is one of some numbers; empty where it is."""
        among = pc.is_in(self.values, value_set=pa.array(numbers).cast(self.values.type))
        return CellColumn(pc.if_else(pc.is_valid(self.values), among, None))


def _values(other: Any) -> Any:
    return other.values if isinstance(other, CellColumn) else pa.scalar(other)


@dataclass(frozen=True, slots=True)
class CellColumns:
    """The columns of an Arrow table, by name or as attributes."""

    cells: pa.Table

    def __getitem__(self, name: str) -> CellColumn:
        return CellColumn(self.cells[name])

    def __getattr__(self, name: str) -> CellColumn:
        return self[name]

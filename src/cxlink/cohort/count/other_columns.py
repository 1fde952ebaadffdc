"""Further scores as columns of the table: their keys, and the rule that each keeps to its scale."""

from typing import Any

import pyarrow as pa

from cxlink.cohort.count.rules import TableRule
from cxlink.cohort.errors import InputError
from cxlink.cohort.read import columns
from cxlink.cohort.read.score_column import score_key
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec

_PREFIX = "other."


def other_column(name: str) -> str:
    """Name the key of a further score."""
    return f"{_PREFIX}{name}"


def other_keys(source: Source, spec: CohortSpec) -> dict[str, Any]:
    """Give each further score as a key, one below its scale where a cell holds no level of it.

    Raises
    ------
    InputError
        If a column is not there, or holds true and false.
    """
    keys = {}
    for name, other in spec.others.items():
        column, scale = columns.raw(source, other.column, f"others.{name}"), other.levels
        if column.type().is_boolean() and (scale.low, scale.high) != (0, 1):
            raise InputError(
                f"{source.name}: {other.column} holds true and false, no score from {scale.low} to {scale.high}. "
                f"Name another column in [score] others.{name}."
            )
        keys[other_column(name)] = score_key(column, spec.table, scale, other.round)
    return keys


def other_ranges(source: Source, spec: CohortSpec) -> pa.Table:
    """Give the least and the largest key of each further score, as two cells."""
    rows = source.table.select(**other_keys(source, spec))
    ends = {f"{name}.{end}": getattr(rows[name], end)() for name in rows.columns for end in ("min", "max")}
    found = source.run(rows.aggregate(**ends)).to_pylist()[0]
    return pa.table({
        name: pa.array([found[f"{name}.min"], found[f"{name}.max"]], type=pa.int64()) for name in rows.columns
    })  # fmt: skip


def other_rules(spec: CohortSpec) -> list[TableRule]:
    """Rules of further scores, in the order of the spec."""
    return [
        _rule(name, other.column, other.levels.low, other.levels.high) for name, other in spec.others.items()
    ]


def _rule(name: str, column: str, low: int, high: int) -> TableRule:
    key = other_column(name)
    return TableRule(
        (column,),
        f"{column} must be a whole number from {low} to {high}, or empty",
        lambda t: (t[key] < low) | (t[key] > high),
        f"Set scale in [score] others.{name}.",
    )

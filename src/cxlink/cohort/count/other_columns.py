"""Further scores as columns of the table: their keys, and the rule that each keeps to its scale."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cxlink.cohort.count.rules import TableRule
from cxlink.cohort.read.score_column import further_key, levels_of
from cxlink.cohort.read.shared_steps import select_once
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.other_scores import OtherScore

_PREFIX = "other."


def other_column(name: str) -> str:
    """Name the key of a further score."""
    return f"{_PREFIX}{name}"


def other_keys(source: Source, spec: CohortSpec) -> dict[str, Any]:
    """Give the keys of all further scores, by the name of their column."""
    return {other_column(name): further_key(source, name, other) for name, other in spec.others.items()}


def other_ranges(source: Source, spec: CohortSpec, finer: pa.Table | None = None) -> pa.Table:
    """Give the least and the largest key of each further score, as two cells: of cells that have them, else of rows."""
    if finer is not None:
        names = map(other_column, spec.others)
        return pa.table(
            {name: pa.array(pc.min_max(finer[name]).as_py().values(), pa.int64()) for name in names}
        )
    rows = select_once(source.table, other_keys(source, spec))
    ends = {f"{name}.{end}": getattr(rows[name], end)() for name in rows.columns for end in ("min", "max")}
    found = source.run(rows.aggregate(**ends)).to_pylist()[0]
    return pa.table({
        name: pa.array([found[f"{name}.min"], found[f"{name}.max"]], type=pa.int64()) for name in rows.columns
    })  # fmt: skip


def other_rules(spec: CohortSpec) -> list[TableRule]:
    """Rules of further scores, in the order of the spec."""
    return [_rule(name, other) for name, other in spec.others.items()]


def _rule(name: str, other: OtherScore) -> TableRule:
    key, low, high = other_column(name), other.levels.low, other.levels.high
    return TableRule(
        (other.column,),
        f"{other.column} must be {levels_of(other)}, or empty",
        lambda t: (t[key] < low) | (t[key] > high),
        f"Set {'labels' if other.labels else 'scale'} in [score] others.{name}",
    )

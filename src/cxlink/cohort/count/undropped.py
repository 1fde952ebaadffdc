"""What the rows that were excluded would have counted as, where their score and times are valid."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from cxlink.cohort.count.coding import CLOCK
from cxlink.cohort.count.rules import TableRule
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.spec_sections import AdjustSection

_KEPT = ("score", *CLOCK, "n")


def retention_spec(spec: CohortSpec) -> CohortSpec:
    """Give the spec of retention by score alone: nothing adjusted for, no spend, no metrics."""
    return spec.model_copy(
        update={"spend": None, "control": None, "metrics": None, "value": None, "adjust": AdjustSection()}
    )


def valid_in_time(raw: pa.Table, rules: Sequence[TableRule], engine: Any) -> pa.Table:
    """Keep the cells whose score and times are valid, whatever else is wrong with them.

    Parameters
    ----------
    raw : Arrow table
        Cells as `grouping.raw_cells` gives them.
    rules : sequence of TableRule
        Of score and times, as `rules.time_rules` gives them.
    engine : ibis backend
        Engine that evaluates them.

    Returns
    -------
    Arrow table
        The columns of score, times and ``n``.
    """
    import ibis

    cells = ibis.memtable(raw)
    for rule in rules:
        cells = cells.filter(~rule.broken(cells).fill_null(False))
    return engine.to_pyarrow(cells.select([name for name in _KEPT if name in raw.column_names]))

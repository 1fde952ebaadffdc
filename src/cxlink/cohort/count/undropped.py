"""What the rows that were excluded would have counted as, where their score and times are valid."""

from collections.abc import Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from cxlink.cohort.count.cell_columns import CellColumns
from cxlink.cohort.count.coding import CLOCK
from cxlink.cohort.count.rules import TableRule
from cxlink.cohort.spec.cohort_spec import TENURE_AT_SURVEY, CohortSpec
from cxlink.cohort.spec.spec_sections import AdjustSection

_KEPT = ("score", *CLOCK, "bucket", "n")


def retention_spec(spec: CohortSpec) -> CohortSpec:
    """Give the spec of retention by score alone: nothing adjusted for, no spend, no metrics."""
    alone = AdjustSection(bands={TENURE_AT_SURVEY: ()})  # not banded by default either
    score = spec.score.model_copy(update={"others": None})
    rows = spec.cohort.model_copy(update={"repeat": "error", "cluster": spec.cluster_column})
    return spec.model_copy(
        update={
            "score": score, "spend": None, "control": None, "metrics": None, "value": None, "adjust": alone,
            "cohort": rows,
        }
    )  # fmt: skip


def valid_in_time(raw: pa.Table, rules: Sequence[TableRule]) -> pa.Table:
    """Keep the cells whose score and times are valid, whatever else is wrong with them.

    Parameters
    ----------
    raw : Arrow table
        Cells as `grouping.raw_cells` gives them.
    rules : sequence of TableRule
        Of score and times, as `rules.time_rules` gives them.

    Returns
    -------
    Arrow table
        The columns of score, times and ``n``.
    """
    columns = CellColumns(raw)
    # a score has a rule in every spec
    broken = reduce(pc.or_, [pc.fill_null(rule.broken(columns).values, False) for rule in rules])
    return raw.filter(pc.invert(broken)).select([name for name in _KEPT if name in raw.column_names])

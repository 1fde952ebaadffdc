"""Rules say of cells what an engine's query would say of them, empty where that is."""

from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest
from tabled import spec

from cxlink.cohort.count.cell_columns import CellColumns
from cxlink.cohort.count.metric_expressions import metric_rules
from cxlink.cohort.count.row_expressions import FAULTS
from cxlink.cohort.count.rules import broken, rules_of
from cxlink.cohort.read.columns import BAD

SPEND = {"spend": {"column": "spent", "complete": "over"}, "value": {"margin": "margin"}}
MORE = {"control": {"column": "before"}, "adjust": {"bands": {"age": [30]}}, "metrics": {"member": "club"}}
DURATIONS = {"duration": "months", "event": "lost", "entry": "before", "follow_up": "seen"}
DATES = {"signup": "signup", "survey": "asked", "end": "end", "observed_until": "seen", "clock": "signup"}
METRICS = {
    "orders": "orders", "support_cost": "cost", "date": "asked", "contract_value": "worth", "new_customer": "new",
}  # fmt: skip
SPECS = {
    "durations": spec(SPEND, MORE, subscription=DURATIONS),
    "dates": spec(SPEND, subscription=DATES),
    "metrics": spec(SPEND, metrics=METRICS, subscription={"duration": "months", "event": "lost"}),
}
WHOLE = (
    "score", "whole", "follow", "entry", "exit", "event", "fault", "use_min", "member", "spend_known", "spend_n",
    "margin_n", "control_given", "control_n", *(f"bad.{name}" for name in (*METRICS, "not_new", "contract_months")),
)  # fmt: skip


def cells(n: int = 400) -> pa.Table:
    """Cells with a value on either side of every bound, and empty ones, in every column."""
    rng = np.random.default_rng(5)
    anything: dict[str, tuple[Any, pa.DataType]] = {
        name: ([-1, 0, 1, 2, 11, 3000], pa.int64()) for name in WHOLE
    }
    anything |= {"whole": ([-0.5, 0.0, 2.5, 2400.5], pa.float64()), "event": ([0.0, 1.0, 2.0], pa.float64())}
    anything |= {"beyond": ([True, False], pa.bool_()), "stratum.age": ([BAD, 0, 1], pa.int64())}
    anything |= {"fault": (list(range(len(FAULTS) + 1)), pa.int64())}
    columns = {
        name: pa.array([None if k == len(few) else few[k] for k in rng.integers(0, len(few) + 1, n)], kind)
        for name, (few, kind) in anything.items()
    }
    return pa.table(columns)


@pytest.mark.parametrize("kind", SPECS)
def test_a_rule_says_the_same_of_cells_as_in_a_query(kind: str) -> None:
    table, rules = cells(), [*rules_of(SPECS[kind]), *metric_rules(SPECS[kind])]
    rows, columns = ibis.memtable(table), CellColumns(table)
    engine = ibis.duckdb.connect()
    said = engine.to_pyarrow(rows.select(**{f"r{i}": rule.broken(rows) for i, rule in enumerate(rules)}))
    engine.disconnect()
    for i, rule in enumerate(rules):
        expected = said[f"r{i}"].to_pylist()
        assert rule.broken(columns).values.to_pylist() == expected, rule.must
        assert {True} < set(expected), rule.must
    assert len(broken(table, rules)) == len(rules)


def test_a_rule_is_kept_where_it_holds_or_nothing_is_known() -> None:
    rules = rules_of(spec(subscription={"duration": "months", "event": "lost"}))
    good = pa.table({"score": [10, None], "whole": [3.0, None], "event": [1.0, None]})
    assert broken(good, rules) == []
    worse = good.set_column(0, "score", pa.array([11, None]))
    assert [rule.must for rule in broken(worse, rules)] == ["score must be a whole number from 1 to 10"]

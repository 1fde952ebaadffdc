"""Rows or cells by the state of their customers at the horizon: retained, lost by then, or not followed so far."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cxlink.cohort.count import amounts
from cxlink.cohort.count.coding import CLOCK, spells_of_cells
from cxlink.cohort.count.driver_counts import BUCKET
from cxlink.cohort.count.grouping import MOST_CELLS
from cxlink.cohort.count.other_columns import other_column
from cxlink.cohort.count.row_expressions import prepare
from cxlink.cohort.read.columns import as_one
from cxlink.cohort.read.shared_steps import select_once
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.other_scores import MAIN
from cxlink.cohort.strata import stratum_column

CENSORED, RETAINED = -1, 0
"""States at the horizon; a larger number is the period of loss."""
_NONE = -9  # of a time that a row has not: no time is negative but for -1, which a rule refuses


def states_at(raw: pa.Table, spec: CohortSpec, horizon: int) -> pd.DataFrame:
    """Give the state at the horizon of each combination of times in the raw cells; none of those never observed."""
    entry, leave, lost, counted = spells_of_cells(raw, spec)
    stay = leave - entry
    by_then = lost & (stay <= horizon)
    state = np.where(by_then, stay, np.where(stay >= horizon, RETAINED, CENSORED))
    return by_times(raw, state, counted)


def by_times(raw: pa.Table, state: np.ndarray, counted: np.ndarray) -> pd.DataFrame:
    """Give the state, a number, of each combination of times in the raw cells; none of those that do not count."""
    times = {
        name: _filled(raw[name].to_pandas()) for name in raw.column_names if name in CLOCK and name != "wave"
    }
    return pd.DataFrame({**times, "state": state})[counted].drop_duplicates()


def finer_by_state(finer: pa.Table, spec: CohortSpec, states: pd.DataFrame | None) -> pa.Table:
    """Add finer cells up by all scores, strata and state at the horizon, as `grouped_by_state` groups the rows.

    Parameters
    ----------
    finer : Arrow table
        Cells by further scores too, without amounts.
    spec : CohortSpec
        Of the cohort.
    states : DataFrame or None
        As `states_at` gives them; None where nobody has one.
    """
    keys = [MAIN, *map(other_column, spec.others), *map(stratum_column, spec.stratum_variables)]
    keys += [BUCKET] if spec.cluster_column is not None else []
    if states is None:
        state = pa.array(np.full(finer.num_rows, RETAINED))
    else:
        named = [name for name in states.columns if name != "state"]
        times = pd.DataFrame({name: _filled(finer[name].to_pandas()) for name in named})
        # a cell whose times have no state is of customers who were never observed
        state = pa.array(times.merge(states, "left")["state"], pa.int64(), from_pandas=True)
    cells = finer.select([*keys, "n"]).append_column("state", state)
    scored = cells.filter(pc.and_(pc.is_valid(cells[MAIN]), pc.is_valid(cells["state"])))
    sums = scored.group_by([*keys, "state"]).aggregate([("n", "sum")])
    return sums.rename_columns([*keys, "state", "n"])


def grouped_by_state(
    source: Source, spec: CohortSpec, keys: dict[str, Any], states: pd.DataFrame | None
) -> pa.Table:
    """Group rows by keys, strata and state at the horizon, with their spend.

    Parameters
    ----------
    source : Source
        The table.
    spec : CohortSpec
        Of the cohort.
    keys : dict of str to ibis column
        What to group by beside strata and state; a row without the first of them is left out.
    states : DataFrame or None
        As `states_at` gives them; None where nobody has one.
    """
    import ibis

    prepared = prepare(source, spec)
    needed = next(iter(keys))
    keys = {**keys, **{name: prepared.keys[name] for name in map(stratum_column, spec.stratum_variables)}}
    named = [] if states is None else [str(name) for name in states.columns if name != "state"]
    times = {name: _as_number(prepared.keys[name]) for name in named}
    y = {} if prepared.y is None else {"y": prepared.y}
    rows = select_once(source.table, {**keys, **times, **y})
    rows = rows.drop_null([needed])
    if states is not None:
        known = ibis.memtable(states.rename(columns={name: f"of.{name}" for name in times}))
        rows = rows.inner_join(known, [rows[name] == known[f"of.{name}"] for name in times])
    else:
        rows = rows.mutate(state=ibis.literal(RETAINED, "int64"))
    totals = {"n": rows.count()}
    if y:
        top = amounts.top_for(source.run(rows.y.abs().max()).as_py())
        squares = amounts.product(rows.y, rows.y, source.engine.name)
        totals |= {
            "spend_n": rows.y.count(),
            "spend_sum": amounts.exact_sum(rows.y, top, source.engine.name),
            "spend_sum_sq": amounts.exact_sum(squares, top**2, source.engine.name),
        }
    grouped: pa.Table = source.run(rows.group_by([*keys, "state"]).aggregate(**totals).limit(MOST_CELLS + 1))
    return grouped


def _filled(times: pd.Series) -> np.ndarray:
    if times.dtype == bool or any(isinstance(one, bool) for one in times.dropna().head(1)):
        return times.fillna(False).astype(bool).to_numpy(dtype=np.int64)
    return times.fillna(_NONE).to_numpy(dtype=float).astype(np.int64)


def _as_number(column: Any) -> Any:
    return as_one(column) if column.type().is_boolean() else column.cast("int64").coalesce(_NONE)

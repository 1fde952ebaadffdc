"""One more group-by, for several scores: rows by all of them and the strata, with entry, exit and whether lost.

What weights for censoring are made from: whether the other scores, which are no strata, tell who leaves follow-up.
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from cxlink.cohort.count.coding import code_cells, spells_of_cells, stratum_names
from cxlink.cohort.count.driver_counts import after_outcome
from cxlink.cohort.count.follow_up_counts import FollowUpCounts, follow_up_table
from cxlink.cohort.count.grouping import MOST_CELLS
from cxlink.cohort.count.other_columns import other_column, other_keys
from cxlink.cohort.count.outcome_states import by_times, finer_by_state, grouped_by_state
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.resolution import resolve
from cxlink.cohort.count.row_expressions import prepare
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.other_scores import MAIN
from cxlink.cohort.strata import stratum_column


def count_follow_up(
    source: Source, spec: CohortSpec, raw: pa.Table, read: Profile, finer: pa.Table | None = None
) -> FollowUpCounts | None:
    """Count customers by all scores, strata and times; None without further scores or a subscription.

    Parameters
    ----------
    source : Source
        The table, in which every rule holds.
    spec : CohortSpec
        With ``[score] others``.
    raw : Arrow table
        The raw cells of the same rows, as `grouping.raw_cells` gives them.
    read : Profile
        Of the table.
    finer : Arrow table or None
        The finer cells of `finer_cells.cells_with_finer`; without them the rows are grouped once more.

    Returns
    -------
    FollowUpCounts or None
        None, too, where customers are clustered: weights have no interval that accounts for it.
    """
    if not spec.others or spec.subscription is None or spec.cluster_column is not None:
        return None
    counts = resolve(code_cells(raw, spec, read))
    if not len(counts.scored):
        return None
    horizon = counts.spec.horizon
    spells, states = _spells_by_times(raw, spec, horizon)
    if finer is not None:
        grouped = finer_by_state(finer, spec, states)
    else:
        without_spend = spec.model_copy(update={"spend": None})
        keys: dict[str, Any] = {
            MAIN: prepare(source, without_spend).keys["score"],
            **other_keys(source, spec),
        }
        grouped = grouped_by_state(source, without_spend, keys, states)
    if grouped.num_rows > MOST_CELLS:
        grouped = grouped.slice(0, 0)
    cells = _coded(grouped, spec, spells)
    left_out = after_outcome(_answered(cells, spec, horizon))
    return follow_up_table(cells.drop(columns=list(left_out)), spec, horizon, left_out)


def _spells_by_times(raw: pa.Table, spec: CohortSpec, horizon: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the distinct entries, exits and losses, and which each combination of times in the raw cells is.

    Where time starts at the survey, nobody is followed beyond the horizon.
    """
    entry, leave, lost, counted = spells_of_cells(raw, spec)
    if spec.subscription is not None and spec.subscription.clock == "survey":
        leave, lost = np.minimum(leave, horizon), lost & (leave <= horizon)
    rows = np.column_stack([entry, leave, lost]).astype(np.int64)
    distinct, at = np.unique(rows, axis=0, return_inverse=True)
    seen = counted & (leave > entry)
    spells = pd.DataFrame(distinct, columns=["entry", "exit", "lost"])
    return spells, by_times(raw, at.ravel(), seen)


def _coded(grouped: pa.Table, spec: CohortSpec, spells: pd.DataFrame) -> pd.DataFrame:
    """Cells with strata by name, further scores as numbers that are empty where not given, and times."""
    cells = pd.DataFrame(
        {name: grouped[other_column(name)].to_pandas().astype(float) for name in spec.others}
    )
    cells[MAIN] = grouped[MAIN].to_pandas().astype("int64")
    for variable in spec.stratum_variables:
        column = stratum_column(variable)
        cells[column] = stratum_names(grouped[column], spec.cuts.get(variable))
    times = spells.iloc[grouped["state"].to_numpy().astype(np.int64)].reset_index(drop=True)
    return cells.assign(**{name: times[name] for name in times}, n=grouped["n"].to_numpy().astype(np.int64))


def _answered(cells: pd.DataFrame, spec: CohortSpec, horizon: int) -> pd.DataFrame:
    """Of each further score, those who gave it and those who did not: how many outlast the horizon, or are lost."""
    lost = cells["lost"] == 1
    retained = (cells["exit"] - cells["entry"] >= horizon) & ~lost
    rows = []
    for name in spec.others:
        for given in (True, False):
            n = cells["n"].where(cells[name].notna() == given, 0)
            sums = {"n": n.sum(), "retained": n[retained].sum(), "lost": n[lost].sum()}
            rows.append({"score": name, "given": given, **sums})
    return pd.DataFrame(rows)

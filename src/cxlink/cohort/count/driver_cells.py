"""One more group-by, for several scores: rows by all of them and the strata, with the outcome at the horizon.

Who is censored before the horizon has no outcome there. Those with one are weighted by the inverse of the probability
that theirs could have been observed, w = 1/P(F ≥ t), with F the potential follow-up by Kaplan–Meier in the stratum, and
t the period of loss, or the horizon of who outlasts it (Robins & Finkelstein 2000,
doi 10.1111/j.0006-341X.2000.00779.x).
"""

import numpy as np
import pandas as pd
import pyarrow as pa

from cxlink.cohort.count.clusters import bucket_key, with_bucket_column
from cxlink.cohort.count.coding import code_cells, stratum_names
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.driver_counts import BUCKET, DriverCounts, after_outcome, driver_names, joint
from cxlink.cohort.count.grouping import MOST_CELLS
from cxlink.cohort.count.other_columns import other_column, other_keys
from cxlink.cohort.count.outcome_states import RETAINED, finer_by_state, grouped_by_state, states_at
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.resolution import LEAST_FOLLOWED, observable, resolve
from cxlink.cohort.count.row_expressions import prepare
from cxlink.cohort.errors import InputError
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.other_scores import MAIN
from cxlink.cohort.strata import stratum_column


def count_drivers(
    source: Source, spec: CohortSpec, raw: pa.Table, read: Profile, finer: pa.Table | None = None
) -> DriverCounts | None:
    """Count customers by all scores and strata; None where the spec has one score, or nobody gave it.

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

    Raises
    ------
    InputError
        If there are too many cells.
    """
    if not spec.others:
        return None
    counts = resolve(code_cells(raw, spec, read))
    if not len(counts.scored):
        return None
    horizon = counts.spec.horizon if spec.subscription is not None else 0
    chances = followed_chances(counts, horizon) if horizon else {}
    states, alone = observed_states(raw, spec, horizon, chances), ""
    if spec.cluster_column is not None:
        alone = " Or compare them in a run without [cohort] cluster."
    if finer is not None:
        grouped = finer_by_state(finer, spec, states)
    else:
        source = with_bucket_column(source, spec)
        keys = {MAIN: prepare(source, spec).keys["score"], **other_keys(source, spec)}
        if spec.cluster_column is not None:
            keys[BUCKET] = bucket_key(source, spec)
        grouped = grouped_by_state(source, spec, keys, states)
    if grouped.num_rows > MOST_CELLS:
        raise InputError(
            f"{source.name}: more than {MOST_CELLS:,} cells of scores. Name fewer [score] others, adjust for fewer or "
            f"coarser columns ([adjust] bands), or use a longer [subscription] unit.{alone}"
        )
    try:
        return driver_table(_coded(grouped, spec), spec, chances, horizon)
    except InputError as error:
        raise InputError(f"{source.name}: {error}{alone}") from None


def driver_table(
    cells: pd.DataFrame, spec: CohortSpec, chances: dict[tuple[str, ...], np.ndarray], horizon: int
) -> DriverCounts:
    """Make the table of cells by all scores, strata and state at the horizon.

    Parameters
    ----------
    cells : DataFrame
        A column of each score (empty: not given) and stratum, ``state``, ``n``, and with spend its sums; where
        customers are clustered also ``bucket``.
    spec : CohortSpec
        Of the cohort.
    chances : dict of stratum to ndarray of shape (horizon + 1,)
        As `followed_chances` gives them; empty where nobody is followed to the horizon.
    horizon : int
        In periods.

    Raises
    ------
    InputError
        If there are too many cells, whatever levels are merged.
    """
    if chances:
        cells = with_outcomes(cells, spec, chances)
    answered = _answered(cells, spec)
    strata = [stratum_column(name) for name in spec.stratum_variables]
    left_out = after_outcome(answered) if chances else ()
    scores = [name for name in driver_names(spec) if name not in left_out]
    complete = cells.dropna(subset=scores).drop(columns=["state", *left_out])
    made = joint(complete, scores, [*strata, *({BUCKET} & set(complete))])
    return DriverCounts(made.cells, answered, horizon if chances else 0, made.merged, left_out)


def followed_chances(counts: Counts, horizon: int) -> dict[tuple[str, ...], np.ndarray]:
    """P(F ≥ t) at t = 0 … horizon, by stratum and under ``()`` of everybody; nothing if too few reach it."""
    cells = counts.scored
    pooled = observable(cells, horizon)
    if pooled[-1] < min(LEAST_FOLLOWED, pooled[0] / 2):
        return {}
    chances: dict[tuple[str, ...], np.ndarray] = {(): pooled / pooled[0]}
    strata = [stratum_column(name) for name in counts.spec.stratum_variables]
    for key, own in cells.groupby(strata) if strata else ():
        if own["n"].sum() >= LEAST_FOLLOWED and (followed := observable(own, horizon))[-1] >= LEAST_FOLLOWED:
            chances[tuple(map(str, key if isinstance(key, tuple) else (key,)))] = followed / followed[0]
    return chances


def observed_states(
    raw: pa.Table, spec: CohortSpec, horizon: int, chances: dict[tuple[str, ...], np.ndarray]
) -> pd.DataFrame | None:
    """Give the state at the horizon of each combination of times, one for all where nobody is followed so far.

    Times of customers who were never observed have none, so that these are left out as they are of the cohort's cells;
    None without a subscription.
    """
    if spec.subscription is None:
        return None
    states = states_at(raw, spec, horizon)
    return states if chances else states.assign(state=RETAINED)


def _coded(grouped: pa.Table, spec: CohortSpec) -> pd.DataFrame:
    """Cells with strata by name; scores as numbers, empty where not given; their bucket of clusters; sorted."""
    cells = pd.DataFrame({MAIN: grouped[MAIN].to_pandas().astype(float)})
    for name in spec.others:
        cells[name] = grouped[other_column(name)].to_pandas().astype(float)
    if BUCKET in grouped.column_names:
        cells[BUCKET] = grouped[BUCKET].to_numpy().astype(np.int64)
    return with_sums(cells, grouped, spec)


def with_sums(cells: pd.DataFrame, grouped: pa.Table, spec: CohortSpec) -> pd.DataFrame:
    """Give cells their strata by name, their state, customers and sums of spend; sorted."""
    for variable in spec.stratum_variables:
        column = stratum_column(variable)
        cells[column] = stratum_names(grouped[column], spec.cuts.get(variable))
    cells["state"] = grouped["state"].to_numpy().astype(np.int64)
    cells["n"] = grouped["n"].to_numpy().astype(np.int64)
    for name in ("spend_n", "spend_sum", "spend_sum_sq") if spec.spend is not None else ():
        amount = grouped[name].to_pandas().astype(float).fillna(0)
        cells[name] = amount.astype("int64" if name == "spend_n" else "float64")
    # sorted by everything, so that sums of equal cells are taken in one order
    return cells.sort_values(list(cells.columns), ignore_index=True)


def with_outcomes(
    cells: pd.DataFrame, spec: CohortSpec, chances: dict[tuple[str, ...], np.ndarray]
) -> pd.DataFrame:
    """Give the customers retained and lost at the horizon, each with the sums of their weights and of the squares."""
    strata = [stratum_column(name) for name in spec.stratum_variables]
    state, n = cells["state"].to_numpy(), cells["n"].to_numpy()
    keys = list(cells[strata].itertuples(index=False, name=None)) if strata else [()] * len(cells)
    rows = {key: i for i, key in enumerate(chances)}
    curve = np.array([rows.get(key, 0) for key in keys], dtype=int)
    table = np.array(list(chances.values()))
    period = np.where(state == RETAINED, table.shape[1] - 1, np.maximum(state, 0))
    weight = np.divide(1.0, table[curve, period], where=table[curve, period] > 0, out=np.zeros(len(cells)))
    made = cells.copy()
    for name, which in (("retained", state == RETAINED), ("lost", state > RETAINED)):
        made[name] = np.where(which, n, 0)
        made[f"{name}_weight"] = np.where(which, n * weight, 0.0)
        made[f"{name}_weight_sq"] = np.where(which, n * weight**2, 0.0)
    return made


def _answered(cells: pd.DataFrame, spec: CohortSpec) -> pd.DataFrame:
    """Of each further score, the customers who gave it and those who did not, with their outcomes."""
    followed = ("retained", "lost", "retained_weight", "lost_weight")
    rows = []
    for name in spec.others:
        for given in (True, False):
            own = cells[cells[name].notna() == given]
            sums = {what: own[what].sum().item() if what in own else 0 for what in followed}
            rows.append({"score": name, "given": given, "n": own["n"].sum().item(), **sums})
    return pd.DataFrame(rows)

"""Raw cells become counts: entry, exit and cause from the spec's time origin, strata by name, equal cells added up."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cxlink.cohort.count.cell_remarks import event_words, lacking_spend, score_texts
from cxlink.cohort.count.counts import CONTROL, MARGIN, PER_CUSTOMER, SPEND, Counts, add_up
from cxlink.cohort.count.mix import MISSING
from cxlink.cohort.count.profile import Profile, Remark
from cxlink.cohort.count.recorded_durations import recorded_spells, whole_numbers
from cxlink.cohort.count.scored_stayers import scored_stayers
from cxlink.cohort.count.survey_history import WHOLE, history_names
from cxlink.cohort.count.unconfirmed import unconfirmed_guesses
from cxlink.cohort.read.columns import band_labels
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.strata import stratum_column

LOST = "lost"


def code_cells(raw: pa.Table, spec: CohortSpec, read: Profile) -> Counts:
    """Code raw cells by the spec's time origin and duration convention, and add equal ones up.

    Parameters
    ----------
    raw : Arrow table
        The cells that `grouping.raw_cells` gave; every rule holds in them.
    spec : CohortSpec
        Its time origin decides what exit and entry are.
    read : Profile
        Profile of the table's rows so far.
    """
    times = {name: raw[name].to_pandas() for name in raw.column_names if name in CLOCK}
    scored = raw["score"].is_valid().to_numpy()
    n = raw["n"].to_numpy().astype(np.int64)
    entry, leave, lost, notes = _spells(times, spec, np.where(scored, n, 0))
    notes += [
        *event_words(raw, spec),
        *score_texts(raw, spec),
        *lacking_spend(raw, spec),
        *scored_stayers(scored, lost, n, spec),
        *unconfirmed_guesses(spec),
    ]
    cells = pd.DataFrame({"score": raw["score"].to_pandas().astype("Float64").astype("Int64")})
    for column, values in _strata(raw, spec).items():
        cells[column] = values
    cells["entry"], cells["exit"] = entry, leave
    cells["cause"] = np.where(lost, category_names(raw["cause"]) if "cause" in raw.column_names else LOST, "")
    cells["wave"] = _waves(times["wave"]) if "wave" in times else ""
    cells = cells.assign(**_further_keys(raw), n=n)
    if "share" in raw.column_names:
        cells[PER_CUSTOMER] = raw["share"].to_pandas().astype("int64")
    for column in SPEND if spec.spend is not None else ():
        kind = "int64" if column in ("spend_n", "spend_zero") else "float64"
        amount = raw["spend_known" if column == "spend_n" else column].to_pandas()
        cells[column] = amount.astype("float64").fillna(0).astype(kind)
    more = [
        *(CONTROL if spec.control is not None else ()),
        *(MARGIN if spec.margin_column is not None else ()),
    ]
    for column in more:
        total = raw[column].to_pandas().astype("float64").fillna(0)
        cells[column] = total.astype("int64" if column in ("control_n", "margin_n") else "float64")
    left_out = _never_observed(spec, scored & (leave <= entry), lost)
    facts = {"unit": spec.unit}
    gone = [Remark(code, int(n[rows].sum()), facts=facts) for code, rows in left_out.items() if n[rows].any()]
    for rows in left_out.values():
        cells = cells[~rows[cells.index]]
    if any(cells[name].dtype == float for name in cells):
        # sorted by everything, so that sums of equal cells are taken in one order; sums of whole numbers are the same
        cells = cells.sort_values(list(cells.columns))
    cells = add_up(cells)
    if PER_CUSTOMER in cells:  # divided once they are summed: the same digits from any engine
        cells[PER_CUSTOMER] /= WHOLE
    used, dropped = int(cells["n"].sum()), (*read.dropped, *gone)
    return Counts(cells, spec, replace(read, rows_used=used, dropped=dropped, notes=tuple(notes)))


def _strata(raw: pa.Table, spec: CohortSpec) -> dict[str, Any]:
    """Columns of the adjustment variables, and where every survey counts the score before each."""
    history = history_names(raw, spec) if spec.every_survey else {}
    strata = {stratum_column(variable): spec.cuts.get(variable) for variable in spec.stratum_variables}
    of_table = {name: stratum_names(raw[name], cuts) for name, cuts in strata.items() if name not in history}
    ordered = {name: history[name] if name in history else of_table[name] for name in strata}
    return ordered | {name: values for name, values in history.items() if name not in strata}


def spells_of_cells(raw: pa.Table, spec: CohortSpec) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give for each raw cell when its customers entered and left, and whether they were then lost.

    Parameters
    ----------
    raw : Arrow table
        As `code_cells` takes it.
    spec : CohortSpec
        With ``[subscription]``.

    Returns
    -------
    entry, leave, lost, counted : ndarray of shape (n_cells,)
        In whole periods, whether lost, and whether the customers are observed at all.
    """
    times = {name: raw[name].to_pandas() for name in raw.column_names if name in CLOCK}
    entry, leave, lost, _ = _spells(times, spec, np.zeros(raw.num_rows, np.int64))
    unseen = _never_observed(spec, leave <= entry, lost).values()
    return entry, leave, lost, ~np.any([np.zeros(len(leave), bool), *unseen], axis=0)


def _further_keys(raw: pa.Table) -> dict[str, Any]:
    """Touchpoint, membership and bucket of clusters, where cells have them."""
    keys: dict[str, Any] = {}
    if "touchpoint" in raw.column_names:
        keys["touchpoint"] = category_names(raw["touchpoint"])
    if "member" in raw.column_names:
        keys["member"] = raw["member"].to_pandas().map({1: "yes", 0: "no"}).fillna(MISSING)
    if "bucket" in raw.column_names:
        keys["bucket"] = raw["bucket"].to_pandas().astype("int64")
    return keys


CLOCK = ("event", "whole", "part", "follow", "entry", "exit", "lost", "wave")
"""Columns of a raw cell that say when it entered, left or was last observed."""


def _spells(
    times: dict[str, pd.Series], spec: CohortSpec, scored: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Remark]]:
    """Entry, exit and whether lost, in whole periods; ``scored`` customers in each cell."""
    sub = spec.subscription
    zero = np.zeros(len(scored), np.int64)
    if sub is None:
        return zero, zero, zero.astype(bool), []
    notes: list[Remark] = []
    if sub.dated:
        leave, lost = whole_numbers(times["exit"]), times["lost"].to_numpy(bool)
    else:
        leave, lost, notes = recorded_spells(times, spec, scored)
    entry = (
        np.maximum(leave - sub.window, 0)
        if sub.window
        else whole_numbers(times["entry"])
        if "entry" in times
        else zero
    )
    if "entry" in times:
        # of a customer with neither score nor entry, the start of risk is unknown
        unknown = times["entry"].isna().to_numpy()
        leave, lost = np.where(unknown, 0, leave), lost & ~unknown
    idle = int(scored[(leave == 0) & ~lost].sum())
    if idle and sub.clock == "survey":
        notes.append(Remark("followed_briefly", idle, facts={"unit": sub.unit}))
    return entry, leave, lost, notes


def category_names(column: pa.ChunkedArray) -> np.ndarray:
    """Categories as text, blanks as `MISSING`."""
    words = pc.utf8_trim_whitespace(column.cast(pa.string()))
    words = pc.if_else(pc.equal(words, ""), None, words).fill_null(MISSING)
    return np.asarray(words.to_pandas(), dtype=object)


def stratum_names(column: pa.ChunkedArray, cuts: tuple[float, ...] | None) -> np.ndarray:
    """Categories of an adjustment variable, or the bands that it is cut into, as text."""
    if cuts is None:
        return category_names(column)
    names = np.array([MISSING, *band_labels(cuts)], dtype=object)
    return np.asarray(names[column.to_pandas().fillna(-1).to_numpy(dtype=int) + 1])


def _waves(quarters: pd.Series) -> np.ndarray:
    """Names of calendar quarters, each written once; none where the survey has no date."""
    codes, found = pd.factorize(quarters.fillna(0).astype(int))
    return np.array([f"{q // 4}Q{q % 4 + 1}" if q > 0 else "" for q in found], dtype=object)[codes]


def _never_observed(spec: CohortSpec, before: np.ndarray, lost: np.ndarray) -> dict[str, np.ndarray]:
    """Delayed entry: customers lost or censored before the first whole period after the survey."""
    sub = spec.subscription
    if sub is None or sub.clock == "survey":
        return {}
    if sub.window is not None:  # entered at signup at the latest, so only they have no whole period
        return {"under_one_period": before}
    return {"lost_before_entry": before & lost, "censored_before_entry": before & ~lost}

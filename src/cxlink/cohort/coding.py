"""Raw cells become counts: entry, exit and cause on the spec's clock, strata by name, equal cells added up."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from cxlink.cohort.columns import band_labels
from cxlink.cohort.counts import SPEND, Counts, add_up
from cxlink.cohort.profile import Profile
from cxlink.cohort.spec import CohortSpec

MISSING = "(missing)"
LOST = "lost"


def code_cells(
    raw: pa.Table, spec: CohortSpec, name: str, rows_read: int, dropped: Mapping[str, int], mark: str
) -> Counts:
    """Read raw cells as the spec says and add equal ones up.

    Parameters
    ----------
    raw : Arrow table
        The cells that `table.read_cohort` grouped; every rule holds in them.
    spec : CohortSpec
        Its clock decides what exit and entry are.
    name, rows_read, dropped, mark
        What the profile says of the table.
    """
    frame = raw.to_pandas()
    frame = frame.sort_values([c for c in frame.columns if c not in SPEND], kind="stable", ignore_index=True)
    cells = pd.DataFrame({"score": frame["score"].astype("Float64").astype("Int64")})
    for variable in spec.stratum_variables:
        cells[f"stratum.{variable}"] = _stratum(frame[f"stratum.{variable}"], spec.cuts.get(variable))
    entry, leave, lost, notes = _clock(frame, spec)
    cells["entry"], cells["exit"] = entry, leave
    cells["cause"] = _causes(frame, lost)
    cells["wave"] = _waves(frame)
    cells["n"] = frame["n"].astype("int64")
    for column in SPEND if spec.spend is not None else ():
        kind = "int64" if column in ("spend_n", "spend_zero") else "float64"
        cells[column] = frame["spend_known" if column == "spend_n" else column].fillna(0).astype(kind)
    left_out = _never_observed(cells, spec)
    gone = {why: int(cells.loc[rows, "n"].sum()) for why, rows in left_out.items()}
    keep = ~np.logical_or.reduce(list(left_out.values())) if left_out else np.full(len(cells), True)
    cells = add_up(cells[keep])
    reasons = {why: n for why, n in {**dropped, **gone}.items() if n}
    profile = Profile(name, rows_read, int(cells["n"].sum()), reasons, tuple(notes), clock_words(spec), mark)
    return Counts(cells, spec, profile)


def clock_words(spec: CohortSpec) -> str:
    """Say what a duration was taken to be."""
    sub = spec.subscription
    if sub is None:
        return ""
    since = "the score" if sub.clock == "survey" else "signup, observed from the survey on"
    if sub.window:
        since = f"signup, observed for the last {sub.window} {sub.unit}s"
    return f"{sub.unit}s since {since}"


def _stratum(column: pd.Series, cuts: tuple[float, ...] | None) -> pd.Series:
    gap = column.isna()
    if cuts is not None:
        names = np.array(band_labels(cuts), dtype=object)
        text = pd.Series(names[column.fillna(0).astype(int).to_numpy()], index=column.index)
    elif column.dtype == float:
        text = column.map(lambda value: f"{value:g}")
    else:
        text = column.astype(str)
    return text.astype(object).mask(gap, MISSING).astype(str)


def _clock(frame: pd.DataFrame, spec: CohortSpec) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Entry, exit and whether lost, in whole periods (design rule 2)."""
    n = len(frame)
    sub = spec.subscription
    if sub is None:
        return np.zeros(n, int), np.zeros(n, int), np.zeros(n, bool), []
    if sub.dated:
        leave, lost, notes = _whole(frame["exit"]), frame["lost"].to_numpy(bool), []
    else:
        leave, lost, notes = _from_durations(frame, spec)
    if sub.window:
        entry = np.maximum(leave - sub.window, 0)
    else:
        entry = _whole(frame["entry"]) if "entry" in frame else np.zeros(n, int)
    idle = (leave == 0) & ~lost & frame["score"].notna().to_numpy() & (entry == 0)
    n_idle = int(frame.loc[idle, "n"].sum())
    if n_idle and sub.clock == "survey":
        notes.append(
            f"{_customers(n_idle)} with a score were followed for less than one whole {sub.unit}: they carry nothing "
            "about retention."
        )
    return entry, leave, lost, notes


def _from_durations(frame: pd.DataFrame, spec: CohortSpec) -> tuple[np.ndarray, np.ndarray, list[str]]:
    sub = spec.subscription
    assert sub is not None
    whole, lost = _whole(frame["whole"]), frame["event"].fillna(0).to_numpy() == 1
    known = frame["whole"].notna().to_numpy()
    lost &= known
    part = frame["part"].to_numpy(bool)
    completed = sub.counts == "completed"
    period = whole + 1 if completed else np.maximum(whole + part, 1)
    leave = np.where(lost, period, whole)
    notes = []
    at_zero = int(frame.loc[lost & (whole == 0) & ~part, "n"].sum())
    if at_zero and not completed:
        notes.append(
            f'{_customers(at_zero)} were lost at duration 0, which is counted as period 1: a sign that the column '
            'holds completed periods. If so, set [subscription] counts = "completed".'
        )
    if "follow" in frame:
        most = _whole(frame["follow"])
        beyond = (leave > most) & frame["follow"].notna().to_numpy()
        late = int(frame.loc[beyond & lost, "n"].sum())
        if late:
            notes.append(
                f"{_customers(late)} were lost after the last whole {sub.unit} of their follow-up: counted as still "
                "there at its end."
            )
        leave, lost = np.where(beyond, most, leave), lost & ~beyond
    return leave, lost, notes


def _whole(column: pd.Series) -> np.ndarray:
    return column.fillna(0).to_numpy(dtype=float).astype(np.int64)


def _customers(n: int) -> str:
    return f"{n:,} customer{'' if n == 1 else 's'}"


def _causes(frame: pd.DataFrame, lost: np.ndarray) -> np.ndarray:
    if "cause" not in frame:
        return np.where(lost, LOST, "")
    named = frame["cause"].astype(object).where(frame["cause"].notna(), MISSING).astype(str).to_numpy()
    return np.where(lost, named, "")


def _waves(frame: pd.DataFrame) -> Any:
    if "wave" not in frame:
        return ""
    quarters = frame["wave"].fillna(0).astype(int)
    return np.where(quarters > 0, (quarters // 4).astype(str) + "Q" + (quarters % 4 + 1).astype(str), "")


def _never_observed(cells: pd.DataFrame, spec: CohortSpec) -> dict[str, np.ndarray]:
    """Late entry: who left, or was last seen, before the first whole period after the survey."""
    sub = spec.subscription
    if sub is None or sub.clock == "survey":
        return {}
    before = (cells["exit"] <= cells["entry"]).to_numpy() & cells["score"].notna().to_numpy()
    lost = (cells["cause"] != "").to_numpy()
    when = f"before the first whole {sub.unit} after the survey"
    return {f"lost {when}": before & lost, f"last seen {when}": before & ~lost}

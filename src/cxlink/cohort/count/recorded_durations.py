"""Recorded durations become exits in whole periods, by the spec's duration convention and follow-up."""

import numpy as np
import pandas as pd

from cxlink.cohort.count.profile import Remark
from cxlink.cohort.spec.cohort_spec import CohortSpec

_FEWEST_LOST = 10
"""Losses by which a last part period shows: the last few at risk may all be lost, and fewer are not read anyway."""


def recorded_spells(
    times: dict[str, pd.Series], spec: CohortSpec, scored: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[Remark]]:
    """Exit, in whole periods, and whether lost, of each cell, with what is to be said of them.

    Parameters
    ----------
    times : dict of str to Series
        Columns of the raw cells: ``event``, ``whole``, and where there are any ``part`` and ``follow``.
    spec : CohortSpec
        With durations.
    scored : int ndarray of shape (n_cells,)
        Customers with a score in each.
    """
    sub = spec.subscription
    assert sub is not None
    whole = whole_numbers(times["whole"])
    part = times["part"].to_numpy(bool) if "part" in times else np.zeros(len(whole), bool)
    known = times["whole"].notna().to_numpy()
    if "entry" in times:  # of a customer with neither score nor entry, the start of risk is unknown
        known &= times["entry"].notna().to_numpy()
    lost = (times["event"].fillna(0).to_numpy(float) == 1) & known
    completed = sub.counts == "completed"
    leave = np.where(lost, whole + 1 if completed else np.maximum(whole + part, 1), whole)
    notes = []
    at_zero = int(scored[lost & (whole == 0) & ~part].sum())
    if at_zero and not completed:
        notes.append(Remark("lost_at_zero", at_zero, facts={"unit": sub.unit}))
    in_part = int(scored[lost & part].sum())
    if in_part and scored[~lost & part].any() and "follow" not in times:
        notes.append(Remark("followed_in_part", in_part, facts={"unit": sub.unit}))
    if "follow" in times:
        most = whole_numbers(times["follow"])
        beyond = (leave > most) & times["follow"].notna().to_numpy()
        late = int(scored[beyond & lost].sum())
        if late:
            notes.append(Remark("lost_after_follow_up", late, facts={"unit": sub.unit}))
        leave, lost = np.where(beyond, most, leave), lost & ~beyond
    elif not completed:
        last, aside = _last_part(leave, lost, known, scored)
        if scored[aside].any():
            facts = {"unit": sub.unit, "last": last, "period": last + 1}
            notes.append(Remark("last_part_set_aside", int(scored[aside].sum()), facts=facts))
        leave, lost = np.where(aside, last, leave), lost & ~aside
    return leave, lost, notes


def _last_part(
    leave: np.ndarray, lost: np.ndarray, known: np.ndarray, scored: np.ndarray
) -> tuple[int, np.ndarray]:
    """Find the last period of any customer retained, and the losses in the one after it, where there is none later.

    Losses are recorded with their period rounded up, customers retained with theirs rounded down: where observation
    ends within a period, its losses are seen and those whom they leave are not. All rows decide together, so that
    groups of them add up.

    Returns
    -------
    last : int
        0 where no customer was retained for a period.
    aside : bool ndarray of shape (n_cells,)
        None where observation of any customer went on for longer, or fewer than ten with a score were lost there.
    """
    last = int(leave[known & ~lost].max(initial=0))
    after = lost & (leave > last)
    many = scored[after].sum() >= _FEWEST_LOST
    return last, after & bool(many and last > 0 and (leave[after] == last + 1).all())


def whole_numbers(column: pd.Series) -> np.ndarray:
    """Periods as whole numbers; 0 where there is none."""
    return column.fillna(0).to_numpy(dtype=float).astype(np.int64)

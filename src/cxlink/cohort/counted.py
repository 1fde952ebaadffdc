"""All counts of a cohort, made in one place: what follows uses counts alone."""

from dataclasses import dataclass, replace

import pandas as pd

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.table import Cohort


@dataclass(frozen=True, slots=True)
class Counted:
    """A cohort's counts, and those that need its rows.

    Attributes
    ----------
    counts : Counts
        The cohort under the spec's duration convention.
    naive : Counts or None
        From signup, with nobody entering late; None without signup dates.
    repeats : DataFrame or None
        ``score, again, n``: customers by their first and their second score; None where only counts are available.
    other : Counts or None
        Under the other convention of recorded durations; None where there is only one, or only counts are available.
    """

    counts: Counts
    naive: Counts | None = None
    repeats: pd.DataFrame | None = None
    other: Counts | None = None


def counted(cohort: Cohort | Counts) -> Counted:
    """Make all counts that an analysis uses; from counts, those that follow from them.

    Raises
    ------
    InputError
        If rows break a rule under the spec.
    """
    if not isinstance(cohort, Cohort):
        return Counted(cohort, _without_entry(cohort))
    counts = cohort.count()
    if not len(counts.scored):
        return Counted(counts)
    return Counted(
        counts,
        cohort.count_from_signup() or _without_entry(counts),
        cohort.count_repeats(),
        _under_the_other(cohort, counts),
    )


def _without_entry(counts: Counts) -> Counts | None:
    """The same customers as if all had been there from the start; None where time starts at the survey."""
    sub = counts.spec.subscription
    late = sub is not None and sub.clock == "signup"
    return replace(counts, cells=counts.cells.assign(entry=0)) if late else None


def _under_the_other(cohort: Cohort, counts: Counts) -> Counts | None:
    sub = counts.spec.subscription
    if sub is None or sub.dated:
        return None
    return cohort.count(other_convention(sub.counts))


def other_convention(counts: str) -> str:
    """The other one of the two conventions of recorded durations."""
    return "completed" if counts == "periods" else "periods"

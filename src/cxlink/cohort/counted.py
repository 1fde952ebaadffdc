"""All counts of a cohort, made in one place: what follows uses counts alone."""

from dataclasses import dataclass, replace
from typing import get_args

import pandas as pd

from cxlink.cohort.arguments_given import refuse_other
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.lost_shares import LostShares
from cxlink.cohort.count.resolution import resolve, with_resolution_of
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.spec_sections import Models
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
    until_next : Counts or None
        With follow-up of each survey cut at the customer's next one; None unless every survey counts, or where only
        counts are available.
    around_exclusion : tuple of Counts
        By score and time alone, with and without the rows that were excluded for a rule; empty where none was.
    excluded : LostShares or None
        Who was lost among these rows and among the others; None where none was, or nobody can be lost.
    """

    counts: Counts
    naive: Counts | None = None
    repeats: pd.DataFrame | None = None
    other: Counts | None = None
    around_exclusion: tuple[Counts, ...] = ()
    until_next: Counts | None = None
    excluded: LostShares | None = None


def counted(cohort: Cohort | Counts, first: Counts | None = None) -> Counted:
    """Make all counts that an analysis uses; from counts, those that follow from them.

    All have the same bands and horizon.

    Parameters
    ----------
    cohort : Cohort or Counts
        The cohort.
    first : Counts, optional
        An earlier cohort, whose bands and horizon are kept where the spec leaves them to rule.

    Raises
    ------
    InputError
        If rows break a rule under the spec.
    """
    refuse_other(cohort, (Cohort, Counts), "cohort")
    counts = cohort.count() if isinstance(cohort, Cohort) else resolve(cohort)
    if first is not None:
        counts = with_resolution_of(first, counts)
    if not isinstance(cohort, Cohort):
        return Counted(counts, _without_entry(counts))
    if not len(counts.scored):
        return Counted(counts, excluded=cohort.excluded)
    naive, other = cohort.count_from_signup(), _under_the_other(cohort, counts)
    return Counted(
        counts,
        with_resolution_of(counts, replace(naive, resolved=counts.resolved))
        if naive is not None
        else _without_entry(counts),
        cohort.count_repeats(),
        with_resolution_of(counts, other) if other is not None else None,
        tuple(_resolved_as(counts, one) for one in cohort.count_around_exclusion()),
        _resolved_as(counts, cut) if (cut := cohort.count_until_next()) is not None else None,
        cohort.excluded,
    )


def _resolved_as(counts: Counts, others: Counts) -> Counts:
    """Give other counts of the same customers the bands and the horizon of these."""
    return with_resolution_of(counts, replace(others, resolved=counts.resolved))


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


def fitting(made: Counted, models: str | None, *, bayes: bool = False) -> Counted:
    """Give counts with the models of their spec replaced, where others are asked for.

    Raises
    ------
    InputError
        If there is no such set of models, or Bayesian models are asked of ``quick``.
    """
    spec, asked = made.counts.spec, models or made.counts.spec.analysis.models
    if asked not in get_args(Models):
        raise InputError(f"models: {asked!r} is none of {', '.join(get_args(Models))}.")
    if bayes and asked == "quick":
        raise InputError("quick fits no models, so none by Bayes: leave out quick, or bayes.")
    section = spec.analysis.model_copy(update={"models": asked})
    counts = replace(made.counts, spec=spec.model_copy(update={"analysis": section}))
    return replace(made, counts=counts)

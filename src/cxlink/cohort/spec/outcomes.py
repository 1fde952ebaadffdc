"""Columns that are known only after the score: they can be no covariate."""

from collections.abc import Collection, Iterable

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.spec_sections import SpendSection, SubscriptionSection, ValueSection


def outcomes_of(
    sub: SubscriptionSection | None, spend: SpendSection | None, value: ValueSection | None
) -> frozenset[str]:
    """Give the columns of time, loss, spend and margin that a spec names."""
    names = {sub.duration, sub.event, sub.end, sub.cause, sub.follow_up} if sub is not None else set()
    names |= {spend.column} if spend is not None else set()
    names |= {value.margin} if value is not None and isinstance(value.margin, str) else set()
    return frozenset(name for name in names if name is not None)


def refuse_outcomes(names: Iterable[str], outcomes: Collection[str], no_use: str) -> None:
    """Refuse an outcome as a covariate.

    Parameters
    ----------
    names : iterable of str
        Of covariates.
    outcomes : collection of str
        As `outcomes_of` gives them.
    no_use : str
        What it cannot be.

    Raises
    ------
    InputError
        With the first that is an outcome.
    """
    for name in names:
        if name in outcomes:
            raise InputError(
                f"{name} is an outcome of the score, known only after it: it cannot be {no_use}."
            )

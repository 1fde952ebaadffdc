"""Adjustment variables as columns of counts, and the categories that estimates are reported within."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import pandas as pd

_PREFIX = "stratum."


def stratum_column(variable: str) -> str:
    """Name the column of counts in which an adjustment variable stands.

    Examples
    --------
    >>> stratum_column("plan")
    'stratum.plan'
    """
    return f"{_PREFIX}{variable}"


def stratum_variables(columns: Iterable[Hashable]) -> tuple[str, ...]:
    """Name the adjustment variables of columns that `stratum_column` named; other columns keep their names.

    Examples
    --------
    >>> stratum_variables(["stratum.plan", "n"])
    ('plan', 'n')
    """
    return tuple(str(column).removeprefix(_PREFIX) for column in columns)


@dataclass(frozen=True, slots=True)
class Category:
    """A category of an adjustment variable: the customers that an estimate within a stratum is of.

    Attributes
    ----------
    variable, value : str
        ``plan`` and ``basic``.
    """

    variable: str
    value: str

    @property
    def label(self) -> str:
        """As the column ``stratum`` of the estimates has it: ``plan=basic``."""
        return f"{self.variable}={self.value}"


def categories_of(cells: pd.DataFrame, variables: Iterable[str]) -> tuple[Category, ...]:
    """Every category with customers, by variable, in the order of their values.

    Parameters
    ----------
    cells : DataFrame
        Counts, or the strata of a cohort: with a column `stratum_column` of each variable.
    variables : iterable of str
        Adjustment variables.

    Examples
    --------
    >>> [one.label for one in categories_of(pd.DataFrame({"stratum.plan": ["pro", "basic", "pro"]}), ["plan"])]
    ['plan=basic', 'plan=pro']
    """
    return tuple(
        Category(variable, str(value))
        for variable in variables
        for value in sorted(cells[stratum_column(variable)].dropna().unique())
    )

"""Suppression of small groups: none of their numbers is published (``[publish] smallest_cell``)."""

from collections.abc import Collection, Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from cxlink.checks import Check, Fact


def blank_small(
    estimates: pd.DataFrame, smallest: int, hidden: Collection[tuple[str, str]] = ()
) -> pd.DataFrame:
    """Blank every row about a group, or a side of a contrast, with fewer customers than ``smallest`` or hidden.

    Parameters
    ----------
    estimates : DataFrame
        The table.
    smallest : int
        ``[publish] smallest_cell``.
    hidden : collection of (str, str)
        Groups by stratum from which a smaller one would follow; see `cxlink.cohort.count.complementary.withheld`.
    """
    table = estimates.copy()
    own = table[table["reference"] == ""]
    sizes = own.groupby(["group", "stratum"])["n"].min()
    sides = zip(table["reference"], table["stratum"], strict=True)
    reference = pd.Series([sizes.get(side) for side in sides], index=table.index).astype("Int64")
    small = ((table["n"] < smallest).fillna(False) | (reference < smallest).fillna(False)).astype(bool)
    for side in ("group", "reference"):
        small |= np.array(
            [key in hidden for key in zip(table[side], table["stratum"], strict=True)], dtype=bool
        )
    table.loc[small, ["estimate", "std_error", "conf_low", "conf_high", "extrapolated"]] = np.nan
    table.loc[small, ["n", "n_events"]] = pd.NA
    return table


def small_groups(estimates: pd.DataFrame, smallest: int) -> set[str]:
    """Names of the groups of the whole cohort with fewer customers than ``smallest``."""
    sizes = (
        estimates[(estimates["reference"] == "") & (estimates["stratum"] == "")].groupby("group")["n"].min()
    )
    return set(sizes.index[sizes < smallest])


def blank_at_risk(at_risk: pd.DataFrame, smallest: int, names: Collection[str] = ()) -> pd.DataFrame:
    """Blank numbers at risk, and the losses beside them, of these groups and where fewer than ``smallest`` are left."""
    table = at_risk.astype({"at_risk": "Int64", "lost": "Int64"})
    blank = (table["at_risk"] < smallest) | table["group"].isin(names)
    table.loc[blank, ["at_risk", "lost"]] = pd.NA
    return table


def blank_coefficients(coefficients: pd.DataFrame, hidden: Collection[tuple[str, str]]) -> pd.DataFrame:
    """Blank terms at, or against, a level of the score or of a stratum variable that is hidden."""
    table = coefficients.copy()
    blank = [
        any(_about(term, level, hidden) for level in levels)
        for term, *levels in zip(table["term"], table["level"], table["reference"], strict=True)
    ]
    table.loc[blank, ["estimate", "std_error", "conf_low", "conf_high"]] = np.nan
    table.loc[blank, "n"] = pd.NA
    return table


def _about(term: str, level: str, hidden: Collection[tuple[str, str]]) -> bool:
    return (level, "") in hidden if term == "score" else ("all", f"{term}={level}") in hidden


_LABELS = frozenset({
    "case", "reference", "adjusted", "stratum", "scenario", "of", "horizon", "unit", "term", "parameter", "level",
    "effect", "kind", "ratio", "average", "target", "counts", "column",
})  # fmt: skip
"""Facts that identify a check; all others may be counts of the group, and are blanked with its numbers."""


def blank_checks(
    checks: Iterable[Check], names: Collection[str], hidden: Collection[tuple[str, str]] = ()
) -> tuple[Check, ...]:
    """Blank the numbers of checks about these groups, or about contrasts with them."""
    return tuple(
        _blank(check)
        if check.group in names
        or check.get("reference") in names
        or (check.group or "all", str(check.get("stratum") or "")) in hidden
        else check
        for check in checks
    )


def _blank(check: Check) -> Check:
    labels: dict[str, Fact] = {name: fact for name, fact in check.facts.items() if name in _LABELS}
    blank: dict[str, Fact] = {"blank": True} if len(labels) < len(check.facts) else {}
    return replace(check, value=np.nan, low=np.nan, high=np.nan, facts={**labels, **blank})

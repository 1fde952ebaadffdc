"""Suppression of small groups: none of their numbers is published (``[publish] smallest_cell``)."""

from collections.abc import Collection, Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from cxlink.checks import Check, Fact


def blank_small(estimates: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Blank every row about a group, or a side of a contrast, with fewer customers than ``smallest``."""
    table = estimates.copy()
    own = table[table["reference"] == ""]
    sizes = own.groupby(["group", "stratum"])["n"].min()
    sides = zip(table["reference"], table["stratum"], strict=True)
    reference = pd.Series([sizes.get(side) for side in sides], index=table.index).astype("Int64")
    small = ((table["n"] < smallest).fillna(False) | (reference < smallest).fillna(False)).astype(bool)
    table.loc[small, ["estimate", "std_error", "conf_low", "conf_high", "extrapolated"]] = np.nan
    table.loc[small, ["n", "n_events"]] = pd.NA
    return table


def small_groups(estimates: pd.DataFrame, smallest: int) -> set[str]:
    """Names of the groups of the whole cohort with fewer customers than ``smallest``."""
    sizes = (
        estimates[(estimates["reference"] == "") & (estimates["stratum"] == "")].groupby("group")["n"].min()
    )
    return set(sizes.index[sizes < smallest])


def blank_at_risk(at_risk: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Blank numbers at risk, and the losses beside them, where fewer than ``smallest`` are left."""
    table = at_risk.astype({"at_risk": "Int64", "lost": "Int64"})
    table.loc[table["at_risk"] < smallest, ["at_risk", "lost"]] = pd.NA
    return table


_LABELS = frozenset({
    "case", "reference", "adjusted", "stratum", "scenario", "of", "horizon", "unit", "term", "parameter", "level",
    "effect", "kind", "ratio", "average", "target", "counts", "column",
})  # fmt: skip
"""Facts that identify a check; all others may be counts of the group, and are blanked with its numbers."""


def blank_checks(checks: Iterable[Check], names: Collection[str]) -> tuple[Check, ...]:
    """Blank the numbers of checks about these groups, or about contrasts with them."""
    return tuple(
        _blank(check) if check.group in names or check.get("reference") in names else check
        for check in checks
    )


def _blank(check: Check) -> Check:
    labels: dict[str, Fact] = {name: fact for name, fact in check.facts.items() if name in _LABELS}
    blank: dict[str, Fact] = {"blank": True} if len(labels) < len(check.facts) else {}
    return replace(check, value=np.nan, low=np.nan, high=np.nan, facts={**labels, **blank})

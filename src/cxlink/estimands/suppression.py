"""Small groups: no number about them is published (design 3.1, ``[publish]``)."""

import numpy as np
import pandas as pd


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
    whole = (
        estimates[(estimates["reference"] == "") & (estimates["stratum"] == "")].groupby("group")["n"].min()
    )
    return set(whole.index[whole < smallest])


def blank_at_risk(at_risk: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Blank numbers at risk, and the losses beside them, where fewer than ``smallest`` are left."""
    table = at_risk.astype({"at_risk": "Int64", "lost": "Int64"})
    table.loc[table["at_risk"] < smallest, ["at_risk", "lost"]] = pd.NA
    return table


def blank_findings(diagnostics: pd.DataFrame, names: set[str]) -> pd.DataFrame:
    """Blank the values of diagnostics about these groups."""
    table = diagnostics.copy()
    about = table["group"].str.split("[:,]").map(lambda parts: bool(names & {part.strip() for part in parts}))
    table.loc[about, "value"] = np.nan
    # what was replicated is told beside what was counted
    table.loc[about & table["quantity"].str.startswith("predicted_"), "note"] = "blank: a small group"
    return table

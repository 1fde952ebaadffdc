"""The mix of customers that figures are standardised to, where it is not that of all customers scored."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

MISSING = "(missing)"
NO_STRATUM = -1


@dataclass(frozen=True, slots=True)
class Mix:
    """Customers by stratum and entry.

    Attributes
    ----------
    stratum : int ndarray of shape (n_cells,)
        Position in `Spells.strata`; `NO_STRATUM` where the spells have nobody of that stratum.
    entry : int ndarray of shape (n_cells,)
        Whole periods already passed at the survey.
    n : ndarray of shape (n_cells,)
        Customers; parts of them where their entry is not known.
    """

    stratum: np.ndarray
    entry: np.ndarray
    n: np.ndarray


def mix_of(cells: pd.DataFrame, strata: pd.DataFrame, late: bool) -> Mix:
    """Collect the mix of some cells of counts.

    What is not known of a customer without a score is taken to be as among those of whom it is: whose stratum is not
    known in full (`MISSING`, and nobody with a score is in that stratum) counts in the strata that agree in the rest,
    in the proportions of the scored; whose entry is not known (clock ``signup``; neither entry nor follow-up), in the
    proportions of the entries known in its stratum.

    Parameters
    ----------
    cells : DataFrame
        Cells of counts, scored or not.
    strata : DataFrame of shape (n_strata, n_variables)
        The strata of the spells that will be averaged.
    late : bool
        Whether customers enter late.
    """
    names = list(strata.columns)
    frame = cells[[*names, "entry", "n"]].copy()
    frame["scored"] = cells["score"].notna()
    frame["known"] = frame["scored"] | (cells["exit"] > cells["entry"]) | (not late)
    frame = frame.groupby([*names, "entry", "scored", "known"])["n"].sum().reset_index()
    if names:
        places = strata.assign(stratum=np.arange(len(strata)))
        frame = frame.merge(places, how="left", on=names)
        frame["stratum"] = frame["stratum"].fillna(NO_STRATUM).astype(int)
        frame = _placed(frame, strata)
    else:
        frame["stratum"] = 0
    return _by_entry(frame[["stratum", "entry", "n", "known"]])


def _placed(frame: pd.DataFrame, strata: pd.DataFrame) -> pd.DataFrame:
    """Share customers without a score whose stratum is only partly known over the strata that agree in the rest."""
    scored = frame[frame["scored"]].groupby("stratum")["n"].sum()
    share = scored.reindex(range(len(strata)), fill_value=0).to_numpy(float)
    gone = (frame[strata.columns] == MISSING).any(axis=1) & ~frame["scored"]
    gone &= frame["stratum"] == NO_STRATUM
    pieces = [frame[~gone]]
    for row in frame[gone].to_dict("records"):
        agrees = np.full(len(strata), True)
        for name in strata.columns:
            agrees &= (row[name] == MISSING) | (strata[name] == row[name]).to_numpy()
        weight = np.where(agrees, share, 0.0)
        if weight.sum():
            at = np.flatnonzero(weight)
            pieces.append(pd.DataFrame({**row, "stratum": at, "n": row["n"] * weight[at] / weight.sum()}))
        else:
            pieces.append(pd.DataFrame([row]))
    return pd.concat(pieces, ignore_index=True)


def _by_entry(frame: pd.DataFrame) -> Mix:
    """Add customers up by stratum and entry, those whose entry is not known distributed over the entries that are."""
    outside = frame["stratum"] == NO_STRATUM
    frame = frame.assign(entry=frame["entry"].mask(outside, 0), known=frame["known"] | outside)
    total = frame.groupby("stratum")["n"].sum()
    by_entry = frame[frame["known"]].groupby(["stratum", "entry"], as_index=False)["n"].sum()
    within = by_entry.groupby("stratum")["n"].transform("sum")
    n = by_entry["n"] / within * by_entry["stratum"].map(total)
    return Mix(by_entry["stratum"].to_numpy(int), by_entry["entry"].to_numpy(int), n.to_numpy(float))

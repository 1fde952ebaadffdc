"""Suppression of small groups in the table of metrics, and of those from which a small one would follow."""

import numpy as np
import pandas as pd

from cxlink.cohort.count.complementary import Published, complement
from cxlink.metrics.metric_table import NUMBERS


def blank_small_metrics(table: pd.DataFrame, smallest: int) -> pd.DataFrame:
    """Blank every number about fewer customers than ``smallest``, and about others from which those would follow.

    A metric of all customers, of the categories of a variable and of calendar periods are sums over the same customers:
    what is blank in one direction could be worked out from the other.
    """
    blank = table.copy()
    small = (table["n"] < smallest).fillna(False).to_numpy(dtype=bool)
    for _, rows in table.groupby(["metric", "version"], sort=False):
        overall = rows[rows["variable"] == ""]
        for _, own in rows[rows["variable"] != ""].groupby("variable", sort=False):
            part = pd.concat([overall, own])
            small[table.index.get_indexer(part.index[~_shown(part, smallest)])] = True
        if set(rows["variable"]) == {""}:
            small[table.index.get_indexer(overall.index[~_shown(overall, smallest)])] = True
    blank.loc[small, list(NUMBERS)] = np.nan
    blank.loc[small, "n"] = pd.NA
    return blank


def _shown(rows: pd.DataFrame, smallest: int) -> np.ndarray:
    """Which rows of one metric, over categories of one variable and periods, may be shown."""
    known = rows["n"].notna().to_numpy()
    sizes = rows["n"].astype("Float64").fillna(0).to_numpy(dtype=float)
    keys = list(zip(rows["category"], rows["period"], strict=True))
    atoms, n = _atoms(dict(zip(keys, sizes.tolist(), strict=True)))
    sets = np.array([
        [float(category in ("", c) and period in ("", p)) for c, p in atoms] for category, period in keys
    ])[:, n > 0]  # fmt: skip
    alone = np.eye(int((n > 0).sum()))[n[n > 0] < smallest]
    targets = np.vstack([sets[(sizes > 0) & (sizes < smallest)], alone])
    shown = complement(Published(sets, np.arange(len(sets)), sizes), targets, smallest)
    every: np.ndarray = shown | ~known
    return every


def _atoms(sizes: dict[tuple[str, str], float]) -> tuple[list[tuple[str | None, str | None]], np.ndarray]:
    """Customers of each category in each period; None: the rest, of no category or of no period."""
    categories = [c for c in dict.fromkeys(c for c, _ in sizes) if c]
    periods = [p for p in dict.fromkeys(p for _, p in sizes) if p]
    n: dict[tuple[str | None, str | None], float] = {}
    for period in (*periods, ""):
        for category in categories:
            n[category, period or None] = sizes.get((category, period), 0.0)
        n[None, period or None] = sizes.get(("", period), 0.0) - sum(
            sizes.get((c, period), 0.0) for c in categories
        )
    for one in (*categories, None):  # so far those without a period were of any
        n[one, None] -= sum(n[one, period] for period in periods)
    return list(n), np.maximum(np.array(list(n.values())), 0.0)

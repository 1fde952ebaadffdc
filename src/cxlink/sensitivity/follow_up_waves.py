"""Quarters of surveys without follow-up to the horizon: do their customers leave as fast as those of earlier ones?"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import norm

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.strata import stratum_column
from cxlink.estimands.support_checks import until


def unfinished_waves(counts: Counts) -> Iterator[Check]:
    """Compare the hazards of quarters after the last one that was followed to the horizon with those of earlier ones.

    By the Mantel–Haenszel ratio over levels, strata and periods in which both are at risk, with its interval on the log
    scale (Greenland & Robins 1985, doi 10.2307/2530643). It says nothing of hazards after censoring, but of how far
    apart those censored by the end of observation were before it.

    Yields
    ------
    Check
        ``late_quarters``, once; none where the quarter is not known, where the last or none was followed to the
        horizon, or where either has no losses in shared periods.
    """
    cells, horizon = counts.scored, counts.spec.horizon
    cells = cells[(cells["exit"] > cells["entry"]) & (cells["wave"] != "")]
    followed = cells["wave"][cells["exit"] - cells["entry"] >= horizon]
    if followed.empty:
        return
    # the last quarters alone: one whose few customers all left early says nothing of its follow-up
    late = (cells["wave"] > followed.max()).to_numpy(bool)
    if not late.any():
        return
    names = ["score", *(stratum_column(name) for name in counts.spec.stratum_variables)]
    place = cells.groupby(names, sort=True, dropna=False).ngroup().to_numpy(int)
    tables = [_counted(cells[part], place[part], int(place.max()) + 1, horizon) for part in (late, ~late)]
    found = mantel_haenszel(*tables[0], *tables[1])
    if found is None:
        return
    ratio, error = found
    reach_of = float(norm.ppf((1 + counts.spec.analysis.level) / 2)) * error
    share = float(cells["n"].to_numpy(float)[late].sum() / cells["n"].sum())
    yield Check(
        "late_quarters", "kaplan_meier", "all", ratio, ratio * np.exp(-reach_of), ratio * np.exp(reach_of),
        facts={"share": share, **until(counts.spec)},
    )  # fmt: skip


def mantel_haenszel(
    at_risk: np.ndarray, lost: np.ndarray, other_at_risk: np.ndarray, other_lost: np.ndarray
) -> tuple[float, float] | None:
    """Ratio of the hazards of two sets of customers, and the standard error of its logarithm.

    Parameters
    ----------
    at_risk, lost, other_at_risk, other_lost : ndarray of shape (n_cells, n_periods)
        Customers of both.

    Returns
    -------
    (float, float) or None
        None where one has no losses while the other is at risk.
    """
    both = at_risk + other_at_risk
    size = np.where(both > 0, both, 1.0)
    above, below = (lost * other_at_risk / size).sum(), (other_lost * at_risk / size).sum()
    if above <= 0 or below <= 0:
        return None
    spread = ((lost + other_lost) * at_risk * other_at_risk - lost * other_lost * both) / size**2
    return float(above / below), float(np.sqrt(spread.sum() / (above * below)))


def _counted(
    cells: pd.DataFrame, place: np.ndarray, n_places: int, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    """Customers at risk and lost in each period since the survey to the horizon, (n_places, horizon)."""
    stayed = np.minimum((cells["exit"] - cells["entry"]).to_numpy(int), horizon)
    gone = (cells["cause"] != "").to_numpy(bool) & ((cells["exit"] - cells["entry"]).to_numpy(int) <= horizon)
    n = cells["n"].to_numpy(float)
    leaving, lost = np.zeros((n_places, horizon)), np.zeros((n_places, horizon))
    np.add.at(leaving, (place, stayed - 1), n)
    np.add.at(lost, (place[gone], stayed[gone] - 1), n[gone])
    return np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1], lost

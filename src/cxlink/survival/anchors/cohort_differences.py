"""How much the curves of two cohorts of one firm differ, from published curves (``data/published``).

What is compared is the log of the cumulative hazard, log(−log S(t)): of two curves whose hazards differ by a constant
factor it differs by the log of the factor, whatever the period.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import pandas as pd

from cxlink.cohort.spec.anchor_texts import Anchor

TABLE = "cohort_differences"
OTHER_LABELS = 0.5
"""Correlation of the differences between this cohort and two older ones: it is the same one that both differ from."""
OTHER_GROUPS = 0.8
"""Correlation of the differences of two groups of one older cohort: as between levels' extrapolation errors, whose
prior is Beta(4, 1)."""


def difference_from(table: pd.DataFrame) -> float:
    """Estimate the standard deviation τ of the difference between two cohorts of one firm.

    Published customers of one firm that were followed for long by year of joining were not found. Two kinds of curves
    enclose them: segments of one company's customers, which differ more than its cohorts do, and cohorts of all new
    firms of a country, which differ less, since what happens to one firm averages out. τ is the geometric mean of the
    root mean square difference of the two kinds, the sources of a kind counting the same.

    Parameters
    ----------
    table : DataFrame
        ``kind, source, first_surviving, second_surviving``: shares that survived to the same time.
    """
    first, second = (np.log(-np.log(table[f"{which}_surviving"])) for which in ("first", "second"))
    publisher = table["source"].str.partition(",")[0]
    squares = ((first - second) ** 2).groupby([table["kind"], publisher]).mean()
    return float(np.exp(np.log(squares.groupby(level="kind").mean()).mean() / 2))


@cache
def cohort_difference() -> float:
    """τ from all published curves."""
    with as_file(files("cxlink") / "published" / f"{TABLE}.csv") as path:
        return difference_from(pd.read_csv(path))


def anchor_covariance(
    anchors: Sequence[Anchor], levels: Sequence[Sequence[int]], difference: float
) -> np.ndarray:
    """Give the covariance of what anchors say around this cohort's log cumulative hazards.

    With H = −log share: τ²·c between cohorts, c = 1 for an anchor itself, times ½ for two labels (both differ from this
    cohort), times .8 for two groups, times √(H_i / H_j), H_i < H_j (differences of hazards come and go in time); and
    of sampling, where two are of one label, group and start, min(v_i, v_j) / (H_i·H_j) with v = (1 − share)/(n·share),
    the variance of log S (delta method; of one curve at two times the earlier one's).

    Parameters
    ----------
    anchors : sequence of Anchor
        What is known.
    levels : sequence of sequence of int
        Positions of the levels that each is of.
    difference : float
        τ, see `cohort_difference`.

    Returns
    -------
    ndarray of shape (n_anchors, n_anchors)
    """
    share, n = (np.array([getattr(one, name) for one in anchors]) for name in ("share", "n"))
    total = -np.log(share)
    apart = (1 - share) / (n * share)
    label = np.array([[a.label == b.label for b in anchors] for a in anchors])
    group = np.array([[tuple(a) == tuple(b) for b in levels] for a in levels])
    start = np.array([[a.start == b.start for b in anchors] for a in anchors])
    between = np.where(label, 1.0, OTHER_LABELS) * np.where(group, 1.0, OTHER_GROUPS)
    between *= np.sqrt(np.minimum.outer(total, total) / np.maximum.outer(total, total))
    sampling = np.where(label & group & start, np.minimum.outer(apart, apart), 0.0)
    covariance: np.ndarray = difference**2 * between + sampling / np.outer(total, total)
    return covariance

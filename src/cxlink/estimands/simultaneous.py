"""Simultaneous intervals of one family: all hold at once as often as stated.

Every score level against the worst band, from joint draws. Sup-t, calibrated on quantiles: each interval runs between
the same two quantiles of its own draws, the widest apart that leave out at most 1 - level of the draws in any member
(Montiel Olea & Plagborg-Møller 2019, doi 10.1002/jae.2656). Any monotone scale gives the same ends, and skewed or
infinite draws keep their own side. Of jointly normal estimates (the partial contrasts of several scores) the same
quantiles follow from their covariance.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from cxlink.estimands.tidy import intervals, ready_row, widened_to_contain

Row = dict[str, Any]
SIMULTANEOUS = "simultaneous"
"""Scenario of these rows, or their version in the table of metrics."""
_POINTS = 2**15
"""Points of a scrambled Sobol' sequence: the level is found to within some .0002."""


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One comparison of the family.

    Attributes
    ----------
    point : float
        Its estimate.
    draws : ndarray of shape (n_draws,)
        Draws of it, together with those of the others.
    columns : dict
        Of its row, see `cxlink.estimands.tidy.row`.
    contains : sequence of dict
        Rows whose intervals its own contains in the main analysis.
    """

    point: float
    draws: np.ndarray
    columns: Row
    contains: Sequence[Row] = ()


def in_family(group: str, reference: str) -> bool:
    """Whether a contrast is of the family: a single level, negative ones included, against the worst band."""
    return reference == "worst" and group.removeprefix("-").isdigit()


def calibrated_ends(draws: np.ndarray, level: float) -> np.ndarray:
    """Ends of intervals that leave out at most 1 − level of the joint draws between them.

    Parameters
    ----------
    draws : ndarray of shape (n_draws, n_members)
        Joint draws, perhaps infinite.
    level : float
        Of all intervals together.

    Returns
    -------
    ndarray of shape (2, n_members)
        The draws of rank d from below and from above, d the least depth (rank from the nearer end, ties inclusive) in
        any member of the draw that is ⌈level·(n + 1)⌉th by it.

    Examples
    --------
    >>> calibrated_ends(np.column_stack([np.arange(19.0), np.zeros(19)]), level=0.8)
    array([[ 1.,  0.],
           [17.,  0.]])
    """
    n, ordered = len(draws), np.sort(draws, axis=0)
    depth = np.full(n, n)
    for column, mine in zip(draws.T, ordered.T, strict=True):
        below, above = np.searchsorted(mine, column, side="right"), n - np.searchsorted(mine, column)
        depth = np.minimum(depth, np.minimum(below, above))
    least = int(np.sort(depth)[::-1][min(int(np.ceil(level * (n + 1))), n) - 1])
    return np.stack([ordered[least - 1], ordered[n - least]])


def level_of_each(covariance: np.ndarray, level: float) -> float:
    """Level of each interval by itself at which those of jointly normal estimates all hold at once.

    P(|Z_k| ≤ z for all k) = level, Z normal with their correlations, gives 2Φ(z) − 1: ``level`` where all are perfectly
    correlated, level^(1/K) where K are independent (Šidák 1967, doi 10.1080/01621459.1967.10482935), never less than
    the one or more than the other. The distribution is integrated at the points of one scrambled sequence, so that the
    same covariance gives the same level.

    Parameters
    ----------
    covariance : ndarray of shape (n_estimates, n_estimates)
        Of the estimates; one without variance always holds, and does not count.
    level : float
        Of all intervals together.
    """
    from scipy.stats.qmc import MultivariateNormalQMC

    error = np.sqrt(np.diag(covariance))
    varies = error > 0
    if varies.sum() < 2:
        return level
    correlation = (covariance / np.outer(error, error))[np.ix_(varies, varies)]
    size, axes = np.linalg.eigh(correlation)
    root = (axes * np.sqrt(np.maximum(size, 0.0))).T
    normal = MultivariateNormalQMC(np.zeros(len(root)), cov_root=root, rng=np.random.default_rng(0))
    widest = np.abs(normal.random(_POINTS)).max(axis=1)
    each = 1 - 2 * ndtr(-np.quantile(widest, level))
    return float(np.clip(each, level, level ** (1 / len(root))))


def simultaneous_rows(estimand: str, unit: str, members: Sequence[Member], level: float) -> list[Row]:
    """Make the rows of a family; none of fewer than two members.

    Parameters
    ----------
    estimand, unit : str
        As in the estimates table.
    members : sequence of Member
        With an estimate; draws that are undefined in one member are left out of all.
    level : float
        Confidence level of all of them together.

    Returns
    -------
    list of dict
        Scenario `SIMULTANEOUS`; the standard error is of the estimate alone, and no interval is narrower than its own
        of the main analysis.
    """
    if len(members) < 2:
        return []
    drawn = np.column_stack([member.draws for member in members])
    drawn = drawn[~np.isnan(drawn).any(axis=1)]
    if len(drawn) < 2:
        return []
    error, *alone = intervals(drawn, level)
    low, high = calibrated_ends(drawn, level)
    ends = [error, np.fmin(low, alone[0]), np.fmax(high, alone[1])]
    rows = []
    for k, member in enumerate(members):
        columns = {**member.columns, "scenario": SIMULTANEOUS, "headline": False}
        made = ready_row(estimand, member.point, [end[k] for end in ends], level, unit, **columns)
        rows.append(widened_to_contain(made, member.contains))
    return rows

"""Simultaneous intervals of one family, every score level against the worst band: all hold at once as often as stated.

Sup-t, calibrated on quantiles: each interval runs between the same two quantiles of its own draws, the widest apart
that leave out at most 1 - level of the draws in any member (Montiel Olea & Plagborg-Møller 2019,
doi 10.1002/jae.2656). Any monotone scale gives the same ends, and skewed or infinite draws keep their own side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxlink.estimands.tidy import intervals, ready_row, widened_to_contain

Row = dict[str, Any]
SIMULTANEOUS = "simultaneous"
"""Scenario of these rows."""


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

"""Simultaneous intervals of one family, every score level against the worst band: all hold at once as often as stated.

Max-t: the draws of all members, each less its estimate and divided by its standard error, are drawn together; the
critical value is the quantile of the largest of them (Hothorn, Bretz & Westfall 2008, doi 10.1002/bimj.200810425;
Montiel Olea & Plagborg-Møller 2019, doi 10.1002/jae.2656).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxlink.estimands.tidy import intervals, ready_row, widened_to_contain

Row = dict[str, Any]
SIMULTANEOUS = "simultaneous"
"""Scenario of these rows."""
_SIGMA = 0.8413447460685429
"""Probability below one standard deviation over the mean of a normal distribution."""


@dataclass(frozen=True, slots=True)
class NearNormal:
    """On which differences or ratios are nearly normal: a function and its inverse."""

    there: Callable[[np.ndarray], np.ndarray]
    back: Callable[[np.ndarray], np.ndarray]


LOG = NearNormal(np.log, np.exp)
"""Of ratios."""
LOGIT = NearNormal(np.arctanh, np.tanh)
"""Of differences d of probabilities: half the logit of (1 + d) / 2."""
IDENTITY = NearNormal(lambda x: x, lambda x: x)
"""Of differences of amounts and times."""


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
    penalised : bool
        Whether its draws are not those of the estimator: they are centred at their median, and the interval contains
        the estimate.
    """

    point: float
    draws: np.ndarray
    columns: Row
    penalised: bool = False


def in_family(group: str, reference: str) -> bool:
    """Whether a contrast is of the family: a single level, negative ones included, against the worst band."""
    return reference == "worst" and group.removeprefix("-").isdigit()


def critical_value(distances: np.ndarray, level: float) -> float:
    """Quantile of the largest distance.

    Parameters
    ----------
    distances : ndarray of shape (n_draws, n_members)
        |t| of each member in each draw; infinite where a draw is.
    level : float
        Of all intervals together.

    Returns
    -------
    float
        The draw of rank ⌈level·(n + 1)⌉.

    Examples
    --------
    >>> critical_value(np.column_stack([np.arange(19.0), np.zeros(19)]), level=0.9)
    17.0
    """
    largest = np.sort(distances.max(axis=1))
    n = len(largest)
    return float(largest[min(int(np.ceil(level * (n + 1))), n) - 1])


def simultaneous_rows(
    estimand: str, unit: str, members: Sequence[Member], scale: NearNormal, level: float
) -> list[Row]:
    """Make the rows of a family; none of fewer than two members.

    Parameters
    ----------
    estimand, unit : str
        As in the estimates table.
    members : sequence of Member
        With an estimate; draws that are undefined in one member are left out of all.
    scale : NearNormal
        On which standard errors and the critical value are taken.
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
    alone = intervals(drawn, level)
    with np.errstate(divide="ignore"):
        values = scale.there(drawn)
        points = scale.there(np.array([member.point for member in members]))
    centre = np.where([m.penalised or not np.isfinite(p) for m, p in zip(members, points, strict=True)],
                      np.median(values, axis=0), points)  # fmt: skip
    error = _errors(values)
    varies = error > 0
    far = np.abs(values - centre)[:, varies] / error[varies]
    reach = error * (critical_value(far, level) if varies.any() else 0.0)
    low, high = scale.back(centre - reach), scale.back(centre + reach)
    ends = [alone[0], np.fmin(low, alone[1]), np.fmax(high, alone[2])]
    rows = []
    for k, member in enumerate(members):
        columns = {**member.columns, "scenario": SIMULTANEOUS, "headline": False}
        made = ready_row(estimand, member.point, [end[k] for end in ends], level, unit, **columns)
        rows.append(widened_to_contain(made))
    return rows


def _errors(values: np.ndarray) -> np.ndarray:
    """Standard deviations of draws, (n_members,); of some infinite ones half the distance of the middle 68 %."""
    finite = np.isfinite(values).all(axis=0)
    error = np.zeros(values.shape[1])
    error[finite] = values[:, finite].std(axis=0, ddof=1)
    ordered = np.sort(values[:, ~finite], axis=0)
    low, high = (ordered[int(q * (len(values) - 1))] for q in (1 - _SIGMA, _SIGMA))
    with np.errstate(invalid="ignore"):
        error[~finite] = np.nan_to_num((high - low) / 2, nan=0.0, posinf=0.0)
    return error

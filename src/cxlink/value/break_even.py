"""Incremental margin, return, payback and break-even of an intervention, by causal share of the association."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Gain:
    """What one customer gains in lifetime value, were all of the association causal.

    Attributes
    ----------
    point : ndarray of shape (horizon,)
        After 1, 2, … periods.
    draws : ndarray of shape (n_draws, horizon)
        Draws of the same.
    n_shifted : float
        Customers whose score improves.
    cost : float
        Of the intervention, at once.
    """

    point: np.ndarray
    draws: np.ndarray
    n_shifted: float
    cost: float

    def margin(self, share: float) -> tuple[float, np.ndarray]:
        """Incremental margin over the horizon, and its draws."""
        return share * self.n_shifted * self.point[-1], share * self.n_shifted * self.draws[:, -1]

    def returned(self, share: float) -> tuple[float, np.ndarray]:
        """(margin − cost) / cost, and its draws."""
        point, draws = self.margin(share)
        return (point - self.cost) / self.cost, (draws - self.cost) / self.cost

    def payback(self, share: float) -> tuple[float, np.ndarray]:
        """Periods whose margins earn the cost, and draws; infinite where the horizon's do not."""
        point = periods_to_pay_back(share * self.n_shifted * self.point[None], self.cost)[0]
        return float(point), periods_to_pay_back(share * self.n_shifted * self.draws, self.cost)

    def break_even_probability(self, share: float) -> float:
        """Probability that the margin is at least the cost: a margin that equals the cost breaks even."""
        return float((self.margin(share)[1] >= self.cost).mean())

    def break_even_share(self) -> tuple[float, np.ndarray]:
        """The causal share at which the margin is the cost, and draws; infinite where none is."""
        point, draws = self.margin(1.0)
        return float(share_needed(self.cost, np.array(point))), share_needed(self.cost, draws)


def share_needed(cost: float, margin: np.ndarray) -> np.ndarray:
    """The share of a margin that covers a cost; infinite where no share does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(margin > 0, cost / margin, np.inf if cost > 0 else 0.0)


def periods_to_pay_back(earned: np.ndarray, cost: float) -> np.ndarray:
    """The first period after which at least the cost is earned.

    Parameters
    ----------
    earned : ndarray of shape (n, horizon)
        After 1, 2, … periods.
    cost : float
        0 is paid back at once.

    Returns
    -------
    ndarray of shape (n,)
        Infinite where it is not.

    Examples
    --------
    >>> periods_to_pay_back(np.array([[1.0, 2.0, 3.0], [0.5, 1.0, 1.5]]), cost=2.0)
    array([ 2., inf])
    """
    enough = earned >= cost
    after = np.where(enough.any(axis=1), enough.argmax(axis=1) + 1.0, np.inf)
    return np.zeros(len(earned)) if cost == 0 else after

"""What customers bring in a period, by how long they have stayed: E[margin of a period | retained at t].

Each customer's rate is taken as constant: the spend of the window over the periods of it that were paid, each at its
beginning. Whoever was lost in period x paid x of them; whoever was followed to the end of the window paid all. The
margin of those retained at t is the mean rate over the customers at risk in period t + 1, so that it moves as those
leave who bring more, or less; S(t)·E[rate] would take staying and spending to be unrelated.

The mean of a level and stratum with under ten customers at risk follows the change in its level. With r̄(t) the mean
rates of the level's strata and n(t) their customers at risk,

    γ(t) = Σ n(t)·(r̄(t) − r̄(t−1)) / Σ n(t)·|r̄(t−1)|,   r(t) = r(t−1) + |r(t−1)|·γ(t),

and from where under ten of the level are at risk it is held at its last value.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csr_array

from cxlink.cohort.count.spells import RiskSets, Spells, each_pair, risk_sets
from cxlink.groups.support import FEWEST_AT_RISK
from cxlink.survival.bootstrap import ResampledCustomers

_LEAST_GROWTH = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Margins:
    """Rates of an amount per period, and their means over time.

    Attributes
    ----------
    spells : Spells
        The cohort; its ``spend`` holds number, Σ rate and Σ rate² of customers with a complete window.
    count : RiskSets
        Adds them up over those at risk in each period, by pair of level and stratum.
    at_risk : ndarray of shape (n_pairs, 1 + n_times)
        Customers with a complete window: all of a pair, and those at risk in period t + 1, t = 0, 1, … since the time
        origin.
    mean : ndarray of shape (n_pairs, 1 + n_times)
        Their mean rates; 0 where there are none.
    usual : float
        Mean rate of the cohort's customers who brought anything.
    """

    spells: Spells
    count: RiskSets
    at_risk: np.ndarray
    mean: np.ndarray
    usual: float

    @property
    def silent(self) -> np.ndarray:
        """Positions of levels in which nobody brought anything, though others did."""
        anything = (self.spells.spend[:, 1:] != 0).any(axis=1)
        loud = self.spells.level[self.spells.pair[anything]]
        return np.setdiff1d(self.spells.level[self.at_risk[:, 0] > 0], loud) if loud.size else loud

    def draws(self, customers: ResampledCustomers, rng: np.random.Generator) -> np.ndarray:
        """Draw the means: the bootstrap's influence of spells, and normal noise within them.

        Together their robust variance Σ(rate − mean)² / (n (n − 1)), and with retention drawn from the same customers
        their joint covariance Σ IF·(Σ rate − n·mean). A mean of one customer takes the variance within pairs. Of
        clustered customers it is the influence of their buckets, and nothing beside.

        Parameters
        ----------
        customers : ResampledCustomers
            A block of draws.
        rng : Generator
            Advanced.

        Returns
        -------
        ndarray of shape (n_pairs, 1 + n_times, n_block)
        """
        n, n_block = self.at_risk[..., None], customers.weights.shape[1]
        change, scale = self._change(customers, rng)
        drawn: np.ndarray = self.mean[..., None] + change / np.sqrt(np.maximum(scale, 1.0))
        alone = rng.standard_normal((len(n), n_block)) * np.sqrt(self._pooled())
        drawn += np.where(n == 1, alone[:, None], 0.0)
        for level in self.silent:
            mine = self.spells.level == level
            share = rng.beta(0.5, self.at_risk[mine, 0].sum() + 0.5, n_block)
            drawn[mine] = self.usual * share
        return drawn

    def _change(
        self, customers: ResampledCustomers, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """What sums of (rate − mean) over customers change by, and the square of what it is divided by."""
        spells, n = self.spells, self.at_risk[..., None]
        if customers.multipliers is not None and spells.buckets is not None:
            moved = customers.multipliers - 1
            change = self._summed(spells.buckets.total @ moved)
            return change - self.mean[..., None] * self._summed(spells.buckets.number @ moved), n**2
        number, total, _ = spells.spend.T
        influence = customers.weights / spells.n[:, None] - 1
        noise = rng.standard_normal(influence.shape) * np.sqrt(self._within())[:, None]
        change = self._summed(influence * total[:, None] + noise)
        return change - self.mean[..., None] * self._summed(influence * number[:, None]), n * (n - 1)

    def _summed(self, values: np.ndarray) -> np.ndarray:
        return _summed(self.spells, self.count, values, self.at_risk.shape[1] - 1)

    def _within(self) -> np.ndarray:
        """Sum of squares of each spell's customers that resampling spells does not carry."""
        number, total, squares = self.spells.spend.T
        inside: np.ndarray = squares - np.divide(total**2, number, out=np.zeros_like(total), where=number > 0)
        inside[inside < 1e-12 * squares] = 0.0
        residual = total - number * self.mean[self.spells.pair, 0]
        left_out = np.divide(1, number, out=np.zeros_like(total), where=number > 0) - 1 / self.spells.n
        inside += residual**2 * np.maximum(left_out, 0.0)
        return inside

    def _pooled(self) -> float:
        """Variance of customers within pairs; where all are single, the square of their mean."""
        n = self.at_risk[:, 0]
        squares = np.bincount(self.spells.pair, self.spells.spend[:, 2], len(n))
        spread = np.maximum(squares - n * self.mean[:, 0] ** 2, 0.0)
        if (n > 1).any():
            return float(spread[n > 1].sum() / (n[n > 1] - 1).sum())
        return float(np.mean(self.mean[n == 1, 0] ** 2)) if (n == 1).any() else 0.0


def margins_of(
    spells: Spells, exposure: np.ndarray, log_survival: np.ndarray, n_times: int, buyers: int
) -> Margins:
    """Give mean rates by pair and time.

    Parameters
    ----------
    spells : Spells
        The cohort; its ``spend`` holds the amount over the window.
    exposure : ndarray of shape (n_periods_of_the_window,)
        1, and for the last the part of it inside the window.
    log_survival : ndarray of shape (n_pairs, n_steps + 1)
        log S(t) of each pair, for those who were not followed to the end of the window.
    n_times : int
        Times wanted, t = 0, 1, ….
    buyers : int
        Customers in the cohort who brought anything.
    """
    paid = periods_paid(spells, exposure, log_survival)
    rates = spells.spend / paid[:, None] ** np.arange(3)
    # whoever was not followed for a period was there at its beginning all the same
    there = replace(
        spells, exit=np.maximum(spells.exit, spells.entry + 1), spend=rates,
        buckets=spells.buckets and spells.buckets.scaled(1 / paid),
    )  # fmt: skip
    count = risk_sets(there, each_pair(there))
    at_risk, total = (_summed(there, count, rates[:, [k]], n_times)[..., 0] for k in (0, 1))
    mean = np.divide(total, at_risk, out=np.zeros_like(total), where=at_risk > 0)
    return Margins(there, count, at_risk, mean, float(rates[:, 1].sum()) / max(buyers, 1))


def _summed(spells: Spells, count: RiskSets, values: np.ndarray, n_times: int) -> np.ndarray:
    """Add values of spells up by pair: all, and those at risk in each period; (n_pairs, 1 + n_times, n_block)."""
    shape = (spells.n_pairs, len(spells.pair))
    of_pair = coo_array((np.ones(shape[1]), (spells.pair, np.arange(shape[1]))), shape=shape).tocsr()
    total = np.zeros((spells.n_pairs, 1 + n_times, values.shape[1]))
    total[:, 0] = of_pair @ values
    there = count(values)[0][:, :n_times]
    total[:, 1 : 1 + there.shape[1]] = there
    return total


def periods_paid(spells: Spells, exposure: np.ndarray, log_survival: np.ndarray) -> np.ndarray:
    """Periods of the window that a customer of each spell paid, each at its beginning.

    Whoever was followed for less than the window and was not lost is taken to stay on as the pair does.

    Returns
    -------
    ndarray of shape (n_spells,)
    """
    window, followed = len(exposure), spells.exit - spells.entry
    lost = spells.cause > 0
    paid: np.ndarray = np.concatenate([[0.0], np.cumsum(exposure)])[np.minimum(followed, window)]
    for t in range(window):
        on = np.flatnonzero(~lost & (followed <= t))
        now, then = (log_survival[spells.pair[on], spells.entry[on] + at] for at in (t, followed[on]))
        paid[on] += exposure[t] * np.exp(now - then)
    return paid


def over_time(mean: np.ndarray, at_risk: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Mean rates of those retained at each time.

    Parameters
    ----------
    mean : ndarray of shape (n_pairs, 1 + n_times, n_draws)
        Of all customers of each pair, and of those at risk in periods 1, 2, ….
    at_risk : ndarray of shape (n_pairs, 1 + n_times)
        How many they are.
    level : int ndarray of shape (n_pairs,)
        Of each pair.

    Returns
    -------
    ndarray of shape (n_pairs, n_times, n_draws)
        At t = 0, 1, …: a pair's own mean where ten are at risk, else carried on by its level's changes.
    """
    change: np.ndarray = changes(mean, at_risk, level)[level]
    own = at_risk[:, 1:, None] >= FEWEST_AT_RISK
    carried = np.empty_like(change)
    now = mean[:, 0]
    for t in range(carried.shape[1]):
        now = np.where(own[:, t], mean[:, t + 1], now + np.abs(now) * change[:, t])
        carried[:, t] = now
    return carried


def changes(mean: np.ndarray, at_risk: np.ndarray, group: np.ndarray) -> np.ndarray:
    """γ(t) of groups of pairs: the mean change of rates since the period before, over their size.

    Parameters
    ----------
    mean, at_risk
        See `over_time`.
    group : int ndarray of shape (n_pairs,)
        Which pairs are put together.

    Returns
    -------
    ndarray of shape (n_groups, n_times, n_draws)
        0 at t = 0, and where under ten are at risk.
    """
    both = np.where(at_risk[:, 1:-1] > 0, at_risk[:, 2:], 0.0)[..., None]
    before, after = mean[:, 1:-1], mean[:, 2:]
    top, bottom = (_by_group(group, both * part) for part in (after - before, np.abs(before)))
    enough = _by_group(group, at_risk[:, 2:, None]) >= FEWEST_AT_RISK
    found = np.zeros((len(top), mean.shape[1] - 1, mean.shape[2]))
    np.divide(top, bottom, out=found[:, 1:], where=enough & (bottom > 0))
    return found


def _by_group(group: np.ndarray, values: np.ndarray) -> np.ndarray:
    matrix: csr_array = coo_array((np.ones(len(group)), (group, np.arange(len(group))))).tocsr()
    flat: np.ndarray = matrix @ values.reshape(len(group), -1)
    return flat.reshape(-1, *values.shape[1:])


def last_told(at_risk: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Last t at which ten customers of each group of pairs are at risk, (n_groups,); 0 where there never are."""
    enough = _by_group(group, at_risk[:, 1:]) >= FEWEST_AT_RISK
    last = enough.shape[1] - 1 - enough[:, ::-1].argmax(axis=1)
    found: np.ndarray = np.where(enough.any(axis=1), last, 0)
    return found


def continued_trend(
    margins: np.ndarray, mean: np.ndarray, at_risk: np.ndarray, level: np.ndarray
) -> np.ndarray:
    """Let margins go on as they went: each doubling of time changes them as the last one within follow-up did.

    The alternative to holding them at their last value L: r(t) = r(L)·(t / L)^b, b from the changes of the whole
    cohort over the second half of its follow-up.

    Parameters
    ----------
    margins : ndarray of shape (n_pairs, n_times, n_draws)
        From `over_time`.
    mean, at_risk, level
        See there.

    Returns
    -------
    ndarray of the same shape
    """
    together = np.zeros(len(level), dtype=int)
    last = int(last_told(at_risk, together)[0])
    half = (last + 1) // 2
    if half < 1 or half == last:
        return margins
    growth = np.maximum(1 + changes(mean, at_risk, together)[0, half + 1 : last + 1], _LEAST_GROWTH)
    power = np.log(growth).sum(axis=0) / np.log(last / half)
    since = np.maximum(
        np.arange(margins.shape[1]) / np.maximum(last_told(at_risk, level), 1)[level, None], 1.0
    )
    gone_on: np.ndarray = margins * np.exp(np.log(since)[..., None] * power)
    return gone_on

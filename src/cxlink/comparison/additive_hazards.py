"""Hazards of a cohort that are additive in the logarithm: what sparse cells are shrunk towards."""

from dataclasses import dataclass

import numpy as np

from cxlink.survival.sparsity import FEWEST

PRIOR = 100.0
"""How much a cell is shrunk: by as many losses at the additive rate as its own, and of spend by this many customers
times the variance of what one spends over its mean squared: as if interactions had a standard deviation of 1/√100 = .1.
"""
HALF = 0.5
_ROUNDS = 30
_GRID = np.linspace(-20.0, 12.0, 641)


@dataclass(frozen=True, slots=True)
class Additive:
    """Hazards of the strata, times one factor a level.

    Attributes
    ----------
    at_risk, lost : ndarray of shape (n_levels, n_strata, n_periods)
        Customers.
    strata : ndarray of shape (n_strata, n_periods)
        Steps of the cumulative hazard where the factor is 1; never 0.
    factor : ndarray of shape (n_levels,)
        Never 0.
    sparse : bool ndarray of shape (n_levels,)
        Fewer than ten losses up to the horizon, or fewer than ten customers without one (under late entry:
        customer-periods): such a level is drawn from its one factor alone.
    """

    at_risk: np.ndarray
    lost: np.ndarray
    strata: np.ndarray
    factor: np.ndarray
    sparse: np.ndarray

    @property
    def level_lost(self) -> np.ndarray:
        """Losses of each level."""
        lost: np.ndarray = self.lost.sum(axis=(1, 2))
        return lost

    @property
    def exposed(self) -> np.ndarray:
        """Customer-periods of each level."""
        exposed: np.ndarray = self.at_risk.sum(axis=(1, 2))
        return exposed

    @property
    def shrunk(self) -> np.ndarray:
        """Steps of each cell, shape (n_levels, n_strata, n_periods).

        Additive ones of the others, times (d + k) / (e + k): d losses where e were expected, and k = `PRIOR`.
        """
        steps = self.factor[:, None, None] * self.strata
        expected = (self.at_risk * -np.expm1(-steps)).sum(axis=2)
        lost = self.lost.sum(axis=2)
        others = without_itself(lost, expected, FEWEST)
        ratio = others * (lost + PRIOR) / (others * expected + PRIOR)
        shrunk: np.ndarray = ratio[..., None] * steps
        return shrunk

    def factors(self, share: np.ndarray) -> np.ndarray:
        """Factors by which a level's customers would lose these shares of their customer-periods.

        Solves Σ r (1 − e^(−ρ λ)) = share · Σ r for ρ, by interpolation on a grid of log ρ.

        Parameters
        ----------
        share : ndarray of shape (n_levels, n_draws)
            Between 0 and 1.
        """
        factors = np.empty(share.shape)
        for level, r in enumerate(self.at_risk):
            used = r > 0
            weight = r[used] / max(r[used].sum(), 1)
            gone = -np.expm1(-np.exp(_GRID)[:, None] * self.strata[used]) @ weight
            factors[level] = np.exp(np.interp(np.log(share[level]), np.log(np.maximum(gone, 1e-300)), _GRID))
        factors[self.exposed == 0] = 1.0
        return factors


def without_itself(total: np.ndarray, expected: np.ndarray, weight: float) -> np.ndarray:
    """Give the factor by which each cell's additive model would differ, had it been fitted to the others alone.

    An estimate and the centre of its expansion are to be independent. It is the first step of fitting again: level and
    stratum are each corrected by how far the others are off, the fit to all having so much weight still that a cell
    with hardly any others keeps it.

    Parameters
    ----------
    total, expected : ndarray of shape (n_levels, n_places)
        Losses or spend of the cells, and what the model expects.
    weight : float
        Of the fit to all, in the same unit.
    """
    factors = [
        (total.sum(axis=axis, keepdims=True) - total + weight)
        / (expected.sum(axis=axis, keepdims=True) - expected + weight)
        for axis in (0, 1)
    ]
    both: np.ndarray = factors[0] * factors[1]
    return both


def additive_hazards(at_risk: np.ndarray, lost: np.ndarray, sparse: np.ndarray) -> Additive:
    """Fit additive hazards by proportional fitting: each margin is lost as often as it is expected to be.

    A level has half a loss more, at the factor 1; a period of a stratum one customer more, at the cohort's hazard then
    (and a period of the cohort one at its average): so none is 0.

    Parameters
    ----------
    at_risk, lost : ndarray of shape (n_levels, n_strata, n_periods)
        Customers.
    sparse : bool ndarray of shape (n_levels,)
        As `Additive` has it.
    """
    average = (lost.sum() + HALF) / (at_risk.sum() + 1)
    cohort = (lost.sum(axis=(0, 1)) + average) / (at_risk.sum(axis=(0, 1)) + 1)
    wanted, level_wanted = lost.sum(axis=0) + cohort, lost.sum(axis=(1, 2)) + HALF
    strata = np.broadcast_to(-np.log1p(-cohort), at_risk.shape[1:]).copy()
    factor = np.ones(len(at_risk))
    for _ in range(_ROUNDS):
        gone = -np.expm1(-factor[:, None, None] * strata)
        strata = strata * wanted / ((at_risk * gone).sum(axis=0) - np.expm1(-strata))
        gone = -np.expm1(-factor[:, None, None] * strata)
        factor = factor * level_wanted / ((at_risk * gone).sum(axis=(1, 2)) + HALF * factor)
    return Additive(at_risk, lost, strata, factor, sparse)

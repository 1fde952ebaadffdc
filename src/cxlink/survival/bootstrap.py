"""The customer bootstrap, made on spells; of clustered customers, the bootstrap of their buckets.

Resampling spells is identical to resampling the customers in them (Efron 1981,
doi 10.1080/01621459.1981.10477650): customers in each spell are multinomial. Buckets of clusters have weights instead
(Rubin 1981, doi 10.1214/aos/1176345338), so that no draw empties a cell.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.optimize import brentq
from scipy.sparse import csr_array
from scipy.special import gamma, gammaln

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.spell_buckets import SpellBuckets
from cxlink.cohort.count.spells import Spells

_FEW = 8
_STEP = 2.0**-20
_SPREAD_STEP = 1 / 128
"""Of the logarithm of a variance: places of nearly the same one are drawn together."""


@dataclass(frozen=True, slots=True, eq=False)
class ResampledCustomers:
    """A block of draws.

    Attributes
    ----------
    weights : ndarray of shape (n_spells, n_block)
        Customers in each spell.
    multipliers : ndarray of shape (n_places, n_block), optional
        Weight of each place of `SpellBuckets`; None where customers are independent.
    """

    weights: np.ndarray
    multipliers: np.ndarray | None = None

    def only(self, draws: np.ndarray) -> "ResampledCustomers":
        """Give some of the draws."""
        more = None if self.multipliers is None else self.multipliers[:, draws]
        return ResampledCustomers(self.weights[:, draws], more)

    def influence(self, scores: csr_array, n: np.ndarray) -> np.ndarray:
        """What sums change by: Σ over spells of (w* / n − 1)·score, or over places of (ξ − 1)·score.

        Parameters
        ----------
        scores : sparse matrix of shape (n_scores, n_spells) or (n_scores, n_places)
            Sums over the customers of each spell; of each place where they are clustered.
        n : ndarray of shape (n_spells,)
            Customers there are.

        Returns
        -------
        ndarray of shape (n_scores, n_block)
        """
        change = self.weights / n[:, None] - 1 if self.multipliers is None else self.multipliers - 1
        moved: np.ndarray = scores @ change
        return moved


def drawn_customers(
    spells: Spells, n_draws: int, block: int, rng: np.random.Generator
) -> Iterator[ResampledCustomers]:
    """Resample customers, in blocks so that memory stays small; the draws do not depend on the block.

    Parameters
    ----------
    spells : Spells
        The cohort.
    n_draws, block : int
        Draws in all, and at a time.
    rng : Generator
        Children of it are advanced.

    Yields
    ------
    ResampledCustomers
        Multinomial, so that each draw sums to the customers there are; of clustered customers, those of each bucket
        times a positive weight of mean 1.
    """
    if spells.buckets is None:
        yield from (ResampledCustomers(weights) for weights in multinomial(spells.n, n_draws, block, rng))
        return
    (stream,) = rng.spawn(1)
    for start in range(0, n_draws, block):
        exponential = stream.standard_exponential((min(block, n_draws - start), BUCKETS)).T
        multipliers = bucket_weights(spells.buckets, exponential)
        yield ResampledCustomers(spells.buckets.customers @ multipliers, multipliers)


def resample(spells: Spells, n_draws: int, block: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Resample customers as `drawn_customers` does; (n_spells, n_block) each."""
    return (drawn.weights for drawn in drawn_customers(spells, n_draws, block, rng))


def bucket_weights(buckets: SpellBuckets, exponential: np.ndarray) -> np.ndarray:
    """Weights of places, from one exponential number a bucket and draw.

    A power of it, w = E^p / Γ(1 + p), with the variance `SpellBuckets.spread`: what an average over few buckets, or
    over buckets of unequal sizes, varies by too little is made up for, and no weight is negative.

    Parameters
    ----------
    buckets : SpellBuckets
        The places.
    exponential : ndarray of shape (n_buckets, n_block)
        E.

    Returns
    -------
    ndarray of shape (n_places, n_block)
    """
    log, steps = np.log(exponential), np.round(np.log(buckets.spread) / _SPREAD_STEP).astype(int)
    # places of one bucket and variance have the same weights
    unlike, place = np.unique(np.stack([steps, buckets.bucket]), axis=1, return_inverse=True)
    powers = np.array([_power(step) for step in unlike[0].tolist()])[:, None]
    weights: np.ndarray = np.exp(powers * log[unlike[1]])
    weights /= gamma(1 + powers) * _STEP
    # in steps, so that sums of them are exact, and nobody is at risk where nobody is
    np.maximum(np.round(weights, out=weights), 1.0, out=weights)
    weights *= _STEP
    return weights[place]


@cache
def _power(step: int) -> float:
    """The power at which an exponential number of mean 1 has a variance of so many steps of its logarithm."""
    wanted = np.log1p(np.exp(step * _SPREAD_STEP))
    return float(brentq(lambda p: gammaln(1 + 2 * p) - 2 * gammaln(1 + p) - wanted, 0.25, 3.0))


def multinomial(n: np.ndarray, n_draws: int, block: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Resample independent customers of ``n`` a spell: (n_spells, n_block) each."""
    first, second = rng.spawn(2)
    total = int(n.sum())
    # Where a spell has few customers it is quicker to draw them than its number, with the same distribution.
    spell_of = np.repeat(np.arange(len(n)), n) if total < _FEW * len(n) else None
    for start in range(0, n_draws, block):
        shape = (min(block, n_draws - start), len(n))
        if spell_of is None:
            drawn = first.poisson(n, size=shape)
            for counts in drawn:
                _settle(counts, n, total, second)
        else:
            drawn = np.empty(shape, dtype=np.int64)
            for counts in drawn:
                counts[:] = np.bincount(
                    spell_of[first.integers(0, total, total, dtype=np.uint32)], minlength=len(n)
                )
        yield np.ascontiguousarray(drawn.T)


def _settle(counts: np.ndarray, n: np.ndarray, total: int, rng: np.random.Generator) -> None:
    """Make independent Poisson counts a multinomial of a given total.

    Given their sum they are multinomial already: customers missing are drawn from the cohort, customers too many are
    taken out at random.
    """
    surplus = int(counts.sum()) - total
    if surplus < 0:
        customers = rng.integers(0, total, -surplus)
        counts += np.bincount(np.searchsorted(np.cumsum(n), customers, side="right"), minlength=len(n))
    elif surplus > 0:
        customers = rng.choice(total + surplus, surplus, replace=False, shuffle=False)
        counts -= np.bincount(np.searchsorted(np.cumsum(counts), customers, side="right"), minlength=len(n))

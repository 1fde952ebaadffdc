"""Ranks of truths among posterior draws, and whether they are uniform (Talts et al. 2018, arXiv 1804.06788).

Parameters drawn from the prior, counts drawn from them, and a posterior drawn from the counts: were sampler and model
right, the rank of each truth among L independent draws would be uniform on 0, …, L. The ranks' distribution is
compared with the uniform one inside a band that holds all of it in 95 % (Säilynoja, Bürkner & Vehtari 2022,
doi 10.1007/s11222-022-10090-6).
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import bdtr, bdtrc, ndtri
from scipy.stats import binom

DRAWS = 99
"""L: ranks are one of a hundred, so that the uniform distribution has whole per cents."""
PROBABILITY = 0.95
_SIMULATED = 20_000
_SEED = 20221106


def rank_of(truth: float, draws: np.ndarray) -> int:
    """Number of `DRAWS` evenly thinned draws that are below the truth.

    Parameters
    ----------
    truth : float
        What the counts were drawn from.
    draws : ndarray of shape (n_draws,)
        Of its posterior; at least `DRAWS`, chain after chain.
    """
    if len(draws) < DRAWS:
        raise ValueError(f"{DRAWS} draws are ranked, there are {len(draws)}")
    # the last of each stretch: as far from the next as from the one before
    kept = draws[(np.arange(1, DRAWS + 1) * len(draws)) // (DRAWS + 1)]
    return int((kept < truth).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Where the distribution function of uniform ranks stays, all of it, in `PROBABILITY` of all cases.

    Attributes
    ----------
    at : ndarray of shape (L,)
        Shares of ranks, 0.01, …, 0.99.
    low, high : ndarray of shape (L,)
        Share of simulations whose rank is under it.
    tail : float
        Of a binomial on either side, at which each point of the band is cut.
    tails : ndarray of shape (n_simulated,)
        The smallest tail probability of each of many sets of uniform ranks, sorted.
    """

    at: np.ndarray
    low: np.ndarray
    high: np.ndarray
    tail: float
    tails: np.ndarray


@dataclass(frozen=True, slots=True)
class Uniformity:
    """Whether ranks are uniform.

    Attributes
    ----------
    n : int
        Ranks.
    deviation : float
        Largest deviation of their distribution from the uniform one, as a quantile of the normal distribution (from the
        tail of a binomial), that of the band being 1.
    p : float
        How often uniform ranks leave a narrower band than these.
    inside : bool
        Whether they are inside the band.
    """

    n: int
    deviation: float
    p: float
    inside: bool


def shares_below(ranks: np.ndarray) -> np.ndarray:
    """Share of ranks below 1, …, `DRAWS`."""
    found = np.cumsum(np.bincount(ranks, minlength=DRAWS + 1))[:DRAWS]
    share: np.ndarray = found / len(ranks)
    return share


@cache
def band(n: int) -> Band:
    """Simulate the band of n ranks, the same at every call.

    Parameters
    ----------
    n : int
        Ranks.
    """
    rng, at = np.random.default_rng(_SEED), np.arange(1, DRAWS + 1) / (DRAWS + 1)
    cells = rng.multinomial(n, np.full(DRAWS + 1, 1 / (DRAWS + 1)), _SIMULATED)
    tails = np.sort(_smallest_tail(np.cumsum(cells, axis=1)[:, :DRAWS], n))
    tail = float(np.quantile(tails, 1 - PROBABILITY))
    # smallest and largest counts whose tails are at least as likely
    low, high = np.asarray(binom.ppf(tail, n, at)), np.asarray(binom.isf(tail, n, at))
    return Band(at, low / n, high / n, tail, tails)


def _smallest_tail(below: np.ndarray, n: int) -> np.ndarray:
    """Smallest probability, over the points, of a count so low or so high: below of shape (..., L)."""
    at = np.arange(1, DRAWS + 1) / (DRAWS + 1)
    low = bdtr(below, n, at)
    high = np.where(below > 0, bdtrc(np.maximum(below - 1, 0), n, at), 1.0)
    found: np.ndarray = np.minimum(low, high).min(axis=-1)
    return found


def uniformity(ranks: np.ndarray) -> Uniformity:
    """Compare ranks with uniform ones.

    Parameters
    ----------
    ranks : int ndarray of shape (n_simulations,)
        From 0 to `DRAWS`.
    """
    n = len(ranks)
    wide = band(n)
    below = np.rint(n * shares_below(np.asarray(ranks))).astype(int)
    smallest = float(_smallest_tail(below, n))
    p = (1 + int(np.searchsorted(wide.tails, smallest, side="right"))) / (1 + len(wide.tails))
    return Uniformity(n, float(ndtri(smallest) / ndtri(wide.tail)), p, smallest >= wide.tail)

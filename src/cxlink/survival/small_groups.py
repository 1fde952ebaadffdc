"""Groups with few losses or few survivors: intervals that stay finite and cover.

A bootstrap of such a group hardly varies, and one of strata that lost everybody or nobody not at all. Its draws come
from a penalised likelihood instead: one customer is added who is half lost and half retained at the horizon, which is a
log-F(1, 1) penalty as data (Greenland & Mansournia 2015, doi 10.1002/sim.6537), or one to each stratum, see `added_to`.
When that customer leaves follows the shape of all levels' hazard, with one free parameter; how the hazards of the group
are then drawn is Hjort's beta process (1990, doi 10.1214/aos/1176347749).
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from cxlink.cohort.count.spells import PersonPeriods, Spells
from cxlink.groups.curves import Standard
from cxlink.groups.discrete_hazard import log_survival
from cxlink.groups.mixtures import mixtures, standardise
from cxlink.groups.requests import Request
from cxlink.survival.sparsity import ONE_IN_ALL, Added

_BLOCK = 400_000


def sparse_draws(
    periods: PersonPeriods,
    request: Request,
    standard: Standard,
    size: tuple[int, int, int],
    rng: np.random.Generator,
    *,
    read: np.ndarray,
    added: Added,
    weights: np.ndarray | None = None,
) -> Iterator[np.ndarray]:
    """Draw a sparse group's survival, customers of all levels' shape added.

    With r and d the group's customers at risk and lost in period t, and P the added customer's curve,
    h_t ~ Beta(d + P(t − 1) − P(t), r − d + P(t)): at the horizon, without censoring before, 1 − S of one curve is
    Beta(lost + ½, outlasting + ½).

    Parameters
    ----------
    periods, request, standard
        The cohort by pair of level and stratum, and the group in it.
    size : (int, int, int)
        Numbers of draws and of times, and the horizon in periods.
    rng : Generator
        Advanced.
    read : int ndarray of shape (n_read,)
        Which of the times are wanted, rising.
    added : Added
        Customers added to the group, from `added_to`.
    weights : ndarray of shape (n_terms, n_draws), optional
        Of the standard's terms, draw by draw; its own by default.

    Yields
    ------
    ndarray of shape (n_block, n_read)
        S(t) at those times; beyond the data, where the estimate has reached 0, from the added customer alone.
    """
    n_draws, n_times, horizon = size
    n_periods = max(n_times - 1, 1) + int(standard.entry.max())
    moved, a, b = beta_hazards(periods, request, standard, n_periods, horizon=horizon, added=added)
    used, group = (a > 0) & (b > 0), mixtures([moved])
    block = max(_BLOCK // a.size, 10)
    for start in range(0, n_draws, block):
        n_block = min(block, n_draws - start)
        hazard = np.zeros((*a.shape, n_block))
        hazard[used] = rng.beta(a[used], b[used], size=(n_block, int(used.sum()))).T
        drawn = log_survival(hazard)
        mine = None if weights is None else [weights[:, start : start + n_block]]
        yield standardise(drawn, group, read, mine)[:, 0]


def beta_hazards(
    periods: PersonPeriods,
    request: Request,
    standard: Standard,
    n_periods: int,
    *,
    horizon: int,
    added: Added,
) -> tuple[Standard, np.ndarray, np.ndarray]:
    """Parameters of the hazards of a sparse group, see `sparse_draws`.

    Returns
    -------
    standard : Standard
        The group over its own curves, numbered from 0.
    a, b : ndarray of shape (n_curves, n_periods)
        h ~ Beta(a, b); 0 in periods without customers.
    """
    curves, at = np.unique(standard.curve, return_inverse=True)
    moved = replace(standard, curve=at.ravel())
    members = [request.members[curve] for curve in curves]
    at_risk, lost = (
        _long(np.array([counts[pairs].sum(axis=0) for pairs in members]), n_periods)
        for counts in (periods.at_risk, periods.lost)
    )
    gone, there = added_customers(shape_of_all(periods, members, n_periods), moved, horizon, added)
    return moved, lost + gone, at_risk - lost + there


def _long(counts: np.ndarray, n_periods: int) -> np.ndarray:
    """Counts of exactly so many periods, zero beyond the data."""
    return np.pad(counts[:, :n_periods], ((0, 0), (0, max(n_periods - counts.shape[1], 0))))


def shape_of_all(periods: PersonPeriods, members: list[np.ndarray], n_periods: int) -> np.ndarray:
    """Cumulative hazard of all levels together in the strata of each curve; only its shape matters.

    A period of the cohort is shrunk towards its average hazard, and a period of a stratum towards the cohort's, by the
    weight of one customer: never 0 or infinite. Beyond the data the last period goes on.

    Returns
    -------
    ndarray of shape (n_curves, n_periods + 1)
        At t = 0, 1, …
    """
    average = (periods.lost.sum() + 0.5) / (periods.at_risk.sum() + 1)
    cohort = (periods.lost.sum(axis=0) + average) / (periods.at_risk.sum(axis=0) + 1)
    strata = [np.isin(periods.stratum, periods.stratum[pairs]) for pairs in members]
    at_risk, lost = (
        np.array([counts[inside].sum(axis=0) for inside in strata])
        for counts in (periods.at_risk, periods.lost)
    )
    steps = -np.log1p(-(lost + cohort) / (at_risk + 1))[:, :n_periods]
    steps = np.pad(steps, ((0, 0), (0, n_periods - steps.shape[1])), mode="edge")
    return np.pad(np.cumsum(steps, axis=1), ((0, 0), (1, 0)))


def added_customers(
    cumulative: np.ndarray, standard: Standard, horizon: int, added: Added = ONE_IN_ALL
) -> tuple[np.ndarray, np.ndarray]:
    """Spread one customer over a group's curves and entries, or one of each curve over its entries.

    P(t) = exp(−θ (H₀(t) − H₀(e))) with θ such that P(e + h) is the share left (or as far as the curve goes).

    Parameters
    ----------
    cumulative : ndarray of shape (n_curves, n_periods + 1)
        H₀.
    standard : Standard
        The group, over these curves.
    horizon : int
        h, in periods.
    added : Added
        How many, and the share left.

    Returns
    -------
    gone, there : ndarray of shape (n_curves, n_periods)
        The shares lost in, and retained after, each period.
    """
    gone, there = np.zeros((2, cumulative.shape[0], cumulative.shape[1] - 1))
    share = standard.weight
    if added.to_each:
        whole = np.bincount(standard.curve, share)[standard.curve]
        share = np.divide(share, whole, out=np.zeros_like(share), where=whole > 0)
    for curve, entry, weight in zip(standard.curve, standard.entry, share, strict=True):
        since = cumulative[curve, entry:] - cumulative[curve, entry]
        left = weight * added.left ** (since / since[min(horizon, len(since) - 1)])
        gone[curve, entry:] += left[:-1] - left[1:]
        there[curve, entry:] += left[1:]
    return gone, there


def split(
    spells: Spells, pairs: np.ndarray, gone: np.ndarray, n_causes: int, rng: np.random.Generator
) -> np.ndarray:
    """Divide the share lost among causes: Dirichlet of a group's losses and half a loss in all.

    Parameters
    ----------
    spells, pairs
        The cohort, and the pairs of the group.
    gone : ndarray of shape (n_draws,)
        Draws of the share lost.
    n_causes : int
        Competing causes.
    rng : Generator
        Advanced.

    Returns
    -------
    ndarray of shape (n_draws, n_causes)
    """
    inside = np.isin(spells.pair, pairs)
    losses = np.array([spells.n[inside & (spells.cause == c + 1)].sum() for c in range(n_causes)])
    share = rng.dirichlet(losses + 0.5 / n_causes, size=len(gone))
    divided: np.ndarray = gone[:, None] * share
    return divided

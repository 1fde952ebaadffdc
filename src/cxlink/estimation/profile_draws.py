"""Draws of penalised parameters, from the penalised likelihood itself.

A separated effect's likelihood is far from normal: flat on one side, steep on the other. Draws start as normal
ones from the covariance; the part of them along each penalised parameter is then replaced, quantile for
quantile, by the profile of the penalised likelihood along it. The rest of a draw stays normal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import ndtr

from cxlink.estimation.optimise import Optimum
from cxlink.estimation.penalties import Penalty

_COLLINEAR = 1.5
_MOVED = 0.1
_DEPTH = 14.0
_POINTS = 241
_EVERY = 4
_LOWEST = -60.0


class Penalised(Protocol):
    """What is maximised: a log-likelihood with penalties, as a function of all parameters."""

    @property
    def penalties(self) -> tuple[Penalty, ...]:
        """The penalties in it."""
        ...

    def value(self, theta: np.ndarray) -> float:
        """Penalised log-likelihood."""
        ...

    def values(self, thetas: np.ndarray) -> np.ndarray:
        """Penalised log-likelihood at several points, (n, n_parameters); of shape (n,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Marginal:
    """Distribution of one penalised parameter.

    Attributes
    ----------
    index : int
        Position of the parameter.
    direction : ndarray of shape (n_parameters,)
        How the parameters move with it; 1 at ``index``.
    std_dev : float
        Standard deviation of the normal draws along it.
    offset, cumulative : ndarray of shape (n_points,)
        Distance from the estimate, and probability of being under it.
    """

    index: int
    direction: np.ndarray
    std_dev: float
    offset: np.ndarray
    cumulative: np.ndarray


def marginals(
    likelihood: Penalised, optimum: Optimum, covariance: np.ndarray, n_effects: int
) -> tuple[Marginal, ...]:
    """Tabulate the penalised likelihood along each penalised parameter.

    An effect that is collinear with others (its standard error over 1.5 times what it would be were they fixed) moves
    along its regression on them, so that sums that the counts identify stay as they are; another one that this leaves
    without variance gets no table of its own. Any other parameter moves alone, and its table is stretched from
    the conditional to the marginal standard error.

    Parameters
    ----------
    likelihood : Penalised
        A likelihood and its penalties.
    optimum : Optimum
        Its maximum.
    covariance : ndarray of shape (n_parameters, n_parameters)
        Inverse of the negative Hessian there.
    n_effects : int
        Effects on the location come first, a family's other parameters after them.
    """
    alone = np.sqrt(-1 / np.diag(optimum.hessian))
    wider = np.sqrt(np.maximum(np.diag(covariance), 0.0)) / alone  # a variance of 0 may be rounded below it
    penalised = [penalty.index for penalty in likelihood.penalties]
    collinear = [j for j in penalised if j < n_effects and wider[j] > _COLLINEAR]
    tables: list[Marginal] = []
    remaining = covariance
    for j in [*collinear, *(j for j in penalised if j not in collinear)]:
        if remaining[j, j] < _MOVED * covariance[j, j]:
            continue
        std_dev = float(np.sqrt(remaining[j, j]))
        if j in collinear:
            direction, stretch = remaining[j] / remaining[j, j], 1.0
        else:
            direction, stretch = np.eye(len(remaining))[j], max(std_dev / float(alone[j]), 1.0)
        first = 3 * (std_dev if j in collinear else float(alone[j]))
        offset, cumulative = _tabulate(likelihood, optimum.theta, direction, first)
        tables.append(Marginal(j, direction, std_dev, stretch * offset, cumulative))
        projection = np.eye(len(remaining)) - np.outer(direction, np.eye(len(remaining))[j])
        remaining = projection @ remaining @ projection.T
    return tuple(tables)


def exchange(normal: np.ndarray, tables: Sequence[Marginal]) -> np.ndarray:
    """Replace the normal part of draws along each penalised parameter by its profile distribution.

    Parameters
    ----------
    normal : ndarray of shape (n_draws, n_parameters)
        Distances from the estimate, from its covariance.
    tables : sequence of Marginal
        In the order that `marginals` gives them.

    Returns
    -------
    ndarray of shape (n_draws, n_parameters)
        Distances from the estimate.
    """
    rest = normal.copy()
    moved = np.zeros_like(normal)
    for table in tables:
        along = rest[:, table.index].copy()
        rest -= np.outer(along, table.direction)
        own = np.interp(ndtr(along / table.std_dev), table.cumulative, table.offset)
        moved += np.outer(own, table.direction)
    exchanged: np.ndarray = rest + moved
    return exchanged


def _tabulate(
    likelihood: Penalised, theta: np.ndarray, direction: np.ndarray, first: float
) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and cumulative probabilities, from ``first`` out to where the density is e^-14 of the estimate's."""
    top = likelihood.value(theta)
    ends = []
    for sign in (-1.0, 1.0):
        reach = float(np.clip(first, 1e-3, 10.0))
        while reach < 60 and likelihood.value(theta + sign * reach * direction) > top - _DEPTH:
            reach *= 1.5
        ends.append(sign * reach)
    offset = np.linspace(ends[0], ends[1], _POINTS)
    coarse = offset[::_EVERY]
    log_density = likelihood.values(theta + np.outer(coarse, direction))
    log_density = np.maximum(log_density - log_density.max(), _LOWEST)
    # it is smooth: a cubic through every fourth point
    density = np.exp(CubicSpline(coarse, log_density)(offset))
    cumulative = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return offset, cumulative / cumulative[-1]

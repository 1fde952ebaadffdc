"""The cells of a cohort as measured, and draws of them: of customers, or of the buckets of their clusters."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.spells import Spells
from cxlink.comparison.additive_hazards import HALF
from cxlink.comparison.cell_curves import CellCurves
from cxlink.comparison.cell_windows import counted_in, customers_of, plain_steps, window_steps
from cxlink.survival.bootstrap import bucket_weights

_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True)
class CellDraws:
    """Cells of a cohort: of the data, or draws of them on the last axis.

    Attributes
    ----------
    n : ndarray of shape (n_levels, n_places, n_draws)
        Customers.
    retained : ndarray of shape (n_levels, n_places, n_draws)
        Share retained at the horizon.
    hazard : ndarray of shape (n_levels, n_strata, n_periods, n_draws)
        By period since the time origin.
    at_risk, lost : ndarray of shape (n_levels, n_strata, n_periods, n_draws)
        Of customers with a place, up to the horizon after their survey.
    weights : ndarray of shape (n_spells, n_draws)
        Customers in each spell.
    """

    n: np.ndarray
    retained: np.ndarray
    hazard: np.ndarray
    at_risk: np.ndarray
    lost: np.ndarray
    weights: np.ndarray


def measure(cells: CellCurves) -> CellDraws:
    """Give the cells of the data; the last axis is of length 1."""
    weights = cells.spells.n[:, None].astype(float)
    at_risk, lost = counted_in(cells.count, weights, cells.frame)
    steps = plain_steps(at_risk, lost, cells.additive.shrunk[..., None])
    return _measured(cells, weights, steps)


def draws_of(
    cells: CellCurves,
    n_draws: int,
    block: int,
    rng: np.random.Generator,
    accounts: np.random.Generator | None = None,
) -> Iterator[CellDraws]:
    """Draw the cells: a customer bootstrap by weights, and for sparse levels one factor on the cohort's hazards.

    Customers of a spell have the weight Gamma(n, 1), so that no draw empties a cell (Rubin 1981, doi
    10.1214/aos/1176345338). The share of its customer-periods that a sparse level loses is Beta(losses + ½,
    others + ½); the factor follows. A cell of one customer, which no weight varies, has the variance c (1 − c) of the
    share c that its model retains. Clustered customers have the weight of their bucket (`bucket_weights`), a sparse
    level as many losses as its own are worth of independent customers, and a cell of one bucket is as one of one
    customer is.

    Parameters
    ----------
    cells : CellCurves
        A cohort.
    n_draws, block : int
        Draws in all, and at a time.
    rng : Generator
        Children of it are advanced.
    accounts : Generator, optional
        What buckets of clusters are drawn from; advanced.
    """
    bootstrap, factors, normal = rng.spawn(3)
    additive, frame = cells.additive, cells.frame
    few, lost, exposed = (
        additive.sparse,
        *(x[:, None] / _worth(cells) for x in (additive.level_lost, additive.exposed)),
    )
    customers = bootstrap if accounts is None or cells.bucketed is None else accounts
    alone, deviation = _alone(cells)
    for start in range(0, n_draws, block):
        size = min(block, n_draws - start)
        weights = _weights(cells.spells, size, customers)
        steps = plain_steps(*counted_in(cells.count, weights, frame), additive.shrunk[..., None])
        share = factors.beta(lost + HALF, exposed - lost + HALF, size=(len(lost), size))
        factor = additive.factors(np.maximum(share, 1e-300))[few]
        steps[few] = factor[:, None, None] * additive.strata[..., None]
        made = _measured(cells, weights, steps)
        if cells.bucketed is None:
            noise = normal.standard_normal((size, len(deviation))).T
        else:
            noise = cells.bucketed.alike(alone, size, normal)
        made.retained[alone] += deviation[:, None] * noise
        yield made


def _worth(cells: CellCurves) -> float:
    """Losses that say as much as one of independent customers does."""
    return 1.0 if cells.bucketed is None else cells.bucketed.overall


def _alone(cells: CellCurves) -> tuple[np.ndarray, np.ndarray]:
    """Places of one customer, or one bucket, that no weight varies, and the standard deviations of their shares."""
    additive, bucketed = cells.additive, cells.bucketed
    if bucketed is None:
        units, inflation = customers_of(additive.at_risk)[:, cells.frame.stratum], np.ones(1)
    else:
        units, inflation = bucketed.buckets, bucketed.inflation / np.maximum(bucketed.n.sum(axis=-1), 1)
    alone = (units == 1) & ~additive.sparse[:, None]
    centre = cells.expansion.centre
    return alone, np.sqrt(centre * (1 - centre) * inflation)[alone]


def _weights(spells: Spells, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw customers of each spell, (n_spells, size)."""
    if spells.buckets is None:
        return rng.standard_gamma(spells.n, (size, len(spells.n))).T
    weights: np.ndarray = spells.buckets.customers @ bucket_weights(
        spells.buckets, rng.standard_exponential((size, BUCKETS)).T
    )
    return weights


def spread(cells: CellCurves, point: CellDraws, drawn: CellDraws) -> np.ndarray:
    """Scale the spread of each cell's retained share by √((n + 1) / (n − 1)), n being its customers.

    With Gamma weights the variance of a share p is p (1 − p) / (n + 1), and on average p (1 − p) is (n − 1) / n of what
    it should be. Where the cells' own sizes are drawn too, their sum needs no scaling.
    """
    if cells.bucketed is not None:  # their weights have that scale
        return drawn.retained
    n = customers_of(cells.additive.at_risk)[:, cells.frame.stratum, None]
    scale = np.sqrt(
        np.where((n > 1) & ~cells.additive.sparse[:, None, None], (n + 1) / np.maximum(n - 1, 1), 1.0)
    )
    scaled: np.ndarray = point.retained + scale * (drawn.retained - point.retained)
    return scaled


def block_of(cells: CellCurves, n_draws: int) -> int:
    """Draws at a time: some 32 MB an array."""
    n_levels, n_places = cells.frame.shape
    size = n_levels * max(len(cells.frame.strata) * cells.frame.n_periods, 4 * n_places)
    return int(np.clip(_BLOCK // max(size, len(cells.spells.n), 1), min(10, n_draws), n_draws))


def _measured(cells: CellCurves, weights: np.ndarray, steps: np.ndarray) -> CellDraws:
    """Cells with these weights of the spells, and these steps of the cumulative hazard."""
    frame, inside = cells.frame, cells.place >= 0
    n = np.zeros((frame.shape[0] * frame.shape[1], weights.shape[1]))
    np.add.at(n, cells.place[inside], weights[inside])
    return CellDraws(
        n.reshape(*frame.shape, -1),
        np.exp(-window_steps(steps, frame)),
        -np.expm1(-steps),
        *counted_in(cells.within, weights, frame),
        weights,
    )

"""Kaplan–Meier of every level and stratum of a cohort, with draws, and where its functions are expanded.

A cell's retained share is its plain estimate, and stays so in every sum. Functions of it (`expansion`) are expanded
around the cell's hazards shrunk towards the cohort's additive ones by the weight of ten losses; a period in which a
cell had nobody at risk takes those hazards too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from cxlink.cohort.count.spells import RiskSets, Spells, risk_sets
from cxlink.comparison.additive_hazards import HALF, Additive, additive_hazards
from cxlink.comparison.common_support import Frame, place_of, positions
from cxlink.comparison.expansion import Expansion
from cxlink.groups.discrete_hazard import EXTINCT
from cxlink.survival.small_groups import FEWEST

_BLOCK, _ROUNDING = 4_000_000, 1e-9
_LEAST = 1.0
"""Customers of a cell that its model expects to lose, and to retain, for its square to be used."""


@dataclass(frozen=True, slots=True)
class CellCurves:
    """One cohort in the frame that it shares with another.

    Attributes
    ----------
    spells : Spells
        The cohort.
    frame : Frame
        Places of both cohorts.
    place : int ndarray of shape (n_spells,)
        Level × place of each spell, −1 for those set aside.
    count : RiskSets
        By level × stratum, over all of the follow-up.
    within : RiskSets
        The same up to the horizon after each survey, of customers with a place alone.
    additive : Additive
        What sparse cells are shrunk towards.
    expansion : Expansion
        Where functions of the retained shares are expanded.
    """

    spells: Spells
    frame: Frame
    place: np.ndarray
    count: RiskSets
    within: RiskSets
    additive: Additive
    expansion: Expansion


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


def cells_of(spells: Spells, frame: Frame) -> CellCurves:
    """Sort a cohort into a frame."""
    level, stratum = positions(spells, frame.levels, frame.strata)
    place, n_strata = place_of(spells, frame), len(frame.strata)
    cell = np.where((level >= 0) & (stratum >= 0), level * n_strata + stratum, -1)
    pairs = [np.unique(spells.pair[cell == k]) for k in range(len(frame.levels) * n_strata)]
    count = risk_sets(spells, pairs)
    last = spells.entry + frame.horizon
    clipped = replace(
        spells,
        exit=np.where(place >= 0, np.minimum(spells.exit, last), spells.entry),
        cause=np.where((spells.exit <= last) & (place >= 0), spells.cause, 0),
    )
    within = risk_sets(clipped, pairs)
    gone, inside = clipped.cause > 0, place >= 0
    lost, retained = (
        np.bincount(level[inside & one], spells.n[inside & one], len(frame.levels)) for one in (gone, ~gone)
    )
    at_risk, losses = (x[..., 0] for x in _shaped(count, spells.n[:, None], frame))
    if frame.entry.any():
        lost, retained = losses.sum(axis=(1, 2)), (at_risk - losses).sum(axis=(1, 2))
    additive = additive_hazards(at_risk, losses, np.minimum(lost, retained) < FEWEST)
    expansion = _expanded(at_risk, losses, additive.shrunk, frame)
    return CellCurves(spells, frame, place, count, within, additive, expansion)


def _expanded(at_risk: np.ndarray, lost: np.ndarray, shrunk: np.ndarray, frame: Frame) -> Expansion:
    """Expand around shrunk hazards; v is Greenwood's variance × n / (n − 1): unbiased without censoring."""
    customers, plain = _customers(at_risk), _plain(at_risk, lost, shrunk)
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = np.where(lost > 0, lost / (at_risk * (at_risk - lost)), 0.0)
    centre, retained, variance = (
        _windows(steps[..., None], frame)[..., 0]
        for steps in (shrunk, plain, np.where(np.isfinite(noise), noise, 0.0))
    )
    centre, retained, n = np.exp(-centre), np.exp(-retained), customers[:, frame.stratum]
    variance = retained**2 * variance * n / np.maximum(n - 1, 1)
    # a square of hardly a customer who left, or hardly one who stayed, is noise
    used = (n > 1) & (n * np.minimum(centre, 1 - centre) > _LEAST)
    square = np.where(used, (retained - centre) ** 2 - variance, 0.0)
    noise = np.where(used, centre * (1 - centre) * np.sqrt(2 / np.maximum(n * (n - 1), 1)), 0.0)
    return Expansion(centre, square, noise)


def _customers(at_risk: np.ndarray) -> np.ndarray:
    """Customers of each cell: the most at risk at once."""
    customers: np.ndarray = at_risk.max(axis=2)
    return customers


def _plain(at_risk: np.ndarray, lost: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Steps of the cumulative hazard; ``otherwise`` where nobody is at risk, but for the rounding of drawn weights."""
    anybody = at_risk > _ROUNDING
    with np.errstate(divide="ignore"):
        steps = -np.log1p(-np.minimum(lost / np.where(anybody, at_risk, np.inf), 1.0))
    plain: np.ndarray = np.where(anybody, np.minimum(steps, -EXTINCT), otherwise)
    return plain


def _shaped(count: RiskSets, weights: np.ndarray, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """At risk and lost (n_levels, n_strata, n_periods, n_draws), for exactly the periods of the frame."""
    wanted, made = frame.n_periods, []
    for counts in count(weights):
        short = max(wanted - counts.shape[1], 0)
        counts = np.pad(counts[:, :wanted], ((0, 0), (0, short), (0, 0)))
        made.append(counts.reshape(len(frame.levels), len(frame.strata), wanted, -1))
    return made[0], made[1]


def measure(cells: CellCurves) -> CellDraws:
    """Give the cells of the data; the last axis is of length 1."""
    weights = cells.spells.n[:, None].astype(float)
    at_risk, lost = _shaped(cells.count, weights, cells.frame)
    steps = _plain(at_risk, lost, cells.additive.shrunk[..., None])
    return _measured(cells, weights, steps)


def draws_of(cells: CellCurves, n_draws: int, block: int, rng: np.random.Generator) -> Iterator[CellDraws]:
    """Draw the cells: a customer bootstrap by weights, and for sparse levels one factor on the cohort's hazards.

    Customers of a spell have the weight Gamma(n, 1), so that no draw empties a cell (Rubin 1981, doi
    10.1214/aos/1176345338). The share of its customer-periods that a sparse level loses is Beta(losses + ½,
    others + ½); the factor follows. A cell of one customer, which no weight varies, has the variance c (1 − c) of the
    share c that its model retains.

    Parameters
    ----------
    cells : CellCurves
        A cohort.
    n_draws, block : int
        Draws in all, and at a time.
    rng : Generator
        Children of it are advanced.
    """
    bootstrap, factors, normal = rng.spawn(3)
    additive, frame = cells.additive, cells.frame
    few, lost, exposed = additive.sparse, additive.level_lost[:, None], additive.exposed[:, None]
    alone = (_customers(additive.at_risk)[:, frame.stratum] == 1) & ~few[:, None]
    centre = cells.expansion.centre[alone]
    deviation = np.sqrt(centre * (1 - centre))
    for start in range(0, n_draws, block):
        size = min(block, n_draws - start)
        weights = bootstrap.standard_gamma(cells.spells.n, (size, len(cells.spells.n))).T
        steps = _plain(*_shaped(cells.count, weights, frame), additive.shrunk[..., None])
        share = factors.beta(lost + HALF, exposed - lost + HALF, size=(len(lost), size))
        factor = additive.factors(np.maximum(share, 1e-300))[few]
        steps[few] = factor[:, None, None] * additive.strata[..., None]
        made = _measured(cells, weights, steps)
        made.retained[alone] += deviation[:, None] * normal.standard_normal((size, len(deviation))).T
        yield made


def spread(cells: CellCurves, point: CellDraws, drawn: CellDraws) -> np.ndarray:
    """Scale the spread of each cell's retained share by √((n + 1) / (n − 1)), n being its customers.

    With Gamma weights the variance of a share p is p (1 − p) / (n + 1), and on average p (1 − p) is (n − 1) / n of what
    it should be. Where the cells' own sizes are drawn too, their sum needs no scaling.
    """
    n = _customers(cells.additive.at_risk)[:, cells.frame.stratum, None]
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
        np.exp(-_windows(steps, frame)),
        -np.expm1(-steps),
        *_shaped(cells.within, weights, frame),
        weights,
    )


def _windows(steps: np.ndarray, frame: Frame) -> np.ndarray:
    """Cumulative hazard from each place's entry to its horizon: (n_levels, n_places, n_draws)."""
    total = np.pad(np.cumsum(steps, axis=2), ((0, 0), (0, 0), (1, 0), (0, 0)))
    cumulative: np.ndarray = (
        total[:, frame.stratum, frame.entry + frame.horizon] - total[:, frame.stratum, frame.entry]
    )
    return cumulative

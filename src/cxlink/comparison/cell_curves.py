"""Kaplan–Meier of every level and stratum of a cohort, with draws, for sums and for logarithms.

Sums over cells take each cell's plain estimate, where a cell without a loss has the cumulative hazard 0. A logarithm
cannot: there each cell has half a loss more, at the rate of the cohort's own additive hazards (design rule 10). A
period in which a cell had nobody at risk takes the cell's own average hazard, of which the half loss is part.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from cxlink.cohort.count.spells import RiskSets, Spells, risk_sets
from cxlink.comparison.common_support import Frame, place_of, positions
from cxlink.groups.discrete_hazard import EXTINCT
from cxlink.survival.bootstrap import resample
from cxlink.survival.small_groups import FEWEST

_BLOCK = 4_000_000
_HALF = 0.5
_GRID = np.linspace(-20.0, 12.0, 641)


@dataclass(frozen=True, slots=True)
class Additive:
    """Hazards that are additive in the logarithm: those of the strata, times one factor a level.

    Attributes
    ----------
    strata : ndarray of shape (n_strata, n_periods)
        Steps of the cumulative hazard of all levels together; never 0.
    at_risk : ndarray of shape (n_levels, n_strata, n_periods)
        Customers.
    lost : ndarray of shape (n_levels,)
        Losses of a level.
    sparse : bool ndarray of shape (n_levels,)
        Fewer than ten losses up to the horizon, or fewer than ten customers without one (under late entry:
        customer-periods): such a level is drawn from its one factor alone.
    """

    strata: np.ndarray
    at_risk: np.ndarray
    lost: np.ndarray
    sparse: np.ndarray

    @property
    def exposed(self) -> np.ndarray:
        """Customer-periods of each level."""
        exposed: np.ndarray = self.at_risk.sum(axis=(1, 2))
        return exposed

    @property
    def factor(self) -> np.ndarray:
        """Of each level: with half a loss and half a customer-period without one added."""
        return self.factors(((self.lost + _HALF) / (self.exposed + 1))[:, None])[:, 0]

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
    """

    spells: Spells
    frame: Frame
    place: np.ndarray
    count: RiskSets
    within: RiskSets
    additive: Additive


@dataclass(frozen=True, slots=True)
class CellDraws:
    """Cells of a cohort: of the data, or draws of them on the last axis.

    Attributes
    ----------
    n : ndarray of shape (n_levels, n_places, n_draws)
        Customers.
    cumulative : ndarray of shape (n_levels, n_places, n_draws)
        −log of the share retained at the horizon.
    log_cumulative : ndarray of shape (n_levels, n_places, n_draws)
        Its logarithm, half a loss added.
    hazard : ndarray of shape (n_levels, n_strata, n_periods, n_draws)
        By period since the time origin.
    at_risk, lost : ndarray of shape (n_levels, n_strata, n_periods, n_draws)
        Of customers with a place, up to the horizon after their survey.
    weights : ndarray of shape (n_spells, n_draws)
        Customers in each spell.
    """

    n: np.ndarray
    cumulative: np.ndarray
    log_cumulative: np.ndarray
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
    return CellCurves(
        spells, frame, place, count, within, _additive(at_risk, losses, np.minimum(lost, retained) < FEWEST)
    )


def _shaped(count: RiskSets, weights: np.ndarray, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """At risk and lost (n_levels, n_strata, n_periods, n_draws), for exactly the periods of the frame."""
    wanted, made = frame.n_periods, []
    for counts in count(weights):
        short = max(wanted - counts.shape[1], 0)
        counts = np.pad(counts[:, :wanted], ((0, 0), (0, short), (0, 0)))
        made.append(counts.reshape(len(frame.levels), len(frame.strata), wanted, -1))
    return made[0], made[1]


def _additive(at_risk: np.ndarray, lost: np.ndarray, sparse: np.ndarray) -> Additive:
    average = (lost.sum() + _HALF) / (at_risk.sum() + 1)
    cohort = (lost.sum(axis=(0, 1)) + average) / (at_risk.sum(axis=(0, 1)) + 1)
    strata = (lost.sum(axis=0) + cohort) / (at_risk.sum(axis=0) + 1)
    return Additive(-np.log1p(-strata), at_risk, lost.sum(axis=(1, 2)), sparse)


def measure(cells: CellCurves) -> CellDraws:
    """Give the cells of the data; the last axis is of length 1."""
    return _measured(cells, cells.spells.n[:, None].astype(float), cells.additive.factor[:, None], False)


def draws_of(cells: CellCurves, n_draws: int, block: int, rng: np.random.Generator) -> Iterator[CellDraws]:
    """Draw the cells: a customer bootstrap, and for sparse levels one factor on the cohort's hazards.

    The share of its customer-periods that a sparse level loses is Beta(losses + ½, others + ½); the factor follows.

    Parameters
    ----------
    cells : CellCurves
        A cohort.
    n_draws, block : int
        Draws in all, and at a time.
    rng : Generator
        Children of it are advanced.
    """
    bootstrap, factors = rng.spawn(2)
    additive = cells.additive
    for weights in resample(cells.spells.n, n_draws, block, bootstrap):
        shape = (len(additive.lost), weights.shape[1])
        retained = additive.exposed - additive.lost
        share = factors.beta(additive.lost[:, None] + _HALF, retained[:, None] + _HALF, size=shape)
        yield _measured(cells, weights, additive.factors(np.maximum(share, 1e-300)), True)


def block_of(cells: CellCurves, n_draws: int) -> int:
    """Draws at a time: some 32 MB an array."""
    n_levels, n_places = cells.frame.shape
    size = n_levels * max(len(cells.frame.strata) * cells.frame.n_periods, 4 * n_places)
    return int(np.clip(_BLOCK // max(size, len(cells.spells.n), 1), min(10, n_draws), n_draws))


def _measured(cells: CellCurves, weights: np.ndarray, factor: np.ndarray, drawn: bool) -> CellDraws:
    """Cells under these weights of the spells; where ``drawn``, sparse levels from their factor alone."""
    frame, additive = cells.frame, cells.additive
    at_risk, lost = _shaped(cells.count, weights, frame)
    additive_steps = additive.factor[:, None, None] * additive.strata
    additive_hazard = -np.expm1(-additive_steps)
    with np.errstate(invalid="ignore", divide="ignore"):
        added = _HALF / -np.expm1(-additive_steps.mean(axis=-1) * frame.horizon)[..., None, None]
        average = lost.sum(axis=2, keepdims=True) + added * additive_hazard.mean(axis=-1)[..., None, None]
        average = average / (at_risk.sum(axis=2, keepdims=True) + added)
        hazard = np.where(at_risk > 0, lost / at_risk, average)
        shrunk_hazard = (lost + added * additive_hazard[..., None]) / (at_risk + added)
        steps, shrunk_steps = (np.minimum(-np.log1p(-h), -EXTINCT) for h in (hazard, shrunk_hazard))
    few = additive.sparse
    by_factor = factor[few][:, None, None] * additive.strata[..., None]
    shrunk_steps[few] = by_factor
    if drawn:
        steps[few], hazard[few] = by_factor, -np.expm1(-by_factor)
    inside = cells.place >= 0
    n = np.zeros((frame.shape[0] * frame.shape[1], weights.shape[1]))
    np.add.at(n, cells.place[inside], weights[inside])
    return CellDraws(
        n.reshape(*frame.shape, -1),
        _windows(steps, frame),
        np.log(_windows(shrunk_steps, frame)),
        hazard,
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

"""Hazards of every level in every stratum over all of time, drawn with the resampled customers that they stand on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from cxlink.cohort.count.spells import Spells, each_pair, risk_sets
from cxlink.groups.discrete_hazard import add_up
from cxlink.groups.support import FEWEST_AT_RISK
from cxlink.survival.tails.extrapolation_error import ErrorPaths
from cxlink.survival.tails.spell_scores import spell_scores
from cxlink.survival.tails.tail_fit import CellCounts, TailFit

_LARGEST = 60.0
Gradients = tuple[csr_array, ...]
"""By function of time: what a customer of each spell adds in its cell, sparse (n_cells, n_spells)."""


def cells_of(spells: Spells) -> np.ndarray:
    """Cell of each pair: level × strata + stratum, every combination counted."""
    cells: np.ndarray = spells.level * len(spells.strata) + spells.stratum
    return cells


def cell_counts(spells: Spells, n: np.ndarray | None = None) -> CellCounts:
    """Customers at risk and lost by cell and period, to the last period with anybody at risk.

    Parameters
    ----------
    spells : Spells
        The cohort.
    n : ndarray of shape (n_spells,), optional
        Customers in each spell, in place of its own.
    """
    at_risk, lost = risk_sets(spells, each_pair(spells))(spells.n if n is None else n)
    shape = (len(spells.levels) * len(spells.strata), at_risk.shape[1])
    counts = CellCounts(np.zeros(shape), np.zeros(shape))
    counts.at_risk[cells_of(spells)], counts.lost[cells_of(spells)] = at_risk, lost
    return counts


def last_with_ten(spells: Spells) -> np.ndarray:
    """Last period since the time origin in which each level has ten at risk over its strata; 0 where it never has."""
    at_risk = cell_counts(spells).at_risk.reshape(len(spells.levels), len(spells.strata), -1).sum(axis=1)
    enough = at_risk >= FEWEST_AT_RISK
    n_periods = at_risk.shape[1]
    return np.where(enough.any(axis=1), n_periods - enough[:, ::-1].argmax(axis=1), 0)


@dataclass(frozen=True, slots=True, eq=False)
class ContinuedHazards:
    """Fitted hazards with their extrapolation error, to be drawn.

    Attributes
    ----------
    spells : Spells
        The cohort.
    fit : TailFit
        Of its counts.
    begin, end : ndarray of shape (n_steps,)
        Steps of time since the time origin, in periods; each begins where the one before ends.
    paths : mapping of str to ErrorPaths
        By scenario: levels' errors correlated as estimated, not at all, or the same.
    others : tuple of TailFit
        Fits that some draws have instead.
    structure : int ndarray of shape (n_draws,)
        Which fit each draw has: 0 ``fit``, then ``others``.
    """

    spells: Spells
    fit: TailFit
    begin: np.ndarray
    end: np.ndarray
    paths: Mapping[str, ErrorPaths]
    others: tuple[TailFit, ...]
    structure: np.ndarray

    def estimate(self) -> np.ndarray:
        """Cumulative hazard of each cell at 0 and at the end of each step: (n_cells, n_steps + 1, 1)."""
        centre = self.paths[""].centre(self.begin, self.end)
        return self.cumulated(self.hazards(self.fit, self.fit.theta[:, None]), centre[:, :, None])

    def hazards(self, fit: TailFit, theta: np.ndarray) -> np.ndarray:
        """Cumulative hazard of each step without the error: (n_columns, n_draws) to (n_cells, n_steps, n_draws)."""
        log_hazard = fit.log_hazards(theta, self.begin, self.end)
        hazard = np.exp(np.clip(log_hazard, -_LARGEST, _LARGEST, out=log_hazard), out=log_hazard)
        hazard *= (self.end - self.begin)[None, :, None]
        return hazard

    def cumulated(self, hazard: np.ndarray, error: np.ndarray, cells: np.ndarray | None = None) -> np.ndarray:
        """Cumulate hazards of steps times e^δ, δ of shape (n_levels, n_steps, n_draws); of some cells, or all."""
        used = np.arange(len(hazard)) if cells is None else cells
        total = np.zeros((len(used), hazard.shape[1] + 1, hazard.shape[2]))
        level = used // len(self.spells.strata)
        for at in np.unique(level):
            factor = np.exp(np.clip(error[at], -_LARGEST, _LARGEST))
            first, last = np.searchsorted(level, [at, at + 1])
            np.multiply(hazard[used[first:last]], factor, out=total[first:last, 1:])
        add_up(total)
        return total

    def gradients(self) -> tuple[Gradients, ...]:
        """What customers of each spell add to the gradient of each fit."""
        return tuple(_gradients(self.spells, fit) for fit in (self.fit, *self.others))

    def drawn(
        self, weights: np.ndarray, draws: slice, gradients: Sequence[Gradients], rng: np.random.Generator
    ) -> "DrawnHazards":
        """Draw coefficients with resampled customers: one Newton step from the estimate, and noise for the penalties.

        The step is H⁻¹(Σ_spells (w* − n)·score + Σ z/τ); with the information I of the counts and the penalties P its
        covariance is H⁻¹(I + P)H⁻¹ = H⁻¹, that of the posterior.

        Parameters
        ----------
        weights : ndarray of shape (n_spells, n_block)
            Customers of each spell.
        draws : slice
            Which draws they are.
        gradients : sequence of Gradients
            As `gradients` gives them.
        rng : Generator
            Advanced.
        """
        change = weights - self.spells.n[:, None]
        fits, structure = (self.fit, *self.others), self.structure[draws]
        steps = np.empty((len(self.fit.terms.matrix), len(self.begin), weights.shape[1]))
        for k in np.unique(structure):
            at = np.flatnonzero(structure == k)
            moved = _moved(fits[k], gradients[k], change[:, at], rng)
            steps[:, :, at] = self.hazards(fits[k], fits[k].theta[:, None] + fits[k].inverse @ moved)
        return DrawnHazards(self, steps, draws)


def _gradients(spells: Spells, fit: TailFit) -> Gradients:
    scores, n_cells = spell_scores(spells, fit), len(fit.terms.matrix)
    at, shape = (scores.cell, np.arange(len(scores.cell))), (n_cells, len(scores.cell))
    return tuple(csr_array(coo_array((own, at), shape=shape)) for own in scores.sums)


def _moved(fit: TailFit, gradients: Gradients, change: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gradient that a change of customers brings, and noise for the penalties: (n_columns, n_draws)."""
    moved: np.ndarray = np.sqrt(fit.precision)[:, None] * rng.standard_normal(
        (len(fit.theta), change.shape[1])
    )
    for own, at in zip(gradients, fit.terms.columns, strict=True):
        if len(at):
            moved[at] += fit.terms.matrix[:, at].T @ (own @ change)
    return moved


@dataclass(frozen=True, slots=True, eq=False)
class DrawnHazards:
    """Draws of the hazards, and which draws of the error go with them.

    Attributes
    ----------
    hazards : ContinuedHazards
        What was drawn.
    steps : ndarray of shape (n_cells, n_steps, n_block)
        Cumulative hazard of each step, without the error.
    draws : slice
        Which draws they are.
    """

    hazards: ContinuedHazards
    steps: np.ndarray
    draws: slice

    def cumulated(self, scenario: str = "", cells: np.ndarray | None = None) -> np.ndarray:
        """Cumulative hazard of some cells, or each: (n_cells, n_steps + 1, n_block)."""
        hazards = self.hazards
        error = hazards.paths[scenario].at(hazards.begin, hazards.end, self.draws)
        return hazards.cumulated(self.steps, error, cells)

"""Averages over the customers who are retained after some periods.

Conditional on k periods (a lag, remaining tenure, the value of current customers), over levels ℓ and strata s,

    S(k + t | k) = Σ_ℓ a_ℓ(k) Σ_s w_s(k) · S_ℓs(k + t) / S_ℓs(k),
    w_s(k) ∝ w_s · Σ_ℓ n_ℓs·S_ℓs(k) / Σ_ℓ n_ℓs,   a_ℓ(k) ∝ Σ_s n_ℓs·S_ℓs(k),

with n the customers scored: the strata as they are among all customers retained, the same for every group, each draw
with weights of its own. A ratio of two averages, S(k + t) / S(k), would compare groups over different strata: where the
worst score lost all of one stratum by k, it would show a difference though no two customers retained differ.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from cxlink.groups.curves import Standard

Retained = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""S(e + k) / S(e) of curves from their entries: two int arrays of shape (n_terms,) in, (n_terms, n_draws) out."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """All customers scored, by curve and entry.

    Attributes
    ----------
    level, stratum : int ndarray of shape (n_curves,)
        Of each curve.
    curve, entry : int ndarray of shape (n_terms,)
        Each pair of them once; those whose share retained is known.
    n : ndarray of shape (n_terms,)
        Customers.
    share : ndarray of shape (n_terms,)
        Of a level among the customers of its stratum and entry.
    """

    level: np.ndarray
    stratum: np.ndarray
    curve: np.ndarray
    entry: np.ndarray
    n: np.ndarray
    share: np.ndarray

    def cell(self, curve: np.ndarray, entry: np.ndarray) -> np.ndarray:
        """Number of a stratum and entry, the same in all calls."""
        number: np.ndarray = self.stratum[curve] + (self.stratum.max() + 1) * entry
        return number


def retained_weights(
    standards: Sequence[Standard], scored: Scored | None, retained: Retained
) -> list[np.ndarray]:
    """Weights of the terms of standards among those retained, draw by draw.

    Parameters
    ----------
    standards : sequence of Standard
        Averages at the survey.
    scored : Scored or None
        The customers to whose mix groups are standardised; None where each group is its own customers.
    retained : callable
        S(e + k) / S(e), see `Retained`.

    Returns
    -------
    list of ndarray of shape (n_terms, n_draws)
        One for each standard; each column sums to 1. Where a draw retains nobody, the weights at the survey.
    """
    if scored is None:
        return [_shares(s.weight[:, None] * retained(s.curve, s.entry), s.weight) for s in standards]
    stayed = retained(scored.curve, scored.entry)
    cells, at = np.unique(scored.cell(scored.curve, scored.entry), return_inverse=True)
    by_cell = _sums(at.ravel(), scored.share, len(cells)) @ stayed
    by_level = _sums(scored.level[scored.curve], scored.n, int(scored.level.max()) + 1) @ stayed
    return [_product(s, scored, cells, by_cell, by_level) for s in standards]


def _product(
    standard: Standard, scored: Scored, cells: np.ndarray, by_cell: np.ndarray, by_level: np.ndarray
) -> np.ndarray:
    """Share of the level among the group's levels, times share of the stratum and entry."""
    cell, place = np.unique(scored.cell(standard.curve, standard.entry), return_inverse=True)
    levels, rank = np.unique(scored.level[standard.curve], return_inverse=True)
    place, rank = place.ravel(), rank.ravel()
    at_survey = np.bincount(place, standard.weight), np.bincount(rank, standard.weight)
    over = _shares(at_survey[0][:, None] * by_cell[np.searchsorted(cells, cell)], at_survey[0])
    among = _shares(by_level[levels], at_survey[1])
    weights: np.ndarray = among[rank] * over[place]
    return weights


def _shares(amounts: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Divide columns by their sums; those that sum to 0 are put to ``otherwise``."""
    total = amounts.sum(axis=0)
    return np.where(total > 0, amounts / np.where(total > 0, total, 1.0), otherwise[:, None])


def _sums(row: np.ndarray, weight: np.ndarray, n_rows: int) -> csr_array:
    return coo_array((weight, (row, np.arange(len(row)))), shape=(n_rows, len(row))).tocsr()


def retained_shares(log_survival: np.ndarray, given: int) -> Retained:
    """Read S(e + k) / S(e) off curves.

    Parameters
    ----------
    log_survival : ndarray of shape (n_curves, n_periods + 1, n_draws)
        log S(t) at t = 0, 1, …; a curve stays where it was after its last period.
    given : int
        k.
    """
    last = log_survival.shape[1] - 1

    def retained(curve: np.ndarray, entry: np.ndarray) -> np.ndarray:
        after, before = (log_survival[curve, np.minimum(t, last)] for t in (entry + given, entry))
        share: np.ndarray = np.exp(after - before)
        return share

    return retained

"""What each customer of a spell adds to the gradient of the likelihood of continued hazards."""

from dataclasses import dataclass

import numpy as np

from cxlink.cohort.count.spells import Spells
from cxlink.survival.tails.tail_fit import HIGHEST, LOWEST, TailFit


@dataclass(frozen=True, slots=True, eq=False)
class SpellScores:
    """What each customer of a spell adds to the gradient of ℓ at a fit.

    Attributes
    ----------
    sums : ndarray of shape (n_functions, n_spells)
        Σ_t (d·odds − λ)·b(t) over the periods of a spell.
    cell : int ndarray of shape (n_spells,)
        Its cell.
    """

    sums: np.ndarray
    cell: np.ndarray


def spell_scores(spells: Spells, fit: TailFit) -> SpellScores:
    """Scores of spells at a fit: a customer at risk over (entry, exit], lost in the last of these periods or not."""
    end = np.arange(1.0, spells.n_periods + 1)
    values = fit.terms.time.at(end - 1, end)
    rate = np.exp(np.clip(fit.terms.coefficients(fit.theta) @ values, LOWEST, HIGHEST))
    cell = spells.level[spells.pair] * len(spells.strata) + spells.stratum[spells.pair]
    lost = (spells.cause > 0) & (spells.exit > spells.entry)
    at, own = (cell[lost], spells.exit[lost] - 1), np.zeros((len(values), len(cell)))
    odds = rate[at] / -np.expm1(-rate[at])
    for j, value in enumerate(values):
        stayed = np.pad(np.cumsum(rate * value, axis=1), ((0, 0), (1, 0)))
        own[j] = stayed[cell, np.minimum(spells.entry, spells.exit)] - stayed[cell, spells.exit]
        own[j, lost] += odds * value[at[1]]
    return SpellScores(own, cell)

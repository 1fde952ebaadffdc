"""What continues curves beyond their data: hazards of a chosen structure, a renewal cycle, and their error."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from cxlink.cohort.count.spells import Spells
from cxlink.survival.anchors.anchoring import Anchoring
from cxlink.survival.anchors.judged_anchor import JudgedAnchor
from cxlink.survival.tails.continued_hazards import cell_counts, last_with_ten
from cxlink.survival.tails.earlier_origins import OwnErrors, own_errors
from cxlink.survival.tails.extrapolation_error import DrawnErrors, ErrorPaths, Errors, error_paths
from cxlink.survival.tails.published_errors import published_errors
from cxlink.survival.tails.renewal_cycle import RenewalCycle, renewal_cycle
from cxlink.survival.tails.tail_fit import TailFit
from cxlink.survival.tails.tail_structure import FOLDS, Candidate, chosen_structure
from cxlink.survival.tails.time_functions import RenewalTimes

_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Tails:
    """Hazards that continue a cohort's curves, and how far they may be off.

    Attributes
    ----------
    fit : TailFit
        The hazards.
    others : tuple of TailFit
        Hazards of the structures not chosen, in the order of ``candidates``; draws have them by their shares.
    candidates : tuple of Candidate
        Structures, the chosen one first.
    cycle : RenewalCycle or None
        Losses that come back; carried on where it has two spikes or more and ``cycles`` is true.
    carried : bool
        Whether it is.
    errors : Errors
        Constants of the published curves.
    own : OwnErrors
        What the cohort's earlier origins make of them.
    anchoring : Anchoring or None
        Older cohorts that draws are conditioned on; see `cxlink.survival.anchors`.
    judged : tuple of JudgedAnchor
        Anchors beside what was predicted without them, those included that are not used.
    """

    fit: TailFit
    others: tuple[TailFit, ...]
    candidates: tuple[Candidate, ...]
    cycle: RenewalCycle | None
    carried: bool
    errors: Errors
    own: OwnErrors
    anchoring: Anchoring | None = None
    judged: tuple[JudgedAnchor, ...] = ()

    def paths(self, spells: Spells, n_draws: int, rng: np.random.Generator) -> Mapping[str, ErrorPaths]:
        """Draw paths of the extrapolation error of each level, their mean that of the anchors; see `error_paths`."""
        paths = self.drawn_errors(spells, n_draws, rng).paths
        if self.anchoring is None:
            return paths
        return {name: replace(one, lean=self.anchoring.lean) for name, one in paths.items()}

    def drawn_errors(self, spells: Spells, n_draws: int, rng: np.random.Generator) -> DrawnErrors:
        """Draw the extrapolation error of each level as it is without anchors."""
        factor, shared = self.own.draws(n_draws, rng)
        paths = error_paths(self.errors, last_with_ten(spells), factor, shared, rng)
        return DrawnErrors(paths, factor, shared)

    def drawn_structures(self, n_draws: int) -> np.ndarray:
        """Structure of each draw, spread evenly by their shares: positions in ``candidates``, of shape (n_draws,)."""
        ends = np.cumsum([one.share for one in self.candidates])
        order: np.ndarray = np.searchsorted(ends / ends[-1], (np.arange(n_draws) + 0.5) / n_draws)
        # neighbours differ, so that blocks of draws are alike
        return order[np.argsort((np.arange(n_draws) * _GOLDEN) % 1, kind="stable")]


def tails_of(
    spells: Spells, rng: np.random.Generator, *, cycles: bool = True, errors: Errors | None = None
) -> Tails:
    """Choose and fit what continues a cohort's curves.

    Parameters
    ----------
    spells : Spells
        The cohort.
    rng : Generator
        Parts its customers at random; advanced.
    cycles : bool
        Whether a renewal cycle may be carried on: time since the survey says when renewals fall only where tenure at
        the survey is a stratum.
    errors : Errors, optional
        Constants of the extrapolation error; by default those of the published curves.
    """
    counts, constants = cell_counts(spells), errors or published_errors(int(last_with_ten(spells).max()))
    cycle = renewal_cycle(counts.at_risk.sum(axis=0), counts.lost.sum(axis=0))
    carried = cycle is not None and cycle.spikes > 1 and cycles
    parts = rng.multinomial(spells.n, np.full(FOLDS, 1 / FOLDS)).T
    folds = [cell_counts(spells, part) for part in parts]
    with threadpool_limits(1, "blas"):
        (fit, *others), candidates = chosen_structure(counts, folds, spells.strata, _renewals(cycle, carried))
        own = own_errors(counts, fit, spells.strata, candidates[0].by_stratum, constants)
    return Tails(fit, tuple(others), candidates, cycle, carried, constants, own)


def _renewals(cycle: RenewalCycle | None, carried: bool) -> RenewalTimes:
    """A cycle that is not carried on is still no trend: a single spike is left behind, several are spread evenly."""
    if cycle is None:
        return RenewalTimes()
    return RenewalTimes(cycle.every, None if carried else 0.0 if cycle.spikes < 2 else 1 / cycle.every)

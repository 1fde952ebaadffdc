"""Customers by all of their scores and times, as arrays over those alike in everything known at the start."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlink.cohort.count.follow_up_counts import FollowUpCounts
from cxlink.cohort.count.spells import Spells
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.other_scores import MAIN


@dataclass(frozen=True, slots=True, eq=False)
class OtherLevels:
    """A further score over the combinations of all of them.

    Attributes
    ----------
    name : str
        Its name.
    levels : ndarray of shape (n_levels,)
        Rising; NaN, last, of customers who did not give it.
    code : int ndarray of shape (n_combinations,)
        Position of each combination's level.
    """

    name: str
    levels: np.ndarray
    code: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class FollowUpArrays:
    """Customers in follow-up.

    Attributes
    ----------
    scores : tuple of OtherLevels
        The further scores.
    n_pairs : int
        Pairs of a level and a stratum, in the order of the spells.
    pair, combination, entry : int ndarray of shape (n_kinds,)
        Of customers alike in all of these: a kind.
    kind, exit, lost, n : ndarray of shape (n_cells,)
        Of each cell: which kind, exit, whether lost then, and customers.
    at_risk, gone, censored : ndarray of shape (n_kinds, n_periods)
        Customers at risk in period t + 1, lost in it, and with follow-up that ends with it.
    """

    scores: tuple[OtherLevels, ...]
    n_pairs: int
    pair: np.ndarray
    combination: np.ndarray
    entry: np.ndarray
    kind: np.ndarray
    exit: np.ndarray
    lost: np.ndarray
    n: np.ndarray
    at_risk: np.ndarray
    gone: np.ndarray
    censored: np.ndarray

    @property
    def n_combinations(self) -> int:
        """Combinations of levels of the further scores."""
        return int(self.combination.max(initial=-1)) + 1

    @property
    def seen(self) -> np.ndarray:
        """Whether each kind has entered in each period, (n_kinds, n_periods)."""
        started: np.ndarray = self.entry[:, None] <= np.arange(self.at_risk.shape[1])
        return started


def arrays_of(
    counts: FollowUpCounts, spells: Spells, spec: CohortSpec, last: int, n: np.ndarray | None = None
) -> FollowUpArrays:
    """Lay the table out.

    Parameters
    ----------
    counts : FollowUpCounts
        With cells.
    spells : Spells
        The same customers.
    spec : CohortSpec
        Theirs.
    last : int
        Period after which nobody is followed: who is there longer is retained.
    n : ndarray of shape (n_cells,), optional
        Other numbers of customers in the cells.
    """
    cells = counts.cells
    kinds = cells.groupby([*counts.others(spec), *_pair_names(spells), "entry"], dropna=False, sort=True)
    first, kind = kinds.head(1), kinds.ngroup().to_numpy(int)
    first = first.iloc[np.argsort(kind[first.index.to_numpy()])]
    leave = cells["exit"].to_numpy(int)
    lost = (cells["lost"].to_numpy(int) == 1) & (leave <= last)
    leave = np.minimum(leave, last)
    number = cells["n"].to_numpy(float) if n is None else n
    entry, shape = first["entry"].to_numpy(int), (len(first), last)
    inside = cells["entry"].to_numpy(int) < last
    leaving, gone = np.zeros(shape), np.zeros(shape)
    np.add.at(leaving, (kind[inside], leave[inside] - 1), number[inside])
    np.add.at(gone, (kind[lost & inside], leave[lost & inside] - 1), number[lost & inside])
    at_risk = np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1] * (entry[:, None] <= np.arange(last))
    scores, combination = _combinations(first, counts.others(spec))
    return FollowUpArrays(
        scores=scores, n_pairs=spells.n_pairs, pair=_pairs(first, spells), combination=combination, entry=entry,
        kind=kind[inside], exit=leave[inside], lost=lost[inside], n=number[inside],
        at_risk=at_risk, gone=gone, censored=leaving - gone,
    )  # fmt: skip


def _pair_names(spells: Spells) -> list[str]:
    return [MAIN, *spells.strata.columns]


def _pairs(kinds: pd.DataFrame, spells: Spells) -> np.ndarray:
    """Position of each kind's pair of level and stratum."""
    places = spells.strata.iloc[spells.stratum].reset_index(drop=True)
    places = places.assign(**{MAIN: np.array(spells.levels)[spells.level]}, pair=np.arange(spells.n_pairs))
    own = kinds[_pair_names(spells)].astype({MAIN: int})
    return own.merge(places, how="left", on=_pair_names(spells))["pair"].to_numpy(int)


def _combinations(kinds: pd.DataFrame, others: tuple[str, ...]) -> tuple[tuple[OtherLevels, ...], np.ndarray]:
    """The further scores, and which combination of their levels each kind has."""
    coded = {}
    for name in others:
        values = kinds[name].to_numpy(float)
        levels, code = np.unique(values, return_inverse=True)  # NaN counts as one value, the last
        coded[name] = (levels, code.ravel())
    rows, at = np.unique(np.column_stack([code for _, code in coded.values()]), axis=0, return_inverse=True)
    scores = tuple(
        OtherLevels(name, levels, rows[:, j]) for j, (name, (levels, _)) in enumerate(coded.items())
    )
    return scores, at.ravel()

"""Common support of two cohorts: levels, strata and entries observed to a horizon in both."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlink.cohort.count.spells import Spells, risk_sets
from cxlink.cohort.strata import stratum_variables
from cxlink.groups.support import FOREVER, censored_customers, modelled_to


@dataclass(frozen=True, slots=True)
class Frame:
    """Places that customers of both cohorts are sorted into.

    Attributes
    ----------
    levels : tuple of int
        Score levels that both cohorts have, from the worst to the best.
    strata : DataFrame of shape (n_strata, n_variables)
        Strata that both have; one row and no column where nothing is adjusted for.
    stratum, entry : int ndarray of shape (n_places,)
        Position of a place's stratum, and whole periods already passed at the survey (0 where time starts there). A
        customer's place is what was recorded of them before the score.
    horizon : int
        Periods after the survey.
    """

    levels: tuple[int, ...]
    strata: pd.DataFrame
    stratum: np.ndarray
    entry: np.ndarray
    horizon: int

    @property
    def shape(self) -> tuple[int, int]:
        """Levels and places."""
        return len(self.levels), len(self.stratum)

    @property
    def n_periods(self) -> int:
        """Periods since the time origin that are used."""
        return int(self.entry.max(initial=0)) + self.horizon


@dataclass(frozen=True, slots=True)
class Aside:
    """Customers with a score who cannot be compared, as shares of a cohort.

    Attributes
    ----------
    level, stratum : float
        Whose level, or else whose stratum, the other cohort does not have.
    unfollowed : float
        Who are in neither, and whose stratum is not followed to the horizon in both cohorts.
    levels : tuple of int
        The levels that only this cohort has.
    strata : tuple of tuple of (str, str)
        The strata that only this cohort has: each the category of every variable.
    """

    level: float
    stratum: float
    unfollowed: float
    levels: tuple[int, ...]
    strata: tuple[tuple[tuple[str, str], ...], ...]

    @property
    def total(self) -> float:
        """All of them."""
        return self.level + self.stratum + self.unfollowed


def common(base: Spells, new: Spells) -> tuple[tuple[int, ...], pd.DataFrame]:
    """Levels and strata that both cohorts have customers of."""
    levels = tuple(level for level in base.levels if level in set(new.levels))
    names = list(base.strata.columns)
    if not names:
        return levels, base.strata
    return levels, base.strata.merge(new.strata[names], on=names, how="inner")


def frame_of(base: Spells, new: Spells, horizon: int) -> Frame:
    """Find the places with common support.

    A place is kept where in both cohorts somebody of its stratum, whatever the score, was at risk in each period from
    its entry to the horizon, or all were lost on the way.

    Parameters
    ----------
    base, new : Spells
        The cohorts, of the same scale, time origin and stratum variables.
    horizon : int
        Periods after the survey; 0 for what needs no following (spend).
    """
    levels, strata = common(base, new)
    reach = _reach_of_both(base, new, levels, strata)
    pieces = [np.empty((0, 2), int)]
    for one in (base, new):
        level, stratum = positions(one, levels, strata)
        common_to_both = (level >= 0) & (stratum >= 0)
        entry = one.entry[common_to_both] if horizon else np.zeros(int(common_to_both.sum()), int)
        pieces.append(np.column_stack([stratum[common_to_both], entry]))
    places = np.unique(np.concatenate(pieces), axis=0)
    supported = reach[places[:, 0], np.minimum(places[:, 1], reach.shape[1] - 1)] - places[:, 1] >= horizon
    return Frame(levels, strata, places[supported, 0], places[supported, 1], horizon)


def longest(base: Spells, new: Spells) -> int:
    """The longest horizon at which any place of both cohorts can be compared; 0 where there is none."""
    levels, strata = common(base, new)
    if not levels or not len(strata):
        return 0
    reach = _reach_of_both(base, new, levels, strata)
    whole = max(base.n_periods, new.n_periods)
    ahead = np.where(reach > FOREVER // 2, whole, reach) - np.arange(reach.shape[1])
    entries = np.unique(np.concatenate([base.entry, new.entry]))
    return int(ahead[:, entries[entries < reach.shape[1]]].max(initial=0))


def positions(spells: Spells, levels: tuple[int, ...], strata: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Position of each spell's level and stratum among those given; −1 where it is not among them."""
    at = {level: i for i, level in enumerate(levels)}
    level = np.array([at.get(one, -1) for one in spells.levels])[spells.level[spells.pair]]
    names = list(strata.columns)
    if not names:
        return level, np.zeros_like(level)
    places = strata.assign(place=np.arange(len(strata)))
    position = spells.strata[names].merge(places, how="left", on=names)["place"].fillna(-1).to_numpy(int)
    return level, position[spells.stratum[spells.pair]]


def set_aside(spells: Spells, frame: Frame) -> Aside:
    """Say what of a cohort cannot be compared, and why."""
    level, stratum = positions(spells, frame.levels, frame.strata)
    place, n = place_of(spells, frame), spells.n / spells.n.sum()
    strange = (level >= 0) & (stratum < 0)
    late = (level >= 0) & (stratum >= 0) & (place < 0)
    only = spells.strata.iloc[np.unique(spells.stratum[spells.pair][stratum < 0])]
    variables = stratum_variables(only)
    return Aside(
        level=float(n[level < 0].sum()),
        stratum=float(n[strange].sum()),
        unfollowed=float(n[late].sum()),
        levels=tuple(one for one in spells.levels if one not in frame.levels),
        strata=tuple(
            tuple(zip(variables, map(str, row), strict=True)) for row in only.itertuples(index=False)
        ),
    )


def place_of(spells: Spells, frame: Frame) -> np.ndarray:
    """Position of each spell in a frame's level × place, in row-major order; −1 for those set aside."""
    level, stratum = positions(spells, frame.levels, frame.strata)
    entry = spells.entry if frame.horizon else np.zeros_like(spells.entry)
    lookup = {(int(s), int(e)): i for i, (s, e) in enumerate(zip(frame.stratum, frame.entry, strict=True))}
    keys, at = np.unique(np.column_stack([stratum, entry]), axis=0, return_inverse=True)
    place = np.array([lookup.get((int(s), int(e)), -1) for s, e in keys], dtype=int)[at.ravel()]
    position: np.ndarray = np.where((level >= 0) & (place >= 0), level * len(frame.stratum) + place, -1)
    return position


def _reach_of_both(base: Spells, new: Spells, levels: tuple[int, ...], strata: pd.DataFrame) -> np.ndarray:
    """Last period, from each entry, to which each stratum is estimable in both cohorts: (n_strata, n_periods + 1)."""
    last = max(base.n_periods, new.n_periods)
    if not len(strata):
        return np.zeros((0, 1), int)
    reach: np.ndarray = np.minimum(*(_reach(one, levels, strata, last) for one in (base, new)))
    return reach


def _reach(spells: Spells, levels: tuple[int, ...], strata: pd.DataFrame, n_periods: int) -> np.ndarray:
    """The same of one cohort, of these levels together, among so many periods."""
    level, stratum = positions(spells, levels, strata)
    pairs = [np.unique(spells.pair[(stratum == s) & (level >= 0)]) for s in range(len(strata))]
    longer = ((0, 0), (0, n_periods - spells.n_periods))
    at_risk, lost = (np.pad(counts, longer) for counts in risk_sets(spells, pairs)(spells.n))
    censored = censored_customers(spells)
    return modelled_to(at_risk, lost, np.array([censored[at].sum() for at in pairs]))

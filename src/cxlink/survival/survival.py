"""Survival of reported groups, with draws of the same quantity: what every model of retention gives."""

from dataclasses import dataclass, field

import numpy as np

from cxlink.groups.curves import cumulative_areas, restricted_mean
from cxlink.survival.families.time_grid import Grid


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A quantity of each group: its estimate and draws of it.

    Attributes
    ----------
    point : ndarray of shape (n_groups, ...)
        The estimate; NaN where it is not known.
    draws : ndarray of shape (n_draws, n_groups, ...)
        Draws of the same.
    """

    point: np.ndarray
    draws: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """What a model says without a horizon; only models that extrapolate have one.

    Attributes
    ----------
    median : Drawn, of shape (n_groups,)
        When half of the customers have left, in periods; may be infinite.
    discounted : Drawn, of shape (n_groups, n_horizons)
        ∫S(t)·e^(−δt)dt to each horizon, in periods.
    curtate : Drawn, of shape (n_groups, n_finite_horizons)
        S(1) + … + S(h): whole periods completed.
    grid : Grid
        Times of `curve`.
    curve : ndarray of shape (n_groups, n_grid_times)
        S at them, of the estimate.
    shown_times : int ndarray of shape (n_shown,)
        Whole periods to the last finite horizon, at most 61.
    shown : Drawn, of shape (n_groups, n_shown)
        S at those, in single precision: for pictures.
    """

    median: Drawn
    discounted: Drawn
    curtate: Drawn
    grid: Grid
    curve: np.ndarray
    shown_times: np.ndarray
    shown: Drawn


@dataclass(frozen=True, slots=True, eq=False)
class Survival:
    """Survival of reported groups.

    Attributes
    ----------
    model : str
        Name in the estimates table.
    labels : dict of str to str
        Columns of the estimates table that all groups share: ``adjusted``, ``stratum``, ``scenario``.
    groups : tuple of str
        Reported groups, see `cxlink.groups.curves.Standard`; a group stands again for each contrast with a support of
        its own.
    n, n_events : int ndarray of shape (n_groups,)
        Customers in each group, and losses among them.
    times : int ndarray of shape (n_times,)
        Whole periods, rising.
    point : ndarray of shape (n_groups, n_times)
        S at those times; NaN where it is not known.
    draws : ndarray of shape (n_draws, n_groups, n_times)
        Draws of the same.
    horizons : tuple of float
        Steps of the tenure ladder, in periods; the last one is infinite where the model has a tail.
    area : Drawn, of shape (n_groups, n_horizons)
        ∫S(t)dt to each horizon: restricted means, and the mean. In periods; NaN where S is not known that far.
    inside : ndarray of shape (n_groups, n_horizons)
        The part of each area, at the estimate, that lies within `observed_until`.
    observed_until : int ndarray of shape (n_groups,)
        Last time at which ten customers of the group are at risk, and the curve is known.
    last : int ndarray of shape (n_groups,)
        Last time with anybody at risk, to which the curve is estimated; 0 in models that extrapolate.
    own : tuple of int
        Positions of the groups whose own rows are reported.
    contrasts : tuple of (int, int)
        Positions of each contrast's group and reference.
    sparse : bool ndarray of shape (n_groups,)
        Whether the draws are shrunk towards other groups or by a penalty.
    separated : bool ndarray of shape (n_groups,)
        Whether that is because strata of the group lost everybody or nobody; none in models that are not observed.
    observed : bool
        Whether it is an observed curve: reported at each of its times, not only at the steps of the ladder.
    posterior : bool
        Whether the draws are a posterior's: the estimate is then the mean of the draws, of a ratio their median.
    emptied : ndarray of shape (n_groups,)
        Share of the draws in which a cell of the group had an empty risk set before the horizon.
    causes : tuple of str
        Competing causes of loss; none where only one is known.
    incidence : Drawn, of shape (n_groups, n_causes), or None
        Cumulative incidence of each cause at the horizon.
    tail : Tail or None
        What the model says without a horizon.
    given : int
        Periods already stayed when time starts; 0 from the survey on.
    later : tuple of Survival
        The same of those who have stayed so long.
    """

    model: str
    labels: dict[str, str]
    groups: tuple[str, ...]
    n: np.ndarray
    n_events: np.ndarray
    times: np.ndarray
    point: np.ndarray
    draws: np.ndarray
    horizons: tuple[float, ...]
    area: Drawn
    inside: np.ndarray
    observed_until: np.ndarray
    last: np.ndarray
    own: tuple[int, ...]
    contrasts: tuple[tuple[int, int], ...]
    sparse: np.ndarray
    separated: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))
    observed: bool = False
    posterior: bool = False
    emptied: np.ndarray = field(default_factory=lambda: np.zeros(0))
    causes: tuple[str, ...] = ()
    incidence: Drawn | None = None
    tail: Tail | None = None
    given: int = 0
    later: "tuple[Survival, ...]" = ()

    def at(self, time: int) -> Drawn | None:
        """S at a time, of shape (n_groups,); None where the curve is not drawn there."""
        position = np.flatnonzero(self.times == time)
        return Drawn(self.point[:, position[0]], self.draws[..., position[0]]) if position.size else None

    @property
    def widened(self) -> np.ndarray:
        """Groups whose intervals are widened to hold the estimate: sparse ones, and all of a posterior's."""
        return self.sparse | self.posterior

    def extrapolated(self, time: float) -> np.ndarray:
        """1 where S at a time lies beyond what was observed of a group, else 0; of shape (n_groups,)."""
        beyond: np.ndarray = (time > self.observed_until).astype(float)
        return beyond

    @property
    def n_whole(self) -> int:
        """Times from 0 on that are whole periods without a gap, up to the last at which any group is known."""
        whole = int((self.times == np.arange(len(self.times))).sum())
        estimated = np.flatnonzero(~np.isnan(self.point).all(axis=0))
        return min(whole, int(estimated[-1]) + 1 if estimated.size else 0)

    @property
    def extrapolated_area(self) -> np.ndarray:
        """Share of each area that lies beyond what was observed; 1 where it is infinite."""
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.clip(1 - self.inside / self.area.point, 0.0, 1.0)
        within = np.asarray(self.horizons) <= self.observed_until[:, None]
        return np.where(within, 0.0, np.where(self.area.point > 0, share, 1.0))


def read_off(
    survival: np.ndarray,
    times: np.ndarray,
    horizons: tuple[int, ...],
    observed_until: np.ndarray,
    *,
    shift: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Give S at some times, and the areas under it to some horizons; NaN where it is not known.

    Parameters
    ----------
    survival : ndarray of shape (n_draws, n_groups, n_periods + 1)
        S(t) at t = 0, 1, …; a curve that is known for longer has reached 0, and stays there.
    times : int ndarray of shape (n_times,)
        Whole periods.
    horizons : tuple of int
        Whole periods.
    known : int ndarray of shape (n_groups,)
        Last time at which each group is known.
    shift : int ndarray of shape (n_groups,), optional
        What is taken off the times: entry, where they count from signup.

    Returns
    -------
    values : ndarray of shape (n_draws, n_groups, n_times)
    area : ndarray of shape (n_draws, n_groups, n_horizons)
    """
    start = np.zeros_like(observed_until) if shift is None else shift
    at, ends, last = times - start[:, None], np.array(horizons, dtype=int), survival.shape[-1] - 1
    values = np.take_along_axis(survival, np.clip(at, 0, last)[None], axis=-1)
    values[:, (at > observed_until[:, None]) | ((at <= 0) & (start > 0)[:, None])] = np.nan
    area = cumulative_areas(survival)[..., np.minimum(ends, last)]
    area[:, ends > observed_until[:, None]] = np.nan
    return values, area


def inside_areas(survival: np.ndarray, horizons: tuple[int, ...], until: np.ndarray) -> np.ndarray:
    """Area under a curve to each horizon or to where its observation ends, whichever comes first.

    Parameters
    ----------
    survival : ndarray of shape (n_groups, n_periods + 1)
        S(t) at t = 0, 1, …
    horizons : tuple of int
        Whole periods.
    until : int ndarray of shape (n_groups,)
        Where observation of each group ends.

    Returns
    -------
    ndarray of shape (n_groups, n_horizons)
    """
    last = survival.shape[-1] - 1
    ends = np.minimum(np.minimum.outer(until, np.array(horizons, dtype=int)), last)
    areas = [[restricted_mean(s, int(end)) for end in row] for s, row in zip(survival, ends, strict=True)]
    return np.array(areas).reshape(ends.shape)

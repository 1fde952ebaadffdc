"""Survival of every level in every stratum: observed while enough are at risk, continued by the averaged families.

Kaplan–Meier gives the step of a period in which ten customers of the level and stratum are at risk, with draws from the
customer bootstrap; the families give every other step, S(t) / S(t − 1) of their average, with draws from each family in
proportion to its weight. The families give all steps of a level whose own draws would be too narrow (design rule 10).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from cxlink.cohort.count.spells import RiskSets, Spells, each_pair, risk_sets
from cxlink.groups.discrete_hazard import EXTINCT, carried, hazards
from cxlink.groups.requests import Request
from cxlink.survival.bootstrap import resample
from cxlink.survival.families.averaging import LEAST_WEIGHT, apportioned
from cxlink.survival.families.fitted import Fit
from cxlink.survival.families.log_survival import at_times
from cxlink.survival.families.time_grid import whole_periods
from cxlink.survival.small_groups import is_sparse

_TEN = 10
_TIMES = 72
_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Families:
    """Fitted families and their shares of an average.

    Attributes
    ----------
    fits : tuple of Fit
        Made on the person-periods of the same spells, by level and stratum.
    weights : ndarray of shape (n_fits,)
        They sum to 1.
    """

    fits: tuple[Fit, ...]
    weights: np.ndarray

    def kept(self) -> "Families":
        """Those that count, their weights summing to 1."""
        at = np.flatnonzero(self.weights >= LEAST_WEIGHT)
        return Families(tuple(self.fits[k] for k in at), self.weights[at] / self.weights[at].sum())


@dataclass(frozen=True, slots=True, eq=False)
class SplicedCurves:
    """Curves of all pairs of level and stratum, to be drawn.

    Attributes
    ----------
    spells : Spells
        The cohort.
    families : Families or None
        What continues them; None where none could be fitted, or none is needed.
    count : RiskSets
        Customers at risk and lost by pair.
    observed : bool ndarray of shape (n_pairs, n_steps)
        Whether the step of period t + 1 since the time origin is observed.
    log_survival : ndarray of shape (n_pairs, n_steps + 1)
        log S(t) of the estimate at t = 0, 1, …; NaN from where nothing tells the next step.
    thin : int ndarray
        Positions of the levels that are left to the families.
    horizon : int
        At which they were identified, in periods.
    """

    spells: Spells
    families: Families | None
    count: RiskSets
    observed: np.ndarray
    log_survival: np.ndarray
    thin: np.ndarray
    horizon: int

    def draws(self, n_draws: int, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Draw the curves, with the resampled customers that they are made of.

        Parameters
        ----------
        n_draws : int
            In all.
        rng : Generator
            Children of it are advanced.

        Yields
        ------
        log_survival : ndarray of shape (n_pairs, n_steps + 1, n_block)
        weights : ndarray of shape (n_spells, n_block)
            Customers of each spell.
        """
        bootstrap, *streams = rng.spawn(1 + (len(self.families.fits) if self.families else 0))
        steps = _drawn_steps(self, n_draws, streams)
        last = _hazards(self.count, self.spells.n[:, None])[0][..., 0]
        n_pairs, n_steps = self.observed.shape
        widest = max(n_pairs * max(n_steps, self.spells.n_periods), len(self.spells.n), 1)
        start = 0
        for weights in resample(
            self.spells.n, n_draws, int(np.clip(_BLOCK // widest, 1, n_draws)), bootstrap
        ):
            at = slice(start, start + weights.shape[1])
            hazard, empty = _hazards(self.count, weights)
            filled, last = carried(hazard[None], empty, last[None])
            last = last[0]
            drawn = _joined(self.observed, filled[0], steps(at))
            if self.families is None:
                self._loosen(drawn, bootstrap)
            yield _cumulated(drawn), weights
            start = at.stop

    def _loosen(self, step: np.ndarray, rng: np.random.Generator) -> None:
        """Let levels without losses, where no family applies, lose Beta(½, n + ½) by the horizon."""
        for level in self.thin:
            mine = self.spells.level == level
            customers = mine[self.spells.pair]
            if not (customers & (self.spells.cause > 0)).any():
                lost = rng.beta(0.5, self.spells.n[customers].sum() + 0.5, step.shape[-1])
                step[mine] += np.log1p(-lost) / self.horizon


def continued(
    spells: Spells, families: Families | None, n_steps: int, by_level: Request, horizon: int
) -> SplicedCurves:
    """Lay out the curves of all pairs of level and stratum, to so many periods since the time origin.

    Parameters
    ----------
    spells : Spells
        The cohort.
    families : Families or None
        What continues them.
    n_steps : int
        Periods since the time origin.
    by_level : Request
        Groups that are single levels among its standards.
    horizon : int
        At which a level with fewer than ten losses, or fewer than ten customers outlasting it, is left to the families.
    """
    count = risk_sets(spells, each_pair(spells))
    at_risk, _ = count(spells.n)
    own = {standard.group: standard for standard in by_level.standards}
    thin = np.array([is_sparse(spells, by_level, own[str(level)], horizon) for level in spells.levels])
    observed = (at_risk >= _TEN) & ~thin[spells.level][:, None] if families else at_risk > 0
    observed = _resized(observed, n_steps, False)
    selected = families.kept() if families is not None else None
    hazard = _hazards(count, spells.n[:, None])[0]
    step = np.full((spells.n_pairs, n_steps, 1), np.nan)
    if selected is not None and not observed.all():
        log_survival = np.array(
            [_log_survival(fit, fit.estimate[None], spells, n_steps)[0] for fit in selected.fits]
        )
        mean = np.asarray(logsumexp(log_survival, axis=0, b=selected.weights[:, None, None]))
        step = _steps(mean)[..., None]
    estimate = _cumulated(_joined(observed, hazard, step))[..., 0]
    return SplicedCurves(spells, selected, count, observed, estimate, np.flatnonzero(thin), horizon)


def lasting(spells: Spells, n_steps: int) -> SplicedCurves:
    """Give curves of customers who are all taken to stay: of a cohort with spend only."""
    count = risk_sets(spells, each_pair(spells))
    observed = np.ones((spells.n_pairs, n_steps), dtype=bool)
    return SplicedCurves(
        spells, None, count, observed, np.zeros((spells.n_pairs, n_steps + 1)), np.empty(0, int), n_steps
    )


def _hazards(count: RiskSets, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hazards of pairs in all periods, and where the risk set is empty; (n_pairs, n_periods, n_draws)."""
    at_risk, lost = count(weights)
    return hazards(at_risk, lost), at_risk == 0


def _joined(observed: np.ndarray, hazard: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Steps of log S: observed where there are enough, otherwise the families'."""
    with np.errstate(divide="ignore"):
        own = np.maximum(np.log1p(-_resized(hazard, observed.shape[1], 0.0)), EXTINCT)
    joined: np.ndarray = np.where(observed[..., None], own, step)
    return joined


def _resized(values: np.ndarray, n_steps: int, fill: float) -> np.ndarray:
    """Cut to so many periods, or fill up to them."""
    cut = values[:, :n_steps]
    width = [(0, 0), (0, n_steps - cut.shape[1]), *[(0, 0)] * (values.ndim - 2)]
    return np.pad(cut, width, constant_values=fill)


def _cumulated(step: np.ndarray) -> np.ndarray:
    total = np.zeros((step.shape[0], step.shape[1] + 1, step.shape[2]))
    np.cumsum(step, axis=1, out=total[:, 1:])
    return total


def _steps(log_survival: np.ndarray) -> np.ndarray:
    """Steps from one whole period to the next, never up; where S has reached 0 there is no more to lose."""
    floored = np.maximum(log_survival, EXTINCT)
    step: np.ndarray = np.minimum(np.diff(floored, axis=-1), 0.0)
    return step


def _drawn_steps(curves: SplicedCurves, n_draws: int, streams: list[np.random.Generator]) -> "_Steps":
    families, shape = curves.families, curves.observed.shape
    if families is None or curves.observed.all():
        return _Steps(curves.spells, (), (), shape[1])
    taken = apportioned(families.weights, n_draws)
    theta = tuple(
        fit.draws(int(n), stream) for fit, n, stream in zip(families.fits, taken, streams, strict=True)
    )
    return _Steps(curves.spells, families.fits, theta, shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class _Steps:
    """Steps of the families, draw by draw: the first draws are the first family's."""

    spells: Spells
    fits: tuple[Fit, ...]
    theta: tuple[np.ndarray, ...]
    n_steps: int

    def __call__(self, at: slice) -> np.ndarray:
        """Of some draws: (n_pairs, n_steps, n_block); NaN without families."""
        parts, before = [], 0
        for fit, theta in zip(self.fits, self.theta, strict=True):
            mine = theta[max(at.start - before, 0) : max(at.stop - before, 0)]
            before += len(theta)
            if len(mine):
                parts.append(_steps(_log_survival(fit, mine, self.spells, self.n_steps)))
        if not parts:
            return np.full((self.spells.n_pairs, self.n_steps, 1), np.nan)
        return np.ascontiguousarray(np.moveaxis(np.concatenate(parts), 0, -1))


def _log_survival(fit: Fit, theta: np.ndarray, spells: Spells, n_steps: int) -> np.ndarray:
    """Log S of all pairs at 0, 1, …, n_steps: (n_draws, n_pairs, n_steps + 1); from 72 on log-linear between some."""
    times = whole_periods(n_steps, _TIMES)
    linked = fit.linked(theta, spells.level, spells.stratum)
    log_survival: np.ndarray = np.maximum(at_times(fit.family, linked, times.astype(float)), EXTINCT)
    if fit.family.kind == "spline":
        np.minimum.accumulate(log_survival, axis=-1, out=log_survival)
    if len(times) == n_steps + 1:
        return log_survival
    every = np.arange(n_steps + 1)
    after = np.clip(np.searchsorted(times, every), 1, len(times) - 1)
    share = (every - times[after - 1]) / (times[after] - times[after - 1])
    between: np.ndarray = log_survival[..., after - 1] * (1 - share) + log_survival[..., after] * share
    return between

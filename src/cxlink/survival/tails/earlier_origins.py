"""What a cohort's own earlier origins say of its extrapolation error.

Hazards fitted to the periods up to an earlier origin are set beside the losses that came later. With x the log of later
time over the origin's, a window's log ratio e of losses over those expected has mean b·x and covariance
s²·(σ₀² + κ²·x·x') + ω² + V, V that of sampling, ω² in the windows' own variances alone: that hazards are smooth up to T
is no sign that their level and slope last. The factor s of the published constants is at least a third: what breaks
after T casts no shadow before it. The constants are root mean squares over curves, so that s² has mean 1 before an
origin speaks: log s is normal(−½², ½²). Levels' own errors share a correlation ρ, whose prior is Beta(4, 1).

An origin has five periods at least, as on the published curves. There log ratios after three or four periods are −.27
on average, with root mean square .39; after five to eight periods 0 and .31: the former are no sample of errors from T.
What came after one origin came after the others too: the mean of their log densities is taken, as of one path.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from cxlink.survival.tails.extrapolation_error import Errors
from cxlink.survival.tails.hazard_breaks import hazard_breaks
from cxlink.survival.tails.tail_fit import CellCounts, TailFit, cohort_hazard, fit_tails
from cxlink.survival.tails.tail_terms import terms_for
from cxlink.survival.tails.time_functions import time_functions

_ORIGINS = (1 / 3, 1 / 2, 2 / 3)
_WINDOWS = (1.0, 1.25, 1.5, 2.0, 3.0)
_LEAST, _MOST = 1 / 3, 4.0
_PRIOR = 0.5
_RHO = (4.0, 1.0)
_FEWEST = 5


@dataclass(frozen=True, slots=True, eq=False)
class OriginErrors:
    """Log ratios of losses over those expected, after one origin.

    Attributes
    ----------
    origin : int
        Last period that was fitted to.
    since : ndarray of shape (n_windows,)
        log(t/origin) at the middle of each window.
    quarters : ndarray of shape (n_windows,)
        How many quarters of the origin each window is long.
    error : ndarray of shape (n_windows,)
        Of the cohort.
    sampling : ndarray of shape (n_windows, n_windows)
        Covariance of their sampling errors.
    level_since, level_quarters : float
        Middle and length of all that came after.
    level_error : ndarray of shape (n_levels,)
        Of each level with losses.
    level_sampling : ndarray of shape (n_levels, n_levels)
        Covariance.
    """

    origin: int
    since: np.ndarray
    quarters: np.ndarray
    error: np.ndarray
    sampling: np.ndarray
    level_since: float
    level_quarters: float
    level_error: np.ndarray
    level_sampling: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class OwnErrors:
    """What a cohort says of its error, as posteriors on a grid.

    Attributes
    ----------
    origins : tuple of OriginErrors
        None where follow-up is too short.
    factors, factor_weights : ndarray of shape (n_factors,)
        s, and its posterior.
    correlations, correlation_weights : ndarray of shape (n_correlations,)
        ρ, and its posterior.
    """

    origins: tuple[OriginErrors, ...]
    factors: np.ndarray
    factor_weights: np.ndarray
    correlations: np.ndarray
    correlation_weights: np.ndarray

    def draws(self, n_draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw s and ρ, each of shape (n_draws,)."""
        factor = rng.choice(self.factors, n_draws, p=self.factor_weights)
        return factor, rng.choice(self.correlations, n_draws, p=self.correlation_weights)


def own_errors(
    counts: CellCounts, fit: TailFit, strata: pd.DataFrame, by_stratum: bool, errors: Errors
) -> OwnErrors:
    """Set earlier origins beside what came.

    Parameters
    ----------
    counts : CellCounts
        The cohort.
    fit : TailFit
        Of all its periods: its structure is that of the earlier fits.
    strata : DataFrame of shape (n_strata, n_variables)
        Their variables.
    by_stratum : bool
        Whether the score acts differently in each stratum.
    errors : Errors
        The published constants.
    """
    n_periods = counts.lost.shape[1]
    origins = sorted({round(share * n_periods) for share in _ORIGINS})
    made = tuple(
        _after(counts, fit, strata, by_stratum, origin)
        for origin in origins
        if origin >= _FEWEST and counts.lost[:, :origin].sum() > 0 and counts.lost[:, origin:].sum() > 0
    )
    factors = np.exp(np.linspace(np.log(_LEAST), np.log(_MOST), 33))
    log_factor = -0.5 * ((np.log(factors) + _PRIOR**2) / _PRIOR) ** 2
    if made:
        log_factor += np.array(
            [np.mean([_window_density(one, errors.times(s)) for one in made]) for s in factors]
        )
    weights = _normalised(log_factor)
    typical = errors.times(float(np.exp(weights @ np.log(factors))))
    rho = (np.arange(40) + 0.5) / 40
    log_rho = (_RHO[0] - 1) * np.log(rho) + (_RHO[1] - 1) * np.log1p(-rho)
    if made:
        log_rho += np.array([np.mean([_level_density(one, typical, r) for one in made]) for r in rho])
    return OwnErrors(made, factors, weights, rho, _normalised(log_rho))


def _normalised(log_weights: np.ndarray) -> np.ndarray:
    weights = np.exp(log_weights - log_weights.max())
    normalised: np.ndarray = weights / weights.sum()
    return normalised


def _after(
    counts: CellCounts, fit: TailFit, strata: pd.DataFrame, by_stratum: bool, origin: int
) -> OriginErrors:
    """Fit to an origin, and compare."""
    earlier = _fitted_to(counts, fit, strata, by_stratum, origin)
    customers = counts.at_risk.max(axis=1).reshape(-1, len(strata))
    edges = np.unique([min(round(w * origin), counts.lost.shape[1]) for w in _WINDOWS])
    everybody = np.ones(len(counts.lost), bool)
    windows = [_Compared(counts, earlier, everybody, ab, origin) for ab in pairwise(edges)]
    n_levels, last = len(customers), int(edges[-1])
    level = np.repeat(np.arange(n_levels), len(strata))
    levels = [_Compared(counts, earlier, level == at, (origin, last), origin) for at in range(n_levels)]
    windows, levels = ([one for one in made if one.lost > 0] for made in (windows, levels))
    since, quarters, error = (
        np.array([getattr(one, name) for one in windows]) for name in ("since", "quarters", "error")
    )
    return OriginErrors(
        origin, since, quarters, error, _sampling(windows, earlier), float(np.log((origin + last) / 2 / origin)),
        4 * (last - origin) / origin, np.array([one.error for one in levels]), _sampling(levels, earlier),
    )  # fmt: skip


def _fitted_to(
    counts: CellCounts, fit: TailFit, strata: pd.DataFrame, by_stratum: bool, origin: int
) -> TailFit:
    """Fit to the periods up to an origin, with the breaks that they show themselves."""
    known = CellCounts(counts.at_risk[:, :origin], counts.lost[:, :origin])
    customers = counts.at_risk.max(axis=1).reshape(-1, len(strata))
    whole = fit.terms.time

    def fitted(breaks: tuple[int, ...]) -> TailFit:
        time = time_functions(
            known.lost.sum(axis=0), whole.half_life, whole.renewals, breaks,
            drifts=whole.drifts, in_time=whole.in_time,
        )  # fmt: skip
        offset = cohort_hazard(known)
        return fit_tails(known, terms_for(time, customers, strata, offset=offset, by_stratum=by_stratum))

    without = fitted(())
    breaks = hazard_breaks(known, without)
    return fitted(breaks) if breaks else without


class _Compared:
    """Losses of some cells in a window, over those expected."""

    def __init__(
        self, counts: CellCounts, fit: TailFit, cells: np.ndarray, window: tuple[int, int], origin: int
    ) -> None:
        begin, end = window
        t = np.arange(begin + 1.0, end + 1)
        time = fit.terms.time
        values, held = time.at(t - 1, t), time.at_last()
        at_risk = counts.at_risk[cells, begin:end]
        expected = at_risk * -np.expm1(
            -np.exp(np.clip(fit.log_hazards(fit.theta[:, None], t - 1, t)[cells, :, 0], -40, 6))
        )
        self.lost = float(counts.lost[cells, begin:end].sum())
        total = max(float(expected.sum()), 1e-9)
        self.error = float(np.log(max(self.lost, 0.5) / total))
        self.since = float(np.log((begin + end) / 2 / origin))
        self.quarters = 4 * (end - begin) / origin
        self.gradient = np.empty(len(fit.theta))
        stays = fit.risen(fit.theta[:, None], t - 1, t)[cells, :, 0] > 0
        for j, at in enumerate(fit.terms.columns):
            value = np.where(stays, held[j], values[j]) if j in time.curve else values[j]
            self.gradient[at] = fit.terms.matrix[np.ix_(cells, at)].T @ (expected * value).sum(axis=1) / total


def _sampling(compared: Sequence[_Compared], fit: TailFit) -> np.ndarray:
    gradient = np.array([one.gradient for one in compared]).reshape(len(compared), len(fit.theta))
    own = np.array([1 / one.lost for one in compared])
    covariance: np.ndarray = gradient @ fit.inverse @ gradient.T + np.diag(own)
    return covariance


def _window_density(one: OriginErrors, errors: Errors) -> float:
    form = errors.covariance(one.since, one.quarters)
    return _log_density(one.error - errors.drift * one.since, form + one.sampling)


def _level_density(one: OriginErrors, errors: Errors, rho: float) -> float:
    since, quarters = np.array([one.level_since]), np.array([one.level_quarters])
    variance = float(errors.covariance(since, quarters)[0, 0])
    n = len(one.level_error)
    form = variance * (rho * np.ones((n, n)) + (1 - rho) * np.eye(n))
    return _log_density(one.level_error - errors.drift * one.level_since, form + one.level_sampling)


def _log_density(value: np.ndarray, covariance: np.ndarray) -> float:
    if not len(value):
        return 0.0
    root = np.linalg.cholesky(covariance + 1e-12 * np.eye(len(value)))
    scaled = np.linalg.solve(root, value)
    return float(-0.5 * scaled @ scaled - np.log(np.diag(root)).sum())

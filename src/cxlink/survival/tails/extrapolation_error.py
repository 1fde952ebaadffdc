"""How far projected hazards were from what happened, on curves that were followed to their end.

The hazard of a time t beyond the last observed period T is multiplied by e^δ(t), one δ for a whole path:
δ(t) = z₀·σ₀ + z₁·κ·log(t/T) + b·log(t/T) + z_w·ω, all z standard normal, a z_w for each quarter of T up to 3 T, as far
as was compared. The last term is of hazards that rise and fall from one window to the next. It averages out over time,
and tells nothing of a level or a slope that last: without it σ₀ was .28 in place of .20. The constants are those of
`cxlink.survival.tails.published_errors`; what they are for one cohort, its own earlier origins say.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

_WINDOWS = 8
"""Quarters of T between T and 3 T, as far as published projections are compared."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Constants of the extrapolation error.

    Attributes
    ----------
    level : float
        σ₀: standard deviation of the log hazard's error, there at T already.
    growth : float
        κ: standard deviation of what is added per unit of log(t/T).
    drift : float
        b: mean error per unit of log(t/T).
    irregular : float
        ω: standard deviation of what is left of a window T/4 long; of one k times as long ω/√k.
    """

    level: float
    growth: float
    drift: float
    irregular: float = 0.0

    def times(self, factor: float) -> "Errors":
        """The same with the standard deviations of level and slope multiplied."""
        return Errors(self.level * factor, self.growth * factor, self.drift, self.irregular)

    def covariance(self, since: np.ndarray, quarters: np.ndarray) -> np.ndarray:
        """Of the mean log errors of windows, (n_windows, n_windows).

        Parameters
        ----------
        since : ndarray of shape (n_windows,)
            log(t/T) at their middles.
        quarters : ndarray of shape (n_windows,)
            How many quarters of T each is long.
        """
        lasting = self.level**2 + self.growth**2 * np.outer(since, since)
        found: np.ndarray = lasting + np.diag(self.irregular**2 / quarters)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class ErrorPaths:
    """Draws of the error, one path a level.

    Attributes
    ----------
    errors : Errors
        Its constants.
    last : ndarray of shape (n_levels,)
        T of each level, in periods.
    at_last, growing : ndarray of shape (n_levels, n_draws)
        z₀ and z₁, times the factor.
    uneven : ndarray of shape (n_levels, n_windows, n_draws)
        z_w.
    lean : ndarray of shape (2, n_levels)
        Means of z₀ and z₁, times the factor: 0 where no anchor tells.
    """

    errors: Errors
    last: np.ndarray
    at_last: np.ndarray
    growing: np.ndarray
    uneven: np.ndarray
    lean: np.ndarray = field(default_factory=lambda: np.zeros((2, 1)))

    def at(self, begin: np.ndarray, end: np.ndarray, draws: slice = slice(None)) -> np.ndarray:
        """δ in steps of time: 0 in those that begin before T.

        Returns
        -------
        ndarray of shape (n_levels, n_steps, n_draws)
        """
        x = since_last(begin, end, self.last)
        growing = self.errors.growth * self.growing[:, None, draws] + self.errors.drift
        path: np.ndarray = growing * x[:, :, None]
        path += self.errors.level * self.at_last[:, None, draws] * (x > 0)[:, :, None]
        window = ((np.exp(x) - 1) * 4).astype(int)
        for level, own in enumerate(self.uneven):
            at = np.flatnonzero((x[level] > 0) & (window[level] < len(own)))
            path[level, at] += self.errors.irregular * own[window[level, at], draws]
        return path

    def centre(self, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Its mean, of shape (n_levels, n_steps): b·log(t/T), and what anchors add to it."""
        x = since_last(begin, end, self.last)
        centre = self.errors.drift * x
        if self.lean.any():
            level, growth = self.lean[:, :, None]
            centre = centre + self.errors.level * level * (x > 0) + self.errors.growth * growth * x
        return centre


@dataclass(frozen=True, slots=True, eq=False)
class DrawnErrors:
    """Draws of the error, and of what they were drawn with.

    Attributes
    ----------
    paths : mapping of str to ErrorPaths
        By scenario, see `error_paths`.
    factor, shared : ndarray of shape (n_draws,)
        What σ₀ and κ were multiplied by, and the correlation between levels.
    """

    paths: Mapping[str, ErrorPaths]
    factor: np.ndarray
    shared: np.ndarray


def since_last(begin: np.ndarray, end: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Give log(t/T) at the middles of steps beyond T, 0 before.

    Parameters
    ----------
    begin, end : ndarray of shape (n_steps,)
        Of the steps, in periods.
    last : ndarray of shape (n_levels,)
        T of each level.

    Returns
    -------
    ndarray of shape (n_levels, n_steps)
    """
    x: np.ndarray = np.log((begin + end) / 2 / last[:, None])
    since: np.ndarray = np.where(begin >= last[:, None], np.maximum(x, 0.0), 0.0)
    return since


def error_paths(
    errors: Errors, last: np.ndarray, factor: np.ndarray, shared: np.ndarray, rng: np.random.Generator
) -> Mapping[str, ErrorPaths]:
    """Draw paths whose errors are correlated between levels.

    Parameters
    ----------
    errors : Errors
        Constants.
    last : ndarray of shape (n_levels,)
        T of each level.
    factor : ndarray of shape (n_draws,)
        Draws of what σ₀ and κ are multiplied by.
    shared : ndarray of shape (n_draws,)
        Draws of the correlation ρ.
    rng : Generator
        Advanced.

    Returns
    -------
    mapping of str to ErrorPaths
        ``""``: with that correlation; ``shared=0`` and ``shared=1``: with none, and one error for all levels.
    """
    common = rng.standard_normal((2 + _WINDOWS, 1, len(shared)))
    own = rng.standard_normal((2 + _WINDOWS, len(last), len(shared)))
    mixed = np.sqrt(shared) * common + np.sqrt(1 - shared) * own
    names = {"": mixed, "shared=0": own, "shared=1": np.broadcast_to(common, own.shape)}
    return {
        name: ErrorPaths(errors, np.maximum(last, 1), factor * z[0], factor * z[1], np.swapaxes(z[2:], 0, 1))
        for name, z in names.items()
    }

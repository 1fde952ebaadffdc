"""Test–retest reliability of a score, and regression calibration of a linear association.

Classical measurement error: a score is a true score plus an error independent of everything else, so that the slope of
an outcome on the score is λ times the slope on the true score, and λ is the slope of a second score on the first
(regression calibration: Rosner, Spiegelman & Willett 1990, doi 10.1093/oxfordjournals.aje.a115715; Carroll et al.
2006, doi 10.1201/9781420010138). λ is a slope and not the correlation: selection of the second survey on the
first score leaves a slope unchanged. It is estimated from all customers with two scores; within strata it would be
smaller if the strata predict the score. A true change between two surveys counts as error and makes λ smaller.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

FEWEST_PAIRS = 30
_ALIKE = 1e-9


@dataclass(frozen=True, slots=True)
class Reliability:
    """Association between two scores of the same customers.

    Attributes
    ----------
    n : int
        Customers with two scores.
    correlation : float
        Test–retest correlation of the first and the second score.
    z_error : float
        Robust standard error of arctanh r.
    slope, slope_error : float
        λ, points of the second score for a point of the first, and its robust standard error.
    """

    n: int
    correlation: float
    z_error: float
    slope: float
    slope_error: float

    def correlation_draws(self, n_draws: int, rng: np.random.Generator) -> np.ndarray:
        """Draw the correlation: arctanh r is taken to be normal (Fisher 1921), its error is that of the scores."""
        size = min(abs(self.correlation), 1 - 1e-12)
        z = np.copysign(np.arctanh(size), self.correlation)
        draws: np.ndarray = np.tanh(z + self.z_error * rng.standard_normal(n_draws))
        return draws

    def slope_draws(self, n_draws: int, rng: np.random.Generator) -> np.ndarray:
        """Draw λ, limited to at most 1, its largest value under classical measurement error."""
        draws: np.ndarray = np.minimum(self.slope + self.slope_error * rng.standard_normal(n_draws), 1.0)
        return draws


def reliability(repeats: pd.DataFrame) -> Reliability | None:
    """Estimate the reliability of the score from customers with two.

    Parameters
    ----------
    repeats : DataFrame
        ``score, again, n``: customers by their first and their second score.

    Returns
    -------
    Reliability or None
        None with fewer than `FEWEST_PAIRS` customers, or where all first or all second scores are equal.
    """
    x, y, n = (repeats[name].to_numpy(float) for name in ("score", "again", "n"))
    total = n.sum()
    if total < FEWEST_PAIRS:
        return None
    dx, dy = x - n @ x / total, y - n @ y / total
    sxx, syy, sxy = n @ dx**2, n @ dy**2, n @ (dx * dy)
    if min(np.ptp(x), np.ptp(y)) == 0:
        return None
    slope = sxy / sxx
    residual = dy - slope * dx
    # HC1: Σ dx²e² / Sxx² · n / (n − 2)
    variance = (n @ (dx**2 * residual**2)) / sxx**2 * total / (total - 2)
    correlation = sxy / np.sqrt(sxx * syy)
    z_error = _z_error(dx * np.sqrt(total / sxx), dy * np.sqrt(total / syy), n, float(correlation))
    return Reliability(int(total), float(correlation), z_error, float(slope), float(np.sqrt(variance)))


def _z_error(a: np.ndarray, b: np.ndarray, n: np.ndarray, r: float) -> float:
    """Standard error of arctanh r from the influence of each customer on r, a·b − r(a² + b²)/2 of standardised scores.

    1/√(n − 3) where scores are normal (Devlin, Gnanadesikan & Kettenring 1975, doi 10.1093/biomet/62.3.531); on scores
    that pile up at one end that holds 81 to 85 % for 95.
    """
    influence = a * b - r * (a**2 + b**2) / 2
    free = 1 - r**2
    variance = (n @ influence**2) / n.sum() / (n.sum() - 3)
    return float(np.sqrt(variance) / free) if free > _ALIKE else 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """A linear trend over the levels' estimates, with draws.

    Attributes
    ----------
    slope : float
        Change per point of the score.
    draws : ndarray of shape (n_draws,)
        Draws of it.
    n : int
        Customers at the levels used.
    """

    slope: float
    draws: np.ndarray
    n: int


def line_through(level: np.ndarray, n: np.ndarray, point: np.ndarray, draws: np.ndarray) -> Line | None:
    """Fit a linear trend to the levels' estimates, by least squares weighted by customers.

    slope = Σ n (x − x̄) y / Σ n (x − x̄)²: linear in the estimates, so the same weights give its draws.

    Parameters
    ----------
    level, n, point : ndarray of shape (n_levels,)
        Score levels, customers and estimates; a level whose estimate is NaN is left out.
    draws : ndarray of shape (n_draws, n_levels)
        Draws of the estimates.

    Returns
    -------
    Line or None
        None with fewer than two levels.
    """
    estimable = ~np.isnan(point) & (n > 0)
    x, weight = level[estimable].astype(float), n[estimable].astype(float)
    if estimable.sum() < 2:
        return None
    centred = x - weight @ x / weight.sum()
    share = weight * centred / (weight @ centred**2)
    return Line(float(share @ point[estimable]), draws[:, estimable] @ share, int(weight.sum()))


def corrected(
    value: float, draws: np.ndarray, calibration: tuple[float, np.ndarray]
) -> tuple[float, np.ndarray]:
    """Divide a linear association by λ; a draw of λ ≤ 0 makes it infinite.

    Parameters
    ----------
    value, draws : float, ndarray of shape (n_draws,)
        The slope or difference.
    calibration : (float, ndarray of shape (n_draws,))
        λ > 0 and draws of it.
    """
    slope, slopes = calibration
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = np.where(slopes > 0, draws / slopes, np.sign(draws) * np.inf)
    return value / min(slope, 1.0), drawn

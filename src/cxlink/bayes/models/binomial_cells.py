"""The binomial likelihood of losses with a complementary log-log link, in counts: Σ d·log(1 − e^{−H}) − (r − d)·H.

With log((1 − e^{−H})/H) = −H/2 + H²/24 − H⁴/2880 + H⁶/181440 − H⁸/9676800 + …, whose error is under 1e-13 where
H < 0.3, it is a sum of powers of H. Where H is a product of a row's and a period's part, so are its powers, and no
exponential is taken of a cell.
"""

from dataclasses import dataclass

import numpy as np

_SERIES = 0.3
_POWERS = np.array([1.0, 2.0, 4.0, 6.0, 8.0])
_TERMS = np.array([-1.0, 1 / 24, -1 / 2880, 1 / 181440, -1 / 9676800])
_MOST = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """Counts, and their sums, for predictors η = row + period.

    Attributes
    ----------
    at_risk, lost : ndarray of shape (n_rows, n_periods)
        Customers.
    exposure : ndarray of shape (n_rows, n_periods)
        r − d/2, the coefficient of −H.
    by_row, by_period : ndarray of shape (n_rows,), (n_periods,)
        Sums of ``lost``.
    """

    at_risk: np.ndarray
    lost: np.ndarray
    exposure: np.ndarray
    by_row: np.ndarray
    by_period: np.ndarray

    def terms(self, path: np.ndarray, total: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """The likelihood, and its slopes in the rows' and the periods' parts.

        Parameters
        ----------
        path : ndarray of shape (n_periods,)
            Of η, by period.
        total : ndarray of shape (n_rows,)
            By row.
        """
        if path.max(initial=-np.inf) + total.max(initial=-np.inf) >= np.log(_SERIES):
            value, slope = cell_terms(self.at_risk, self.lost, np.minimum(path + total[:, None], _MOST))
            return value, slope.sum(axis=1), slope.sum(axis=0)
        rows, periods = np.exp(_POWERS[:, None] * total), np.exp(_POWERS[:, None] * path)
        of_rows = np.empty_like(rows)
        of_rows[0], of_rows[1:] = self.exposure @ periods[0], (self.lost @ periods[1:].T).T
        of_periods = np.empty_like(periods)
        of_periods[0], of_periods[1:] = rows[0] @ self.exposure, rows[1:] @ self.lost
        of_rows *= rows
        of_periods *= periods
        value = float(self.by_row @ total + self.by_period @ path + _TERMS @ of_rows.sum(axis=1))
        slopes = _TERMS * _POWERS
        return value, self.by_row + slopes @ of_rows, self.by_period + slopes @ of_periods


def products_of(at_risk: np.ndarray, lost: np.ndarray) -> Products:
    """Sum counts of shape (n_rows, n_periods) up for `Products`."""
    return Products(at_risk, lost, at_risk - lost / 2, lost.sum(axis=1), lost.sum(axis=0))


def waned(n_periods: int, half_life: np.ndarray) -> np.ndarray:
    """Share of the score's effect that remains in each period: 2^(−(t−1)/half-life), (..., n_periods)."""
    left: np.ndarray = np.exp2(-np.arange(n_periods) / np.asarray(half_life)[..., None])
    return left


def information_ratio(hazard: np.ndarray) -> np.ndarray:
    """H/(e^H − 1), of H ≥ 0."""
    with np.errstate(over="ignore"):
        ratio: np.ndarray = hazard / np.expm1(np.maximum(hazard, 1e-300))
    return ratio


def cell_terms(at_risk: np.ndarray, lost: np.ndarray, eta: np.ndarray) -> tuple[float, np.ndarray]:
    """Σ d·log(1 − e^{−H}) − (r − d)·H for H = e^η, without its binomial coefficient, and its slope in η.

    Small H by the series of log((1 − e^{−H})/H), exact to 1e-13 where H < 0.3: it needs no logarithm.
    """
    hazard = np.exp(eta)
    if hazard.max(initial=0.0) < _SERIES:
        h2 = hazard * hazard
        log_ratio = h2 * (1 / 24 - h2 * (1 / 2880 - h2 * (1 / 181440 - h2 / 9676800))) - hazard / 2
        ratio = 1 - hazard / 2 + h2 * (1 / 12 - h2 * (1 / 720 - h2 * (1 / 30240 - h2 / 1209600)))
    else:
        safe = np.maximum(hazard, 1e-300)
        log_ratio = np.log(-np.expm1(-safe) / safe)
        ratio = information_ratio(hazard)
    retained_hazard = (at_risk - lost) * hazard
    return float((lost * (eta + log_ratio) - retained_hazard).sum()), lost * ratio - retained_hazard

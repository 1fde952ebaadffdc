"""How far a confounder could move a contrast, held against the variables that were recorded.

Chernozhukov, Cinelli, Newey, Sharma & Syrgkanis, Long story short: omitted variable bias in causal machine learning
(2022, arXiv 2112.13398). A contrast of standardised means, θ = Σ_c w_c·m_c over cells c of a level and a stratum, is
E[α·Y] with the Riesz representer α = w_c/p_c. Whatever was not recorded moves it by at most S·C_Y·C_D, where
S² = E[(Y − m)²]·E[α²].
"""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class ContrastCells:
    """Customers of both sides of a contrast by level and stratum, and what they did.

    Attributes
    ----------
    level, stratum : int ndarray of shape (n_cells,)
        Which each cell is.
    weight : ndarray of shape (n_cells,)
        w: sums to 1 over the cells of the group, to −1 over those of the reference.
    n : ndarray of shape (n_cells,)
        Customers.
    mean : ndarray of shape (n_cells,)
        m: retention at the horizon, or mean spend.
    variance : ndarray of shape (n_cells,)
        Of one customer's outcome; NaN where one customer tells nothing of it.
    error : ndarray of shape (n_cells,)
        Sampling variance of the mean; NaN likewise.
    """

    level: np.ndarray
    stratum: np.ndarray
    weight: np.ndarray
    n: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    error: np.ndarray

    @property
    def difference(self) -> float:
        """θ, the standardised difference."""
        return float(self.weight @ self.mean)

    @property
    def residual_variance(self) -> float:
        """E[(Y − m)²] over the customers of both sides."""
        return float(self.n @ self.variance / self.n.sum())

    @property
    def second_moment(self) -> float:
        """E[α²] = Σ w²/p; 1/p is estimated by (N + 1)/(n + 1), whose mean it is over draws of n of N customers."""
        total = self.n.sum()
        return float(self.weight**2 @ ((total + 1) / (self.n + 1)))

    @property
    def scale(self) -> float:
        """S, in the unit of the outcome."""
        return float(np.sqrt(self.residual_variance * self.second_moment))


@dataclass(frozen=True, slots=True)
class Strength:
    """How strong a confounder is.

    Attributes
    ----------
    outcome : float
        C_Y², the share of the outcome's residual variance that it explains: 0 to 1.
    score : float
        C_D², by how much it raises E[α²], relative to it; not negative.
    """

    outcome: float
    score: float

    @property
    def of_weights(self) -> float:
        """The share of E[α²] that it explains, C_D²/(1 + C_D²): 0 to 1."""
        return self.score / (1 + self.score)


def largest_bias(cells: ContrastCells, strength: Strength) -> float:
    """Bound of the bias, S·C_Y·C_D: reached where the confounder acts on both as one.

    Parameters
    ----------
    cells : ContrastCells
        Without missing variances, see `filled`.
    strength : Strength
        Of the confounder, beyond the strata.
    """
    return cells.scale * float(np.sqrt(strength.outcome * strength.score))


def robustness_value(difference: float, scale: float) -> float:
    """Strength of a confounder that could move a difference to 0.

    It explains the share R of the outcome's residual variance, and the share R of E[α²]: C_Y² = R, C_D² = R/(1 − R),
    so that R²/(1 − R) = θ²/S².

    Parameters
    ----------
    difference, scale : float
        θ, and S.

    Returns
    -------
    float
        0 to 1; 0 of a difference of 0, else 1 where nothing varies.

    Examples
    --------
    >>> print(f"{robustness_value(0.3, scale=1.0):.3f} {robustness_value(0.0, scale=1.0):.0f}")
    0.258 0
    """
    if difference == 0:
        return 0.0
    if scale == 0:
        return 1.0
    squared = (difference / scale) ** 2
    return float(2 * squared / (np.sqrt(squared**2 + 4 * squared) + squared))


def filled(cells: ContrastCells) -> ContrastCells:
    """Give cells of a single customer the variance of the others, by their customers; 0 without any other."""
    known = ~np.isnan(cells.variance)
    typical = float(cells.n[known] @ cells.variance[known] / cells.n[known].sum()) if known.any() else 0.0
    return replace(
        cells,
        variance=np.where(known, cells.variance, typical),
        error=np.where(known, cells.error, typical / cells.n),
    )


def left_out(cells: ContrastCells, stratum: np.ndarray) -> tuple[Strength, float]:
    """Strength of a recorded variable, found by leaving it out, and the difference without it.

    A confounder as strong adds to the residual variance that is explained what the variable adds beyond the others, and
    raises E[α²] by the same factor. What the variable adds by chance alone is taken off: Σ p(1 − q)·error of the
    squared differences of means, q a cell's share of its customers without the variable.

    Parameters
    ----------
    cells : ContrastCells
        Without missing variances, see `filled`.
    stratum : int ndarray of shape (n_cells,)
        The stratum of each cell without the variable.

    Returns
    -------
    strength, difference
    """
    _, at = np.unique(np.column_stack([cells.level, stratum]), axis=0, return_inverse=True)
    at = at.ravel()
    n, weight = np.bincount(at, cells.n), np.bincount(at, cells.weight)
    mean = np.bincount(at, cells.n * cells.mean) / n
    share = cells.n / cells.n.sum()
    apart = float(share @ (cells.mean - mean[at]) ** 2)
    by_chance = float(share @ ((1 - cells.n / n[at]) * cells.error))
    merged = float(weight**2 @ ((n.sum() + 1) / (n + 1)))
    left = cells.residual_variance
    outcome = min(max(apart - by_chance, 0.0) / left, 1.0) if left > 0 else float(apart > 0)
    return Strength(outcome, max(cells.second_moment / merged - 1, 0.0)), float(weight @ mean)

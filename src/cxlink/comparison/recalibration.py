"""Calibration of an old model on a new cohort: slopes with errors in both variables, a Brier score under censoring."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.sparse import coo_array, csr_array

from cxlink.cohort.count.spells import Spells

_STEPS, _SMALL = 100, 1e-9
_STEEPEST, _FINEST, _RAYS = 1.4, 1e-3, 29
"""Angle of the steepest line that is looked for, how finely, and lines that are tried at once."""


def poisson_slopes(
    lost_base: np.ndarray, rate: np.ndarray, lost: np.ndarray, at_risk: np.ndarray
) -> np.ndarray:
    """Regress the new cohort's losses on the base's log hazards, both with their errors; many draws at once.

    With η_c the unknown log hazard of a cell: base losses ~ Poisson(m_c e^η_c), where m_c = losses / rate, and new
    losses ~ Poisson(r_c e^(a + b η_c)); the likelihood is maximised over a, b and every η_c by Fisher scoring, the η_c
    eliminated. A regression on the base's estimates as they stand would be pulled below 1 by their noise alone.

    Parameters
    ----------
    lost_base : ndarray of shape (n_cells, n_draws)
        Losses that the base's hazard rests on.
    rate : ndarray of shape (n_cells, n_draws)
        The base's hazard a period; a draw leaves out cells where it is 0.
    lost, at_risk : ndarray of shape (n_cells, n_draws)
        Losses and customer-periods of the new cohort.

    Returns
    -------
    ndarray of shape (n_draws,)
        b; NaN where fewer than two cells are left, or two of different rates, or the search does not end.
    """
    used = (lost_base > 0) & (rate > 0) & (at_risk > 0)
    d, y, r = (np.where(used, column, 0.0).astype(float) for column in (lost_base, lost, at_risk))
    log_rate = np.log(np.where(used, rate, 1.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (d * log_rate).sum(axis=0) / d.sum(axis=0)
        eta = np.where(used, log_rate - centre, 0.0)
        intercept = np.log(y.sum(axis=0) / (r * np.exp(eta)).sum(axis=0))
    exposure, slope, step = d * np.exp(-eta), np.ones(d.shape[1]), np.full(d.shape[1], np.inf)
    with np.errstate(all="ignore"):
        for _ in range(_STEPS):
            moves = _scored(intercept, slope, eta, (d, exposure, y, r))
            step = np.max(np.abs(np.concatenate([moves[0][None], moves[1][None], moves[2]])), axis=0)
            shorter = np.minimum(1.0, 1.0 / step)
            intercept, slope, eta = (
                now + shorter * move for now, move in zip((intercept, slope, eta), moves, strict=True)
            )
            if not (step > _SMALL).any():
                break
    estimable = (
        (used.sum(axis=0) > 1) & (np.ptp(np.where(used, log_rate, centre), axis=0) > 1e-9) & (step < 1e-4)
    )
    return np.where(estimable, slope, np.nan)


def _scored(
    intercept: np.ndarray, slope: np.ndarray, eta: np.ndarray, counts: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One step of Fisher scoring: of a, of b and of every η."""
    d, exposure, y, r = counts
    base, new = exposure * np.exp(eta), r * np.exp(intercept + slope * eta)
    left, own = y - new, base + slope**2 * new
    own = np.where(own > 0, own, 1.0)
    pull = d - base + slope * left
    rest = left - slope * new / own * pull
    information = new * base / own
    aa, ab, bb = ((information * eta**k).sum(axis=0) for k in (0, 1, 2))
    a, b = rest.sum(axis=0), (rest * eta).sum(axis=0)
    whole = aa * bb - ab**2
    move_a, move_b = (bb * a - ab * b) / whole, (aa * b - ab * a) / whole
    return move_a, move_b, (pull - slope * new * (move_a + move_b * eta)) / own


def normal_slope(x: np.ndarray, var_x: np.ndarray, y: np.ndarray, var_y: np.ndarray) -> tuple[float, float]:
    """Fit a line through points with uncensored errors on both sides (York 1966, doi 10.1139/p66-090).

    b minimises Σ (y − a − b x)² / (σ_y² + b² σ_x²), a being the weighted mean for that b. Its error is the larger of
    that of the curvature retained and of the sandwich of the points' own residuals: where a few customers spend very
    much, a point is farther off than its variance says.

    Parameters
    ----------
    x, y : ndarray of shape (n_cells,)
        Logarithms of what was predicted and observed.
    var_x, var_y : ndarray of shape (n_cells,)
        Their variances.

    Returns
    -------
    slope, std_error : float
        NaN where it is not estimable.
    """
    if len(x) < 2 or np.ptp(x) < 1e-9:
        return np.nan, np.nan

    def misfit(slope: float) -> float:
        weight = 1 / (var_y + slope**2 * var_x)
        rest = y - slope * x
        return float((weight * (rest - np.average(rest, weights=weight)) ** 2).sum())

    grid = np.tan(np.linspace(-1.4, 1.4, 57))
    near = int(np.argmin([misfit(slope) for slope in grid]))
    ends = float(grid[max(near - 1, 0)]), float(grid[min(near + 1, len(grid) - 1)])
    slope = float(minimize_scalar(misfit, bounds=ends, method="bounded").x)
    weight = 1 / (var_y + slope**2 * var_x)
    # where the points truly are: between what x says and what y says
    rest = y - np.average(y - slope * x, weights=weight)
    true = weight * (var_y * x + slope * var_x * rest)
    leverage = weight * (true - np.average(true, weights=weight))
    sum_of_squares = float(leverage @ (true - np.average(true, weights=weight)))
    if sum_of_squares <= 0:
        return slope, np.nan
    residual = rest - slope * x
    scatter = float((leverage * residual) @ (leverage * residual)) * len(x) / max(len(x) - 2, 1)
    return slope, float(np.sqrt(max(1 / sum_of_squares, scatter / sum_of_squares**2)))


def normal_slopes(x: np.ndarray, var_x: np.ndarray, y: np.ndarray, var_y: np.ndarray) -> np.ndarray:
    """Give the slope of `normal_slope` for many draws of the points at once, to a thousandth of a radian.

    Parameters
    ----------
    x, y : ndarray of shape (n_cells, n_draws)
        Draws of the logarithms.
    var_x, var_y : ndarray of shape (n_cells,)
        Their variances.

    Returns
    -------
    ndarray of shape (n_draws,)
    """

    def misfit(slope: np.ndarray) -> np.ndarray:
        weight = 1 / (var_y[:, None] + slope**2 * var_x[:, None])
        rest = y - slope * x
        left: np.ndarray = (weight * rest**2).sum(axis=0) - (weight * rest).sum(axis=0) ** 2 / weight.sum(
            axis=0
        )
        return left

    angle, reach = np.zeros(x.shape[1]), _STEEPEST
    while reach > _FINEST:
        steps = np.linspace(-reach, reach, _RAYS)
        near = [np.clip(angle + step, -_STEEPEST, _STEEPEST) for step in steps]
        best = np.argmin([misfit(np.tan(one)) for one in near], axis=0)
        angle = np.take_along_axis(np.array(near), best[None], axis=0)[0]
        reach = 2 * reach / (_RAYS - 1)
    slopes: np.ndarray = np.tan(angle)
    return slopes


def brier(
    spells: Spells, weights: np.ndarray, eligible: np.ndarray, predicted: np.ndarray, horizon: int
) -> np.ndarray:
    """Brier score at a horizon, inverse-probability-of-censoring weighted.

    Σ w (1{T > h} − Ŝ)² / n, with w = 1/G(t − 1) for a loss in period t ≤ h, 1/G(h − 1) for whoever is retained after h
    periods, and 0 for whoever was censored before; G is the Kaplan–Meier estimate of censoring (Graf et al. 1999,
    doi 10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5).

    Parameters
    ----------
    spells : Spells
        The new cohort.
    weights : ndarray of shape (n_spells, n_draws)
        Customers in each spell.
    eligible : bool ndarray of shape (n_spells,)
        Customers that enter the score.
    predicted : ndarray of shape (n_spells, n_draws) or (n_spells, 1)
        Ŝ at the horizon after their survey.
    horizon : int
        h, in periods.

    Returns
    -------
    ndarray of shape (2, n_draws)
        The score, and that of a constant prediction, their own retained share; NaN where nobody was followed so far.
    """
    length = np.minimum(spells.exit - spells.entry, horizon)
    lost = (spells.cause > 0) & (spells.exit - spells.entry <= horizon)
    seen = np.where(eligible[:, None], weights, 0)
    censored, gone = (_by_length(length, here, horizon) @ seen for here in (~lost, lost))
    left = seen.sum(axis=0) - np.cumsum(censored + gone, axis=0) + censored
    with np.errstate(divide="ignore", invalid="ignore"):
        not_censored = np.cumprod(np.where(left > 0, 1 - censored / left, 0.0), axis=0)
        probability = np.where(
            lost[:, None], not_censored[np.maximum(length - 1, 0)], not_censored[horizon - 1]
        )
        uncensored = (lost | (length == horizon)) & eligible
        share = np.where(uncensored[:, None] & (probability > 0), seen / probability, 0.0)
        retained = (~lost)[:, None]
        mean = (share * retained).sum(axis=0) / share.sum(axis=0)
        scores = [(share * (retained - one) ** 2).sum(axis=0) / seen.sum(axis=0) for one in (predicted, mean)]
    score = np.stack(scores)
    score[:, ~(share[(~lost) & uncensored] > 0).any(axis=0)] = np.nan
    return score


def _by_length(length: np.ndarray, here: np.ndarray, horizon: int) -> csr_array:
    """Which of these spells lasted 0, 1, … h − 1 periods: shape (h, n_spells)."""
    spell = np.flatnonzero(here & (length < horizon))
    shape = (horizon, len(length))
    return coo_array((np.ones(len(spell)), (length[spell], spell)), shape=shape).tocsr()

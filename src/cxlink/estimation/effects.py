"""The effect of a score over its levels: free, linear, a spline, or monotone in either direction."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import isotonic_regression

from cxlink.cohort.spec.spec_sections import Effect

EFFECTS: tuple[Effect, ...] = ("levels", "linear", "monotone", "spline")
_KNOTS = 4
_LEAST_VARIANCE = 1e-9


def basis(levels: Sequence[int], effect: Effect, reference: int = 0) -> np.ndarray:
    """Columns of a design whose coefficients are the effect of the score, beside an intercept.

    ``levels`` and ``monotone``: a dummy for each level but the reference. ``linear``: steps of the scale above the
    reference, towards better. ``spline``: the natural cubic spline with three degrees of freedom, knots spread evenly
    over the levels (Harrell 2015, section 2.4.5, doi 10.1007/978-3-319-19425-7); linear where there are fewer than
    four levels.

    Parameters
    ----------
    levels : sequence of int
        Score levels with customers, from the worst to the best.
    effect : {"levels", "linear", "monotone", "spline"}
        See above; a monotone effect is estimated free and then projected, see `monotone`.
    reference : int
        Position of the level whose effect is 0.

    Returns
    -------
    ndarray of shape (n_levels, n_effects)
        Its reference row is 0; no column for one level.

    Examples
    --------
    >>> basis([1, 2, 5], "linear")
    array([[0.],
           [1.],
           [4.]])
    """
    n_levels = len(levels)
    if n_levels == 1:
        return np.zeros((1, 0))
    if effect in ("levels", "monotone"):
        dummies: np.ndarray = np.delete(np.eye(n_levels), reference, axis=1)
        return dummies
    columns = _steps(levels)[:, None]
    if effect == "spline" and n_levels >= _KNOTS:
        columns = _natural(columns[:, 0], np.quantile(columns[:, 0], np.linspace(0, 1, _KNOTS)))
    centred: np.ndarray = columns - columns[reference]
    return centred


def _steps(levels: Sequence[int]) -> np.ndarray:
    """Steps of the scale from the worst level on: positive towards better, whichever way the scale runs."""
    values = np.asarray(levels, dtype=float)
    steps: np.ndarray = np.abs(values - values[0])
    return steps


def _natural(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Natural cubic spline by truncated cubes, linear beyond the outer knots: x and n_knots − 2 columns."""
    low, high = knots[0], knots[-1]
    cubes = np.maximum(x[:, None] - knots, 0.0) ** 3
    bends = (cubes[:, :-1] - cubes[:, -1:]) / (high - knots[:-1])
    curved = (bends[:, :-1] - bends[:, -1:]) / (high - low)
    return np.column_stack([x, curved])


def monotone(
    estimate: np.ndarray, draws: np.ndarray, variance: np.ndarray
) -> tuple[np.ndarray, np.ndarray, int]:
    """Project free effects onto the nearest monotone ones, the estimate and each draw (isotonic regression).

    The weights are inverse variances; the direction is the one whose projection lies nearer to the estimate, chosen
    once, so that no sign is forced. The projected estimator is never further from a monotone truth, and its limiting
    distribution is that of the free one where the truth is strictly monotone (Westling, van der Laan & Carone 2020,
    doi 10.1214/20-EJS1740).

    Parameters
    ----------
    estimate : ndarray of shape (n_levels,)
        Effects of the levels, from the worst to the best; the reference's 0 is among them.
    draws : ndarray of shape (n_draws, n_levels)
        Draws of the same.
    variance : ndarray of shape (n_levels,)
        Of each effect: of its distance from the mean effect, so that the reference has one too.

    Returns
    -------
    estimate, draws : ndarray
        Of the same shapes, their weighted means as before.
    direction : int
        1 where effects rise towards the best level, −1 where they fall.
    """
    largest = float(variance.max(initial=0.0))
    relative = np.maximum(variance / largest, _LEAST_VARIANCE) if largest > 0 else np.ones(len(variance))
    weights = 1 / relative
    ways = {way: _projected(estimate, weights, way) for way in (1, -1)}
    distance = {way: float(weights @ (estimate - fit) ** 2) for way, fit in ways.items()}
    direction = 1 if distance[1] <= distance[-1] else -1
    projected = [_projected(draw, weights, direction) for draw in draws]
    return ways[direction], np.array(projected).reshape(draws.shape), direction


def _projected(effects: np.ndarray, weights: np.ndarray, direction: int) -> np.ndarray:
    fit: np.ndarray = isotonic_regression(effects, weights=weights, increasing=direction > 0).x
    return fit

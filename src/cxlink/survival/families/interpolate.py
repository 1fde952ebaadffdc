"""Averages over many curves of one family from few of them, by interpolation in the location; and any cubic.

Curves of one draw share all parameters but the location, so S at any time is one smooth function of it: a
cubic through four neighbouring points of an even grid gives each curve, and weights of curves become weights of
points.
"""

import numpy as np


def interpolation_grid(location: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Even interpolation grid over each draw's locations.

    Parameters
    ----------
    location : ndarray of shape (n_draws, n_curves)
        On the link scale.
    step : float
        Distance of points; 0 for no grid.

    Returns
    -------
    points : ndarray of shape (n_draws, n_points)
        Locations to compute at.
    weight : ndarray of shape (n_draws, n_curves, n_points)
        Such that f(location) ≈ weight @ f(points); Lagrange's cubic, rows sum to 1.
    None
        Where interpolation would not save half of the work.
    """
    n_points = grid_size(location, step)
    if 2 * n_points > location.shape[1]:
        return None
    lowest = location.min(axis=1, keepdims=True)
    points = lowest + step * (np.arange(n_points) - 1)
    position = (location - lowest) / step
    first = np.floor(position).astype(int)
    f = position - first
    parts = (
        -f * (f - 1) * (f - 2) / 6,
        (f + 1) * (f - 1) * (f - 2) / 2,
        -(f + 1) * f * (f - 2) / 2,
        (f + 1) * f * (f - 1) / 6,
    )
    weight = np.zeros((*location.shape, n_points))
    draw, curve = np.indices(location.shape)
    for k, part in enumerate(parts):
        weight[draw, curve, first + k] = part
    return points, weight


def grid_size(location: np.ndarray, step: float) -> int:
    """Points of the grid of the widest draw; more than there are curves where there is no grid."""
    if step <= 0:
        return int(location.shape[1]) + 1
    widest = float(np.ptp(location, axis=1).max())
    return int(np.floor(widest / step)) + 4


def lagrange(nodes: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Weights of a cubic through the four nodes nearest to each point.

    Parameters
    ----------
    nodes : ndarray of shape (n_nodes,)
        Rising; fewer than four give a polynomial of lower degree.
    x : ndarray of shape (n_points,)
        Within them.

    Returns
    -------
    ndarray of shape (n_points, n_nodes)
        W such that f(x) ≈ W @ f(nodes); rows sum to 1.
    """
    n_used = min(4, len(nodes))
    first = np.clip(np.searchsorted(nodes, x, side="right") - 2, 0, len(nodes) - n_used)
    used = nodes[first[:, None] + np.arange(n_used)]
    weight = np.zeros((len(x), len(nodes)))
    for k in range(n_used):
        others = np.delete(used, k, axis=1)
        share = np.prod((x[:, None] - others) / (used[:, [k]] - others), axis=1)
        weight[np.arange(len(x)), first + k] = share
    return weight

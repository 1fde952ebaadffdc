"""Covariances of stacked equations of clustered customers, from what each bucket of clusters contributes.

The sandwich has the outer products of the buckets' sums, times G / (G − 1) (Liang & Zeger 1986,
doi 10.1093/biomet/73.1.13); the jackknife leaves out one bucket at a time, by one Newton step from the estimate (Bell &
McCaffrey 2002, Survey Methodology 28:169–181, their CR3).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cxlink.spend.equation_stack import Layer, Stack, penalised_marginals
from cxlink.spend.solve import Equation, Objective


def over_buckets(layers: Sequence[Layer]) -> tuple[np.ndarray, np.ndarray] | None:
    """Sum the outer products of buckets' sums, with G / (G − 1) and without; None where customers are independent.

    A separated cell adds the curvature of its penalised likelihood to the first.

    Parameters
    ----------
    layers : sequence of Layer
        Equations solved together.

    Returns
    -------
    (ndarray, ndarray) or None
        Each of shape (n_parameters, n_parameters).
    """
    scores = [one.rows.T @ one.by_bucket for one in layers if one.by_bucket is not None]
    if len(scores) < len(layers):
        return None
    total = np.concatenate(scores)
    plain = total @ total.T
    robust, start = plain * scale_of(layers[0]), 0
    for one in layers:
        part = slice(start, start + len(one.theta))
        robust[part, part] += _separated(one)
        start = part.stop
    return robust, plain


def bucket_slopes(objective: Objective, theta: np.ndarray) -> np.ndarray | None:
    """Σu of the customers of each cell and bucket, (n_cells, n_buckets); 0 in separated cells.

    None where customers are independent.
    """
    return _by_bucket(objective, theta, "slope")


def _by_bucket(objective: Objective, theta: np.ndarray, function: str) -> np.ndarray | None:
    sums = objective.sums
    if sums.n_by_bucket is None or sums.total_by_bucket is None:
        return None
    eta = (objective.rows @ theta)[:, None]
    terms = getattr(objective.family, function)(sums.total_by_bucket, sums.n_by_bucket, eta)
    return np.where(objective.runaway[:, None], 0.0, terms)


def scale_of(layer: Layer) -> float:
    """G / (G − 1), G the buckets with customers whose score is not 0; 1 of none: there is nothing to scale."""
    n_buckets = 0 if layer.by_bucket is None else int((layer.by_bucket != 0).any(axis=0).sum())
    return max(n_buckets, 1) / max(n_buckets - 1, 1)


def _separated(layer: Layer) -> np.ndarray:
    """Curvature of the penalised likelihood of a layer's separated cells."""
    curved = np.zeros(len(layer.rows))
    if layer.objective is not None and layer.objective.runaway.any():
        curved = np.where(layer.objective.runaway, layer.objective.curvatures(layer.theta), 0.0)
    both: np.ndarray = layer.rows.T @ (curved[:, None] * layer.rows)
    return both


def jackknifed(equation: Equation, made: Stack) -> Stack:
    """Give a stack of one equation the covariance of its jackknife.

    Parameters
    ----------
    equation : Equation
        Solved, its customers clustered.
    made : Stack
        The same with its sandwich.
    """
    objective, theta = equation.objective, equation.theta
    slopes, curvatures = bucket_slopes(objective, theta), _by_bucket(objective, theta, "curvature")
    assert slopes is not None
    assert curvatures is not None
    layer = Layer(objective.rows, theta, objective.sums.n, slopes[:, 0], slopes[:, 0], objective, slopes)
    whole = -objective.hessian(theta)
    moves = np.zeros((len(theta), slopes.shape[1]))
    for bucket in np.flatnonzero((slopes != 0).any(axis=0)):
        left = whole - objective.rows.T @ (curvatures[:, bucket, None] * objective.rows)
        moves[:, bucket] = np.linalg.lstsq(left, objective.rows.T @ slopes[:, bucket], rcond=1e-10)[0]
    inverse = np.linalg.pinv(whole, rcond=1e-14)
    held = _separated(layer)
    for penalty in objective.penalties:
        held -= penalty.hessian(theta)
    covariance = moves @ moves.T / scale_of(layer) + inverse @ held @ inverse.T
    return replace(made, covariance=covariance, marginals=(penalised_marginals(layer, covariance),))

"""Estimating equations stacked: the joint robust covariance of all their parameters, exact from the cells.

Customer i of cell c contributes (x_c1·u_i1, …, x_cK·u_iK) to K equations. With A the negative derivative of their sum
and B = Σ of the outer products, the covariance is A⁻¹BA⁻ᵀ (Huber 1967; Stefanski & Boos 2002, doi
10.1198/000313002753631330), and B is a function of each cell's Σ u_ik·u_il.
"""

from collections.abc import Sequence

import numpy as np

from cxlink.spend.bucket_sandwich import bucket_slopes, over_buckets
from cxlink.spend.equation_stack import Layer, Stack, penalised_marginals
from cxlink.spend.solve import Equation

_LONE = 1e-6
Cross = dict[tuple[int, int], np.ndarray]


def layer(equation: Equation) -> Layer:
    """Make a layer of a solved equation."""
    objective, eta = equation.objective, equation.eta
    family, n = objective.family, objective.sums.n
    weight = family.weight(eta)
    rows = np.where(objective.runaway[:, None], 0.0, objective.rows)
    information = rows.T @ ((n * weight)[:, None] * rows)
    middle = np.linalg.pinv(information, rcond=1e-12, hermitian=True)
    leverage = np.minimum(weight * np.sum((rows @ middle) * rows, axis=1), 1.0)
    by_bucket = bucket_slopes(objective, equation.theta)
    return Layer(objective.rows, equation.theta, n, leverage, family.variance(eta), objective, by_bucket)


def stack(layers: Sequence[Layer], products: np.ndarray, slopes: np.ndarray) -> Stack:
    """Stack equations on the same cells.

    Parameters
    ----------
    layers : sequence of Layer
        K of them.
    products : ndarray of shape (K, K, n_cells)
        Σ u_k·u_l of each cell.
    slopes : ndarray of shape (K, K, n_cells)
        −∂Σu_k/∂η_l of each cell, η_l the linear predictor of layer l.
    """
    bread = _assembled(layers, slopes)
    robust, plain = over_buckets(layers) or (
        _assembled(layers, _leveraged(layers, products)), _assembled(layers, products)
    )  # fmt: skip
    start = 0
    for layer_ in layers:
        part = slice(start, start + len(layer_.theta))
        for penalty in layer_.objective.penalties if layer_.objective else ():
            bread[part, part] -= penalty.hessian(layer_.theta)
            robust[part, part] -= penalty.hessian(layer_.theta)
        start = part.stop
    inverse = np.linalg.pinv(bread, rcond=1e-14)
    covariance, naive = (inverse @ meat @ inverse.T for meat in (robust, plain))
    tables, start = [], 0
    for layer_ in layers:
        part = slice(start, start + len(layer_.theta))
        tables.append(penalised_marginals(layer_, covariance[part, part]))
        start = part.stop
    return Stack(tuple(layer_.theta for layer_ in layers), covariance, naive, tuple(tables))


def _assembled(layers: Sequence[Layer], cellwise: np.ndarray) -> np.ndarray:
    matrix: np.ndarray = np.block([
        [a.rows.T @ (cellwise[k, m][:, None] * b.rows) for m, b in enumerate(layers)]
        for k, a in enumerate(layers)
    ])  # fmt: skip
    return matrix


def _leveraged(layers: Sequence[Layer], products: np.ndarray) -> np.ndarray:
    """Divide by 1 − leverage (HC2), with separate rules for leverage 1 and for separated cells.

    A customer of leverage 1 has residual 0 and no information on the variance: the mean of the others is used, in
    proportion to the equation's variance function. A separated cell takes the curvature of its penalised likelihood.
    """
    full = np.array([one.leverage > 1 - _LONE for one in layers])
    scale = np.array(
        [1 / np.sqrt(np.where(x, 1.0, 1 - one.leverage)) for x, one in zip(full, layers, strict=True)]
    )
    root = np.array([np.sqrt(one.variance) for one in layers])
    scaled: np.ndarray = products * scale[:, None] * scale[None]
    for k in range(len(layers)):
        for m in range(len(layers)):
            shared = full[k] & full[m]
            if shared.any():
                typical = _typical(layers, scaled[k, m], root[k] * root[m], (k, m), ~(full[k] | full[m]))
                scaled[k, m, shared] = (
                    typical * (np.minimum(layers[k].n, layers[m].n) * root[k] * root[m])[shared]
                )
    for k, one in enumerate(layers):
        separated = one.objective.runaway if one.objective else np.zeros(len(one.n), dtype=bool)
        if one.objective is not None and separated.any():
            scaled[k, :, separated] = scaled[:, k, separated] = 0.0
            scaled[k, k, separated] = one.objective.curvatures(one.theta)[separated]
    return scaled


def _typical(
    layers: Sequence[Layer], product: np.ndarray, scale: np.ndarray, pair: tuple[int, int], used: np.ndarray
) -> float:
    """Mean of u_k·u_l/√(V_k·V_l) over the other customers; without any, 1 on the diagonal and 0 elsewhere."""
    k, m = pair
    used &= (layers[k].n > 0) & (layers[m].n > 0)
    n = float(np.minimum(layers[k].n, layers[m].n)[used].sum())
    return float((product[used] / scale[used]).sum()) / n if n > 0 else float(k == m)


def stacked(equations: list[Equation], cross: Cross, slope: Cross, above: Layer | None = None) -> Stack:
    """Stack solved equations.

    Parameters
    ----------
    equations : list of Equation
        On the same cells.
    cross, slope : dict of (int, int) to ndarray of shape (n_cells,)
        Off-diagonal entries of the products and slopes of `stack`.
    above : Layer, optional
        A further layer that depends on the equations, such as smearing factors.
    """
    layers = [*(layer(equation) for equation in equations), *([above] if above is not None else [])]
    shape = (len(layers), len(layers), len(layers[0].n))
    products, slopes = np.zeros(shape), np.zeros(shape)
    for k, equation in enumerate(equations):
        sums, family = equation.objective.sums, equation.objective.family
        products[k, k] = family.squared(sums.total, sums.squares, sums.n, equation.eta)
        slopes[k, k] = equation.objective.curvatures(equation.theta)
    for (k, m), values in cross.items():
        products[k, m] = products[m, k] = values
    for (k, m), values in slope.items():
        slopes[k, m] = values
    return stack(layers, products, slopes)

"""Partial contrasts: what one point of a score goes with, the other scores and the strata held as they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cxlink.metrics.drivers.additive_models import AdditiveFit, chance, logistic, poisson
from cxlink.metrics.drivers.bucketed_contrasts import BucketMoves, CellScores, bucket_moves
from cxlink.metrics.drivers.joint_cells import Design, Factor, JointCells, design_of

_UNKNOWN = 0.1
"""Share of the standard error that one unit of a coefficient which is not identified may move a contrast by."""


@dataclass(frozen=True, slots=True)
class PointContrast:
    """Difference of a standardised mean per point of a score towards better.

    Attributes
    ----------
    name : str
        The score.
    estimate, std_error : float
        In probability or in the unit of spend; NaN where the score cannot be told apart from the others.
    n : int
        Customers that the model is fitted to.
    freedom : float
        Degrees of freedom of its interval: infinite where customers are independent, else effective buckets.
    covariance : tuple of float
        With each contrast of its model, in their order, its own variance included.
    """

    name: str
    estimate: float
    std_error: float
    n: int
    freedom: float = np.inf
    covariance: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """A model of all scores: its design, its fit, the covariance of its coefficients, and mean and slope at η."""

    design: Design
    fit: AdditiveFit
    covariance: np.ndarray
    mean: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    moves: BucketMoves | None = None


def retention_contrasts(cells: JointCells) -> list[PointContrast]:
    """Difference of retention at the horizon per point of each score, in one logistic model with all of them.

    For score j, the retention at each of its levels l is standardised to the customers who gave every score,
    m_l = Σ q·expit(η with level l), q the share of a cell; the contrast is the slope of m_l on l, levels weighted by
    their shares. Customers who did not give a score are a category of its factor, and no part of its contrast: m_l and
    q are of those who did. Covariances are robust (sandwich of the weighted scores), by the delta method; where
    customers are clustered, by leaving out one bucket at a time (`bucketed_contrasts`).

    Parameters
    ----------
    cells : JointCells
        With the outcomes at the horizon; some retained and some lost.
    """
    table = cells.table
    design = design_of([*cells.strata, *cells.scores], len(cells.n))
    retained, lost, retained_sq, lost_sq, n = (
        design.add_up(table[name].to_numpy(dtype=float))
        for name in ("retained_weight", "lost_weight", "retained_weight_sq", "lost_weight_sq", "n")
    )
    customers = int(table[["retained", "lost"]].to_numpy().sum())
    fit = logistic(design, retained, lost)
    p = chance(fit.eta)
    covariance = _sandwich(
        design, fit, (retained + lost) * p * (1 - p), retained_sq * (1 - p) ** 2 + lost_sq * p**2, customers
    )
    moves = _retention_moves(cells, design, fit)
    covariance = covariance if moves is None else moves.covariance
    made = _Fitted(design, fit, covariance, chance, lambda eta: chance(eta) * chance(-eta), moves)
    return _contrasts(made, cells.scores, retained + lost, n, customers)


def spend_contrasts(cells: JointCells) -> list[PointContrast]:
    """Difference of mean spend per point of each score, in one additive Poisson model with all of them.

    As `retention_contrasts`, with m_l = Σ q·exp(η with level l), and robust covariances from
    Σ(y − μ)² = Σy² − 2μΣy + nμ².

    Parameters
    ----------
    cells : JointCells
        With the sums of spend, which are 0 or more.
    """
    design = design_of([*cells.strata, *cells.scores], len(cells.n))
    n, total, squares = (
        design.add_up(cells.table[name].to_numpy(dtype=float))
        for name in ("spend_n", "spend_sum", "spend_sum_sq")
    )
    fit = poisson(design, n, total)
    mu = np.exp(fit.eta)
    apart = np.maximum(squares - 2 * mu * total + n * mu**2, 0.0)
    covariance = _sandwich(design, fit, n * mu, apart, int(n.sum()))
    moves = _spend_moves(cells, design, fit)
    covariance = covariance if moves is None else moves.covariance
    made = _Fitted(design, fit, covariance, np.exp, np.exp, moves)
    shares = design.add_up(cells.n)
    return _contrasts(made, cells.scores, n, shares, int(n.sum()))


def _sandwich(
    design: Design, fit: AdditiveFit, information: np.ndarray, squares: np.ndarray, n: int
) -> np.ndarray:
    """Covariance of the constant and the terms that are kept: J⁻¹KJ⁻¹ with K from squared residuals, n/(n − p)."""
    x = np.column_stack([np.ones(len(design.matrix)), design.matrix[:, fit.kept]])
    bread = np.linalg.pinv(x.T @ (information[:, None] * x), hermitian=True)
    covariance: np.ndarray = bread @ (x.T @ (squares[:, None] * x)) @ bread
    covariance *= n / max(n - x.shape[1], 1)
    return covariance


def _retention_moves(cells: JointCells, design: Design, fit: AdditiveFit) -> BucketMoves | None:
    """Moves of the logistic model's terms by bucket; None where customers are independent."""
    if cells.bucket is None:
        return None
    retained, lost, retained_sq, lost_sq = (
        cells.table[name].to_numpy(dtype=float)
        for name in ("retained_weight", "lost_weight", "retained_weight_sq", "lost_weight_sq")
    )
    p = chance(fit.eta)[design.cell]
    residual, spread = retained * (1 - p) - lost * p, p * (1 - p)
    scores = CellScores(
        design.cell, cells.bucket, residual, (retained + lost) * spread, (retained_sq + lost_sq) * spread
    )
    return bucket_moves(design, fit.kept, scores)


def _spend_moves(cells: JointCells, design: Design, fit: AdditiveFit) -> BucketMoves | None:
    """Moves of the Poisson model's terms by bucket; None where customers are independent."""
    if cells.bucket is None:
        return None
    n, total = (cells.table[name].to_numpy(dtype=float) for name in ("spend_n", "spend_sum"))
    mu = n * np.exp(fit.eta)[design.cell]
    return bucket_moves(design, fit.kept, CellScores(design.cell, cells.bucket, total - mu, mu, mu))


def _contrasts(
    made: _Fitted, scores: Sequence[Factor], fitted: np.ndarray, shares: np.ndarray, n: int
) -> list[PointContrast]:
    """Give the contrast of each score, and their joint covariance."""
    kept = np.concatenate([[0], 1 + made.fit.kept])
    slopes = [_slope(made, score, shares) for score in scores]
    pulls = np.array([gradient[kept] for _, gradient in slopes])
    covariance = pulls @ made.covariance @ pulls.T
    found = []
    for k, (score, (estimate, gradient)) in enumerate(zip(scores, slopes, strict=True)):
        error = float(np.sqrt(max(covariance[k, k], 0.0)))
        freedom = np.inf if made.moves is None else made.moves.effective(pulls[k])
        if _unidentified(made.design, made.fit, gradient, fitted) > _UNKNOWN * error:
            estimate = error = np.nan
        row = tuple(covariance[k].tolist())
        found.append(PointContrast(score.name, estimate, error, n, freedom, row))
    return found


def _slope(made: _Fitted, score: Factor, shares: np.ndarray) -> tuple[float, np.ndarray]:
    """Give a contrast, and its gradient in the constant and all terms."""
    design, fit = made.design, made.fit
    own = np.array([term[0] == score.name for term in design.terms])
    level = np.array([term[1] for term in design.terms])
    effect = np.concatenate([[0.0], fit.beta[own]])
    code = (design.matrix[:, own] @ level[own]).astype(int)
    given = np.isfinite(score.points)
    points, share = np.where(given, score.points, 0.0), np.where(given[code], shares, 0.0)
    others, share = fit.eta - effect[code], share / share.sum()
    of_level = np.bincount(code, share, len(points))
    centred = np.where(given, points - of_level @ points, 0.0)
    slopes = of_level * centred / (of_level @ centred**2)
    estimate, gradient = 0.0, np.zeros(1 + len(own))
    for k, weight in enumerate(slopes):
        eta = others + effect[k]
        estimate += weight * float(share @ made.mean(eta))
        pull = weight * share * made.slope(eta)
        at = np.zeros(len(own))
        at[~own] = design.matrix[:, ~own].T @ pull
        at[own & (level == k)] = pull.sum()
        gradient += np.concatenate([[pull.sum()], at])
    return float(estimate), gradient


def _unidentified(design: Design, fit: AdditiveFit, gradient: np.ndarray, weights: np.ndarray) -> float:
    """How far a contrast moves when each coefficient that the data do not identify moves by one."""
    aliased = np.setdiff1d(np.arange(design.matrix.shape[1]), fit.kept)
    if not len(aliased):
        return 0.0
    seen = weights > 0
    x = np.column_stack([np.ones(int(seen.sum())), design.matrix[seen][:, fit.kept]])
    follows = np.linalg.lstsq(x, design.matrix[seen][:, aliased], rcond=None)[0]
    left = gradient[1 + aliased] - gradient[np.concatenate([[0], 1 + fit.kept])] @ follows
    return float(np.abs(left).sum())

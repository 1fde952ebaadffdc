"""How much better retention and spend are predicted with each score: alone, beyond the others, and by Shapley value."""

from dataclasses import dataclass

import numpy as np

from cxlink.metrics.drivers.additive_models import log_scores, logistic, poisson
from cxlink.metrics.drivers.bucketed_gains import Contributions, HeldOut, summed_over_folds
from cxlink.metrics.drivers.joint_cells import Design, JointCells, design_of
from cxlink.metrics.drivers.shapley_sums import Comparisons, comparisons
from cxlink.survival.proportional_hazards.effect_shapes import FOLDS

_FEWEST = 10
"""Customers retained, lost, or with a complete window, under which nothing is compared."""
_ALONE = 0.5
"""Leverage from which a customer's own window decides the mean of its cell: such cells are left out of spend."""


@dataclass(frozen=True, slots=True, eq=False)
class Gains:
    """Out-of-sample gains of every comparison, a customer.

    Attributes
    ----------
    names : tuple of (str, int)
        See `Comparisons.names`.
    values : ndarray of shape (n_comparisons,)
        Of retention in nats; of spend as reduction of the Poisson deviance, in the unit of spend.
    covariance : ndarray of shape (n_comparisons, n_comparisons)
        Theirs.
    n : int
        Customers.
    freedom : float
        Degrees of freedom of their intervals: infinite where customers are independent, else effective buckets.
    """

    names: tuple[tuple[str, int], ...]
    values: np.ndarray
    covariance: np.ndarray
    n: int
    freedom: float = np.inf


def retention_gains_of_scores(cells: JointCells, rng: np.random.Generator) -> Gains | None:
    """Compare the sets of scores by the log score of retention at the horizon, in five-fold cross-validation.

    Logistic regression on strata and scores, a coefficient each level. Customers are allocated to five folds of equal
    size, as draws without replacement from the counts (multivariate hypergeometric: the same as allocating customers),
    and each fold is predicted from the other four. With q the difference of the log scores of a customer and w its
    weight, a gain is Σwq/Σw, and its covariance is of the influence w(q − its mean in the fold), summed over folds
    (Bayle, Bayle, Janson & Mackey 2020, arXiv 2007.12671). Where customers are clustered, folds are of whole buckets,
    and the covariance is of theirs; see `bucketed_gains`.

    Parameters
    ----------
    cells : JointCells
        With the outcomes at the horizon.
    rng : Generator
        Draws the folds; advanced.

    Returns
    -------
    Gains or None
        None where fewer than ten were retained or lost.
    """
    table = cells.table
    n = np.concatenate([table[name].to_numpy(dtype=np.int64) for name in ("retained", "lost")])
    if min(table["retained"].sum(), table["lost"].sum()) < _FEWEST:
        return None
    weight, square = (
        _a_customer(np.concatenate([table[f"{name}{sums}"] for name in ("retained", "lost")]), n)
        for sums in ("_weight", "_weight_sq")
    )
    asked = comparisons(len(cells.scores))
    designs = _designs(cells, asked)
    if cells.bucket is not None:
        held = HeldOut(np.tile(cells.bucket, 2), n, n * weight)
        return _over_buckets(
            asked, held, lambda fitted: _compared(asked, designs, n * weight * fitted) * (n * weight), rng
        )
    sums = np.zeros(len(asked.names))
    products = np.zeros((len(asked.names),) * 2)
    for fold in _folds(n, rng):
        found = _compared(asked, designs, (n - fold) * weight)
        total = fold * weight
        if not total.sum() > 0:
            continue
        sums += found @ total
        apart = found - (found @ total / total.sum())[:, None]
        products += (apart * (fold * square)) @ apart.T
    whole = float(n @ weight)
    return Gains(asked.names, sums / whole, products / whole**2, int(n.sum()))


def _over_buckets(
    asked: Comparisons, held: HeldOut, contributions: Contributions, rng: np.random.Generator
) -> Gains | None:
    """Gains of clustered customers; None where these are all in one bucket."""
    found = summed_over_folds(held, contributions, rng)
    return None if found is None else Gains(asked.names, *found, int(held.n.sum()), held.effective)


def _a_customer(sums: np.ndarray, n: np.ndarray) -> np.ndarray:
    mean: np.ndarray = np.divide(sums, n, out=np.zeros(len(n)), where=n > 0)
    return mean


def _designs(cells: JointCells, asked: Comparisons) -> list[Design]:
    return [design_of([*cells.strata, *(cells.scores[j] for j in one)], len(cells.n)) for one in asked.sets]


def _folds(n: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Split customers of cells into folds of equal size at random."""
    left, folds = n.astype(np.int64), []
    for k in range(FOLDS, 1, -1):
        folds.append(rng.multivariate_hypergeometric(left, int(left.sum()) // k, method="marginals"))
        left = left - folds[-1]
    return [*folds, left]


def _compared(asked: Comparisons, designs: list[Design], train: np.ndarray) -> np.ndarray:
    """Differences of log scores of a customer retained and of one lost in each cell, (n_comparisons, 2·n_cells)."""
    half = len(train) // 2
    found = np.zeros((len(asked.names), len(train)))
    if not (train[:half].sum() > 0 and train[half:].sum() > 0):
        return found  # all of one outcome are in the buckets of one fold: nothing is learnt from the others
    for k, design in enumerate(designs):
        fit = logistic(design, design.add_up(train[:half]), design.add_up(train[half:]))
        score = np.concatenate([one[design.cell] for one in log_scores(fit.eta)])
        for row in np.flatnonzero(asked.weights[:, k]):
            found[row] += asked.weights[row, k] * score
    return found


def spend_gains_of_scores(cells: JointCells, rng: np.random.Generator) -> Gains | None:
    """Compare the sets of scores by the Poisson deviance of spend, leaving out one customer at a time.

    Additive Poisson regression of the sums. Leaving a customer with spend y out of a cell with mean μ moves its linear
    predictor by −a(y − μ), a = g/(1 − gμ), g = x'(Σ nμxx')⁻¹x, so that to second order its score yη − μ falls by
    (a + μa²/2)(y − μ)²: the sums n, Σy and Σy² of the cells are enough (approximate leave-one-out; Rad & Maleki 2020,
    doi 10.1111/rssb.12374). The deviance falls by twice the gain in score. Where customers are clustered, five folds of
    whole buckets are each predicted from the other four.

    Parameters
    ----------
    cells : JointCells
        With the sums of spend.
    rng : Generator
        Draws the folds of clustered customers; else left alone.

    Returns
    -------
    Gains or None
        None where fewer than ten windows are complete, nobody spent anything, or refunds outweigh the spend of a cell.
    """
    n, total, squares = (
        cells.table[name].to_numpy(dtype=float) for name in ("spend_n", "spend_sum", "spend_sum_sq")
    )
    if n.sum() < _FEWEST or not total.sum() > 0 or (total < 0).any():
        return None
    asked = comparisons(len(cells.scores))
    if cells.bucket is not None:
        designs = _designs(cells, asked)
        return _over_buckets(
            asked,
            HeldOut(cells.bucket, n, n),
            lambda fitted: _spent(asked, designs, n, total, fitted),
            rng,
        )
    slope, level = np.zeros((2, len(asked.names), len(n)))
    used = n > 0
    for k, design in enumerate(_designs(cells, asked)):
        eta, own, fits = _left_out(design, n, total, squares)
        used &= fits
        for row in np.flatnonzero(asked.weights[:, k]):
            slope[row] += asked.weights[row, k] * eta
            level[row] += asked.weights[row, k] * own
    return _summed(asked, (2 * slope[:, used], 2 * level[:, used]), n[used], total[used], squares[used])


def _spent(
    asked: Comparisons, designs: list[Design], n: np.ndarray, total: np.ndarray, fitted: np.ndarray
) -> np.ndarray:
    """Falls of the deviance of each cell, (n_comparisons, n_cells), by models of some of the cells."""
    found = np.zeros((len(asked.names), len(n)))
    if not total @ fitted > 0:
        return found
    for k, design in enumerate(designs):
        eta = poisson(design, design.add_up(n * fitted), design.add_up(total * fitted)).eta[design.cell]
        score = 2 * (total * eta - n * np.exp(eta))
        for row in np.flatnonzero(asked.weights[:, k]):
            found[row] += asked.weights[row, k] * score
    return found


def _left_out(
    design: Design, n: np.ndarray, total: np.ndarray, squares: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each cell: η, minus μ and what leaving a customer out costs on average, and whether no customer decides it."""
    rows = [design.add_up(one) for one in (n, total, squares)]
    fit = poisson(design, rows[0], rows[1])
    mean = np.exp(fit.eta)
    x = np.column_stack([np.ones(len(mean)), design.matrix[:, fit.kept]])
    inverse = np.linalg.pinv(x.T @ ((rows[0] * mean)[:, None] * x), hermitian=True)
    leverage = np.einsum("ij,ij->i", x @ inverse, x) * mean
    a = np.divide(leverage, mean * (1 - leverage), out=np.zeros(len(mean)), where=leverage < _ALONE)
    eta, mu, a = fit.eta[design.cell], mean[design.cell], a[design.cell]
    apart = np.maximum(squares - 2 * mu * total + n * mu**2, 0.0)
    cost = np.divide((a + mu * a**2 / 2) * apart, n, out=np.zeros(len(n)), where=n > 0)
    return eta, -mu - cost, leverage[design.cell] < _ALONE


def _summed(
    asked: Comparisons, linear: tuple[np.ndarray, np.ndarray], n: np.ndarray, total: np.ndarray, squares: np.ndarray
) -> Gains | None:  # fmt: skip
    """Means of slope·y + level over customers, and their covariance from n, Σy and Σy²."""
    slope, level = linear
    whole = float(n.sum())
    if whole < _FEWEST:
        return None
    values = (slope @ total + level @ n) / whole
    level = level - values[:, None]
    mixed = (slope * total) @ level.T
    products = (slope * squares) @ slope.T + mixed + mixed.T + (level * n) @ level.T
    return Gains(asked.names, values, products / whole**2, int(whole))

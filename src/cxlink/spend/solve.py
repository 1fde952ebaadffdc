"""Solving an estimating equation of spend from cells, with a weak penalty where it has no finite solution."""

from dataclasses import dataclass

import numpy as np

from cxlink.estimation.penalties import Penalty
from cxlink.spend.estimating_equations import GAMMA, LOGIT, NORMAL, POISSON, SpendFamily
from cxlink.spend.spend_design import SpendDesign, independent, separated

_ITERATIONS = 100
_STEP = 3.0
_SMALL = 1e-11
_FARTHEST = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Sums of the cells that enter an estimating equation.

    Attributes
    ----------
    n, total, squares : ndarray of shape (n_cells,)
        Customers, and the sums of the outcome and its square.
    n_by_bucket, total_by_bucket : ndarray of shape (n_cells, n_buckets), optional
        Customers and sums of the outcome by the bucket of their clusters; None where customers are independent.
    """

    n: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    n_by_bucket: np.ndarray | None = None
    total_by_bucket: np.ndarray | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """The concave function whose maximum solves the equation: a penalised quasi-likelihood.

    Attributes
    ----------
    family : SpendFamily
        Estimating equation of the cells that are not separated.
    rows : ndarray of shape (n_cells, n_parameters)
        Independent columns of the design.
    sums : Sums
        Of the cells.
    runaway : bool ndarray of shape (n_cells,)
        Separated cells. Those without spenders have the Poisson equation of the number of spenders at the mean positive
        amount (the unit of spend); the penalty adds half a spender.
    penalties : tuple of Penalty
        On effects that are estimable from separated cells only.
    """

    family: SpendFamily
    rows: np.ndarray
    sums: Sums
    runaway: np.ndarray
    penalties: tuple[Penalty, ...] = ()

    def _cells(self, function: str, theta: np.ndarray) -> np.ndarray:
        eta = self.rows @ theta
        terms: np.ndarray = getattr(self.family, function)(self.sums.total, self.sums.n, eta)
        if self.runaway.any() and self.family is not LOGIT:
            poisson = getattr(POISSON, function)(self.sums.total, self.sums.n, eta)
            terms = np.where(self.runaway, poisson, terms)
        return terms

    def value(self, theta: np.ndarray) -> float:
        """Penalised quasi-likelihood; -inf where it cannot be computed."""
        with np.errstate(all="ignore"):
            value = float(self._cells("value", theta).sum())
        penalised = value + sum(penalty.value(theta) for penalty in self.penalties)
        return penalised if np.isfinite(penalised) else -np.inf

    def values(self, thetas: np.ndarray) -> np.ndarray:
        """The same at several points, (n, n_parameters); of shape (n,)."""
        return np.array([self.value(theta) for theta in thetas])

    def gradient(self, theta: np.ndarray) -> np.ndarray:
        """Gradient of `value`, of shape (n_parameters,)."""
        plain = self._cells("slope", theta) @ self.rows
        return _added([plain, *(penalty.gradient(theta) for penalty in self.penalties)])

    def curvatures(self, theta: np.ndarray) -> np.ndarray:
        """Negative second derivative of each cell by its linear predictor, of shape (n_cells,)."""
        return self._cells("curvature", theta)

    def hessian(self, theta: np.ndarray) -> np.ndarray:
        """Hessian of `value`, of shape (n_parameters, n_parameters)."""
        plain = -self.rows.T @ (self.curvatures(theta)[:, None] * self.rows)
        return _added([plain, *(penalty.hessian(theta) for penalty in self.penalties)])


@dataclass(frozen=True, slots=True, eq=False)
class Equation:
    """A solved estimating equation.

    Attributes
    ----------
    objective : Objective
        The function maximised.
    columns : int ndarray of shape (n_parameters,)
        Linearly independent columns of the design, one a parameter.
    theta : ndarray of shape (n_parameters,)
        The estimate.
    converged : bool
        Whether the last Newton step was 0 up to rounding, with means within e^±20 of the cohort's.
    """

    objective: Objective
    columns: np.ndarray
    theta: np.ndarray
    converged: bool

    @property
    def eta(self) -> np.ndarray:
        """Linear predictor of each cell, of shape (n_cells,)."""
        eta: np.ndarray = self.objective.rows @ self.theta
        return eta

    @property
    def dispersion(self) -> float:
        """Pearson's Σu²/V per degree of freedom; NaN with no degrees of freedom."""
        sums, family = self.objective.sums, self.objective.family
        squared = family.squared(sums.total, sums.squares, sums.n, self.eta) / family.variance(self.eta)
        freedom = float(sums.n.sum()) - len(self.theta)
        return float(squared.sum()) / freedom if freedom > 0 else np.nan

    def penalised(self, design: SpendDesign) -> tuple[str, ...]:
        """Names of the effects that are penalised."""
        return tuple(design.names[self.columns[penalty.index]] for penalty in self.objective.penalties)

    def inestimable(self, design: SpendDesign, rows: np.ndarray) -> np.ndarray:
        """Combinations of level and stratum whose mean is not estimable, (n_levels, n_strata) of bool.

        Those outside the row space of the fitted cells, and those that only separated cells determine through effects
        without a penalty, whose estimates diverge.

        Parameters
        ----------
        design : SpendDesign
            Design of the predictions.
        rows : ndarray of shape (n_cells, n_columns)
            Design of the fitted cells.
        """
        occupied, separated_cells = self.objective.sums.n > 0, self.objective.runaway
        outside = design.inestimable(rows[occupied])
        if separated_cells.any():
            penalised = np.zeros(rows.shape[1])
            penalised[[self.columns[penalty.index] for penalty in self.objective.penalties]] = 1.0
            by_level, by_stratum = design.linear(penalised[None])
            inside = (by_level[0] != 0)[:, None] | (by_stratum[0] != 0)
            outside |= design.inestimable(rows[occupied & ~separated_cells]) & ~inside
        return outside


def solve(family: SpendFamily, rows: np.ndarray, sums: Sums) -> Equation:
    """Solve an estimating equation by Newton steps on its concave function.

    An effect that is estimable from separated cells only (a level or category in which nobody spent, or for the logit
    everybody did) gets a weak log-F(1, 1) penalty on the linear predictor of those cells against the cohort's.

    Parameters
    ----------
    family : SpendFamily
        The estimating equation.
    rows : ndarray of shape (n_cells, n_columns)
        The design.
    sums : Sums
        Of those cells; amounts in units of the mean positive amount. Cells without customers do not contribute.
    """
    occupied = sums.n > 0
    columns = independent(rows[occupied])
    design = np.where(occupied[:, None], rows[:, columns], 0.0)
    runaway = separated(design, np.where(occupied, _sides(family, sums), 0))
    centre = _centre(family, sums)
    penalties = _penalties(design, sums.n, runaway, centre)
    objective = Objective(family, design, sums, runaway, penalties)
    start = np.linalg.lstsq(design, np.full(len(design), centre), rcond=None)[0]
    theta, settled = _newton(objective, start)
    near = bool(np.all(np.abs(design[occupied] @ theta - centre) < _FARTHEST))
    return Equation(objective, columns, theta, settled and near)


def _sides(family: SpendFamily, sums: Sums) -> np.ndarray:
    """Direction in which each cell's equation has no finite solution; see `separated`."""
    if family is LOGIT:
        return np.where(sums.total == sums.n, 1, np.where(sums.total == 0, -1, 0))
    if family in (POISSON, GAMMA):
        return np.where((sums.total == 0) & (sums.squares == 0), -1, 0)
    return np.zeros(len(sums.n), dtype=int)


def _centre(family: SpendFamily, sums: Sums) -> float:
    """Linear predictor of the whole cohort."""
    n, total = float(sums.n.sum()), float(sums.total.sum())
    if family is LOGIT:
        return float(np.log((total + 0.5) / (n - total + 0.5)))
    mean = total / n
    return mean if family is NORMAL else float(np.log(max(mean, np.finfo(float).tiny)))


def _penalties(rows: np.ndarray, n: np.ndarray, runaway: np.ndarray, centre: float) -> tuple[Penalty, ...]:
    """Penalise the effects that are not estimable from the cells that are not separated."""
    if not runaway.any():
        return ()
    inside = (rows[runaway] != 0).any(axis=0)
    order = np.argsort(inside, kind="stable")
    estimable = set(order[independent(rows[~runaway][:, order])])
    penalties = []
    for index in np.flatnonzero(inside):
        if index not in estimable:
            cells = runaway & (rows[:, index] != 0)
            penalties.append(Penalty(int(index), n[cells] @ rows[cells] / n[cells].sum(), centre))
    return tuple(penalties)


def _newton(objective: Objective, start: np.ndarray) -> tuple[np.ndarray, bool]:
    """Newton steps, limited in length and halved until the objective does not decrease."""
    theta, value = start, objective.value(start)
    for _ in range(_ITERATIONS):
        with np.errstate(all="ignore"):
            gradient, hessian = objective.gradient(theta), objective.hessian(theta)
        if not (np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return theta, False
        step = np.linalg.lstsq(-hessian, gradient, rcond=1e-14)[0]
        moved = float(np.abs(objective.rows @ step).max(initial=0.0))
        step *= min(1.0, _STEP / moved) if moved > 0 else 1.0
        new = objective.value(theta + step)
        while new < value - 1e-9 * abs(value) and moved > _SMALL:
            step, moved = step / 2, moved / 2
            new = objective.value(theta + step)
        theta, value = theta + step, new
        if moved < _SMALL:
            return theta, True
    return theta, False


def _added(pieces: list[np.ndarray]) -> np.ndarray:
    total: np.ndarray = np.sum(pieces, axis=0)
    return total

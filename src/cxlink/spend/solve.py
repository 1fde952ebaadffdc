"""Solving an estimating equation of spend from cells, with a weak penalty where it has no solution by itself."""

from dataclasses import dataclass

import numpy as np

from cxlink.estimation.likelihood import Penalty
from cxlink.spend.estimating_equations import GAMMA, LOGIT, NORMAL, POISSON, SpendFamily
from cxlink.spend.spend_design import SpendDesign, independent, separated

_ITERATIONS = 100
_STEP = 3.0
_SMALL = 1e-11
_FARTHEST = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What an estimating equation needs of the cells.

    Attributes
    ----------
    n, total, squares : ndarray of shape (n_cells,)
        Customers, and the sums of the outcome and its square.
    """

    n: np.ndarray
    total: np.ndarray
    squares: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """The concave function whose maximum solves the equation: a quasi-likelihood, and penalties on it.

    Attributes
    ----------
    family : SpendFamily
        Of the cells that are not separated.
    rows : ndarray of shape (n_cells, n_parameters)
        Independent columns of the design.
    sums : Sums
        Of the cells.
    runaway : bool ndarray of shape (n_cells,)
        Separated cells. In those where nobody spent, the equation counts spenders of the mean positive amount (spend
        being measured in that unit): the Poisson's, with half a spender added by the penalty.
    penalties : tuple of Penalty
        On effects that separated cells alone would tell.
    """

    family: SpendFamily
    rows: np.ndarray
    sums: Sums
    runaway: np.ndarray
    penalties: tuple[Penalty, ...] = ()

    def _cells(self, what: str, theta: np.ndarray) -> np.ndarray:
        eta = self.rows @ theta
        found: np.ndarray = getattr(self.family, what)(self.sums.total, self.sums.n, eta)
        if self.runaway.any() and self.family is not LOGIT:
            counted = getattr(POISSON, what)(self.sums.total, self.sums.n, eta)
            found = np.where(self.runaway, counted, found)
        return found

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
        Whose maximum it is.
    columns : int ndarray of shape (n_parameters,)
        Columns of the design that the parameters belong to; the others depend on them.
    theta : ndarray of shape (n_parameters,)
        The estimate.
    converged : bool
        Whether the last Newton step was 0 to rounding, with means within e^±20 of the cohort's.
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
        """Pearson's: Σu²/V over the degrees of freedom; NaN without any."""
        sums, family = self.objective.sums, self.objective.family
        squared = family.squared(sums.total, sums.squares, sums.n, self.eta) / family.variance(self.eta)
        freedom = float(sums.n.sum()) - len(self.theta)
        return float(squared.sum()) / freedom if freedom > 0 else np.nan

    def penalised(self, design: SpendDesign) -> tuple[str, ...]:
        """Names of the effects that are penalised."""
        return tuple(design.names[self.columns[penalty.index]] for penalty in self.objective.penalties)

    def unknown(self, design: SpendDesign, rows: np.ndarray) -> np.ndarray:
        """Combinations of level and stratum that cannot be told, (n_levels, n_strata) of bool.

        Those of which no cell tells, and those of which separated cells alone do without a penalised effect in them:
        they would run away the other way.

        Parameters
        ----------
        design : SpendDesign
            To predict with.
        rows : ndarray of shape (n_cells, n_columns)
            Of the cells that were fitted.
        """
        seen, away = self.objective.sums.n > 0, self.objective.runaway
        found = design.unknown(rows[seen])
        if away.any():
            held = np.zeros(rows.shape[1])
            held[[self.columns[penalty.index] for penalty in self.objective.penalties]] = 1.0
            by_level, by_stratum = design.linear(held[None])
            inside = (by_level[0] != 0)[:, None] | (by_stratum[0] != 0)
            found |= design.unknown(rows[seen & ~away]) & ~inside
        return found


def solve(family: SpendFamily, rows: np.ndarray, sums: Sums) -> Equation:
    """Solve an estimating equation by Newton steps on its concave function.

    An effect that only separated cells tell (a level or category in which nobody spent, or for the logit everybody
    did) gets a weak log-F(1, 1) penalty on the linear predictor of those cells against the cohort's.

    Parameters
    ----------
    family : SpendFamily
        Which.
    rows : ndarray of shape (n_cells, n_columns)
        The design.
    sums : Sums
        Of those cells; amounts in units of the mean positive amount. Cells without customers say nothing.
    """
    seen = sums.n > 0
    columns = independent(rows[seen])
    kept = np.where(seen[:, None], rows[:, columns], 0.0)
    runaway = separated(kept, np.where(seen, _sides(family, sums), 0))
    centre = _centre(family, sums)
    penalties = _penalties(kept, sums.n, runaway, centre)
    objective = Objective(family, kept, sums, runaway, penalties)
    start = np.linalg.lstsq(kept, np.full(len(kept), centre), rcond=None)[0]
    theta, settled = _newton(objective, start)
    near = bool(np.all(np.abs(kept[seen] @ theta - centre) < _FARTHEST))
    return Equation(objective, columns, theta, settled and near)


def _sides(family: SpendFamily, sums: Sums) -> np.ndarray:
    """Give the direction in which each cell's equation has no end: see `separated`."""
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
    """Penalise the effects that the cells which are not separated do not tell."""
    if not runaway.any():
        return ()
    inside = (rows[runaway] != 0).any(axis=0)
    order = np.argsort(inside, kind="stable")
    told = set(order[independent(rows[~runaway][:, order])])
    found = []
    for index in np.flatnonzero(inside):
        if index not in told:
            mine = runaway & (rows[:, index] != 0)
            found.append(Penalty(int(index), n[mine] @ rows[mine] / n[mine].sum(), centre))
    return tuple(found)


def _newton(objective: Objective, start: np.ndarray) -> tuple[np.ndarray, bool]:
    """Newton steps, cut where they are long and halved where they go down."""
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

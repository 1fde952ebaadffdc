"""Continued hazards, fitted to counts: penalised grouped hazards, their variances estimated from the same counts.

With λ = e^η, ℓ = Σ d·log(1 − e^−λ) − (r − d)·λ − ½·Σ θ²/τ², as in `cloglog`; each block's τ² is
raised or lowered until Σθ² of it is what its effective number of coefficients makes likely (Fellner & Schall; Wood &
Fasiolo 2017, doi 10.1111/biom.12666). A block that tells little falls back on a usual variance, which counts as one
coefficient more.
"""

from dataclasses import dataclass

import numpy as np

from cxlink.survival.tails.tail_terms import FREE, Terms
from cxlink.survival.tails.time_functions import RENEWAL

LOWEST, HIGHEST = -40.0, 6.0
_ROUNDS, _HALVINGS = 60, 30
_SETTLED = 0.01
_LEAST, _MOST = 1e-3, 10.0


@dataclass(frozen=True, slots=True, eq=False)
class CellCounts:
    """Customers at risk and lost by cell of level and stratum, and by period.

    Attributes
    ----------
    at_risk, lost : ndarray of shape (n_cells, n_periods)
        Every combination, the strata varying quickest; to the last period with anybody at risk.
    """

    at_risk: np.ndarray
    lost: np.ndarray


def cohort_hazard(counts: CellCounts) -> float:
    """Log hazard of all customers and periods together, half a loss added."""
    return float(np.log((counts.lost.sum() + 0.5) / (counts.at_risk.sum() + 1)))


@dataclass(frozen=True, slots=True, eq=False)
class TailFit:
    """Fitted hazards.

    Attributes
    ----------
    terms : Terms
        Their columns.
    theta : ndarray of shape (n_columns,)
        Coefficients.
    precision : ndarray of shape (n_columns,)
        1/τ² of each.
    inverse : ndarray of shape (n_columns, n_columns)
        Of the penalised information: the covariance of θ given the variances.
    evidence : float
        Log of the likelihood with θ integrated out (Laplace).
    """

    terms: Terms
    theta: np.ndarray
    precision: np.ndarray
    inverse: np.ndarray
    evidence: float

    def log_hazards(self, theta: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Mean log hazard per period of each cell in steps of time.

        Parameters
        ----------
        theta : ndarray of shape (n_columns, n_draws)
            Coefficients.
        begin, end : ndarray of shape (n_steps,)
            In periods; of a step of several periods, a renewal's periods and the others are averaged.

        Returns
        -------
        ndarray of shape (n_cells, n_steps, n_draws)
        """
        values, found = self.terms.time.at(begin, end), self.terms.coefficients(theta)
        renewed = values[RENEWAL].copy()
        values[RENEWAL] = 0.0
        log_hazard = np.moveaxis(np.tensordot(found, values, axes=(1, 0)), -1, 1)
        if self.terms.time.in_time:
            log_hazard -= self.risen(theta, begin, end)
        if renewed.any():
            spike = np.expm1(np.minimum(found[:, RENEWAL], HIGHEST))
            log_hazard += np.log1p(renewed[None, :, None] * spike[:, None])
        return log_hazard

    def risen(self, theta: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """How far a curve in time has risen since the end of the data, which is not carried on.

        Carried on, a log hazard that rises with time would soon be a certain loss. What fades is no part of the curve.

        Returns
        -------
        ndarray of shape (n_cells, n_steps, n_draws)
            At least 0; 0 within the data, and of a curve in log time.
        """
        time = self.terms.time
        rise = np.zeros((len(self.terms.matrix), len(begin), theta.shape[1]))
        beyond = np.flatnonzero((begin + end) / 2 > time.last)
        if time.in_time and len(beyond):
            curve = time.curve
            since = time.at(begin[beyond], end[beyond])[curve] - time.at_last()[curve]
            found = self.terms.coefficients(theta)[:, curve]
            rise[:, beyond] = np.maximum(np.moveaxis(np.tensordot(found, since, axes=(1, 0)), -1, 1), 0.0)
        return rise


def fit_tails(counts: CellCounts, terms: Terms, start: TailFit | None = None) -> TailFit:
    """Fit coefficients and variances together.

    Parameters
    ----------
    counts : CellCounts
        What is fitted.
    terms : Terms
        Columns.
    start : TailFit, optional
        A fit of the same terms to begin from.
    """
    problem = _problem(counts, terms)
    theta = np.zeros(len(terms.function)) if start is None else start.theta
    precision = 1 / terms.usual**2 if start is None else start.precision
    for _ in range(_ROUNDS):
        theta, moved, information = problem.newton(theta, precision)
        inverse = np.linalg.inv(information)
        before, precision = precision, _variances(terms, theta, precision, inverse)
        if moved < _SETTLED and np.abs(np.log(precision / before)).max() < _SETTLED:
            break
    theta, _, information = problem.newton(theta, precision)
    evidence = problem.value(theta, precision) + 0.5 * float(
        np.log(precision).sum() - np.linalg.slogdet(information)[1]
    )
    return TailFit(terms, theta, precision, np.linalg.inv(information), evidence)


def refit_tails(counts: CellCounts, fit: TailFit, steps: int = 2) -> TailFit:
    """Fit coefficients to other counts from close by, with the variances of a fit."""
    problem, theta = _problem(counts, fit.terms), fit.theta
    for _ in range(steps):
        theta, _, information = problem.newton(theta, fit.precision)
    return TailFit(fit.terms, theta, fit.precision, np.linalg.inv(information), np.nan)


def _variances(terms: Terms, theta: np.ndarray, precision: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    updated = precision.copy()
    for block in np.unique(terms.block[terms.block != FREE]):
        at = np.flatnonzero(terms.block == block)
        effective = len(at) - float(np.diag(inverse)[at] @ precision[at])
        usual = terms.usual[at[0]] ** 2
        variance = (float(theta[at] @ theta[at]) + usual) / (max(effective, 0.0) + 1)
        updated[at] = 1 / np.clip(variance, _LEAST**2, _MOST**2)
    return updated


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """Counts, terms, and the functions of time in the periods of the counts, as the Newton steps need them."""

    counts: CellCounts
    terms: Terms
    values: np.ndarray

    def value(self, theta: np.ndarray, precision: np.ndarray) -> float:
        """Penalised log-likelihood."""
        rate = np.exp(np.clip(self.terms.coefficients(theta) @ self.values, LOWEST, HIGHEST))
        lost, stayed = self.counts.lost, self.counts.at_risk - self.counts.lost
        return float(np.sum(lost * np.log(-np.expm1(-rate)) - stayed * rate) - 0.5 * precision @ theta**2)

    def newton(self, theta: np.ndarray, precision: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
        """Take a step, halved until it does not fall; gives θ, the longest move, and the penalised information."""
        values = self.values
        rate = np.exp(np.clip(self.terms.coefficients(theta) @ values, LOWEST, HIGHEST))
        slope, weight = derivatives(self.counts, rate)
        information = self._information(weight, values)
        information[np.diag_indices(len(theta))] += precision
        gradient = np.empty(len(theta))
        for j, at in enumerate(self.terms.columns):
            gradient[at] = self.terms.matrix[:, at].T @ (slope @ values[j])
        step = np.linalg.solve(information, gradient - precision * theta)
        before, size = self.value(theta, precision), 1.0
        for _ in range(_HALVINGS):
            if self.value(theta + size * step, precision) >= before - 1e-9 * abs(before):
                break
            size /= 2
        return theta + size * step, size * float(np.abs(step).max()), information

    def _information(self, weight: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Σ weight · x x' over cells and periods."""
        matrix, columns = self.terms.matrix, self.terms.columns
        found = np.zeros((matrix.shape[1], matrix.shape[1]))
        for i, rows in enumerate(columns):
            for j, others in enumerate(columns[: i + 1]):
                if len(rows) and len(others):
                    both = weight @ (values[i] * values[j])
                    part = (matrix[:, rows] * both[:, None]).T @ matrix[:, others]
                    found[np.ix_(rows, others)], found[np.ix_(others, rows)] = part, part.T
        return found


def _problem(counts: CellCounts, terms: Terms) -> _Problem:
    end = np.arange(1.0, counts.lost.shape[1] + 1)
    return _Problem(counts, terms, terms.time.at(end - 1, end))


def derivatives(counts: CellCounts, rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First derivative of ℓ by η, and its expected information; each of shape (n_cells, n_periods)."""
    odds = rate / -np.expm1(-rate)
    weight = counts.at_risk * rate**2 / np.expm1(rate)
    return counts.lost * odds - counts.at_risk * rate, weight


def log_likelihoods(counts: CellCounts, fit: TailFit) -> np.ndarray:
    """Log-likelihood of the counts of each cell at a fit, of shape (n_cells,)."""
    end = np.arange(1.0, counts.lost.shape[1] + 1)
    rate = np.exp(
        np.clip(fit.terms.coefficients(fit.theta) @ fit.terms.time.at(end - 1, end), LOWEST, HIGHEST)
    )
    stayed = counts.at_risk - counts.lost
    total: np.ndarray = (counts.lost * np.log(-np.expm1(-rate)) - stayed * rate).sum(axis=1)
    return total

"""Standard errors of grouped proportional hazards: robust (sandwich) over customers, or the model's.

A customer contributes u = Σ_t s_t·(x_t − x̄_t) to the score of the effects, with s_t the derivative of the
log-likelihood by the linear predictor in a period at risk, and x̄_t the mean covariates of the period, weighted by the
observed information. With A the observed information of the effects, the baseline profiled out, A⁻¹(Σ u u')A⁻¹ is
their covariance about the hazard ratio that the fit tends to, whether hazards are proportional or not (White 1982,
doi 10.2307/1912526; Lin & Wei 1989, doi 10.1080/01621459.1989.10478874). Customers of one row, entry, exit and outcome
contribute alike, so that it is exact from counts. What is the baseline's own, Σ s_t over the information of the period,
goes with Σ u.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from cxlink.cohort.count.exposures import Exposures
from cxlink.estimation.penalties import Penalty, stacked
from cxlink.survival.proportional_hazards.bucket_errors import jackknife, of_buckets
from cxlink.survival.proportional_hazards.cloglog import (
    Grouped,
    Solution,
    clipped,
    derivatives,
    information_of,
    mean_covariates,
)
from cxlink.survival.proportional_hazards.hazard_design import separated
from cxlink.survival.proportional_hazards.hazard_errors import LEAST_VARIANCE, Contributions, HazardErrors
from cxlink.survival.sparsity import FEWEST

Covariance = Literal["robust", "model", "jackknife"]
"""Of coefficients: over customers, or the buckets of their clusters; from the expected information; or by leaving out
one bucket at a time."""
_Parts = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Variance of Σ u, covariance of it with each period's Σ s, variance of that: (p, p), (p, n_periods), (n_periods,)."""


def errors_of(
    grouped: Grouped,
    solution: Solution,
    penalties: Sequence[Penalty],
    exposures: Exposures | None,
    *,
    few: np.ndarray | None = None,
    by_jackknife: bool = False,
) -> HazardErrors:
    """Give the errors of a fit.

    Parameters
    ----------
    grouped : Grouped
        Counts and design.
    solution : Solution
        Their maximum.
    penalties : sequence of Penalty
        Over the effects; their information counts as observed, and as variance of the score.
    exposures : Exposures or None
        The customers, by row and period of the counts; None for the errors of a generalised linear model, from the
        expected information.
    few : bool ndarray of shape (n_cells,), optional
        Rows whose customers are taken to vary as the model says; as `few_losses` finds them where left out.
    by_jackknife : bool
        Of clustered customers: whether by leaving out one bucket at a time.
    """
    if exposures is None:
        variance = 1 / np.maximum(solution.weight.sum(axis=0), LEAST_VARIANCE)
        covariance = np.linalg.pinv(solution.information, hermitian=True)
        return HazardErrors(covariance, np.zeros((len(covariance), len(variance))), variance)
    eta = clipped(solution.alpha + grouped.shift(solution.beta))
    rate = np.exp(eta)
    made = Contributions(rate, rate / -np.expm1(-rate), derivatives(grouped, eta)[1])
    held = stacked(penalties, grouped.n_effects).information(solution.beta)
    if by_jackknife and exposures.bucket is not None:
        errors = jackknife(grouped, made, exposures, held)
    else:
        errors = sandwich(grouped, made, exposures, few_losses(grouped) if few is None else few, held)
    # draws of the baseline move by the expected information's means
    apart = mean_covariates(grouped, solution.weight) - mean_covariates(grouped, made.curvature)
    return replace(errors, lean=errors.lean + apart)


def few_losses(grouped: Grouped, rows: np.ndarray | None = None) -> np.ndarray:
    """Find rows of a level, category or interaction with fewer than ten losses, or kept: (n_rows,).

    Parameters
    ----------
    grouped : Grouped
        Counts and design. The columns are as they were made: centred ones have no level that is 0.
    rows : ndarray of shape (n_rows, n_columns), optional
        Of the same columns; those of the design where left out.
    """
    thin = separated(grouped.design, grouped.at_risk.sum(axis=1), grouped.lost.sum(axis=1), FEWEST)
    few: np.ndarray = (grouped.design if rows is None else rows)[:, thin].any(axis=1)
    return few


def sandwich(
    grouped: Grouped, made: Contributions, exposures: Exposures, few: np.ndarray, held: np.ndarray
) -> HazardErrors:
    """Errors from what each customer contributes to the score.

    Parameters
    ----------
    grouped, made, exposures
        Counts and design; what a customer's period contributes; the customers, by row and period.
    few : bool ndarray of shape (n_cells,)
        Rows whose customers are taken to vary as the model says: they are too few to see how they vary.
    held : ndarray of shape (n_effects, n_effects)
        Information of penalties.
    """
    own = np.maximum(made.curvature.sum(axis=0), LEAST_VARIANCE)
    middle = mean_covariates(grouped, made.curvature)
    if exposures.bucket is not None:
        return of_buckets(grouped, made, middle, exposures, held)
    seen = _of_customers(grouped, made, middle, exposures, few)
    modelled = _of_the_model(grouped, few[:, None] * made.curvature, middle)
    meat, crossed, noise = (a + b for a, b in zip(seen, modelled, strict=True))
    meat += held
    information = information_of(grouped, made.curvature) + held
    inverse = np.linalg.pinv(information, hermitian=True)
    regressed = np.linalg.pinv(meat, hermitian=True) @ crossed
    left = (noise - np.sum(crossed * regressed, axis=0)) / own**2
    return HazardErrors(
        inverse @ meat @ inverse, information @ regressed / own, np.maximum(left, LEAST_VARIANCE)
    )


def _of_customers(
    grouped: Grouped, made: Contributions, middle: np.ndarray, exposures: Exposures, few: np.ndarray
) -> _Parts:
    """Sums over the customers of the other rows."""
    every = np.ones(middle.shape[1], dtype=bool)
    customers = exposures.within(every, np.where(few, -1, np.arange(len(few))))
    rate, odds = made.rate, made.odds
    scores, crossed = np.empty((len(middle), len(customers.n))), np.empty(middle.shape)
    for j, column in enumerate([*grouped.design.T[:, :, None], *grouped.varying]):
        scores[j] = customers.over((middle[j] - column) * rate, (column - middle[j]) * odds)
        at_risk, lost = customers.by_period(customers.n * scores[j], rate.shape)
        crossed[j] = (odds * lost - rate * at_risk).sum(axis=0)
    squares = grouped.at_risk * rate**2 + grouped.lost * odds * (odds - 2 * rate)
    return (customers.n * scores) @ scores.T, crossed, squares[~few].sum(axis=0)


def _of_the_model(grouped: Grouped, curvature: np.ndarray, middle: np.ndarray) -> _Parts:
    """The same as the information has them, of rows that have any."""
    weight, sums = curvature.sum(axis=0), grouped.gather(curvature)
    across = sums @ middle.T
    meat = grouped.crossed(curvature) - across - across.T + (middle * weight) @ middle.T
    return meat, sums - middle * weight, weight

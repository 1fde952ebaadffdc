"""Covariances of a fitted family where customers are clustered, from what each bucket of clusters adds to the score.

J⁻¹KJ⁻¹ with J the information of the likelihood that draws follow, penalties included, and K the outer products of the
buckets' sums of scores, times G / (G − 1), beside the information of the penalties (Liang & Zeger 1986,
doi 10.1093/biomet/73.1.13).
"""

from dataclasses import replace

import numpy as np

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.exposures import Exposures
from cxlink.cohort.count.spells import PersonPeriods
from cxlink.survival.families.fitted import Fit, Unfitted

_STEP = 1e-5
_FLOOR = 1e-100


def over_buckets(fitted: Fit | Unfitted, periods: PersonPeriods) -> Fit | Unfitted:
    """Give a fit the covariance of its buckets; as it is where it is none, or customers are independent.

    Draws are then normal but for penalised parameters, whose draws follow their penalised likelihood.

    Parameters
    ----------
    fitted : Fit or Unfitted
        A family.
    periods : PersonPeriods
        The counts that it was fitted to, with their customers.
    """
    customers = periods.exposures
    if not isinstance(fitted, Fit) or customers is None or customers.bucket is None:
        return fitted
    scores = bucket_scores(fitted, periods, customers)
    n_buckets = len(np.unique(customers.bucket))
    meat = scores.T @ scores * n_buckets / max(n_buckets - 1, 1)
    if fitted.held.size:
        meat = meat + fitted.held
    covariance = fitted.covariance @ meat @ fitted.covariance
    extreme = {*fitted.penalised, *fitted.at_bound}
    kept = tuple(one for one in fitted.marginals if fitted.names[one.index] in extreme)
    return replace(fitted, covariance=(covariance + covariance.T) / 2, marginals=kept)


def bucket_scores(fitted: Fit, periods: PersonPeriods, customers: Exposures) -> np.ndarray:
    """Sum the derivatives of the customers' log-likelihood at the centre of the draws by bucket.

    Parameters
    ----------
    fitted, periods
        As in `over_buckets`.
    customers : Exposures
        Of the person-periods, with buckets.

    Returns
    -------
    ndarray of shape (n_buckets, n_parameters)
        Sums to the gradient of the likelihood without its penalties.
    """
    assert customers.bucket is not None
    at = periods.level * fitted.n_strata + periods.stratum
    sizes = np.cumsum([matrix.shape[1] for matrix in fitted.matrices])[:-1]
    parts = np.split(fitted.centre, sizes)
    designs = [matrix[at if len(matrix) > 1 else np.zeros_like(at)] for matrix in fitted.matrices]
    linked = [design @ part for design, part in zip(designs, parts, strict=True)]
    columns = []
    for k, design in enumerate(designs):
        moved = [[eta + sign * _STEP * (j == k) for j, eta in enumerate(linked)] for sign in (1, -1)]
        ends = [_terms(fitted, one, periods.at_risk.shape[1]) for one in moved]
        retained, lost = ((up - down) / (2 * _STEP) for up, down in zip(*ends, strict=True))
        each = customers.over(retained, lost - retained) * customers.n
        by_row = np.zeros((BUCKETS, len(at)))
        np.add.at(by_row, (customers.bucket, customers.row), each)
        columns.append(by_row @ design)
    scores: np.ndarray = np.hstack(columns)
    return scores


def _terms(fitted: Fit, linked: list[np.ndarray], n_periods: int) -> tuple[np.ndarray, np.ndarray]:
    """Δ and log(1 − e^Δ) of each row and period, (n_rows, n_periods) each."""
    times = np.arange(1.0, n_periods + 1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_survival = fitted.family.linked(times[None, :], *(eta[:, None] for eta in linked))
        shaped = np.broadcast_to(log_survival, (len(linked[0]), n_periods))
        step = np.minimum(np.diff(np.pad(shaped, ((0, 0), (1, 0))), axis=1), 0.0)
        return step, np.log(np.maximum(-np.expm1(step), _FLOOR))

"""Covariances of a fitted family where customers are clustered, from what each bucket of clusters adds to the score.

J⁻¹KJ⁻¹ with J the information of the likelihood that draws follow, penalties included, and K the outer products of the
buckets' sums of scores, times G / (G − 1), beside the information of the penalties (Liang & Zeger 1986,
doi 10.1093/biomet/73.1.13).
"""

from dataclasses import dataclass, replace

import numpy as np

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.exposures import Exposures
from cxlink.cohort.count.spells import PersonPeriods
from cxlink.survival.families.family import Family
from cxlink.survival.families.fitted import Fit, Unfitted

_STEP = 1e-5
_FLOOR = 1e-100


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """A family at parameters, of rows of person-periods.

    Attributes
    ----------
    family : Family
        The family.
    designs : tuple of ndarray, each of shape (n_rows, n_effects)
        One a parameter of the family.
    theta : ndarray of shape (n_parameters,)
        Effects on the parameters, one after the other, on their link scales.
    n_periods : int
        Of the person-periods.
    """

    family: Family
    designs: tuple[np.ndarray, ...]
    theta: np.ndarray
    n_periods: int

    def moved(self, which: int, by: float) -> tuple[np.ndarray, np.ndarray]:
        """Δ and log(1 − e^Δ) of each row and period with one parameter moved, (n_rows, n_periods) each."""
        parts = np.split(self.theta, np.cumsum([one.shape[1] for one in self.designs])[:-1])
        linked = [design @ part for design, part in zip(self.designs, parts, strict=True)]
        linked[which] = linked[which] + by
        times = np.arange(1.0, self.n_periods + 1)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            log_survival = self.family.linked(times[None, :], *(eta[:, None] for eta in linked))
            shaped = np.broadcast_to(log_survival, (len(linked[0]), self.n_periods))
            step = np.minimum(np.diff(np.pad(shaped, ((0, 0), (1, 0))), axis=1), 0.0)
            return step, np.log(np.maximum(-np.expm1(step), _FLOOR))


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
    at = periods.level * fitted.n_strata + periods.stratum
    designs = tuple(matrix[at if len(matrix) > 1 else np.zeros_like(at)] for matrix in fitted.matrices)
    predicted = Predicted(fitted.family, designs, fitted.centre, periods.at_risk.shape[1])
    covariance = bucket_covariance(predicted, customers, fitted.covariance, fitted.held)
    extreme = {*fitted.penalised, *fitted.at_bound}
    kept = tuple(one for one in fitted.marginals if fitted.names[one.index] in extreme)
    return replace(fitted, covariance=covariance, marginals=kept)


def bucket_covariance(
    predicted: Predicted, customers: Exposures, inverse: np.ndarray, held: np.ndarray
) -> np.ndarray:
    """Give J⁻¹KJ⁻¹.

    Parameters
    ----------
    predicted : Predicted
        At the maximum of the likelihood with its penalties.
    customers : Exposures
        Of the person-periods, with buckets.
    inverse, held : ndarray of shape (n_parameters, n_parameters)
        J⁻¹, and the information of penalties (empty without any).
    """
    scores = bucket_scores(predicted, customers)
    n_buckets = int((scores != 0).any(axis=1).sum())
    meat = scores.T @ scores * n_buckets / max(n_buckets - 1, 1)
    covariance = inverse @ (meat + held if held.size else meat) @ inverse
    symmetric: np.ndarray = (covariance + covariance.T) / 2
    return symmetric


def bucket_scores(predicted: Predicted, customers: Exposures) -> np.ndarray:
    """Sum the derivatives of the customers' log-likelihood by bucket.

    Parameters
    ----------
    predicted, customers
        As in `bucket_covariance`.

    Returns
    -------
    ndarray of shape (n_buckets, n_parameters)
        Sums to the gradient of the likelihood without its penalties.
    """
    assert customers.bucket is not None
    columns = []
    for k, design in enumerate(predicted.designs):
        ends = [predicted.moved(k, sign * _STEP) for sign in (1, -1)]
        retained, lost = ((up - down) / (2 * _STEP) for up, down in zip(*ends, strict=True))
        each = customers.over(retained, lost - retained) * customers.n
        by_row = np.zeros((BUCKETS, len(design)))
        np.add.at(by_row, (customers.bucket, customers.row), each)
        columns.append(by_row @ design)
    scores: np.ndarray = np.hstack(columns)
    return scores

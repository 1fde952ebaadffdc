"""Additive models of retention and spend on joint cells: logistic and Poisson regression by scikit-learn, on weights.

A category in which everybody or nobody was lost, or nobody spent anything, gets one customer more, whose outcome is the
cohort's mean: enough for a finite estimate (Clogg, Rubin, Schenker, Schultz & Weidman 1991,
doi 10.1080/01621459.1991.10475005).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from cxlink.metrics.drivers.joint_cells import Design, independent

_TOLERANCE, _STEPS = 1e-9, 200


@dataclass(frozen=True, slots=True, eq=False)
class AdditiveFit:
    """Coefficients of an additive model.

    Attributes
    ----------
    eta : ndarray of shape (n_rows,)
        Linear predictor of each row of the design.
    constant : float
        The constant.
    beta : ndarray of shape (n_terms,)
        0 for a term that follows from those before it.
    kept : int ndarray
        Positions of the terms that do not.
    """

    eta: np.ndarray
    constant: float
    beta: np.ndarray
    kept: np.ndarray


def logistic(design: Design, retained: np.ndarray, lost: np.ndarray) -> AdditiveFit:
    """Fit logit P(retained) = α + xβ to weighted customers of each row.

    Parameters
    ----------
    design : Design
        The rows.
    retained, lost : ndarray of shape (n_rows,)
        Sums of their weights; both above 0 in all.
    """
    from sklearn.linear_model import LogisticRegression

    share = retained.sum() / (retained.sum() + lost.sum())
    retained, lost = retained.copy(), lost.copy()
    for one in _categories(design, retained + lost):
        parts = one * (retained + lost)
        if not (one @ retained > 0 and one @ lost > 0):
            retained = retained + share * parts / parts.sum()
            lost = lost + (1 - share) * parts / parts.sum()
    kept = independent(design.matrix, retained + lost)
    if not len(kept):
        odds = float(np.log(retained.sum() / lost.sum()))
        return AdditiveFit(np.full(len(design.matrix), odds), odds, np.zeros(design.matrix.shape[1]), kept)
    x = design.matrix[:, kept]
    seen = (retained > 0, lost > 0)
    model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=_TOLERANCE, max_iter=_STEPS)
    model.fit(
        np.vstack([x[seen[0]], x[seen[1]]]),
        np.repeat([1, 0], [int(which.sum()) for which in seen]),
        sample_weight=np.concatenate([retained[seen[0]], lost[seen[1]]]),
    )
    return _fit(design, float(model.intercept_[0]), model.coef_[0], kept)


def poisson(design: Design, n: np.ndarray, total: np.ndarray) -> AdditiveFit:
    """Fit log E[spend] = α + xβ by Poisson pseudo-likelihood to the sums of each row.

    Parameters
    ----------
    design : Design
        The rows.
    n, total : ndarray of shape (n_rows,)
        Customers with a complete window and their spend, 0 or more; above 0 in all.
    """
    from sklearn.linear_model import PoissonRegressor

    mean = total.sum() / n.sum()
    n, total = n.copy(), total.copy()
    for one in _categories(design, n):
        if not one @ total > 0:
            parts = one * n / (one @ n)
            n, total = n + parts, total + mean * parts
    kept = independent(design.matrix, n)
    if not len(kept):
        return AdditiveFit(
            np.full(len(design.matrix), np.log(mean)),
            float(np.log(mean)),
            np.zeros(design.matrix.shape[1]),
            kept,
        )
    seen = n > 0
    model = PoissonRegressor(alpha=0, solver="newton-cholesky", tol=_TOLERANCE, max_iter=_STEPS)
    # in units of the mean: scikit-learn's stopping rule is absolute
    model.fit(design.matrix[seen][:, kept], total[seen] / n[seen] / mean, sample_weight=n[seen])
    return _fit(design, float(model.intercept_ + np.log(mean)), model.coef_, kept)


def _fit(design: Design, constant: float, slopes: np.ndarray, kept: np.ndarray) -> AdditiveFit:
    beta = np.zeros(design.matrix.shape[1])
    beta[kept] = slopes
    return AdditiveFit(constant + design.matrix @ beta, constant, beta, kept)


def _categories(design: Design, weights: np.ndarray) -> list[np.ndarray]:
    """Membership of the rows in each category of each factor, the references included; those with customers."""
    names = list(dict.fromkeys(name for name, _ in design.terms))
    members = list(design.matrix.T)
    for name in names:
        own = [j for j, term in enumerate(design.terms) if term[0] == name]
        members.append(1.0 - design.matrix[:, own].sum(axis=1))
    return [one for one in members if one @ weights > 0]


def log_scores(eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Log score of a customer retained, and of one lost: log p and log(1 − p)."""
    return -np.logaddexp(0.0, -eta), -np.logaddexp(0.0, eta)


def chance(eta: np.ndarray) -> np.ndarray:
    """Probability at a linear predictor."""
    return np.asarray(expit(eta))

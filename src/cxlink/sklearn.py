"""The models as scikit-learn estimators: for pipelines, grid search and cross-validation.

Survival estimators follow scikit-survival's convention: ``y`` is a structured array whose first field says whether the
customer was lost, and whose second is the time; ``predict`` gives a risk, higher where customers are lost sooner.
"""

from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from cxlink.cohort.count.clusters import bucket_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.fits.aft_model import fit_family_to
from cxlink.fits.formulas.formula import parse_formula
from cxlink.fits.formulas.model_cells import ModelCells
from cxlink.fits.formulas.profile_design import learn_design
from cxlink.fits.hazard_model import fit_hazards_to
from cxlink.fits.retention_model import RetentionModel
from cxlink.fits.spend_fit import POWER
from cxlink.spend.estimating_equations import GAMMA, LOGIT, POISSON, SpendFamily, tweedie
from cxlink.spend.solve import Sums, solve
from cxlink.spend.spend_design import independent

SpendKind = Literal["poisson", "gamma", "tweedie", "two_part"]
_AMOUNTS: dict[str, SpendFamily] = {
    "poisson": POISSON, "gamma": GAMMA, "tweedie": tweedie(POWER), "two_part": GAMMA,
}  # fmt: skip
_SPEC = make_spec({
    "score": {"column": "score", "scale": "0-10"},
    "subscription": {"duration": "time", "event": "lost"},
    "analysis": {"draws": 100},
})  # fmt: skip
_FARTHEST = 300.0


def as_survival(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Whether customers were lost, and when, from a structured array.

    Parameters
    ----------
    y : structured array of shape (n_customers,)
        Two fields: lost (boolean), and time (over 0; whole periods are taken: a loss within one is at its end).

    Returns
    -------
    lost : bool ndarray of shape (n_customers,)
    periods : int ndarray of shape (n_customers,)

    Raises
    ------
    ValueError
        If y is no such array.
    """
    array: Any = np.asarray(y)
    names: tuple[str, ...] = array.dtype.names or ()
    if len(names) != 2 or array[names[0]].dtype.kind != "b" or array.ndim != 1:
        raise ValueError(
            "y must be a structured array with a boolean field (lost) and a number (time), as scikit-survival has it."
        )
    lost, time = array[names[0]].astype(bool), array[names[1]].astype(float)
    if not np.isfinite(time).all() or (time < 0).any():
        raise ValueError("times must be finite and at least 0.")
    return lost, np.where(lost, np.maximum(np.ceil(time), 1), np.floor(time)).astype(int)


def _buckets(clusters: Any, n: int) -> np.ndarray:
    """Give the bucket of the cluster of each of n customers."""
    names = pd.Series(np.asarray(clusters).ravel())
    if len(names) != n or names.isna().any():
        raise ValueError(
            f"clusters must name one for each of the {n} customers; {int(names.notna().sum())} are named. Give those "
            "without one an id of their own."
        )
    return names.map({name: bucket_of(str(name)) for name in names.unique()}).to_numpy(int)


class _Survival(BaseEstimator):  # type: ignore[misc]
    """What survival estimators share."""

    def _fit(
        self, X: Any, y: Any, clusters: Any, fitted: Callable[[ModelCells, Any], RetentionModel]
    ) -> Self:
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None.")
        X = validate_data(self, X, dtype=float, ensure_min_samples=2)
        lost, periods = as_survival(y)
        if len(lost) != len(X):
            raise ValueError(f"X has {len(X)} customers and y has {len(lost)}.")
        bucket = None if clusters is None else _buckets(clusters, len(X))
        columns = independent(np.hstack([np.ones((len(X), 1)), X]))
        self.used_ = np.array([k - 1 for k in columns if k > 0], dtype=int)
        profiles, profile = np.unique(X[:, self.used_], axis=0, return_inverse=True)
        names = [f"x{k}" for k in self.used_]
        frame = pd.DataFrame(profiles, columns=names)
        cells = ModelCells(
            spec=_SPEC, name="y", profiles=frame, profile=profile.ravel(), entry=np.zeros(len(X), int), exit=periods,
            lost=lost, n=np.ones(len(X)), spend=pd.DataFrame(index=range(len(X))), continuous=(),
            bucket=bucket,
        )  # fmt: skip
        design = learn_design(parse_formula(" + ".join(names) or "1"), frame, cells.weight)
        self.model_ = fitted(cells, design)
        self.unique_times_ = np.unique(periods[lost])
        outlived = self.unique_times_[self.unique_times_ < (periods + ~lost).max()]
        self.risk_time_ = int((outlived if len(outlived) else self.unique_times_)[-1])
        self.coef_ = np.zeros(X.shape[1])
        self.coef_[self.used_] = self.model_.theta[self.model_.columns]
        return self

    def _profiles(self, X: Any) -> pd.DataFrame:
        X = validate_data(self, X, dtype=float, reset=False)
        return pd.DataFrame(X[:, self.used_], columns=[f"x{k}" for k in self.used_])

    def predict(self, X: Any) -> np.ndarray:
        """Predict a risk: minus the logarithm of survival at ``risk_time_``, on a log scale.

        Under proportional hazards it differs between customers as the linear predictor does.

        Returns
        -------
        ndarray of shape (n_customers,)
        """
        check_is_fitted(self)
        last = self._log_survival(X, np.array([self.risk_time_]))[:, 0]
        risk: np.ndarray = np.log(np.maximum(-last, np.exp(-_FARTHEST)))
        return risk

    def predict_survival_function(self, X: Any) -> np.ndarray:
        """Predict S(t) at ``unique_times_``, of shape (n_customers, n_times)."""
        check_is_fitted(self)
        survival: np.ndarray = np.exp(self._log_survival(X, self.unique_times_))
        return survival

    def predict_cumulative_hazard_function(self, X: Any) -> np.ndarray:
        """Predict −log S(t) at ``unique_times_``, of shape (n_customers, n_times)."""
        check_is_fitted(self)
        hazard: np.ndarray = -self._log_survival(X, self.unique_times_)
        return hazard

    def score(self, X: Any, y: Any) -> float:
        """Give the concordance of predicted risks with what happened (Harrell's c), from 0 to 1."""
        from lifelines.utils import concordance_index

        lost, periods = as_survival(y)
        return float(concordance_index(periods, -self.predict(X), lost))

    def _log_survival(self, X: Any, times: np.ndarray) -> np.ndarray:
        rows = self.model_.design.matrix(self._profiles(X))
        log_survival: np.ndarray = self.model_.curve.log_survival(self.model_.theta[None], rows, times)[0]
        return log_survival

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


class HazardRegressor(_Survival):
    """Grouped proportional hazards: `cxlink.hazards` on the columns of X.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Log hazard ratios; 0 of a column that is a sum of others.
    unique_times_ : int ndarray of shape (n_times,)
        Periods with a loss.
    risk_time_ : int
        The last period with a loss that somebody outlived: where all are lost by the last loss, survival after it is 0
        whatever the customer, and ranks nobody. `predict` is the risk by then.
    model_ : RetentionModel
        The fitted model itself.
    """

    def fit(self, X: Any, y: Any, clusters: Any = None) -> Self:
        """Fit to customers.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
        y : structured array of shape (n_customers,)
            See `as_survival`.
        clusters : array-like of shape (n_customers,), optional
            Account or household of each, where customers are not independent: errors of ``model_`` are over buckets of
            them, see ``cluster`` of `cxlink.hazards`.

        Returns
        -------
        HazardRegressor
            Itself, fitted.
        """
        return self._fit(X, y, clusters, fit_hazards_to)


class FamilyRegressor(_Survival):
    """A parametric family of the time to loss: `cxlink.aft` on the columns of X.

    Parameters
    ----------
    family : str
        Of the menu.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        On the family's own location, see `cxlink.aft`.
    unique_times_ : int ndarray of shape (n_times,)
        Periods with a loss.
    risk_time_ : int
        The last period with a loss that somebody outlived: where all are lost by the last loss, survival after it is 0
        whatever the customer, and ranks nobody. `predict` is the risk by then.
    model_ : RetentionModel
        The fitted model itself.
    """

    def __init__(self, family: str = "weibull") -> None:
        self.family = family

    def fit(self, X: Any, y: Any, clusters: Any = None) -> Self:
        """Fit to customers, see `HazardRegressor.fit`.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            Customers.
        y : structured array of shape (n_customers,)
            See `as_survival`.
        clusters : array-like of shape (n_customers,), optional
            Account or household of each.

        Returns
        -------
        FamilyRegressor
            Itself, fitted.
        """
        return self._fit(X, y, clusters, lambda cells, design: fit_family_to(cells, design, self.family))


class SpendRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A regression of spend with a log link, zeros in: `cxlink.spend_regression` on the columns of X.

    Parameters
    ----------
    family : {"poisson", "gamma", "tweedie", "two_part"}
        Quasi-likelihoods of the mean, or a logit of any spend times a gamma of the amounts.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
        Of the logarithm of the mean, or of the amounts; 0 of a column that is a sum of others.
    intercept_ : float
        Of the same.
    share_coef_, share_intercept_ : ndarray of shape (n_features,), float
        Of the logit of any spend; of ``two_part`` where somebody spent nothing.
    """

    def __init__(self, family: SpendKind = "poisson") -> None:
        self.family = family

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to customers.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
        y : array-like of shape (n_customers,)
            Spend, at least 0.
        sample_weight : array-like of shape (n_customers,), optional
            Customers that a row stands for.

        Returns
        -------
        SpendRegressor
            Itself, fitted.

        Raises
        ------
        ValueError
            If spend is negative, nobody spent, or there is no such family.
        """
        if self.family not in _AMOUNTS:
            raise ValueError(f"{self.family!r} is no family of spend; there are {', '.join(_AMOUNTS)}.")
        X, y = validate_data(self, X, y, dtype=float, y_numeric=True)
        weight = _check_sample_weight(sample_weight, X, dtype=float)
        if (y < 0).any() or not (weight * y).sum() > 0:
            raise ValueError("spend must be at least 0, and somebody must have spent something.")
        rows = np.hstack([np.ones((len(X), 1)), X])
        spent = weight * (y > 0)
        unit = float((weight * y).sum() / spent.sum())
        n = spent if self.family == "two_part" else weight
        self._set("", rows, Sums(n, n * y / unit, n * (y / unit) ** 2), np.log(unit))
        self.any_spend_ = self.family == "two_part" and bool((spent < weight).any())
        if self.any_spend_:
            self._set("share_", rows, Sums(weight, spent, spent), 0.0)
        return self

    def _set(self, prefix: str, rows: np.ndarray, sums: Sums, shift: float) -> None:
        equation = solve(LOGIT if prefix else _AMOUNTS[self.family], rows, sums)
        coefficients = np.zeros(rows.shape[1])
        coefficients[equation.columns] = equation.theta
        setattr(self, f"{prefix}intercept_", float(coefficients[0] + shift))
        setattr(self, f"{prefix}coef_", coefficients[1:])

    def predict(self, X: Any) -> np.ndarray:
        """Predict mean spend, of shape (n_customers,).

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            Customers.

        Returns
        -------
        ndarray of shape (n_customers,)
            Mean spend, in the unit of ``y``.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=float, reset=False)
        mean: np.ndarray = np.exp(np.clip(X @ self.coef_ + self.intercept_, -_FARTHEST, _FARTHEST))
        if self.any_spend_:
            mean = mean / (
                1 + np.exp(-np.clip(X @ self.share_coef_ + self.share_intercept_, -_FARTHEST, _FARTHEST))
            )
        return mean

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        tags.regressor_tags.poor_score = True
        return tags

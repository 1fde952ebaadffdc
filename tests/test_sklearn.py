"""The estimators: scikit-learn's own checks, and the same coefficients as the models by a formula."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from clustered import account_rows, account_spec
from lifelines import CoxPHFitter
from sklearn.base import BaseEstimator
from sklearn.linear_model import GammaRegressor, PoissonRegressor, TweedieRegressor
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from subscribers import cohort_of_subscribers, subscribers

import cxlink
from cxlink.sklearn import FamilyRegressor, HazardRegressor, SpendRegressor, as_survival

PLAIN_Y = "hands over a plain numeric y, which says nothing of who was lost: run below with a structured one"


def structured(y: Any) -> np.ndarray:
    """Times by the rank of a plain y, every third customer still there."""
    values = np.asarray(y, float)
    rank = np.argsort(np.argsort(values, kind="stable"), kind="stable")
    made = np.empty(len(values), dtype=[("lost", bool), ("time", float)])
    made["lost"], made["time"] = rank % 3 != 0, 1 + rank % 7
    return made


def _structured_where_plain(y: Any) -> Any:
    values = np.asarray(y)
    if y is None or values.dtype.names is not None:
        return y
    return structured(values.ravel() if values.dtype.kind in "fiu" else np.arange(len(values)))


class _WithPlainY:
    """The estimator as scikit-learn's checks call it: a plain y becomes a structured one."""

    def fit(self, X: Any, y: Any = None) -> Any:
        return super().fit(X, _structured_where_plain(y))  # type: ignore[misc]

    def score(self, X: Any, y: Any = None) -> Any:
        return super().score(X, _structured_where_plain(y))  # type: ignore[misc]


class HazardsWithPlainY(_WithPlainY, HazardRegressor):
    """See above."""


class FamilyWithPlainY(_WithPlainY, FamilyRegressor):
    """See above."""


NUMERIC = (
    "check_dict_unchanged",
    "check_dont_overwrite_parameters",
    "check_dtype_object",
    "check_estimators_dtypes",
    "check_estimators_fit_returns_self",
    "check_estimators_nan_inf",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_f_contiguous_array_estimator",
    "check_fit2d_1feature",
    "check_fit2d_predict1d",
    "check_fit_check_is_fitted",
    "check_fit_idempotent",
    "check_fit_score_takes_y",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_pipeline_consistency",
    "check_positive_only_tag_during_fit",
    "check_readonly_memmap_input",
)


def _left_out(estimator: BaseEstimator) -> dict[str, str]:
    alone = type(estimator) in (HazardRegressor, FamilyRegressor)
    return dict.fromkeys(NUMERIC, PLAIN_Y) if alone else {}


@parametrize_with_checks(
    [SpendRegressor(), HazardRegressor(), HazardsWithPlainY()], expected_failed_checks=_left_out
)
def test_estimators_pass_scikit_learn_s_checks(estimator: BaseEstimator, check: Any) -> None:
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [SpendRegressor("gamma"), SpendRegressor("tweedie"), SpendRegressor("two_part"), FamilyRegressor(),
     FamilyWithPlainY()],
    expected_failed_checks=_left_out,
)  # fmt: skip
def test_the_others_pass_them_too(estimator: BaseEstimator, check: Any) -> None:
    check(estimator)


def _survival_data() -> tuple[pd.DataFrame, np.ndarray]:
    frame = subscribers()
    X = pd.DataFrame({
        "score": frame["score"], "plus": (frame["plan"] == "plus").astype(float), "visits": frame["visits"]
    }).astype(float)  # fmt: skip
    y = np.empty(len(frame), dtype=[("left", bool), ("months", float)])
    y["left"], y["months"] = frame["left"] == 1, frame["months"]
    return X, y


def test_survival_estimators_are_the_models_by_a_formula() -> None:
    X, y = _survival_data()
    linear = {"column": "score", "scale": "1-5", "effect": "linear"}
    cohort = cohort_of_subscribers(score=linear)
    order = ["score", "plan[T.plus]", "visits"]
    hazards, family = HazardRegressor().fit(X, y), FamilyRegressor("log_normal").fit(X, y)
    theirs = cxlink.hazards(cohort, "score + plan + visits")
    np.testing.assert_allclose(hazards.coef_, theirs.summary().loc[order, "coefficient"], rtol=1e-9)
    longer = cxlink.aft(cohort, "score + plan + visits", "log_normal").summary()
    np.testing.assert_allclose(family.coef_, longer.loc[order, "coefficient"], rtol=1e-6)
    profile = {"score": X["score"][0], "plan": "plus" if X["plus"][0] else "basic", "visits": X["visits"][0]}
    by_formula = theirs.predict(profile, times=hazards.unique_times_.tolist())["estimate"]
    np.testing.assert_allclose(hazards.predict_survival_function(X)[0], by_formula, rtol=1e-9)
    np.testing.assert_allclose(
        hazards.predict_cumulative_hazard_function(X),
        -np.log(hazards.predict_survival_function(X)),
        rtol=1e-9,
    )
    # proportional hazards: risks differ as the linear predictor does
    risk, linear_predictor = hazards.predict(X), X.to_numpy() @ hazards.coef_
    np.testing.assert_allclose(np.ptp(risk - linear_predictor), 0.0, atol=1e-9)
    assert 0.6 < hazards.score(X, y) < 0.8
    # a longer time is a lower risk
    assert np.corrcoef(family.predict(X), risk)[0, 1] > 0.9


@pytest.mark.parametrize(
    ("estimator", "model"), [(HazardRegressor(), cxlink.hazards), (FamilyRegressor(), cxlink.aft)]
)
def test_clusters_give_the_errors_of_the_models_by_a_formula(estimator: Any, model: Any) -> None:
    rows = account_rows()
    X = pd.DataFrame({"number": rows["score"] * 1.0, "plan": (rows["plan"] == "b") * 1.0})
    y = np.empty(len(rows), dtype=[("lost", bool), ("time", float)])
    y["lost"], y["time"] = rows["left"] == 1, rows["months"]
    found = estimator.fit(X, y, clusters=rows["account"]).model_.summary()
    spec = account_spec(score={"column": "score", "scale": "1-5", "effect": "linear"})
    theirs = model(cxlink.read_cohort(rows, spec), "score + plan").summary()
    columns = ["coefficient", "std_error", "conf_low", "p_value"]
    np.testing.assert_allclose(found[columns], theirs[columns], rtol=1e-5)
    with pytest.raises(
        ValueError, match="clusters must name one for each of the 1200 customers; 1199 are named"
    ):
        estimator.fit(X, y, clusters=rows["account"].where(rows.index > 0))


def test_times_within_a_period_are_at_its_end_and_whole_ones_are_kept() -> None:
    y = np.array([(True, 2.3), (True, 0.0), (False, 2.9)], dtype=[("e", bool), ("t", float)])
    lost, periods = as_survival(y)
    assert lost.tolist() == [True, True, False]
    assert periods.tolist() == [3, 1, 2]


@pytest.mark.parametrize(
    "y", [np.ones(5), np.zeros(5, dtype=[("t", float), ("e", bool)]), np.zeros(5, dtype=[("e", bool)])]
)
def test_a_y_that_says_nothing_of_loss_is_refused(y: np.ndarray) -> None:
    with pytest.raises(ValueError, match="structured array with a boolean field"):
        HazardRegressor().fit(np.arange(5.0)[:, None], y)


def test_a_column_that_is_a_sum_of_others_has_no_coefficient() -> None:
    X, y = _survival_data()
    fitted = HazardRegressor().fit(X.assign(again=X["score"] + 2 * X["plus"]), y)
    assert fitted.coef_[3] == 0
    np.testing.assert_allclose(fitted.coef_[:3], HazardRegressor().fit(X, y).coef_, rtol=1e-9)


def test_at_work_in_a_pipeline_a_grid_search_and_cross_validation() -> None:
    X, y = _survival_data()
    scores = cross_val_score(make_pipeline(StandardScaler(), HazardRegressor()), X, y, cv=KFold(3))
    assert ((scores > 0.6) & (scores < 0.8)).all()
    names = ["exponential", "weibull", "log_normal"]
    search = GridSearchCV(FamilyRegressor(), {"family": names}, cv=KFold(3)).fit(X, y)
    assert search.best_params_["family"] in names
    assert (search.cv_results_["mean_test_score"] > 0.6).all()


@pytest.mark.parametrize(
    ("family", "theirs"),
    [
        ("poisson", PoissonRegressor(alpha=0, tol=1e-10, max_iter=10_000)),
        ("tweedie", TweedieRegressor(power=1.5, alpha=0, link="log", tol=1e-10, max_iter=10_000)),
    ],
)
def test_spend_is_scikit_learn_s_generalised_linear_model(family: str, theirs: Any) -> None:
    X, _ = _survival_data()
    y = subscribers()["spend"]
    weight = np.arange(len(y)) % 3 + 1.0
    own = SpendRegressor(family).fit(X, y, sample_weight=weight)
    theirs.fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(own.coef_, theirs.coef_, rtol=1e-3)  # its optimiser stops earlier
    np.testing.assert_allclose(own.predict(X), theirs.predict(X), rtol=1e-3)


def test_two_parts_multiply_a_share_and_an_amount() -> None:
    X, _ = _survival_data()
    y = subscribers()["spend"].to_numpy()
    own = SpendRegressor("two_part").fit(X, y)
    amount = GammaRegressor(alpha=0, tol=1e-10, max_iter=10_000).fit(X[y > 0], y[y > 0])
    np.testing.assert_allclose(own.coef_, amount.coef_, rtol=1e-3)
    share = 1 / (1 + np.exp(-(X @ own.share_coef_ + own.share_intercept_)))
    np.testing.assert_allclose(own.predict(X), share * np.exp(X @ own.coef_ + own.intercept_), rtol=1e-12)
    assert (y > 0).mean() == pytest.approx(share.mean(), rel=1e-9)


def test_spend_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="'normal' is no family of spend"):
        SpendRegressor("normal").fit([[1.0], [2.0]], [1.0, 2.0])
    with pytest.raises(ValueError, match="at least 0"):
        SpendRegressor().fit([[1.0], [2.0]], [-1.0, 2.0])
    with pytest.raises(ValueError, match="somebody must have spent"):
        SpendRegressor().fit([[1.0], [2.0]], [0.0, 0.0])


@pytest.mark.parametrize("last", [12.0, 1e9], ids=["censored at 12", "nobody censored"])
@pytest.mark.parametrize("estimator", [HazardRegressor(), FamilyRegressor()], ids=["hazards", "weibull"])
def test_risks_rank_customers_as_cox_s_do_whoever_is_there_at_the_end(estimator: Any, last: float) -> None:
    rng = np.random.default_rng(8)
    x = rng.integers(0, 8, 300).astype(float)
    time = np.ceil(rng.exponential(3 + 3 * x))
    y = np.empty(300, dtype=[("left", bool), ("months", float)])
    y["left"], y["months"] = time <= last, np.minimum(time, last)
    rows = pd.DataFrame({"x": x, "left": y["left"], "months": y["months"]})
    theirs = CoxPHFitter().fit(rows, "months", "left").concordance_index_
    # far from 0 as well: years in place of ages
    for X in (x[:, None], 2000 + x[:, None]):
        assert estimator.fit(X, y).score(X, y) == pytest.approx(theirs, abs=1e-10) != 0.5


def test_the_risk_is_that_by_the_last_loss_that_somebody_outlived() -> None:
    X = np.array([[0.0], [0.0], [0.0], [1.0], [1.0], [1.0]])
    rows = [(True, 1), (True, 2), (True, 5), (True, 1), (True, 1), (True, 5)]
    y = np.array(rows, dtype=[("left", bool), ("months", float)])
    assert HazardRegressor().fit(X, y).risk_time_ == 2
    y["left"][2] = False
    assert HazardRegressor().fit(X, y).risk_time_ == 5

"""Regressions of spend by a formula: equal to statsmodels on rows, parts multiplied, standardised by hand."""

import pickle

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.genmod.generalized_linear_model import GLMResultsWrapper
from subscribers import cohort_of_subscribers, spec_of_subscribers, subscribers

import cxlink
from cxlink.cohort.errors import InputError
from cxlink.fits.spend_fit import POWER
from cxlink.fits.spend_model import FAMILIES, SpendModel

OTHER_SOFTWARE = 1e-6
TERMS = "score + plan + visits"


@pytest.fixture(scope="module")
def cohort() -> cxlink.Cohort:
    return cohort_of_subscribers(score={"column": "score", "scale": "1-5", "effect": "linear"})


@pytest.fixture(scope="module")
def models(cohort: cxlink.Cohort) -> dict[str, SpendModel]:
    return {family: cxlink.spend_regression(cohort, TERMS, family) for family in FAMILIES}


def _rows() -> tuple[pd.DataFrame, pd.Series]:
    frame = subscribers()
    exog = pd.DataFrame({
        "one": 1.0, "plan[T.plus]": (frame["plan"] == "plus").astype(float), "score": frame["score"].astype(float),
        "visits": frame["visits"],
    })  # fmt: skip
    return exog, frame["spend"]


@pytest.mark.parametrize("family", ["poisson", "gamma", "tweedie"])
def test_quasi_likelihoods_are_statsmodels_on_rows(models: dict[str, SpendModel], family: str) -> None:
    exog, y = _rows()
    log = sm.families.links.Log()
    theirs = {
        "poisson": sm.families.Poisson(), "gamma": sm.families.Gamma(log),
        "tweedie": sm.families.Tweedie(log, var_power=POWER),
    }[family]  # fmt: skip
    by_hand = sm.GLM(y, exog, family=theirs).fit(cov_type="HC0", tol=1e-12)
    own = models[family].summary().loc["amount"]
    order = ["plan[T.plus]", "score", "visits"]
    np.testing.assert_allclose(own.loc[order, "coefficient"], by_hand.params[order], rtol=OTHER_SOFTWARE)
    robust = np.sqrt(np.diag(models[family].stack.plain))[1:]
    np.testing.assert_allclose(robust, by_hand.bse[own.index], rtol=OTHER_SOFTWARE)
    assert isinstance(models[family].native, GLMResultsWrapper)


@pytest.mark.parametrize("family", ["two_part", "log_ols"])
def test_parts_are_a_logit_and_a_regression_of_the_spenders(
    models: dict[str, SpendModel], family: str
) -> None:
    exog, y = _rows()
    share = sm.Logit((y > 0).astype(float), exog).fit(disp=0, tol=1e-12)
    spent = y > 0
    log = sm.families.links.Log()
    if family == "two_part":
        amount = sm.GLM(y[spent], exog[spent], family=sm.families.Gamma(log)).fit(tol=1e-12)
    else:
        amount = sm.OLS(np.log(y[spent]), exog[spent]).fit()
    own = models[family].summary()
    for part, theirs in (("share", share), ("amount", amount)):
        np.testing.assert_allclose(
            own.loc[part]["coefficient"], theirs.params[own.loc[part].index], rtol=OTHER_SOFTWARE
        )
    profile = {"score": 4, "plan": "plus", "visits": 12.0}
    x = np.array([1.0, 1.0, 4.0, 12.0])
    factor = 1.0 if family == "two_part" else float(np.mean(np.exp(amount.resid)))
    by_hand = 1 / (1 + np.exp(-x @ share.params)) * np.exp(x @ amount.params) * factor
    assert models[family].predict(profile)["estimate"].item() == pytest.approx(by_hand, rel=1e-6)
    natives = models[family].native
    assert [type(one) for one in natives] == [GLMResultsWrapper, GLMResultsWrapper]


def test_smearing_is_by_level_of_a_free_score() -> None:
    model = cxlink.spend_regression(cohort_of_subscribers(), "score", "log_ols")
    # one mean a level: smearing gives back each level's own mean of positive spend
    frame = subscribers()
    for level, part in frame.groupby("score"):
        assert model.predict({"score": level})["estimate"].item() == pytest.approx(
            part["spend"].mean(), rel=1e-9
        )


def test_averages_are_standardised_over_the_cohort(models: dict[str, SpendModel]) -> None:
    model = models["two_part"]
    table = model.average("score", {"best": [5], "worst": [1, 2]}).set_index(["group", "measure"])["estimate"]
    frame = subscribers()[["score", "plan", "visits"]]
    means = {s: model.predict(frame.assign(score=s))["estimate"].mean() for s in (1, 2, 5)}
    n = frame["score"].value_counts()
    worst = (n[1] * means[1] + n[2] * means[2]) / (n[1] + n[2])
    assert table["worst", "mean"] == pytest.approx(worst, rel=1e-9)
    assert table["best", "difference"] == pytest.approx(means[5] - worst, rel=1e-9)
    assert table["best", "ratio"] == pytest.approx(means[5] / worst, rel=1e-9)
    per = model.average("visits", per=1).set_index("measure")["estimate"]
    up = model.predict(frame.assign(visits=frame["visits"] + 1))["estimate"].mean()
    assert per["difference"] == pytest.approx(up - model.predict(frame)["estimate"].mean(), rel=1e-6)


def test_counts_give_what_the_rows_give() -> None:
    cohort = cohort_of_subscribers(adjust={"columns": ("plan",)})
    rows, counts = (cxlink.spend_regression(one, "score * plan") for one in (cohort, cohort.count()))
    pd.testing.assert_frame_equal(rows.summary(), counts.summary())


def test_scores_by_hand(models: dict[str, SpendModel]) -> None:
    frame = subscribers()
    y = frame["spend"].to_numpy()
    mean = models["poisson"].predict(frame[["score", "plan", "visits"]])["estimate"].to_numpy()
    part = np.where(y > 0, y * np.log(np.where(y > 0, y, 1) / mean), 0.0) - (y - mean)
    scores = models["poisson"].score()
    assert scores["poisson_deviance"] == pytest.approx(2 * part.mean(), rel=1e-9)
    assert scores["r_squared"] == pytest.approx(1 - ((y - mean) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def test_observed_spend_by_tenths_of_the_prediction(models: dict[str, SpendModel]) -> None:
    table = models["poisson"].check()
    assert table["n"].sum() == 1500
    assert (table["n"] == 150).all()
    assert table["predicted"].is_monotonic_increasing
    frame = subscribers()
    assert (table["n"] * table["observed"]).sum() == pytest.approx(frame["spend"].sum())
    # a linear score on the log scale is wrong for means that rise linearly, and the tenths show it
    assert table["z"].abs().max() > 2


def test_a_level_that_spent_nothing_is_finite_and_said() -> None:
    frame = subscribers(400)
    frame.loc[frame["score"] == 2, "spend"] = 0.0
    table = cxlink.spend_regression(cohort_of_subscribers(frame)).summary().loc["amount"]
    assert table["penalised"].tolist() == [True, False, False, False]
    assert np.isfinite(table[["coefficient", "std_error"]]).all(axis=None)


def test_refusals(cohort: cxlink.Cohort) -> None:
    with pytest.raises(InputError, match="'normal' is no family of spend; there are poisson, gamma"):
        cxlink.spend_regression(cohort, TERMS, "normal")
    bare = spec_of_subscribers(spend=None)
    with pytest.raises(InputError, match=r"needs \[spend\]"):
        cxlink.spend_regression(cxlink.read_cohort(subscribers(50), bare))
    refunds = spec_of_subscribers(spend={"column": "spend", "complete": True, "refunds": True})
    with pytest.raises(InputError, match="gamma cannot take refunds"):
        cxlink.spend_regression(cxlink.read_cohort(subscribers(50), refunds), family="gamma")
    with pytest.raises(InputError, match="nobody with a complete window spent anything"):
        cxlink.spend_regression(cohort_of_subscribers(subscribers(50).assign(spend=0.0)))


def test_models_pickle_and_draw(models: dict[str, SpendModel]) -> None:
    from matplotlib.figure import Figure

    for one in models.values():
        again = pickle.loads(pickle.dumps(one))  # our own bytes
        pd.testing.assert_frame_equal(again.summary(), one.summary())
        axes = Figure().subplots()
        assert one.plot(axes) is axes
        assert len(axes.get_yticklabels()) == len(one.summary())

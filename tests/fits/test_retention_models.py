"""Models of retention by a formula: equal to lifelines and statsmodels, exact on counts, standardised by hand."""

import pickle
from typing import Literal

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from lifelines import CoxPHFitter, LogNormalAFTFitter, WeibullAFTFitter
from statsmodels.genmod.generalized_linear_model import GLMResultsWrapper
from subscribers import SLOPE, cohort_of_subscribers, spec_of_subscribers, subscribers

import cxlink
from cxlink.cohort.errors import InputError
from cxlink.fits.retention_model import RetentionModel

OTHER_SOFTWARE = 1e-6
EVERYTHING = "score + plan + visits"


@pytest.fixture(scope="module")
def cohort() -> cxlink.Cohort:
    return cohort_of_subscribers(score={"column": "score", "scale": "1-5", "effect": "linear"})


@pytest.fixture(scope="module")
def model(cohort: cxlink.Cohort) -> RetentionModel:
    return cxlink.hazards(cohort, EVERYTHING)


def test_grouped_hazards_are_statsmodels_binomial_glm(cohort: cxlink.Cohort, model: RetentionModel) -> None:
    native = model.native
    assert isinstance(native, GLMResultsWrapper)
    own = cxlink.hazards(cohort, EVERYTHING, covariance="model").summary()
    np.testing.assert_allclose(own["coefficient"], native.params[:3], rtol=OTHER_SOFTWARE)
    np.testing.assert_allclose(own["std_error"], native.bse[:3], rtol=OTHER_SOFTWARE)
    # written out by hand, from the rows themselves
    rows = subscribers()
    each = rows.loc[rows.index.repeat(rows["months"])]
    period = each.groupby(level=0).cumcount() + 1
    lost = ((period == each["months"]) & (each["left"] == 1)).astype(float)
    exog = np.column_stack([
        each["score"], each["plan"] == "plus", each["visits"], *[period == p for p in range(1, 13)],
    ]).astype(float)  # fmt: skip
    link = sm.families.Binomial(link=sm.families.links.CLogLog())
    customers = {"groups": each.index.to_numpy(), "use_correction": False}
    by_hand = sm.GLM(lost.to_numpy(), exog, family=link).fit(
        tol=1e-12, cov_type="cluster", cov_kwds=customers
    )
    order = ["score", "plan[T.plus]", "visits"]
    robust = model.summary().loc[order]
    np.testing.assert_allclose(own.loc[order, "coefficient"], by_hand.params[:3], rtol=OTHER_SOFTWARE)
    np.testing.assert_allclose(robust["std_error"], by_hand.bse[:3], rtol=OTHER_SOFTWARE)
    assert (robust["std_error"] != own.loc[order, "std_error"]).all()


def test_the_truth_is_within_four_standard_errors(model: RetentionModel) -> None:
    table = model.summary()
    for term, truth in (
        ("score", SLOPE["score"]),
        ("plan[T.plus]", SLOPE["plan"]),
        ("visits", SLOPE["visits"]),
    ):
        assert abs(table.loc[term, "coefficient"] - truth) < 4 * table.loc[term, "std_error"]
    np.testing.assert_allclose(table["hazard_ratio"], np.exp(table["coefficient"]))


@pytest.mark.parametrize(
    ("family", "fitter"), [("weibull", WeibullAFTFitter), ("log_normal", LogNormalAFTFitter)]
)
def test_families_are_lifelines_interval_censored_regressions(
    cohort: cxlink.Cohort, family: str, fitter: type
) -> None:
    model = cxlink.aft(cohort, EVERYTHING, family)
    native = model.native
    assert isinstance(native, fitter)
    theirs = native.summary.iloc[1:4]
    own = model.summary()
    # lifelines stops at a gradient of 1e-5
    np.testing.assert_allclose(own["coefficient"], theirs["coef"], rtol=1e-4)
    np.testing.assert_allclose(own["std_error"], theirs["se(coef)"], rtol=1e-4)
    assert model.log_likelihood == pytest.approx(native.log_likelihood_, abs=1e-4)
    assert (own.loc["visits", "time_ratio"] > 1) & (own.loc["plan[T.plus]", "time_ratio"] < 1)


def test_fine_time_and_a_continuous_term_are_lifelines_cox() -> None:
    frame = subscribers(800, last=600, rate=0.003)
    fine = cohort_of_subscribers(frame, analysis={"horizon": 100, "draws": 200})
    model = cxlink.hazards(fine, EVERYTHING)
    assert model.name == "cox"
    native = model.native
    assert isinstance(native, CoxPHFitter)
    rows = frame[["months", "left", "visits"]].assign(plus=(frame["plan"] == "plus").astype(float))
    for level in range(2, 6):
        rows[f"s{level}"] = (frame["score"] == level).astype(float)
    by_hand = CoxPHFitter().fit(rows, "months", "left")
    order = ["plan[T.plus]", *(f"score[T.{k}]" for k in range(2, 6)), "visits"]
    theirs = by_hand.params_[["plus", "s2", "s3", "s4", "s5", "visits"]]
    np.testing.assert_allclose(model.summary().loc[order, "coefficient"], theirs, rtol=OTHER_SOFTWARE)
    errors = by_hand.standard_errors_[theirs.index]
    plain = cxlink.hazards(fine, EVERYTHING, covariance="model").summary().loc[order, "std_error"]
    np.testing.assert_allclose(plain, errors, rtol=OTHER_SOFTWARE)
    survival = model.predict({"score": 3, "plan": "basic", "visits": 10.0}, times=[50, 100])
    theirs = by_hand.predict_survival_function(
        pd.DataFrame({"visits": [10.0], "plus": 0.0, "s2": 0.0, "s3": 1.0, "s4": 0.0, "s5": 0.0}),
        times=[50, 100],
    )
    np.testing.assert_allclose(survival["estimate"], theirs.iloc[:, 0], rtol=2e-3)  # Breslow's and Efron's
    assert (survival["conf_low"] < survival["estimate"]).all()
    assert (survival["estimate"] < survival["conf_high"]).all()


def test_robust_errors_of_fine_time_are_those_of_lifelines() -> None:
    """Without ties of losses, which lifelines takes one by one; it leaves out those last seen on the day of a loss."""
    frame = subscribers(300, last=2300, rate=0.0008)
    frame = frame[~(frame["left"].eq(1) & frame.duplicated(["months", "left"]))].reset_index(drop=True)
    model = cxlink.hazards(
        cohort_of_subscribers(frame, analysis={"horizon": 100, "draws": 200}), "plan + visits"
    )
    assert model.name == "cox"
    rows = frame[["months", "left", "visits"]].assign(plus=(frame["plan"] == "plus").astype(float))
    errors, plain = (
        CoxPHFitter().fit(rows, "months", "left", robust=robust).standard_errors_[["plus", "visits"]]
        for robust in (True, False)
    )
    order = ["plan[T.plus]", "visits"]
    np.testing.assert_allclose(model.summary().loc[order, "std_error"], errors, rtol=2e-4)
    assert (np.abs(errors / plain - 1) > 5e-3).all()


def _turning() -> cxlink.Cohort:
    """The ratio of hazards turns round after the first of three months."""
    lost = {
        ("basic", 1): 1200,
        ("basic", 2): 80,
        ("basic", 3): 20,
        ("plus", 1): 200,
        ("plus", 2): 900,
        ("plus", 3): 700,
    }
    rows = [(plan, month, 1, n) for (plan, month), n in lost.items()]
    rows += [("basic", 3, 0, 700), ("plus", 3, 0, 2600)]
    frame = pd.DataFrame([row[:3] for row in rows for _ in range(row[3])], columns=["plan", "months", "left"])
    spec = spec_of_subscribers(spend=None, analysis={"horizon": 3, "draws": 50_000})
    return cxlink.read_cohort(frame.assign(score=3), spec)


def test_draws_have_the_covariance_of_coefficients_and_baseline() -> None:
    cohort = _turning()
    kinds: tuple[Literal["robust", "model"], ...] = ("robust", "model")
    for covariance in kinds:
        model = cxlink.hazards(cohort, "plan", covariance=covariance)
        size = np.sqrt(np.outer(*[np.diag(model.covariance)] * 2))
        four = 4 * np.sqrt(2 / 50_000)
        np.testing.assert_allclose(np.cov(model.draws.T) / size, model.covariance / size, rtol=0, atol=four)
    assert model.covariance_type == "model"


@pytest.mark.parametrize("covariance", ["robust", "model"])
def test_a_change_with_time_is_statsmodels_product_with_time(covariance: Literal["robust", "model"]) -> None:
    rows = subscribers(600)
    each = rows.loc[rows.index.repeat(rows["months"])]
    period = (each.groupby(level=0).cumcount() + 1).to_numpy()
    told = np.isin(period, rows.loc[rows["left"] == 1, "months"])
    each, period = each[told], period[told]
    lost = ((period == each["months"]) & (each["left"] == 1)).to_numpy(float)
    plus = (each["plan"] == "plus").to_numpy(float)
    time = np.log2(period) - np.log2(period[lost == 1]).mean()
    exog = np.column_stack([plus, plus * time, *[period == one for one in np.unique(period)]])
    glm = sm.GLM(lost, exog.astype(float), sm.families.Binomial(sm.families.links.CLogLog()))
    customers = {"groups": each.index.to_numpy(), "use_correction": False}
    how = {"cov_type": "cluster", "cov_kwds": customers} if covariance == "robust" else {}
    theirs = glm.fit(tol=1e-12, **how)
    found = cxlink.hazards(cohort_of_subscribers(rows), "plan", covariance=covariance).check().iloc[0]
    ends = np.exp([theirs.params[1], *theirs.conf_int()[1]])
    np.testing.assert_allclose(found[["change", "conf_low", "conf_high"]], ends, rtol=OTHER_SOFTWARE)
    assert found["p_value"] == pytest.approx(theirs.pvalues[1], rel=OTHER_SOFTWARE)


def test_counts_give_what_the_rows_give() -> None:
    cohort = cohort_of_subscribers(adjust={"columns": ("plan", "calls")})
    rows, counts = (cxlink.hazards(one, "score + plan + calls") for one in (cohort, cohort.count()))
    pd.testing.assert_frame_equal(rows.summary(), counts.summary())
    # calls is adjusted for, so it is a category; as a number it is exact too
    number = cxlink.hazards(cohort.count(), "score + raw(calls)")
    assert number.name == "grouped_ph"
    assert list(number.design.names)[-1] == "raw(calls)"


def test_a_continuous_term_needs_the_table() -> None:
    counts = cohort_of_subscribers(adjust={"columns": ("plan",)}).count()
    with pytest.raises(
        InputError, match=r"these counts have no 'visits'.* give the cohort \(cxlink\.read_cohort\)"
    ):
        cxlink.hazards(counts, "score + visits")
    with pytest.raises(InputError, match=r"these counts have no 'plam'\. Did you mean 'plan'\?$"):
        cxlink.hazards(counts, "score + plam")


def test_a_variable_with_one_value_is_said_to_compare_nothing() -> None:
    frame = subscribers(300)
    cohort = cohort_of_subscribers(frame[frame["score"] == 5])
    with pytest.warns(UserWarning, match=r"^score is 5 of every customer of the model") as warned:
        model = cxlink.hazards(cohort, "score + plan")
    assert [one.filename for one in warned] == [__file__]
    assert list(model.summary().index) == ["plan[T.plus]"]
    assert np.isfinite(model.predict({"score": 5, "plan": "plus"}, times=6)["estimate"]).all()


def test_rows_that_stand_twice_weigh_twice() -> None:
    frame = subscribers(300)
    once = cxlink.hazards(cohort_of_subscribers(frame), EVERYTHING).summary()
    twice = cxlink.hazards(cohort_of_subscribers(pd.concat([frame, frame])), EVERYTHING).summary()
    np.testing.assert_allclose(once["coefficient"], twice["coefficient"], rtol=1e-9)
    np.testing.assert_allclose(once["std_error"], np.sqrt(2) * twice["std_error"], rtol=1e-9)


def test_predictions_are_of_one_curve(model: RetentionModel) -> None:
    profiles = pd.DataFrame({"score": [1, 5], "plan": ["basic", "plus"], "visits": [5.0, 20.0]})
    curve = model.predict(profiles, times=list(range(13)))
    first = curve.loc[curve["visits"] == 5.0].set_index("time")["estimate"].to_numpy()
    assert first[0] == 1
    area = model.predict(profiles, "rmst", 6).loc[0, "estimate"]
    steps = np.diff(np.log(first[:7]))
    assert area == pytest.approx(float(np.sum(first[:6] * np.expm1(steps) / steps)), rel=1e-12)
    median = model.predict(profiles, "median").loc[0, "estimate"]
    whole = int(np.floor(median))
    share = (median - whole) * np.log(first[whole + 1] / first[whole])
    assert first[whole] * np.exp(share) == pytest.approx(0.5, rel=1e-12)


def test_a_median_that_is_not_reached_is_infinite() -> None:
    cohort = cohort_of_subscribers(subscribers(600, rate=0.01))
    assert np.isinf(cxlink.hazards(cohort).predict({"score": 5}, "median")["estimate"]).all()


def test_averages_are_standardised_over_the_cohort() -> None:
    cohort = cohort_of_subscribers()
    model = cxlink.hazards(cohort, "score * plan")
    table = model.average("score", {"best": [4, 5], "worst": [1]}, horizon=6)
    frame = subscribers()
    plans, scores = frame["plan"].value_counts(normalize=True), frame["score"].value_counts()
    retained = model.predict(
        [{"score": s, "plan": p} for s in (1, 4, 5) for p in ("basic", "plus")], times=6
    ).set_index(["score", "plan"])["estimate"]
    means = {s: sum(plans[p] * retained[s, p] for p in plans.index) for s in (1, 4, 5)}
    best = (means[4] * scores[4] + means[5] * scores[5]) / (scores[4] + scores[5])
    found = table.set_index(["group", "measure"])["estimate"]
    assert found["best", "mean"] == pytest.approx(best, rel=1e-12)
    assert found["best", "difference"] == pytest.approx(best - means[1], rel=1e-12)
    assert found["best", "ratio"] == pytest.approx(best / means[1], rel=1e-12)


def test_the_median_of_an_average_is_that_of_the_standardised_curve() -> None:
    model = cxlink.aft(cohort_of_subscribers(), "score * plan")
    plans = subscribers()["plan"].value_counts(normalize=True)
    curves = model.predict([{"score": 5, "plan": p} for p in plans.index], times=list(range(120)))
    curve = sum(
        share * curves.loc[curves["plan"] == plan, "estimate"].to_numpy() for plan, share in plans.items()
    )
    after = int((curve > 0.5).argmin())
    by_hand = after - 1 + np.log(curve[after - 1] / 0.5) / np.log(curve[after - 1] / curve[after])
    table = model.average("score", {"best": [5], "worst": [1]}, quantity="median").set_index(
        ["group", "measure"]
    )
    assert table.loc[("best", "mean"), "estimate"] == pytest.approx(by_hand, rel=1e-9)
    # the mean of the medians, which it is not, lies elsewhere
    medians = model.predict([{"score": 5, "plan": p} for p in plans.index], "median")["estimate"]
    assert abs(float(medians @ plans.to_numpy()) - by_hand) > 1e-3
    low, high = table.loc[("best", "mean"), ["conf_low", "conf_high"]]
    assert low < by_hand < high


def test_a_number_is_contrasted_per_unit(model: RetentionModel) -> None:
    table = model.average("visits", per=5, horizon=6).set_index("measure")
    frame = subscribers()
    profiles = frame[["score", "plan", "visits"]]
    means = [
        model.predict(profiles.assign(visits=profiles["visits"] + more), times=6)["estimate"].mean()
        for more in (5, 0)
    ]
    assert table.loc["difference", "estimate"] == pytest.approx(means[0] - means[1], rel=1e-9)
    assert table.loc["difference", "conf_low"] > 0


@pytest.mark.slow
def test_average_intervals_hold_the_truth_in_95_of_100() -> None:
    held = []
    truth = None
    for seed in range(60):
        model = cxlink.hazards(cohort_of_subscribers(subscribers(500, 100 + seed)), "score + plan + visits")
        if truth is None:
            many = subscribers(200_000, 99)
            log_ratio = SLOPE["plan"] * (many["plan"] == "plus") + SLOPE["visits"] * (many["visits"] - 10)
            gap = [np.exp(-6 * 0.15 * np.exp(log_ratio + SLOPE["score"] * (s - 3))).mean() for s in (5, 1)]
            truth = gap[0] - gap[1]
        row = model.average("score", {"best": [5], "worst": [1]}).set_index("measure").loc["difference"]
        held.append(row["conf_low"] <= truth <= row["conf_high"])
    # four standard errors of a share of .95 among 60
    assert abs(np.mean(held) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 60)


def test_a_level_with_losses_only_is_finite_and_said() -> None:
    frame = subscribers(400)
    frame.loc[frame["score"] == 2, "left"] = 0
    for model in (cxlink.hazards(cohort_of_subscribers(frame)), cxlink.aft(cohort_of_subscribers(frame))):
        table = model.summary()
        assert table["penalised"].tolist() == [True, False, False, False]
        assert np.isfinite(table[["coefficient", "conf_low", "conf_high"]]).all(axis=None)
        row = model.predict({"score": 2}, times=6).iloc[0]
        assert 0.9 < row["conf_low"] < row["estimate"] < 1


def test_hazards_end_with_follow_up_and_families_go_on(cohort: cxlink.Cohort, model: RetentionModel) -> None:
    profile = {"score": 3, "plan": "basic", "visits": 10.0}
    with pytest.raises(InputError, match=r"24 months lie beyond follow-up, which ends at 12; .* Use aft"):
        model.predict(profile, times=24)
    later = cxlink.aft(cohort, EVERYTHING).predict(profile, times=[24, 120])
    assert later["estimate"].is_monotonic_decreasing


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("score + vists", "Did you mean 'visits'"),
        ("score + months", "months is an outcome of the score"),
        ("score + spend", "spend is an outcome of the score"),
        ("score + raw(plan)", "which is no number"),
        ("score + calls + poly(calls, degree=1)", "cannot be told from the other terms"),
    ],
)
def test_wrong_terms_are_refused_in_one_line(cohort: cxlink.Cohort, formula: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        cxlink.hazards(cohort, formula)
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_other_refusals(cohort: cxlink.Cohort, model: RetentionModel) -> None:
    with pytest.raises(InputError, match="'gauss' is no family"):
        cxlink.aft(cohort, "score", "gauss")
    with pytest.raises(InputError, match="has no 'calls'"):
        model.average("calls", per=1)
    with pytest.raises(InputError, match="nobody in the cohort has a score of"):
        model.average("score", {"a": [7], "b": [1]})
    with pytest.raises(InputError, match="lifelines has no regression of exponential"):
        _ = cxlink.aft(cohort, "score", "exponential").native
    spend_only = cxlink.make_spec({
        "score": {"column": "score", "scale": "1-5"}, "spend": {"column": "spend", "complete": True}
    })  # fmt: skip
    with pytest.raises(InputError, match=r"needs \[subscription\]"):
        cxlink.hazards(cxlink.read_cohort(subscribers(50), spend_only))
    monotone = spec_of_subscribers(score={"column": "score", "scale": "1-5", "effect": "monotone"})
    with pytest.raises(InputError, match="none of a formula"):
        cxlink.hazards(cxlink.read_cohort(subscribers(50), monotone))


@pytest.mark.parametrize("smooth", ["cr(visits, df=3)", "bs(visits, df=4)", "poly(visits, degree=3)"])
def test_smooth_terms_have_columns_of_their_own(cohort: cxlink.Cohort, smooth: str) -> None:
    model = cxlink.hazards(cohort, f"score + {smooth}")
    assert len(model.design.names) == 1 + int(smooth[-2])
    straight = cxlink.hazards(cohort, "score + visits")
    # one column more could fit no worse, and the truth is straight: twice the gain is a chi-square
    assert 0 <= 2 * (model.log_likelihood - straight.log_likelihood) < 16


def test_models_pickle(model: RetentionModel, cohort: cxlink.Cohort) -> None:
    profile = {"score": 3, "plan": "basic", "visits": 10.0}
    for one in (model, cxlink.aft(cohort, EVERYTHING)):
        again = pickle.loads(pickle.dumps(one))  # our own bytes
        pd.testing.assert_frame_equal(again.predict(profile, times=6), one.predict(profile, times=6))
        pd.testing.assert_frame_equal(again.summary(), one.summary())


def test_proportionality_finds_a_ratio_that_grows() -> None:
    rng = np.random.default_rng(5)
    n = 6000
    score = rng.choice([1, 5], n)
    # the ratio of hazards doubles with each doubling of time
    hazard = -np.expm1(-0.02 * np.arange(1, 13) ** np.where(score == 1, 1.0, 0.0)[:, None])
    left = rng.random((n, 12)) < hazard
    months = np.where(left.any(axis=1), left.argmax(axis=1) + 1, 12)
    frame = pd.DataFrame({"score": score, "months": months, "left": left.any(axis=1).astype(int)})
    spec = spec_of_subscribers(spend=None)
    row = cxlink.hazards(cxlink.read_cohort(frame, spec)).check().iloc[0]
    assert row["conf_low"] < 0.5 < row["conf_high"]  # of the best against the worst
    assert row["conf_high"] < 1


def test_the_forest_is_drawn_where_it_is_asked_for(model: RetentionModel) -> None:
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    assert model.plot(axes) is axes
    assert axes.get_xscale() == "log"
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert len(labels) == len(model.design.names)
    assert labels[:2] == ["score", "plan = plus"]


def test_a_number_far_from_0_is_predicted_as_the_same_one_near_it() -> None:
    frame = subscribers(600)
    near = cxlink.hazards(cohort_of_subscribers(frame), "calls")
    far = cxlink.hazards(cohort_of_subscribers(frame.assign(calls=frame["calls"] + 5000)), "calls")
    values = np.arange(5)
    tables = [model.predict(pd.DataFrame({"calls": at + values})) for model, at in ((near, 0), (far, 5000))]
    assert tables[0]["estimate"].nunique() == 5
    np.testing.assert_allclose(tables[1]["estimate"], tables[0]["estimate"], rtol=1e-6)
    np.testing.assert_allclose(tables[1]["std_error"], tables[0]["std_error"], rtol=0.1)  # of 1,000 draws


@pytest.mark.parametrize("family", ["exponential", "weibull"])
def test_a_family_of_a_cohort_that_lost_nobody_is_refused_for_that(family: str) -> None:
    table = pd.DataFrame({"score": [1, 5, 9, 10], "months": [3, 4, 12, 12], "lost": [0, 0, 0, 0]})
    durations = {"duration": "months", "event": "lost"}
    cohort = cxlink.read_cohort(
        table, {"score": {"column": "score", "scale": "1-10"}, "subscription": durations}
    )
    with pytest.raises(InputError, match="nobody was lost, and a family of tenure is learnt from losses"):
        cxlink.aft(cohort, "score", family=family)

"""Models with a formula, of clustered customers: the errors of an analysis, Student's intervals, and refusals."""

from typing import Any, Literal

import numpy as np
import pytest
from clustered import account_cohort, account_counts, account_rows, account_spec
from scipy.special import logit
from scipy.stats import norm, t

from cxlink import (
    InputError,
    aft,
    compare_models,
    hazards,
    kaplan_meier,
    posterior,
    read_cohort,
    spend_regression,
)
from cxlink.cohort.count.spells import person_periods, spells_of
from cxlink.fits.formulas.formula import parse_formula
from cxlink.fits.formulas.populations import as_profiles, interval
from cxlink.fits.formulas.profile_design import learn_design
from cxlink.fits.model_comparison import _fold_of_buckets
from cxlink.spend.regressions import fit_poisson
from cxlink.spend.spend_cells import spend_cells
from cxlink.survival.families.bucket_covariance import over_buckets
from cxlink.survival.families.catalogue import WEIBULL
from cxlink.survival.families.fit import fit as fit_family
from cxlink.survival.families.fitted import Fit
from cxlink.survival.proportional_hazards.hazard_fit import HazardFit, fit_hazards


def test_hazards_by_a_column_have_the_errors_of_the_spec() -> None:
    model = hazards(account_cohort(None), "score + plan", cluster="account")
    fit = fit_hazards(person_periods(spells_of(account_counts())))
    assert isinstance(fit, HazardFit)
    table = model.summary()
    # of the plan: levels may have another reference
    assert table["std_error"].iloc[-1] == pytest.approx(fit.standard_errors[-1], rel=1e-6)
    freedom = model.support.of_columns()[1:]
    assert ((freedom > 20) & (freedom < 70)).all()
    width = np.log(table["conf_high"] / table["coefficient"].map(np.exp)) / table["std_error"]
    np.testing.assert_allclose(width, t.isf(0.025, freedom), rtol=1e-9)
    same = hazards(account_cohort(), "score + plan").summary()
    np.testing.assert_allclose(same["std_error"], table["std_error"], rtol=1e-12)
    assert (table["std_error"] > 1.2 * hazards(account_cohort(None), "score + plan").summary()["std_error"])[
        :4
    ].all()


def test_regressions_of_spend_have_the_errors_of_the_spec() -> None:
    counts = account_counts()
    fit = fit_poisson(spend_cells(counts, spells_of(counts)))
    model = spend_regression(account_cohort(None), "score + plan", cluster="account")
    plan = model.summary().loc[("amount", "plan[T.b]"), "std_error"]
    assert plan == pytest.approx(np.sqrt(fit.stack.covariance[-1, -1]), rel=1e-6)  # type: ignore[union-attr]
    assert model.check()["std_error"].isna().all()


def test_curves_have_students_draws_and_no_interval_of_few_buckets() -> None:
    one, other = (kaplan_meier(account_cohort(None), cluster=name).at(6) for name in ("account", None))
    np.testing.assert_array_equal(one["estimate"], other["estimate"])
    assert (one["std_error"] / other["std_error"]).mean() > 1.1
    best = kaplan_meier(account_cohort()).difference("best", "worst")
    assert best["std_error"].notna().all()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["hazard", "spend"])
def test_posteriors_of_accounts_have_the_errors_of_their_buckets(kind: Literal["hazard", "spend"]) -> None:
    few: dict[str, Any] = {"draws": 300, "tune": 300, "chains": 2}
    model = posterior(account_cohort(None), kind, cluster="account", **few)
    plain = posterior(account_cohort(None), kind, **few)
    table, other = (one.average().set_index("measure") for one in (model, plain))
    assert table.loc["mean", "estimate"].to_numpy() == pytest.approx(other.loc["mean", "estimate"], rel=0.02)
    assert (table["std_error"] > 1.05 * other["std_error"]).all()
    profile = {"score": 5, "plan": "a"}
    shown, drawn = model.predict(profile), model._drawn(as_profiles(profile), "survival", None)[0]
    narrow = interval(shown["estimate"].to_numpy(), drawn[..., 0], 0.95)
    scale = logit if kind == "hazard" else np.log
    wider = [scale(one["conf_high"]) - scale(one["estimate"]) for one in (shown, narrow)]
    cells, formula = model._cells(), parse_formula("score + plan")
    design = learn_design(formula, cells.profiles, cells.weight)
    support = cells.support(design.matrix(cells.profiles), of_spend=kind == "spend")
    freedom = support.freedom(np.array([[1.0, 0, 0, 0, 1, 0]])).item()  # level 5, plan a
    assert (wider[0] / wider[1]).item() == pytest.approx(t.isf(0.025, freedom) / norm.isf(0.025), rel=1e-9)
    assert model.summary()["conf_low"].notna().any()
    # sums of spend over buckets are rounded otherwise, which chains do not forget
    np.testing.assert_allclose(
        model.check()["value"], plain.check()["value"], rtol=0 if kind == "hazard" else 0.3
    )
    assert model.native["sampled"].sizes == model.native["posterior"].sizes


@pytest.mark.long
def test_posteriors_of_few_accounts_have_estimates_alone() -> None:
    rows = account_rows(60, size=12)
    model = posterior(read_cohort(rows, account_spec()), draws=100, tune=100, chains=2)
    for table in (model.average(), model.predict({"score": 5, "plan": "a"}), model.summary()):
        assert table[["std_error", "conf_low", "conf_high"]].isna().all(axis=None)
        assert table["estimate"].notna().all()


def test_families_by_a_column_have_the_errors_of_an_analysis() -> None:
    counts = person_periods(spells_of(account_counts()))
    fit = over_buckets(fit_family(WEIBULL, counts), counts)
    model = aft(account_cohort(None), "score + plan", "weibull", cluster="account")
    assert isinstance(fit, Fit)
    # of the plan, of the fit by an analysis on the scale of rates: −log time ratio; an iteration each
    n = fit.matrices[0].shape[1]
    at = fit.matrices[0] @ np.eye(n)
    plan = at[1] - at[0]
    expected = np.sqrt(plan @ fit.covariance[:n, :n] @ plan)
    table = model.summary()
    assert table["std_error"].iloc[-1] == pytest.approx(expected, rel=1e-3)
    assert table["coefficient"].iloc[-1] == pytest.approx(-plan @ fit.estimate[:n], abs=1e-4)
    assert model.covariance_type == "robust"
    alone = aft(account_cohort(None), "score + plan", "weibull").summary()
    assert (table["std_error"] > 1.1 * alone["std_error"])[:4].all()
    np.testing.assert_allclose(table["coefficient"], alone["coefficient"], atol=1e-6)


def test_other_refusals_are_one_line() -> None:
    with pytest.raises(InputError, match='covariance="model" takes rows as independent'):
        hazards(account_cohort(), covariance="model")
    with pytest.raises(InputError, match="these counts were made without it"):
        hazards(account_counts(None), cluster="account")


def test_models_are_compared_on_folds_of_whole_accounts() -> None:
    wide, narrow = hazards(account_cohort(), "score + plan"), hazards(account_cohort(), "plan")
    made = compare_models(wide, narrow, folds=4, rival=False)
    assert made["std_error"].iloc[1] > 0
    # folds of single customers have accounts on both sides: the score is then a name of accounts
    loose = [hazards(account_cohort(None), text) for text in ("score + plan", "plan")]
    alone = compare_models(*loose, folds=4, rival=False)
    assert made["log_score"].iloc[0] != alone["log_score"].iloc[0]
    with pytest.raises(InputError, match="one model is of clustered customers and another is not"):
        compare_models(wide, loose[1])
    spend = spend_regression(account_cohort(), "score")
    assert compare_models(spend, folds=3, rival=False)["poisson_deviance"].notna().all()


def test_folds_are_whole_buckets_of_like_sizes() -> None:
    size = np.array([5.0, 0, 9, 7, 7, 2, 6, 4])
    fold = _fold_of_buckets(size, 3, np.random.default_rng(1))
    sums = np.bincount(fold[size > 0], size[size > 0], 3)
    assert sums.sum() == size.sum()
    assert sums.max() - sums.min() <= 3
    with pytest.raises(InputError, match="in 7 buckets of clusters, too few for 8 folds"):
        _fold_of_buckets(size, 8, np.random.default_rng(1))

"""The posterior of spend: from cells as from rows, beside maximum likelihood, and where there is little to go on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from cohorts import counts_of
from scipy import stats
from scipy.special import digamma, expit
from spenders import counted, spec_of, spending

from cxlink.bayes.assessment.leave_one_out import loo_by_cell
from cxlink.bayes.draws.posterior_means import (
    new_spend_draws,
    posterior_means,
    predictive_checks,
    refit_without,
    spend_draws,
    spend_log_likelihood,
)
from cxlink.bayes.draws.prior_draws import prior_predictive
from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.models.hurdle_gamma import HurdleGamma
from cxlink.bayes.models.pymc_models import spend_model
from cxlink.bayes.models.spend_posterior import hurdle_gamma, priors_of, sample_spend
from cxlink.bayes.pooled_counts import BayesEffect
from cxlink.bayes.stacked_spend import StackedCells, cell_log_likelihood, stack_cells, stack_counts
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.report.check_notes import note
from cxlink.spend.fitted_regressions import NoSpendFit, SpendFit
from cxlink.spend.spend_cells import in_units, spend_cells
from cxlink.spend.standardised_means import spend_question
from cxlink.spend.two_part import fit_two_part

NONE = np.zeros(0)


def stacked(*cohorts: Counts) -> StackedCells:
    found = stack_counts({f"c{i}": counts for i, counts in enumerate(cohorts)})
    assert isinstance(found, StackedCells)
    return found


def gammas(n: int, seed: int = 5) -> pd.DataFrame:
    """Customers of one plan whose spend is a hurdle and a gamma of shape 1.5."""
    rng = np.random.default_rng(seed)
    score = rng.integers(1, 6, n)
    mean = 40 * np.exp(0.15 * score)
    y = np.where(rng.random(n) < expit(0.2 * score), rng.gamma(1.5, mean / 1.5), 0.0)
    return pd.DataFrame({"score": score, "plan": "x", "region": "n", "exit": 1, "cause": "", "spend": y})


def few(stack: StackedCells, effect: BayesEffect = "levels", **asked: int) -> Posterior:
    return sample_spend(
        stack, effect, **{"seed": 1, "draws": 250, "tune": 300, "chains": 2, "cores": 1, **asked}
    )


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return spending(3, 1_500)


@pytest.fixture(scope="module")
def sampled(rows: pd.DataFrame) -> tuple[StackedCells, Posterior]:
    stack = stacked(counted(rows))
    return stack, few(stack)


def test_cells_equal_rows(rows: pd.DataFrame) -> None:
    stack = stacked(counted(rows))
    rng = np.random.default_rng(1)
    share, amount = rng.standard_normal((2, 7, len(stack.n)))
    shape = np.exp(0.5 * rng.standard_normal((7, len(stack.n))))
    found = cell_log_likelihood(stack, share, amount, shape)
    whole = rows.dropna(subset=["spend"])
    names = [dict(one) for one in stack.coding.strata]
    at = {
        (stack.coding.levels[level], names[s]["stratum.plan"], names[s]["stratum.region"]): c
        for c, (level, s) in enumerate(zip(stack.level, stack.stratum, strict=True))
    }
    of = np.array([at[key] for key in zip(whole["score"], whole["plan"], whole["region"], strict=True)])
    y = whole["spend"].to_numpy() / stack.unit
    k, mean = shape[:, of], np.exp(amount[:, of])
    with np.errstate(divide="ignore"):
        spent = stats.gamma.logpdf(y, k, scale=mean / k) + np.log(expit(share[:, of]))
    each = np.where(y > 0, spent, np.log(expit(-share[:, of])))
    expected = np.array([np.bincount(of, one, len(stack.n)) for one in each])
    # sums of n terms: 1e-10 each
    assert np.abs(found - expected).max() < 1e-10 * len(whole)
    assert stack.n.sum() == len(whole)


@pytest.mark.parametrize("effect", ["levels", "monotone"])
def test_the_density_is_that_of_the_cells_and_its_gradient_of_it(
    rows: pd.DataFrame, effect: BayesEffect
) -> None:
    stack = stacked(counted(rows), counted(spending(9, 300)))
    made = hurdle_gamma(stack, effect)
    v = 0.3 * np.random.default_rng(2).standard_normal(len(made.start()))
    value, gradient, _ = made.value(v, NONE)
    share, amount, log_k = made.predictors(v)
    at = np.ravel_multi_index((stack.cohort, stack.level, stack.stratum), stack.coding.shape)
    cells = cell_log_likelihood(stack, share[at], amount[at], np.exp(log_k)[stack.level]).sum()
    simplexes = 0.0
    if effect == "monotone":
        drawn = made.described(v, NONE)
        # a Dirichlet of 2 in log-ratios: 2·Σ log ζ
        simplexes = 2 * float(np.log(drawn["steps_share"]).sum() + np.log(drawn["steps_amount"]).sum())
    assert value == pytest.approx(cells + simplexes, abs=1e-10 * stack.n.sum())
    steps = 1e-5 * np.eye(len(v))
    slope = [(made.value(v + d, NONE)[0] - made.value(v - d, NONE)[0]) / 2e-5 for d in steps]
    # central differences: error of the order of the step squared, and rounding of 1e-16·|value|/1e-5
    assert np.array(slope) == pytest.approx(gradient, abs=1e-6 * np.abs(gradient).max())


def test_information_is_the_curvature_where_the_counts_are_as_expected(rows: pd.DataFrame) -> None:
    made = hurdle_gamma(stacked(counted(rows)))
    v = 0.3 * np.random.default_rng(3).standard_normal(len(made.start()))
    share, amount, log_k = made.predictors(v)
    k, level = np.exp(log_k), made.share.effects.level
    positive = made.n * expit(share)
    spenders = np.bincount(level, positive, len(k))
    logs = np.bincount(level, positive * (digamma(k) - log_k)[level] + positive * amount, len(k))
    same = replace(
        made, positive=positive, total=positive * np.exp(amount), spenders=spenders, log_total=logs
    )
    assert same.value(v, NONE)[1] == pytest.approx(np.zeros(len(v)), abs=1e-8 * made.n.sum())
    steps = 1e-5 * np.eye(len(v))
    curved = [(same.value(v - d, NONE)[1] - same.value(v + d, NONE)[1]) / 2e-5 for d in steps]
    # who spends is told before how much: the share's part of the curvature of k and m is 0
    assert np.array(curved) == pytest.approx(same.information(v, NONE), abs=1e-6 * made.n.sum())


@pytest.mark.long
def test_with_plenty_of_customers_it_is_the_likelihoods_maximum() -> None:
    counts = counted(gammas(160_000), adjust=())
    question = spend_question(counts, spells_of(counts))
    fit = fit_two_part(question.cells)
    assert isinstance(fit, SpendFit)
    share, amount = fit.stack.theta
    posterior = few(stacked(counts), draws=1_200, tune=400)
    drawn = {part: posterior.draws(part)[:, 0, :, 0] for part in ("share", "amount")}
    for part, best in (("share", share), ("amount", amount)):
        off = (drawn[part].mean(axis=0) - best) / drawn[part].std(axis=0)
        # the error of a mean of some 2,400 effective draws is 0.02 of these
        assert np.abs(off).max() < 0.1
    errors = np.sqrt(np.diag(fit.stack.plain))
    sds = np.concatenate([drawn["share"].std(axis=0), drawn["amount"].std(axis=0)])
    # one of 2,400 effective draws has an error of 1 %; robust and model-based ones agree where the model is true
    assert sds / errors == pytest.approx(np.ones(10), abs=0.1)
    means = posterior_means(posterior, question, spells_of(counts).strata, spend_draws(posterior))
    theirs = fit.unit * np.exp(amount) * expit(share)
    at = [means.groups.index(str(level)) for level in range(1, 6)]
    assert (np.abs(means.point[at] - theirs) / means.draws[:, at].std(axis=0)).max() < 0.1


@pytest.mark.long
def test_a_monotone_effect_never_turns_back_in_any_stratum(rows: pd.DataFrame) -> None:
    held = rows.copy()
    held.loc[held["score"] == 3, "spend"] *= 0.4
    posterior = few(stacked(counted(held)), "monotone", draws=50, tune=80)
    for part in ("share", "amount"):
        steps = np.diff(posterior.draws(part)[:, 0], axis=1)
        assert ((steps >= -1e-12).all(axis=1) | (steps <= 1e-12).all(axis=1)).all()
    assert posterior.draws("steps_share").sum(axis=1) == pytest.approx(np.ones(posterior.n_draws), abs=1e-12)


@pytest.mark.long
def test_the_same_seed_gives_the_same_draws(rows: pd.DataFrame) -> None:
    stack = stacked(counted(rows))
    one, two, other = (few(stack, draws=20, tune=60, seed=seed, cores=2) for seed in (4, 4, 5))
    assert np.array_equal(one.draws("share"), two.draws("share"))
    assert not np.array_equal(one.draws("share"), other.draws("share"))


@pytest.mark.long
def test_a_level_that_spent_nothing_is_finite_and_not_nothing(rows: pd.DataFrame) -> None:
    held = rows.copy()
    held.loc[held["score"] == 1, "spend"] = 0.0
    stack = stacked(counted(held))
    posterior = few(stack)
    drawn = spend_draws(posterior).mean(axis=2)
    low, high = np.quantile(drawn[:, 0], [0.025, 0.975])
    n = stack.n[stack.level == 0].sum()
    # nobody of n spent: a share of 3/n is still likely (the rule of three), one of 30/n is not
    assert 0 < low < high < 30 / n * drawn[:, 1].mean()
    assert np.isfinite(spend_log_likelihood(posterior, stack)).all()


@pytest.mark.long
def test_one_customer_in_a_stratum_borrows_from_the_others(rows: pd.DataFrame) -> None:
    one = rows.iloc[:1].assign(plan="alone", spend=150.0)
    stack = stacked(counted(pd.concat([rows, one]), adjust=("plan",)))
    posterior = few(stack)
    drawn = spend_draws(posterior)
    at = [dict(s)["stratum.plan"] for s in stack.coding.strata].index("alone")
    others = np.delete(drawn, at, axis=2).mean()
    assert others / 3 < np.median(drawn[:, :, at]) < 3 * others
    assert drawn[:, :, at].std() > 2 * np.delete(drawn, at, axis=2).std(axis=0).mean()


@pytest.mark.long
def test_a_cohort_without_spend_yet_is_predicted_from_the_others() -> None:
    old, older, young = gammas(4_000, 1), gammas(4_000, 2), gammas(400, 3)
    young["spend"] = np.nan
    young.loc[0, "spend"] = 50.0
    one, other, last = (counted(rows, adjust=()) for rows in (old, older, young))
    spend = [name for name in last.cells if str(name).startswith("spend")]
    stack = stacked(one, other, replace(last, cells=last.cells.assign(**dict.fromkeys(spend, 0))))
    posterior = few(stack)
    drawn, known = (spend_draws(posterior, cohort)[:, :, 0] for cohort in ("c2", "c0"))
    low, high = np.quantile(
        new_spend_draws(posterior, np.random.default_rng(8))[:, :, 0], [0.025, 0.975], axis=0
    )
    ends = np.quantile(drawn, [0.025, 0.975], axis=0)
    # a cohort without data is to the model as one not yet seen: 500 draws tell each end to some tenth
    np.testing.assert_allclose(np.log(np.array([low, high]) / ends), 0, atol=0.3)
    # the intercept is known up to what a cohort without data may be, however small that is: a funnel, if sampled so
    assert int(posterior.tree["sample_stats"]["diverging"].sum()) == 0
    truth = 40 * np.exp(0.15 * np.arange(1, 6)) * expit(0.2 * np.arange(1, 6))
    low, high = np.quantile(drawn, [0.005, 0.995], axis=0)
    assert ((low < truth) & (truth < high)).all()
    assert (drawn.std(axis=0) > 2 * known.std(axis=0)).all()


def test_another_currency_is_the_same_posterior(rows: pd.DataFrame) -> None:
    counts = counted(rows)
    cells = spend_cells(counts, spells_of(counts))
    one, other = (stack_cells({"a": found}) for found in (cells, in_units(cells, 0.01)))
    assert isinstance(one, StackedCells)
    assert isinstance(other, StackedCells)
    assert other.unit == pytest.approx(100 * one.unit, rel=1e-12)
    made: list[HurdleGamma] = [hurdle_gamma(stack) for stack in (one, other)]
    v = 0.2 * np.random.default_rng(4).standard_normal(len(made[0].start()))
    assert made[1].value(v, NONE)[0] == pytest.approx(made[0].value(v, NONE)[0], abs=1e-10 * one.n.sum())


def test_a_cell_left_out_by_fitting_anew(sampled: tuple[StackedCells, Posterior]) -> None:
    stack, posterior = sampled
    log = spend_log_likelihood(posterior, stack)
    asked: list[int] = []
    refit = refit_without(stack, "levels", seed=3, draws=150, chains=1)

    def counted_refit(cell: int) -> np.ndarray:
        asked.append(cell)
        return refit(cell) if len(asked) == 1 else log[:, :, cell].ravel()

    found = loo_by_cell(log, counted_refit)
    assert asked == list(found.refitted)
    assert len(found.elpd) == len(stack.n)
    # what is predicted is likelier with the cell in than without it, by about as much as there are parameters
    assert 0 < found.p < len(stack.n) * 3
    first = asked[0]
    assert found.elpd[first] < log[:, :, first].mean()


def test_cohorts_like_the_one_counted(sampled: tuple[StackedCells, Posterior]) -> None:
    stack, posterior = sampled
    checks = predictive_checks(posterior, stack, np.random.default_rng(1))
    of = {quantity: [c for c in checks if c.code == quantity] for quantity in {c.code for c in checks}}
    assert {name: len(found) for name, found in of.items()} == {
        "predicted_zeros": 5, "predicted_mean": 5, "predicted_spread": 5,
    }  # fmt: skip
    assert all(c.passed for c in of["predicted_zeros"] + of["predicted_mean"])
    # amounts are log-normal, with a longer tail than any gamma's: at the best level it shows
    assert of["predicted_spread"][-1].value < 0.02
    skewed = replace(stack, squares=stack.squares * 3)
    last = predictive_checks(posterior, skewed, np.random.default_rng(1))[-1]
    assert last.passed is False
    assert (last.facts["case"], last.bound) == ("short", 0.005)
    assert note(last).endswith(
        "Amounts are not gamma-distributed, and the model’s intervals of mean spend are too narrow"
    )


@pytest.mark.slow
def test_priors_are_of_the_variables_and_know_no_currency(sampled: tuple[StackedCells, Posterior]) -> None:
    stack, posterior = sampled
    names = tuple(str(name) for name in posterior.tree["posterior"].data_vars)
    assert sorted(priors_of(names)) == sorted(
        name for name in names if name.startswith(("intercept", "spread", "steps", "slope"))
    )
    known = priors_of((*names, "steps_amount"))
    laws = {
        name: (known[name].distribution, known[name].scale)
        for name in ("intercept_share", "spread_shape", "steps_amount")
    }
    assert laws == {
        "intercept_share": ("normal", 1.5), "spread_shape": ("gamma", 0.2), "steps_amount": ("dirichlet", 2.0),
    }  # fmt: skip
    assert known["spread_level_share"] == known["spread_level_amount"]
    assert known["spread_level_share"].name == "spread_level"
    for effect in ("levels", "monotone"):
        prior = prior_predictive(spend_model(stack, effect), 2_000, 1)
        share, amount = (prior[part].to_numpy()[0, :, 0] for part in ("share", "amount"))
        drawn = (expit(share) * np.exp(amount)).mean(axis=2)
        assert drawn.shape == (2_000, 5)
        low, middle, high = np.quantile(drawn[:, -1], [0.025, 0.5, 0.975])
        # half spend, about the mean of who did; a fiftieth and five times that are not ruled out
        assert 0.3 < middle < 0.8
        assert low < 0.05
        assert high > 4
        ratio = np.quantile(drawn[:, -1] / drawn[:, 0], [0.025, 0.5, 0.975])
        assert ratio[1] == pytest.approx(1, abs=0.1)
        assert 4 < ratio[2] < 40


def refused(counts: Counts) -> str:
    found = stack_counts({"a": counts})
    assert isinstance(found, NoSpendFit)
    assert found.model == "bayes"
    return found.reason


def test_what_it_cannot_take_is_said(rows: pd.DataFrame) -> None:
    assert refused(counts_of(rows, spec_of(refunds=True))) == "refunds"
    assert refused(counted(rows.assign(spend=0.0))) == "nobody_spent"
    assert refused(counted(rows.assign(spend=np.nan))) == "no_complete_window"

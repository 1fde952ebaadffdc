"""`bayes`: the fit is maximum likelihood's where counts are plentiful, and odd cohorts hold."""

import numpy as np
import pytest
from drawn import LEVELS, cloglog_cohort, periods_of, two_cohorts
from scipy.optimize import approx_fprime
from scipy.special import softmax
from scipy.stats import binom, dirichlet, gamma, norm

from cxlink.bayes.assessment.pointwise import cell_log_likelihood, cells_of, log_prior, without
from cxlink.bayes.draws.new_cohort import NEW
from cxlink.bayes.draws.posterior_curves import fitted, survival_of
from cxlink.bayes.models.binomial_cells import cell_terms, products_of, waned
from cxlink.bayes.models.density import conditioned
from cxlink.bayes.models.hazard_posterior import hazard_likelihood
from cxlink.bayes.pooled_counts import bayes_effect, coding_from, pool, zero_sum
from cxlink.bayes.priors import hazard_priors
from cxlink.survival.proportional_hazards.hazard_draws import estimated
from cxlink.survival.proportional_hazards.hazard_fit import fit_hazards

FEW = {"draws": 100, "tune": 150, "chains": 2, "cores": 1}


def test_the_likelihood_of_a_cell_is_the_binomial_one() -> None:
    # three of ten lost at H = 0.5: 3·log(1 − e^−.5) − 7·.5
    value, slope = cell_terms(np.array([[10.0]]), np.array([[3.0]]), np.log([[0.5]]))
    assert value == pytest.approx(3 * np.log(-np.expm1(-0.5)) - 3.5, abs=1e-12)
    # dℓ/dη = H·(3/(e^H − 1) − 7)
    assert slope[0, 0] == pytest.approx(0.5 * (3 / np.expm1(0.5) - 7), abs=1e-12)


@pytest.mark.parametrize("largest", [0.29, 0.31, 3.0])
def test_sums_of_products_are_sums_over_cells(largest) -> None:
    rng = np.random.default_rng(1)
    at_risk = rng.integers(0, 1000, (7, 5)).astype(float)
    lost = np.floor(at_risk * rng.uniform(0, 1, at_risk.shape))
    path, total = rng.uniform(-2, 0, 5), rng.uniform(-2, 0, 7)
    path += np.log(largest) - path.max() - total.max()
    value, by_row, by_period = products_of(at_risk, lost).terms(path, total)
    hazard = np.exp(path + total[:, None])
    by_hand = (lost * np.log(-np.expm1(-hazard)) - (at_risk - lost) * hazard).sum()
    slope = hazard * (lost / np.expm1(hazard) - (at_risk - lost))
    # the series' error is 1e-13 of each of 35 cells of 1,000 customers
    assert value == pytest.approx(by_hand, rel=1e-11)
    np.testing.assert_allclose(by_row, slope.sum(axis=1), rtol=1e-9, atol=1e-7)
    np.testing.assert_allclose(by_period, slope.sum(axis=0), rtol=1e-9, atol=1e-7)


@pytest.mark.long
def test_where_counts_are_plentiful_the_fit_is_that_of_maximum_likelihood() -> None:
    cohort = cloglog_cohort(40_000_000, strata=3)
    posterior = fitted(pool({"a": cohort}), "bayes", 12, seed=5, draws=1000, tune=300, chains=2)
    walk, base, score = (posterior.draws(name) for name in ("walk", "baseline", "score"))
    draws = walk[:, None, None] + (base[:, 0, None] + score[:, 0])[..., None]
    fit = fit_hazards(cohort, interacting=True)
    found = estimated(fit)
    path = np.log(np.diff(found.cumulative[0]))
    likeliest = path + (fit.design.matrix @ found.beta[0]).reshape(5, 3, 1)
    off = np.abs(draws.mean(axis=0) - likeliest) / draws.std(axis=0)
    assert off.max() < 0.1


@pytest.mark.long
def test_the_spread_of_effects_that_are_alike_is_small_and_of_others_is_not() -> None:
    alike = fitted(pool({"a": cloglog_cohort(20_000, steps=(0.0,) * 5)}), "bayes", 12, seed=1, **FEW)
    apart = fitted(pool({"a": cloglog_cohort(20_000)}), "bayes", 12, seed=1, **FEW)
    assert alike.draws("spread_level").mean() < 0.2 < 0.3 < apart.draws("spread_level").mean() < 1.2


@pytest.mark.long
def test_a_monotone_effect_never_turns_back_and_has_the_sign_of_the_counts() -> None:
    for steps, sign in (((0.6, 0.5, 0.1, 0.2, -0.4), -1), ((-0.6, -0.5, -0.1, -0.2, 0.4), 1)):
        pooled = pool({"a": cloglog_cohort(4_000, strata=2, steps=steps)}, "monotone")
        score = fitted(pooled, "bayes", 12, seed=1, **FEW).draws("score")
        rises = np.diff(score[:, 0], axis=1)
        # within each stratum all steps of a draw go one way
        assert (np.sign(rises).max(axis=1) * np.sign(rises).min(axis=1) >= 0).all()
        assert (sign * (score[:, 0, -1] - score[:, 0, 0]) > 0).mean() > 0.99


@pytest.mark.long
def test_beyond_follow_up_intervals_widen_and_inside_they_do_not_know_of_it() -> None:
    posterior = fitted(pool({"a": cloglog_cohort(5_000)}), "bayes", 12, seed=1, **FEW)
    pairs = (np.array([2]), np.array([0]))
    far = survival_of(posterior, 40, np.random.default_rng(1))
    near = survival_of(posterior, 6, np.random.default_rng(2))
    every = slice(0, posterior.n_draws)
    inside = far.log_survival(every, pairs, np.arange(7))
    np.testing.assert_array_equal(inside, near.log_survival(every, pairs, np.arange(7)))
    times = np.array([5, 6, 19, 20, 39, 40])
    drawn = [survival_of(posterior, 40, np.random.default_rng(k)) for k in range(20)]
    hazards = [-np.diff(one.log_survival(every, pairs, times)[:, 0], axis=1)[:, ::2] for one in drawn]
    variance = np.log(np.concatenate(hazards)).var(axis=0)
    # the walk's variance grows by σ² a period: by 14 and 34 of them; four standard errors of 4,000 heavy-tailed draws
    grown = variance[1:] - variance[0]
    assert grown[1] / grown[0] == pytest.approx(34 / 14, abs=0.5)
    spread = posterior.draws("spread_walk")
    assert grown[0] == pytest.approx(14 * np.mean(spread**2), rel=0.2)


@pytest.mark.long
def test_a_waning_effect_is_found_and_halves_after_its_half_life() -> None:
    np.testing.assert_allclose(waned(7, np.array(3.0))[[0, 3, 6]], [1, 0.5, 0.25], atol=1e-12)
    rng = np.random.default_rng(4)
    effect = np.array([0.8, 0.4, 0.0, -0.4, -0.8])[:, None, None] * waned(12, np.array(3.0))
    cohort = periods_of(-np.expm1(-np.exp(effect - 2.5)), np.full((5, 1), 200_000), rng)
    posterior = fitted(pool({"a": cohort}), "bayes", 12, seed=1, waning=True, **FEW)
    assert np.exp(posterior.draws("log_half_life")).mean() == pytest.approx(3.0, abs=0.3)


@pytest.mark.long
def test_a_young_cohort_borrows_and_a_new_one_is_predicted_with_more_doubt() -> None:
    older = {name: cloglog_cohort(4_000, seed=k) for k, name in enumerate(("2023", "2024"))}
    young = cloglog_cohort(100, periods=2, seed=7)
    posterior = fitted(pool({**older, "2025": young}), "bayes", 12, seed=1, **FEW)
    alone = fitted(pool({"2025": young}), "bayes", 12, seed=1, **FEW)
    pairs, every = (np.array([0]), np.array([0])), slice(0, posterior.n_draws)

    def spread(one, cohort) -> float:
        survival = survival_of(one, 6, np.random.default_rng(1), cohort=cohort)
        return float(np.exp(survival.log_survival(every, pairs, np.array([6]))).std())

    assert spread(posterior, "2023") < spread(posterior, "2025") < spread(posterior, NEW)
    assert spread(posterior, "2025") < 0.8 * spread(alone, "2025")
    # a new cohort of a single pooled one stands on the prior spread of cohorts
    assert spread(alone, NEW) > spread(alone, "2025")


@pytest.mark.long
def test_a_level_that_nobody_gave_lies_between_its_neighbours_under_a_monotone_effect() -> None:
    cohort = cloglog_cohort(3_000, steps=(0.5, 0.2, -0.4, -0.6))
    given = type(cohort)(
        (1, 2, 4, 5), cohort.strata, cohort.level, cohort.stratum, cohort.at_risk, cohort.lost
    )
    for effect in ("levels", "monotone"):
        posterior = fitted(pool({"a": given}, effect, LEVELS), "bayes", 12, seed=1, **FEW)
        score = posterior.draws("score")[:, 0, :, 0]
        assert score.shape == (200, 5)
        if effect == "monotone":
            assert (score[:, 3] <= score[:, 2]).all()
            assert (score[:, 2] <= score[:, 1]).all()
        else:
            # free, it is anything that levels are: its spread is that of their law
            assert score[:, 2].std() > 2 * score[:, 1].std()


def test_cells_add_up_whatever_their_order() -> None:
    pooled = two_cohorts("levels")
    older, younger = cloglog_cohort(400, strata=3), cloglog_cohort(150, strata=2, periods=3, seed=2)
    assert pooled.at_risk.shape == (2, 5, 3, 6)
    assert pooled.at_risk[1, :, 2].sum() == pooled.at_risk[1, :, :, 3:].sum() == 0
    for found, one, other in (
        (pooled.at_risk, older.at_risk, younger.at_risk),
        (pooled.lost, older.lost, younger.lost),
    ):
        np.testing.assert_array_equal(found[0].reshape(15, 6), one)
        np.testing.assert_array_equal(found[1, :, :2, :3].reshape(10, 3), other)
    assert coding_from(pooled.coding.as_dict()) == pooled.coding


def test_what_checks_ask_is_by_cell_and_by_draw() -> None:
    pooled = pool({"a": cloglog_cohort(300, strata=2)})
    posterior = fitted(pooled, "bayes", 12, seed=1, **FEW)
    found = cell_log_likelihood(posterior, pooled)
    cohort, level, stratum, period = cells_of(pooled)
    assert found.shape == (2, 100, len(level))
    # one cell by hand: binomial, with its coefficient
    k = int(np.argmax(pooled.lost[cohort, level, stratum, period] > 1))
    at = (0, level[k], stratum[k])
    tree = posterior.tree["posterior"]
    eta = tree["walk"][1, 7, period[k]] + tree["baseline"][1, 7, 0, stratum[k]] + tree["score"][(1, 7, *at)]
    r, d = pooled.at_risk[at][period[k]], pooled.lost[at][period[k]]
    assert found[1, 7, k] == pytest.approx(binom.logpmf(d, r, -np.expm1(-np.exp(float(eta)))), abs=1e-9)
    left = without(pooled, k)
    assert pooled.at_risk.sum() - left.at_risk.sum() == r
    assert log_prior(posterior).shape == (2, 100)


@pytest.mark.long
def test_the_prior_of_what_was_chosen_is_that_of_pymc() -> None:
    pooled = pool({"a": cloglog_cohort(300, strata=2)}, "monotone")
    made = conditioned(hazard_likelihood(pooled, 4))
    posterior = fitted(pooled, "bayes", 4, seed=1, **FEW)
    tree = posterior.tree["posterior"]
    drawn = {name: float(tree[name][1, 7]) for name in made.sd_names}
    means = dict(zip(made.sd_names, made.sd_means, strict=True))
    score = tree["score"][1, 7, 0].to_numpy().mean(axis=1)
    by_hand = sum(gamma.logpdf(drawn[name], 2, scale=means[name] / 2) for name in drawn)
    by_hand += norm.logpdf(score[4] - score[0], 0, 1.5)
    # a Dirichlet of 2, up to its constant
    by_hand += np.log(np.diff(tree["position"][1, 7])).sum()
    # a year's cumulative hazard is between .01 (99 % kept) and 4.6 (1 %): in quarters, a fourth of it
    low, high = (np.log(-np.log(kept) / 4) for kept in (0.99, 0.01))
    by_hand += norm.logpdf(
        float(tree["baseline"][1, 7].mean()), (low + high) / 2, (high - low) / 2 / 1.959964
    )
    assert log_prior(posterior)[1, 7] == pytest.approx(by_hand, abs=1e-6)


def test_zero_sum_effects_have_the_law_that_pymc_gives_them() -> None:
    basis = zero_sum(4)
    np.testing.assert_allclose(basis.T @ basis, np.eye(3), atol=1e-12)
    # covariance of ZeroSumNormal: σ²·(I − 1/n)
    np.testing.assert_allclose(basis @ basis.T, np.eye(4) - 0.25, atol=1e-12)


def test_steps_of_a_simplex_are_a_dirichlet_of_two() -> None:
    every = hazard_likelihood(two_cohorts("monotone"), 12).every
    v = np.zeros(every.base.shape[1])
    v[every.at["steps"]] = [0.3, -0.2, 0.5]
    value, slope = every.log_steps(v)
    simplex = softmax(zero_sum(4) @ [0.3, -0.2, 0.5])
    # (2 − 1)·Σ log ζ of the Dirichlet, and as much again of the softmax
    assert value == pytest.approx(2 * np.log(simplex).sum(), abs=1e-12)
    none = np.zeros(every.base.shape[1])
    law = dirichlet([2.0] * 4)
    moved = law.logpdf(simplex) - law.logpdf([0.25] * 4)
    change = np.log(simplex).sum() - 4 * np.log(0.25)
    assert value - every.log_steps(none)[0] == pytest.approx(moved + change, abs=1e-12)
    # log-ratios of gammas of shape 2
    assert every.blocks[2].sd ** 2 == pytest.approx(np.pi**2 / 6 - 1, abs=1e-12)
    numeric = approx_fprime(v, lambda w: every.log_steps(w)[0], 1e-7)
    np.testing.assert_allclose(slope, numeric, atol=1e-5)


def test_every_prior_has_a_name_of_its_own_and_other_forms_of_effect_are_free() -> None:
    priors = hazard_priors()
    assert len({prior.name for prior in priors}) == len(priors)
    assert [bayes_effect(one) for one in ("levels", "linear", "spline", "monotone")] == ["levels"] * 3 + [
        "monotone"
    ]

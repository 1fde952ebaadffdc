"""Draws rescaled over buckets of accounts: the formula by hand, other estimators' errors, and what stays as it is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clustered import account_counts, account_rows, account_spec
from scipy.special import expit

from cxlink import read_cohort
from cxlink.bayes.assessment.pointwise import cell_log_likelihood
from cxlink.bayes.draws.posterior_curves import fitted, survival_of
from cxlink.bayes.draws.posterior_file import load_posteriors, save_posteriors
from cxlink.bayes.draws.posterior_means import spend_draws, spend_log_likelihood
from cxlink.bayes.models.spend_posterior import sample_spend
from cxlink.bayes.pooled_counts import PooledPeriods, pool
from cxlink.bayes.rescaling.bucket_influences import LARGEST, Influences
from cxlink.bayes.rescaling.rescaled_draws import (
    RESCALED,
    SAMPLED,
    Standardised,
    as_sampled,
    rescaled_check,
    rescaled_retention,
    rescaled_spend,
    standardised,
)
from cxlink.bayes.rescaling.retention_influences import retention_influences
from cxlink.bayes.rescaling.spend_influences import spend_influences
from cxlink.bayes.stacked_spend import StackedCells, stack_counts
from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import person_periods, spells_of
from cxlink.spend.spend_cells import BucketSums
from cxlink.survival.proportional_hazards.hazard_fit import HazardFit, fit_hazards

FEW: dict[str, Any] = {"draws": 100, "tune": 150, "chains": 2}
MORE: dict[str, Any] = {"draws": 1000, "tune": 400, "chains": 2}


def pooled_of(counts: Counts, levels: tuple[int, ...] | None = None) -> PooledPeriods:
    return pool({"a": person_periods(spells_of(counts))}, levels=levels)


def stack_of(counts: Counts) -> StackedCells:
    stack = stack_counts({"a": counts})
    assert isinstance(stack, StackedCells)
    return stack


def without_plan(rows: pd.DataFrame) -> Counts:
    return read_cohort(rows, account_spec(adjust={"columns": []})).count()


@pytest.mark.parametrize("n_factors", [3, 9])
def test_the_covariance_is_the_prior_s_part_and_the_moves_without_each_bucket(n_factors: int) -> None:
    rng = np.random.default_rng(3)
    influence, factors = rng.normal(0, 0.3, (5, 7)), rng.normal(0, 0.05, (5, n_factors))
    weights = rng.integers(0, 4, (n_factors, 7)).astype(float)
    made = Influences(influence, factors, weights)
    between = np.zeros((5, 5))
    for b in range(7):
        own = factors @ np.diag(weights[:, b]) @ factors.T
        move = np.linalg.solve(np.eye(5) - own, influence[:, b])
        between += np.outer(move, move) * 6 / 7
    information = factors @ np.diag(weights.sum(axis=1)) @ factors.T
    by_hand = np.eye(5) + between - information
    np.testing.assert_allclose(made.covariance(10**15), by_hand, atol=1e-10)
    chance = np.trace(between - information) / 50
    assert chance > 0
    np.testing.assert_allclose(made.covariance(50), by_hand - chance * np.eye(5), atol=1e-10)


@pytest.mark.parametrize("n_factors", [1, 4])
def test_a_bucket_that_is_nearly_all_there_is_moves_draws_four_times_at_most(n_factors: int) -> None:
    factors, weights = np.zeros((2, n_factors)), np.zeros((n_factors, 1))
    factors[0, 0], weights[0, 0] = 1.0, 0.999
    moved = Influences(np.array([[0.5], [0.5]]), factors, weights)._left_out(0)
    np.testing.assert_allclose(moved, [0.5 / (1 - LARGEST), 0.5], atol=1e-12)


def test_mapped_draws_have_the_covariance_and_the_mean_stays() -> None:
    rng = np.random.default_rng(4)
    z = np.linalg.qr(rng.normal(size=(50, 3)) - 0.0)[0]
    z = z - z.mean(axis=0)
    z = z @ np.linalg.inv(np.linalg.cholesky(z.T @ z / 50)).T
    loading = rng.normal(size=(3, 4))
    values = 7 + z @ loading
    covariance = np.array([[2.0, 0.3, 0.0], [0.3, 0.5, 0.1], [0.0, 0.1, 1.0]])
    moved = Standardised({"a": (), "b": (3,)}, values, z, loading).mapped(covariance)
    flat = np.column_stack([moved["a"], moved["b"]])
    np.testing.assert_allclose(flat.mean(axis=0), values.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(np.cov(flat.T, bias=True), loading.T @ covariance @ loading, atol=1e-12)


@pytest.mark.long
@pytest.mark.parametrize("model", ["bayes", "bayes_sbg"])
def test_influences_on_retention_add_up_to_the_covariance_with_the_likelihood(model: str) -> None:
    pooled = pooled_of(account_counts(), levels=(1, 2, 3, 4, 5))
    posterior = fitted(pooled, model, 12, seed=1, **FEW)
    found = standardised(posterior)
    np.testing.assert_allclose(found.z.mean(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(found.z.T @ found.z / len(found.z), np.eye(found.z.shape[1]), atol=1e-8)
    made = retention_influences(posterior, pooled, found.z)
    likelihood = cell_log_likelihood(posterior, pooled).sum(axis=2).ravel()
    np.testing.assert_allclose(made.influence.sum(axis=1), found.z.T @ likelihood / len(found.z), atol=1e-9)
    assert made.weights.sum() == pooled.at_risk.sum()
    assert made.n_buckets == len(np.unique(account_counts().cells["bucket"]))


@pytest.mark.long
def test_influences_on_spend_add_up_to_the_covariance_with_the_likelihood() -> None:
    stack = stack_of(account_counts())
    posterior = sample_spend(stack, seed=1, **FEW)
    z = standardised(posterior).z
    made = spend_influences(posterior, stack, z)
    likelihood = spend_log_likelihood(posterior, stack).sum(axis=2).ravel()
    np.testing.assert_allclose(made.influence.sum(axis=1), z.T @ likelihood / len(z), atol=1e-9)


@pytest.mark.long
def test_the_information_on_spend_is_the_covariance_of_influences_of_customers_drawn_from_the_model() -> None:
    stack = stack_of(account_counts())
    posterior = sample_spend(stack, seed=1, **FEW)
    z, n, rng = standardised(posterior).z, 20_000, np.random.default_rng(8)
    c, level, stratum = stack.cohort[0], stack.level[0], stack.stratum[0]
    p = expit(posterior.draws("share")[:, c, level, stratum]).mean()
    m, k = (
        np.exp(posterior.draws("amount")[:, c, level, stratum]).mean(),
        posterior.draws("shape")[:, level].mean(),
    )
    some = rng.random(n) < p
    y = np.where(some, rng.gamma(k, m / k, n), 0.0)
    sums = {"n": np.ones(n), "positive": some, "total": y, "log_total": np.log(np.where(some, y, 1.0))}
    each = {name: np.vstack([one, np.zeros((len(stack.n) - 1, n))]) for name, one in sums.items()}
    made = spend_influences(posterior, replace(stack, buckets=BucketSums(**each)), z)
    drawn = np.cov(made.influence, bias=True)
    of_share = posterior.draws("share")[:, c, level, stratum]
    of_amount = posterior.draws("amount")[:, c, level, stratum]
    # along what the cell's own two predictors vary with: variances of 20,000 to 1 to 3 %, four times that
    for along in (z.T @ of_share, z.T @ of_amount, z.T @ np.log(posterior.draws("shape")[:, level])):
        assert along @ made.information @ along / n == pytest.approx(along @ drawn @ along, rel=0.1)


@pytest.mark.long
def test_where_counts_are_plentiful_errors_are_those_of_grouped_hazards_over_buckets() -> None:
    """Log hazard ratios of five levels: posterior deviations beside the jackknife over buckets."""
    counts = without_plan(account_rows(24_000, seed=6))
    periods = person_periods(spells_of(counts))
    pooled = pooled_of(counts)
    posterior = fitted(pooled, "bayes", 12, seed=2, **MORE)
    shown = rescaled_retention(posterior, pooled)
    fit = fit_hazards(periods)
    plain = fit_hazards(replace(periods, exposures=replace(periods.exposures, bucket=None)))
    assert isinstance(fit, HazardFit)
    assert isinstance(plain, HazardFit)
    for one, errors in ((shown, fit.standard_errors), (posterior, plain.standard_errors)):
        score, zero = one.draws("score")[:, 0, :, 0], fit.design.reference
        apart = np.delete(score - score[:, [zero]], zero, axis=1)
        # a deviation of 2,000 draws to 1.6 %, four times that; shrinkage and the walk leave some per cent more
        np.testing.assert_allclose(apart.std(axis=0) / errors, 1, atol=0.12)
    assert shown.about[RESCALED]["factor"] > 1.2


@pytest.mark.long
def test_where_counts_are_plentiful_mean_spend_has_the_error_of_a_mean_over_buckets() -> None:
    counts = without_plan(account_rows(24_000, seed=6))
    stack = stack_of(counts)
    shown = rescaled_spend(sample_spend(stack, seed=2, **MORE), stack)
    deviation = spend_draws(shown)[:, :, 0].std(axis=0)
    cells = counts.scored
    for k, level in enumerate(stack.coding.levels):
        mine = cells[cells["score"] == level]
        n, total = (np.bincount(mine["bucket"], mine[name], BUCKETS) for name in ("spend_n", "spend_sum"))
        g = int((n > 0).sum())
        apart = total - n * total.sum() / n.sum()
        error = np.sqrt(g / (g - 1) * (apart**2).sum()) / n.sum()
        assert deviation[k] == pytest.approx(error, rel=0.12)


@pytest.mark.long
def test_accounts_of_one_customer_leave_draws_about_as_they_are() -> None:
    counts = without_plan(account_rows(6000, size=1, seed=7))
    pooled = pooled_of(counts)
    shown = rescaled_retention(fitted(pooled, "bayes", 12, seed=2, **MORE), pooled)
    # a variance of some 200 buckets to 10 %, of some fifteen directions together to less
    assert shown.about[RESCALED]["factor"] == pytest.approx(1.0, abs=0.1)


@pytest.mark.long
def test_a_level_that_nobody_gave_keeps_the_spread_of_its_prior() -> None:
    """The infinitesimal jackknife alone would leave it hardly any: the counts say nothing of it."""
    rows = account_rows()
    pooled = pooled_of(without_plan(rows[rows["score"] != 3]), levels=(1, 2, 3, 4, 5))
    posterior = fitted(pooled, "bayes", 12, seed=2, **MORE)
    shown = rescaled_retention(posterior, pooled)
    before, after = ((one.draws("score")[:, 0, 2, 0]).std() for one in (posterior, shown))
    assert after == pytest.approx(before, rel=0.15)


@pytest.mark.long
def test_sampled_draws_stay_beside_and_are_kept_in_the_file(tmp_path: Path) -> None:
    pooled = pooled_of(account_counts())
    posterior = fitted(pooled, "bayes", 12, seed=1, **FEW)
    shown = rescaled_retention(posterior, pooled)
    (check,) = rescaled_check(shown, "retention")
    assert check.facts["buckets"] == len(np.unique(account_counts().cells["bucket"]))
    assert not rescaled_check(posterior, "retention")
    back = as_sampled(shown)
    assert back.about == posterior.about
    assert SAMPLED not in back.tree.children
    for name in map(str, posterior.tree["posterior"].data_vars):
        np.testing.assert_array_equal(back.draws(name), posterior.draws(name))
        assert shown.draws(name).mean() == pytest.approx(posterior.draws(name).mean(), rel=0.2, abs=0.05)
    save_posteriors({"bayes": shown}, tmp_path / "posterior.nc")
    read = load_posteriors(tmp_path / "posterior.nc")["bayes"]
    np.testing.assert_array_equal(as_sampled(read).draws("score"), posterior.draws("score"))
    np.testing.assert_array_equal(read.draws("score"), shown.draws("score"))
    curve = survival_of(read, 6, np.random.default_rng(0)).log_survival(
        slice(None), (np.array([0]), np.array([0])), np.arange(7)
    )
    assert (np.diff(curve, axis=2) < 0).all()


@pytest.mark.long
def test_independent_customers_are_left_as_sampled() -> None:
    counts = account_counts(None)
    pooled, stack = pooled_of(counts), stack_of(counts)
    assert pooled.customers is None
    assert stack.buckets is None
    posterior, spend = fitted(pooled, "bayes", 12, seed=1, **FEW), sample_spend(stack, seed=1, **FEW)
    assert rescaled_retention(posterior, pooled) is posterior
    assert rescaled_spend(spend, stack) is spend
    mixed = pool({"a": person_periods(spells_of(account_counts())), "b": person_periods(spells_of(counts))})
    assert mixed.customers is None
    both = {
        "a": person_periods(spells_of(account_counts())),
        "b": person_periods(spells_of(account_counts())),
    }
    customers = pool(both).customers
    assert customers is not None
    assert customers.n.sum() == 2 * pooled_of(account_counts()).customers.n.sum()  # type: ignore[union-attr]

"""The densities on counts are the PyMC models, compiled: the same log density up to a constant, the same gradient."""

import numpy as np
import pytest
from drawn import cloglog_cohort, two_cohorts
from pymc_truth import beside_pymc
from spenders import counted, spending

from cxlink.bayes.models.density import conditioned
from cxlink.bayes.models.hazard_posterior import hazard_likelihood
from cxlink.bayes.models.pymc_models import hazard_model, renewal_model, spend_model
from cxlink.bayes.models.sbg_posterior import renewal_likelihood
from cxlink.bayes.models.spend_posterior import hurdle_gamma
from cxlink.bayes.pooled_counts import BayesEffect, PooledPeriods, pool
from cxlink.bayes.stacked_spend import StackedCells, stack_counts

SEEDS = range(2)
# PyMC weighs what sums to zero by a ratio of small whole numbers, which it takes in single precision
SINGLE = 1e-6
ONE_PERIOD = pool({"a": cloglog_cohort(200, strata=2, periods=1, steps=(0.5, -0.5))}, "monotone")


def cohorts_of(effect: BayesEffect, several: bool) -> PooledPeriods:
    return two_cohorts(effect) if several else pool({"a": cloglog_cohort(300)}, effect)


def held_equal(found: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    gaps, ours, theirs = found
    assert gaps == pytest.approx(np.full(len(gaps), gaps[0]), abs=SINGLE)
    assert np.abs(ours).max() > 1
    np.testing.assert_allclose(ours, theirs, atol=SINGLE)


@pytest.mark.long
@pytest.mark.parametrize(
    ("effect", "several", "waning"),
    [
        ("levels", False, False),
        ("levels", True, True),
        pytest.param("monotone", True, False, marks=pytest.mark.slow),
        ("monotone", False, True),
    ],
)
def test_the_hazard_is_that_of_pymc(effect: BayesEffect, several: bool, waning: bool) -> None:
    pooled = cohorts_of(effect, several)
    plain, model = hazard_likelihood(pooled, 12, waning=waning), hazard_model(pooled, 12, waning=waning)
    held_equal(beside_pymc(model, plain, conditioned(plain), pooled.coding, SEEDS))


@pytest.mark.long
@pytest.mark.parametrize(
    ("effect", "several"),
    [pytest.param("levels", True, marks=pytest.mark.slow), ("monotone", False)],
)
def test_the_shifted_beta_geometric_is_that_of_pymc(effect: BayesEffect, several: bool) -> None:
    pooled = cohorts_of(effect, several)
    plain, model = renewal_likelihood(pooled), renewal_model(pooled)
    held_equal(beside_pymc(model, plain, conditioned(plain), pooled.coding, SEEDS))


@pytest.mark.long
@pytest.mark.parametrize(
    ("effect", "several"),
    [("levels", False), pytest.param("monotone", True, marks=pytest.mark.slow)],
)
def test_the_hurdle_gamma_is_that_of_pymc(effect: BayesEffect, several: bool) -> None:
    counts = {"old": counted(spending(3, 400)), "new": counted(spending(9, 200))}
    stack = stack_counts(counts if several else {"old": counts["old"]})
    assert isinstance(stack, StackedCells)
    plain, model = hurdle_gamma(stack, effect), spend_model(stack, effect)
    held_equal(beside_pymc(model, plain, conditioned(plain), stack.coding, SEEDS))


@pytest.mark.long
@pytest.mark.parametrize("waning", [False, True])
def test_one_period_and_two_levels_have_neither_a_walk_nor_steps(waning: bool) -> None:
    plain, model = hazard_likelihood(ONE_PERIOD, 4, waning=waning), hazard_model(ONE_PERIOD, 4, waning=waning)
    assert {one.name for one in model.free_RVs}.isdisjoint({"walk_steps", "spread_walk", "steps"})
    # with one period nothing wanes, and the half-life is its prior's
    held_equal(beside_pymc(model, plain, conditioned(plain), ONE_PERIOD.coding, SEEDS))


def test_dimensions_have_the_names_of_what_they_count() -> None:
    pooled = two_cohorts("monotone")
    model = hazard_model(pooled, 12)
    assert model.named_vars_to_dims["log_survival"] == ("cohort", "level", "stratum", "period")
    assert model.named_vars_to_dims["steps"] == ("step",)
    assert model.coords["cohort"] == ("older", "younger")
    assert model.coords["stratum"] == ("plan=a", "plan=b", "plan=c")
    assert model.coords["step"] == ("1 to 2", "2 to 3", "3 to 4", "4 to 5")
    assert len(model.coords["cell"]) == (pooled.at_risk > 0).sum()

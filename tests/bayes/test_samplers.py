"""Either sampler draws from the same posterior, and PyMC's own is what is asked for by its name."""

import importlib

import numpy as np
import pytest
from drawn import cloglog_cohort
from spenders import counted, spending

from cxlink.bayes.draws.posterior_curves import fitted, survival_of
from cxlink.bayes.draws.posterior_means import spend_draws
from cxlink.bayes.draws.sampling import SAMPLERS, sampler_named
from cxlink.bayes.models.spend_posterior import sample_spend
from cxlink.bayes.pooled_counts import pool
from cxlink.bayes.stacked_spend import StackedCells, stack_counts
from cxlink.cohort.errors import InputError

SOME = {"draws": 500, "tune": 500, "chains": 2}


def test_a_sampler_is_nutpie_unless_it_is_named() -> None:
    assert sampler_named(None, bayes=False) == sampler_named(None, bayes=True) == "nutpie"
    assert sampler_named("pymc", bayes=True) == "pymc"
    with pytest.raises(InputError, match=r"--sampler stan: no such sampler\. Choose nutpie or pymc\."):
        sampler_named("stan", bayes=True)
    with pytest.raises(InputError, match=r"--sampler pymc: nothing is sampled .* Add --bayes\."):
        sampler_named("pymc", bayes=False)


def alike(one: np.ndarray, other: np.ndarray) -> None:
    """Means agree within four Monte Carlo errors of some 250 effective draws each, and standard deviations too."""
    sd = (one.std(axis=0) + other.std(axis=0)) / 2
    error = sd * np.sqrt(2 / 250)
    assert (np.abs(one.mean(axis=0) - other.mean(axis=0)) < 4 * error).all()
    assert (np.abs(one.std(axis=0) - other.std(axis=0)) < 4 * error / np.sqrt(2)).all()


@pytest.mark.slow
@pytest.mark.parametrize(("model", "effect"), [("bayes", "levels"), ("bayes_sbg", "monotone")])
def test_both_samplers_say_the_same_of_retention(model, effect) -> None:
    pooled = pool({"a": cloglog_cohort(2_000)}, effect)
    posteriors = [fitted(pooled, model, 12, seed=1, sampler=one, **SOME) for one in SAMPLERS]
    names = [set(one.tree["posterior"].data_vars) for one in posteriors]
    assert names[0] == names[1]
    pairs = (np.arange(5), np.zeros(5, int))
    kept = [
        np.exp(
            survival_of(one, 6, np.random.default_rng(1)).log_survival(slice(None), pairs, np.array([1, 6]))
        )
        for one in posteriors
    ]
    alike(*kept)


@pytest.mark.slow
def test_both_samplers_say_the_same_of_spend() -> None:
    stack = stack_counts({"a": counted(spending(3, 1_500))})
    assert isinstance(stack, StackedCells)
    posteriors = [sample_spend(stack, seed=1, sampler=one, **SOME) for one in SAMPLERS]
    names = [set(one.tree["posterior"].data_vars) for one in posteriors]
    assert names[0] == names[1]
    alike(*(spend_draws(one).mean(axis=2) for one in posteriors))


def test_pymc_s_own_sampler_is_run_on_pymc_s_model_and_an_interruption_passed_on(monkeypatch) -> None:
    inside = importlib.import_module("pymc")
    asked = {}

    def interrupted(**given):
        asked.update(given)
        given["callback"](trace=None, draw=None)

    monkeypatch.setattr(inside, "sample", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fitted(pool({"a": cloglog_cohort(100)}), "bayes", 12, seed=1, sampler="pymc", **SOME)
    assert asked["nuts_sampler"] == "pymc"
    assert "lost" in {one.name for one in asked["model"].observed_RVs}
    assert (asked["draws"], asked["tune"], asked["chains"]) == (500, 500, 2)

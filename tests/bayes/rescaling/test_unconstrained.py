"""Stored draws on unconstrained scales: there and back, whatever the effect, and monotone wherever they are moved."""

from typing import Any

import numpy as np
import pytest
from clustered import account_counts

from cxlink.bayes.draws.posterior_curves import fitted
from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.models.spend_posterior import sample_spend
from cxlink.bayes.pooled_counts import BayesEffect, pool
from cxlink.bayes.rescaling.unconstrained import constrained, unconstrained
from cxlink.bayes.stacked_spend import StackedCells, stack_counts
from cxlink.cohort.count.spells import person_periods, spells_of

pytestmark = pytest.mark.long

FEW: dict[str, Any] = {"draws": 30, "tune": 60, "chains": 2}
MODELS = ("bayes", "bayes_sbg", "waning", "spend")


def sampled(model: str, effect: BayesEffect) -> Posterior:
    counts = account_counts()
    if model == "spend":
        stack = stack_counts({"a": counts, "b": counts})
        assert isinstance(stack, StackedCells)
        return sample_spend(stack, effect, seed=1, **FEW)
    periods = person_periods(spells_of(counts))
    pooled = pool({"a": periods, "b": periods}, effect)
    return fitted(
        pooled, "bayes" if model == "waning" else model, 12, seed=1, waning=model == "waning", **FEW
    )


@pytest.mark.parametrize("effect", ["levels", "monotone"])
@pytest.mark.parametrize("model", MODELS)
def test_there_and_back_every_quantity_is_the_same(model: str, effect: BayesEffect) -> None:
    posterior = sampled(model, effect)
    free = unconstrained(posterior)
    again = constrained(posterior, free)
    for name in map(str, posterior.tree["posterior"].data_vars):
        assert np.isfinite(free[name]).all()
        np.testing.assert_allclose(again.draws(name), posterior.draws(name), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("model", MODELS)
def test_however_far_they_are_moved_effects_rise_and_deviations_are_positive(model: str) -> None:
    posterior = sampled(model, "monotone")
    rng = np.random.default_rng(2)
    moved = {name: one + rng.normal(0, 3, one.shape) for name, one in unconstrained(posterior).items()}
    far = constrained(posterior, moved)
    names = [str(name) for name in posterior.tree["posterior"].data_vars]
    for name in names:
        if name.startswith("spread"):
            assert (far.draws(name) > 0).all()
    for name, axis in (("share", 2), ("amount", 2)) if model == "spend" else (("score", 2),):
        steps = np.diff(far.draws(name), axis=axis)
        assert ((steps >= -1e-12).all(axis=axis) | (steps <= 1e-12).all(axis=axis)).all()
    for name in (name for name in names if name.startswith("position")):
        x = far.draws(name)
        np.testing.assert_allclose(x.sum(axis=-1), 0, atol=1e-10)
        np.testing.assert_allclose(x[:, -1] - x[:, 0], 1, atol=1e-10)

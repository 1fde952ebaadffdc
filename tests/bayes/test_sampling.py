"""Sampling: the same seed gives the same draws, what is kept comes back, and nothing is left of an interrupted run."""

import importlib
import json
import math

import numpy as np
import pytest
from drawn import two_cohorts

from cxlink.bayes.draws.posterior_curves import fitted, survival_of
from cxlink.bayes.draws.posterior_file import load_posteriors, save_posteriors
from cxlink.bayes.draws.prior_draws import prior_predictive
from cxlink.bayes.draws.sampling import LogDensity, Posterior, sample
from cxlink.bayes.models.hazard_posterior import hazard_density
from cxlink.bayes.models.pymc_models import hazard_model
from cxlink.cohort.errors import InputError

FEW = {"draws": 60, "tune": 80, "chains": 2}


def _normal(mean: float, sd: float) -> LogDensity:
    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        z = (x - mean) / sd
        return -0.5 * float(z @ z), -z / sd

    return LogDensity(3, lambda: evaluate, lambda x: {"x": x, "first": x[0]}, {"x": (3,), "first": ()})


def _bytes(posterior: Posterior) -> bytes:
    parts = (posterior.tree[group].to_dataset() for group in ("posterior", "sample_stats"))
    return b"".join(one[name].to_numpy().tobytes() for one in parts for name in sorted(one.data_vars))


def test_a_normal_law_is_drawn_from() -> None:
    found = sample(_normal(4.0, 2.0), "bayes", seed=1, draws=1000, tune=200, chains=2)
    draws = found.draws("x")
    assert draws.shape == (2000, 3)
    # four standard errors of 2,000 draws, which NUTS makes at least as good as independent ones here
    assert draws.mean(axis=0) == pytest.approx(np.full(3, 4.0), abs=4 * 2 / math.sqrt(2000))
    assert draws.std(axis=0) == pytest.approx(np.full(3, 2.0), abs=4 * 2 / math.sqrt(2 * 1000))
    np.testing.assert_array_equal(found.draws("first"), draws[:, 0])
    assert set(found.tree["sample_stats"].data_vars) >= {"diverging", "energy"}


@pytest.mark.long
def test_the_same_seed_gives_the_same_bytes_however_many_cores() -> None:
    pooled = two_cohorts("monotone")
    first, again, other = (
        fitted(pooled, "bayes", 12, seed=seed, cores=cores, draws=20, tune=40, chains=2)
        for seed, cores in ((7, 1), (7, 2), (8, 2))
    )
    assert _bytes(first) == _bytes(again)
    assert _bytes(first) != _bytes(other)


@pytest.mark.long
def test_draws_come_back_from_a_file_and_answer_new_questions(tmp_path) -> None:
    posterior = fitted(two_cohorts("levels"), "bayes", 12, seed=7, cores=1, **FEW)
    path = tmp_path / "posterior.nc"
    save_posteriors({"bayes": posterior, "other": sample(_normal(0.0, 1.0), "bayes", seed=1, **FEW)}, path)
    read = load_posteriors(path)
    assert set(read) == {"bayes", "other"}
    assert read["other"].draws("x").shape == (120, 3)
    found = read["bayes"]
    assert found.name == "bayes"
    assert found.about == json.loads(json.dumps(posterior.about))
    assert _bytes(found) == _bytes(posterior)
    pairs = (np.array([1, 3]), np.array([0, 2]))
    asked = [survival_of(one, 30, np.random.default_rng(1), cohort="younger") for one in (posterior, found)]
    answers = [one.log_survival(slice(0, 50), pairs, np.arange(31)) for one in asked]
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize("version", [0, 99])
def test_a_posterior_of_another_format_is_refused(tmp_path, monkeypatch, version) -> None:
    from cxlink.bayes.draws import posterior_file

    posterior = sample(_normal(0.0, 1.0), "bayes", seed=1, cores=1, **FEW)
    path = tmp_path / "posterior.nc"
    with monkeypatch.context() as patched:
        patched.setattr(posterior_file, "FORMAT", version)
        save_posteriors({"bayes": posterior}, path)
    with pytest.raises(
        InputError, match=rf"posterior.nc: a posterior of format {version}; this version reads 1\. Fit"
    ):
        load_posteriors(path)


def test_what_is_no_posterior_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match=r"nothing\.nc: no such file"):
        load_posteriors(tmp_path / "nothing.nc")
    path = tmp_path / "text.nc"
    path.write_text("draws")
    with pytest.raises(InputError, match=r"text.nc: not a posterior\. `cxlink fit --bayes` writes one"):
        load_posteriors(path)


@pytest.mark.long
def test_progress_is_told_to_the_end() -> None:
    told: list[float] = []
    density = _normal(0.0, 1.0)
    sample(density, "bayes", seed=1, draws=20_000, tune=200, chains=2, progress=told.append)
    assert told == sorted(told)
    assert all(0 <= share <= 1 for share in told)


def test_an_interruption_is_passed_on(monkeypatch) -> None:
    inside = importlib.import_module("nutpie.sample")
    cancelled = []

    def interrupted(self, *, timeout=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(inside._BackgroundSampler, "wait", interrupted)
    monkeypatch.setattr(inside._BackgroundSampler, "cancel", lambda _: cancelled.append(True))
    with pytest.raises(KeyboardInterrupt):
        sample(_normal(0.0, 1.0), "bayes", seed=1, cores=1, **FEW)
    assert cancelled


def test_priors_are_drawn_from_and_say_what_they_mean_for_retention() -> None:
    model = hazard_model(two_cohorts("monotone"), 12)
    found = prior_predictive(model, 100, seed=1)
    again = prior_predictive(model, 100, seed=1)
    log_survival = found["log_survival"].to_numpy()[0]
    np.testing.assert_array_equal(log_survival, again["log_survival"].to_numpy()[0])
    assert log_survival.shape == (100, 2, 5, 3, 6)
    assert (np.diff(log_survival, axis=-1) <= 0).all()
    kept = np.exp(log_survival[:, 0, 2, 0, -1])
    # half a year: next to nobody or next to everybody in some draws, and neither in most
    assert 0.5 < np.median(kept) < 0.99
    assert kept.min() < 0.5
    assert kept.max() > 0.99


def test_the_density_is_of_finite_shapes_for_any_point() -> None:
    density = hazard_density(two_cohorts("levels"), 12)
    evaluate = density.evaluate()
    for scale in (0.0, 1.0, 20.0):
        value, gradient = evaluate(np.full(density.size, scale))
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
    described = density.expand(np.zeros(density.size))
    assert {name: np.shape(one) for name, one in described.items()} == dict(density.shapes)

"""Posteriors of customers in accounts in an analysis: wider and Student's intervals of every scenario, and checks."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clustered import account_counts, account_rows, account_spec
from scipy.special import logit, ndtri, stdtrit

from cxlink import read_cohort
from cxlink.bayes.draws.posterior_averages import retention_draws
from cxlink.bayes.draws.posterior_means import refit_without
from cxlink.bayes.rescaling.rescaled_draws import as_sampled
from cxlink.checks import matching
from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.bayesian import posterior_assessment, prior_predictive
from cxlink.estimands.bayesian.posterior_estimates import Bayesian, bayesian_results
from cxlink.estimands.over_clusters.clustered_rows import Clustering, clustering
from cxlink.estimands.tidy import KEY, tidy

pytestmark = pytest.mark.long

FEW: dict[str, Any] = {"draws": 150, "tune": 150, "chains": 2, "cores": 1}
ENDS = ["std_error", "conf_low", "conf_high"]


@pytest.fixture(scope="module")
def found() -> Bayesian:
    """What is found of a cohort pooled with an earlier one of the same accounts, with few draws."""
    earlier = read_cohort(account_rows(600, seed=9), account_spec()).count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(posterior_assessment, "_REFIT", {**FEW, "draws": 50})
        patch.setattr(posterior_assessment, "refit_without", partial(refit_without, draws=60))
        patch.setattr(prior_predictive, "_DRAWS", 100)
        counts = account_counts()
        cohorts = {"old": earlier, "new": counts}
        return bayesian_results(cohorts, spells_of(counts), np.random.default_rng(3), lambda _: None, **FEW)


def clusters() -> Clustering:
    over = clustering(account_counts())
    assert over is not None
    return over


def test_every_row_has_the_interval_of_its_buckets(found: Bayesian) -> None:
    over = clusters()
    raw = tidy(found.rows).set_index(list(KEY))
    made = tidy([{k: v for k, v in row.items() if k != "over_buckets"} for row in over.rows(found.rows)])
    made = made.set_index(list(KEY))
    assert made.index.equals(raw.index)
    scenarios = made.index.get_level_values("scenario")
    assert set(scenarios) >= {"", "alone", "new_cohort"}
    shown = made[made.index.get_level_values("estimand").isin(["retention", "spend"])]
    assert shown[ENDS].notna().all(axis=None)
    key = next(key for key in shown.index if key[:3] == ("retention", "bayes", "5"))
    assert over.buckets is not None
    factor = stdtrit(over.buckets.effective(("5",), "no"), 0.975) / ndtri(0.975)
    stretched = [logit(one.loc[key, "conf_high"]) - logit(one.loc[key, "estimate"]) for one in (made, raw)]
    assert stretched[0] / stretched[1] == pytest.approx(factor, rel=1e-9)


@pytest.mark.parametrize("name", ["bayes", "bayes_sbg"])
def test_retention_is_about_as_sampled_and_its_errors_are_larger(found: Bayesian, name: str) -> None:
    counts = account_counts()
    before, after = (
        retention_draws(one, spells_of(counts), counts.spec, np.random.default_rng(1))[-1]
        for one in (as_sampled(found.posteriors[name]), found.posteriors[name])
    )
    np.testing.assert_allclose(after.point, before.point, atol=0.01)
    ratio = after.draws[..., -1].std(axis=0) / before.draws[..., -1].std(axis=0)
    assert 1.1 < ratio.mean() < 1.6


def test_the_factor_of_each_posterior_is_a_check_and_replicates_decide_nothing(found: Bayesian) -> None:
    over = clusters()
    rescaled = matching(found.findings, code="rescaled_draws")
    assert [(one.model, one.facts["of"]) for one in rescaled] == [
        ("bayes", "retention"), ("bayes_sbg", "retention"), ("bayes", "spend"),
    ]  # fmt: skip
    assert all(1.05 < one.value < 2 for one in rescaled)
    checks = over.checks(found.findings)
    replicated = [one for one in checks if one.code.startswith("predicted_")]
    assert replicated
    assert {one.passed for one in replicated} == {None}
    assert {one.facts["missed"] for one in replicated} <= {True, False}
    assert [one.passed for one in matching(checks, code="rhat")] == [
        one.passed for one in matching(found.findings, code="rhat")
    ]


def test_curves_have_students_intervals_and_those_of_priors_stay(found: Bayesian) -> None:
    over = clusters()
    shown = found.with_curves(over.curves)
    for before, after in zip(found.curves, shown.curves, strict=True):
        if (before["scenario"] == "prior").all():
            pd.testing.assert_frame_equal(before, after)
        else:
            later = before["time"] > 0
            assert (after["conf_low"][later] < before["conf_low"][later]).all()
            assert (after["conf_high"][later] > before["conf_high"][later]).all()

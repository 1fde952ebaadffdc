"""Errors over buckets of clusters: statsmodels' cluster covariance on the rows, and refits without each bucket."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from clustered import account_counts, account_rows, n_buckets

from cxlink.cohort.count.clusters import bucket_of
from cxlink.cohort.count.spells import PersonPeriods, person_periods, spells_of
from cxlink.survival.proportional_hazards.cloglog import mean_covariates
from cxlink.survival.proportional_hazards.hazard_draws import drawn
from cxlink.survival.proportional_hazards.hazard_fit import HazardFit, fit_hazards

N_BUCKETS = n_buckets()


@pytest.fixture(scope="module")
def periods() -> PersonPeriods:
    return person_periods(spells_of(account_counts()))


@pytest.fixture(scope="module")
def sandwich(periods: PersonPeriods) -> HazardFit:
    return _fit(periods)


def _fit(periods: PersonPeriods, covariance: str = "robust") -> HazardFit:
    fit = fit_hazards(periods, covariance=covariance)  # type: ignore[arg-type]
    assert isinstance(fit, HazardFit)
    return fit


def _rows(fit: HazardFit, periods: PersonPeriods) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, period and design, and bucket of each customer's periods."""
    rows = account_rows()
    level = rows["score"].map({k: i for i, k in enumerate(periods.levels)}).to_numpy()
    plan = rows["plan"].map({"a": 0, "b": 1}).to_numpy()
    used = np.flatnonzero(fit.informative)
    who, period = np.nonzero(rows["months"].to_numpy()[:, None] > used)
    outcome = (rows["months"].to_numpy()[who] - 1 == used[period]) & (rows["left"].to_numpy()[who] == 1)
    dummies = np.eye(len(used))[period]
    design = np.hstack([fit.design.matrix[level * 2 + plan][who], dummies])
    return outcome.astype(float), design, rows["account"].map(bucket_of).to_numpy()[who]


def test_errors_are_those_of_statsmodels_clustered_by_bucket(
    periods: PersonPeriods, sandwich: HazardFit
) -> None:
    outcome, design, bucket = _rows(sandwich, periods)
    assert len(set(bucket)) == N_BUCKETS
    theirs = sm.GLM(outcome, design, sm.families.Binomial(sm.families.links.CLogLog())).fit(
        tol=1e-14, maxiter=300, cov_type="cluster", cov_kwds={"groups": bucket, "use_correction": False}
    )  # fmt: skip
    n = len(sandwich.solution.beta)
    expected = np.asarray(theirs.cov_params()) * N_BUCKETS / (N_BUCKETS - 1)
    both = sandwich.errors.joint(mean_covariates(sandwich.grouped, sandwich.solution.weight))
    np.testing.assert_allclose(sandwich.solution.beta, theirs.params[:n], atol=1e-8)
    np.testing.assert_allclose(sandwich.covariance, expected[:n, :n], rtol=1e-6, atol=1e-10)
    np.testing.assert_allclose(both, expected, rtol=1e-5, atol=1e-8)
    alone = _fit(replace(periods, exposures=replace(periods.exposures, bucket=None)))  # type: ignore[type-var]
    assert (sandwich.standard_errors > 1.2 * alone.standard_errors)[: len(periods.levels) - 1].all()


def test_draws_have_the_joint_covariance(sandwich: HazardFit) -> None:
    draws = drawn(sandwich, 20_000, np.random.default_rng(3))
    log_hazard = np.log(np.diff(draws.cumulative, axis=1)[:, sandwich.informative])
    found = np.cov(np.hstack([draws.beta, log_hazard]).T)
    expected = sandwich.errors.joint(mean_covariates(sandwich.grouped, sandwich.solution.weight))
    # four standard errors of a variance from 20,000 draws, and the second order of the logarithms
    np.testing.assert_allclose(np.diag(found), np.diag(expected), rtol=4 * np.sqrt(2 / 20_000) + 0.02)
    correlation = expected / np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    np.testing.assert_allclose(np.corrcoef(np.hstack([draws.beta, log_hazard]).T), correlation, atol=0.04)


def test_the_jackknife_is_that_of_refits_without_each_bucket(
    periods: PersonPeriods, sandwich: HazardFit
) -> None:
    exposures = periods.exposures
    assert exposures is not None
    assert exposures.bucket is not None
    left_out = []
    for bucket in np.unique(exposures.bucket):
        at_risk, lost = exposures.of_bucket(int(bucket)).by_period(
            exposures.n[exposures.bucket == bucket], periods.at_risk.shape
        )
        fewer = replace(periods, at_risk=periods.at_risk - at_risk, lost=periods.lost - lost, exposures=None)
        left_out.append(_fit(fewer, "model").solution.beta)
    deviations = np.array(left_out) - np.mean(left_out, axis=0)
    expected = (N_BUCKETS - 1) / N_BUCKETS * deviations.T @ deviations
    found = _fit(periods, "jackknife")
    # of levels: a refit may take another plan for the reference; and one Newton step stands for a refit
    levels = slice(0, len(periods.levels) - 1)
    np.testing.assert_allclose(found.standard_errors[levels], np.sqrt(np.diag(expected))[levels], rtol=5e-3)
    assert (found.standard_errors > sandwich.standard_errors).all()

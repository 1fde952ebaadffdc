"""`bayes_sbg`: the hazard Fader and Hardie's, and plentiful counts give maximum likelihood."""

import numpy as np
import pytest
from drawn import cloglog_cohort, periods_of, two_cohorts
from scipy.special import expit

from cxlink.bayes.assessment.pointwise import cell_log_likelihood, log_prior
from cxlink.bayes.draws.new_cohort import NEW
from cxlink.bayes.draws.posterior_curves import Renewed, fitted, survival_of
from cxlink.bayes.models.sbg_posterior import renewal_likelihood
from cxlink.bayes.pooled_counts import pool
from cxlink.bayes.priors import POLARISATION, renewal_priors
from cxlink.survival.families.catalogue import SHIFTED_BETA_GEOMETRIC
from cxlink.survival.families.fit import fit
from cxlink.survival.families.fitted import Fit

FEW = {"draws": 100, "tune": 150, "chains": 2, "cores": 1}


def test_survival_is_the_family_s_closed_form() -> None:
    churn, polarisation = np.array([[[-1.0]], [[0.5]]]), np.array([[[-2.0]], [[1.0]]])
    times = np.array([0, 1, 2, 12, 60])
    found = Renewed(churn, polarisation).log_survival(slice(0, 2), (np.array([0]), np.array([0])), times)
    closed = SHIFTED_BETA_GEOMETRIC.linked(times[1:].astype(float), churn[:, 0], polarisation[:, 0])
    np.testing.assert_allclose(found[:, 0, 1:], closed, rtol=1e-9)
    # S(1) = 1 − μ, by hand
    np.testing.assert_allclose(np.exp(found[:, 0, 1]), 1 - expit([-1.0, 0.5]), rtol=1e-12)


@pytest.mark.long
def test_where_counts_are_plentiful_the_fit_is_that_of_maximum_likelihood() -> None:
    rng = np.random.default_rng(2)
    mean, odds = expit(np.array([-0.8, -1.2, -1.7]))[:, None, None], np.array([0.5, 0.3, 0.2])[:, None, None]
    cohort = periods_of(mean / (1 + odds * np.arange(8)), np.full((3, 1), 20_000_000), rng)
    posterior = fitted(pool({"a": cohort}), "bayes_sbg", 12, seed=3, draws=1000, tune=300, chains=2)
    churn = posterior.draws("baseline")[:, 0] + posterior.draws("score")[:, 0, :, 0]
    shape = (
        posterior.draws(f"baseline{POLARISATION}")[:, 0] + posterior.draws(f"score{POLARISATION}")[:, 0, :, 0]
    )
    found = fit(SHIFTED_BETA_GEOMETRIC, cohort, acts_on="shape")
    assert isinstance(found, Fit)
    likeliest = found.linked(found.estimate[None], np.arange(3), np.zeros(3, int))
    for draws, at in ((churn, likeliest[0]), (shape, likeliest[1])):
        off = np.abs(draws.mean(axis=0) - at[0]) / draws.std(axis=0)
        assert off.max() < 0.1


@pytest.mark.long
def test_everything_is_by_cohort_and_a_new_one_is_in_more_doubt() -> None:
    pooled = two_cohorts("levels")
    posterior = fitted(pooled, "bayes_sbg", 12, seed=1, **FEW)
    assert posterior.draws("score").shape == (200, 2, 5, 3)
    assert cell_log_likelihood(posterior, pooled).shape[:2] == log_prior(posterior).shape == (2, 100)
    pairs, every = (np.array([2]), np.array([0])), slice(0, 200)
    asked = [survival_of(posterior, 6, np.random.default_rng(1), cohort=name) for name in ("older", NEW)]
    spread = [np.exp(one.log_survival(every, pairs, np.array([6]))).std() for one in asked]
    assert spread[0] < spread[1]


def test_every_learnt_standard_deviation_has_its_prior() -> None:
    spreads = {block.sd_name for block in renewal_likelihood(two_cohorts("levels")).blocks if block.sd_name}
    priors = renewal_priors()
    assert spreads <= {prior.name for prior in priors}
    assert len({prior.name for prior in priors}) == len(priors)


def test_a_cohort_with_one_level_and_one_stratum_is_the_plain_family() -> None:
    rng = np.random.default_rng(1)
    cohort = periods_of(0.3 / (1 + 0.3 * np.arange(6))[None, None], np.array([[2000]]), rng)
    posterior = fitted(pool({"a": cohort}), "bayes_sbg", 12, seed=1, **FEW)
    kept = cohort.at_risk[0, -1] - cohort.lost[0, -1]
    survival = survival_of(posterior, 6, np.random.default_rng(1))
    found = np.exp(survival.log_survival(slice(0, 200), (np.zeros(1, int), np.zeros(1, int)), np.array([6])))
    # its error is that of a share of 2,000
    share = kept / 2000
    assert found.mean() == pytest.approx(share, abs=3 * np.sqrt(share * (1 - share) / 2000))
    assert 0.5 < found.std() / np.sqrt(share * (1 - share) / 2000) < 1.5


def test_levels_of_the_clogog_cohort_rank_as_its_hazards_do() -> None:
    posterior = fitted(pool({"a": cloglog_cohort(50_000)}), "bayes_sbg", 12, seed=1, **FEW)
    assert (np.diff(posterior.draws("score")[:, 0, :, 0].mean(axis=0)) < 0).all()

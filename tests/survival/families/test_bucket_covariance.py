"""Covariances of families over buckets of clusters, against statsmodels and by the sums of their scores."""

from functools import cache

import numpy as np
import pytest
import statsmodels.api as sm
from clustered import account_counts

from cxlink.cohort.count.spells import PersonPeriods, merged_over_strata, person_periods, spells_of
from cxlink.survival.families.bucket_covariance import Predicted, bucket_scores, over_buckets
from cxlink.survival.families.catalogue import EXPONENTIAL, GENERALISED_GAMMA, LOG_NORMAL, WEIBULL, cure
from cxlink.survival.families.family import Family
from cxlink.survival.families.fit import fit
from cxlink.survival.families.fitted import Fit


@cache
def periods(cluster: str | None = "account") -> PersonPeriods:
    return person_periods(spells_of(account_counts(cluster)))


def fitted(family: Family, counts: PersonPeriods) -> Fit:
    made = fit(family, counts)
    assert isinstance(made, Fit)
    return made


def test_the_exponential_has_the_errors_of_a_clustered_glm() -> None:
    """Its hazard is constant: a binomial GLM with complementary log-log link on person-periods."""
    counts = merged_over_strata(periods())
    customers = counts.exposures
    assert customers is not None
    assert customers.bucket is not None
    made = over_buckets(fitted(EXPONENTIAL, counts), counts)
    assert isinstance(made, Fit)
    length = customers.exit - customers.entry
    lost = customers.lost.astype(float)
    y = np.column_stack([customers.n * lost, customers.n * (length - lost)])
    x = np.eye(len(counts.levels))[customers.row]
    model = sm.GLM(y, x, family=sm.families.Binomial(sm.families.links.CLogLog()))
    other = model.fit(
        tol=1e-12, cov_type="cluster", cov_kwds={"groups": customers.bucket, "use_correction": False}
    )
    g = len(np.unique(customers.bucket))
    at = made.matrices[0]
    # an iteration each
    np.testing.assert_allclose(at @ made.estimate[: at.shape[1]], other.params, atol=1e-5)
    own = at @ made.covariance[: at.shape[1], : at.shape[1]] @ at.T
    np.testing.assert_allclose(own, other.cov_params() * g / (g - 1), atol=1e-5)


@pytest.mark.parametrize("family", [WEIBULL, LOG_NORMAL, GENERALISED_GAMMA])
def test_scores_of_buckets_sum_to_nothing_at_the_maximum(family: Family) -> None:
    made, counts = fitted(family, periods()), periods()
    assert counts.exposures is not None
    at = counts.level * made.n_strata + counts.stratum
    designs = tuple(matrix[at if len(matrix) > 1 else 0 * at] for matrix in made.matrices)
    predicted = Predicted(family, designs, made.estimate, counts.at_risk.shape[1])
    scores = bucket_scores(predicted, counts.exposures)
    assert np.abs(scores).max() > 1
    np.testing.assert_allclose(scores.sum(axis=0), 0, atol=1e-3)


def test_errors_are_larger_where_accounts_are_alike_and_the_estimate_stays() -> None:
    made = fitted(WEIBULL, periods())
    over = over_buckets(made, periods())
    assert isinstance(over, Fit)
    n = made.n_score
    ratio = np.sqrt(np.diag(over.covariance)[:n] / np.diag(made.covariance)[:n])
    assert (ratio > 1.2).all()
    assert (over.estimate == made.estimate).all()
    drawn = over.draws(4_000, np.random.default_rng(1))
    # of a standard deviation, four standard errors of 4,000 draws
    expected = np.sqrt(np.diag(over.covariance))[:n]
    np.testing.assert_allclose(drawn.std(axis=0)[:n], expected, rtol=4 / np.sqrt(8_000))


def test_independent_customers_keep_their_covariance() -> None:
    made = fitted(WEIBULL, periods(None))
    assert over_buckets(made, periods(None)) is made


def test_what_a_penalty_knows_is_kept() -> None:
    made = fitted(cure(EXPONENTIAL), periods())
    over = over_buckets(made, periods())
    assert isinstance(over, Fit)
    if made.held.size:
        least = made.covariance @ made.held @ made.covariance
        assert np.linalg.eigvalsh(over.covariance - least).min() > -1e-9
    assert np.linalg.eigvalsh(over.covariance).min() > -1e-9

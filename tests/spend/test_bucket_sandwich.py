"""Regressions of spend over buckets of clusters: statsmodels' cluster covariance, and refits without each bucket."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from clustered import account_counts, account_rows, n_buckets

from cxlink.cohort.count.clusters import BUCKETS, bucket_of
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.spend.fitted_regressions import SpendFit
from cxlink.spend.regressions import fit_gamma, fit_poisson
from cxlink.spend.spend_cells import SpendCells, spend_cells
from cxlink.spend.two_part import fit_log_ols, fit_two_part

N_BUCKETS = n_buckets()
SCALE = N_BUCKETS / (N_BUCKETS - 1)


@pytest.fixture(scope="module")
def cells() -> SpendCells:
    return _cells(account_counts())


def _cells(counts: Counts) -> SpendCells:
    return spend_cells(counts, spells_of(counts))


def _fitted(found: object) -> SpendFit:
    assert isinstance(found, SpendFit)
    return found


def _rows(cells: SpendCells, fit: SpendFit) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = account_rows()
    level = rows["score"].map({k: i for i, k in enumerate(cells.levels)}).to_numpy()
    plan = (rows["plan"] == "b").to_numpy(int)
    design = fit.terms[0].design.rows(cells)[:, fit.terms[0].columns]
    place = {(a, b): k for k, (a, b) in enumerate(zip(cells.level, cells.stratum, strict=True))}
    x = design[[place[pair] for pair in zip(level, plan, strict=True)]]
    return rows["spend"].to_numpy(), x, rows["account"].map(bucket_of).to_numpy()


@pytest.mark.parametrize(
    ("fit", "family"),
    [(fit_poisson, sm.families.Poisson()), (fit_gamma, sm.families.Gamma(sm.families.links.Log()))],
    ids=["poisson", "gamma"],
)
def test_errors_are_those_of_statsmodels_clustered_by_bucket(
    cells: SpendCells, fit: Callable[[SpendCells], object], family: object
) -> None:
    found = _fitted(fit(cells))
    y, x, bucket = _rows(cells, found)
    theirs = sm.GLM(y, x, family=family).fit(
        tol=1e-14, maxiter=200, cov_type="cluster", cov_kwds={"groups": bucket, "use_correction": False}
    )
    expected = np.asarray(theirs.cov_params()) * SCALE
    np.testing.assert_allclose(found.stack.covariance, expected, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(found.stack.plain * SCALE, found.stack.covariance, rtol=1e-12)


def test_both_parts_are_those_of_statsmodels_clustered_by_bucket(cells: SpendCells) -> None:
    found = _fitted(fit_two_part(cells))
    y, x, bucket = _rows(cells, found)
    cluster = {"cov_type": "cluster", "cov_kwds": {"groups": bucket, "use_correction": False}}
    share = sm.GLM((y > 0).astype(float), x, sm.families.Binomial()).fit(tol=1e-14, **cluster)
    spent = y > 0
    cluster["cov_kwds"] = {"groups": bucket[spent], "use_correction": False}
    gamma = sm.families.Gamma(sm.families.links.Log())
    amount = sm.GLM(y[spent], x[spent], gamma).fit(tol=1e-14, maxiter=200, **cluster)
    k = len(share.params)
    covariance = found.stack.covariance
    np.testing.assert_allclose(covariance[:k, :k], share.cov_params() * SCALE, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(covariance[k:, k:], amount.cov_params() * SCALE, rtol=1e-6, atol=1e-12)
    # accounts that spend at all spend more: what no row by itself would tell
    assert np.abs(covariance[:k, k:]).max() > 0


def test_smeared_least_squares_stack_over_buckets_too(cells: SpendCells) -> None:
    found, alone = _fitted(fit_log_ols(cells)), _fitted(fit_log_ols(_cells(account_counts(None))))
    np.testing.assert_allclose(
        np.concatenate(found.stack.theta), np.concatenate(alone.stack.theta), rtol=1e-9, atol=1e-9
    )
    ratio = np.sqrt(np.diag(found.stack.covariance) / np.diag(alone.stack.covariance))
    amounts = ratio[len(found.stack.theta[0]) : len(found.stack.theta[0]) + 5]
    assert (amounts > 1.2).all()


def test_the_jackknife_is_that_of_refits_without_each_bucket(cells: SpendCells) -> None:
    assert cells.buckets is not None
    left_out = []
    for bucket in range(BUCKETS):
        if cells.buckets.n[:, bucket].any():
            n, total = cells.n - cells.buckets.n[:, bucket], cells.total - cells.buckets.total[:, bucket]
            positive = cells.positive - cells.buckets.positive[:, bucket]
            fewer = replace(cells, n=n, total=total, positive=positive, buckets=None)
            fit = _fitted(fit_poisson(fewer))
            theta = fit.stack.theta[0] + np.log(fit.unit) * (
                np.arange(len(fit.stack.theta[0])) < len(cells.levels)
            )
            left_out.append(theta)
    assert len(left_out) == N_BUCKETS
    deviations = np.array(left_out) - np.mean(left_out, axis=0)
    expected = deviations.T @ deviations / SCALE
    found = _fitted(fit_poisson(cells, by_jackknife=True)).stack.covariance
    # one Newton step in place of a refit: off where a bucket has a tenth of a level's spend
    np.testing.assert_allclose(np.sqrt(np.diag(found)), np.sqrt(np.diag(expected)), rtol=4e-2)
    sandwich = _fitted(fit_poisson(cells)).stack.covariance
    assert (np.diag(found) > np.diag(sandwich)).all()

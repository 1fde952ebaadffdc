"""Regressions of spend from cells against statsmodels, and against stacked equations, on rows."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from combined_means import combined_means
from spenders import PLANS, cells_of, on_rows, question_of, spending
from statsmodels.tools.numdiff import approx_fprime_cs

from cxlink.spend.fitted_regressions import SpendFit
from cxlink.spend.means import cell_means
from cxlink.spend.regressions import fit_gamma, fit_poisson, fit_spend, variance_power
from cxlink.spend.spend_cells import SpendCells, in_units
from cxlink.spend.standardised_means import group_means
from cxlink.spend.two_part import fit_log_ols, fit_two_part

SOFTWARE = 1e-8  # what statsmodels iterates to


def fitted(found: object) -> SpendFit:
    assert isinstance(found, SpendFit), found
    return found


def in_currency(fit: SpendFit, layer: int, n_levels: int = 5) -> np.ndarray:
    """Effects on the log of the currency: each level's moved by the log of the unit."""
    theta = fit.stack.theta[layer].copy()
    theta[:n_levels] += np.log(fit.unit)
    return theta


def errors(covariance: np.ndarray) -> np.ndarray:
    return np.sqrt(np.diag(covariance))


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return spending(1, 3000)


@pytest.mark.parametrize(
    ("fit", "family"),
    [
        (fit_poisson, sm.families.Poisson()),
        (fit_gamma, sm.families.Gamma(sm.families.links.Log())),
    ],
)
def test_zeros_in_equal_statsmodels_on_rows(
    rows: pd.DataFrame, fit: Callable[..., object], family: object
) -> None:
    found = fitted(fit(cells_of(rows)))
    y, x = on_rows(rows, found.terms[0].design)
    theirs = sm.GLM(y, x, family=family).fit(tol=1e-14, maxiter=200, cov_type="HC0")
    assert found.n_parameters == 8
    assert in_currency(found, 0) == pytest.approx(theirs.params, rel=SOFTWARE)
    assert errors(found.stack.plain) == pytest.approx(theirs.bse, rel=SOFTWARE)
    assert found.stack.plain == pytest.approx(np.asarray(theirs.cov_params()), rel=1e-6, abs=1e-12)
    assert found.dispersion == pytest.approx(theirs.pearson_chi2 / theirs.df_resid, rel=SOFTWARE)


def test_both_parts_equal_statsmodels_on_rows(rows: pd.DataFrame) -> None:
    found = fitted(fit_two_part(cells_of(rows)))
    y, x = on_rows(rows, found.terms[0].design)
    share = sm.GLM((y > 0).astype(float), x, family=sm.families.Binomial()).fit(tol=1e-14, cov_type="HC0")
    gamma = sm.families.Gamma(sm.families.links.Log())
    amount = sm.GLM(y[y > 0], x[y > 0], family=gamma).fit(tol=1e-14, maxiter=200, cov_type="HC0")
    k = len(share.params)
    assert found.stack.theta[0] == pytest.approx(share.params, rel=SOFTWARE)
    assert errors(found.stack.plain)[:k] == pytest.approx(share.bse, rel=SOFTWARE)
    assert in_currency(found, 1) == pytest.approx(amount.params, rel=SOFTWARE)
    assert errors(found.stack.plain)[k:] == pytest.approx(amount.bse, rel=SOFTWARE)


def test_least_squares_of_logs_equal_statsmodels_on_rows(rows: pd.DataFrame) -> None:
    found = fitted(fit_log_ols(cells_of(rows)))
    y, x = on_rows(rows, found.terms[0].design)
    theirs = sm.OLS(np.log(y[y > 0]), x[y > 0]).fit(cov_type="HC0")
    k = len(theirs.params)
    assert in_currency(found, 1) == pytest.approx(theirs.params, rel=SOFTWARE)
    assert errors(found.stack.plain)[k : 2 * k] == pytest.approx(theirs.bse, rel=SOFTWARE)
    assert found.dispersion == pytest.approx(theirs.mse_resid, rel=SOFTWARE)
    factors = [np.exp(theirs.resid[x[y > 0][:, level] == 1]).mean() for level in range(5)]
    assert np.exp(found.stack.theta[2]) == pytest.approx(factors, rel=SOFTWARE)


def stacked_on_rows(scores: Callable[[np.ndarray], np.ndarray], theta: np.ndarray) -> np.ndarray:
    """A⁻¹BA⁻ᵀ of estimating equations on rows, A by complex steps."""
    slope = approx_fprime_cs(theta, lambda t: scores(t).sum(axis=0))
    each = scores(theta).real
    inverse = np.linalg.inv(slope)
    covariance: np.ndarray = inverse @ (each.T @ each) @ inverse.T
    return covariance


def test_the_stack_of_two_parts_equals_one_made_on_rows(rows: pd.DataFrame) -> None:
    found = fitted(fit_two_part(cells_of(rows)))
    y, x = on_rows(rows, found.terms[0].design)
    y, spent, k = y / found.unit, (y > 0).astype(float), x.shape[1]

    def scores(theta: np.ndarray) -> np.ndarray:
        share = 1 / (1 + np.exp(-x @ theta[:k]))
        relative = y * np.exp(-x @ theta[k:]) - 1
        return np.hstack([x * (spent - share)[:, None], x * (spent * relative)[:, None]])

    theta = np.concatenate(found.stack.theta)
    assert np.abs(scores(theta).sum(axis=0)).max() < 1e-8
    expected = stacked_on_rows(scores, theta)
    scale = np.outer(errors(expected), errors(expected))
    assert found.stack.plain / scale == pytest.approx(expected / scale, abs=SOFTWARE)


def test_the_stack_with_smearing_equals_one_made_on_rows(rows: pd.DataFrame) -> None:
    found = fitted(fit_log_ols(cells_of(rows)))
    y, x = on_rows(rows, found.terms[0].design)
    y, spent, k = y / found.unit, (y > 0).astype(float), x.shape[1]
    log = np.log(np.where(y > 0, y, 1.0))

    def scores(theta: np.ndarray) -> np.ndarray:
        share, eta = 1 / (1 + np.exp(-x @ theta[:k])), x @ theta[k : 2 * k]
        level = x[:, :5]
        beyond = y * np.exp(-eta) - np.exp(level @ theta[2 * k :])
        parts = [
            x * (spent - share)[:, None],
            x * (spent * (log - eta))[:, None],
            level * (spent * beyond)[:, None],
        ]
        return np.hstack(parts)

    theta = np.concatenate(found.stack.theta)
    assert np.abs(scores(theta).sum(axis=0)).max() < 1e-8
    expected = stacked_on_rows(scores, theta)
    scale = np.outer(errors(expected), errors(expected))
    assert np.abs(np.corrcoef(found.stack.plain)).max() <= 1 + 1e-9
    assert (
        np.abs(expected[k : 2 * k, 2 * k :] / scale[k : 2 * k, 2 * k :]).max() > 0.1
    )  # there is something to find
    assert found.stack.plain / scale == pytest.approx(expected / scale, abs=SOFTWARE)


def test_leverages_are_those_of_rows(rows: pd.DataFrame) -> None:
    small = rows.iloc[:150]
    found = fitted(fit_poisson(cells_of(small)))
    y, x = on_rows(small, found.terms[0].design)
    y = y / found.unit
    mean = np.exp(x @ found.stack.theta[0])
    inverse = np.linalg.inv(x.T @ (mean[:, None] * x))
    leverage = mean * np.sum((x @ inverse) * x, axis=1)
    assert leverage.max() > 0.08
    each = x * ((y - mean) / np.sqrt(1 - leverage))[:, None]
    assert found.stack.covariance == pytest.approx(inverse @ (each.T @ each) @ inverse, rel=1e-9)


@pytest.mark.parametrize("fit", [fit_poisson, fit_gamma, fit_two_part, fit_log_ols])
def test_a_mean_for_each_level_has_the_saturated_means_and_variances(
    rows: pd.DataFrame, fit: Callable[..., object]
) -> None:
    cells = cells_of(rows, adjust=())
    found = fitted(fit(cells))
    theta = [layer[None] for layer in found.stack.theta]
    means = found.unit * combined_means(found, theta)[0, :, 0]
    by_level = rows.groupby("score")["spend"]
    assert means == pytest.approx(by_level.mean().to_numpy(), rel=1e-10)
    # the variance of log E[y] by the delta method, all parts together
    size = [len(layer) for layer in found.stack.theta]
    gradient = np.concatenate([np.eye(n) for n in size])
    if found.terms[0].share:
        nothing = rows.dropna(subset=["spend"]).groupby("score")["spend"].apply(lambda y: (y == 0).mean())
        gradient[:5] *= nothing.to_numpy()[:, None]
    variance = np.diag(gradient.T @ found.stack.covariance @ gradient)
    exact = (by_level.var() / by_level.count() / by_level.mean() ** 2).to_numpy()
    # leverages of the parts differ: 1/(n − 1) of all customers, 1/(n₊ − 1) of those who spent
    assert variance == pytest.approx(exact, rel=1e-10 if len(size) == 1 else 0.01)


def test_poisson_by_level_has_the_very_variance_of_the_headline(rows: pd.DataFrame) -> None:
    from cohorts import spells_from
    from spenders import spec_of

    spells = spells_from(rows, spec_of(adjust=()))
    cells = cell_means(spells, [np.array([pair]) for pair in range(spells.n_pairs)])
    found = fitted(fit_poisson(cells_of(rows, adjust=())))
    assert np.diag(found.stack.covariance) == pytest.approx(cells.variance / cells.mean**2, rel=1e-10)


@pytest.mark.parametrize("effect", ["linear", "spline"])
def test_other_effects_of_the_score_equal_statsmodels_on_rows(rows: pd.DataFrame, effect: str) -> None:
    from cxlink.estimation.effects import basis

    found = fitted(fit_poisson(cells_of(rows), effect))  # type: ignore[arg-type]
    free = fitted(fit_poisson(cells_of(rows)))
    y, x = on_rows(rows, free.terms[0].design)
    score = np.column_stack([np.ones(5), basis((1, 2, 3, 4, 5), effect)])  # type: ignore[arg-type]
    theirs = sm.GLM(y, np.hstack([x[:, :5] @ score, x[:, 5:]]), family=sm.families.Poisson())
    fit = theirs.fit(tol=1e-14, cov_type="HC0")
    assert in_currency(found, 0, n_levels=1) == pytest.approx(fit.params, rel=SOFTWARE)
    assert errors(found.stack.plain) == pytest.approx(fit.bse, rel=SOFTWARE)


def test_the_currency_changes_nothing_but_the_unit(rows: pd.DataFrame) -> None:
    cells = cells_of(rows)
    cents = in_units(cells, 0.01)
    for one, other in zip(fit_spend(cells, "levels"), fit_spend(cents, "levels"), strict=True):
        assert fitted(other).unit == pytest.approx(100 * fitted(one).unit, rel=1e-12)
        for a, b in zip(fitted(one).stack.theta, fitted(other).stack.theta, strict=True):
            assert b == pytest.approx(a, abs=1e-9)
        assert fitted(other).stack.covariance == pytest.approx(
            fitted(one).stack.covariance, rel=1e-6, abs=1e-10
        )


def times(cells: SpendCells, k: int) -> SpendCells:
    names = ("n", "positive", "total", "squares", "log_total", "log_squares", "total_log")
    return replace(cells, **{name: k * getattr(cells, name) for name in names})


def test_customers_again_halve_the_error(rows: pd.DataFrame) -> None:
    cells = cells_of(rows)
    for one, four in zip(fit_spend(cells, "levels"), fit_spend(times(cells, 4), "levels"), strict=True):
        for a, b in zip(fitted(one).stack.theta, fitted(four).stack.theta, strict=True):
            assert b == pytest.approx(a, abs=1e-9)
        assert fitted(four).stack.plain == pytest.approx(fitted(one).stack.plain / 4, rel=1e-9, abs=1e-15)


def test_draws_have_the_joint_covariance(rows: pd.DataFrame) -> None:
    found = fitted(fit_two_part(cells_of(rows)))
    drawn = np.hstack(found.stack.draws(20_000, np.random.default_rng(3)))
    scale = np.outer(errors(found.stack.covariance), errors(found.stack.covariance))
    # a covariance of 20,000 draws has an error of √((1 + ρ²)/20,000) on the scale of a correlation: 0.01 at the most
    assert np.cov(drawn.T) / scale == pytest.approx(found.stack.covariance / scale, abs=0.04)
    assert drawn.mean(axis=0) == pytest.approx(np.concatenate(found.stack.theta), abs=0.03)


@pytest.mark.parametrize("model", range(4))
def test_averages_are_those_of_every_combination(rows: pd.DataFrame, model: int) -> None:
    found = fitted(fit_spend(cells_of(rows), "levels")[model])
    theta = found.stack.draws(20, np.random.default_rng(1))
    strata = np.random.default_rng(2).dirichlet(np.ones(6))
    expected = found.unit * combined_means(found, theta) @ strata
    assert found.averages(theta, strata) == pytest.approx(expected, rel=1e-12)


def test_groups_are_standardised_over_all_strata(rows: pd.DataFrame) -> None:
    question = question_of(rows)
    found = fitted(fit_poisson(question.cells))
    means = group_means(found, question, np.random.default_rng(1))
    theta = dict(zip(found.terms[0].design.names, found.stack.theta[0], strict=False))
    factor = np.exp(
        [theta.get(f"plan={p}", 0.0) + theta.get(f"region={r}", 0.0) for p, r in rows[list(PLANS)].values]
    )
    level = {
        s: found.unit * np.exp(theta[str(s)]) * factor.mean() for s in range(1, 6)
    }  # windows not over count too
    share = rows["score"].value_counts()
    level["best"] = (share[4] * level[4] + share[5] * level[5]) / (share[4] + share[5])
    for name, expected in level.items():
        g = means.groups.index(str(name))
        assert means.point[g] == pytest.approx(expected, rel=1e-10)
        assert np.mean(means.draws[:, g]) == pytest.approx(expected, rel=0.02)
    assert means.labels["adjusted"] == "standardised"
    known = rows.dropna(subset=["spend"])["score"].isin([4, 5]).sum()
    assert means.n[means.groups.index("best")] == known


def test_a_monotone_effect_never_turns_back() -> None:
    rows = spending(4, 600)
    rows.loc[rows["score"] == 3, "spend"] *= 0.4
    question = question_of(rows, effect="monotone")
    free = group_means(
        fitted(fit_poisson(question.cells)), replace(question, effect="levels"), np.random.default_rng(1)
    )
    held = group_means(fitted(fit_poisson(question.cells)), question, np.random.default_rng(1))
    at = [free.groups.index(str(level)) for level in range(1, 6)]
    assert np.diff(free.point[at]).min() < 0
    assert np.diff(held.point[at]).min() >= -1e-9
    assert np.diff(held.draws[:, at], axis=1).min() >= -1e-9
    assert held.draws.shape == free.draws.shape


def test_the_variance_power_is_that_of_the_truth() -> None:
    rng = np.random.default_rng(8)
    rows = spending(8, 40_000)
    rows["plan"], rows["region"] = "x", "y"
    mean = np.exp(0.5 * rows["score"])
    for power, spread in ((1.0, np.sqrt(mean)), (2.0, mean)):
        # a gamma variable of mean m and variance s² has shape m²/s²
        rows["spend"] = rng.gamma(mean**2 / spread**2, spread**2 / mean)
        assert variance_power(cells_of(rows)) == pytest.approx(power, abs=0.1)
    assert np.isnan(variance_power(cells_of(rows.assign(spend=3.0))))

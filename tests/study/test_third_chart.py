"""From the share retained after a year to years: every family goes through both years, and its mean is known."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import exp1, gamma

from cxlink.study.implied_tenure import implied_tenure, shifted_beta_geometric_mean
from cxlink.study.published import kriss
from cxlink.study.third_chart import ThirdChart, mean_years, second_year, third_chart
from cxlink.study.two_years import ASSUMPTIONS, Assumption
from cxlink.survival.families.catalogue import (
    BETA_DISCRETE_WEIBULL,
    EXPONENTIAL,
    GENERALISED_GAMMA,
    LOG_LOGISTIC,
    LOG_NORMAL,
    WEIBULL,
    cure,
    gompertz,
)

BY_NAME = {(each.family.name, each.fixed_at): each for each in ASSUMPTIONS}


def _named(each: Assumption) -> str:
    return f"{each.family.name} {each.fixed} {each.fixed_at}" if each.fixed else each.family.name


@pytest.fixture(scope="module", name="chart")
def _chart() -> ThirdChart:
    return third_chart()


def _years(chart: ThirdChart, model: str, group: str, fixed_at: float = 0.0) -> pd.Series:
    rows = chart.years
    mine = rows[(rows["model"] == model) & (rows["group"] == group) & (rows["fixed_at"] == fixed_at)]
    return mine.set_index("heterogeneity")["years"]


@pytest.mark.parametrize("each", ASSUMPTIONS, ids=_named)
def test_every_family_keeps_both_years(each: Assumption) -> None:
    r = np.repeat(list(kriss().retention.values()), 5)
    r2 = second_year(r, np.tile([0.0, 0.03, 0.1, 0.17, 0.2], 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        values = each.solve(r, r2)
    found = np.array([each.family.log_survival(np.array(t), *values) for t in (1.0, 2.0)])
    has = ~np.isnan(values[min(len(values) - 1, 1)])
    assert has.sum() == {"exponential": 2, "beta_discrete_weibull shape 0.9": 5}.get(_named(each), 10)
    # Polarisation is floored at 1e-7: the second year feels that much, the first its differences of log Γ.
    np.testing.assert_allclose(found[0][has], np.log(r)[has], rtol=0, atol=1e-7)
    np.testing.assert_allclose(found[1][has], np.log(r * r2)[has], rtol=0, atol=2e-7)


def _log_logistic_mean(scale: float, shape: float) -> float:
    return float(scale * np.pi / shape / np.sin(np.pi / shape))


def _generalised_gamma_mean(mu: float, sigma: float, q: float) -> float:
    # Stacy's: E[T] = e^μ·(q²)^(σ/q)·Γ(1/q² + σ/q)/Γ(1/q²)
    a = q**-2
    return float(np.exp(mu) * (q**2) ** (sigma / q) * gamma(a + sigma / q) / gamma(a))


def _gompertz_mean(rate: float, shape: float) -> float:
    return float(np.exp(rate / shape) * exp1(rate / shape) / shape)


@pytest.mark.parametrize(
    ("family", "values", "mean"),
    [
        (EXPONENTIAL, (0.3,), lambda rate: 1 / rate),
        (WEIBULL, (0.5, 0.7), lambda rate, shape: gamma(1 + 1 / shape) / rate),
        (LOG_NORMAL, (0.8, 1.5), lambda mu, sigma: np.exp(mu + sigma**2 / 2)),
        (LOG_LOGISTIC, (2.0, 1.3), _log_logistic_mean),
        (LOG_LOGISTIC, (2.0, 1.01), _log_logistic_mean),
        (GENERALISED_GAMMA, (0.7, 1.4, 0.5), _generalised_gamma_mean),
        # a tail of power 2/1.7, which the mean hangs on
        (GENERALISED_GAMMA, (0.7, 1.7, -0.5), _generalised_gamma_mean),
        (gompertz(1.0), (0.2, 0.4), _gompertz_mean),
    ],
    ids=lambda x: getattr(x, "name", None),
)
def test_means_are_those_of_the_textbook(
    family: object, values: tuple[float, ...], mean: Callable[..., float]
) -> None:
    found = mean_years(family, *(np.array([value]) for value in values))
    assert found == pytest.approx(mean(*values), rel=1e-6)  # Simpson's rule, and a power law beyond it


def test_means_of_discrete_families_are_the_integral_of_their_formula(chart: ThirdChart) -> None:
    for group, retention in zip(("worst", "best"), kriss().retention.values(), strict=True):
        years = _years(chart, "shifted_beta_geometric", group)
        for phi in (0.01, 0.1, 0.15):
            assert years[phi] == pytest.approx(shifted_beta_geometric_mean(retention, phi), rel=1e-6)
    churn, polarised, shape = 0.3, 0.08, 1.2

    def survival(t: float) -> float:
        return float(np.exp(BETA_DISCRETE_WEIBULL.log_survival(np.array(t), churn, polarised, shape)))

    # Falls as t^−(1.2·0.3·11.5) = t^−4.14: nothing is left after 10,000.
    body = quad(survival, 0, 20)[0] + quad(survival, 20, 10_000, limit=200)[0]
    found = mean_years(BETA_DISCRETE_WEIBULL, *(np.array([v]) for v in (churn, polarised, shape)))
    assert found == pytest.approx(body, rel=1e-6)


def test_means_without_end_are_infinite() -> None:
    one = np.ones(1)
    assert mean_years(LOG_LOGISTIC, one, 0.99 * one) == np.inf
    assert mean_years(cure(EXPONENTIAL), 0.01 * one, one) == np.inf
    assert mean_years(gompertz(1.0), one, -0.1 * one) == np.inf
    assert np.isfinite(mean_years(LOG_LOGISTIC, one, 1.01 * one))


def test_a_constant_rate_is_where_the_families_that_hold_it_start(chart: ThirdChart) -> None:
    constant = implied_tenure().constant.set_index("group")["exponential"]
    for group, band in (("worst", "1"), ("best", "9-10")):
        for model in ("exponential", "weibull", "shifted_beta_geometric", "gompertz", "cure_exponential"):
            assert _years(chart, model, group)[0.0] == pytest.approx(constant[band], rel=1e-6), model
        assert _years(chart, "exponential", group)[0.01:].isna().all()


def test_years_rise_with_heterogeneity_and_the_best_stay_longer(chart: ThirdChart) -> None:
    for (model, fixed), _ in chart.years.groupby(["model", "fixed_at"]):
        worst, best = (_years(chart, model, group, fixed) for group in ("worst", "best"))
        for years in (worst, best):
            finite = years.dropna()
            finite = finite[np.isfinite(finite)]
            assert (np.diff(finite) > 0).all(), (model, fixed)
            assert not np.isinf(years).any() or np.isinf(years.iloc[-1])
        both = pd.concat([worst, best], axis=1).dropna()
        both = both[np.isfinite(both).all(axis=1)]
        assert (both.iloc[:, 0] < both.iloc[:, 1]).all(), (model, fixed)


def test_one_year_does_not_determine_years_for_the_best_and_hardly_for_the_worst(chart: ThirdChart) -> None:
    finite = chart.years[np.isfinite(chart.years["years"])].groupby("group")["years"]
    low, high = finite.min(), finite.max()
    assert high["worst"] / low["worst"] < 3
    assert high["best"] / low["best"] > 100
    assert low["worst"] == pytest.approx(1.2, abs=0.05)
    assert low["best"] == pytest.approx(3.3, abs=0.05)


def test_six_years_come_out_where_they_were_solved_for_elsewhere(chart: ThirdChart) -> None:
    six = chart.six_years.set_index(["model", "fixed_at"])
    known = implied_tenure().reconciled.set_index("assumption").loc["shifted_beta_geometric"]
    found = six.loc[("shifted_beta_geometric", 0.0)]
    assert found["heterogeneity"] == pytest.approx(known["value"], rel=1e-5)
    assert found["years_of_worst"] == pytest.approx(known["worst_years"], rel=1e-5)
    met = six.dropna(subset="heterogeneity")
    np.testing.assert_allclose(met["years_of_best"], kriss().best_years, rtol=1e-6)
    np.testing.assert_allclose(met["second_year_of_best"], 0.74 + 0.26 * met["heterogeneity"], rtol=1e-9)
    # A family whose mean is 3.3 years or none passes six by, and so does one without a second parameter.
    assert set(six.index.get_level_values("model")) - set(met.index.get_level_values("model")) == {
        "exponential",
        "gompertz",
        "cure_exponential",
    }


def test_the_second_year_is_the_polarisation_of_the_shifted_beta_geometric() -> None:
    # α = .26·.8/.2 = 1.04 and β = 2.96: S(2)/S(1) = (β + 1)/(α + β + 1)
    assert second_year(0.74, np.array(0.2)) == pytest.approx(3.96 / 5, rel=1e-12)
    values = BY_NAME["shifted_beta_geometric", 0.0].solve(np.array([0.74]), np.array([3.96 / 5]))
    assert [float(value[0]) for value in values] == pytest.approx([0.26, 0.2], rel=1e-10)


def test_every_class_of_the_menu_has_an_assumption() -> None:
    # A spline through two years has no inner knot and is the Weibull.
    assert {each.family.kind for each in ASSUMPTIONS} == {
        "exponential", "shifted_beta_geometric", "weibull", "beta_discrete_weibull", "generalised_gamma", "log_normal",
        "log_logistic", "gompertz", "cure",
    }  # fmt: skip

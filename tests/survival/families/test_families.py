"""Families and their fits: published tables, other software, laws of counts, refusals."""

import numpy as np
import pytest
from grouped import HIGH_END, MENU, REGULAR, TEXTBOOK, by_name, counted, staying
from scipy.special import expit

from cxlink.estimation.likelihood import Likelihood, stretches
from cxlink.survival.families.averaging import aic_weights
from cxlink.survival.families.catalogue import EXPONENTIAL, SHIFTED_BETA_GEOMETRIC, WEIBULL
from cxlink.survival.families.fit import fit, fit_all
from cxlink.survival.families.fitted import Fit, Unfitted


@pytest.mark.parametrize(
    ("alive", "alpha", "beta", "log_likelihood"),
    [
        # Fader & Hardie 2007, table 1 and section 4, years 1 to 7 of 1,000 customers; the textbook cohort.
        (REGULAR, (0.704, 5e-4), (1.182, 5e-4), (-1680.265, 5e-4)),
        (HIGH_END, (0.668, 5e-4), (3.806, 5e-4), (-1611.2, 5e-2)),
        (TEXTBOOK, (0.764, 5e-4), (1.296, 5e-4), (-1401.56, 5e-3)),
    ],
)
def test_beta_geometric_returns_the_published_fits(alive, alpha, beta, log_likelihood):
    found = fit(SHIFTED_BETA_GEOMETRIC, counted(staying(alive)))
    churn, polarisation = expit(found.estimate)
    both = (1 - polarisation) / polarisation
    assert found.converged
    assert churn * both == pytest.approx(alpha[0], abs=alpha[1])
    assert (1 - churn) * both == pytest.approx(beta[0], abs=beta[1])
    assert found.log_likelihood == pytest.approx(log_likelihood[0], abs=log_likelihood[1])


def test_exponential_is_its_closed_form_in_whole_periods():
    # The grouped exponential is the geometric: 1 − e^−rate is losses over person-periods.
    cells = [(0, 0, 0, 3, 1, 40), (0, 0, 2, 7, 1, 25), (0, 0, 0, 9, 0, 35)]
    periods = counted(cells)
    found = fit(EXPONENTIAL, periods)
    hazard = 65 / periods.at_risk.sum()
    assert np.exp(found.estimate[0]) == pytest.approx(-np.log1p(-hazard), rel=1e-10)
    log_likelihood = 65 * np.log(hazard) + (periods.at_risk.sum() - 65) * np.log1p(-hazard)
    assert found.log_likelihood == pytest.approx(log_likelihood, rel=1e-12)
    # Delta method: Var log rate = h / ((1 − h)·R) / rate², R person-periods
    rate = -np.log1p(-hazard)
    variance = hazard / (1 - hazard) / periods.at_risk.sum() / rate**2
    assert found.covariance[0, 0] == pytest.approx(variance, rel=1e-8)


# Of whom two segments of a thousand leave no parameter vague.
CERTAIN = {
    "exponential", "weibull", "gompertz", "log_normal", "log_logistic", "shifted_beta_geometric",
    "beta_discrete_weibull", "spline_1", "spline_2",
}  # fmt: skip


@pytest.mark.parametrize("family", [f for f in MENU if len(f.parameters) == 2], ids=by_name)
def test_a_score_that_acts_on_the_shape_as_well_fits_each_level_by_itself(family):
    segments = (REGULAR, HIGH_END)
    both = fit(family, counted([*staying(segments[0]), *staying(segments[1], 1)], 2), acts_on="shape")
    alone = [fit(family, counted(staying(alive))) for alive in segments]
    assert both.log_likelihood == pytest.approx(sum(one.log_likelihood for one in alone), rel=1e-9)
    assert both.names[2:] == tuple(f"{family.parameters[1].name}[{k}]" for k in (1, 2))
    if not (both.at_bound or both.penalised):
        np.testing.assert_allclose(
            both.estimate, np.transpose([one.estimate for one in alone]).ravel(), atol=1e-5
        )


def test_stretches_telescope_exactly():
    periods = counted([(0, 0, 0, 4, 1, 5), (0, 0, 0, 12, 0, 7), (0, 0, 6, 12, 1, 2)])
    merged = stretches(periods)
    assert list(zip(merged.start, merged.stop, merged.lost, merged.retained, strict=True)) == [
        (0, 3, 0, 12), (3, 4, 5, 7), (4, 6, 0, 7), (6, 11, 0, 9), (11, 12, 2, 7),
    ]  # fmt: skip
    # equal risk sets on both sides of a loss, as late entry makes them, are two stretches
    late = stretches(counted([(0, 0, 0, 4, 1, 5), (0, 0, 0, 6, 0, 7), (0, 0, 4, 6, 0, 5)]))
    assert list(zip(late.start, late.stop, late.lost, late.retained, strict=True)) == [
        (0, 3, 0, 12), (3, 4, 5, 7), (4, 6, 0, 12),
    ]  # fmt: skip
    theta = np.array([np.log(0.1), np.log(0.8)])
    delta = np.diff(-((np.arange(13) * 0.1) ** 0.8))
    r, d = periods.at_risk[0], periods.lost[0]
    lost = np.array([x * np.log(-np.expm1(y)) if x else 0.0 for x, y in zip(d, delta, strict=True)])
    value = Likelihood(WEIBULL.linked, merged, (np.ones((1, 1)), np.ones((1, 1)))).value(theta)
    assert value == pytest.approx((lost + (r - d) * delta).sum(), rel=1e-12)


@pytest.mark.parametrize("family", MENU, ids=by_name)
def test_a_hundred_times_the_customers_is_the_same_estimate(family):
    cells = [*staying(REGULAR), *staying(HIGH_END, level=1)]
    once = fit(family, counted(cells, 2))
    often = fit(family, counted([(*cell[:5], 100 * cell[5]) for cell in cells], 2))
    # a weak penalty counts for less among more customers
    if not once.penalised:
        np.testing.assert_allclose(often.estimate, once.estimate, atol=1e-6)
    if not once.checks:
        np.testing.assert_allclose(often.covariance * 100, once.covariance, rtol=1e-5)
    assert (not once.checks) or family.name not in CERTAIN
    assert often.log_likelihood == pytest.approx(100 * once.log_likelihood, rel=1e-9)


@pytest.mark.parametrize("family", MENU, ids=by_name)
def test_a_stratum_cut_into_two_halves_changes_nothing(family):
    whole = fit(family, counted([*staying(REGULAR), *staying(HIGH_END, level=1)], 2))
    halves = [
        (level, stratum, 0, leave, lost, n / 2)
        for level, alive in enumerate((REGULAR, HIGH_END))
        for stratum in range(2)
        for *_, leave, lost, n in staying(alive)
    ]
    cut = fit(family, counted(halves, 2, 2))
    np.testing.assert_allclose(np.delete(cut.estimate, 2), whole.estimate, atol=1e-6)
    assert cut.estimate[2] == pytest.approx(0, abs=1e-6)
    assert cut.aic == pytest.approx(whole.aic + 2, abs=1e-6)


@pytest.mark.parametrize("family", MENU, ids=by_name)
def test_it_does_not_matter_which_stratum_is_the_reference(family):
    # Both strata lose 123 of level 1, so the first one is the reference; nobody of level 2 is lost.
    parts = {"few": (200, 160, 130, 108, 91, 80, 77), "many": (600, 560, 530, 508, 491, 480, 477)}
    found = []
    for order in (("few", "many"), ("many", "few")):
        cells = [cell for s, name in enumerate(order) for cell in staying(parts[name], stratum=s)]
        few = order.index("few")
        model = fit(family, counted([*cells, (1, few, 0, 6, 0, 30), (1, 1 - few, 0, 6, 0, 10)], 2, 2))
        if isinstance(model, Unfitted):
            assert len(family.parameters) == 6
            return
        assert any("plan=p1" in name for name in model.names)
        where = np.zeros(2, int), np.array([few, 1 - few])
        found.append([*model.linked(model.estimate[None], *where)[0][0], model.log_likelihood])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


def test_a_reference_that_is_not_the_first_stratum():
    cells = [*staying((100, 95, 91, 88)), *staying((300, 240, 200, 170), stratum=1)]
    model = fit(WEIBULL, counted(cells, 1, 2))
    assert model.names == ("rate[1]", "rate[plan=p0]", "shape")
    zeros = np.zeros(2, int)
    rates, shape = model.linked(model.estimate[None], zeros, np.array([0, 1]))
    np.testing.assert_allclose(rates[0], [model.estimate[:2].sum(), model.estimate[0]], rtol=1e-12)
    assert shape == model.estimate[-1]
    assert rates[0, 0] < rates[0, 1]


def test_draws_have_the_moments_of_the_fit():
    found = fit(WEIBULL, counted(staying(HIGH_END)))
    n = 40_000
    draws = found.draws(n, np.random.default_rng(1))
    errors = np.sqrt(np.diag(found.covariance))
    # four standard errors of a mean, and of a standard deviation
    assert (np.abs(draws.mean(axis=0) - found.estimate) < 4 * errors / np.sqrt(n)).all()
    assert (np.abs(draws.std(axis=0) / errors - 1) < 4 / np.sqrt(2 * n)).all()
    correlation = found.covariance[0, 1] / errors.prod()
    assert np.corrcoef(draws.T)[0, 1] == pytest.approx(correlation, abs=4 / np.sqrt(n))


@pytest.mark.parametrize("family", MENU, ids=by_name)
def test_nobody_lost_is_refused_by_every_family(family):
    assert fit(family, counted([(0, 0, 0, 5, 0, 1)], 2)) == Unfitted(family, "nobody_lost")


@pytest.mark.parametrize("family", MENU[1:], ids=by_name)
def test_parameters_need_more_periods_with_losses(family):
    n = len(family.parameters)
    some = [(0, 0, 0, t, 1, 9 - t) for t in range(1, n + 1)]
    some.append((0, 0, 0, n + 2, 0, 5))
    facts = {"parameters": n, "least": n + 1, "n": n}
    assert fit(family, counted(some)) == Unfitted(family, "few_periods", facts)
    assert isinstance(fit(family, counted([*some, (0, 0, 0, n + 1, 1, 5)])), Fit)
    assert isinstance(fit(EXPONENTIAL, counted(some)), Fit)


def test_one_customer_lost_is_enough_for_the_exponential():
    found = fit(EXPONENTIAL, counted([(0, 0, 0, 5, 1, 1)]))
    assert np.exp(found.estimate[0]) == pytest.approx(-np.log1p(-1 / 5), rel=1e-10)


def test_criteria_and_akaike_weights_are_worked_by_hand():
    fits = [found for found in fit_all(counted(staying(HIGH_END))) if isinstance(found, Fit)]
    for found in fits:
        assert found.aic == pytest.approx(2 * len(found.estimate) - 2 * found.log_likelihood, rel=1e-12)
        assert found.bic(1000) == pytest.approx(
            np.log(1000) * len(found.estimate) - 2 * found.log_likelihood, rel=1e-12
        )
    weights = aic_weights(fits)
    # one spline and one cure, those with the lowest AIC, beside all others that converged
    for kind in ("spline", "cure"):
        members = [k for k, found in enumerate(fits) if found.family.kind == kind]
        best = min((k for k in members if fits[k].converged), key=lambda k: fits[k].aic)
        assert [k for k in members if weights[k]] == [best]
    kept = np.flatnonzero(weights)
    assert {fits[k].family.kind for k in kept} == {found.family.kind for found in fits if found.converged}
    aic = np.array([fits[k].aic for k in kept])
    raw = np.exp(-(aic - aic[0]) / 2)
    np.testing.assert_allclose(weights[kept], raw / raw.sum(), rtol=1e-10)
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert aic_weights([]).size == 0

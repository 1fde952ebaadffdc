"""Families and their fits: published tables, other software, laws, separation, refusals."""

import numpy as np
import pandas as pd
import pytest
from lifelines import LogLogisticFitter, WeibullAFTFitter, WeibullFitter
from scipy.optimize import approx_fprime
from scipy.special import expit, gammaincinv, logit, polygamma

from cxlink.cohort.spells import PersonPeriods
from cxlink.models.families import (
    EXPONENTIAL,
    FAMILIES,
    LOG_LOGISTIC,
    SHIFTED_BETA_GEOMETRIC,
    WEIBULL,
    _trigamma,
)
from cxlink.models.fitted import Fit, Unfitted, aic_weights
from cxlink.models.fitting import fit, fit_all
from cxlink.models.likelihood import Likelihood, Penalty, stretches

REGULAR = (1000, 631, 468, 382, 326, 289, 262, 241)
HIGH_END = (1000, 869, 743, 653, 593, 551, 517, 491)
TEXTBOOK = (1000, 631, 468, 382, 326)
LATER = (WEIBULL, LOG_LOGISTIC, SHIFTED_BETA_GEOMETRIC)


def by_name(family):
    return getattr(family, "name", "")


def counted(cells, n_levels=1, n_strata=1):
    """Person-periods of (level, stratum, entry, exit, lost, n)."""
    pairs = sorted({cell[:2] for cell in cells})
    at_risk = np.zeros((len(pairs), max(cell[3] for cell in cells)))
    lost = np.zeros_like(at_risk)
    for level, stratum, entry, leave, gone, n in cells:
        at_risk[pairs.index((level, stratum)), entry:leave] += n
        lost[pairs.index((level, stratum)), leave - 1] += n * gone
    strata = pd.DataFrame({"stratum.plan": [f"p{k}" for k in range(n_strata)]})
    level, stratum = np.array(pairs).T
    return PersonPeriods(tuple(range(1, n_levels + 1)), strata, level, stratum, at_risk, lost)


def staying(alive, level=0, stratum=0):
    """Cells of one cohort from those still there after 0, 1, … periods."""
    steps = [(level, stratum, 0, t, 1, alive[t - 1] - alive[t]) for t in range(1, len(alive))]
    return [*steps, (level, stratum, 0, len(alive) - 1, 0, alive[-1])]


def expected(family, locations, others, n_periods=20, entries=(0, 3, 8)):
    """Counts that are exactly what a family expects, customers entering late too: one level a location."""
    t = np.arange(1, n_periods + 1)
    at_risk, lost = [], []
    for location in locations:
        log_s = np.r_[0.0, family.linked(t.astype(float), location, *others)]
        r = sum(1000.0 * np.where(t > e, np.exp(log_s[:-1] - log_s[e]), 0) for e in entries)
        at_risk.append(r)
        lost.append(r * -np.expm1(np.diff(log_s)))
    levels = np.arange(len(locations))
    frame = pd.DataFrame(index=range(1))
    zeros = np.zeros_like(levels)
    return PersonPeriods(tuple(levels + 1), frame, levels, zeros, np.array(at_risk), np.array(lost))


TRUTHS = [
    (EXPONENTIAL, (np.log(0.1), np.log(0.03)), ()),
    (WEIBULL, (np.log(0.1), np.log(0.03)), (np.log(0.7),)),
    (LOG_LOGISTIC, (np.log(8.0), np.log(20.0)), (np.log(1.4),)),
    (SHIFTED_BETA_GEOMETRIC, (logit(0.2), logit(0.08)), (logit(0.15),)),
]


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


def test_beta_geometric_is_its_product_of_hazards():
    # S(t) = Π (β + i − 1)/(α + β + i − 1), worked for α = 0.5, β = 1.5: 0.75, then 0.75·2.5/3
    found = SHIFTED_BETA_GEOMETRIC.log_survival(np.array([1.0, 2.0]), 0.25, 1 / 3)
    np.testing.assert_allclose(np.exp(found), [0.75, 0.75 * 2.5 / 3], rtol=1e-12)


def test_without_polarisation_it_is_geometric():
    found = SHIFTED_BETA_GEOMETRIC.log_survival(np.array([1.0, 7.0]), 0.2, 1e-12)
    np.testing.assert_allclose(found, np.array([1, 7]) * np.log(0.8), rtol=1e-5)


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


# lifelines stops its search where the likelihood is flat to 1e-11: parameters agree as iterations do, to 1e-5.
@pytest.mark.parametrize(
    ("family", "fitter", "parameters"),
    [
        (WEIBULL, WeibullFitter, lambda f: (1 / f.lambda_, f.rho_)),
        (LOG_LOGISTIC, LogLogisticFitter, lambda f: (f.alpha_, f.beta_)),
    ],
)
def test_equals_lifelines_on_interval_censored_rows(family, fitter, parameters):
    found = fit(family, counted(staying(HIGH_END)))
    lower = np.arange(8)
    upper = np.r_[np.arange(1, 8), np.inf]
    weights = np.r_[-np.diff(HIGH_END), HIGH_END[-1]]
    reference = fitter().fit_interval_censoring(lower, upper, weights=weights)
    np.testing.assert_allclose(np.exp(found.estimate), parameters(reference), rtol=1e-5)
    assert found.log_likelihood == pytest.approx(reference.log_likelihood_, rel=1e-10)
    errors = reference.summary["se(coef)"].to_numpy() / reference.summary["coef"].to_numpy()
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), errors, rtol=1e-5)


def test_levels_and_strata_equal_lifelines_regression():
    cells = [
        *staying((300, 240, 200, 170, 150)),
        *staying((200, 180, 165, 150, 140), level=1),
        *staying((100, 70, 50, 38, 30), stratum=1),
        *staying((150, 125, 105, 92, 80), level=1, stratum=1),
    ]
    rows = [
        {"lower": leave - lost, "upper": leave if lost else np.inf, "best": level, "plan": stratum, "n": n}
        for level, stratum, _, leave, lost, n in cells
    ]
    reference = WeibullAFTFitter().fit_interval_censoring(
        pd.DataFrame(rows), "lower", "upper", weights_col="n"
    )
    found = fit(WEIBULL, counted(cells, 2, 2))
    scale = reference.params_["lambda_"]
    # lifelines' scale is 1/rate; the stratum with most losses is ours of reference: p0.
    theirs = [
        -scale["Intercept"],
        -scale["Intercept"] - scale["best"],
        -scale["plan"],
        reference.params_["rho_"]["Intercept"],
    ]
    assert found.names == ("rate[1]", "rate[2]", "rate[plan=p1]", "shape")
    np.testing.assert_allclose(found.estimate, theirs, atol=2e-4)
    assert found.log_likelihood == pytest.approx(reference.log_likelihood_, rel=1e-6)


@pytest.mark.parametrize(("family", "locations", "others"), TRUTHS, ids=by_name)
def test_expected_counts_return_their_truth_late_entry_included(family, locations, others):
    found = fit(family, expected(family, locations, others))
    np.testing.assert_allclose(found.estimate, [*locations, *others], atol=1e-6)
    assert found.gradient_norm < 1e-9
    assert found.notes == ()


@pytest.mark.parametrize(("family", "locations", "others"), TRUTHS, ids=by_name)
def test_derivatives_are_those_of_the_value(family, locations, others):
    periods = expected(family, locations, others, n_periods=9)
    theta = np.array([*locations, *others]) + 0.13
    direction = np.r_[1.0, 0.4, np.zeros(len(others))]
    penalty = Penalty(0, direction, centre=-1.0, scale=1.7)
    likelihood = Likelihood(family.linked, stretches(periods), np.eye(2), (penalty,))
    gradient = approx_fprime(theta, likelihood.value, 1e-6)
    np.testing.assert_allclose(likelihood.gradient(theta), gradient, rtol=1e-4, atol=1e-2)
    hessian = approx_fprime(theta, likelihood.gradient, 1e-6)
    np.testing.assert_allclose(likelihood.hessian(theta), hessian, rtol=1e-4, atol=1e-2)


def test_stretches_telescope_exactly():
    periods = counted([(0, 0, 0, 4, 1, 5), (0, 0, 0, 12, 0, 7), (0, 0, 6, 12, 1, 2)])
    merged = stretches(periods)
    assert list(zip(merged.start, merged.stop, merged.lost, merged.kept, strict=True)) == [
        (0, 3, 0, 12), (3, 4, 5, 7), (4, 6, 0, 7), (6, 11, 0, 9), (11, 12, 2, 7),
    ]  # fmt: skip
    # equal risk sets on both sides of a loss, as late entry makes them, are two stretches
    late = stretches(counted([(0, 0, 0, 4, 1, 5), (0, 0, 0, 6, 0, 7), (0, 0, 4, 6, 0, 5)]))
    assert list(zip(late.start, late.stop, late.lost, late.kept, strict=True)) == [
        (0, 3, 0, 12), (3, 4, 5, 7), (4, 6, 0, 12),
    ]  # fmt: skip
    theta = np.array([np.log(0.1), np.log(0.8)])
    delta = np.diff(-((np.arange(13) * 0.1) ** 0.8))
    r, d = periods.at_risk[0], periods.lost[0]
    lost = np.array([x * np.log(-np.expm1(y)) if x else 0.0 for x, y in zip(d, delta, strict=True)])
    value = Likelihood(WEIBULL.linked, merged, np.ones((1, 1))).value(theta)
    assert value == pytest.approx((lost + (r - d) * delta).sum(), rel=1e-12)


@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
def test_a_hundred_times_the_customers_is_the_same_estimate(family):
    cells = [*staying(REGULAR), *staying(HIGH_END, level=1)]
    once = fit(family, counted(cells, 2))
    often = fit(family, counted([(*cell[:5], 100 * cell[5]) for cell in cells], 2))
    np.testing.assert_allclose(often.estimate, once.estimate, atol=1e-8)
    np.testing.assert_allclose(often.covariance * 100, once.covariance, rtol=1e-5)
    assert often.log_likelihood == pytest.approx(100 * once.log_likelihood, rel=1e-10)


@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
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


@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
def test_it_does_not_matter_which_stratum_is_the_reference(family):
    # Both strata lose 123 of level 1, so the first one is the reference; nobody of level 2 is lost.
    parts = {"few": (200, 160, 130, 108, 91, 77), "many": (600, 560, 530, 508, 491, 477)}
    found = []
    for order in (("few", "many"), ("many", "few")):
        cells = [cell for s, name in enumerate(order) for cell in staying(parts[name], stratum=s)]
        few = order.index("few")
        model = fit(family, counted([*cells, (1, few, 0, 5, 0, 30), (1, 1 - few, 0, 5, 0, 10)], 2, 2))
        assert model.reference == 0
        found.append(
            [
                *model.locations(model.estimate[None], np.array([0, 0]), np.array([few, 1 - few]))[0],
                model.log_likelihood,
            ]
        )
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


def test_a_reference_that_is_not_the_first_stratum():
    cells = [*staying((100, 95, 91, 88)), *staying((300, 240, 200, 170), stratum=1)]
    model = fit(WEIBULL, counted(cells, 1, 2))
    assert model.reference == 1
    assert model.names == ("rate[1]", "rate[plan=p0]", "shape")
    zeros = np.zeros(2, int)
    rates = model.locations(model.estimate[None], zeros, np.array([0, 1]))[0]
    np.testing.assert_allclose(rates, [model.estimate[:2].sum(), model.estimate[0]], rtol=1e-12)
    assert rates[0] < rates[1]


def test_trigamma_is_scipy_s():
    x = np.geomspace(1e-10, 1e8, 300)
    np.testing.assert_allclose(_trigamma(x), polygamma(1, x), rtol=1e-12)


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


NONE_LOST = [*staying((200, 160, 130, 108, 91, 77)), (1, 0, 0, 5, 0, 30)]


def test_a_level_without_losses_has_the_interval_of_its_penalised_likelihood():
    found = fit(EXPONENTIAL, counted(NONE_LOST, 2))
    rate = np.exp(found.draws(20_000, np.random.default_rng(2))[:, 1])
    # Density of the log rate: e^{−150·rate}·√u/(1 + u), u the ratio to the cohort's; by quadrature.
    cohort = fit(EXPONENTIAL, counted(staying((230, 190, 160, 138, 121, 107))))
    x = np.linspace(-30, 2, 40_001)
    u = np.exp(x - cohort.estimate[0])
    density = np.exp(-150 * np.exp(x)) * np.sqrt(u) / (1 + u)
    cumulative = np.cumsum(density) / density.sum()
    for q in (0.025, 0.5, 0.975):
        exact = np.interp(q, cumulative, x)
        slope = density[np.searchsorted(x, exact)] / density.sum() / (x[1] - x[0])
        tolerance = 4 * np.sqrt(q * (1 - q) / len(rate)) / slope + 0.02
        assert np.log(np.quantile(rate, q)) == pytest.approx(exact, abs=tolerance)
    # close to Jeffreys' gamma(1/2) posterior, which is the same without the 1 + u: its 97.5 % is 0.0167
    assert np.quantile(rate, 0.975) == pytest.approx(gammaincinv(0.5, 0.975) / 150, rel=0.15)
    assert "rate[2] is separated" in found.notes[0]


@pytest.mark.parametrize("gone", [1, 9])
def test_a_level_with_few_losses_keeps_its_estimate_and_draws_from_its_penalised_likelihood(gone):
    few = [*staying((200, 160, 130, 108, 91, 77)), (1, 0, 0, 5, 0, 30 * gone), (1, 0, 0, 1, 1, gone)]
    found = fit(EXPONENTIAL, counted(few, 2))
    exposure = 151 * gone
    rate = np.exp(found.draws(20_000, np.random.default_rng(2))[:, 1])
    assert not found.notes
    assert np.exp(found.estimate[1]) == pytest.approx(1 / 151, rel=0.02)
    for q in (0.025, 0.5, 0.975):
        assert np.quantile(rate, q) == pytest.approx(gammaincinv(gone + 0.5, q) / exposure, rel=0.08)


SEPARATED = {
    "none lost": NONE_LOST,
    "all lost at once": [*staying((200, 160, 130, 108, 91, 77)), (1, 0, 0, 1, 1, 30)],
    "both": [(0, 0, 0, 1, 1, 10), (1, 0, 0, 6, 0, 4)],
    "no person-period": [*staying((200, 160, 130, 108, 91, 77)), (1, 0, 0, 0, 0, 3)],
    "stratum": [*staying((200, 160, 130, 108, 91, 77)), (0, 1, 0, 5, 0, 30), (1, 0, 0, 4, 1, 9)],
    "only in its own stratum": [
        *staying((200, 160, 130, 108, 91, 77)),
        *staying((90, 80, 70, 62, 57, 52), level=1, stratum=1),
    ],
    "a corner": [
        *staying((200, 160, 130, 108, 91, 77)),
        *staying((90, 80, 70, 62, 57, 52), level=1, stratum=1),
        (0, 1, 0, 5, 0, 20),
    ],
}


@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
@pytest.mark.parametrize("case", SEPARATED)
def test_separation_leaves_finite_estimates_and_draws(case, family):
    n_strata = 2 if any(cell[1] for cell in SEPARATED[case]) else 1
    found = fit(family, counted(SEPARATED[case], 2, n_strata))
    if isinstance(found, Unfitted):
        assert case == "both"
        assert family in LATER
        return
    draws = found.draws(500, np.random.default_rng(3))
    assert found.converged
    assert np.isfinite(draws).all()
    # a standard error of thousands is what the penalty is there to prevent
    assert np.sqrt(np.diag(found.covariance)).max() < 10
    assert any("separated" in note for note in found.notes)


@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
@pytest.mark.parametrize("case", ["only in its own stratum", "a corner"])
def test_confounded_effects_keep_what_the_counts_know_of_their_sum(case, family):
    found = fit(family, counted(SEPARATED[case], 2, 2))
    draws = found.draws(4000, np.random.default_rng(6))
    one = np.ones(1, int)
    pair = found.locations(draws, one, one)[:, 0]
    at = found.locations(found.estimate[None], one, one)[0, 0]
    row = found.locations(np.eye(found.n_parameters), one, one)[:, 0]
    error = np.sqrt(row @ found.covariance @ row)
    assert error < 0.3
    # four standard errors of a standard deviation and of a median, and a tenth for what is not normal in it
    assert pair.std() == pytest.approx(error, rel=4 / np.sqrt(8000) + 0.1)
    assert np.median(pair) == pytest.approx(at, abs=error * (4 * 1.25 / np.sqrt(4000) + 0.1))
    # of a pair that nobody was in, they know next to nothing
    assert found.locations(draws, one, 0 * one).std() > 1.5


@pytest.mark.parametrize("alive", [(24, 18, 13, 10, 7), (20, 13, 9, 7, 5)])
def test_a_hardly_bounded_polarisation_is_drawn_from_its_penalised_likelihood(alive):
    # without the penalty the first runs away, and the second has a standard error of 2 on the logit
    periods = counted(staying(alive))
    found = fit(SHIFTED_BETA_GEOMETRIC, periods)
    assert found.notes[0].startswith("polarisation is hardly bounded by the counts")
    share = expit(found.draws(20_000, np.random.default_rng(7))[:, 1])
    # The likelihood summed over mean churn, times √(φ(1 − φ)) of log-F(1,1), on a grid
    grid, churn = np.linspace(-14, 6, 101), np.linspace(-3, 1, 41)
    likelihood = Likelihood(SHIFTED_BETA_GEOMETRIC.linked, stretches(periods), np.eye(1))
    plain = np.array([[likelihood.plain(np.array([c, x])) for c in churn] for x in grid])
    density = np.exp(plain - plain.max()).sum(axis=1) * np.sqrt(expit(grid) * expit(-grid))
    cumulative = np.cumsum(density) / density.sum()
    for q in (0.5, 0.9, 0.975):
        exact = expit(np.interp(q, cumulative, grid))
        # the table is along a line, not summed: an eighth
        assert np.quantile(share, q) == pytest.approx(exact, rel=0.125)


@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
def test_a_cohort_followed_to_its_end_is_not_separated(family):
    found = fit(
        family, counted([*staying((40, 25, 14, 6, 2, 0)), *staying((40, 30, 22, 15, 9, 4), level=1)], 2)
    )
    assert not any("separated" in note for note in found.notes)


def test_customers_who_do_not_differ_are_told_in_words():
    found = fit(SHIFTED_BETA_GEOMETRIC, counted(staying((10_000, 9000, 8100, 7290, 6561, 5905))))
    assert found.converged
    assert found.notes[0].startswith(
        "polarisation is hardly bounded by the counts: a weak log-F(1,1) penalty"
    )
    assert expit(found.draws(1000, np.random.default_rng(4))[:, 1]).max() < 0.1
    # within one standard error, √(0.1·0.9/40,951)
    assert 1 - np.exp(found.family.linked(1.0, *found.estimate)) == pytest.approx(0.1, abs=0.0015)


@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([(0, 0, 0, 5, 0, 1)], "nobody was lost, so the counts do not say how long customers stay"),
        (
            [(0, 0, 0, 1, 1, 9), (1, 0, 0, 1, 1, 2)],
            "everybody was lost in every period they were seen, so no rate of loss is finite",
        ),
    ],
)
def test_refusals_of_every_family(family, cells, reason):
    assert fit(family, counted(cells, 2)) == Unfitted(family, reason)


@pytest.mark.parametrize("family", LATER, ids=by_name)
def test_two_parameters_need_three_periods_with_losses(family):
    two = [(0, 0, 0, 1, 1, 5), (0, 0, 0, 3, 1, 5), (0, 0, 0, 6, 0, 5)]
    reason = (
        f"{family.name} has 2 parameters of its own and needs losses in at least 3 periods; "
        "they fall in 2 periods"
    )
    assert fit(family, counted(two)) == Unfitted(family, reason)
    assert isinstance(fit(family, counted([*two, (0, 0, 0, 4, 1, 5)])), Fit)
    assert isinstance(fit(EXPONENTIAL, counted(two)), Fit)


def test_one_customer_lost_is_enough_for_the_exponential():
    found = fit(EXPONENTIAL, counted([(0, 0, 0, 5, 1, 1)]))
    assert np.exp(found.estimate[0]) == pytest.approx(-np.log1p(-1 / 5), rel=1e-10)


def test_akaike_weights_are_worked_by_hand():
    fits = fit_all(counted(staying(HIGH_END)))
    aic = np.array([2 * len(f.estimate) - 2 * f.log_likelihood for f in fits])
    raw = np.exp(-(aic - aic[3]) / 2)
    np.testing.assert_allclose(aic_weights(fits), raw / raw.sum(), rtol=1e-10)
    assert aic_weights(fits).sum() == pytest.approx(1, abs=1e-12)
    assert aic_weights([]).size == 0

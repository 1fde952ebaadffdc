"""Limits of the families: other laws at special values, and their truths returned from what they expect."""

import numpy as np
import pytest
from grouped import MENU, TRUTHS, by_name, expected
from scipy import stats
from scipy.special import beta

from cxlink.survival.families.catalogue import (
    BETA_DISCRETE_WEIBULL,
    EXPONENTIAL,
    GENERALISED_GAMMA,
    LOG_LOGISTIC,
    LOG_NORMAL,
    SHIFTED_BETA_GEOMETRIC,
    WEIBULL,
    Family,
    cure,
    gompertz,
    knots_for,
    menu,
    spline,
)
from cxlink.survival.families.fit import fit
from cxlink.survival.families.fitted import Fit

TIME = np.array([0.3, 1.0, 2.0, 5.0, 12.0, 40.0])
MU, SIGMA = 2.2, 0.8
# Two ways to the same closed form.
CLOSED = 1e-12

LAWS = {
    "exponential": (EXPONENTIAL, (0.1,), stats.expon(scale=10)),
    "weibull": (WEIBULL, (0.1, 0.7), stats.weibull_min(0.7, scale=10)),
    "gompertz": (gompertz(9.0), (0.02, 0.1), stats.gompertz(0.2, scale=10)),
    "log-normal": (LOG_NORMAL, (MU, SIGMA), stats.lognorm(SIGMA, scale=np.exp(MU))),
    "log-logistic": (LOG_LOGISTIC, (8.0, 1.4), stats.fisk(1.4, scale=8)),
    # q > 0: gamma(q⁻²) to the power σ/q; q < 0: its inverse
    "generalised gamma": (
        GENERALISED_GAMMA,
        (MU, SIGMA, 0.5),
        stats.gengamma(4.0, 0.5 / SIGMA, scale=np.exp(MU) * 0.25 ** (SIGMA / 0.5)),
    ),
    "its inverse": (
        GENERALISED_GAMMA,
        (MU, SIGMA, -0.5),
        stats.gengamma(4.0, -0.5 / SIGMA, scale=np.exp(MU) * 0.25 ** (-SIGMA / 0.5)),
    ),
    "gamma": (GENERALISED_GAMMA, (MU, SIGMA, SIGMA), stats.gamma(SIGMA**-2, scale=np.exp(MU) * SIGMA**2)),
    "inverse gamma": (
        GENERALISED_GAMMA,
        (MU, SIGMA, -SIGMA),
        stats.invgamma(SIGMA**-2, scale=np.exp(MU) / SIGMA**2),
    ),
    "Fréchet": (GENERALISED_GAMMA, (MU, SIGMA, -1.0), stats.invweibull(1 / SIGMA, scale=np.exp(MU))),
    "Weibull of it": (GENERALISED_GAMMA, (MU, SIGMA, 1.0), stats.weibull_min(1 / SIGMA, scale=np.exp(MU))),
}


def log_s(family: Family, *values: float) -> np.ndarray:
    return family.log_survival(TIME, *(np.full(len(TIME), value) for value in values))


@pytest.mark.parametrize("law", LAWS)
def test_laws_are_scipy_s(law: str) -> None:
    family, values, theirs = LAWS[law]
    # the logarithm of a number next to 1 is known to the rounding of 1
    np.testing.assert_allclose(log_s(family, *values), theirs.logsf(TIME), rtol=1e-11, atol=2e-16)


def test_a_generalised_gamma_without_skew_is_log_normal() -> None:
    normal = log_s(LOG_NORMAL, MU, SIGMA)
    np.testing.assert_allclose(log_s(GENERALISED_GAMMA, MU, SIGMA, 0.0), normal, rtol=1e-8)
    # and leaves it on both sides at one rate: q times the curvature is less than a fiftieth
    slope = (log_s(GENERALISED_GAMMA, MU, SIGMA, 0.01) - log_s(GENERALISED_GAMMA, MU, SIGMA, -0.01)) / 0.02
    for q in (-9e-4, 9e-4):
        np.testing.assert_allclose((log_s(GENERALISED_GAMMA, MU, SIGMA, q) - normal) / q, slope, rtol=0.02)


@pytest.mark.parametrize("q", [-0.05, -0.001, -0.0005, 0.0005, 0.001, 0.05])
def test_small_skews_are_the_gamma_integral(q: float) -> None:
    # across the bridge over 0 as outside: gamma with shape q⁻² up to four million, by scipy's gengamma
    a = q**-2.0
    x = a * np.exp(q * (np.log(TIME) - MU) / SIGMA)
    theirs = stats.gamma.sf(x, a) if q > 0 else stats.gamma.cdf(x, a)
    np.testing.assert_allclose(np.exp(log_s(GENERALISED_GAMMA, MU, SIGMA, q)), theirs, rtol=1e-7)


def test_far_tails_stay_finite_and_fall() -> None:
    time = np.geomspace(1e-6, 1e6, 200)
    for q in (-5.0, -1.0, 0.0, 0.02, 1.0, 5.0):
        curve = GENERALISED_GAMMA.log_survival(time, *(np.full(200, x) for x in (MU, SIGMA, q)))
        assert np.isfinite(curve).all()
        assert (np.diff(curve) <= 0).all()


SAME = {
    "BdW of shape 1 is sBG": (
        log_s(BETA_DISCRETE_WEIBULL, 0.2, 0.15, 1.0), log_s(SHIFTED_BETA_GEOMETRIC, 0.2, 0.15), CLOSED,
    ),
    # polarisation φ moves log S by φ·t²: 1e-7 is its floor
    "BdW without polarisation is the discrete Weibull": (
        log_s(BETA_DISCRETE_WEIBULL, 0.2, 1e-9, 0.8), TIME**0.8 * np.log(0.8), 1e-5,
    ),
    "sBG without polarisation is geometric": (
        log_s(SHIFTED_BETA_GEOMETRIC, 0.2, 1e-9), TIME * np.log(0.8), 1e-5,
    ),
    "Weibull of shape 1 is exponential": (log_s(WEIBULL, 0.1, 1.0), log_s(EXPONENTIAL, 0.1), CLOSED),
    "Gompertz of shape 0 is exponential": (log_s(gompertz(9.0), 0.1, 0.0), log_s(EXPONENTIAL, 0.1), CLOSED),
    "Gompertz next to it": (log_s(gompertz(9.0), 0.1, 1e-9), log_s(EXPONENTIAL, 0.1), 1e-7),
    "a spline without inner knots is Weibull": (
        log_s(spline((0.0, 2.0)), 0.7 * np.log(0.1), 0.7), log_s(WEIBULL, 0.1, 0.7), CLOSED,
    ),
    "a spline without bends is Weibull": (
        log_s(spline((0.0, 0.6, 1.1, 2.0)), 0.7 * np.log(0.1), 0.7, 0.0, 0.0), log_s(WEIBULL, 0.1, 0.7), CLOSED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SAME)
def test_special_values(case: str) -> None:
    one, other, tolerance = SAME[case]
    np.testing.assert_allclose(one, other, rtol=tolerance)


@pytest.mark.parametrize("family", MENU[:6], ids=by_name)
def test_a_cure_is_its_family_without_cured_and_a_mixture_with_them(family: Family) -> None:
    values = [
        float(p.link.inverse(np.asarray(x)))
        for p, x in zip(family.parameters, family.start_linked(0.1), strict=True)
    ]
    uncured = log_s(family, *values)
    np.testing.assert_allclose(log_s(cure(family), 0.0, *values), uncured, rtol=CLOSED)
    half = log_s(cure(family), 0.5, *values)
    np.testing.assert_allclose(np.exp(half), 0.5 + 0.5 * np.exp(uncured), rtol=CLOSED)
    late = cure(family).log_survival(np.array([1e9]), np.full(1, 0.3), *(np.full(1, x) for x in values))
    assert late[0] == pytest.approx(np.log(0.3), rel=1e-3)


def test_beta_geometric_is_its_product_of_hazards() -> None:
    # S(t) = Π (β + i − 1)/(α + β + i − 1), worked for α = 0.5, β = 1.5: 0.75, then 0.75·2.5/3
    found = SHIFTED_BETA_GEOMETRIC.log_survival(np.array([1.0, 2.0]), np.full(2, 0.25), np.full(2, 1 / 3))
    np.testing.assert_allclose(np.exp(found), [0.75, 0.75 * 2.5 / 3], rtol=CLOSED)


@pytest.mark.parametrize("polarisation", [1e-6, 0.001, 0.03, 0.034, 0.5, 0.999])
def test_beta_laws_are_ratios_of_beta_functions(polarisation: float) -> None:
    # both sides of where Stirling's series takes over, at α + β = 30
    both = (1 - polarisation) / polarisation
    hazard = (0.2 * both + np.zeros(12)) / (both + np.arange(12))
    t = np.arange(1, 13.0)
    values = np.full(12, 0.2), np.full(12, polarisation)
    found = SHIFTED_BETA_GEOMETRIC.log_survival(t, *values)
    np.testing.assert_allclose(found, np.cumsum(np.log1p(-hazard)), rtol=1e-10)
    if both < 100:
        shaped = BETA_DISCRETE_WEIBULL.log_survival(t, *values, np.full(12, 1.3))
        theirs = beta(0.2 * both, 0.8 * both + t**1.3) / beta(0.2 * both, 0.8 * both)
        np.testing.assert_allclose(np.exp(shaped), theirs, rtol=1e-11)


def test_a_spline_is_linear_beyond_its_outer_knots_and_smooth_at_all() -> None:
    knots = (0.0, 0.7, 1.3, 2.0)

    def at(x: np.ndarray) -> np.ndarray:
        values = (np.full(len(x), value) for value in (-2.0, 0.9, 1.3, -0.8))
        return np.log(-spline(knots).log_survival(np.exp(x), *values))

    outside = at(np.array([-3.0, -2.0, -1.0, 0.0])), at(np.array([2.0, 3.0, 4.0, 5.0]))
    for line in outside:
        np.testing.assert_allclose(np.diff(line, 2), 0, atol=1e-10)
    np.testing.assert_allclose(np.diff(outside[0]), 0.9, rtol=1e-10)
    for knot in knots:
        bend = np.diff(at(knot + np.array([-2e-3, -1e-3, 0.0, 1e-3, 2e-3])), 2) / 1e-6
        np.testing.assert_allclose(bend, bend.mean(), atol=0.02)


def test_knots_are_quantiles_of_the_losses() -> None:
    # losses 10, 10, 20, 40, 20 in periods 1, 2, 4, 5, 8: half of them by 4.25, of cumulative shares .4 and .8
    lost = np.array([10, 10, 0, 20, 40, 0, 0, 20])
    np.testing.assert_allclose(np.exp(knots_for(lost, 1)), [1, 4.25, 8], rtol=CLOSED)
    # almost all in the first period: quantiles coincide, so they are spread evenly in log time
    np.testing.assert_allclose(
        np.exp(knots_for(np.array([97, 1, 1, 0, 0, 0, 0, 1]), 2)), [1, 2, 4, 8], rtol=CLOSED
    )


@pytest.mark.parametrize(("family", "locations", "others"), TRUTHS, ids=by_name)
def test_expected_counts_return_their_truth_late_entry_included(
    family: Family, locations: tuple[float, ...], others: tuple[float, ...]
) -> None:
    # so many customers that the counts bound every parameter
    found = fit(family, expected(family, locations, others, n=1e6))
    assert isinstance(found, Fit)
    np.testing.assert_allclose(found.estimate, [*locations, *others], atol=1e-5)
    assert found.gradient_norm < 1e-9
    assert found.checks == ()
    assert found.at_bound == ()


def test_the_menu_is_the_one_of_the_tables() -> None:
    plain = ["exponential", "weibull", "gompertz", "log_normal", "log_logistic", "generalised_gamma"]
    names = [family.name for family in menu(np.ones(9))]
    assert names == [
        *plain, *(f"spline_{k}" for k in (1, 2, 3, 4)), *(f"cure_{name}" for name in plain),
        "shifted_beta_geometric", "beta_discrete_weibull",
    ]  # fmt: skip
    order = {name: k for k, name in enumerate(names)}
    assert all(order[inner.name] < order[family.name] for family in MENU for inner in family.contains)

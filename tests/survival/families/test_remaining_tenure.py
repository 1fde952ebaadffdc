"""Remaining, discounted and curtate tenure against closed forms, and the waning of the score's effect."""

import numpy as np
import pytest
from by_hand import one_curve, set_fit
from scipy.integrate import quad
from scipy.special import expit, gamma, gammaincc, logit

from cxlink.groups.curves import Standard, restricted_mean
from cxlink.groups.retained import Scored
from cxlink.survival.families.catalogue import EXPONENTIAL, LOG_LOGISTIC, SHIFTED_BETA_GEOMETRIC, WEIBULL
from cxlink.survival.families.projected_tenure import project
from cxlink.survival.families.projection_plan import Target

LADDER = (12, 36, 60)
RATE, SHAPE = 0.05, 0.7
CONSTANT = set_fit(EXPONENTIAL, [np.log(RATE)])
FALLING = set_fit(WEIBULL, [np.log(RATE)], [np.log(SHAPE)])
BETA = set_fit(SHIFTED_BETA_GEOMETRIC, [logit(0.2)], [logit(0.1)])
NOTHING = {"adjusted": "no", "stratum": "", "scenario": ""}


def projected(found, target):
    return project(found, target, 4, np.random.default_rng(1))


def constant_area(h, rate=RATE):
    return -np.expm1(-rate * np.asarray(h, dtype=float)) / rate


def weibull_rest(u):
    """∫_u^∞ exp(−(rate·t)^shape)dt."""
    return gamma(1 + 1 / SHAPE) * gammaincc(1 / SHAPE, (u * RATE) ** SHAPE) / RATE


def beta_survival(n):
    """S(0), S(1), … of the shifted-beta-geometric as a product: r(t) = (β + t − 1)/(α + β + t − 1)."""
    a, b = 0.2 * 9, 0.8 * 9
    t = np.arange(1, n + 1.0)
    return np.r_[1.0, np.cumprod((b + t - 1) / (a + b + t - 1))]


def test_a_constant_hazard_forgets_how_long_customers_have_stayed():
    (tenure,) = projected(CONSTANT, one_curve(LADDER, given=(6, 24)))
    exact = [*constant_area(LADDER), 1 / RATE]
    assert [one.given for one in tenure.later] == [6, 24]
    # the grid's documented accuracy, in periods; the tail's is relative
    for found in [one.area.point[0] for one in tenure.later]:
        np.testing.assert_allclose(found, exact, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("entry", [0, 7])
def test_remaining_tenure_of_a_falling_hazard_grows(entry):
    (tenure,) = projected(FALLING, one_curve(LADDER, [entry], given=(6, 24)))
    means = []
    for k, found in zip((6, 24), [one.area.point[0] for one in tenure.later], strict=True):
        survival = np.exp(-((RATE * (entry + k)) ** SHAPE))
        ends = [weibull_rest(entry + k + h) for h in LADDER]
        exact = [*((weibull_rest(entry + k) - end) / survival for end in ends)]
        np.testing.assert_allclose(found[:-1], exact, atol=1e-3)
        assert found[-1] == pytest.approx(weibull_rest(entry + k) / survival, rel=2e-4)
        means.append(found[-1])
    assert tenure.area.point[0, -1] < means[0] < means[1]


def test_remaining_tenure_of_the_beta_geometric_is_log_linear_between_periods():
    (tenure,) = projected(BETA, one_curve(LADDER, [3], given=(5,)))
    survival = beta_survival(200)[8:]
    exact = [restricted_mean(survival / survival[0], h) for h in LADDER]
    np.testing.assert_allclose(tenure.later[0].area.point[0, :-1], exact, rtol=1e-10)


def test_remaining_tenure_averages_entries_by_those_retained():
    target = one_curve(LADDER, [0, 9], [0.6, 0.4], given=(6,))
    (tenure,) = projected(FALLING, target)
    exact, retained = 0.0, 0.0
    for entry, weight in ((0, 0.6), (9, 0.4)):
        start = entry + 6
        survival = np.exp(-((RATE * start) ** SHAPE))
        left = weight * survival / np.exp(-((RATE * entry) ** SHAPE))
        exact += left * np.array([weibull_rest(start) - weibull_rest(start + h) for h in LADDER]) / survival
        retained += left
    np.testing.assert_allclose(tenure.later[0].area.point[0, :-1], exact / retained, atol=1e-3)


SLOW_STRATUM, FAST_STRATUM = 0.02, 0.2


def in_two_strata(scored=None):
    """A group in a slow and a fast stratum, after a year."""
    found = set_fit(EXPONENTIAL, [np.log(SLOW_STRATUM)], strata=[np.log(FAST_STRATUM / SLOW_STRATUM)])
    standard = Standard("all", np.array([0, 1]), np.zeros(2, int), np.array([0.7, 0.3]), 100, 40)
    target = Target(
        np.zeros(2, int), np.arange(2), (standard,), LADDER, np.array([30]), NOTHING, given=(12,),
        lags=((3, 9),), scored=scored,
    )  # fmt: skip
    return projected(found, target)[0]


def mixed(shares, value):
    left = np.array([0.7, 0.3]) * shares
    return (left / left.sum()) @ [value(SLOW_STRATUM), value(FAST_STRATUM)]


def test_remaining_tenure_is_of_the_strata_retained():
    tenure = in_two_strata()
    left = np.exp(-12 * np.array([SLOW_STRATUM, FAST_STRATUM]))
    exact = mixed(left, lambda rate: constant_area(LADDER, rate))
    np.testing.assert_allclose(tenure.later[0].area.point[0, :-1], exact, atol=1e-3)
    # weights of the survey would count too many of the stratum that leaves fast
    assert exact[2] - mixed(np.ones(2), lambda rate: constant_area(60, rate)) > 5


def test_a_lag_is_of_the_strata_retained_and_groups_share_them():
    lagged = in_two_strata().later[1]
    assert (lagged.given, lagged.times.tolist(), lagged.horizons) == (3, [9], ())
    left = np.exp(-3 * np.array([SLOW_STRATUM, FAST_STRATUM]))
    assert lagged.point[0, 0] == pytest.approx(mixed(left, lambda rate: np.exp(-9 * rate)), abs=1e-6)
    # with customers of another level, of whom the slow stratum retains none: the mix is that of all
    curve, n = np.array([0, 1]), np.array([10.0, 10.0])
    scored = Scored(np.zeros(2, int), np.arange(2), curve, curve * 0, n, np.array([0.25, 1.0]))
    lagged = in_two_strata(scored).later[1]
    assert lagged.point[0, 0] == pytest.approx(
        mixed(left * np.array([0.25, 1.0]), lambda rate: np.exp(-9 * rate)), abs=1e-6
    )


@pytest.mark.parametrize("discount", [0.01, 0.2])
def test_discounted_tenure_of_a_constant_hazard_adds_the_rates(discount):
    (tenure,) = projected(CONSTANT, one_curve(LADDER, discount=discount))
    both = RATE + discount
    exact = [*constant_area(LADDER, both), 1 / both]
    np.testing.assert_allclose(tenure.tail.discounted.point[0], exact, atol=1e-3)


def test_discounted_tenure_against_quadrature_from_a_late_entry():
    (tenure,) = projected(FALLING, one_curve(LADDER, [7], discount=0.02))
    start = (RATE * 7) ** SHAPE
    for h, found in zip(LADDER, tenure.tail.discounted.point[0], strict=False):
        exact = quad(lambda t: np.exp(start - (RATE * (7 + t)) ** SHAPE - 0.02 * t), 0, h, epsabs=1e-10)[0]
        assert found == pytest.approx(exact, abs=1e-3)


def test_discounting_makes_an_infinite_mean_finite():
    endless = set_fit(LOG_LOGISTIC, [np.log(9.0)], [np.log(0.97)])
    (tenure,) = projected(endless, one_curve(LADDER, discount=0.01))
    assert tenure.area.point[0, -1] == np.inf
    exact = quad(lambda t: np.exp(-0.01 * t) / (1 + (t / 9) ** 0.97), 0, np.inf, limit=500)[0]
    assert tenure.tail.discounted.point[0, -1] == pytest.approx(exact, rel=1e-3)
    (plain,) = projected(CONSTANT, one_curve(LADDER))
    np.testing.assert_array_equal(plain.tail.discounted.point[:, :-1], plain.area.point[:, :-1])
    assert plain.tail.discounted.point[0, -1] == plain.area.point[:, -1][0]


def test_discounted_tenure_of_a_discrete_family_is_log_linear_between_periods():
    (tenure,) = projected(BETA, one_curve(LADDER, discount=0.03))
    worth = beta_survival(60) * np.exp(-0.03 * np.arange(61))
    pieces = np.diff(worth) / np.diff(np.log(worth))
    exact = [pieces[:h].sum() for h in LADDER]
    np.testing.assert_allclose(tenure.tail.discounted.point[0, :-1], exact, rtol=1e-10)


def test_curtate_tenure_sums_survival_at_whole_periods():
    (tenure,) = projected(CONSTANT, one_curve(LADDER))
    exact = [np.exp(-RATE * np.arange(1, h + 1)).sum() for h in LADDER]
    np.testing.assert_allclose(tenure.tail.curtate.point[0], exact, rtol=1e-10)
    (discrete,) = projected(BETA, one_curve(LADDER, [4]))
    survival = beta_survival(64)[4:]
    exact = [(survival[1 : h + 1] / survival[0]).sum() for h in LADDER]
    np.testing.assert_allclose(discrete.tail.curtate.point[0], exact, rtol=1e-10)
    # of every month to ten years the grid holds some only
    (long,) = projected(CONSTANT, one_curve((12, 120)))
    assert long.tail.curtate.point[0, 1] == pytest.approx(np.exp(-RATE * np.arange(1, 121)).sum(), abs=1e-3)


def test_extrapolated_share_of_remaining_tenure_counts_from_those_periods():
    (tenure,) = projected(CONSTANT, one_curve(LADDER, given=(12, 30), last=24))
    total = np.array([*constant_area(LADDER), 1 / RATE])
    share = [one.extrapolated_area[0] for one in (tenure, *tenure.later)]
    np.testing.assert_allclose(share[0][1:], 1 - constant_area(24) / total[1:], atol=1e-4)
    # from the twelfth period on, twelve are left within follow-up
    np.testing.assert_allclose(share[1], 1 - constant_area(12) / total, atol=1e-4)
    assert share[1][0] == 0
    np.testing.assert_array_equal(share[2], 1)


SLOW, FAST = 0.02, 0.1
HALF = np.array([0.5, 0.5])
TWO = set_fit(EXPONENTIAL, np.log([FAST, SLOW]))


def waned(end, groups=("worst", "best", "all"), last=12, shares=(0.5, 0.5, 0.0)):
    """Two constant hazards and their mixture, the effect gone by a period."""
    two = np.arange(2)
    made = {
        "worst": Standard("worst", two[:1], two[:1] * 0, np.ones(1), 50, 20),
        "best": Standard("best", two[1:], two[:1] * 0, np.ones(1), 50, 20),
        "all": Standard("all", two, two * 0, HALF, 100, 40),
    }
    standards = tuple(made[name] for name in groups)
    lasts = np.full(len(groups), last)
    share = None if shares is None else np.array(shares)
    target = Target(
        two, two * 0, standards, (6, 12, 24, 36, 60), lasts, NOTHING, given=(6,), waning=(end,), share=share
    )
    return projected(TWO, target)


def everybody(t):
    return 0.5 * np.exp(-FAST * t) + 0.5 * np.exp(-SLOW * t)


def everybody_s_hazard(t):
    return (0.5 * FAST * np.exp(-FAST * t) + 0.5 * SLOW * np.exp(-SLOW * t)) / everybody(t)


def test_waning_mixes_log_hazards():
    lasting, fading = waned(36)
    assert (lasting.labels["scenario"], fading.labels["scenario"]) == ("", "waning=36")
    for group, rate in enumerate((FAST, SLOW)):

        def hazard(t, rate=rate):
            w = np.clip((36 - t) / (36 - 12), 0, 1)
            return everybody_s_hazard(t) ** (1 - w) * rate**w

        for h, found in zip(fading.times, fading.point[group], strict=True):
            exact = np.exp(-quad(hazard, 0, h, points=[12, 36], limit=200)[0])
            # hazards are taken as even within a period
            assert found == pytest.approx(exact, abs=2e-4)
    np.testing.assert_allclose(fading.point[2], lasting.point[2], rtol=1e-9)
    # it draws the groups together, and leaves follow-up alone
    np.testing.assert_allclose(fading.point[:, :2], lasting.point[:, :2], rtol=1e-9)
    assert fading.point[0, -1] > lasting.point[0, -1]
    assert fading.point[1, -1] < lasting.point[1, -1]
    # from its end on all leave at one hazard
    ratio = fading.point[:, 4] / fading.point[:, 3]
    np.testing.assert_allclose(ratio, everybody(60) / everybody(36), rtol=1e-9)


def test_restricted_means_and_draws_follow_the_waned_curve():
    lasting, fading = waned(36)
    assert fading.area.point[0, -2] > lasting.area.point[0, -2] + 0.2
    np.testing.assert_allclose(fading.area.draws[..., :-1][0], fading.area.point[:, :-1], rtol=1e-6)
    np.testing.assert_allclose(fading.tail.curve[:, fading.tail.grid.at((60,))[0]], fading.point[:, -1])
    # remaining tenure is asked of the main analysis only
    assert [one.given for one in lasting.later] == [6]
    assert fading.later == ()


def test_waning_that_ends_within_follow_up_begins_after_it():
    _, fading = waned(6)
    np.testing.assert_allclose(fading.point[0, :2], np.exp(-FAST * np.array([6, 12])), rtol=1e-9)
    ratio = fading.point[:2, 2:] / fading.point[:2, [1]]
    exact = everybody(np.array([24, 36, 60])) / everybody(12)
    np.testing.assert_allclose(ratio, np.tile(exact, (2, 1)), rtol=1e-9)


def test_waning_needs_the_whole_cohort_s_shares_and_no_group_of_all():
    two = waned(36, ("worst", "best"), shares=(0.5, 0.5))[1]
    np.testing.assert_allclose(two.point, waned(36)[1].point[:2], rtol=1e-12)
    lasting, fading = waned(36, ("worst", "best"), shares=None)
    np.testing.assert_array_equal(fading.point, lasting.point)
    np.testing.assert_array_equal(fading.area.draws[..., -1], lasting.area.draws[..., -1])


def test_a_fit_by_hand_is_what_it_says():
    assert expit(BETA.estimate) == pytest.approx([0.2, 0.1])
    survival = np.exp(SHIFTED_BETA_GEOMETRIC.linked(np.arange(1, 6.0), *BETA.estimate))
    np.testing.assert_allclose(survival, beta_survival(5)[1:], rtol=1e-12)

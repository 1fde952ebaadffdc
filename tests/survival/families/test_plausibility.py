"""What is doubted, where it should be and nowhere else; and losses that come back at every m-th period."""

import numpy as np
import pandas as pd
import pytest
from by_hand import one_curve, periods_of, set_fit

from cxlink.cohort.count.spells import PersonPeriods
from cxlink.report.check_notes import note
from cxlink.survival.families.catalogue import EXPONENTIAL, LOG_LOGISTIC, WEIBULL, cure, gompertz, spline
from cxlink.survival.families.extrapolation_warnings import Spike, family_warnings, spike
from cxlink.survival.families.projected_tenure import project

END = 12
FOLLOWED = periods_of(1000 * 0.95 ** np.arange(END + 1.0))


def doubted(found):
    (tenure,) = project(found, one_curve((12, 36), last=END), 4, np.random.default_rng(1))
    return {one.code: one for one in family_warnings([found], [tenure], FOLLOWED)}


def falling(shape):
    """Gompertz of rate .1 whose shape is given a period; its link counts it per follow-up."""
    return set_fit(gompertz(float(END)), [np.log(0.1)], [shape * END])


def test_a_gompertz_hazard_that_dies_out_is_an_implicit_cure():
    found = doubted(falling(-0.1))
    # S(∞) = exp(−rate/|shape|)
    assert found["implicit_cure"].value == pytest.approx(np.exp(-1), rel=1e-6)
    assert found["implicit_cure"].facts == {"case": "falling_hazard"}
    assert note(found["implicit_cure"]).endswith("37\u202f% of the customers never leave")
    assert all((one.model, one.passed) == ("gompertz", False) for one in found.values())
    assert set(found) == {"implicit_cure", "infinite_mean"}
    assert doubted(falling(0.02)) == {}
    # a rate that falls so slowly that nobody is left
    assert "implicit_cure" not in doubted(falling(-0.01))


def test_a_spline_that_rises_is_an_implicit_cure():
    knots = (0.0, 1.2, 2.4)
    # beyond the last knot log H has the slope 1 − .75·bend
    rising = doubted(set_fit(spline(knots), [-3.0], [1.0, 2.0]))
    assert rising["implicit_cure"].facts == {"case": "held_level"}
    assert 0 < rising["implicit_cure"].value < 1
    assert "implicit_cure" not in doubted(set_fit(spline(knots), [-3.0], [1.0, 1.0]))


@pytest.mark.parametrize(("rate", "immature"), [(0.05, True), (0.2, True), (0.3, False), (0.5, False)])
def test_a_cure_is_immature_while_the_uncured_are_still_there(rate, immature):
    found = doubted(set_fit(cure(EXPONENTIAL), [np.log(3 / 7)], [np.log(rate)]))
    assert ("immature_cure" in found) == immature
    assert found["infinite_mean"].value == 1
    if immature:
        assert found["immature_cure"].value == pytest.approx(np.exp(-12 * rate), rel=1e-9)
        assert found["immature_cure"].facts["cured"] == pytest.approx(0.3, rel=1e-9)


def test_a_cure_of_nobody_is_none():
    assert doubted(set_fit(cure(EXPONENTIAL), [-12.0], [np.log(0.05)])).keys() <= {"infinite_mean"}


def test_an_infinite_mean_is_said():
    found = doubted(set_fit(LOG_LOGISTIC, [np.log(9.0)], [np.log(0.97)]))
    assert set(found) == {"infinite_mean"}
    assert found["infinite_mean"].value == 1
    assert found["infinite_mean"].model == "log_logistic"
    assert "infinite in 100\u202f% of the draws" in note(found["infinite_mean"])
    assert doubted(set_fit(EXPONENTIAL, [np.log(0.05)])) == {}


def test_a_hazard_that_turns_beyond_follow_up():
    found = doubted(set_fit(LOG_LOGISTIC, [np.log(20.0)], [np.log(3.0)]))
    assert set(found) == {"turning_hazard"}
    # it peaks at scale·(shape − 1)^(1/shape)
    assert found["turning_hazard"].value == pytest.approx(20 * 2 ** (1 / 3), abs=1)
    assert found["turning_hazard"].facts == {"case": "rises_then_falls"}
    # turned within follow-up, or never
    assert "turning_hazard" not in doubted(set_fit(LOG_LOGISTIC, [np.log(3.0)], [np.log(3.0)]))
    assert doubted(set_fit(WEIBULL, [np.log(0.05)], [np.log(1.5)])) == {}
    assert doubted(set_fit(WEIBULL, [np.log(0.05)], [np.log(0.7)])) == {}


def spiked(every, n_periods, base=0.03, times=5.0):
    t = np.arange(1, n_periods + 1)
    hazard = np.where(t % every == 0, times * base, base)
    return periods_of(10_000 * np.r_[1.0, np.cumprod(1 - hazard)])


@pytest.mark.parametrize(("every", "n_periods"), [(12, 12), (12, 24), (12, 36), (3, 12), (3, 36), (4, 24)])
def test_renewal_spikes_are_found_with_their_cycle(every, n_periods):
    found = spike(spiked(every, n_periods))
    assert isinstance(found, Spike)
    assert found.every == every
    # half a loss is added beside, and those at risk are a little fewer with each period
    assert found.ratio == pytest.approx(5, rel=0.03)


def test_small_or_rare_spikes_are_not_flagged():
    assert spike(spiked(12, 36, times=1.9)) is None
    assert spike(spiked(12, 11)) is None
    few = spiked(12, 36)
    few = PersonPeriods(few.levels, few.strata, few.level, few.stratum, few.at_risk / 1e3, few.lost / 1e3)
    assert spike(few) is None
    # one spike of three is no cycle of twelve, though it may be one of its own
    t = np.arange(1, 37)
    once = periods_of(10_000 * np.r_[1.0, np.cumprod(1 - np.where(t == 13, 0.15, 0.03))])
    assert spike(once) != Spike(12, pytest.approx(5, rel=0.1))
    assert spike(periods_of(np.full(13, 100.0))) is None


def smooth(seed):
    """A cohort whose hazard is constant, falls or rises as a power of time."""
    numbers = np.random.default_rng([20140801, seed])
    n, n_periods = int(np.exp(numbers.uniform(np.log(50), np.log(1e6)))), int(numbers.integers(6, 61))
    t = np.arange(1, n_periods + 1)
    hazard = np.exp(numbers.uniform(np.log(0.003), np.log(0.15))) * t ** numbers.uniform(-0.8, 0.3)
    at_risk, lost = np.zeros(n_periods), np.zeros(n_periods)
    for k in range(n_periods):
        at_risk[k] = n
        lost[k] = numbers.binomial(n, min(hazard[k], 1.0))
        n -= int(lost[k])
    one = np.zeros(1, int)
    return PersonPeriods((1,), pd.DataFrame(index=range(1)), one, one, at_risk[None], lost[None])


def test_smooth_hazards_raise_no_alarm():
    alarms = sum(spike(smooth(seed)) is not None for seed in range(500))
    assert alarms < 5

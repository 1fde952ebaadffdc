"""Who is averaged, and with which weights: by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from by_hand import one_curve, set_fit

from cxlink.estimands.model_rows.tenure_estimates import weights_of
from cxlink.survival.families.averaging import aic_weights, average, equal_weights, members
from cxlink.survival.families.backtest import Backtest
from cxlink.survival.families.catalogue import EXPONENTIAL, WEIBULL, cure, spline
from cxlink.survival.families.projected_tenure import project
from cxlink.survival.survival import Survival

RATE = np.log(0.05)
PLAIN = set_fit(EXPONENTIAL, [RATE], log_likelihood=-101.0)
POWER = set_fit(WEIBULL, [RATE], [0.1], log_likelihood=-99.5)
BENT = set_fit(spline((0.0, 1.0, 2.0)), [RATE], [1.0, 0.1], log_likelihood=-98.5)
TWICE = set_fit(spline((0.0, 0.7, 1.4, 2.0)), [RATE], [1.0, 0.1, 0.1], log_likelihood=-98.0)
CURED = set_fit(cure(EXPONENTIAL), [-1.0], [RATE], log_likelihood=-103.0)
CURED_TOO = set_fit(cure(WEIBULL), [-1.0], [RATE, 0.1], log_likelihood=-100.5)
ALL = [PLAIN, POWER, BENT, TWICE, CURED, CURED_TOO]


def test_a_class_has_one_member_the_one_with_the_lowest_aic():
    # AIC: 204, 203; splines 203 and 204; cures 210 and 207
    assert [fit.aic for fit in ALL] == [204, 203, 203, 204, 210, 207]
    assert members(ALL) == [0, 1, 2, 5]
    np.testing.assert_array_equal(equal_weights(ALL), [0.25, 0.25, 0.25, 0, 0, 0.25])


def test_akaike_weights_by_hand():
    found = aic_weights(ALL)
    exact = np.array([np.exp(-0.5), 1, 1, 0, 0, np.exp(-2)])
    np.testing.assert_allclose(found, exact / exact.sum(), rtol=1e-12)
    # a huge cohort's likelihoods underflow nothing
    far = [replace(fit, log_likelihood=1e7 * fit.log_likelihood) for fit in ALL]
    np.testing.assert_array_equal(aic_weights(far), [0, 0, 0, 1, 0, 0])


def test_what_did_not_converge_is_no_member():
    lost = replace(POWER, gradient_norm=1e-3)
    assert members([PLAIN, lost, replace(BENT, gradient_norm=np.inf), TWICE]) == [0, 3]
    assert aic_weights([lost])[0] == 0
    assert equal_weights([lost])[0] == 0
    assert members([]) == []


def the_test(weights, reason=""):
    return Backtest((), 12, reason, np.array(weights, dtype=float), pd.DataFrame(), pd.DataFrame())


def test_the_main_average_is_the_backtest_s_where_there_is_one():
    shares = [0.1, 0.2, 0.3, 0, 0, 0.4]
    by_test = weights_of(ALL, the_test(shares))
    assert list(by_test) == ["averaged_aic", "averaged_backtest", "averaged_equal", "averaged"]
    np.testing.assert_array_equal(by_test["averaged"], shares)
    np.testing.assert_array_equal(by_test["averaged_backtest"], shares)
    np.testing.assert_array_equal(by_test["averaged_equal"], equal_weights(ALL))
    without = weights_of(ALL, the_test(np.zeros(6), "follow-up is too short"))
    np.testing.assert_array_equal(without["averaged"], aic_weights(ALL))
    assert not without["averaged_backtest"].any()


def means_of(s: Survival) -> tuple[np.ndarray, ...]:
    """Retention, areas to each horizon and without one, from the survey and from later, and what is inside of them."""
    (later,) = s.later
    of_the_tail = s.tail.discounted.point, s.tail.curtate.point
    return s.point, s.area.point, s.inside, *of_the_tail, later.point, later.area.point, later.inside


def test_every_quantity_is_the_weighted_mean_but_the_median():
    target = one_curve((12, 36), given=(6,), discount=0.01)
    fits = [PLAIN, set_fit(EXPONENTIAL, [np.log(0.01)])]
    tenures = [project(fit, target, 10, np.random.default_rng(1))[0] for fit in fits]
    found = average(tenures, np.array([0.8, 0.2]), "averaged_aic")
    for one, first, second in zip(*(means_of(s) for s in (found, *tenures)), strict=True):
        np.testing.assert_allclose(one, 0.8 * first + 0.2 * second, rtol=1e-12)
    survival = 0.8 * np.exp(-0.05 * found.tail.median.point) + 0.2 * np.exp(-0.01 * found.tail.median.point)
    assert survival == pytest.approx(0.5, abs=1e-3)
    # eight draws of the first and two of the second
    np.testing.assert_allclose(found.area.draws[..., -1][:, 0], [20] * 8 + [100] * 2, rtol=1e-3)
    assert found.model == "averaged_aic"

"""Areas, restricted means and averages over standards, by hand and by loops."""

import numpy as np
import pytest
from scipy.integrate import quad

from cxlink.groups.curves import Standard, areas, restricted_mean
from cxlink.groups.discrete_hazard import EXTINCT, log_survival
from cxlink.groups.mixtures import mixtures, standardise


def test_areas_by_hand() -> None:
    # log-linear from 1 to 1/2: (1 - 1/2) / ln 2; linear from 1/2 to 0: 1/4; nobody left: 0
    assert areas(np.array([1.0, 0.5, 0.0, 0.0])) == pytest.approx([0.5 / np.log(2), 0.25, 0.0], abs=1e-12)
    assert areas(np.array([0.8, 0.8])) == pytest.approx([0.8], abs=1e-15)


def test_a_fall_too_small_for_the_logarithm_is_none() -> None:
    barely = np.array([1.0, np.nextafter(1.0, 0.0), np.nextafter(1.0, 0.0) * (1 - 1e-15)])
    assert areas(barely) == pytest.approx([1.0, 1.0], abs=1e-12)


def test_a_rise_by_rounding_does_not_break_an_area() -> None:
    s = 0.37
    assert areas(np.array([s, np.nextafter(s, 1.0)])) == pytest.approx([s], rel=1e-12)


def test_unknown_stays_unknown() -> None:
    assert np.isnan(areas(np.array([1.0, np.nan, np.nan]))).all()
    assert np.isnan(restricted_mean(np.array([1.0, 0.5]), 2))
    assert restricted_mean(np.array([1.0, 0.5, np.nan]), 1) == pytest.approx(0.5 / np.log(2), abs=1e-12)


def test_restricted_mean_is_the_integral_of_the_log_linear_curve() -> None:
    survival = np.exp(-np.cumsum([0.0, 0.3, 0.05, 0.4, 0.011, 0.2]))
    knots = np.arange(6)

    def curve(t: float) -> float:
        return float(np.exp(np.interp(t, knots, np.log(survival))))

    for horizon in (1, 3, 5):
        exact = sum(quad(curve, t, t + 1, epsabs=1e-13)[0] for t in range(horizon))
        assert restricted_mean(survival, horizon) == pytest.approx(exact, abs=1e-10)


def test_restricted_mean_of_a_constant_hazard_has_its_closed_form() -> None:
    rate = 0.17
    survival = np.exp(-rate * np.arange(13))
    assert restricted_mean(survival, 12) == pytest.approx((1 - np.exp(-12 * rate)) / rate, abs=1e-12)


def test_log_survival_marks_extinction_and_keeps_later_ratios() -> None:
    hazard = np.array([[0.5, 1.0, 0.25, 0.0]])[..., None]
    log_s = log_survival(hazard)[0, :, 0]
    assert np.exp(log_s[:3]) == pytest.approx([1.0, 0.5, 0.0], abs=1e-300)
    assert log_s[2] == pytest.approx(np.log(0.5) + EXTINCT, abs=1e-12)
    # whoever enters after everybody was lost is followed as usual
    assert np.exp(log_s[4] - log_s[2]) == pytest.approx(0.75, rel=1e-12)


def test_standardise_equals_the_loop_over_its_terms() -> None:
    rng = np.random.default_rng(3)
    hazard = rng.uniform(0, 0.5, (4, 9, 7))
    hazard[2, 3] = 1.0
    curve, entry = np.array([0, 1, 2, 2, 3]), np.array([0, 2, 0, 4, 2])
    weight = rng.dirichlet(np.ones(5))
    standards = (
        Standard("one", np.array([3]), np.array([1]), np.ones(1), 1, 1),
        Standard("mixed", curve, entry, weight, 1, 1),
    )
    got = standardise(log_survival(hazard), mixtures(standards), np.arange(5))
    assert got.shape == (7, 2, 5)
    for b in range(7):
        for h in range(5):
            alone = np.prod(1 - hazard[3, 1 : 1 + h, b])
            assert got[b, 0, h] == pytest.approx(alone, abs=1e-12)
            total = sum(
                w * np.prod(1 - hazard[k, e : e + h, b]) for k, e, w in zip(curve, entry, weight, strict=True)
            )
            assert got[b, 1, h] == pytest.approx(total, abs=1e-12)


def test_standardise_adds_nothing_after_a_curve_has_ended() -> None:
    log_s = log_survival(np.array([[0.5, 1.0]])[..., None])
    standard = Standard("g", np.array([0]), np.array([0]), np.ones(1), 1, 1)
    assert standardise(log_s, mixtures([standard]), np.arange(5))[0, 0] == pytest.approx(
        [1, 0.5, 0, 0, 0], abs=1e-300
    )
    assert standardise(log_s, mixtures(()), np.arange(3)).shape == (1, 0, 3)  # nobody asked

"""How well an old model foretells a new cohort: lines with errors on both sides, and a Brier score by hand."""

import numpy as np
import pytest
from by_hand import spells_by_hand
from scipy.optimize import minimize

from cxlink.comparison.recalibration import brier, normal_slope, normal_slopes, poisson_slopes


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, None]


def test_a_slope_without_noise_is_found() -> None:
    rate = column(0.02, 0.05, 0.1, 0.3)
    lost = 1e6 * 0.1 * (rate / 0.1) ** 0.6
    found = poisson_slopes(1e9 * rate, rate, lost, np.full((4, 1), 1e6))
    assert found[0] == pytest.approx(0.6, abs=1e-5)


def test_the_slope_is_the_maximum_of_the_likelihood() -> None:
    d, r, y, s = (
        np.array([30.0, 9, 4]),
        np.array([400.0, 300, 500]),
        np.array([25.0, 14, 3]),
        np.array([380.0, 310, 450]),
    )

    def minus(theta: np.ndarray) -> float:
        line = theta[0] + theta[1] * theta[2:]
        return -float((d * theta[2:] - r * np.exp(theta[2:]) + y * line - s * np.exp(line)).sum())

    best = minimize(minus, [0.0, 1.0, *np.log(d / r)], method="BFGS", options={"gtol": 1e-8})
    found = poisson_slopes(d[:, None], (d / r)[:, None], y[:, None], s[:, None])
    assert found[0] == pytest.approx(best.x[1], abs=1e-5)


def test_two_cohorts_of_one_law_have_the_slope_1_though_both_are_noisy() -> None:
    rng = np.random.default_rng(3)
    mean = column(60, 40, 25, 15)
    exposed = np.broadcast_to(column(900, 900, 800, 900), (4, 4000))
    one, two = (rng.poisson(mean, (4, 4000)) for _ in range(2))
    found = poisson_slopes(one, one / exposed, two, exposed)
    back = poisson_slopes(two, two / exposed, one, exposed)
    # a cell without a loss is left out of the base alone
    told = (one > 0).all(axis=0) & (two > 0).all(axis=0)
    np.testing.assert_allclose(found[told] * back[told], 1, rtol=1e-5)  # either way round
    assert np.mean(np.log(found[told])) == pytest.approx(
        0, abs=4 * np.std(np.log(found[told])) / np.sqrt(4000)
    )
    x, y = (np.log(counts[:, told]) for counts in (one, two))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    assert (x * y).sum() / (x * x).sum() < 0.95  # what noise in the base alone does to a regression on it


def test_a_slope_that_cannot_be_told_is_none() -> None:
    assert np.isnan(poisson_slopes(column(5), column(0.1), column(4), column(40))).all()
    assert np.isnan(poisson_slopes(column(5, 5), column(0.1, 0.1), column(4, 4), column(40, 40))).all()
    assert np.isnan(poisson_slopes(column(5, 0), column(0.1, 0.0), column(4, 4), column(40, 40))).all()


def test_a_line_with_known_errors_on_both_sides() -> None:
    x = np.array([0.0, 1, 2, 3])
    slope, error = normal_slope(x, np.full(4, 1e-8), 1 + 0.5 * x, np.full(4, 0.04))
    assert slope == pytest.approx(0.5, abs=1e-4)
    assert error == pytest.approx(0.2 / np.sqrt(5), rel=1e-4)  # σ / √Σ(x − x̄)²
    # equal errors on both sides: the first principal axis
    y = np.array([0.2, 0.7, 2.3, 2.6])
    axis = np.linalg.eigh(np.cov(x, y))[1][:, -1]
    assert normal_slope(x, np.full(4, 0.1), y, np.full(4, 0.1))[0] == pytest.approx(
        axis[1] / axis[0], abs=1e-4
    )


def test_points_farther_off_than_their_variances_widen_the_slope() -> None:
    # residuals ±c that move neither slope nor mean: Σ(x − x̄)²e²·n/(n − 2) = 10 c², over 5² .4 c², beside σ²/5
    x, pattern = np.arange(4.0), np.array([1.0, -1.0, -1.0, 1.0])
    for c, variance in ((0.1, 0.4 * 0.1**2), (0.05, 0.01 / 5)):
        slope, error = normal_slope(x, np.full(4, 1e-9), 2 * x + c * pattern, np.full(4, 0.01))
        assert slope == pytest.approx(2, abs=1e-4)
        assert error == pytest.approx(np.sqrt(variance), rel=1e-4)


def test_brier_by_hand() -> None:
    """Ten customers: 2 lost in period 1, 2 last seen after it, 3 lost in period 2, 3 there after; all predicted .6."""
    spells = spells_by_hand([(0, 0, 0, 1, 0, 2), (0, 0, 0, 1, 1, 2), (0, 0, 0, 2, 0, 3), (0, 0, 0, 2, 1, 3)])
    found = brier(spells, spells.n[:, None], np.ones(4, bool), np.full((4, 1), 0.6), 2)
    g = 1 - 2 / 8  # of the eight there after period 1, two were seen for the last time
    mean = (3 / g) / (2 + 6 / g)
    expected = [
        (2 * e0 + 3 / g * e0 + 3 / g * e1) / 10 for e0, e1 in ((0.36, 0.16), (mean**2, (1 - mean) ** 2))
    ]
    assert found[:, 0] == pytest.approx(expected, abs=1e-12)


def test_nobody_followed_to_the_horizon_has_no_brier_score() -> None:
    spells = spells_by_hand([(0, 0, 0, 1, 0, 2), (0, 0, 0, 1, 1, 2)])
    assert np.isnan(brier(spells, spells.n[:, None], np.ones(2, bool), np.full((2, 1), 0.5), 3)).all()


def test_the_error_of_a_line_where_both_sides_are_noisy_by_hand() -> None:
    """Points on y = 2 x: with σ_y² = .05 and σ_x² = .2 a point weighs 1/(.05 + 4 · .2) = 1/.85, x as it was."""
    x = np.array([0.0, 1, 2, 3])
    slope, error = normal_slope(x, np.full(4, 0.2), 2 * x, np.full(4, 0.05))
    assert slope == pytest.approx(2, abs=1e-4)
    assert error == pytest.approx(np.sqrt(0.85 / 5), rel=1e-4)  # 1/√(Σ(x − x̄)²/.85)


def test_slopes_of_many_draws_are_those_of_each() -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(0, 1, (30, 5))
    y = np.array([0.2, 0.8, 1.0, 1.7, -0.6]) * x + rng.normal(0, 0.3, (30, 5))
    var_x, var_y = rng.uniform(0.02, 0.1, (2, 30))
    each = [normal_slope(x[:, k], var_x, y[:, k], var_y)[0] for k in range(5)]
    # a thousandth of a radian
    np.testing.assert_allclose(np.arctan(normal_slopes(x, var_x, y, var_y)), np.arctan(each), atol=2e-3)

"""Weak penalties: the density of log F(1, 1), by hand, with its gradient and curvature."""

import numpy as np
import pytest
from scipy.special import expit

from cxlink.estimation.penalties import Penalties


def test_a_penalty_is_half_a_loss_and_half_a_customer_retained_by_hand() -> None:
    """β = 2 (θ₁ − θ₂ − 0.5): log of e^(β/2) / (1 + e^β), highest where β is 0."""
    one = Penalties(np.array([[1.0, -1.0]]), np.array([0.5]), np.array([2.0]))
    theta = np.array([1.7, 0.2])  # β = 2
    assert one.value(theta) == pytest.approx(1 - np.log(1 + np.exp(2)), abs=1e-12)
    slope = 2 * (0.5 - expit(2))
    np.testing.assert_allclose(one.gradient(theta), [slope, -slope], atol=1e-12)
    bend = 4 * expit(2) * expit(-2)
    np.testing.assert_allclose(one.information(theta), [[bend, -bend], [-bend, bend]], atol=1e-12)
    at_centre = np.array([0.5, 0.0])
    assert one.value(at_centre) == pytest.approx(-np.log(2), abs=1e-12)
    np.testing.assert_allclose(one.gradient(at_centre), 0, atol=1e-12)


def test_the_gradient_is_that_of_the_value() -> None:
    rng, step = np.random.default_rng(2), 1e-6
    several = Penalties(rng.normal(size=(4, 3)), rng.normal(size=4), rng.uniform(0.5, 2, 4))
    theta = rng.normal(size=3)
    numeric = [
        (several.value(theta + step * e) - several.value(theta - step * e)) / (2 * step) for e in np.eye(3)
    ]
    np.testing.assert_allclose(several.gradient(theta), numeric, rtol=1e-6)

"""Gradients and Hessians of every family's likelihood against differences of its value."""

from collections.abc import Callable

import numpy as np
import pytest
from grouped import MENU, TRUTHS, by_name, expected
from scipy.special import expit, gammaln, log_ndtr, polygamma

from cxlink.estimation.autodiff import HyperDual, seeds, trigamma
from cxlink.estimation.likelihood import Likelihood, stretches
from cxlink.estimation.penalties import Penalty
from cxlink.survival.families.catalogue import (
    BETA_DISCRETE_WEIBULL,
    GENERALISED_GAMMA,
    SHIFTED_BETA_GEOMETRIC,
    Family,
    cure,
    gompertz,
)

# Of fourth order: h⁴ = 1e-12, and rounding of a value near 1e4 over h is 1e-9.
_STEP = 1e-3
RELATIVE = 1e-6


def _slopes(f: Callable[[np.ndarray], np.ndarray | float], theta: np.ndarray) -> np.ndarray:
    """Differences of fourth order of f, by each parameter."""
    found = []
    for k in range(len(theta)):
        low2, low, high, high2 = (f(theta + by * _STEP * np.eye(len(theta))[k]) for by in (-2, -1, 1, 2))
        found.append((low2 - 8 * low + 8 * high - high2) / (12 * _STEP))
    return np.array(found)


def _are_those_of_the_value(family: Family, locations: tuple[float, ...], others: tuple[float, ...]) -> None:
    theta = np.array([*locations, *others]) + 0.07
    penalty = Penalty(0, np.r_[1.0, 0.4, np.zeros(len(others))], centre=-1.0, scale=1.7)
    designs = (np.eye(2), *(np.ones((2, 1)) for _ in others))
    periods = expected(family, locations, others, n_periods=11)
    likelihood = Likelihood(family.linked, stretches(periods), designs, (penalty,))
    gradient, hessian = likelihood.gradient(theta), likelihood.hessian(theta)
    by_value, by_gradient = _slopes(likelihood.value, theta), _slopes(likelihood.gradient, theta)
    np.testing.assert_allclose(gradient, by_value, rtol=RELATIVE, atol=RELATIVE * np.abs(by_value).max())
    np.testing.assert_allclose(hessian, by_gradient, rtol=RELATIVE, atol=RELATIVE * np.abs(by_gradient).max())
    np.testing.assert_allclose(hessian, hessian.T, rtol=1e-12)
    several = theta + np.linspace(-0.4, 0.3, 4)[:, None]
    at_once, each = likelihood.values(several), [likelihood.value(one) for one in several]
    np.testing.assert_allclose(at_once, each, rtol=1e-12)


def test_every_family_has_a_row_here() -> None:
    assert {family.name for family, *_ in TRUTHS} == {family.name for family in MENU}


@pytest.mark.parametrize(("family", "locations", "others"), TRUTHS, ids=by_name)
def test_derivatives_are_those_of_the_value(
    family: Family, locations: tuple[float, ...], others: tuple[float, ...]
) -> None:
    _are_those_of_the_value(family, locations, others)


# −0.07: exactly 0 where it is looked at; on both sides of where the bridge over 0 begins, and far out.
@pytest.mark.parametrize("q", [-3.0, -0.9, -0.0722, -0.0707, -0.07, -0.0697, -0.068, 0.93, 2.9])
@pytest.mark.parametrize("family", [GENERALISED_GAMMA, cure(GENERALISED_GAMMA)], ids=by_name)
def test_derivatives_of_the_generalised_gamma_whatever_q(family: Family, q: float) -> None:
    others = (np.log(1.1), q)
    if family is GENERALISED_GAMMA:
        _are_those_of_the_value(family, (2.1, 3.0), others)
    else:
        _are_those_of_the_value(family, (-1.0, 0.3), (2.1, *others))


# where a series takes over from a closed form: hardly any heterogeneity, a shape of 0 and near to it
LIMITS = [
    (SHIFTED_BETA_GEOMETRIC, (-1.4, -2.4), (-9.0,)),
    (BETA_DISCRETE_WEIBULL, (-1.4, -2.4), (-9.0, 0.2)),
    (BETA_DISCRETE_WEIBULL, (-1.4, -2.4), (-3.4, -0.3)),
    (gompertz(20.0), (-2.3, -3.5), (-0.07,)),
    (gompertz(20.0), (-2.3, -3.5), (-0.05,)),
]


@pytest.mark.parametrize(("family", "locations", "others"), LIMITS, ids=by_name)
def test_derivatives_next_to_limits(
    family: Family, locations: tuple[float, ...], others: tuple[float, ...]
) -> None:
    _are_those_of_the_value(family, locations, others)


FUNCTIONS: list[Callable[..., object]] = [
    lambda x, y: np.exp(x) * y - x / y,
    lambda x, y: np.expm1(x * y) + 2.0 / x - y / 3.0,
    lambda x, y: np.log(x) + np.log1p(y) - (3.0 - x) - (y - 1.0),
    lambda x, y: x**y + 2.0**x + y**3 - (-x),
    lambda x, y: expit(x - y) * gammaln(x),
    lambda x, y: log_ndtr(x - 4 * y) + np.logaddexp(x, 2 * y) + np.logaddexp(x, 0.0),
    lambda x, y: np.maximum(x, 1.0) * np.minimum(y, 1.0) + np.minimum(1.0, x),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_jets_carry_first_and_second_derivatives(function: Callable[..., HyperDual]) -> None:
    x, y = np.array([0.4, 1.3, 2.2]), np.array([1.7, 0.6, 2.4])
    h = 1e-4
    found = function(*seeds([x, y]))
    f = {(i, j): function(x + i * h, y + j * h) for i in (-1, 0, 1) for j in (-1, 0, 1)}
    np.testing.assert_allclose(found.value, f[0, 0], rtol=1e-14)
    # differences of second order: h² of the third and fourth derivatives, and rounding over h²
    by = [(f[1, 0] - f[-1, 0]) / (2 * h), (f[0, 1] - f[0, -1]) / (2 * h)]
    np.testing.assert_allclose(found.first, by, rtol=1e-6, atol=1e-6)
    bend_x, bend_y = ((f[a] - 2 * f[0, 0] + f[b]) / h**2 for a, b in (((1, 0), (-1, 0)), ((0, 1), (0, -1))))
    cross = (f[1, 1] - f[1, -1] - f[-1, 1] + f[-1, -1]) / (4 * h**2)
    np.testing.assert_allclose(found.second, [[bend_x, cross], [cross, bend_y]], rtol=1e-5, atol=1e-5)


def test_a_function_without_derivatives_is_refused() -> None:
    with pytest.raises(TypeError):
        np.sin(seeds([np.ones(1)])[0])


def test_trigamma_is_scipy_s() -> None:
    x = np.geomspace(1e-10, 1e8, 300)
    np.testing.assert_allclose(trigamma(x), polygamma(1, x), rtol=1e-12)

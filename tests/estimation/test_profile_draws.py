"""Draws of penalised parameters from their own likelihood."""

import numpy as np

from cxlink.estimation.optimise import Optimum
from cxlink.estimation.profile_draws import marginals


class Parabola:
    """−Σθ² / 2, which no penalty is part of."""

    penalties = ()

    def value(self, theta: np.ndarray) -> float:
        return float(-(theta**2).sum() / 2)

    def values(self, thetas: np.ndarray) -> np.ndarray:
        return -(thetas**2).sum(axis=1) / 2


def test_a_variance_that_is_rounded_below_0_is_0() -> None:
    optimum = Optimum(np.zeros(2), -np.eye(2), 0.0, np.zeros(2, bool))
    covariance = np.diag([1.0, -5e-32])  # of a sandwich whose cell has one customer
    assert marginals(Parabola(), optimum, covariance, 2) == ()

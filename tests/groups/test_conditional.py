"""Conditional survival by quotients of exponentials is what exponentials of differences are."""

import numpy as np
import pytest

from cxlink.groups.conditional import conditional
from cxlink.groups.discrete_hazard import log_survival


def differences(log_s: np.ndarray, curves: np.ndarray, start: int, nodes: np.ndarray) -> np.ndarray:
    return np.exp(log_s[np.ix_(curves, nodes)] - log_s[curves, start][:, None])


@pytest.mark.parametrize("deep", [0.0, 0.3])
def test_quotients_are_exponentials_of_differences(deep: float) -> None:
    rng = np.random.default_rng(1)
    hazard = rng.beta(1, 20, size=(6, 40, 50))
    hazard[1:4][rng.uniform(size=(3, 40, 50)) < 0.02] = 1.0  # all at risk lost
    hazard[4] = np.where(rng.uniform(size=(40, 50)) < deep, 1 - 1e-16, hazard[4])
    log_s = log_survival(hazard)
    log_s[5, 1:] -= np.arange(1, 41)[:, None] * 2000 * deep  # below what e^r can hold
    curves = conditional(log_s, n_entries=3)
    assert curves.divided[:4].all()
    assert curves.ends[1:4].all()
    for start in (0, 7, 39):
        used, nodes = np.array([0, 2, 3, 4, 5]), np.array([start, 39, 40])
        expected = differences(log_s, used, start, nodes)
        got = curves.since(used, start, nodes)
        assert got == pytest.approx(expected, rel=1e-10, abs=0)
        assert ((got == 0) == (expected == 0)).all()  # what has reached 0 is 0


def test_a_single_entry_shares_nothing() -> None:
    log_s = log_survival(np.full((2, 3, 1), 0.5))
    curves = conditional(log_s, n_entries=1)
    used, nodes = np.array([1]), np.arange(1, 4)
    assert (curves.since(used, 1, nodes) == differences(log_s, used, 1, nodes)).all()

"""Averages of conditional survival by moving windows are what exponentials of differences, added up one by one, are."""

import numpy as np
import pytest

from cxlink.groups.curves import Standard
from cxlink.groups.discrete_hazard import log_survival, survival_of
from cxlink.groups.mixtures import mixtures, standardise
from cxlink.survival.tails.curve_readings import curve_readings

N_DRAWS, N_PERIODS = 30, 40


def curves(deep: bool) -> np.ndarray:
    """log S of six curves; of three all at risk are lost now and then, two fall below what a double can hold."""
    rng = np.random.default_rng(1)
    hazard = rng.beta(1, 20, size=(6, N_PERIODS, N_DRAWS))
    hazard[1:4][rng.uniform(size=(3, N_PERIODS, N_DRAWS)) < 0.02] = 1.0
    if deep:
        hazard[4][rng.uniform(size=(N_PERIODS, N_DRAWS)) < 0.3] = 1 - 1e-16
    log_s = log_survival(hazard)
    if deep:
        log_s[5, 1:] -= np.arange(1, N_PERIODS + 1)[:, None] * 200
    return log_s


def groups(entries: list[int]) -> tuple[Standard, ...]:
    rng = np.random.default_rng(2)
    curve, entry = (x.ravel() for x in np.meshgrid(np.arange(6), entries, indexing="ij"))
    kept = rng.uniform(size=len(curve)) < 0.7
    some = Standard("some", curve[kept], entry[kept], rng.dirichlet(np.ones(kept.sum())), 1, 1)
    every = Standard("every", curve, entry, rng.dirichlet(np.ones(len(curve))), 1, 1)
    return some, every, Standard("one", np.array([2]), np.array(entries[:1]), np.ones(1), 1, 1)


def added_up(
    log_s: np.ndarray, standard: Standard, times: np.ndarray, weight: np.ndarray, given: int
) -> np.ndarray:
    total = np.zeros((log_s.shape[-1], len(times)))
    for curve, entry, own in zip(standard.curve, standard.entry + given, weight, strict=True):
        for k, t in enumerate(times):
            if entry + t < log_s.shape[1]:
                total[:, k] += own * np.exp(log_s[curve, entry + t] - log_s[curve, entry])
    return total


@pytest.mark.parametrize("entries", [[3], [0, 1, 2, 5, 9, 30], [0, 20, 38, 39, 40]])
@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("given", [0, 2])
def test_windows_add_up_what_each_entry_sees(entries: list[int], deep: bool, given: int) -> None:
    log_s, standards, times = curves(deep), groups(entries), np.array([0, 1, 2, 3, 7, 25, 26])
    got = standardise(log_s, mixtures(standards), times, given=given)
    drawn = [np.random.default_rng(3).uniform(size=(len(s.curve), N_DRAWS)) for s in standards]
    weighted = standardise(log_s, mixtures(standards), times, drawn, given)
    for g, standard in enumerate(standards):
        fixed = np.repeat(standard.weight[:, None], N_DRAWS, axis=1)
        expected = added_up(log_s, standard, times, fixed, given)
        assert got[:, g] == pytest.approx(expected, rel=1e-10, abs=1e-250)
        assert ((got[:, g] == 0) == (expected == 0)).all()  # what has reached 0 is 0
        expected = added_up(log_s, standard, times, drawn[g], given)
        assert weighted[:, g] == pytest.approx(expected, rel=1e-10, abs=1e-250)


@pytest.mark.parametrize("entries", [[3], [0, 1, 2, 5, 9]])
@pytest.mark.parametrize("deep", [False, True])
def test_between_nodes_a_curve_is_straight_on_the_log_scale(entries: list[int], deep: bool) -> None:
    log_s, standards, given = curves(deep), groups(entries), 1
    nodes = np.concatenate([np.arange(20.0), 20 + 3.7 * np.arange(21)])
    times = np.array([0, 1, 4, 9.5, 17.25, 60])
    got = curve_readings(log_s, nodes, 24).averaged(mixtures(standards), times, given=given)
    for g, s in enumerate(standards):
        for draw in range(N_DRAWS):
            own = [
                np.interp(e + given + np.r_[0, times], nodes, log_s[c, :, draw])
                for c, e in zip(s.curve, s.entry, strict=True)
            ]
            expected = sum(w * np.exp(one[1:] - one[0]) for w, one in zip(s.weight, own, strict=True))
            assert got[draw, g] == pytest.approx(expected, rel=1e-9, abs=1e-250)


def test_exponentials_end_where_double_precision_does() -> None:
    log_s = np.array([0.0, -1.0, -699.0, -701.0, -740.0, -746.0, -800.0, -1e6])
    assert survival_of(log_s) == pytest.approx(np.exp(log_s), rel=1e-12, abs=5e-324)
    assert (survival_of(log_s)[-3:] == 0).all()
    assert (survival_of(log_s[:3]) == np.exp(log_s[:3])).all()

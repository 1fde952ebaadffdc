"""The parts of a change: worked by hand, in every order, and their laws."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlink.comparison.decomposition import baseline_shift, shapley, states


def test_parts_by_hand() -> None:
    """One stratum, two levels, halves become a quarter and three quarters; nobody behaves otherwise."""
    n = (np.array([[50.0], [50.0]]), np.array([[20.0], [60.0]]))
    values = np.broadcast_to(np.array([[0.4], [0.8]]), (2, 2, 2, 1))
    split = shapley(n, values)
    assert split.mix_score == pytest.approx(0.25 * 0.4, abs=1e-12)  # a quarter moves from .4 to .8
    assert split.mix_strata == pytest.approx(0, abs=1e-12)
    assert split.total == pytest.approx(0.1, abs=1e-12)
    assert (split.baseline, split.effect) == (0, 0)


def test_strata_and_scores_by_hand() -> None:
    """Two strata of .5 → .8 and .2; in the second everybody's score changes."""
    n = (np.array([[50.0, 25.0], [0.0, 25.0]]), np.array([[80.0, 0.0], [0.0, 20.0]]))
    values = np.broadcast_to(np.array([[0.4, 0.5], [0.9, 0.7]]), (2, 2, 2, 2))
    split = shapley(n, values)
    # strata first: .3 (.4 − .6) = −.06; last: .3 (.4 − .7) = −.09. Scores: .2 · .1 and .5 · .1
    assert split.mix_strata == pytest.approx(-0.075, abs=1e-12)
    assert split.mix_score == pytest.approx(0.035, abs=1e-12)
    assert split.mix == pytest.approx(-0.04, abs=1e-12)


def test_a_place_empty_in_one_cohort_takes_the_scores_of_the_other_by_hand() -> None:
    """The second stratum is new: 1 to 3 at .2 and .6 there are .5; 40 of 140 come to it from .65."""
    base, new = np.array([[50.0, 0.0], [50.0, 0.0]]), np.array([[50.0, 10.0], [50.0, 30.0]])
    values = np.broadcast_to(np.array([[0.4, 0.2], [0.9, 0.6]]), (2, 2, 2, 2))
    for n, sign in (((base, new), 1), ((new, base), -1)):
        split = shapley(n, values)
        assert split.mix_strata == pytest.approx(sign * 40 / 140 * (0.5 - 0.65), abs=1e-12)
        assert split.mix_score == pytest.approx(0, abs=1e-12)
        assert split.total == pytest.approx(split.mix_strata, abs=1e-12)


def by_every_order(n: tuple[np.ndarray, np.ndarray], values: np.ndarray) -> dict[str, float]:
    """Average steps over the six orders, one after the other."""
    share = [one / one.sum() for one in n]
    found = dict.fromkeys(("mix", "baseline", "effect"), 0.0)
    for order in permutations(found):
        now = dict.fromkeys(found, 0)
        for factor in order:
            after = {**now, factor: 1}
            step = [(share[at["mix"]] * values[at["baseline"], at["effect"]]).sum() for at in (now, after)]
            found[factor] += (step[1] - step[0]) / 6
            now = after
    return found


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), levels=st.integers(1, 4), strata=st.integers(1, 4))
def test_the_short_formula_is_the_average_over_six_orders(seed: int, levels: int, strata: int) -> None:
    rng = np.random.default_rng(seed)
    n = (rng.integers(0, 9, (levels, strata)) + 0.0, rng.integers(0, 9, (levels, strata)) + 0.0)
    for one in n:
        one[0, 0] += 1
    values = rng.normal(size=(2, 2, levels, strata))
    split, known = shapley(n, values), by_every_order(n, values)
    for part, value in known.items():
        assert getattr(split, part) == pytest.approx(value, abs=1e-12)
    assert split.mix == pytest.approx(split.mix_strata + split.mix_score, abs=1e-12)
    assert split.total == pytest.approx(split.mix + split.baseline + split.effect, abs=1e-12)


def test_a_common_factor_is_all_baseline_and_nothing_else() -> None:
    rng = np.random.default_rng(1)
    n, hazard = rng.uniform(1, 9, (3, 2)), rng.uniform(0.1, 2, (3, 2))
    shift = baseline_shift(n, np.log(1.5 * hazard) - np.log(hazard))
    assert shift == pytest.approx(np.log(1.5), abs=1e-12)
    split = shapley((n, n), np.exp(-states(hazard, 1.5 * hazard, hazard * np.exp(shift), hazard)))
    assert split.effect == pytest.approx(0, abs=1e-12)
    assert split.mix == pytest.approx(0, abs=1e-12)
    assert split.baseline == pytest.approx(split.total, abs=1e-12)
    assert split.total < 0


def test_what_averages_to_nothing_over_the_base_is_all_effect() -> None:
    """Yun's normalisation: weights are the base's customers, whatever level one would call the reference."""
    n, hazard = np.array([[1.0], [3.0]]), np.array([[0.5], [0.2]])
    new = hazard * np.exp(np.array([[0.3], [-0.1]]))
    assert baseline_shift(n, np.log(new / hazard)) == pytest.approx(0, abs=1e-12)
    split = shapley((n, n), states(hazard, new, hazard, new))
    assert split.baseline == 0
    assert split.effect == pytest.approx(0.25 * 0.5 * np.expm1(0.3) + 0.75 * 0.2 * np.expm1(-0.1), abs=1e-12)


def test_states_stand_by_baseline_then_effect() -> None:
    one, two, shifted, unshifted = (np.array([[x]]) for x in (1.0, 2.0, 3.0, 4.0))
    assert states(one, two, shifted, unshifted).ravel().tolist() == [1.0, 4.0, 3.0, 2.0]

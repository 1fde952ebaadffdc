"""Bases of the score's effect, and monotone projection."""

import numpy as np
import patsy
import pytest
from sklearn.isotonic import IsotonicRegression

from cxlink.estimation.effects import EFFECTS, basis, monotone


def test_free_levels_are_dummies_beside_the_reference() -> None:
    assert basis((1, 2, 4), "levels", 1).tolist() == [[1, 0], [0, 0], [0, 1]]
    assert basis((1, 2, 4), "monotone").tolist() == basis((1, 2, 4), "levels").tolist()


def test_a_linear_effect_counts_steps_of_the_scale_towards_better() -> None:
    assert basis((1, 2, 4), "linear", 1).ravel().tolist() == [-1, 0, 2]
    assert basis((5, 4, 1), "linear").ravel().tolist() == [0, 1, 4]


@pytest.mark.parametrize("levels", [range(1, 11), (0, 3, 4, 9, 10)], ids=["even", "uneven"])
def test_the_spline_spans_the_natural_cubic_ones(levels: tuple[int, ...]) -> None:
    """The same space as patsy's cr() with the same knots: what either fits, the other fits."""
    x = np.array(levels, dtype=float)
    knots = np.quantile(x, [0, 1 / 3, 2 / 3, 1])
    theirs = np.asarray(patsy.dmatrix(
        "cr(x, knots=inner, lower_bound=low, upper_bound=high) - 1",
        {"x": x, "inner": knots[1:-1], "low": knots[0], "high": knots[-1]},
    ))  # fmt: skip
    mine = np.column_stack([np.ones(len(x)), basis(tuple(levels), "spline")])
    assert mine.shape[1] == theirs.shape[1] == 4
    fitted = theirs @ np.linalg.lstsq(theirs, mine, rcond=None)[0]
    np.testing.assert_allclose(fitted, mine, rtol=0, atol=1e-8 * np.abs(mine).max())


def test_a_spline_of_three_levels_is_a_line() -> None:
    assert basis((1, 2, 3), "spline").tolist() == basis((1, 2, 3), "linear").tolist()


@pytest.mark.parametrize("effect", EFFECTS)
def test_the_reference_has_no_effect_and_one_level_has_none(effect: str) -> None:
    assert not basis(range(1, 8), effect, 3)[3].any()  # type: ignore[arg-type]
    assert basis((7,), effect).shape == (1, 0)  # type: ignore[arg-type]


def test_a_monotone_effect_pools_neighbours_by_hand() -> None:
    """Rising, weights 1, 1, 2: 3 and 1 pool to 2; with weights 1 and 3 to 1.5."""
    estimate, draws, way = monotone(np.array([0.0, 3.0, 1.0]), np.zeros((0, 3)), np.ones(3))
    assert estimate.tolist() == [0, 2, 2]
    assert way == 1
    assert draws.shape == (0, 3)
    weighted, _, _ = monotone(np.array([0.0, 3.0, 1.0]), np.zeros((0, 3)), np.array([1.0, 1.0, 1 / 3]))
    np.testing.assert_allclose(weighted, [0, 1.5, 1.5], rtol=0, atol=1e-12)


def test_projections_are_those_of_scikit_learn_in_one_direction() -> None:
    rng = np.random.default_rng(4)
    estimate = -np.sort(rng.normal(size=6)) + 0.3 * rng.normal(size=6)
    draws, variance = estimate + rng.normal(size=(40, 6)), rng.uniform(0.5, 2, 6)
    found, moved, way = monotone(estimate, draws, variance)
    assert way == -1
    regression = IsotonicRegression(increasing=False)
    for given, mine in zip([estimate, *draws], [found, *moved], strict=True):
        theirs = regression.fit_transform(np.arange(6), given, sample_weight=1 / variance)
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-10)
        assert (np.diff(mine) <= 1e-12).all()
        assert mine @ (1 / variance) == pytest.approx(given @ (1 / variance), abs=1e-10)


def test_the_mirror_image_falls_as_the_original_rises() -> None:
    effects = np.array([0.0, 0.4, 0.3, 0.9])
    rising, falling = (monotone(sign * effects, np.zeros((0, 4)), np.ones(4)) for sign in (1, -1))
    np.testing.assert_allclose(rising[0], -falling[0], rtol=0, atol=1e-12)
    assert (rising[2], falling[2]) == (1, -1)


def test_monotone_of_one_or_two_levels_changes_nothing() -> None:
    for effects in ([0.0], [0.0, -1.3]):
        draws = np.array([effects, effects]) - 0.1 * np.arange(len(effects))
        found, moved, _ = monotone(np.array(effects), draws, np.zeros(len(effects)))
        assert found.tolist() == effects
        np.testing.assert_array_equal(moved, draws)

"""Intervals of many quantities at once are those of each by itself."""

import numpy as np
import pytest

from cxlink.estimands.tidy import interval, intervals


@pytest.mark.parametrize("level", [0.5, 0.8, 0.95, 0.99])
@pytest.mark.parametrize("n", [1, 2, 39, 500])
def test_columns_are_as_they_are_alone(level, n):
    rng = np.random.default_rng(20140801)
    draws = rng.lognormal(size=(n, 8))
    draws[rng.random(n) < 0.3, 1] = np.inf
    draws[rng.random(n) < 0.9, 2] = np.inf
    draws[:, 3] = np.inf
    draws[rng.random(n) < 0.3, 4] = np.nan
    draws[:, 5] = np.nan
    draws[0, 6] = -np.inf
    draws[0, 7] = np.nan
    draws[-1, 7] = np.inf
    found = intervals(draws, level)
    assert found.shape == (3, 8)
    alone = np.array([interval(draws[:, k], level) for k in range(8)]).T
    # sums over columns of a table run in another order
    np.testing.assert_allclose(found, alone, rtol=1e-12)
    assert np.isnan(found[:, 5]).all()
    assert np.isnan(found[0, 3])
    assert (found[1:, 3] == np.inf).all()


def test_ends_by_hand():
    # 39 draws: positions .025·40 and .975·40, the first and the last
    draws = np.random.default_rng(1).permutation(np.arange(1.0, 40))
    error, low, high = intervals(draws[:, None], 0.95)[:, 0]
    assert (low, high) == pytest.approx((1, 39), rel=1e-12)
    assert error == pytest.approx(np.sqrt(39 * 40 / 12), rel=1e-12)
    # 19 draws at 80 %: positions 2 and 18; at 85 % halfway between the first two
    few = np.arange(1.0, 20)[:, None]
    np.testing.assert_allclose(intervals(few, 0.8)[1:, 0], [2, 18], rtol=1e-12)
    np.testing.assert_allclose(intervals(few, 0.85)[1:, 0], [1.5, 18.5], rtol=1e-12)
    # next to an infinite draw the wider end is taken
    few[-1] = np.inf
    np.testing.assert_array_equal(intervals(few, 0.85)[2, 0], np.inf)
    np.testing.assert_allclose(intervals(few, 0.8)[1:, 0], [2, 18], rtol=1e-12)


def test_shapes_are_kept():
    draws = np.random.default_rng(2).normal(size=(50, 2, 3, 4))
    found = intervals(draws, 0.9)
    assert found.shape == (3, 2, 3, 4)
    np.testing.assert_allclose(found[:, 1, 2, 3], interval(draws[:, 1, 2, 3], 0.9), rtol=1e-12)
    assert intervals(draws[:, :, :0], 0.9).shape == (3, 2, 0, 4)

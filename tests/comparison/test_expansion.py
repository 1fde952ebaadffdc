"""Functions of sparse cells: exact expectations over all that a cell can lose, and what cells are shrunk towards."""

from collections.abc import Callable

import numpy as np
import pytest
from by_hand import spells_by_hand
from scipy.stats import binom

from cxlink.comparison.additive_hazards import PRIOR, additive_hazards, without_itself
from cxlink.comparison.cell_curves import cells_of
from cxlink.comparison.cell_draws import draws_of, measure, spread
from cxlink.comparison.common_support import frame_of
from cxlink.comparison.expansion import Expansion

CUSTOMERS, RETAINED = 15, 0.8
SHARES = np.arange(CUSTOMERS + 1) / CUSTOMERS
WEIGHTS = binom.pmf(np.arange(CUSTOMERS + 1), CUSTOMERS, RETAINED)


def expansion(centre: float) -> Expansion:
    """One cell for each number of its fifteen customers that is retained."""
    square = (SHARES - centre) ** 2 - SHARES * (1 - SHARES) / (CUSTOMERS - 1)
    return Expansion(np.full((len(SHARES), 1), centre), square[:, None], np.zeros((len(SHARES), 1)))


def mean(values: np.ndarray) -> float:
    return float(WEIGHTS @ values[:, 0, 0])


@pytest.mark.parametrize("centre", [0.7, 0.8, 0.88])
def test_the_square_is_unbiased_whatever_the_centre(centre: float) -> None:
    assert WEIGHTS @ expansion(centre).square[:, 0] == pytest.approx((RETAINED - centre) ** 2, abs=1e-12)


@pytest.mark.parametrize("centre", [0.76, 0.8, 0.84])
def test_functions_of_a_sparse_cell_are_right_on_average(centre: float) -> None:
    """What is left is of the third order in s − c; plugging in half a loss more is off by eight times as much."""
    shares, one = SHARES[:, None, None], expansion(centre)
    known = np.log(-np.log(RETAINED))
    assert mean(one.log_cumulative(shares)) == pytest.approx(known, abs=0.006)
    plugged = np.log(-np.log(1 - ((1 - SHARES) * CUSTOMERS + 0.5) / (CUSTOMERS + 1)))
    assert WEIGHTS @ plugged < known - 0.006
    # to the first order: ½ · .6 · .4 · .8^(−1.4) · .04² is left
    assert mean(one.power(shares, np.array([0.6]))) == pytest.approx(RETAINED**0.6, abs=3e-4)
    assert mean(one.log(shares)) == pytest.approx(np.log(RETAINED), abs=1e-4)


@pytest.mark.parametrize(
    ("function", "more", "exact"),
    [
        ("log", (), np.log),
        ("log_cumulative", (), lambda s: np.log(-np.log(s))),
        ("power", (np.array([1.7]),), lambda s: s**1.7),
    ],
)
def test_derivatives_are_those_of_finite_differences(
    function: str, more: tuple[np.ndarray, ...], exact: Callable[[float], float]
) -> None:
    square, step = np.array([[0.01]]), 1e-4
    bent, flat = (Expansion(np.array([[0.7]]), one, 0 * square) for one in (square, 0 * square))
    before, at, after = (
        getattr(flat, function)(np.array([[[x]]]), *more).item() for x in (0.7 - step, 0.7, 0.7 + step)
    )
    assert at == pytest.approx(exact(0.7), abs=1e-12)
    assert after - before == pytest.approx(exact(0.7 + step) - exact(0.7 - step), rel=1e-6)
    bend = (exact(0.7 + step) - 2 * exact(0.7) + exact(0.7 - step)) / step**2 * (function != "power")
    assert getattr(bent, function)(np.array([[[0.7]]]), *more).item() - at == pytest.approx(
        bend / 2 * 0.01, rel=1e-5
    )


def test_an_expansion_of_cells_by_hand() -> None:
    """Ten customers, three lost by period 2; the square from products of two of them."""
    rows = [(0, 0, 0, 1, 1, 1), (0, 0, 0, 2, 1, 2), (0, 0, 0, 3, 0, 7)]
    rows += [(1, 0, 0, 1, 1, 30), (1, 0, 0, 3, 0, 70)]
    spells = spells_by_hand(rows)
    cells = cells_of(spells, frame_of(spells, spells, 2))
    centre = cells.expansion.centre[0, 0]
    stays = np.array([0.0] * 3 + [1.0] * 7) - centre
    products = (stays.sum() ** 2 - (stays**2).sum()) / 90
    assert measure(cells).retained[0, 0, 0] == pytest.approx(0.7, abs=1e-12)
    assert cells.expansion.square[0, 0] == pytest.approx(products, abs=1e-12)
    assert cells.expansion.noise[0, 0] == pytest.approx(centre * (1 - centre) * np.sqrt(2 / 90), abs=1e-12)


def test_draws_have_the_variance_of_a_share_and_empty_no_cell() -> None:
    rows = [row for s in range(8) for row in ((0, s, 0, 1, 1, 3), (0, s, 0, 2, 0, 5))]
    spells = spells_by_hand(rows, 8)
    cells = cells_of(spells, frame_of(spells, spells, 2))
    drawn = next(draws_of(cells, 4000, 4000, np.random.default_rng(1)))
    assert (drawn.n > 0).all()
    scaled = spread(cells, measure(cells), drawn)[0]
    wanted = 5 / 8 * 3 / 8 / 7  # unbiased for p (1 − p) / 8
    error = 4 * wanted * np.sqrt(2 / 4000)
    np.testing.assert_allclose(scaled.var(axis=-1), wanted, atol=error)
    np.testing.assert_allclose(scaled.mean(axis=-1), 5 / 8, atol=4 * np.sqrt(wanted / 4000))


def test_additive_hazards_lose_what_each_margin_lost() -> None:
    rng = np.random.default_rng(3)
    at_risk = rng.integers(300, 900, (4, 3, 5)).astype(float)
    lost = rng.binomial(at_risk.astype(int), 0.1 * np.array([2.0, 1, 0.7, 0.4])[:, None, None])
    made = additive_hazards(at_risk, lost, np.zeros(4, bool))
    expected = (at_risk * -np.expm1(-made.factor[:, None, None] * made.strata)).sum(axis=2)
    # the added customer and half a loss are all that differs
    np.testing.assert_allclose(expected.sum(axis=0), lost.sum(axis=(0, 2)), atol=1)
    np.testing.assert_allclose(expected.sum(axis=1), lost.sum(axis=(1, 2)), atol=1)
    many = additive_hazards(at_risk * 1e6, lost * 1e6, np.zeros(4, bool)).shrunk
    kept = np.exp(-many.sum(axis=2))
    np.testing.assert_allclose((at_risk * -np.expm1(-many)).sum(axis=2), lost.sum(axis=2), rtol=0.01)
    assert ((kept > 0) & (kept < 1)).all()
    assert PRIOR == 100


def test_a_cell_is_left_out_of_its_own_model_by_hand() -> None:
    total, expected = np.array([[12.0, 20], [30, 40]]), np.array([[10.0, 22], [32, 38]])
    factor = without_itself(total, expected, 10)[0, 0]
    assert factor == pytest.approx((30 + 10) / (32 + 10) * (20 + 10) / (22 + 10), abs=1e-12)
    # whatever it loses itself
    total[0, 0] = 99
    assert without_itself(total, expected, 10)[0, 0] == pytest.approx(factor, abs=1e-12)

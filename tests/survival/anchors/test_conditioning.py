"""Errors given anchors: by hand where everything is normal, and against sums over all errors where it is not."""

from dataclasses import dataclass

import numpy as np
import pytest

from cxlink.cohort.spec.anchor_texts import Anchor
from cxlink.study.published import read
from cxlink.survival.anchors.cohort_differences import anchor_covariance, cohort_difference, difference_from
from cxlink.survival.anchors.conditioning import (
    LastingErrors,
    conditioned,
    effective,
    log_normal,
    resampled,
)


@dataclass(frozen=True)
class Told:
    """Of anchors, what they tell."""

    value: np.ndarray


@dataclass(frozen=True)
class Straight:
    """Curves whose log cumulative hazards are straight in the errors, bent where asked."""

    shares: Told
    mean: np.ndarray
    slope: np.ndarray
    bent: float = 0.0

    def read(self, lasting: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        along = np.einsum("icl,cld->id", self.slope, lasting)
        value = self.mean[:, None] + along + self.bent * along**2
        slope = self.slope[..., None] * (1 + 2 * self.bent * along)[:, None, None]
        return value, slope


def errors(n: int, levels: int, factor: float, shared: float, seed: int = 0) -> LastingErrors:
    rng = np.random.default_rng(seed)
    common, own = rng.standard_normal((2, 1, n)), rng.standard_normal((2, levels, n))
    drawn = factor * (np.sqrt(shared) * common + np.sqrt(1 - shared) * own)
    return LastingErrors(drawn, np.full(n, factor), np.full(n, shared))


def test_one_anchor_by_hand() -> None:
    # a ~ N(0, 1), y = 2 + a·.5 + ε with variance .25, told 3: mean (.5/.5)·1 = 1, variance 1 − .25/.5 = .5
    curves = Straight(Told(np.array([3.0])), np.array([2.0]), np.array([[[0.5], [0.0]]]))
    rng, n = np.random.default_rng(1), 40_000
    prior = errors(n, 1, 1.0, 0.0)
    noise = 0.5 * rng.standard_normal((1, n))
    lasting, log_weight = conditioned(curves, prior, np.array([[0.25]]), noise)  # type: ignore[arg-type]
    assert lasting[0, 0].mean() == pytest.approx(1.0, abs=4 * np.sqrt(0.5 / n))
    assert lasting[0, 0].var() == pytest.approx(0.5, abs=4 * 0.5 * np.sqrt(2 / n))
    # a straight anchor weighs all draws alike: N(3; 2, .5)
    assert log_weight == pytest.approx(np.full(n, -0.5 * (1 / 0.5 + np.log(2 * np.pi * 0.5))), abs=1e-10)
    # what it says nothing of stays as it is
    assert lasting[1] == pytest.approx(prior.drawn[1], abs=1e-10)


def test_without_noise_it_is_the_most_likely_error() -> None:
    curves = Straight(Told(np.array([3.0])), np.array([2.0]), np.array([[[0.5], [0.0]]]))
    nothing = LastingErrors(np.zeros((2, 1, 1)), np.ones(1), np.zeros(1))
    lasting, _ = conditioned(curves, nothing, np.array([[0.25]]), np.zeros((1, 1)))  # type: ignore[arg-type]
    assert lasting[:, 0, 0] == pytest.approx([1.0, 0.0], abs=1e-12)


def test_an_anchor_of_one_level_moves_the_other_by_their_correlation() -> None:
    # the anchor is of the first of two levels; with factor 2 and ρ = .7 they move 4·.5/(4·.25 + .25) and .7 of it
    curves = Straight(Told(np.array([3.0])), np.array([2.0]), np.array([[[0.5, 0.0], [0.0, 0.0]]]))
    nothing = LastingErrors(np.zeros((2, 2, 1)), np.full(1, 2.0), np.full(1, 0.7))
    lasting, _ = conditioned(curves, nothing, np.array([[0.25]]), np.zeros((1, 1)))  # type: ignore[arg-type]
    assert lasting[0, :, 0] == pytest.approx([1.6, 1.12], abs=1e-12)


def test_weights_put_right_what_a_bent_anchor_leaves_out() -> None:
    # against the sum over all errors, on a grid
    curves = Straight(Told(np.array([2.6])), np.array([2.0]), np.array([[[0.5], [0.0]]]), bent=0.4)
    rng, n = np.random.default_rng(2), 100_000
    noise = 0.2 * rng.standard_normal((1, n))
    lasting, log_weight = conditioned(curves, errors(n, 1, 1.0, 0.0), np.array([[0.04]]), noise)  # type: ignore[arg-type]
    grid = np.linspace(-8, 8, 20_001)
    value, _ = curves.read(np.stack([grid[None], 0 * grid[None]]))
    density = np.exp(-0.5 * grid**2 - 0.5 * (2.6 - value[0]) ** 2 / 0.04)
    density /= density.sum()
    mean = float(density @ grid)
    spread = float(density @ (grid - mean) ** 2)
    # the other solution of the square, a = −3.6 and beyond, is far out in the prior and hardly reached
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    found = float(weight @ lasting[0, 0])
    alone = float(lasting[0, 0].mean())
    error = 4 * np.sqrt(spread / effective(log_weight))
    assert found == pytest.approx(mean, abs=error)
    assert abs(alone - mean) > error


def test_log_normal_and_effective_draws_by_hand() -> None:
    density = log_normal(np.array([[1.0], [0.0]]), np.array([[[4.0, 0.0], [0.0, 1.0]]]))
    assert density == pytest.approx([-0.5 * (0.25 + np.log(4) + 2 * np.log(2 * np.pi))], abs=1e-12)
    assert effective(np.log([1.0, 1.0, 2.0])) == pytest.approx(16 / 6, abs=1e-12)
    assert effective(np.zeros(50)) == pytest.approx(50, abs=1e-10)


def test_equal_weights_keep_each_draw_and_others_by_their_share() -> None:
    rng = np.random.default_rng(3)
    assert resampled(np.full(500, -700.0), rng).tolist() == list(range(500))
    picked = np.bincount(resampled(np.log([1.0, 3.0, 0.0001, 4.0]), rng), minlength=4)
    assert picked.sum() == 4
    assert (np.abs(picked - 4 * np.array([1, 3, 0.0001, 4]) / 8) < 1).all()


def test_what_anchors_say_around_this_cohort_by_hand() -> None:
    one, later, other, of_level = (
        Anchor("a", "all", 0, 36, np.exp(-1.0), 100.0), Anchor("a", "all", 0, 60, np.exp(-4.0)),
        Anchor("b", "all", 0, 36, np.exp(-1.0)), Anchor("a", "5", 0, 36, np.exp(-1.0), 50.0),
    )  # fmt: skip
    whole, five = (0, 1), (1,)
    found = anchor_covariance((one, later, other, of_level), (whole, whole, whole, five), 0.2)
    sampling = (1 - np.exp(-1.0)) / (100 * np.exp(-1.0))
    expected = 0.04 * np.array(
        [[1, 0.5, 0.5, 0.8], [0.5, 1, 0.25, 0.4], [0.5, 0.25, 1, 0.4], [0.8, 0.4, 0.4, 1]]
    )
    expected[0, 0] += sampling
    expected[3, 3] += 2 * sampling
    assert found == pytest.approx(expected, abs=1e-12)
    # of one curve at two times, the earlier one's sampling error is in both
    seen = anchor_covariance((one, Anchor("a", "all", 0, 60, np.exp(-4.0), 100.0)), (whole, whole), 0.0)
    assert seen[0, 1] == pytest.approx(sampling / 4, abs=1e-12)
    assert np.linalg.eigvalsh(found).min() > 0


def test_the_difference_between_cohorts_is_the_geometric_mean_of_the_two_kinds() -> None:
    table = read("cohort_differences")
    log_ratio = np.log(np.log(table["first_surviving"]) / np.log(table["second_surviving"]))
    segments = table["kind"] == "segments"
    by_country = [
        np.mean(log_ratio[table["source"].str.startswith(name)] ** 2) for name in ("StatsWales", "U.S.")
    ]
    assert np.abs(log_ratio[segments]).tolist() == pytest.approx([0.633], abs=5e-4)
    wanted = np.sqrt(np.abs(log_ratio[segments].iloc[0]) * np.sqrt(np.mean(by_country)))
    assert difference_from(table) == pytest.approx(wanted, rel=1e-10)
    assert cohort_difference() == pytest.approx(0.148, abs=5e-4)

"""Simultaneous intervals: quantiles by hand, scales, skewed and infinite draws, and the rows of an analysis."""

import numpy as np
import pytest
from cohorts import counts_of, random_rows, spec_for
from scipy.stats import norm

from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.headline import headline
from cxlink.estimands.model_rows.hazard_rows import hazard_results
from cxlink.estimands.simultaneous import (
    SIMULTANEOUS,
    Member,
    calibrated_ends,
    in_family,
    level_of_each,
    simultaneous_rows,
)
from cxlink.estimands.tidy import tidy

N = 40_000


def members(points: list[float], draws: np.ndarray) -> list[Member]:
    return [Member(p, d, {"group": str(k)}) for k, (p, d) in enumerate(zip(points, draws.T, strict=True))]


@pytest.fixture(scope="module")
def normal() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((N, 4))


def test_independent_members_take_sidaks_quantiles(normal: np.ndarray) -> None:
    share = 0.95**0.25
    sidak, density = norm.ppf((1 + share) / 2), norm.pdf(norm.ppf((1 + share) / 2))
    # of 40,000 draws, four standard errors of a quantile
    error = 4 * np.sqrt((1 - share) / 2 / N) / density
    low, high = calibrated_ends(normal, 0.95)
    np.testing.assert_allclose(high, sidak, rtol=0, atol=error)
    np.testing.assert_allclose(low, -sidak, rtol=0, atol=error)
    inside = ((normal >= low) & (normal <= high)).all(axis=1).mean()
    assert 0.95 <= inside <= 0.95 + 8 / N + 4 * np.sqrt(0.05 / N) / 10


def test_members_that_are_one_take_the_interval_of_one(normal: np.ndarray) -> None:
    same = np.repeat(normal[:, :1], 3, axis=1) * [1.0, 2.0, 5.0]
    rows = simultaneous_rows("x", "EUR", members([0.0, 0.0, 0.0], same), 0.95)
    expected = np.quantile(normal[:, 0], 0.975)
    for row, scale in zip(rows, (1, 2, 5), strict=True):
        assert row["conf_high"] / scale == pytest.approx(expected, abs=0.005)
        assert row["scenario"] == SIMULTANEOUS
        assert row["headline"] is False


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_jointly_normal_estimates_take_sidaks_level_or_that_of_one(level: float) -> None:
    scale = np.array([1.0, -2.0, 0.1])
    for k in (2, 3):
        # four standard errors of a share of the 32,768 points, were they drawn at random
        error = 4 * np.sqrt(level * (1 - level) / 2**15) / k
        assert level_of_each(np.diag(scale[:k] ** 2), level) == pytest.approx(level ** (1 / k), abs=error)
        assert level_of_each(np.outer(scale, scale)[:k, :k], level) == pytest.approx(level, abs=error)
    assert level_of_each(np.diag([1.0, 0.0]), level) == level
    assert level_of_each(np.zeros((2, 2)), level) == level


@pytest.mark.parametrize(("members", "critical"), [(2, 2.21), (3, 2.35), (5, 2.51)])
def test_half_correlated_estimates_take_dunnetts_critical_values(members: int, critical: float) -> None:
    """Two-sided comparisons with a control, infinite degrees of freedom (Dunnett 1964, doi 10.2307/2528490)."""
    covariance = np.full((members, members), 0.5) + 0.5 * np.eye(members)
    each = level_of_each(covariance, 0.95)
    assert norm.ppf((1 + each) / 2) == pytest.approx(critical, abs=0.005 + 0.002)
    assert each == level_of_each(9.0 * covariance, 0.95)


def test_the_level_of_each_lies_between_that_of_one_and_sidaks() -> None:
    rng = np.random.default_rng(4)
    for size in (2, 3, 6):
        for _ in range(5):
            root = rng.normal(size=(size, rng.integers(1, 7)))
            each = level_of_each(root @ root.T, 0.95)
            assert 0.95 <= each <= 0.95 ** (1 / size)


def test_the_depth_of_ranks_by_hand() -> None:
    first, second = np.array([5.0, 1, 2, 3, 4, 6, 7, 8, 9]), np.array([1.0, 5, 2, 3, 4, 6, 7, 8, 9])
    # least depth from the nearer end: 1, 1, 2, 3, 4, 4, 3, 2, 1; ranks ⌈.4 · 10⌉ = 4 and ⌈.6 · 10⌉ = 6
    draws = np.column_stack([first, second])
    assert calibrated_ends(draws, 0.4).tolist() == [[3.0, 3.0], [7.0, 7.0]]
    assert calibrated_ends(draws, 0.6).tolist() == [[2.0, 2.0], [8.0, 8.0]]
    assert calibrated_ends(draws, 0.95).tolist() == [[1.0, 1.0], [9.0, 9.0]]


def test_any_monotone_scale_gives_the_same_ends_and_skewness_stays_on_its_side(normal: np.ndarray) -> None:
    np.testing.assert_allclose(calibrated_ends(np.exp(normal), 0.95), np.exp(calibrated_ends(normal, 0.95)))
    separated = -np.exp(3 * normal[:, 0])  # a penalised effect: far below, and hardly above
    low, high = calibrated_ends(np.column_stack([separated, normal[:, 1]]), 0.95)
    assert high[0] < 0
    assert low[0] < -300
    assert high[1] == pytest.approx(norm.ppf((1 + 0.95**0.5) / 2), abs=0.06)


def test_infinite_draws_of_one_leave_the_others_finite(normal: np.ndarray) -> None:
    draws = np.exp(0.1 * normal[:, :3])
    draws[:100, 0] = np.inf  # one in four hundred
    rows = simultaneous_rows("x", "ratio", members([1.0] * 3, draws), 0.95)
    assert all(np.isfinite([row["conf_low"], row["conf_high"]]).all() for row in rows)
    draws[: N // 10, 0] = np.inf  # one in ten: more than the level leaves out
    rows = simultaneous_rows("x", "ratio", members([1.0] * 3, draws), 0.95)
    assert [np.isinf(row["conf_high"]) for row in rows] == [True, False, False]
    assert rows[0]["conf_low"] > 0.7


def test_an_interval_contains_what_the_one_by_itself_contains(normal: np.ndarray) -> None:
    made = [
        Member(0.0, normal[:, k], {"group": str(k)}, [{"conf_low": -9.0, "conf_high": 7.0}] if k else ())
        for k in range(2)
    ]
    first, second = simultaneous_rows("x", "EUR", made, 0.95)
    assert (second["conf_low"], second["conf_high"]) == (-9.0, 7.0)
    assert first["conf_low"] > -3


def test_families_without_variation_or_members(normal: np.ndarray) -> None:
    assert simultaneous_rows("x", "EUR", members([0.0], normal[:, :1]), 0.95) == []
    undefined = np.full((10, 2), np.nan)
    assert simultaneous_rows("x", "EUR", members([0.0, 0.0], undefined), 0.95) == []
    still = simultaneous_rows("x", "EUR", members([2.0, 3.0], np.tile([2.0, 3.0], (10, 1))), 0.95)
    assert [(row["conf_low"], row["conf_high"]) for row in still] == [(2.0, 2.0), (3.0, 3.0)]


def test_the_family_is_single_levels_against_the_worst_band() -> None:
    assert in_family("7", "worst")
    assert in_family("-2", "worst")
    assert not in_family("7", "1")
    assert not in_family("1-3", "worst")
    assert not in_family("best", "worst")


@pytest.mark.long
def test_rows_of_the_headline_and_of_hazards_contain_each_interval_by_itself() -> None:
    frame = random_rows(3, 2500, strata=3)
    frame["spend"] = 20 * frame["score"] + np.random.default_rng(2).gamma(2, 10, len(frame))
    counts = counts_of(frame, spec_for(adjust=("plan",), spend=True, draws=4000))
    spells = spells_of(counts)
    rows, _ = headline(spells, counts, np.random.default_rng(1))
    table = tidy([*rows, *hazard_results(spells, counts.spec, np.random.default_rng(1))[0]])
    key = ["estimand", "model", "group", "reference", "horizon", "adjusted"]
    together = table[table["scenario"] == SIMULTANEOUS].set_index(key)
    alone = table[(table["scenario"] == "") & (table["stratum"] == "")].set_index(key).loc[together.index]
    families = together.reset_index().groupby(["estimand", "model", "adjusted"]).size()
    kinds = [f"{name}_{kind}" for name in ("retention", "tenure") for kind in ("difference", "ratio")]
    expected = {
        **{(kind, "kaplan_meier", "standardised"): 4 for kind in kinds},
        **{(f"spend_{kind}", "means", "standardised"): 4 for kind in ("difference", "ratio")},
        **{("hazard_ratio", "grouped_ph", how): 4 for how in ("no", "conditional")},
    }  # fmt: skip
    assert families.to_dict() == expected
    assert (together["conf_low"] <= alone["conf_low"]).all()
    assert (together["conf_high"] >= alone["conf_high"]).all()
    assert together["estimate"].to_numpy() == pytest.approx(alone["estimate"].to_numpy(), rel=1e-12)
    assert together["std_error"].to_numpy() == pytest.approx(alone["std_error"].to_numpy(), rel=1e-9)
    wider = (together["conf_high"] - together["conf_low"]) / (alone["conf_high"] - alone["conf_low"])
    # between one comparison's critical value and Bonferroni's of four, 2.50 / 1.96
    assert wider.between(1.0, 1.35).all()
    assert wider.mean() > 1.1
    assert not together["headline"].any()

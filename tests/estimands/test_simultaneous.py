"""Simultaneous intervals: the critical value by hand, scales, sparse members, and the rows of an analysis."""

import numpy as np
import pytest
from cohorts import counts_of, random_rows, spec_for
from scipy.stats import norm

from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.headline import headline
from cxlink.estimands.model_rows.hazard_rows import hazard_results
from cxlink.estimands.simultaneous import (
    IDENTITY,
    LOG,
    LOGIT,
    SIMULTANEOUS,
    Member,
    critical_value,
    in_family,
    simultaneous_rows,
)
from cxlink.estimands.tidy import tidy

N = 40_000


def members(points: list[float], draws: np.ndarray, penalised: bool = False) -> list[Member]:
    return [
        Member(p, d, {"group": str(k)}, penalised)
        for k, (p, d) in enumerate(zip(points, draws.T, strict=True))
    ]


@pytest.fixture(scope="module")
def normal() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((N, 4))


def test_independent_members_take_sidaks_critical_value(normal: np.ndarray) -> None:
    sidak = norm.ppf((1 + 0.95**0.25) / 2)
    # of 40,000 draws, within four standard errors of the quantile
    density = 4 * 2 * norm.pdf(sidak) * (2 * norm.cdf(sidak) - 1) ** 3
    error = 4 * np.sqrt(0.95 * 0.05 / N) / density
    assert critical_value(np.abs(normal), 0.95) == pytest.approx(sidak, abs=error)


def test_members_that_are_one_take_the_critical_value_of_one(normal: np.ndarray) -> None:
    same = np.repeat(normal[:, :1], 3, axis=1) * [1.0, 2.0, 5.0]
    rows = simultaneous_rows("x", "EUR", members([0.0, 0.0, 0.0], same), IDENTITY, 0.95)
    for row, scale in zip(rows, (1, 2, 5), strict=True):
        assert row["conf_high"] / scale == pytest.approx(1.96, abs=0.05)


@pytest.mark.parametrize(("scale", "back"), [(LOG, np.exp), (LOGIT, np.tanh), (IDENTITY, lambda x: x)])
def test_ends_are_symmetric_on_the_scale(normal: np.ndarray, scale: object, back: object) -> None:
    on_scale = 0.2 + 0.1 * normal
    point = float(back(0.2))  # type: ignore[operator]
    rows = simultaneous_rows("x", "ratio", members([point] * 4, back(on_scale)), scale, 0.95)  # type: ignore[operator, arg-type]
    reach = 0.1 * critical_value(np.abs(on_scale - 0.2) / on_scale.std(axis=0, ddof=1), 0.95)
    for row, spread in zip(rows, on_scale.std(axis=0, ddof=1) / 0.1, strict=True):
        assert row["conf_low"] == pytest.approx(back(0.2 - reach * spread), rel=1e-9)  # type: ignore[operator]
        assert row["conf_high"] == pytest.approx(back(0.2 + reach * spread), rel=1e-9)  # type: ignore[operator]
        assert row["scenario"] == SIMULTANEOUS
        assert row["headline"] is False


def test_the_rank_of_the_critical_value_by_hand() -> None:
    distances = np.array([[1.0, 3.0], [2.0, 0.0], [0.5, 0.25], [4.0, 5.0]])
    # largest: .5, 2, 3, 5; ranks ⌈.5 · 5⌉ = 3 and ⌈.4 · 5⌉ = 2
    assert critical_value(distances, 0.5) == 3.0
    assert critical_value(distances, 0.4) == 2.0
    assert critical_value(distances, 0.95) == 5.0


def test_a_penalised_member_is_centred_at_its_draws_and_contains_its_estimate(normal: np.ndarray) -> None:
    draws = np.exp(-3 + 0.5 * normal[:, :2])
    low, other = simultaneous_rows("x", "ratio", members([0.0, 0.05], draws, penalised=True), LOG, 0.95)
    assert low["conf_low"] == low["estimate"] == 0.0
    assert low["conf_high"] == pytest.approx(other["conf_high"], rel=0.05)
    plain = simultaneous_rows("x", "ratio", members([0.2, 0.2], draws), LOG, 0.95)
    assert plain[1]["conf_high"] > 3 * other["conf_high"]  # centred at its estimate instead


def test_an_infinite_draw_keeps_the_others_finite(normal: np.ndarray) -> None:
    draws = np.exp(0.1 * normal[:, :3])
    draws[:100, 0] = np.inf  # one in four hundred
    rows = simultaneous_rows("x", "ratio", members([1.0] * 3, draws), LOG, 0.95)
    assert all(np.isfinite([row["conf_low"], row["conf_high"]]).all() for row in rows)
    draws[: N // 10, 0] = np.inf  # one in ten: more than the level leaves out
    rows = simultaneous_rows("x", "ratio", members([1.0] * 3, draws), LOG, 0.95)
    assert all(row["conf_high"] == np.inf for row in rows)


def test_families_without_variation_or_members(normal: np.ndarray) -> None:
    assert simultaneous_rows("x", "EUR", members([0.0], normal[:, :1]), IDENTITY, 0.95) == []
    undefined = np.full((10, 2), np.nan)
    assert simultaneous_rows("x", "EUR", members([0.0, 0.0], undefined), IDENTITY, 0.95) == []
    still = simultaneous_rows("x", "EUR", members([2.0, 3.0], np.tile([2.0, 3.0], (10, 1))), IDENTITY, 0.95)
    assert [(row["conf_low"], row["conf_high"]) for row in still] == [(2.0, 2.0), (3.0, 3.0)]


def test_the_family_is_single_levels_against_the_worst_band() -> None:
    assert in_family("7", "worst")
    assert in_family("-2", "worst")
    assert not in_family("7", "1")
    assert not in_family("1-3", "worst")
    assert not in_family("best", "worst")


def test_rows_of_the_headline_and_of_hazards_contain_each_interval_by_itself() -> None:
    frame = random_rows(3, 2500, strata=3)
    frame["spend"] = 20 * frame["score"] + np.random.default_rng(2).gamma(2, 10, len(frame))
    counts = counts_of(frame, spec_for(adjust=("plan",), spend=True, draws=400))
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

"""Bounds of confounding: the formula by hand and as a law, benchmarks, and the rows made of them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from cohorts import counts_of, random_rows, spec_for
from scipy.stats import binom

from cxlink.checks import Check, matching
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.headline import headline
from cxlink.report.check_notes import note
from cxlink.sensitivity.confounding import (
    ContrastCells,
    Strength,
    filled,
    largest_bias,
    left_out,
    robustness_value,
)
from cxlink.sensitivity.confounding_rows import confounding_rows

MANY = 10**9


def cells(n: Sequence[float], mean: Sequence[float], weight: Sequence[float]) -> ContrastCells:
    """Levels 0 and 1 in as many strata as fit; outcomes of 1 and 0."""
    level, stratum = (x.ravel() for x in np.indices((2, len(n) // 2)))
    means, numbers = np.array(mean, dtype=float), np.array(n, dtype=float)
    variance = means * (1 - means)
    return ContrastCells(
        level, stratum, np.array(weight, dtype=float), numbers, means, variance, variance / numbers
    )


def test_scale_and_bias_by_hand() -> None:
    made = cells([10, 30, 40, 20], [0.2, 0.5, 0.6, 0.9], [-0.5, -0.5, 0.5, 0.5])
    assert made.difference == pytest.approx(0.4, rel=1e-10)
    # (10 · .16 + 30 · .25 + 40 · .24 + 20 · .09) / 100, and ¼ Σ 101 / (n + 1)
    assert made.residual_variance == pytest.approx(0.205, rel=1e-10)
    assert made.second_moment == pytest.approx(101 / 4 * (1 / 11 + 1 / 31 + 1 / 41 + 1 / 21), rel=1e-10)
    bias = largest_bias(made, Strength(0.04, 0.25))
    assert bias == pytest.approx(np.sqrt(0.205 * made.second_moment) * 0.2 * 0.5, rel=1e-10)


def test_a_share_of_customers_is_inverted_without_bias() -> None:
    n, total, share = np.arange(201), 200, 0.05
    mean = float(binom.pmf(n, total, share) @ ((total + 1) / (n + 1)))
    # all but the draws of nobody: (1 − p)^(N + 1) / p
    assert mean == pytest.approx((1 - (1 - share) ** (total + 1)) / share, rel=1e-10)


def test_the_robustness_value_is_the_strength_that_explains_the_difference() -> None:
    made = cells([100, 300, 400, 200], [0.2, 0.5, 0.6, 0.9], [-0.5, -0.5, 0.5, 0.5])
    needed = robustness_value(made.difference, made.scale)
    strength = Strength(needed, needed / (1 - needed))
    assert largest_bias(made, strength) == pytest.approx(abs(made.difference), rel=1e-10)
    assert strength.of_weights == pytest.approx(needed, rel=1e-10)
    assert robustness_value(-made.difference, made.scale) == needed
    assert robustness_value(0.4, scale=0.0) == 1.0
    assert robustness_value(0.0, scale=0.0) == 0.0
    assert robustness_value(1e9, scale=1.0) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_no_variable_moves_a_difference_by_more_than_its_strength_allows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.ones(3))
    made = cells(MANY * rng.uniform(0.05, 1, 6), rng.uniform(0.2, 0.8, 6), [*-share, *share])
    strength, without = left_out(made, np.zeros(6, dtype=int))
    moved = made.difference - without
    assert abs(moved) > 1e-4
    # the variable adds to the residual variance of the others' model, and to their second moment
    short_variance = made.residual_variance * (1 + strength.outcome)
    short_moment = made.second_moment / (1 + strength.score)
    explained = (short_variance - made.residual_variance) * (made.second_moment - short_moment)
    assert moved**2 <= explained * (1 + 1e-6)
    total = np.bincount(made.level, made.n)
    pooled = np.bincount(made.level, made.n * made.mean) / total
    assert short_variance == pytest.approx(total @ (pooled * (1 - pooled)) / total.sum(), rel=1e-6)
    assert short_moment == pytest.approx(total.sum() * (1 / total).sum(), rel=1e-6)
    assert without == pytest.approx(pooled[1] - pooled[0], rel=1e-6)


def test_a_variable_that_acts_on_both_as_one_reaches_the_bound() -> None:
    # within each level, means less their average are in proportion to α = w/p less its own
    n = np.array([10, 30, 30, 10]) * MANY
    made = cells(n, [0.45, 0.55, 0.45, 0.55], [-0.5, -0.5, 0.5, 0.5])
    strength, without = left_out(made, np.zeros(4, dtype=int))
    short = np.sqrt(made.residual_variance * strength.outcome * made.second_moment * strength.score)
    moved = abs(made.difference - without)
    # relative to what is left, so that the benchmark is at least what happened
    assert short >= moved
    assert short == pytest.approx(moved * np.sqrt(1 + strength.score), rel=1e-6)


def test_what_chance_alone_explains_is_taken_off() -> None:
    made = cells([50, 50, 50, 50], [0.4, 0.6, 0.4, 0.6], [-0.5, -0.5, 0.5, 0.5])
    strength, _ = left_out(made, np.zeros(4, dtype=int))
    # .1² of each, less half of .24 / 50; E[α²] as it is, less than without the variable
    assert strength.outcome == pytest.approx((0.01 - 0.5 * 0.24 / 50) / 0.24, rel=1e-10)
    assert strength.score == 0.0
    same = cells([50, 50, 50, 50], [0.5, 0.52, 0.5, 0.52], [-0.5, -0.5, 0.5, 0.5])
    assert left_out(same, np.zeros(4, dtype=int))[0].outcome == 0.0


def test_no_confounder_explains_more_than_all_that_is_left() -> None:
    made = cells([400, 400, 400, 400], [0.1, 0.9, 0.1, 0.9], [-0.5, -0.5, 0.5, 0.5])
    # .16 between the strata, where .09 is left within them
    assert left_out(made, np.zeros(4, dtype=int))[0].outcome == 1.0


def test_a_single_customer_has_the_variance_of_the_others() -> None:
    made = cells([1, 30, 40, 20], [0.0, 0.5, 0.6, 0.9], [-0.5, -0.5, 0.5, 0.5])
    alone = np.array([True, False, False, False])
    gaps = ContrastCells(
        made.level, made.stratum, made.weight, made.n, made.mean,
        np.where(alone, np.nan, made.variance), np.where(alone, np.nan, made.error),
    )  # fmt: skip
    typical = (30 * 0.25 + 40 * 0.24 + 20 * 0.09) / 90
    found = filled(gaps)
    assert found.variance[0] == found.error[0] == pytest.approx(typical, rel=1e-10)
    assert found.variance[1:] == pytest.approx(made.variance[1:], rel=1e-10)


def made_of(counts: Counts) -> tuple[list[dict[str, object]], list[dict[str, object]], list[Check]]:
    spells = spells_of(counts)
    rows, _ = headline(spells, counts, np.random.default_rng(1))
    return (rows, *confounding_rows(rows, spells, counts))


@pytest.fixture(scope="module")
def spenders() -> Counts:
    rows = random_rows(3, 3000, strata=3)
    rng = np.random.default_rng(4)
    rows["region"] = np.where(rng.random(len(rows)) < 0.5, "n", "s")
    rows["spend"] = 20 * rows["score"] + 30 * (rows["plan"] == "y") + rng.gamma(2, 10, len(rows))
    return counts_of(rows, spec_for(adjust=("plan", "region"), spend=True, draws=200))


def test_rows_move_the_headline_both_ways_and_checks_say_by_how_much(spenders: Counts) -> None:
    rows, bounds, checks = made_of(spenders)
    for estimand in ("retention_difference", "spend_difference"):
        (main,) = (
            row for row in rows
            if row["estimand"] == estimand and row["headline"] and row["adjusted"] == "standardised"
        )  # fmt: skip
        for variable in ("plan", "region"):
            (check,) = matching(checks, code="confounder", of=estimand, term=variable)
            for kind, sign in (("low", -1), ("high", 1)):
                scenario = f"confounded_{kind}={variable}"
                (row,) = (r for r in bounds if r["estimand"] == estimand and r["scenario"] == scenario)
                for name in ("estimate", "conf_low", "conf_high"):
                    assert row[name] == pytest.approx(main[name] + sign * check.value, rel=1e-10)
                assert row["std_error"] == main["std_error"]
                assert not row["headline"]
            assert variable in note(check)
    # region has nothing to do with the score: it explains next to none of its weights
    plan, region = matching(checks, of="retention_difference", case="as_strong")
    assert plan.value > 5 * region.value
    assert plan.get("outcome") > region.get("outcome")


def test_spend_that_is_the_same_for_all_leaves_nothing_to_explain() -> None:
    rows = random_rows(3, 300).assign(spend=100.0)
    _, made, checks = made_of(counts_of(rows, spec_for(spend=True, draws=100)))
    assert {row["estimand"] for row in made} == {"robustness_value"}
    assert {row["model"] for row in made} == {"kaplan_meier"}
    assert not matching(checks, of="spend_difference")


def test_the_outcome_of_a_customer_followed_to_the_horizon_is_its_own(spenders: Counts) -> None:
    # without censoring before the horizon, S(1 − S) and its error are those of the customers' zeros and ones
    rows = random_rows(8, 1500, strata=2, follow_up=(8, 9))
    counts = counts_of(rows, spec_for(adjust=("plan",), draws=100))
    (robust,) = (row for row in made_of(counts)[1] if row["estimand"] == "robustness_value")
    (main,) = (
        row for row in made_of(counts)[0]
        if row["estimand"] == "retention_difference" and row["headline"] and row["adjusted"] == "standardised"
    )  # fmt: skip
    stayed = (~((rows["cause"] != "") & (rows["exit"] <= 6))).astype(float)
    inside = rows[rows["score"].isin([1, 4, 5])].assign(stayed=stayed)
    share = rows["plan"].value_counts(normalize=True)
    level_share = inside.loc[inside["score"] > 1, "score"].value_counts(normalize=True)
    by_cell = inside.groupby(["score", "plan"])["stayed"].agg(["size", "var"])
    moment, n = 0.0, len(inside)
    for (score, plan), cell in by_cell.iterrows():
        weight = share[plan] * (1.0 if score == 1 else level_share[score])
        moment += weight**2 * (n + 1) / (cell["size"] + 1)
    variance = (by_cell["size"] * by_cell["var"]).sum() / n
    assert robust["estimate"] == pytest.approx(
        robustness_value(float(main["estimate"]), float(np.sqrt(moment * variance))), rel=1e-9
    )
    assert robust["conf_low"] < robust["estimate"]


def test_an_interval_that_holds_no_difference_needs_no_confounder() -> None:
    rows = pd.DataFrame(
        {"score": [1, 5] * 40, "exit": [3, 6] * 20 + [6, 3] * 20, "cause": ["x", ""] * 20 + ["", "x"] * 20}
    )
    counts = counts_of(rows, spec_for(draws=200))
    _, (robust,), checks = made_of(counts)
    assert robust["estimate"] == robust["conf_low"] == 0.0
    assert [check.get("case") for check in checks] == ["no_variable"]


def test_a_bound_stays_a_difference_of_probabilities() -> None:
    rows = pd.DataFrame({
        "score": [1] * 30 + [5] * 30, "plan": (["x"] * 28 + ["y"] * 2) + (["x"] * 2 + ["y"] * 28),
        "exit": [2] * 27 + [6] * 3 + [6] * 27 + [2] * 3, "cause": ["l"] * 27 + [""] * 3 + [""] * 27 + ["l"] * 3,
    })  # fmt: skip
    _, bounds, _ = made_of(counts_of(rows, spec_for(adjust=("plan",), draws=200)))
    (low, high) = (row for row in bounds if row.get("scenario"))
    assert -1 <= low["conf_low"] <= low["estimate"] < high["estimate"] <= high["conf_high"] <= 1


def test_customers_who_enter_late_have_no_bound_and_that_is_said() -> None:
    counts = counts_of(
        random_rows(3, 900, strata=2, late=True), spec_for(adjust=("plan",), late=True, draws=100)
    )
    _, bounds, checks = made_of(counts)
    assert bounds == []
    assert [(check.code, check.get("case")) for check in checks] == [("confounder", "late_entry")]
    assert "enter late" in note(checks[0])


def test_cells_of_single_customers_are_finite() -> None:
    rows = pd.DataFrame({
        "score": [1, 1, 4, 5, 5], "plan": ["x", "y", "x", "x", "y"], "exit": [2, 6, 6, 6, 6],
        "cause": ["l", "", "", "", ""], "spend": [0.0, 10.0, 20.0, 0.0, 35.0],
    })  # fmt: skip
    _, bounds, checks = made_of(counts_of(rows, spec_for(adjust=("plan",), spend=True, draws=100)))
    assert {row["estimand"] for row in bounds} >= {"robustness_value"}
    assert all(np.isfinite(row["estimate"]) for row in bounds)
    assert all(np.isfinite(check.value) for check in matching(checks, case="as_strong"))

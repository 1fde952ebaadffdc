"""Retention after a lag, to a horizon beyond follow-up: worked by hand on two strata with different contrasts."""

from dataclasses import replace

import numpy as np
import pytest
from cohorts import cell_rows, spec_for, spells_from
from steady import steady_tails

from cxlink.estimands.survival_estimands import survival_refusals, survival_rows
from cxlink.groups.standardisation import standardised
from cxlink.survival.survival import Survival
from cxlink.survival.tails.spliced_tenure import Further, spliced

HAZARD, HORIZON = 0.05, 12
# customers, retained after one period, and after four, where follow-up ends
CELLS = {
    (1, "x"): (1000, 200, 100), (5, "x"): (1000, 900, 720),
    (1, "y"): (1000, 950, 760), (5, "y"): (1000, 980, 931),
}  # fmt: skip
SPEC = spec_for(HORIZON, adjust=("plan",), given=[1])


def curves(lags: tuple[tuple[int, int], ...] = ((1, 11),)) -> Survival:
    rows = cell_rows(*(
        cell
        for (score, plan), (n, first, last) in CELLS.items()
        for cell in ((score, plan, 1, 1, n - first), (score, plan, 2, 1, first - last), (score, plan, 4, 0, last))
    ))  # fmt: skip
    spells = spells_from(rows, SPEC)
    request = standardised(spells, SPEC, None)
    assert request is not None
    asked = replace(request, times=np.array([0, 12]), horizons=(12, 36))
    tails = steady_tails(spells, HAZARD)
    (made,) = spliced(
        spells, [asked], 300, np.random.default_rng(1), horizon=12, tails=tails, further=Further(lags=lags, given=(1,))
    )  # fmt: skip
    return made


def by_hand(score: int) -> float:
    """Σ w_s(1)·S_s(12 | 1), w_s(1) the customers of both scores retained: 1,100 of x and 1,930 of y."""
    weight = {plan: CELLS[1, plan][1] + CELLS[5, plan][1] for plan in "xy"}
    ratio = {plan: CELLS[score, plan][2] / CELLS[score, plan][1] for plan in "xy"}
    mean = sum(weight[plan] * ratio[plan] for plan in "xy") / sum(weight.values())
    return float(mean * np.exp(-HAZARD * (HORIZON - 4)))


def test_a_lag_beyond_follow_up_is_averaged_over_the_customers_retained() -> None:
    rows = [row for row in survival_rows(curves(), SPEC) if row.get("scenario") == "lag=1"]
    found = {(row["estimand"], row["group"]): row for row in rows}
    for group, score in (("1", 1), ("5", 5)):
        shown = found["retention", group]
        assert shown["estimate"] == pytest.approx(by_hand(score), rel=1e-12)
        assert (shown["horizon"], shown["extrapolated"], shown["model"]) == (12, 1, "spliced")
        assert shown["conf_low"] < shown["estimate"] < shown["conf_high"]
    difference = found["retention_difference", "best"]["estimate"]
    assert difference == pytest.approx(by_hand(5) - by_hand(1), rel=1e-12)
    # a ratio of two averages would be another number: the strata of score 1 are not those of score 5 any more
    plain = [
        np.exp(-HAZARD * 8)
        * sum(CELLS[k, plan][2] for plan in "xy")
        / sum(CELLS[k, plan][1] for plan in "xy")
        for k in (1, 5)
    ]
    assert abs(plain[1] - plain[0] - difference) > 0.01


def test_remaining_tenure_has_the_same_weights() -> None:
    later = next(one for one in curves().later if one.horizons)
    at = later.groups.index("5")
    weight = {plan: (CELLS[1, plan][1] + CELLS[5, plan][1]) / 3030 for plan in "xy"}
    t = np.arange(33)  # lost in the first period, then none for two, then the hazard
    area = 0.0
    for plan in "xy":
        ratio = CELLS[5, plan][2] / CELLS[5, plan][1]
        first = (ratio - 1) / np.log(ratio)
        area += weight[plan] * (first + ratio * 2 + ratio * -np.expm1(-HAZARD * len(t)) / HAZARD)
    # between whole periods the mean curve is log-linear, not each stratum's
    assert later.area.point[at, 1] == pytest.approx(area, rel=1e-4)


def test_a_lag_without_an_answer_is_said() -> None:
    said = [one for one in survival_refusals(curves(()), SPEC) if one.facts["case"] == "no_start_later"]
    assert {one.value for one in said} == set(SPEC.lags)
    assert {one.model for one in said} == {"spliced"}

"""Interventions: what is refused, and how margin, return, payback and breaking even follow from the draws."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.e_values import e_value
from cxlink.estimands.tidy import select
from cxlink.value.break_even import Gain, share_needed
from cxlink.value.intervention import InterventionValue, intervention_value
from cxlink.value.shifts import Intervention, plan_intervention, shifted_standards


@cache
def buyers(complete: bool = True) -> Counts:
    """Sixty buyers of scores 1 to 5, nobody at 4, in two plans."""
    rng = np.random.default_rng(3)
    score = np.repeat([1, 2, 3, 5], 60)
    spend = rng.gamma(4.0, 20.0, len(score)).round(2) + 30 * score
    frame = pd.DataFrame({"score": score, "spend": spend, "plan": np.tile(["a", "b"], len(score) // 2)})
    frame["done"] = (frame["score"] < 5) | complete
    spec = make_spec({
        "score": {"column": "score", "scale": "1-5", "best": [5]},
        "spend": {"column": "spend", "complete": "done"},
        "adjust": {"columns": ["plan"]},
        "value": {"margin": 0.5, "discount": 0.0},
        "analysis": {"draws": 1000},
    })  # fmt: skip
    return read_cohort(frame, spec).count()


def planned(**asked: Any) -> Intervention:
    counts = buyers()
    return plan_intervention(spells_of(counts), counts.spec, **asked)


def outcome(**asked: Any) -> InterventionValue:
    counts, spells = buyers(), spells_of(buyers())
    made = plan_intervention(spells, counts.spec, **asked)
    return intervention_value(spells, counts, made, np.random.default_rng(1))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (
            {"move": "1-3:3-5"},
            "--move 1-3:3-5: the two bands overlap at 3. Name bands without a common level.",
        ),
        ({"move": "1-2:4"}, "--move 1-2:4: nobody gave 4. Levels with customers: 1-3,5. Name some of these."),
        ({"move": "4:5"}, "--move 4:5: nobody gave 4. Levels with customers: 1-3,5. Name some of these."),
        ({"move": "1-2:7"}, "--move 1-2:7: '7' leaves the scale 1-5."),
        ({"move": "1-2"}, "--move 1-2: not FROM:TO, such as 1-6:7-8."),
        ({"move": "1:2:3"}, "--move 1:2:3: not FROM:TO, such as 1-6:7-8."),
        ({"move": "1:5", "fraction": 1.2}, "--fraction must be from 0 to 1 (found 1.2)."),
        ({"move": "1:5", "fraction": float("nan")}, "--fraction must be from 0 to 1 (found nan)."),
        ({"move": "1:5", "causal_share": -0.1}, "--causal-share must be from 0 to 1 (found -0.1)."),
        ({"move": "1:5", "cost": -1.0}, "--cost must be an amount of 0 or more (found -1)."),
        ({"move": "1:5", "cost": float("inf")}, "--cost must be an amount of 0 or more (found inf)."),
        ({}, "give either --move FROM:TO, such as 1-6:7-8, or --shift POINTS."),
        ({"move": "1:5", "shift": 1}, "give either --move FROM:TO, such as 1-6:7-8, or --shift POINTS."),
        ({"shift": 0}, "--shift must be from 1 to 4 points on this scale (found 0)."),
        ({"shift": 1}, "--shift 1, from 3: nobody gave 4. Levels with customers: 1-3,5. Name some of these."),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        planned(**asked)
    assert str(refused.value) == said


def test_a_shift_goes_as_far_as_the_scale() -> None:
    found = planned(shift=4)
    assert found.shifts == (((1,), (5,)), ((2,), (5,)), ((3,), (5,)))
    assert (found.group, found.reference) == ("shift=4", "1-3")


def test_a_target_without_spend_is_refused() -> None:
    spells = spells_of(buyers(complete=False))
    made = plan_intervention(spells, buyers(complete=False).spec, move="1-2:5")
    with pytest.raises(
        InputError, match=r"1-2:5: in no stratum do both sides have customers with a complete window"
    ):
        shifted_standards(spells, made)


def test_margin_return_and_breaking_even_follow_from_the_difference() -> None:
    cost = 900.0
    found = outcome(move="1-2:5", fraction=0.5, cost=cost, causal_share=0.25).estimates
    by_name = {name: select(found, estimand=name) for name in found["estimand"].unique()}
    difference = by_name["value_difference"].iloc[0]
    margin = by_name["incremental_margin"].set_index("scenario")
    whole = 60 * difference["estimate"]
    for share in (0.0, 0.25, 0.5, 1.0):
        shown = margin.loc[f"causal_share={share:g}"]
        assert shown["estimate"] == pytest.approx(share * whole, abs=1e-9)
        assert shown["conf_low"] == pytest.approx(share * 60 * difference["conf_low"], abs=1e-9)
        back = by_name["programme_return"].set_index("scenario").loc[f"causal_share={share:g}"]
        assert back["estimate"] == pytest.approx((share * whole - cost) / cost, abs=1e-9)
    chance = by_name["break_even_probability"].set_index("scenario")["estimate"]
    assert chance["causal_share=0"] == 0
    assert chance["causal_share=1"] > 0.99
    assert (np.diff(chance.loc[[f"causal_share={k / 20:g}" for k in range(21)]]) >= 0).all()
    even = by_name["break_even_share"].iloc[0]
    assert even["estimate"] == pytest.approx(cost / whole)
    assert even["conf_low"] < even["estimate"] < even["conf_high"] < 1
    # at the share where the estimate breaks even, it is about as likely as not
    near = outcome(move="1-2:5", fraction=0.5, cost=cost, causal_share=even["estimate"]).estimates
    likely = select(near, estimand="break_even_probability", scenario=f"causal_share={even['estimate']:.10g}")
    assert 0.35 < likely["estimate"].iloc[0] < 0.65
    ratio = by_name["value_ratio"].iloc[0]["estimate"]
    assert by_name["e_value"].iloc[0]["estimate"] == pytest.approx(e_value(ratio))


def test_payback_counts_the_periods_whose_margins_it_takes() -> None:
    """Without a discount a year's margin comes in twelve equal parts: the cost of four and a bit needs five."""
    whole = 120 * select(outcome(move="1-2:5").estimates, estimand="value_difference")["estimate"].iloc[0]
    for parts, periods in ((4.01, 5), (11.99, 12), (12.01, np.inf)):
        found = outcome(move="1-2:5", cost=whole * parts / 12, causal_share=1.0).estimates
        shown = select(found, estimand="payback", scenario="causal_share=1").iloc[0]
        assert shown["estimate"] == periods
        assert shown["unit"] == "month"


def test_a_horizon_beyond_the_window_of_spend_alone_is_refused() -> None:
    counts = buyers()
    value = {"margin": 0.5, "discount": 0.0, "horizon": 13}
    tables = {**counts.spec.model_dump(mode="json", exclude_none=True), "value": value}
    far = replace(counts, spec=make_spec(tables))
    intervention = plan_intervention(spells_of(far), far.spec, move="1-2:5")
    with pytest.raises(InputError) as refused:
        intervention_value(spells_of(far), far, intervention, np.random.default_rng(1))
    assert str(refused.value) == (
        "1-2:5: retention is not known, so that value is counted over the 12 months of the spend window at most "
        "(horizon 13). Give --horizon 12 or less."
    )
    near = replace(counts, spec=make_spec({**tables, "value": {**value, "horizon": 6}}))
    found = intervention_value(spells_of(near), near, intervention, np.random.default_rng(1)).estimates
    whole = outcome(move="1-2:5").estimates
    half, year = (select(t, estimand="value_difference")["estimate"].iloc[0] for t in (found, whole))
    assert half == pytest.approx(year / 2, rel=1e-12)


GAIN = Gain(
    np.array([1.0, 2.0, 3.0]), np.array([[1.0, 2.0, 3.0], [0.5, 1.0, 2.5], [1.0, 2.0, 4.0]]), 10.0, 30.0
)


def test_a_margin_that_equals_the_cost_breaks_even() -> None:
    """Ten customers gain 3, 2.5 and 4 each, at a cost of 30: two of three draws break even, the first exactly."""
    assert GAIN.break_even_probability(1.0) == 2 / 3
    assert replace(GAIN, cost=np.nextafter(30.0, 31.0)).break_even_probability(1.0) == 1 / 3
    assert replace(GAIN, cost=np.nextafter(25.0, 24.0)).break_even_probability(1.0) == 1
    assert replace(GAIN, cost=25.0).break_even_probability(1.0) == 1
    assert replace(GAIN, cost=np.nextafter(25.0, 26.0)).break_even_probability(1.0) == 2 / 3
    share, drawn = GAIN.break_even_share()
    assert share == 1
    assert drawn.tolist() == [1.0, 1.2, 0.75]
    assert share_needed(30.0, np.array([0.0, -5.0])).tolist() == [np.inf, np.inf]


def test_a_cost_is_paid_back_in_the_period_that_earns_it_exactly() -> None:
    point, drawn = GAIN.payback(1.0)
    assert point == 3
    assert drawn.tolist() == [3, np.inf, 3]
    assert replace(GAIN, cost=20.0).payback(1.0)[1].tolist() == [2, 3, 2]
    assert replace(GAIN, cost=np.nextafter(20.0, 21.0)).payback(1.0)[1].tolist() == [3, 3, 3]


def test_a_cost_of_nothing_has_no_return_and_nothing_to_pay_back() -> None:
    found = outcome(move="1-2:5", cost=0.0).estimates
    assert select(found, estimand="programme_return").empty
    assert (select(found, estimand="payback")["estimate"] == 0).all()
    assert select(found, estimand="break_even_share")["estimate"].iloc[0] == 0


def test_a_loss_breaks_even_at_no_share() -> None:
    found = outcome(move="5:1-2", cost=10.0).estimates
    assert select(found, estimand="incremental_margin", scenario="causal_share=1")["estimate"].iloc[0] < 0
    assert select(found, estimand="break_even_share")["estimate"].iloc[0] == np.inf
    assert (
        select(found, estimand="break_even_probability", scenario="causal_share=1")["estimate"].iloc[0] == 0
    )


def test_moved_customers_keep_their_strata() -> None:
    spells = spells_of(buyers())
    source, target, covered = shifted_standards(spells, planned(move="1-2:3,5"))
    by_stratum = [
        np.bincount(spells.stratum[s.curve], s.weight, len(spells.strata)) for s in (source, target)
    ]
    assert by_stratum[0] == pytest.approx(by_stratum[1], abs=1e-15)
    at_five = spells.level[target.curve] == spells.levels.index(5)
    assert target.weight[at_five].sum() == pytest.approx(0.5)
    assert (source.n, covered) == (120, 1.0)

"""Rows and findings of grouped proportional hazards, on ordinary cohorts and odd ones."""

import numpy as np
import pandas as pd
import pytest
from check_fields import check_fields
from scipy.stats import norm

from cxlink.checks import Check, matching
from cxlink.cli.flags import sections
from cxlink.cohort.count.spells import Spells, spells_of
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.model_rows.hazard_rows import hazard_results
from cxlink.estimands.tidy import select, tidy
from cxlink.survival.proportional_hazards.grouped_ph import GroupedPH, grouped_ph
from cxlink.survival.proportional_hazards.hazard_requests import hazard_requests
from cxlink.survival.proportional_hazards.proportionality import Proportionality, Ratio, Shift

NUMBERS = ["estimate", "conf_low", "conf_high"]
RNG = np.random.default_rng(20140801)


def _frame(n: int, **columns: object) -> pd.DataFrame:
    """Customers whose losses fall with the score and differ between plans."""
    rng = np.random.default_rng(n)
    score, plan = rng.integers(1, 11, n), rng.integers(0, 2, n)
    months = np.ceil(rng.exponential(12 * np.exp(0.1 * (score - 5) - 0.5 * plan))).astype(int)
    base = {
        "score": score, "plan": np.array(["a", "b"])[plan], "months": np.minimum(months, 24),
        "lost": (months <= 24).astype(int),
    }  # fmt: skip
    return pd.DataFrame({**base, **columns})


def _read(frame: pd.DataFrame, **sections: dict[str, object]) -> tuple[Spells, CohortSpec]:
    spec = make_spec({
        "score": {"column": "score", "scale": "1-10", **sections.get("score", {})},
        "subscription": {"duration": "months", "event": "lost", **sections.get("subscription", {})},
        "adjust": sections.get("adjust", {"columns": ["plan"]}),
        "analysis": {"draws": 200, "tenure_horizons": [18, 36], **sections.get("analysis", {})},
    })  # fmt: skip
    return spells_of(read_cohort(frame, spec).count()), spec


def _results(frame: pd.DataFrame, **sections: dict[str, object]) -> tuple[pd.DataFrame, list[Check]]:
    rows, findings, _ = hazard_results(*_read(frame, **sections), np.random.default_rng(1))
    return tidy(rows), findings


@pytest.fixture(scope="module")
def ordinary() -> tuple[pd.DataFrame, list[Check]]:
    return _results(_frame(4000))


def test_ratios_stand_for_every_contrast_both_ways(ordinary: tuple[pd.DataFrame, list[Check]]) -> None:
    ratios = select(ordinary[0], estimand="hazard_ratio", scenario="")
    expected = {(str(level), "worst") for level in range(2, 11)} | {("best", "worst")}
    for adjusted in ("no", "conditional"):
        found = select(ratios, adjusted=adjusted)
        assert set(zip(found["group"], found["reference"], strict=True)) == expected
    assert set(ratios["unit"]) == {"ratio"}
    assert ratios["horizon"].isna().all()
    assert (ratios["conf_low"] < ratios["estimate"]).all()
    assert (ratios["estimate"] < ratios["conf_high"]).all()
    best = select(ratios, group="best", adjusted="conditional")
    assert best["estimate"].item() < 1
    assert 0 < best["n_events"].item() < best["n"].item()


def test_retention_ends_with_follow_up_and_interacting_rows_are_sensitivity(
    ordinary: tuple[pd.DataFrame, list[Check]],
) -> None:
    rows = ordinary[0]
    assert set(rows["model"]) == {"grouped_ph"}
    assert not rows["headline"].any()
    main = select(rows, scenario="")
    assert set(main["horizon"].dropna()) == {12, 18}
    free = select(rows, scenario="interacting")
    assert set(free["estimand"]) == {"retention", "retention_difference", "retention_ratio"}
    assert set(free["adjusted"]) == {"standardised"}
    for what in ("retention", "tenure"):
        group = select(main, horizon=12, adjusted="standardised").set_index(["estimand", "group"])["estimate"]
        difference = group[what, "best"] - group[what, "worst"]
        assert group[f"{what}_difference", "best"] == pytest.approx(difference, abs=1e-12)


def test_findings_name_the_checks(ordinary: tuple[pd.DataFrame, list[Check]]) -> None:
    found = ordinary[1]
    against = {"group": "best", "reference": "worst"}
    (ratio,) = matching(found, code="proportionality", case="survey", **against)
    assert 0 < ratio.low < ratio.value < ratio.high
    (moved,) = matching(found, code="proportionality_contrast", horizon=12, unit="month", **against)
    assert abs(moved.value) < 0.05
    assert (moved.bound, moved.passed) == (0.01, abs(moved.value) <= 0.01)
    (trend,) = matching(found, code="trend", group="")
    assert trend.value == pytest.approx(np.exp(-0.1), abs=0.03)
    assert trend.low < trend.value < trend.high < 1
    assert trend.facts["z"] < -5
    assert trend.facts["p"] == pytest.approx(2 * norm.sf(-trend.facts["z"]), rel=1e-9)
    gains = matching(found, code="log_score_gain")
    assert [check.facts["effect"] for check in gains] == ["linear", "monotone", "spline"]
    assert all(check.facts["std_error"] > 0 for check in gains)
    (whole,) = matching(found, code="log_score")
    assert whole.value < 0
    assert whole.facts == {"effect": "levels", "folds": 5}


def test_rows_follow_the_model() -> None:
    spells, spec = _read(_frame(1500))
    rows, *_ = hazard_results(spells, spec, np.random.default_rng(1))
    table = tidy(rows)
    request = hazard_requests(spells, spec)[-1]
    made = grouped_ph(spells, spec, request, 20, np.random.default_rng(9))
    assert isinstance(made, GroupedPH)
    for level in (4, 10):
        shown = select(table, estimand="hazard_ratio", group=str(level), adjusted="conditional", scenario="")
        expected = np.exp(made.effects[level - 1] - made.effects[0])
        assert shown["estimate"].item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("effect", ["levels", "linear", "monotone", "spline"])
def test_the_spec_chooses_the_effect(effect: str) -> None:
    rows, _ = _results(_frame(2500), score={"effect": effect})
    ratios = select(rows, estimand="hazard_ratio", adjusted="conditional", reference="worst", scenario="")
    values = ratios[ratios["group"] != "best"].set_index("group")["estimate"]
    logs = np.log([1.0, *(values[str(level)] for level in range(2, 11))])
    steps = np.diff(logs)
    if effect == "linear":
        np.testing.assert_allclose(steps, steps[0], rtol=0, atol=1e-10)
    elif effect == "monotone":
        assert (steps <= 1e-10).all()
    else:
        assert np.ptp(steps) > 1e-3


def test_the_flag_is_the_spec_key() -> None:
    assert sections({"score_effect": "monotone"}) == {"score": {"effect": "monotone"}}


ODD = {
    "nobody lost": {"lost": 0},
    "everybody lost at once": {"lost": 1, "months": 1},
    "everybody lost": {"lost": 1},
    "one level": {"score": 9},
    "one period": {"months": 1},
    "two levels that separate": {
        "score": np.tile([1, 10], 30), "lost": np.tile([1, 0], 30), "months": np.tile([2, 24], 30),
    },
    "two separate within each period": {
        "score": np.tile([1, 10], 30), "lost": np.tile([1, 0], 30), "months": np.tile([3, 3, 5, 5], 15),
    },
    "a level in a plan of its own": {
        "score": np.repeat([2, 5, 10], 20), "plan": np.repeat(["a", "b", "c"], 20), "lost": np.tile([0, 1, 1], 20),
    },
    "one plan": {"plan": "only"},
    "hardly two customers a plan": {"plan": [f"p{k % 24:02}" for k in range(60)]},
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("effect", ["levels", "monotone"])
@pytest.mark.parametrize("what", ODD)
def test_odd_cohorts_get_finite_rows_or_a_reason(what: str, effect: str) -> None:
    rows, found = _results(_frame(60, **ODD[what]), score={"effect": effect}, analysis={"draws": 100})
    if what in ("nobody lost", "everybody lost at once"):
        assert not len(rows)
        reason = "no_losses" if what == "nobody lost" else "all_lost"
        (refused,) = found
        assert check_fields(refused) == check_fields(
            Check(
                "not_fitted",
                "grouped_ph",
                passed=False,
                facts={"case": "hazards", "reason": reason, "scenario": ""},
            )
        )
        return
    assert len(rows)
    # half of a group may be there still when it is last seen
    open_ended = rows["estimand"].eq("tenure_median") & np.isinf(rows["conf_high"])
    assert np.isfinite(rows.loc[~open_ended, NUMBERS].to_numpy()).all()
    assert (rows["conf_low"] <= rows["estimate"] + 1e-12).all()
    assert (rows["conf_high"] >= rows["estimate"] - 1e-12).all()
    if what.startswith("two"):
        ratio = select(rows, estimand="hazard_ratio", group="10", adjusted="no")
        assert ratio["conf_high"].item() < 0.2
        assert ratio["conf_low"].item() < ratio["estimate"].item() / 20
        assert "10" in {check.group for check in matching(found, code="penalised")}


def test_one_customer_has_no_row_and_the_reason() -> None:
    rows, found = _results(_frame(1, lost=1, months=5))
    assert not len(rows)
    assert [(check.code, check.facts["reason"]) for check in found] == [("not_fitted", "nothing_beside")]


def test_entries_that_cannot_be_followed_are_left_out_and_counted() -> None:
    frame = _frame(900)
    frame["entry"] = np.minimum(frame["months"] - 1, RNG.integers(0, 20, 900))
    spells, spec = _read(frame, subscription={"entry": "entry"})
    rows, findings, _ = hazard_results(spells, spec, np.random.default_rng(1))
    (followed,) = matching(findings, code="followed", adjusted="standardised")
    assert (followed.group, followed.facts["reference"], followed.facts["horizon"]) == ("best", "worst", 12)
    entered = frame["entry"].to_numpy()
    assert followed.value == pytest.approx((entered + 12 <= 24).mean(), abs=1e-12)
    assert set(tidy(rows)["horizon"].dropna()) == {12}


def test_without_strata_late_entry_alone_gives_no_conditional_ratio() -> None:
    frame = _frame(600)
    frame["entry"] = np.minimum(frame["months"] - 1, 2)
    rows, _ = _results(frame, subscription={"entry": "entry"}, adjust={})
    assert set(select(rows, estimand="hazard_ratio")["adjusted"]) == {"no"}
    assert set(select(rows, estimand="retention")["adjusted"]) == {"no", "standardised"}


def test_the_same_seed_gives_the_same_rows() -> None:
    one, two = (_results(_frame(500))[0] for _ in range(2))
    pd.testing.assert_frame_equal(one, two)


def test_every_step_of_the_ladder_inside_follow_up_has_own_rows() -> None:
    """130 periods: Kaplan–Meier reports multiples of twelve there, this model the steps that were asked for."""
    frame = _frame(800)
    frame["months"] *= 10
    rows, _ = _results(
        frame, subscription={"unit": "day"}, analysis={"horizon": 60, "tenure_horizons": [130, 900]}
    )
    own = select(rows, estimand="retention", adjusted="standardised", scenario="", group="best")
    assert own["horizon"].tolist() == [60, 130]


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_departure_either_way_is_marked(sign: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shifts = (Shift(12, 0.3, 0.02 * sign), Shift(24, 0.3, 0.01 * sign))
    made = Proportionality(Ratio(1.1, 1.0, 1.2, 2.0, 0.05), shifts, 24, {})
    monkeypatch.setattr("cxlink.estimands.model_rows.hazard_rows.proportionality", lambda *_: made)
    _, found = _results(_frame(300))
    judged = matching(found, code="proportionality_contrast")
    assert [(c.facts["horizon"], c.value, c.passed) for c in judged] == [
        (12, 0.02 * sign, False), (24, 0.01 * sign, True),
    ]  # fmt: skip
    (ratio,) = matching(found, code="proportionality")
    assert (ratio.value, ratio.low, ratio.high) == (1.1, 1.0, 1.2)


@pytest.mark.parametrize(
    ("ratio", "passed"),
    [
        ((1.1, 1.0, 1.25), True),
        ((0.9, 0.8, 1.0), True),
        ((1.1, 1.0, 1.26), None),
        ((1.1, 0.79, 1.2), None),
        ((1.3, 1.01, 1.6), False),
        ((0.7, 0.5, 0.9), False),
        ((1.3, 0.9, 1.9), None),
    ],
)
def test_a_ratio_is_extrapolated_if_it_stays_within_a_quarter(
    ratio: tuple[float, float, float], passed: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Proportionality(Ratio(1.1, 1.0, 1.2, 2.0, 0.05), (), 24, {60: Ratio(*ratio, 2.0, 0.05)})
    monkeypatch.setattr("cxlink.estimands.model_rows.hazard_rows.proportionality", lambda *_: made)
    _, found = _results(_frame(300))
    (judged,) = matching(found, code="proportionality_ahead")
    assert (judged.value, judged.bound, judged.passed) == (ratio[0], 1.25, passed)
    assert (judged.facts["horizon"], judged.facts["followed"]) == (60, 24)


def test_the_ratio_by_year_is_that_of_a_fit_to_each_year() -> None:
    """Scores 1 and 10, unadjusted: in year 1 the ratio is near .5, in year 2 near 1; exact by a fit to that year."""
    rng = np.random.default_rng(4)
    score = np.repeat([1, 10], 3000)
    hazard = np.where(score[:, None] == 1, 0.08, np.where(np.arange(24) < 12, 0.04, 0.08))
    gone = rng.random((6000, 24)) < hazard
    months = np.where(gone.any(axis=1), gone.argmax(axis=1) + 1, 24)
    frame = pd.DataFrame({"score": score, "months": months, "lost": gone.any(axis=1), "plan": "a"})
    rows, _ = _results(frame, analysis={"horizon": 12, "draws": 400}, adjust={"columns": []})
    by_year = select(
        rows, estimand="hazard_ratio", group="best", scenario=("year=1", "year=2"), adjusted="no"
    )
    for (at, part), one in zip(
        ((0, slice(0, 12)), (1, slice(12, 24))), by_year.to_dict("records"), strict=True
    ):
        truth = (0.5, 1.0)[at]
        assert abs(np.log(one["estimate"]) - np.log(truth)) < 0.15
        assert one["conf_low"] < one["estimate"] < one["conf_high"]
        later = frame[frame["months"] > part.start]
        mine = later[later["score"] == 10]
        assert one["n"] == len(mine)
        assert one["n_events"] == int((mine["lost"] & (mine["months"] <= part.stop)).sum())


def test_one_year_of_follow_up_has_no_ratio_by_year() -> None:
    frame = _frame(300)
    frame["lost"] *= frame["months"] <= 12
    rows, _ = _results(frame.assign(months=frame["months"].clip(upper=12)))
    assert not select(rows, estimand="hazard_ratio")["scenario"].str.startswith("year").any()

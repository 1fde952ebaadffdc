"""Rows of retention: which there are, what they hold, and how intervals of sparse groups are widened."""

from dataclasses import replace

import numpy as np
import pytest

from cxlink.checks import matching
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.estimands.survival_estimands import half_left, leading_rows, survival_refusals, survival_rows
from cxlink.estimands.tidy import interval, tidy, widened_to_contain
from cxlink.survival.survival import Drawn, Survival

N_DRAWS = 400


def spec_for(cause: str | None = None, **analysis: object) -> CohortSpec:
    return make_spec({
        "score": {"column": "s", "scale": "1-5", "worst": [1], "best": [4, 5]},
        "subscription": {"duration": "d", "event": "e", **({"cause": cause} if cause else {})},
        "analysis": {"horizon": 6, "tenure_horizons": [4, 8, 12], **analysis},
    })  # fmt: skip


def curves_for(**changes: object) -> Survival:
    """Worst, best and level 2, known for 9, 12 and 5 periods; draws scatter around the estimates."""
    times = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12])
    rng = np.random.default_rng(1)
    rates, last = np.array([0.2, 0.05, 0.1]), np.array([9, 12, 5])
    point = np.exp(-np.outer(rates, times))
    point[times > last[:, None]] = np.nan
    draws = point ** np.exp(0.1 * rng.standard_normal((N_DRAWS, 3, 1)))
    horizons = (6, 4, 8, 12)
    tenure = (1 - np.exp(-np.outer(rates, horizons))) / rates[:, None]
    tenure[np.array(horizons) > last[:, None]] = np.nan
    made = Survival(
        model="kaplan_meier",
        labels={"adjusted": "no", "stratum": "", "scenario": ""},
        groups=("worst", "best", "2"),
        times=times,
        point=point,
        draws=draws,
        horizons=horizons,
        area=Drawn(tenure, tenure * np.exp(0.05 * rng.standard_normal((N_DRAWS, 3, 1)))),
        inside=tenure * (1 - np.array([[0, 0, 0.2, np.nan], [0, 0, 0, 0.1], [np.nan, 0, np.nan, np.nan]])),
        last=last,
        observed_until=np.array([7, 11, 4]),
        n=np.array([50, 80, 20]),
        n_events=np.array([40, 30, 9]),
        sparse=np.array([False, False, False]),
        emptied=np.zeros(3),
        own=(0, 1, 2),
        contrasts=((1, 0), (2, 0)),
        observed=True,
    )
    return replace(made, **changes)


def found(rows: list[dict[str, object]], **where: object) -> list[dict[str, object]]:
    where = {"scenario": "", **where}
    return [r for r in rows if all(r.get(name, "") == value for name, value in where.items())]


def one(rows: list[dict[str, object]], **where: object) -> dict[str, object]:
    (only,) = found(rows, **where)
    return only


def test_retention_has_a_row_for_every_period_to_the_last_at_risk() -> None:
    rows = survival_rows(curves_for(), spec_for())
    for group, last in (("worst", 9), ("best", 12), ("2", 5)):
        periods = [r["horizon"] for r in found(rows, estimand="retention", group=group)]
        assert periods == [t for t in (1, 2, 3, 4, 5, 6, 7, 8, 9, 12) if t <= last]
    assert len(tidy(rows)) == len(rows)  # no two share a key


def test_a_row_holds_the_estimate_and_the_interval_of_its_draws() -> None:
    curves = curves_for()
    row = one(survival_rows(curves, spec_for()), estimand="retention", group="best", horizon=6)
    assert row["estimate"] == pytest.approx(np.exp(-0.3), abs=1e-12)
    expected = interval(curves.draws[:, 1, 6], 0.95)
    assert (row["std_error"], row["conf_low"], row["conf_high"]) == pytest.approx(expected, abs=0)
    assert (row["unit"], row["n"], row["n_events"], row["level"]) == ("probability", 80, 30, 0.95)
    assert (row["extrapolated"], row["headline"]) == (0.0, False)


def test_a_curve_is_extrapolated_beyond_ten_at_risk() -> None:
    rows = survival_rows(curves_for(), spec_for())
    assert [r["extrapolated"] for r in found(rows, estimand="retention", group="worst")] == [0.0] * 7 + [
        1.0
    ] * 2
    assert one(rows, estimand="retention_ratio", group="2", horizon=4)["extrapolated"] == 0
    assert one(rows, estimand="tenure_difference", group="best", horizon=8)["extrapolated"] == pytest.approx(
        0.2, abs=1e-12
    )


def test_contrasts_stand_on_the_ladder_and_are_group_against_reference() -> None:
    curves = curves_for()
    rows = survival_rows(curves, spec_for())
    assert [r["horizon"] for r in found(rows, estimand="retention_ratio", group="best")] == [4, 6, 8]
    assert [r["horizon"] for r in found(rows, estimand="retention_ratio", group="2")] == [4]
    ratio = one(rows, estimand="retention_ratio", group="best", horizon=6)
    assert ratio["estimate"] == pytest.approx(np.exp(-0.3 + 1.2), abs=1e-12)
    assert (ratio["reference"], ratio["unit"], ratio["n"], ratio["n_events"]) == ("worst", "ratio", 80, 30)
    drawn = interval(curves.draws[:, 1, 6] / curves.draws[:, 0, 6], 0.95)
    assert (ratio["std_error"], ratio["conf_low"], ratio["conf_high"]) == pytest.approx(drawn, abs=0)
    difference = one(rows, estimand="retention_difference", group="best", horizon=6)
    worst = one(rows, estimand="retention", group="worst", horizon=6)
    best = one(rows, estimand="retention", group="best", horizon=6)
    assert difference["estimate"] == pytest.approx(best["estimate"] - worst["estimate"], abs=1e-12)
    assert ratio["estimate"] * worst["estimate"] == pytest.approx(best["estimate"], abs=1e-12)
    assert difference["unit"] == "probability"


def test_restricted_means_stand_where_the_curve_is_known() -> None:
    curves = curves_for()
    rows = survival_rows(curves, spec_for())
    assert sorted(r["horizon"] for r in found(rows, estimand="tenure", group="worst")) == [4, 6, 8]
    assert sorted(r["horizon"] for r in found(rows, estimand="tenure", group="best")) == [4, 6, 8, 12]
    row = one(rows, estimand="tenure", group="best", horizon=12)
    assert (row["unit"], row["extrapolated"]) == ("month", pytest.approx(0.1, abs=1e-12))
    ratio = one(rows, estimand="tenure_ratio", group="best", horizon=8)
    assert ratio["estimate"] == pytest.approx(curves.area.point[1, 2] / curves.area.point[0, 2], abs=1e-12)
    assert one(rows, estimand="tenure_difference", group="best", horizon=8)["unit"] == "month"


def test_the_headline_is_retention_and_tenure_of_the_first_contrast() -> None:
    curves, spec = curves_for(), spec_for()
    leads = leading_rows(curves, spec)
    assert leads.at == {"retention": 6, "tenure": 8}  # 12 is beyond the follow-up of worst
    assert leading_rows(curves_for(last=np.array([8, 12, 5])), spec).at["tenure"] == 8
    assert leading_rows(curves_for(last=np.array([7, 12, 5])), spec).at["tenure"] == 4
    heads = [
        (r["estimand"], r["group"], r["horizon"]) for r in survival_rows(curves, spec, leads) if r["headline"]
    ]
    assert sorted(heads) == [
        ("retention", "best", 6), ("retention", "worst", 6), ("retention_difference", "best", 6),
        ("retention_ratio", "best", 6), ("tenure", "best", 8), ("tenure", "worst", 8),
        ("tenure_difference", "best", 8), ("tenure_ratio", "best", 8),
    ]  # fmt: skip


def test_the_headline_follows_the_first_contrast_asked_for() -> None:
    spec = spec_for(contrasts=("2:worst", "best:worst"))
    curves = curves_for()
    assert leading_rows(curves, spec).at["tenure"] == 4
    heads = {r["group"] for r in survival_rows(curves, spec, leading_rows(curves, spec)) if r["headline"]}
    assert heads == {"2", "worst"}


def test_without_a_step_inside_follow_up_the_headline_mean_ends_at_the_horizon() -> None:
    spec = spec_for(tenure_horizons=[36])
    assert leading_rows(curves_for(), spec).at["tenure"] == 6
    nobody = curves_for(own=(2,))
    assert leading_rows(nobody, spec_for()).at["tenure"] == 6


def after(given: int, **changes: object) -> Survival:
    """The curves of those who have stayed some periods of a constant hazard: the same, from then on."""
    return curves_for(given=given, **changes)


def test_a_lag_counts_again_from_later_on() -> None:
    none = Drawn(np.zeros((3, 0)), np.zeros((N_DRAWS, 3, 0)))
    lags = tuple(after(lag, horizons=(), area=none, inside=none.point) for lag in (1, 3))
    curves = curves_for(later=(*lags, after(3)))
    rows = survival_rows(curves, spec_for())
    row = one(rows, estimand="retention", group="worst", horizon=6, scenario="lag=3")
    assert row["estimate"] == pytest.approx(np.exp(-0.2 * 3), abs=1e-12)
    expected = interval(lags[1].draws[:, 0, 3], 0.95)
    assert (row["std_error"], row["conf_low"], row["conf_high"]) == pytest.approx(expected, abs=0)
    ratio = one(rows, estimand="retention_ratio", group="best", horizon=6, scenario="lag=1")
    assert ratio["estimate"] == pytest.approx(np.exp(-0.05 * 5 + 0.2 * 5), abs=1e-12)
    assert {r["scenario"] for r in rows} == {"", "lag=1", "lag=3"}
    assert len(tidy(rows)) == len(rows)
    scenario = replace(curves, labels={"adjusted": "no", "stratum": "", "scenario": "interacting"})
    assert not [r for r in survival_rows(scenario, spec_for()) if r.get("scenario", "").startswith("lag")]


def test_remaining_tenure_is_of_those_who_have_stayed() -> None:
    spec = spec_for(given=[5])
    rows = survival_rows(curves_for(later=(after(5),)), spec)
    row = one(rows, estimand="remaining_tenure", group="best", horizon=8, given=5)
    assert row["estimate"] == pytest.approx((1 - np.exp(-0.4)) / 0.05, abs=1e-12)
    difference = one(rows, estimand="remaining_tenure_difference", group="best", horizon=8, given=5)
    worst = one(rows, estimand="remaining_tenure", group="worst", horizon=8, given=5)
    assert difference["estimate"] == pytest.approx(row["estimate"] - worst["estimate"], abs=1e-12)
    assert {r["estimand"] for r in rows if r.get("given")} == {
        "remaining_tenure",
        "remaining_tenure_difference",
    }


def test_incidence_has_a_row_a_cause() -> None:
    rng = np.random.default_rng(2)
    incidence = np.array([[0.5, 0.2], [0.2, 0.06], [np.nan, np.nan]])
    drawn = incidence * rng.uniform(0.9, 1.1, (N_DRAWS, 3, 2))
    rows = survival_rows(curves_for(causes=("a", "b"), incidence=Drawn(incidence, drawn)), spec_for("why"))
    row = one(rows, estimand="cumulative_incidence", group="worst", cause="b")
    assert (row["estimate"], row["horizon"]) == (0.2, 6)
    assert row["conf_high"] == pytest.approx(np.quantile(drawn[:, 0, 1], 0.975, method="weibull"), abs=1e-12)
    assert {r["group"] for r in found(rows, estimand="cumulative_incidence", cause="a")} == {"worst", "best"}
    assert not found(rows, estimand="cumulative_incidence_ratio", cause="a")


def test_an_interval_of_a_sparse_group_holds_the_estimate() -> None:
    curves = curves_for()
    point, draws = curves.point.copy(), curves.draws.copy()
    point[0, 1:] = 0.0
    draws[:, 0, 1:] = np.random.default_rng(1).uniform(0.02, 0.05, (N_DRAWS, len(curves.times) - 1))
    plain = survival_rows(replace(curves, point=point, draws=draws), spec_for())
    wide = survival_rows(
        replace(curves, point=point, draws=draws, sparse=np.array([True, False, False])), spec_for()
    )
    where = {"estimand": "retention", "group": "worst", "horizon": 6}
    assert one(plain, **where)["conf_low"] > 0
    assert one(wide, **where)["conf_low"] == 0
    assert one(wide, **where)["conf_high"] == one(plain, **where)["conf_high"]
    contrast = {"estimand": "retention_difference", "group": "best", "horizon": 6}
    before, after = one(plain, **contrast), one(wide, **contrast)
    # it holds the contrast with worst at its estimate, 0, and best still uncertain
    assert after["conf_high"] == pytest.approx(
        np.quantile(draws[:, 1, 6], 0.975, method="weibull"), abs=1e-12
    )
    assert after["conf_high"] > before["conf_high"]
    assert after["conf_low"] <= before["conf_low"]
    ratio = one(wide, estimand="retention_ratio", group="best", horizon=6)
    assert ratio["estimate"] == np.inf
    assert ratio["conf_high"] == np.inf
    assert np.isfinite(ratio["conf_low"])


def test_nothing_against_nothing_has_no_ratio() -> None:
    curves = curves_for()
    point = curves.point.copy()
    point[:2, 6] = 0.0
    rows = survival_rows(replace(curves, point=point), spec_for())
    assert not found(rows, estimand="retention_ratio", group="best", horizon=6)
    assert one(rows, estimand="retention_difference", group="best", horizon=6)["estimate"] == 0


def test_sums_and_medians_inside_follow_up_by_hand() -> None:
    curves = curves_for()
    rows, spec = survival_rows(curves, spec_for()), spec_for()
    summed = np.exp(-0.2 * np.arange(1, 7)).sum()
    assert one(rows, estimand="tenure_curtate", group="worst", horizon=6)["estimate"] == pytest.approx(
        summed, abs=1e-12
    )
    # an exponential is log-linear, and so is its discounted one
    rate = 0.2 + spec.discount
    area = (1 - np.exp(-6 * rate)) / rate
    shown = one(rows, estimand="tenure_discounted", group="worst", horizon=6)
    assert shown["estimate"] == pytest.approx(area, abs=1e-12)
    half = one(rows, estimand="tenure_median", group="worst")
    assert half["estimate"] == pytest.approx(np.log(2) / 0.2, abs=1e-12)
    # half of the best are still there when they are last seen, and 12 is not next to 9
    assert not found(rows, estimand="tenure_median", group="best")
    assert [r["horizon"] for r in found(rows, estimand="tenure_curtate", group="best")] == [6, 4, 8]
    assert not found(rows, estimand="tenure_mean")


def test_time_lost_is_the_horizon_less_the_restricted_mean() -> None:
    curves = curves_for()
    rows = survival_rows(curves, spec_for())
    for group, rate in (("worst", 0.2), ("best", 0.05)):
        shown = one(rows, estimand="time_lost", group=group, horizon=6)
        assert shown["estimate"] == pytest.approx(6 - (1 - np.exp(-6 * rate)) / rate, abs=1e-12)
        stayed = one(rows, estimand="tenure", group=group, horizon=6)
        # the same draws, turned round
        assert shown["std_error"] == pytest.approx(stayed["std_error"], rel=1e-9)
        assert shown["conf_low"] == pytest.approx(6 - stayed["conf_high"], abs=1e-12)
        assert (shown["unit"], shown["extrapolated"]) == ("month", stayed["extrapolated"])
    apart = one(rows, estimand="time_lost_difference", group="best", horizon=6)
    gained = one(rows, estimand="tenure_difference", group="best", horizon=6)
    assert apart["estimate"] == pytest.approx(-gained["estimate"], abs=1e-12)
    ratio = one(rows, estimand="time_lost_ratio", group="best", horizon=6)
    lost = [one(rows, estimand="time_lost", group=g, horizon=6)["estimate"] for g in ("best", "worst")]
    assert ratio["estimate"] == pytest.approx(lost[0] / lost[1], rel=1e-12)
    # nothing is said where the curve is not known
    assert not found(rows, estimand="time_lost", group="2", horizon=12)


def test_draws_that_do_not_reach_the_half_are_infinite() -> None:
    curves = curves_for()
    draws = curves.draws.copy()
    draws[:200, 0] = 0.9
    shown = one(
        survival_rows(replace(curves, draws=draws), spec_for()), estimand="tenure_median", group="worst"
    )
    assert shown["estimate"] == pytest.approx(np.log(2) / 0.2, abs=1e-12)
    assert (shown["conf_low"] < shown["estimate"], shown["conf_high"]) == (True, np.inf)


def test_what_is_not_answered_is_said_with_its_reason() -> None:
    said = list(survival_refusals(curves_for(), spec_for("why")))
    assert {(check.code, check.model, check.group) for check in said} == {
        ("not_answered", "kaplan_meier", "")
    }
    assert {check.facts["adjusted"] for check in said} == {"no"}
    # level 2 is known for five periods, worst for nine, best for twelve
    late = matching(said, estimand="tenure")
    assert {(check.value, check.facts["case"]) for check in late} == {
        (h, "beyond_follow_up") for h in (6, 8, 12)
    }
    whole = {check.facts["estimand"]: check.facts["case"] for check in said if np.isnan(check.value)}
    assert whole["tenure_mean"] == "no_tail"
    assert whole["cumulative_incidence"] == "one_cause"
    # the value is how long they have stayed: two lags, and a year
    none = [(c.facts["estimand"], c.value) for c in said if c.facts["case"] == "no_start_later"]
    assert none == [("retention", 1), ("retention", 3), ("remaining_tenure", 12)]
    assert "retention_difference" not in whole
    kind = curves_for(labels={"adjusted": "standardised", "stratum": "", "scenario": ""})
    assert {check.facts["adjusted"] for check in survival_refusals(kind, spec_for())} == {"standardised"}
    part = curves_for(labels={"adjusted": "no", "stratum": "plan=x", "scenario": ""})
    assert list(survival_refusals(part, spec_for())) == []


def test_held_by_hand() -> None:
    row = {"estimate": 1.0, "conf_low": 0.2, "conf_high": 0.9}
    assert widened_to_contain(row) == {"estimate": 1.0, "conf_low": 0.2, "conf_high": 1.0}
    assert widened_to_contain(row, [{"conf_low": 0.1, "conf_high": np.nan}])["conf_low"] == 0.1
    unknown = {"estimate": 1.0, "conf_low": np.nan, "conf_high": np.nan}
    assert widened_to_contain(unknown) is unknown


def test_a_curve_that_falls_from_over_a_half_to_next_to_nothing_has_lost_the_half_at_once() -> None:
    assert half_left(np.array([1.0, 0.9, 1e-320])) == pytest.approx(1.0, abs=1e-3)

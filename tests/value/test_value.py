"""Value by hand, from S(t), margin and discount; its laws, its draws, and its edges."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from steady import steady_tails

from cxlink.checks import matching
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells, spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.tidy import select, tidy
from cxlink.groups.standardisation import standardised
from cxlink.study.simulate import simulate
from cxlink.survival.tails.extrapolation_error import Errors
from cxlink.survival.tails.spliced_tenure import spliced
from cxlink.survival.tails.tails import Tails
from cxlink.value.customer_value import value_results
from cxlink.value.intervention import InterventionValue, intervention_value
from cxlink.value.shifts import plan_intervention

RNG = 5


@cache
def built_in(n: int = 6000, seed: int = 11) -> Counts:
    """Simulated subscribers in three strata of need, so that most cells are well filled."""
    made = simulate("subscription", n, seed)
    tables = {
        **made.spec,
        "score": {**made.spec["score"], "best": [9, 10]},
        "adjust": {"columns": ["need"], "bands": {"tenure_at_survey": []}},
        "value": {"margin": 0.3, "horizon": 12, "discount": 0.08},
        "analysis": {"draws": 100},
    }
    return read_cohort(made.table, make_spec(tables)).count()


@cache
def built_in_spells() -> Spells:
    return spells_of(built_in())


def asked(counts: Counts, **value: Any) -> Counts:
    """The same counts, with other keys of [value]."""
    section = {**(counts.spec.value.model_dump() if counts.spec.value else {}), **value}
    tables = {**counts.spec.model_dump(mode="json", exclude_none=True), "value": section}
    return replace(counts, spec=make_spec(tables))


HAZARD = 0.04


@cache
def steady() -> Tails:
    """All go on with one hazard, whose steps are easily worked by hand."""
    return steady_tails(built_in_spells(), HAZARD)


def rows(counts: Counts, tails: Tails | None = None) -> pd.DataFrame:
    return tidy(value_results(spells_of(counts), counts, np.random.default_rng(RNG), tails)[0])


@cache
def by_hand(level: int, need: str) -> tuple[list[float], float, int, list[int]]:
    """S(t) by Kaplan and Meier, mean spend, customers, and customers at risk of a level in a stratum, to 30 months."""
    cells = built_in().scored
    mine = cells[(cells["score"] == level) & (cells["stratum.need"] == need)]
    leave, n, gone = mine["exit"].to_numpy(), mine["n"].to_numpy(), (mine["cause"] != "").to_numpy()
    survival, at_risk = [1.0], []
    for t in range(1, 31):
        risk = int(n[leave >= t].sum())
        lost = int(n[(leave == t) & gone].sum())
        at_risk.append(risk)
        survival.append(survival[-1] * (1 - lost / risk if risk else 1.0))
    spent = mine["spend_sum"].sum() / mine["spend_n"].sum()
    return survival, float(spent), int(n.sum()), at_risk


@cache
def margins_by_hand(level: int, margin: float = 1.0) -> dict[str, list[float]]:
    """E[spend of a month | retained at t] of a level in each stratum, t = 0, …, 30, customer by customer.

    A stratum with under ten at risk follows the mean change of the others.
    """
    cells = built_in().scored
    mine = cells[(cells["score"] == level) & (cells["spend_n"] > 0)]
    rates: dict[str, list[tuple[int, float, float]]] = {}
    for row in mine.to_dict("records"):
        assert row["cause"] or row["exit"] >= 12
        parts = row["exit"], row["spend_n"], margin * row["spend_sum"] / min(row["exit"], 12)
        rates.setdefault(row["stratum.need"], []).append(parts)
    found: dict[str, list[float]] = {need: [] for need in rates}
    before: dict[str, float] = {}
    for t in range(31):
        n = {need: sum(n for leave, n, _ in part if leave > t) for need, part in rates.items()}
        mean = {
            need: sum(r for leave, _, r in part if leave > t) / n[need]
            for need, part in rates.items()
            if n[need]
        }
        both = [need for need in mean if need in before]
        base = sum(n[need] * before[need] for need in both)
        change = sum(n[need] * (mean[need] - before[need]) for need in both) / base if base else 0.0
        if sum(n.values()) < 10:
            change = 0.0
        for need in found:
            found[need].append(mean[need] if n[need] >= 10 else found[need][-1] * (1 + change))
        before = mean
    return found


def worth(
    survival: list[float], margins: list[float], *, discount: float, horizon: int, first: bool
) -> float:
    """Σ S(t) · margin of those retained at t · (1 + d)^(−t/12), t from 0 or from 1 on."""
    at = range(horizon) if first else range(1, horizon + 1)
    return float(sum(margins[t] * survival[t] * (1 + discount) ** (-t / 12) for t in at))


def test_value_by_score_is_worked_by_hand() -> None:
    counts = built_in()
    cells, spec = counts.scored, counts.spec
    needs = sorted(cells["stratum.need"].unique())
    weight = [cells.loc[cells["stratum.need"] == need, "n"].sum() / cells["n"].sum() for need in needs]
    table = select(rows(counts, steady()), estimand="value", adjusted="standardised", given=0)
    for first, scenario in ((True, ""), (False, "first_excluded")):
        shown = select(table, scenario=scenario).set_index("group")
        for level in (7, 8, 9, 10):
            parts = [by_hand(level, need) for need in needs]
            assert min(min(part[3][:12]) for part in parts) >= 10  # all of it observed
            values = [
                worth(
                    part[0], margins_by_hand(level, 0.3)[need],
                    discount=spec.value_discount, horizon=12, first=first,
                ) for need, part in zip(needs, parts, strict=True)
            ]  # fmt: skip
            assert shown.loc[str(level), "estimate"] == pytest.approx(np.dot(weight, values), rel=1e-12)
            assert shown.loc[str(level), "extrapolated"] == 0


def shifted(counts: Counts, **intervention: Any) -> InterventionValue:
    spells = spells_of(counts)
    planned = plan_intervention(
        spells, counts.spec, **{"shift": 1, "fraction": 0.5, "cost": 4000.0, **intervention}
    )
    return intervention_value(spells, counts, planned, np.random.default_rng(RNG), steady())


@cache
def continued_by_hand(level: int, need: str, n_periods: int) -> list[float]:
    """S(t): Kaplan–Meier's step while ten are at risk, then exp(−hazard)."""
    survival, _, _, at_risk = by_hand(level, need)
    made = [1.0]
    for t in range(1, n_periods + 1):
        step = survival[t] / survival[t - 1] if at_risk[t - 1] >= 10 else np.exp(-HAZARD)
        made.append(made[-1] * step)
    return made


@pytest.mark.parametrize("horizon", [12, 30])
def test_a_one_point_shift_is_worked_by_hand(horizon: int) -> None:
    """Everybody below 10 scores one better: half of each level and stratum moves, and a half of the gain follows."""
    counts = asked(built_in(), horizon=horizon)
    cells = counts.scored
    total = 0.0
    for need in sorted(cells["stratum.need"].unique()):
        for level in range(1, 10):
            here, there = (
                worth(
                    continued_by_hand(one, need, horizon), margins_by_hand(one, 0.3)[need],
                    discount=0.08, horizon=horizon, first=True,
                ) for one in (level, level + 1)
            )  # fmt: skip
            total += 0.5 * by_hand(level, need)[2] * (there - here)
    found = shifted(counts).estimates
    half = select(found, estimand="incremental_margin", scenario="causal_share=0.5").iloc[0]
    assert half["estimate"] == pytest.approx(0.5 * total, rel=1e-9)
    assert half["horizon"] == horizon
    returned = select(found, estimand="programme_return", scenario="causal_share=0.5").iloc[0]
    assert returned["estimate"] == pytest.approx((0.5 * total - 4000) / 4000, rel=1e-9)
    even = select(found, estimand="break_even_share").iloc[0]
    assert even["estimate"] == pytest.approx(4000 / total, rel=1e-9)


def test_a_moved_band_spreads_over_its_target_and_keeps_its_strata() -> None:
    """By hand: each stratum of 5–6 gains what 8–9 are worth there, 8 and 9 by their shares in the cohort."""
    counts = built_in()
    cells = counts.scored
    share = np.array([cells.loc[cells["score"] == level, "n"].sum() for level in (8, 9)], dtype=float)
    share /= share.sum()
    total = moved = 0.0
    for need in sorted(cells["stratum.need"].unique()):
        value = {
            level: worth(
                continued_by_hand(level, need, 12), margins_by_hand(level, 0.3)[need],
                discount=0.08, horizon=12, first=True,
            ) for level in (5, 6, 8, 9)
        }  # fmt: skip
        for level in (5, 6):
            n = by_hand(level, need)[2]
            total += n * (share @ [value[8], value[9]] - value[level])
            moved += n
    found = shifted(counts, shift=None, move="5-6:8-9", fraction=0.2)
    assert found.n_shifted == pytest.approx(0.2 * moved)
    difference = select(found.estimates, estimand="value_difference").iloc[0]
    assert difference["estimate"] == pytest.approx(total / moved, rel=1e-9)
    assert (difference["group"], difference["reference"]) == ("8-9", "5-6")
    every = select(found.estimates, estimand="incremental_margin", scenario="causal_share=1").iloc[0]
    assert every["estimate"] == pytest.approx(0.2 * total, rel=1e-9)


def test_constant_retention_gives_the_textbook_formulas() -> None:
    """m(1+d)/(1+d−r) with the first margin, m·r/(1+d−r) without: Gupta, Lehmann & Stuart's, at a far horizon."""
    counts, r = yearly(retention=0.8), 0.8
    table = select(rows(counts, going_on(counts)), estimand="value", adjusted="no", group="1")
    new = select(table, given=0).set_index("scenario")["estimate"]
    assert new[""] == pytest.approx(100 * 1.12 / (1.12 - r), rel=1e-6)
    assert new["first_excluded"] == pytest.approx(100 * r / (1.12 - r), rel=1e-6)
    # of whoever has stayed a year, as much is left as there was at first
    assert select(table, given=1).iloc[0]["estimate"] == pytest.approx(new[""], rel=1e-6)


def test_a_window_that_ends_inside_a_period_counts_that_part_of_it() -> None:
    """Spend of 18 months: who left in the first year paid one year of it, the others one and a half."""
    counts = asked(yearly(margin=0.5), horizon=2, discount=0.0)
    spend = {"column": "spend", "complete": True, "window_months": 18}
    tables = {**counts.spec.model_dump(mode="json", exclude_none=True), "spend": spend}
    counts = replace(counts, spec=make_spec(tables))
    table = select(rows(counts, going_on(counts)), estimand="value", adjusted="no", group="1", given=0)
    found = table.set_index("scenario")["estimate"]
    # all paid 100: margins a year of 50 and 50/1.5, the mean of which falls as the first leave
    first, second = 50 * (0.2 + 0.8 / 1.5), 50 / 1.5
    assert found[""] == pytest.approx(first + 0.8 * second, rel=1e-9)
    assert found["first_excluded"] == pytest.approx(0.8 * second + 0.64 * second, rel=1e-9)


def test_spend_differs_within_a_cell_and_value_with_it() -> None:
    """Where nobody leaves, value over the window is the mean spent, and as uncertain as that: s/√n."""
    n, spends = 400, np.tile([0.0, 50.0, 100.0, 250.0], 100)
    score = 1 + np.arange(n) % 2
    frame = pd.DataFrame({"score": score, "years": 2, "lost": 0, "spend": np.repeat(spends[: n // 2], 2)})
    spec = make_spec({
        "score": {"column": "score", "scale": "1-3", "best": [2]},
        "subscription": {"duration": "years", "event": "lost", "unit": "year"},
        "spend": {"column": "spend", "complete": True},
        "value": {"margin": 1.0, "discount": 0.0, "horizon": 1},
        "analysis": {"draws": 2000, "horizon": 1},
    })  # fmt: skip
    counts = read_cohort(frame, spec).count()
    table = select(rows(counts), estimand="value", adjusted="no", group="1", given=0, scenario="")
    shown, error = table.iloc[0], spends[: n // 2].std(ddof=1) / np.sqrt(n / 2)
    assert shown["estimate"] == pytest.approx(100, rel=1e-12)
    # four standard errors of a standard deviation of 2,000 draws, and the n − 1 of 200
    assert shown["std_error"] == pytest.approx(error, rel=4 / np.sqrt(2 * 2000))


def yearly(
    retention: float = 0.8,
    n: int = 400,
    margin: float | str = 1.0,
    spends: tuple[float, float] = (100.0, 100.0),
) -> Counts:
    """Customers of two scores who leave at a constant rate, followed for two years; the first year was paid by all."""
    frame = pd.concat([
        pd.DataFrame({
            "score": score, "years": [1] * first + [2] * (n - first), "spend": spend, "earned": spend * share,
            "lost": [1] * (first + second) + [0] * (n - first - second),
        })
        for score, spend, share in ((1, spends[0], -0.2), (2, spends[1], 0.5))
        for first, second in [(round(n * (1 - retention)), round(n * retention * (1 - retention)))]
    ])  # fmt: skip
    spec = make_spec({
        "score": {"column": "score", "scale": "1-3", "best": [2]},
        "subscription": {"duration": "years", "event": "lost", "unit": "year"},
        "spend": {"column": "spend", "complete": True},
        "value": {"margin": margin, "discount": 0.12, "horizon": 200 if margin == 1.0 else 5},
        "analysis": {"draws": 200, "horizon": 2, "given": [1]},
    })  # fmt: skip
    return read_cohort(frame.reset_index(drop=True), spec).count()


def going_on(counts: Counts, retention: float = 0.8) -> Tails:
    return steady_tails(spells_of(counts), -np.log(retention))


def test_a_column_of_margin_may_be_negative_and_then_has_differences_and_no_ratio() -> None:
    counts = yearly(margin="earned")
    made, findings = value_results(spells_of(counts), counts, np.random.default_rng(RNG), going_on(counts))
    table = select(tidy(made), scenario="", given=0)
    value = select(table, estimand="value").set_index("group")["estimate"]
    annuity = sum(0.8**t * 1.12**-t for t in range(5))
    assert value["1"] == pytest.approx(-20 * annuity, rel=1e-6)
    assert value["2"] == pytest.approx(50 * annuity, rel=1e-6)
    assert select(table, estimand="value_difference")["estimate"].iloc[0] == pytest.approx(
        70 * annuity, rel=1e-6
    )
    assert select(table, estimand="value_ratio").empty
    assert len(select(table, estimand="revenue_ratio"))
    short = matching(findings, code="not_positive")
    assert [check.group for check in short] == ["1", "worst"]
    assert [check.value for check in short] == pytest.approx([value["1"], value["worst"]], rel=1e-12)
    assert {(check.model, check.bound, check.facts["amount"]) for check in short} == {("value", 0, "value")}
    assert {check.facts["adjusted"] for check in short} == {"no"}


def test_a_margin_of_nothing_is_worth_nothing() -> None:
    counts = yearly(margin=0.0)
    table = rows(counts, going_on(counts))
    assert (select(table, estimand=("value", "value_difference"))["estimate"] == 0).all()
    assert select(table, estimand="value_ratio").empty


def test_of_a_cohort_that_nobody_left_value_is_known_within_follow_up() -> None:
    counts = asked(yearly(retention=1.0, margin=0.5), horizon=2)
    shown = select(rows(counts), estimand="value", scenario="", given=0, group="1").iloc[0]
    assert shown["estimate"] == pytest.approx(50 * (1 + 1 / 1.12), rel=1e-12)
    # half a loss of 400 by the second year, and not more than a few
    assert 0.985 * shown["estimate"] < shown["conf_low"] < shown["conf_high"] == shown["estimate"]


def test_of_a_cohort_that_everybody_left_value_is_that_of_the_first_period() -> None:
    counts = yearly(retention=0.0, margin=0.5)
    shown = select(rows(counts), estimand="value", scenario="", given=0, group="1").iloc[0]
    assert shown["estimate"] == pytest.approx(50, rel=0.005)
    assert 50 - 1e-9 <= shown["conf_low"] <= shown["conf_high"] < 53
    assert np.isfinite(shown["std_error"])


def test_a_level_that_spent_nothing_has_an_interval() -> None:
    counts = yearly(margin=0.5, spends=(0.0, 100.0))
    shown = select(rows(counts, going_on(counts)), estimand="value", scenario="", given=0, group="1").iloc[0]
    assert shown["estimate"] == 0
    assert shown["conf_low"] == 0 < shown["conf_high"] < 10


def test_without_retention_value_is_counted_over_the_window() -> None:
    frame = pd.DataFrame({"score": [1, 1, 2, 2, 3, 3], "spend": [0.0, 60.0, 120.0, 240.0, 360.0, 0.0]})
    spec = make_spec({
        "score": {"column": "score", "scale": "1-3"}, "spend": {"column": "spend", "complete": True},
        "value": {"margin": 0.5, "discount": 0.1, "horizon": 36}, "analysis": {"draws": 100},
    })  # fmt: skip
    counts = read_cohort(frame, spec).count()
    shown = select(rows(counts), estimand="value", given=0, scenario="", group="2").iloc[0]
    yearly_rent = sum(1.1 ** (-t / 12) for t in range(12)) / 12
    assert shown["estimate"] == pytest.approx(0.5 * 180 * yearly_rent, rel=1e-12)
    assert (shown["horizon"], shown["model"], shown["extrapolated"]) == (12, "means", 0)


def test_beyond_follow_up_value_is_the_sum_over_the_curve_of_tenure() -> None:
    """A unit margin, undiscounted: Σ S(t), t = 0, …, h − 1, is 1 + curtate tenure to h − 1, of the same curve."""
    counts = built_in_at_one()
    spells, spec = spells_of(counts), counts.spec
    tails = steady_tails(spells, HAZARD, Errors(0.3, 0.2, 0.1))
    request = replace(standardised(spells, spec, None), times=np.arange(48), horizons=(47,))  # type: ignore[type-var]
    (curve,) = spliced(spells, [request], 400, np.random.default_rng(2), horizon=12, tails=tails)
    table = select(rows(counts, tails), estimand="value", adjusted="standardised", scenario="", given=0)
    shown = table.set_index("group")
    for name in ("worst", "5", "best"):
        assert curve.tail is not None
        k = curve.groups.index(name)
        assert shown.loc[name, "model"] == "spliced"
        assert shown.loc[name, "estimate"] == pytest.approx(1 + curve.tail.curtate.point[k, 0], rel=1e-10)
        # four standard errors of two standard deviations, of 400 draws each
        spread = curve.tail.curtate.draws[:, k, 0].std()
        assert shown.loc[name, "std_error"] == pytest.approx(spread, rel=4 / np.sqrt(400))


@cache
def built_in_at_one() -> Counts:
    """The same customers, each bringing one a month while retained."""
    counts = asked(built_in(), margin=1.0, discount=0.0, horizon=48)
    tables = counts.spec.model_dump(mode="json", exclude_none=True)
    spec = make_spec({**tables, "analysis": {"draws": 400}})
    cells, paid = counts.cells.copy(), np.minimum(counts.cells["exit"], 12).astype(float)
    cells["spend_sum"], cells["spend_sum_sq"] = cells["spend_n"] * paid, cells["spend_n"] * paid**2
    return replace(counts, cells=cells, spec=spec)


@pytest.mark.long
def test_differences_are_given_with_errors_of_levels_apart_and_shared() -> None:
    counts = built_in_at_one()
    tails = steady_tails(spells_of(counts), HAZARD, Errors(0.5, 0.0, 0.0))
    table = rows(counts, tails)
    shared = table[table["scenario"].str.startswith("shared=")]
    assert set(shared["estimand"]) == {"value_difference", "revenue_difference"}
    assert set(shared["group"]) == {"best"}
    assert set(shared["reference"]) == {"worst"}
    shown = select(table, estimand="value_difference", adjusted="standardised", group="best", given=0)
    shown = shown.set_index("scenario")
    assert shown.loc["shared=0", "estimate"] == shown.loc["", "estimate"] == shown.loc["shared=1", "estimate"]
    # both sides move together with one error, and each by itself with two
    assert shown.loc["shared=1", "std_error"] < 0.9 * shown.loc["shared=0", "std_error"]
    inside = rows(asked(counts, horizon=12), tails)
    assert not inside["scenario"].str.startswith("shared=").any()
    found = shifted(counts).estimates
    whole = select(found, estimand="value_difference")
    assert whole["scenario"].tolist() == ["", "shared=0", "shared=1"]


def test_a_horizon_far_beyond_follow_up_is_said_to_be_so() -> None:
    counts = built_in_at_one()
    _, checks = value_results(spells_of(counts), counts, np.random.default_rng(RNG), steady())
    (far,) = matching(checks, code="extrapolation_factor", model="value")
    followed = far.facts["followed"]
    assert isinstance(followed, int)
    assert (far.value, far.bound, far.facts["horizon"]) == (pytest.approx(48 / followed), 3, 48)
    _, checks = value_results(
        built_in_spells(), built_in(), np.random.default_rng(RNG), steady()
    )  # fmt: skip
    assert not matching(checks, code="extrapolation_factor")


def test_intervals_carry_retention_and_spend_together() -> None:
    """Whoever leaves pays less: the window's mean varies with retention, the margin of a period hardly does."""
    # over the window, undiscounted, value is the mean spent times the margin, and as uncertain
    counts = asked(built_in(), discount=0.0)
    counts = replace(
        counts,
        spec=make_spec(
            {**counts.spec.model_dump(mode="json", exclude_none=True), "analysis": {"draws": 2000}}
        ),
    )
    table = select(rows(counts, steady()), group="best", given=0, scenario="").set_index(
        ["estimand", "adjusted"]
    )
    value = table.loc[("value", "no")]
    cells = counts.scored[counts.scored["score"].isin([9, 10])]
    n, total, squares = (cells[f"spend_{name}"].sum() for name in ("n", "sum", "sum_sq"))
    spread = 0.3 * np.sqrt((squares - total**2 / n) / (n - 1) / n) / (0.3 * total / n)
    assert value["std_error"] / value["estimate"] == pytest.approx(spread, rel=0.1)
    value, rate = table.loc[("value", "standardised")], table.loc[("margin_per_period", "standardised")]
    # a fee a month: hardly anything is left of it once the months are known; drawn apart it would be as uncertain
    assert rate["std_error"] / rate["estimate"] < 0.5 * value["std_error"] / value["estimate"]


def test_who_entered_late_is_valued_from_the_survey_on() -> None:
    """By hand: S(e + t) / S(e), averaged over entries, times the margin of a month by the same average."""
    rng = np.random.default_rng(8)
    n = 3000
    frame = pd.DataFrame({"score": rng.integers(1, 3, n), "entry": rng.integers(0, 4, n)})
    stay = frame["entry"] + rng.geometric(0.08 / frame["score"], n)
    last = frame["entry"] + 9
    frame["months"], frame["lost"] = np.minimum(stay, last), (stay <= last).astype(int)
    frame["spend"] = 10.0 * np.minimum(frame["months"] - frame["entry"], 3)
    spec = make_spec({
        "score": {"column": "score", "scale": "1-3", "best": [2]},
        "subscription": {"duration": "months", "event": "lost", "entry": "entry"},
        "spend": {"column": "spend", "complete": True, "window_months": 3},
        "value": {"margin": 0.4, "discount": 0.2, "horizon": 6},
        "analysis": {"draws": 100, "horizon": 3, "given": [2]},
    })  # fmt: skip
    counts = read_cohort(frame, spec).count()
    curves = {score: late_curve(frame[frame["score"] == score]) for score in (1, 2)}
    n = frame.groupby(["score", "entry"]).size()
    decay = 1.2 ** (-np.arange(6) / 12)
    table = select(rows(counts, going_on(counts)), estimand="value", group="2", scenario="")
    for adjusted, whose in (("no", (2,)), ("standardised", (1, 2))):
        for stayed in (0, 2):
            # ten a month, of those retained so long: customers by entry, of this score or of all
            left = [
                sum(n[score, e] * curves[score][e + stayed] / curves[score][e] for score in whose)
                for e in range(4)
            ]
            ahead = [curves[2][e + stayed : e + stayed + 6] @ decay / curves[2][e + stayed] for e in range(4)]
            value = 0.4 * 10 * np.average(ahead, weights=left)
            shown = select(table, adjusted=adjusted, given=stayed).iloc[0]
            assert shown["estimate"] == pytest.approx(value, rel=1e-12)
            assert shown["extrapolated"] == 0


def late_curve(mine: pd.DataFrame) -> np.ndarray:
    """Kaplan–Meier with late entry, to 12 periods since the time origin."""
    survival = np.ones(13)
    for t in range(1, 13):
        at_risk = ((mine["entry"] < t) & (mine["months"] >= t)).sum()
        survival[t] = survival[t - 1] * (1 - ((mine["months"] == t) & (mine["lost"] == 1)).sum() / at_risk)
    return survival

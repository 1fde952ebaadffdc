"""Rows from posteriors: beside maximum likelihood's, standardised over the same weights, and on odd cohorts."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from cxlink.bayes.draws.posterior_averages import Averages, averaged, averages_of, retention_draws
from cxlink.bayes.draws.posterior_curves import Renewed, fitted
from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.pooled_counts import bayes_effect, pool
from cxlink.bayes.priors import hazard_priors
from cxlink.cohort.count.spells import Spells, person_periods, spells_of
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.bayesian.posterior_findings import deviation_findings
from cxlink.estimands.model_rows.hazard_rows import hazard_results
from cxlink.estimands.survival_estimands import curve_frames, survival_rows
from cxlink.estimands.tidy import select, tidy
from cxlink.groups.curves import Standard, cumulative_areas

NUMBERS = ["estimate", "conf_low", "conf_high"]
FEW = {"draws": 100, "tune": 150, "chains": 2, "cores": 1}


def _read(
    frame: pd.DataFrame, adjust: tuple[str, ...] = ("plan",), **more: object
) -> tuple[Spells, CohortSpec]:
    spec = make_spec({
        "score": {"column": "score", "scale": "1-5", "worst": [1], "best": [4, 5]},
        "subscription": {"duration": "months", "event": "lost", **more},
        "adjust": {"columns": list(adjust)},
        "analysis": {"draws": 500, "horizon": 6, "tenure_horizons": [18, 100], "given": [3]},
    })  # fmt: skip
    return spells_of(read_cohort(frame, spec).count()), spec


def _customers(n: int, late: bool = False) -> pd.DataFrame:
    rng = np.random.default_rng(n)
    plan = rng.integers(0, 2, n)
    score = np.minimum(rng.integers(1, 6, n) + plan * rng.integers(0, 2, n), 5)
    entry = rng.integers(0, 3, n) if late else np.zeros(n, int)
    stay = np.ceil(rng.exponential(8 * np.exp(0.2 * (score - 3) - 0.6 * plan))).astype(int)
    return pd.DataFrame({
        "score": score, "plan": np.array(["a", "b"])[plan], "entry": entry,
        "months": np.minimum(entry + stay, 12), "lost": (entry + stay <= 12).astype(int),
    })  # fmt: skip


def _posterior(spells: Spells, spec: CohortSpec, name: str = "bayes", **sampling: int) -> Posterior:
    pooled = pool({"a": person_periods(spells)}, bayes_effect(spec.score.effect), spec.scale.levels)
    return fitted(pooled, name, 12, seed=1, **{**FEW, **sampling})


def _rows(spells: Spells, spec: CohortSpec, name: str = "bayes", **sampling: int) -> pd.DataFrame:
    posterior = _posterior(spells, spec, name, **sampling)
    drawn = retention_draws(posterior, spells, spec, np.random.default_rng(1))
    # a lag is another quantity under the name of retention
    return select(tidy(row for one in drawn for row in survival_rows(one, spec)), scenario="")


@cache
def _few_customers() -> pd.DataFrame:
    """Rows of 600 customers."""
    return _rows(*_read(_customers(600)))


@cache
def _beside_likeliest(late: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of many customers, and maximum likelihood's of the same."""
    spells, spec = _read(_customers(20_000, late), **({"entry": "entry"} if late else {}))
    likeliest = hazard_results(spells, spec, np.random.default_rng(1))[0]
    return _rows(spells, spec, draws=300), tidy(likeliest)


@pytest.mark.long
@pytest.mark.parametrize("late", [False, True])
def test_with_many_customers_rows_are_those_of_maximum_likelihood(late) -> None:
    rows, likeliest = _beside_likeliest(late)
    wanted = select(likeliest, horizon=6, adjusted="standardised", scenario="interacting")
    keys = ["estimand", "group", "reference"]
    both = wanted.merge(select(rows, horizon=6, adjusted="standardised"), on=keys, suffixes=("", "_bayes"))
    assert len(both) > 10
    # the same saturated model but for a learnt spread: half a standard error, and errors within a quarter
    off = (both["estimate_bayes"] - both["estimate"]).abs() / both["std_error"]
    assert off.max() < 0.6
    assert (both["std_error_bayes"] / both["std_error"]).between(0.6, 1.25).all()


@pytest.mark.long
def test_rows_obey_the_laws_of_what_they_are() -> None:
    rows = _few_customers()
    assert set(rows["adjusted"]) == {"no", "standardised"}
    kept = select(rows, estimand="retention", adjusted="standardised").set_index(["group", "horizon"])[
        "estimate"
    ]
    spent = select(rows, estimand="tenure", adjusted="standardised").set_index(["group", "horizon"])[
        "estimate"
    ]
    for group in ("best", "worst", "3"):
        assert 1 > kept[group, 6] > kept[group, 18] > kept[group, 100] > 0
        # time kept lies between the areas of the rectangles
        assert 6 * kept[group, 6] < spent[group, 6] < 6
        assert spent[group, 18] - spent[group, 6] < 12 * kept[group, 6]
    gap = select(rows, estimand="retention_difference", adjusted="standardised", horizon=6, group="best")
    assert gap["estimate"].item() == pytest.approx(kept["best", 6] - kept["worst", 6], abs=1e-9)
    # the band is the average of its levels, by their customers
    n = select(rows, estimand="retention", adjusted="standardised", horizon=6).set_index("group")["n"]
    assert kept["best", 6] == pytest.approx(
        (n["4"] * kept["4", 6] + n["5"] * kept["5", 6]) / n["best"], abs=1e-9
    )
    assert (rows["conf_low"] <= rows["estimate"]).all()
    assert (rows["estimate"] <= rows["conf_high"]).all()
    assert set(select(rows, estimand="remaining_tenure")["given"]) == {3}


def test_the_part_beyond_follow_up_is_said() -> None:
    rows = _few_customers()
    kept = select(rows, estimand="retention", group="all", adjusted="no").set_index("horizon")["extrapolated"]
    assert kept.to_dict() == {6: 0.0, 18: 1.0, 100: 1.0}
    spent = select(rows, estimand="tenure", group="all", adjusted="no").set_index("horizon")["extrapolated"]
    assert spent[6] == 0.0 < spent[18] < spent[100] < 1.0


@pytest.mark.long
@pytest.mark.parametrize("late", [False, True])
def test_unadjusted_rows_are_over_each_group_s_own_customers(late) -> None:
    rows, likeliest = _beside_likeliest(late)
    wanted = select(likeliest, estimand="retention", horizon=6, adjusted="no", scenario="").set_index("group")
    found = select(rows, estimand="retention", horizon=6, adjusted="no").set_index("group")
    for group in ("best", "worst", "3"):
        # by pairs of level and stratum where the other has levels alone: not the same model, nearly the same curve
        far = 1.5 * wanted["std_error"][group]
        assert found["estimate"][group] == pytest.approx(wanted["estimate"][group], abs=far)


def test_restricted_means_are_areas_however_far_apart_the_times_are() -> None:
    times = np.array([0, 1, 4, 100])
    for rate in (0.0, 0.05):
        exact = -np.expm1(-rate * times) / rate if rate else times
        np.testing.assert_allclose(cumulative_areas(np.exp(-rate * times)[None], times)[0], exact, rtol=1e-12)


def test_a_group_s_own_mix_is_that_of_its_strata_and_entries() -> None:
    frame = _customers(400, late=True)
    spells, spec = _read(frame, entry="entry")
    coding = pool({"a": person_periods(spells)}, "levels", spec.scale.levels).coding
    own = averages_of(spells, spec, coding)[0]
    found = next(one for one in own.standards if one.group == "best")
    best = frame[frame["score"] >= 4]
    names = [dict(one)["stratum.plan"] for one in coding.strata]
    for score, plan, entry in ((4, "a", 0), (5, "b", 2)):
        at = (found.entry == entry) & (own.level[found.curve] == score - 1)
        at &= own.stratum[found.curve] == names.index(plan)
        alike = (best["score"] == score) & (best["plan"] == plan) & (best["entry"] == entry)
        assert found.weight[at].sum() == pytest.approx(alike.mean(), abs=1e-12)
    assert found.n == len(best)


def _cells(*cells: tuple[int, str, int, int, int]) -> pd.DataFrame:
    return pd.concat([
        pd.DataFrame({"score": [score] * n, "plan": plan, "months": months, "lost": lost})
        for score, plan, months, lost, n in cells
    ])  # fmt: skip


ODD = {
    "a level never observed": _cells((1, "x", 2, 1, 5), (1, "x", 6, 0, 20), (2, "y", 5, 1, 4), (5, "x", 6, 0, 30)),
    "a stratum of one": _cells((1, "x", 2, 1, 5), (1, "x", 6, 0, 20), (5, "x", 6, 0, 30), (5, "y", 3, 1, 1)),
    "nobody lost": _cells((1, "x", 6, 0, 20), (5, "x", 6, 0, 30), (3, "y", 6, 0, 30)),
    "everybody lost": _cells((1, "x", 1, 1, 20), (5, "x", 1, 1, 30), (3, "y", 2, 1, 30)),
    "one period": _cells((1, "x", 1, 1, 5), (1, "x", 1, 0, 20), (5, "x", 1, 0, 30), (5, "y", 1, 1, 3)),
    "one level": _cells((5, "x", 1, 1, 5), (5, "x", 6, 0, 20)),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("model", ["bayes", "bayes_sbg"])
@pytest.mark.parametrize("which", ODD)
def test_odd_cohorts_have_finite_honest_intervals(which, model) -> None:
    frame = ODD[which]
    spells, spec = _read(frame, ("plan",) if set(frame["plan"]) == {"x", "y"} else ())
    # where all are alike only the ends of intervals differ, which few draws do not tell
    rows = _rows(spells, spec, model, draws=400 if which.endswith("body lost") else 50, tune=100)
    rows = rows[~rows["estimand"].str.endswith("ratio")]
    # half of a group may be there still at the last time looked at
    rows = rows[~(rows["estimand"].eq("tenure_median") & np.isinf(rows["conf_high"]))]
    assert np.isfinite(rows[NUMBERS].to_numpy()).all()
    kept = select(rows, estimand="retention", horizon=6, adjusted=rows["adjusted"].max()).set_index("group")
    assert (kept["conf_high"] > kept["conf_low"]).all()
    assert kept[NUMBERS].min().min() >= 0
    assert kept[NUMBERS].max().max() <= 1
    # every level of the scale is answered for, in more doubt where nobody gave it
    assert {"1", "2", "3", "4", "5"} <= set(kept.index)
    assert kept["n"]["4"] == 0
    width = kept["conf_high"] - kept["conf_low"]
    assert width["4"] > width["5"]
    if which == "nobody lost":
        # 30 customers, none lost: the exact 97.5 % limit of a share is .884
        assert 0.8 < kept["conf_low"]["5"] < 0.99 < kept["conf_high"]["5"]
    if which == "everybody lost":
        assert kept["conf_high"]["5"] < 0.2


@pytest.mark.long
def test_monotone_rows_never_turn_back() -> None:
    spells, spec = _read(_customers(300))
    spec = spec.model_copy(update={"score": spec.score.model_copy(update={"effect": "monotone"})})
    rows = _rows(spells, spec)
    kept = select(rows, estimand="retention", horizon=6, adjusted="standardised").set_index("group")[
        "estimate"
    ]
    assert (np.diff([kept[str(level)] for level in range(1, 6)]) >= 0).all()


@pytest.mark.long
def test_curves_pass_through_their_rows_and_spreads_are_named() -> None:
    spells, spec = _read(_customers(300))
    posterior = _posterior(spells, spec)
    drawn = retention_draws(posterior, spells, spec, np.random.default_rng(1))
    every = tidy(row for one in drawn for row in survival_rows(one, spec))
    rows = select(every, estimand="retention", group="best", scenario="")
    frames = pd.concat(frame for one in drawn for frame in curve_frames(one, 0.95))
    for _, row in rows.iterrows():
        at = frames[
            (frames["group"] == "best") & (frames["adjusted"] == row["adjusted"]) & (frames["time"] == row["horizon"])
        ]  # fmt: skip
        assert at[NUMBERS].to_numpy()[0] == pytest.approx(row[NUMBERS].to_numpy(float), abs=1e-12)
    curve = frames[(frames["group"] == "best") & (frames["adjusted"] == "no")]
    rows = every
    # from a month after the score on, S(6)/S(1) of each draw
    own = next(one for one in drawn if one.labels["adjusted"] == "no")
    late, early = (own.at(t).draws[:, own.groups.index("best")] for t in (6, 1))
    lagged = select(every, estimand="retention", group="best", adjusted="no", scenario="lag=1")
    assert lagged["estimate"].item() == pytest.approx((late / early).mean(), abs=1e-12)
    spent = select(rows, estimand="tenure", group="best", adjusted="no").set_index("horizon")["estimate"]
    for horizon in (18, 100):
        inside = curve[curve["time"] <= horizon]
        # log-linear between whole periods lies under the trapezoid, by less than a hundredth here
        assert spent[horizon] == pytest.approx(np.trapezoid(inside["estimate"], inside["time"]), rel=0.01)
    deviations = list(deviation_findings(posterior, hazard_priors(), 0.95))
    assert {one.facts["quantity"] for one in deviations} == {
        "spread_walk", "spread_level", "spread_stratum", "spread_level_stratum",
    }  # fmt: skip
    assert {(one.code, one.model, one.facts["of"], one.facts["level"]) for one in deviations} == {
        ("standard_deviation", "bayes", "retention", 0.95)
    }
    assert all(0 < one.low < one.value < one.high for one in deviations)


def test_averages_are_those_of_the_conditional_curves_by_hand() -> None:
    # two strata of hazards .1 and .5 in every period, entries 0 and 2: what is left is exponential whenever it starts
    curves = Renewed(np.log([[[0.1 / 0.9, 1.0]]]), np.full((1, 1, 2), -40.0))
    standard = Standard("all", np.array([0, 1, 1]), np.array([0, 0, 2]), np.array([0.5, 0.25, 0.25]), 8, 2)
    over = Averages("standardised", (standard,), np.zeros(2, int), np.array([0, 1]), np.array([5]))
    times = np.array([0, 1, 3])
    for later in (0, 4):
        # of those who stayed four periods, half of .9⁴ and half of .5⁴ are left
        left = np.array([0.9, 0.5]) ** later
        expected = (left[0] * 0.9**times + left[1] * 0.5**times) / left.sum()
        np.testing.assert_allclose(averaged(curves, over, times, later)[0, 0], expected, rtol=1e-12)
    # hazards that fall, 1/2 and then 1/3, 1/4: S(t) = 1/(t + 1), from period 2 on 3/(t + 3)
    falling = Renewed(np.zeros((1, 1, 1)), np.log(np.full((1, 1, 1), 0.5)))
    one = Standard("all", np.zeros(1, int), np.zeros(1, int), np.ones(1), 8, 2)
    alone = Averages("no", (one,), np.zeros(1, int), np.zeros(1, int), np.array([5]))
    np.testing.assert_allclose(averaged(falling, alone, times, 0)[0, 0], 1 / (times + 1), rtol=1e-12)
    np.testing.assert_allclose(averaged(falling, alone, times, 2)[0, 0], 3 / (times + 3), rtol=1e-12)

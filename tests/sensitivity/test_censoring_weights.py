"""Weights for censoring by other scores: by hand, against statsmodels and differences, limits, refusals, checks."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize

from cxlink import make_spec, read_cohort
from cxlink.checks import matching
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.follow_up_counts import follow_up_table
from cxlink.cohort.count.spells import Spells, person_periods, spells_of
from cxlink.estimands.headline import headline
from cxlink.groups.curves import Standard
from cxlink.groups.requests import Request, pooled
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import reaches
from cxlink.report.check_notes import note
from cxlink.sensitivity.censoring_rows import headline_sides
from cxlink.sensitivity.censoring_weights import weighted_retention as curves
from cxlink.sensitivity.censoring_weights.censoring_fit import fit_censoring
from cxlink.sensitivity.censoring_weights.follow_up_arrays import FollowUpArrays, arrays_of
from cxlink.sensitivity.censoring_weights.weight_rows import effective_periods, weighted_rows
from cxlink.sensitivity.censoring_weights.weighted_retention import weighted_retention, weights_of

OTHERS = {"csat": {"column": "csat", "scale": "1-5"}, "desk": {"column": "desk", "scale": "1-7"}}


def spec_of(horizon: int, late: bool = False, adjust: tuple[str, ...] = (), **score: Any) -> Any:
    entry = {"entry": "entry", "clock": "signup"} if late else {}
    return make_spec({
        "score": {"column": "score", "scale": "1-5", "worst": [1], "best": [4, 5], "others": OTHERS, **score},
        "subscription": {"duration": "months", "event": "left", **entry}, "adjust": {"columns": list(adjust)},
        "analysis": {"horizon": horizon, "draws": 500},
    })  # fmt: skip


def customers(n: int, seed: int = 1, late: bool = False) -> pd.DataFrame:
    """Customers of whom csat tells who leaves, and who is censored; some did not give it, and desk tells nothing."""
    rng = np.random.default_rng(seed)
    need, plan = rng.normal(size=n), rng.choice(["a", "b", "c"], n)
    noisy = [np.clip(np.round(3 + sign * need + rng.normal(size=n)), 1, 5).astype(int) for sign in (1, -1)]
    score, csat = noisy
    entry = rng.integers(0, 5, n) if late else np.zeros(n, int)
    loss = 0.08 * np.exp(-0.2 * (score - 3) + 0.3 * (csat - 3))
    over = np.minimum(0.06 * np.exp(0.4 * (csat - 3) + 0.1 * (score - 3)), 0.9)
    stay, end = (entry + rng.geometric(chance) for chance in (loss, over))
    months = np.minimum(np.minimum(stay, end), 14)
    table = pd.DataFrame({
        "score": score, "csat": csat, "desk": rng.integers(1, 8, n), "plan": plan, "months": months,
        "left": ((stay <= end) & (stay <= 14)) * 1, "entry": entry,
    })  # fmt: skip
    return table.assign(csat=table["csat"].astype("Int64").mask(rng.random(n) < 0.15))


def asked(counts: Counts) -> tuple[Spells, Request, tuple[Standard, Standard], int]:
    """The cohort's spells, request, both sides, and the last period that counts."""
    spells, spec = spells_of(counts), counts.spec
    request = standardised(spells, spec, reaches(spells, spec.horizon)) or pooled(spells, spec)
    sides = headline_sides(spells, request, spec)
    assert request is not None
    assert sides is not None
    return (
        spells,
        request,
        sides,
        min(spells.n_periods, max(int(s.entry.max()) for s in sides) + spec.horizon),
    )


def laid_out(counts: Counts, n: np.ndarray | None = None) -> FollowUpArrays:
    spells, _, _, last = asked(counts)
    assert counts.follow_up is not None
    return arrays_of(counts.follow_up, spells, counts.spec, last, n)


def found_of(counts: Counts, n: np.ndarray | None = None) -> list[curves.WeightedRetention]:
    _, request, sides, _ = asked(counts)
    arrays = laid_out(counts, n)
    weights = weights_of(arrays, fit_censoring(arrays))
    return [weighted_retention(weights, request.members, side, counts.spec.horizon) for side in sides]


def cell(rows: list[dict[str, Any]], estimand: str, group: str) -> dict[str, Any]:
    (row,) = (row for row in rows if (row["estimand"], row["group"]) == (estimand, group))
    return row


def of_cells(*cells: tuple[int, float, int, int, int]) -> Counts:
    """Counts of (score, csat, months, lost, n), desk being 1."""
    rows = [
        {"score": s, "csat": c, "desk": 1, "months": m, "left": d}
        for s, c, m, d, n in cells
        for _ in range(n)
    ]
    return read_cohort(pd.DataFrame(rows), spec_of(2)).count()


HAND = (
    # csat 1: of 100 customers 60 censored after the first month, of 40 then 20 lost; csat 2: 20, and 8 of 80
    (5, 1, 1, 0, 60), (5, 1, 2, 1, 20), (5, 1, 2, 0, 20), (5, 2, 1, 0, 20), (5, 2, 2, 1, 8), (5, 2, 2, 0, 72),
    # the same shares censored of 50 and 50; 15 of 20 lost, and 20 of 40
    (1, 1, 1, 0, 30), (1, 1, 2, 1, 15), (1, 1, 2, 0, 5), (1, 2, 1, 0, 10), (1, 2, 2, 1, 20), (1, 2, 2, 0, 20),
)  # fmt: skip


def test_weights_by_hand() -> None:
    counts = of_cells(*HAND)
    rows, checks = weighted_rows(spells_of(counts), counts, np.random.default_rng(1))
    # half of each group gave either score: ½·(1 − ½) + ½·(1 − ⅒), and ½·¼ + ½·½; plain: 92/120, and 25/60
    assert cell(rows, "retention", "best")["estimate"] == pytest.approx(0.7, abs=1e-6)
    assert cell(rows, "retention", "worst")["estimate"] == pytest.approx(0.375, abs=1e-6)
    assert cell(rows, "retention_difference", "best")["estimate"] == pytest.approx(0.325, abs=1e-6)
    assert {row["scenario"] for row in rows} == {"censoring_weighted"}
    # stabilised: 1 − 80/200 over .4 and .8; of the 200 customers 80 weigh 1, 40 weigh 1.5 and 80 weigh .75
    (best,) = matching(checks, code="censoring_weights", group="best")
    assert best.get("largest") == pytest.approx(1.5, abs=1e-6)
    assert best.value == pytest.approx(200**2 / (80 + 40 * 1.5**2 + 80 * 0.75**2), rel=1e-6)
    assert best.get("customers") == 200
    # log(−log(1 − .2)) − log(−log(1 − .6))
    (ratio,) = matching(checks, code="censoring_score", score="csat")
    assert ratio.value == pytest.approx(np.log(0.8) / np.log(0.4), rel=1e-6)
    assert ratio.low < ratio.value < ratio.high < 1


def test_where_other_scores_tell_nothing_it_is_kaplan_meier() -> None:
    alike = tuple(
        (s, c, m, d, 40) for s in (1, 5) for c in (1, 2) for m, d in ((1, 0), (1, 1), (2, 0), (2, 1))
    )
    counts = of_cells(*alike)
    rows, _ = weighted_rows(spells_of(counts), counts, np.random.default_rng(1))
    main = [
        row
        for row in headline(spells_of(counts), counts, np.random.default_rng(2))[0]
        if not row.get("scenario")
    ]
    for group in ("best", "worst"):
        same = next(r for r in main if (r["estimand"], r["group"], r["horizon"]) == ("retention", group, 2))
        assert cell(rows, "retention", group)["estimate"] == pytest.approx(same["estimate"], abs=1e-8)


@pytest.mark.parametrize(("late", "adjust"), [(False, ("plan",)), (True, ("plan",)), (False, ()), (True, ())])
def test_with_equal_weights_it_is_the_headline(late: bool, adjust: tuple[str, ...]) -> None:
    counts = read_cohort(customers(900, late=late), spec_of(8, late, adjust)).count()
    spells, request, sides, last = asked(counts)
    arrays = laid_out(counts)
    assert last < spells.n_periods
    equal = curves.CensoringWeights(arrays, fit_censoring(arrays), np.ones(arrays.at_risk.shape))
    main = [row for row in headline(spells, counts, np.random.default_rng(2))[0] if not row.get("scenario")]
    for side in sides:
        (same,) = (
            row["estimate"] for row in main
            if (row["estimand"], row["group"], row.get("horizon"), row.get("stratum", ""), row["adjusted"])
            == ("retention", side.group, 8, "", request.labels["adjusted"]) and not row.get("given")
        )  # fmt: skip
        assert weighted_retention(equal, request.members, side, 8).value == pytest.approx(same, rel=1e-10)
    whole = person_periods(spells)
    periods = effective_periods(equal, spells)
    assert periods.at_risk == pytest.approx(whole.at_risk[:, :last], abs=1e-9)
    assert periods.lost == pytest.approx(whole.lost[:, :last], abs=1e-9)


def test_a_sparse_group_has_as_many_customers_as_the_weighted_ones_count_for() -> None:
    counts = of_cells(*HAND)
    arrays = laid_out(counts)
    periods = effective_periods(weights_of(arrays, fit_censoring(arrays)), spells_of(counts))
    best = int(np.flatnonzero(np.array(periods.levels)[periods.level] == 5)[0])
    # 40 customers weigh 1.5 and 80 weigh .75: (60 + 60)² / (90 + 45), of whom 30 of 100 are lost
    assert periods.at_risk[best] == pytest.approx([200, 120**2 / 135], rel=1e-6)
    assert periods.lost[best] == pytest.approx([0, 0.3 * 120**2 / 135], rel=1e-6)


def test_the_penalty_of_a_level_that_is_never_censored_is_that_of_half_a_customer() -> None:
    # of 60 who gave 1 nobody is censored, of 40 who gave 2 ten are; the same in both groups
    cells = ((1, 2, 0, 60), (2, 1, 0, 10), (2, 2, 0, 30))
    counts = of_cells(*((s, c, m, d, n) for s in (1, 5) for c, m, d, n in cells))
    fit = fit_censoring(laid_out(counts))
    assert fit.terms == ((0, 0),)

    def minus(at: np.ndarray) -> float:
        alpha, beta = at
        none, some = np.exp(alpha + beta), np.exp(alpha)
        towards = 0.4 * beta  # of the level, less the mean of all
        likelihood = 2 * (-60 * none + 10 * np.log(-np.expm1(-some)) - 30 * some)
        return -float(likelihood + 0.5 * towards - np.logaddexp(0, towards))

    best = minimize(minus, [-1.0, -4.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13})
    assert fit.beta == pytest.approx(best.x[1:], rel=1e-4)


def test_levels_that_part_the_censored_only_together_are_held_as_well() -> None:
    # all are censored who gave csat 2 and desk 1, nobody who gave 1 and 2, half of the others: no level alone says so
    parts = [(1, 1, 20, 20), (2, 2, 20, 20), (2, 1, 0, 40), (1, 2, 40, 0)]
    rows = [
        {"score": s, "csat": c, "desk": d, "months": m, "left": 0}
        for s in (1, 5) for c, d, stay, over in parts for m, n in ((2, stay), (1, over)) for _ in range(n)
    ]  # fmt: skip
    counts = read_cohort(pd.DataFrame(rows), spec_of(2)).count()
    fit = fit_censoring(laid_out(counts))
    assert len(fit.terms) == 2
    assert (np.abs(fit.beta) < 8).all()
    assert (np.sqrt(np.diag(fit.covariance)) < 4).all()


def glm(arrays: FollowUpArrays, reference: tuple[int, ...]) -> sm.GLM:
    """The same hazard of censoring by statsmodels, with a dummy for every pair and period where both outcomes are."""
    left = arrays.at_risk - arrays.gone
    kind, period = np.nonzero(left > 0)
    keep = period < arrays.at_risk.shape[1] - 1
    kind, period = kind[keep], period[keep]
    y, m, pair = arrays.censored[kind, period], left[kind, period], arrays.pair[kind]
    by = pd.DataFrame({"pair": pair, "period": period, "y": y, "m": m}).groupby(["pair", "period"])
    total = by[["y", "m"]].transform("sum")
    some = ((total["y"] > 0) & (total["y"] < total["m"])).to_numpy()
    dummies = pd.get_dummies(by.ngroup()[some]).to_numpy(float)
    columns = []
    for score, known in zip(arrays.scores, reference, strict=True):
        code = score.code[arrays.combination[kind]][some]
        columns += [code == level for level in range(len(score.levels)) if level != known]
    design = np.column_stack([np.array(columns).T.astype(float), dummies[:, dummies.any(axis=0)]])
    family = sm.families.Binomial(link=sm.families.links.CLogLog())
    return sm.GLM(np.column_stack([y[some], (m - y)[some]]), design, family=family)


@pytest.mark.parametrize("late", [False, True])
def test_the_fit_is_that_of_statsmodels(late: bool) -> None:
    counts = read_cohort(customers(3000, late=late), spec_of(6, late)).count()
    arrays = laid_out(counts)
    fit = fit_censoring(arrays)
    other = glm(arrays, fit.reference).fit(tol=1e-12, maxiter=200)
    n = len(fit.beta)
    assert n == 5 + 6
    assert fit.beta == pytest.approx(other.params[:n], abs=1e-6)
    # observed information, as Newton's method gives it
    hessian = -glm(arrays, fit.reference).hessian(other.params, observed=True)
    assert fit.covariance == pytest.approx(np.linalg.inv(hessian)[:n, :n], rel=1e-5, abs=1e-8)


@pytest.mark.parametrize(("late", "adjust"), [(False, ("plan",)), (True, ("plan",)), (False, ()), (True, ())])
def test_the_influence_is_the_derivative(late: bool, adjust: tuple[str, ...]) -> None:
    counts = read_cohort(customers(900, late=late), spec_of(8, late, adjust)).count()
    assert counts.follow_up is not None
    cells = counts.follow_up.cells
    n, last = cells["n"].to_numpy(float), asked(counts)[3]
    inside = np.flatnonzero(cells["entry"] < last)
    found, step = found_of(counts), 1e-4
    assert all(abs(one.influence @ n[inside]) < 1e-10 for one in found)
    for place in np.random.default_rng(0).choice(len(inside), 6, replace=False):
        ends = []
        for sign in (1, -1):
            moved = n.copy()
            moved[inside[place]] += sign * step
            ends.append([one.value for one in found_of(counts, moved)])
        slope = (np.array(ends[0]) - ends[1]) / (2 * step)
        # a central difference of 1e-4 of a customer: 1e-8 by its own curvature, 1e-12 by rounding
        assert slope == pytest.approx([one.influence[place] for one in found], abs=1e-8)


def test_a_truncated_weight_moves_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "MOST_WEIGHT", 1.3)
    counts = read_cohort(customers(900), spec_of(8, False, ("plan",))).count()
    assert counts.follow_up is not None
    arrays = laid_out(counts)
    weights = weights_of(arrays, fit_censoring(arrays))
    assert weights.unbounded.max() > 1.3
    assert weights.weight.max() == 1.3
    n, step, found = counts.follow_up.cells["n"].to_numpy(float), 1e-4, found_of(counts)
    for place in (3, 77, 300):
        ends = [
            [one.value for one in found_of(counts, n + s * step * (np.arange(len(n)) == place))]
            for s in (1, -1)
        ]
        slope = (np.array(ends[0]) - ends[1]) / (2 * step)
        assert slope == pytest.approx([one.influence[place] for one in found], abs=1e-8)


def test_a_level_that_is_never_censored_is_held_and_one_that_says_nothing_is_left_out() -> None:
    table = customers(1500)
    table["months"] = np.where((table["desk"] == 7) & (table["left"] == 0), 14, table["months"])
    table["csat"] = 6 - table["score"]  # tells what the score tells
    counts = read_cohort(table, spec_of(8)).count()
    fit = fit_censoring(laid_out(counts))
    assert {score for score, _ in fit.terms} == {1}
    at = fit.terms.index((1, 6))
    assert -6 < fit.beta[at] < -1
    rows, checks = weighted_rows(spells_of(counts), counts, np.random.default_rng(1))
    assert np.isfinite([row["std_error"] for row in rows]).all()
    assert [check.get("score") for check in matching(checks, code="censoring_score")] == ["desk"]


def test_ratios_are_towards_better_and_of_those_who_did_not_answer() -> None:
    table = customers(4000)
    found = {}
    for better in (True, False):
        others = {**OTHERS, "csat": {**OTHERS["csat"], "higher_is_better": better}}
        counts = read_cohort(table, spec_of(8, others=others)).count()
        _, checks = weighted_rows(spells_of(counts), counts, np.random.default_rng(1))
        point, lacking = (
            matching(checks, code="censoring_score", score="csat", case=case)
            for case in ("point", "not_given")
        )
        found[better] = point[0]
        assert lacking[0].low < 1 < lacking[0].high
        assert "did not give csat" in note(lacking[0])
        assert "per point of csat towards better" in note(point[0])
    assert found[True].value == pytest.approx(1 / found[False].value, rel=1e-8)
    assert found[True].low < np.exp(0.4) < found[True].high


def test_a_customer_stands_for_ten_at_most_and_nobody_for_levels_without_follow_up() -> None:
    table = customers(3000)
    rare = (table["csat"] == 5) & (table["left"] == 0) & (table["months"] < 8)
    table["months"] = table["months"].mask(rare, 1)
    early = table["desk"] == 7
    table["months"] = table["months"].mask(early, table["months"].clip(upper=3))
    table["left"] = table["left"].mask(early & (table["months"] == 3), 0)
    gone = table["desk"] == 6
    table["left"], table["months"] = (
        table["left"].mask(gone, 1),
        table["months"].mask(gone, table["months"].clip(upper=5)),
    )
    counts = read_cohort(table, spec_of(8)).count()
    _, checks = weighted_rows(spells_of(counts), counts, np.random.default_rng(1))
    support = matching(checks, code="censoring_support")
    for check in support:  # who gave 6 was lost: nobody need stand for them
        levels = [4, 5] if check.group == "best" else [1]
        own = table[table["score"].isin(levels)]
        assert check.value == pytest.approx((own["desk"] != 7).mean(), rel=1e-10)
        assert check.passed is False
        assert "no weight makes up for the others" in note(check)
    for check in matching(checks, code="censoring_weights"):
        assert check.passed is (float(str(check.get("largest"))) <= 10)
        assert check.value < float(str(check.get("customers")))


def test_sparse_groups_are_finite_and_contain_their_estimate() -> None:
    table = customers(400)
    table["left"] = table["left"].where(table["score"] < 4, 0)
    counts = read_cohort(table, spec_of(8, False, ("plan",))).count()
    rows, _ = weighted_rows(spells_of(counts), counts, np.random.default_rng(1))
    best = cell(rows, "retention", "best")
    assert best["estimate"] == 1
    assert 0.5 < best["conf_low"] < 1
    for row in rows:
        assert row["conf_low"] <= row["estimate"] <= row["conf_high"]
        assert np.isfinite(row["std_error"])


def test_the_same_seed_gives_the_same_rows_whatever_the_order() -> None:
    table = customers(1200)
    made = []
    for one in (table, table.sample(frac=1, random_state=2)):
        counts = read_cohort(one, spec_of(8, False, ("plan",))).count()
        made.append(weighted_rows(spells_of(counts), counts, np.random.default_rng(1)))
    assert repr(made[0]) == repr(made[1])


def test_merged_levels_are_said() -> None:
    counts = read_cohort(customers(600), spec_of(8)).count()
    assert counts.follow_up is not None
    held = replace(counts.follow_up, merged=(("desk", 4),))
    _, checks = weighted_rows(spells_of(counts), replace(counts, follow_up=held), np.random.default_rng(1))
    (merged,) = matching(checks, code="censoring_merged")
    assert (merged.value, merged.get("score")) == (4, "desk")
    assert note(merged).startswith("classes of desk that are left")


def refusals() -> list[tuple[str, Counts]]:
    table = customers(600)
    counts = read_cohort(table, spec_of(8)).count()
    spec, held = counts.spec, counts.follow_up
    assert held is not None
    cluster = spec.model_copy(update={"cohort": spec.cohort.model_copy(update={"cluster": "account"})})
    empty = replace(held, cells=held.cells[:0])
    told = follow_up_table(held.cells.drop(columns=["csat", "desk"]), spec, 8, ("csat", "desk"))
    same = read_cohort(table.assign(csat=3, desk=table["score"]), spec).count()
    fewer = replace(held, cells=held.cells[held.cells["score"] > 1])
    return [
        ("clustered", replace(counts, spec=cluster)), ("missing", replace(counts, follow_up=None)),
        ("missing", replace(counts, follow_up=fewer)),
        ("horizon", replace(counts, follow_up=replace(held, horizon=7))),
        ("too_many", replace(counts, follow_up=empty)), ("same", same),
        ("after_outcome", replace(counts, follow_up=told)),
    ]  # fmt: skip


def test_what_cannot_be_weighted_says_why() -> None:
    for case, counts in refusals():
        rows, checks = weighted_rows(spells_of(counts), counts, np.random.default_rng(1))
        assert rows == []
        assert [(check.code, check.facts) for check in checks] == [("censoring_unweighted", {"case": case})]
        assert note(checks[0]).startswith("not weighted for censoring")


def test_without_other_scores_or_censoring_there_is_nothing() -> None:
    table = customers(600)
    alone = read_cohort(table, spec_of(8, others=None)).count()
    whole = read_cohort(
        table.assign(months=table["months"].where(table["left"] == 1, 14)), spec_of(8)
    ).count()
    for counts in (alone, whole):
        assert weighted_rows(spells_of(counts), counts, np.random.default_rng(1)) == ([], [])

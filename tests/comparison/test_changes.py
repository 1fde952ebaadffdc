"""Changes between two cohorts: worked by hand, against themselves, sparse, and with little in common."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.count.counts import SPEND, Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import make_spec, merged
from cxlink.comparison.changes import CALIBRATION, CHANGES, OutcomeChange, outcomes, response_rows, table_of
from cxlink.comparison.decomposition import PARTS
from cxlink.comparison.recommendation import VALID, verdict_of
from cxlink.estimands.tidy import select
from cxlink.report.change_sections.outcome_section import set_aside_lines
from cxlink.study.cells import draw, spec_of
from cxlink.study.processes import study_subscription

Cell = tuple[int, str, int, int, bool, int]


def cohort(name: str, cells: list[Cell], **analysis: object) -> Counts:
    """Counts of cells (score, plan, entry, exit, lost, n)."""
    late = any(entry for _, _, entry, *_ in cells)
    spec = make_spec({
        "cohort": {"name": name},
        "score": {"column": "score", "scale": "1-5", "worst": [1], "best": [4, 5]},
        "subscription": {"duration": "exit", "event": "lost", **({"entry": "entry"} if late else {})},
        "adjust": {"columns": ["plan"]},
        "analysis": {"horizon": 2, "draws": 200, **analysis},
    })  # fmt: skip
    score, plan, entry, leave, lost, n = zip(*cells, strict=True)
    table = pd.DataFrame({
        "score": pd.array(score, dtype="Int64"), "stratum.plan": plan, "entry": entry, "exit": leave,
        "cause": np.where(lost, "lost", ""), "wave": "", "n": n,
    })  # fmt: skip
    return Counts(add_up(table), spec, Profile(name, sum(n), sum(n)))


def kept_and_lost(score: int, plan: str, lost: int, kept: int) -> list[Cell]:
    """Half of the losses in either of two periods, the rest there after three."""
    first = lost // 2
    return [
        (score, plan, 0, 1, True, first),
        (score, plan, 0, 2, True, lost - first),
        (score, plan, 0, 3, False, kept),
    ]


def numbers(found: OutcomeChange) -> tuple[pd.DataFrame, pd.DataFrame]:
    changes, calibration = table_of(found.changes, CHANGES), table_of(found.calibration, CALIBRATION)
    return changes.set_index(["group", "part"]), calibration.set_index(["group", "quantity"])


def by_part(changes: pd.DataFrame, column: str = "estimate") -> pd.DataFrame:
    return changes.reset_index().pivot_table(index="group", columns="part", values=column)


OLD = [*kept_and_lost(1, "a", 60, 40), *kept_and_lost(5, "a", 20, 180), *kept_and_lost(5, "b", 30, 70)]
NEW = [*kept_and_lost(1, "a", 30, 70), *kept_and_lost(5, "a", 40, 60), *kept_and_lost(5, "b", 30, 170)]


def test_totals_and_calibration_by_hand() -> None:
    changes, calibration = numbers(outcomes(cohort("old", OLD), cohort("new", NEW), 2)[0])
    assert changes.loc[("all", "total"), "estimate"] == pytest.approx(300 / 400 - 290 / 400, abs=1e-12)
    assert changes.loc[("1", "total"), "estimate"] == pytest.approx(0.7 - 0.4, abs=1e-12)
    assert changes.loc[("5", "total"), "estimate"] == pytest.approx(230 / 300 - 250 / 300, abs=1e-12)
    # the new customers by the base's cells: 100 at .4, 100 at .9, 200 at .7
    assert calibration.loc[("all", "predicted"), "estimate"] == pytest.approx(
        (40 + 90 + 140) / 400, abs=1e-12
    )
    assert calibration.loc[("5", "difference"), "estimate"] == pytest.approx(230 / 300 - 230 / 300, abs=1e-12)
    # observed less predicted: over 0 where customers stayed longer than the base predicted, limits as well
    assert calibration.loc[("all", "difference"), "estimate"] == pytest.approx(0.75 - 0.675, abs=1e-12)
    worst = calibration.loc[("1", "difference")]
    assert worst["estimate"] == pytest.approx(0.7 - 0.4, abs=1e-12)
    # .7 and .4 of 100 customers each: √(.21/100 + .24/100) = .067, of 200 draws
    assert worst["std_error"] == pytest.approx(0.067, abs=4 * 0.067 / np.sqrt(2 * 200))
    assert 0 < worst["conf_low"] < 0.3 < worst["conf_high"] < 0.6
    # expected losses: at risk in either period times the base's hazards there
    hazards = {"1a": (0.3, 30 / 70), "5a": (0.05, 10 / 190), "5b": (0.15, 15 / 85)}
    at_risk = {"1a": (100, 85), "5a": (100, 80), "5b": (200, 185)}
    expected = sum(r * h for key in hazards for r, h in zip(at_risk[key], hazards[key], strict=True))
    ratio = calibration.loc[("all", "observed_over_expected"), "estimate"]
    assert ratio == pytest.approx(100 / expected, abs=1e-12)


def test_periods_in_which_the_base_had_nobody_of_a_score_are_not_expected_of_it() -> None:
    old: list[Cell] = [(1, "a", 0, 1, True, 20), (1, "a", 0, 2, False, 80)]
    old += [(5, "a", 2, 3, True, 10), (5, "a", 2, 4, False, 90)]
    new: list[Cell] = [(1, "a", 0, 1, True, 10), (1, "a", 0, 2, False, 90)]
    new += [(5, "a", 2, 3, True, 5), (5, "a", 2, 4, False, 45)]
    # of score 1 the base says nothing of periods 3 and 4, in which the new cohort loses 7 of 10
    thin: list[Cell] = [(1, "a", 2, 3, True, 7), (1, "a", 2, 4, False, 3)]
    for cells, n in ((new, 150), ([*new, *thin], 160)):
        found = outcomes(cohort("old", old), cohort("new", cells), 2)[0]
        assert found.aside[1].total == 0
        _, calibration = numbers(found)
        assert calibration.loc[("all", "observed_over_expected"), "n"] == n
        # 100 · .2 + 50 · .1 were expected
        for group, ratio in (("all", 15 / 25), ("1", 10 / 20), ("5", 5 / 5)):
            row = calibration.loc[(group, "observed_over_expected")]
            assert row["estimate"] == pytest.approx(ratio, abs=1e-12)
            assert row["conf_low"] < ratio < row["conf_high"]


def test_parts_by_hand_where_only_the_mix_changed() -> None:
    """Strata of level 1 and 5 alike: plan a goes from three quarters to a quarter; nobody behaves otherwise."""
    old = [*kept_and_lost(1, "a", 12_000, 18_000), *kept_and_lost(1, "b", 8_000, 2_000)]
    new = [*kept_and_lost(1, "a", 4_000, 6_000), *kept_and_lost(1, "b", 24_000, 6_000)]
    changes, calibration = numbers(outcomes(cohort("old", old), cohort("new", new), 2)[0])
    whole = changes.loc["all", "estimate"]
    assert whole["mix_strata"] == pytest.approx(-0.5 * (0.6 - 0.2), abs=1e-6)
    # expanded logarithms allow for the noise of cells, which here differ in size
    assert whole[["mix_score", "baseline", "effect"]].abs().max() < 2e-5
    assert whole["total"] == pytest.approx(-0.2, abs=1e-12)
    assert calibration.loc[("all", "observed_over_expected"), "estimate"] == pytest.approx(1, abs=1e-12)
    assert calibration.loc[("all", "slope"), "estimate"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("late", [False, True])
def test_a_cohort_against_its_double_has_not_changed(late: bool) -> None:
    cells = [(s, p, 2 * late, leave + 2 * late, lost, n) for s, p, _, leave, lost, n in OLD]
    found = outcomes(cohort("old", cells), cohort("new", cells), 2)[0]
    changes, calibration = numbers(found)
    assert changes["estimate"].abs().max() < 1e-12
    # S(e + 2) / S(e), whatever the entry
    assert calibration.loc[("all", "predicted"), "estimate"] == pytest.approx(290 / 400, abs=1e-12)
    assert (changes["conf_low"] <= 0).all()
    assert (changes["conf_high"] >= 0).all()
    for quantity in ("observed_over_expected", "slope"):
        assert calibration.loc[("all", quantity), "estimate"] == pytest.approx(1, abs=1e-6)
    verdict = verdict_of(table_of(found.calibration, CALIBRATION))
    assert verdict.verdict == VALID
    assert found.aside[0].total == found.aside[1].total == 0


def test_parts_add_up_in_every_row_and_stay_finite_where_nobody_or_everybody_is_lost() -> None:
    old = [*kept_and_lost(1, "a", 50, 50), *kept_and_lost(4, "a", 0, 40), *kept_and_lost(5, "b", 30, 0)]
    old += kept_and_lost(1, "b", 1, 0)
    new = [*kept_and_lost(1, "a", 0, 80), *kept_and_lost(4, "b", 2, 1), *kept_and_lost(5, "a", 0, 30)]
    old, new = ([cell for cell in one if cell[-1]] for one in (old, new))
    found = outcomes(cohort("old", old), cohort("new", new), 2)[0]
    changes, _ = numbers(found)
    ends = changes[["estimate", "std_error", "conf_low", "conf_high"]]
    assert np.isfinite(ends.to_numpy()).all()
    by = by_part(changes)
    np.testing.assert_allclose(by["mix_strata"] + by["mix_score"], by["mix"], atol=1e-12)
    np.testing.assert_allclose(by[["mix", "baseline", "effect"]].sum(axis=1), by["total"], atol=1e-12)
    width = by_part(changes.assign(width=changes["conf_high"] - changes["conf_low"]), "width")
    assert (width["total"] > 0.005).all()  # also where neither cohort moved in a bootstrap
    assert set(by.columns) == set(PARTS)
    assert found.unused == (1, 2)


def test_what_only_one_cohort_has_is_set_aside_and_said() -> None:
    old = [*OLD, *kept_and_lost(3, "a", 10, 40), *kept_and_lost(1, "gone", 5, 45)]
    found = outcomes(cohort("old", old), cohort("new", NEW), 2)[0]
    first, second = found.aside
    assert first.level == pytest.approx(50 / 500, abs=1e-12)
    assert first.stratum == pytest.approx(50 / 500, abs=1e-12)
    assert first.levels == (3,)
    assert first.strata == ((("plan", "gone"),),)
    assert second.total == 0
    plain = outcomes(cohort("old", OLD), cohort("new", NEW), 2)[0]
    one, two = (numbers(x)[0].loc[("all", "total"), "estimate"] for x in (found, plain))
    assert one == pytest.approx(two, abs=1e-12)
    assert not [row for row in found.changes if row["group"] == "3"]


def test_nothing_in_common_is_refused_with_the_cure() -> None:
    other = [(score, "c", *rest) for score, _, *rest in NEW]
    with pytest.raises(
        InputError, match=r"new: no stratum has customers in both it and old\. Fit both cohorts by"
    ):
        outcomes(cohort("old", OLD), cohort("new", other), 2)
    fives, ones = ([cell for cell in NEW if cell[0] == score] for score in (5, 1))
    with pytest.raises(InputError, match=r"new: no score level has customers in both"):
        outcomes(cohort("old", fives), cohort("new", ones), 2)


def test_a_period_that_one_cohort_never_saw_is_refused_with_the_longest_that_both_did() -> None:
    young = [(s, p, e, min(leave, 1), lost and leave <= 1, n) for s, p, e, leave, lost, n in NEW]
    with pytest.raises(InputError) as refused:
        outcomes(cohort("old", OLD), cohort("new", young), 2)
    assert str(refused.value) == (
        "new: no stratum is followed for 2 months after the score in both it and old. Compare them at --horizon 1."
    )
    found, _ = numbers(outcomes(cohort("old", OLD), cohort("new", young), 1)[0])
    assert found.loc[("1", "total"), "estimate"] == pytest.approx(0.85 - 0.7, abs=1e-12)


def spent(name: str, cells: list[tuple[int, str, list[float]]], refunds: bool = False) -> Counts:
    """Counts of cells (score, plan, amounts)."""
    spec = make_spec({
        "cohort": {"name": name},
        "score": {"column": "score", "scale": "1-5", "worst": [1], "best": [4, 5]},
        "spend": {"column": "spend", "complete": True, "refunds": refunds},
        "adjust": {"columns": ["plan"]},
        "analysis": {"draws": 200},
    })  # fmt: skip
    rows = []
    for score, plan, amounts in cells:
        y = np.array(amounts)
        log = np.log(y[y > 0])
        sums = (
            y.size,
            (y == 0).sum(),
            y.sum(),
            (y**2).sum(),
            log.sum(),
            (log**2).sum(),
            (y[y > 0] * log).sum(),
        )
        rows.append((score, plan, 0, 0, "", "", y.size, *sums))
    names = (
        "score",
        "stratum.plan",
        "entry",
        "exit",
        "cause",
        "wave",
        "n",
        "spend_n",
        "spend_zero",
        "spend_sum",
    )
    names += ("spend_sum_sq", "spend_sum_log", "spend_sum_log_sq", "spend_sum_y_log")
    table = pd.DataFrame(rows, columns=names).astype({"score": "Int64"})
    return Counts(add_up(table), spec, Profile(name, int(table["n"].sum()), int(table["n"].sum())))


def test_spend_by_hand() -> None:
    old = [(1, "a", [0.0, 10, 20, 30] * 25), (5, "a", [40.0, 60] * 50)]
    new = [(1, "a", [0.0, 20, 40, 60] * 25), (5, "a", [80.0, 120] * 150)]
    changes, calibration = numbers(outcomes(spent("old", old), spent("new", new), 12)[0])
    whole = changes.loc["all", "estimate"]
    # ×2 for everybody, and the best go from a half to three quarters: 32.5 → 82.5
    assert whole["total"] == pytest.approx(82.5 - 32.5, abs=1e-9)
    assert whole["effect"] == pytest.approx(0, abs=0.2)  # the noise of the cells, in the logarithm alone
    assert whole["mix_score"] == pytest.approx(
        1.5 * 0.25 * 35, abs=0.2
    )  # at the mean of either level of spend
    assert calibration.loc[("all", "observed_over_expected"), "estimate"] == pytest.approx(2, abs=1e-12)
    assert calibration.loc[("all", "slope"), "estimate"] == pytest.approx(1, abs=1e-3)


def test_a_cohort_too_young_for_its_spend_is_compared_without() -> None:
    old, new = cohort("old", OLD), cohort("new", NEW)
    spec = merged(old.spec.model_dump(exclude_none=True), {"spend": {"column": "spend", "complete": True}})
    sums = dict.fromkeys(SPEND, 0.0)
    old, new = (
        replace(one, spec=make_spec({**spec, "cohort": {"name": name}}), cells=one.cells.assign(**sums))
        for one, name in ((old, "old"), (new, "new"))
    )
    old = replace(old, cells=old.cells.assign(spend_n=old.cells["n"], spend_sum=5.0, spend_sum_sq=25.0))
    found = outcomes(old, new, 2)
    assert [one.estimand for one in found] == ["retention"]
    assert found[0].without_spend == "new"
    assert set_aside_lines(found[0]) == [
        "spend is not compared: no customer of new with a score has a complete spend window yet"
    ]


@pytest.mark.parametrize("refunds", [True, False])
def test_spend_that_is_nothing_or_negative_stays_finite(refunds: bool) -> None:
    old = [(1, "a", [-5.0, 1.0, 2.0] if refunds else [0.0] * 30), (5, "a", [40.0, 60] * 10), (5, "b", [7.0])]
    new = [(1, "a", [0.0, 0.0, 9.0]), (5, "a", [0.0, 50] * 10), (1, "b", [3.0])]
    changes, _ = numbers(outcomes(spent("old", old, refunds), spent("new", new, refunds), 12)[0])
    assert np.isfinite(changes[["estimate", "conf_low", "conf_high"]].to_numpy()).all()
    by = by_part(changes)
    np.testing.assert_allclose(by[["mix", "baseline", "effect"]].sum(axis=1), by["total"], atol=1e-9)


def test_the_response_rate_is_shown_and_nothing_where_all_answered() -> None:
    old, new = cohort("old", OLD), cohort("new", NEW)
    assert response_rows(old, new) == []
    silent = old.cells.iloc[:1].assign(score=pd.array([None], dtype="Int64"), n=600)
    more = replace(old, cells=pd.concat([old.cells, silent]))
    row = response_rows(more, new)[0]
    assert row["estimate"] == pytest.approx(1 - 0.4, abs=1e-12)
    assert 0.5 < row["conf_low"] < row["estimate"] <= row["conf_high"]


def test_tenths_hold_every_customer_once() -> None:
    found = outcomes(cohort("old", OLD), cohort("new", NEW), 2)[0]
    table = table_of(found.calibration, CALIBRATION)
    observed = select(table, quantity="observed")
    tenths = observed[observed["group"].str.startswith("decile")]
    assert tenths["n"].sum() == 400
    mean = (tenths["n"] * tenths["estimate"]).sum() / 400
    assert mean == pytest.approx(0.75, abs=1e-12)
    predicted = select(table, quantity="predicted").set_index("group").loc[tenths["group"], "estimate"]
    assert predicted.is_monotonic_decreasing  # the lowest risk first


@pytest.mark.long
def test_two_sparse_cohorts_of_one_law_do_not_differ() -> None:
    """Ten scores and twelve strata, 3,000 and 1,500 customers: the parts of what is nothing have the mean 0."""
    process = replace(study_subscription(), spending=None)
    rng, parts = np.random.default_rng(20140801), []
    for _ in range(12):
        pair = []
        for name, n in (("old", 3_000), ("new", 1_500)):
            spec = spec_of(process, 100).model_dump(exclude_none=True)
            spec["cohort"]["name"] = name
            pair.append(draw(process, n, make_spec(spec), rng))
        changes, _ = numbers(outcomes(*pair, 12)[0])
        parts.append(changes.loc["all"])
    for part in ("baseline", "effect", "mix"):
        estimates = np.array([one.loc[part, "estimate"] for one in parts])
        errors = np.array([one.loc[part, "std_error"] for one in parts])
        assert abs(estimates.mean()) < 4 * errors.mean() / np.sqrt(len(parts)), part
        inside = [one.loc[part, "conf_low"] <= 0 <= one.loc[part, "conf_high"] for one in parts]
        assert sum(inside) >= 9, part  # fewer in 2 of 10,000 runs at 95 %

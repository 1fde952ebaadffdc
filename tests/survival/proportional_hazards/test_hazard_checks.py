"""Proportionality, trend and held-out predictions: against other software, by hand, and under known truths."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from cohorts import cell_rows, random_rows, spec_for, spells_from

from cxlink.cohort.count.spells import PersonPeriods, Spells, merged_over_strata, person_periods
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.survival.proportional_hazards.effect_shapes import FOLDS, predictions
from cxlink.survival.proportional_hazards.hazard_draws import estimated
from cxlink.survival.proportional_hazards.hazard_fit import HazardFit, fit_hazards
from cxlink.survival.proportional_hazards.hazard_requests import hazard_requests
from cxlink.survival.proportional_hazards.proportionality import Proportionality, proportionality, trend


def _judged(spells: Spells, spec: CohortSpec) -> Proportionality:
    found = proportionality(spells, spec, hazard_requests(spells, spec)[-1])
    assert found is not None
    return found


def _drawn(n: int, log_ratio: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Scores 1 to 5 without confounding; ``log_ratio`` of each score (row) in each of nine periods (column)."""
    score = rng.integers(1, 6, n)
    hazard = -np.expm1(-0.12 * np.exp(log_ratio[score - 1]))
    lost = rng.random((n, 9)) < hazard
    stay = np.where(lost.any(axis=1), lost.argmax(axis=1) + 1, 99)
    seen = rng.integers(7, 10, n)
    return pd.DataFrame({
        "score": score, "plan": "x", "exit": np.minimum(stay, seen), "cause": np.where(stay <= seen, "lost", ""),
    })  # fmt: skip


def test_the_interaction_is_that_of_statsmodels_with_a_covariate_that_varies() -> None:
    rows, spec = random_rows(21, 700, strata=2), spec_for(horizon=4, adjust=("plan",))
    rows = rows[rows["exit"] > 0]
    mine = _judged(spells_from(rows, spec), spec)
    best = rows[rows["score"] >= 4]["score"].mean() - 1
    last = int(rows.loc[rows["cause"] != "", "exit"].max())
    outcome, design, who = [], [], []
    for customer, row in enumerate(rows.to_dict("records")):
        for t in range(1, min(row["exit"], last) + 1):
            outcome.append(float(t == row["exit"] and row["cause"] != ""))
            who.append(customer)
            dummies = [float(t == k) for k in range(1, last + 1)]
            levels = [float(row["score"] == k) for k in (2, 3, 4, 5)]
            varying = (row["score"] - 1) / best * np.log(t)
            design.append([*dummies, *levels, float(row["plan"] == "y"), varying])
    family = sm.families.Binomial(sm.families.links.CLogLog())
    theirs = sm.GLM(np.array(outcome), np.array(design), family).fit(
        tol=1e-14, maxiter=300, cov_type="cluster",
        cov_kwds={"groups": np.array(who), "use_correction": False},
    )  # fmt: skip
    assert np.log(mine.per_doubling.estimate) == pytest.approx(theirs.params[-1] * np.log(2), abs=1e-8)
    assert mine.per_doubling.z == pytest.approx(theirs.tvalues[-1], abs=1e-6)
    assert mine.per_doubling.p == pytest.approx(theirs.pvalues[-1], abs=1e-8)
    low, high = np.exp(np.log(2) * theirs.conf_int()[-1])
    assert (mine.per_doubling.conf_low, mine.per_doubling.conf_high) == pytest.approx((low, high), abs=1e-8)


def test_a_proportional_truth_is_called_so_and_a_fading_one_is_not() -> None:
    rng, spec = np.random.default_rng(22), spec_for(horizon=6)
    steps = np.arange(5)[:, None] - 2.0
    constant = _judged(spells_from(_drawn(20_000, -0.3 * steps * np.ones(9), rng), spec), spec)
    assert constant.per_doubling.conf_low < 1 < constant.per_doubling.conf_high
    assert abs(constant.shifts[0].moved) < 0.01
    # the ratio of best to worst, 3.5 steps apart, goes to 1 with log t: × e^(0.3 · 3.5 · log 2 / log 9)
    fading = _judged(
        spells_from(_drawn(20_000, -0.6 * steps * (1 - np.log(np.arange(1, 10)) / np.log(9)), rng), spec),
        spec,
    )
    truth = np.exp(0.6 * 3.5 * np.log(2) / np.log(9))
    error = np.log(fading.per_doubling.estimate) / fading.per_doubling.z
    assert np.log(fading.per_doubling.estimate) == pytest.approx(np.log(truth), abs=4 * error)
    assert fading.per_doubling.conf_low > 1


def test_what_a_changing_ratio_would_be_beyond_follow_up_by_hand() -> None:
    """Ten of score 1 are followed for four periods, of score 5 for six: from 4 to 8 time doubles, to 16 twice."""
    rows = cell_rows(
        (1, "x", 1, True, 40), (1, "x", 2, True, 10), (1, "x", 4, False, 10), (1, "x", 5, False, 9),
        (5, "x", 1, True, 10), (5, "x", 2, True, 30), (5, "x", 6, False, 60),
    )  # fmt: skip
    spec = spec_for(horizon=4, contrasts=["5:1"], tenure_horizons=[8, 16])
    mine = _judged(spells_from(rows, spec), spec)
    doubling = mine.per_doubling
    assert mine.followed == 4
    assert [shift.horizon for shift in mine.shifts] == [4]
    assert list(mine.ahead) == [8, 16]
    for horizon, power in ((8, 1), (16, 2)):
        found = mine.ahead[horizon]
        assert (found.estimate, found.conf_low, found.conf_high) == pytest.approx(
            tuple(x**power for x in (doubling.estimate, doubling.conf_low, doubling.conf_high))
        )


def test_what_the_interaction_does_to_retention_is_the_difference_of_two_contrasts() -> None:
    """Scores 1 and 5 apart in two periods each: with the interaction the model is saturated, S is Kaplan–Meier's."""
    rows = cell_rows(
        (1, "x", 1, True, 40), (1, "x", 2, True, 10), (1, "x", 2, False, 50),
        (5, "x", 1, True, 10), (5, "x", 2, True, 30), (5, "x", 2, False, 60),
    )  # fmt: skip
    spec = spec_for(horizon=2, contrasts=["5:1"])
    mine = _judged(spells_from(rows, spec), spec)
    (only,) = mine.shifts
    assert only.horizon == 2
    assert only.contrast + only.moved == pytest.approx(0.6 - 0.5, abs=1e-9)
    plain = fit_hazards(merged_over_strata(person_periods(spells_from(rows, spec))))
    assert isinstance(plain, HazardFit)
    total = estimated(plain).cumulative[0, 2] * np.exp(plain.design.matrix @ plain.solution.beta)
    assert only.contrast == pytest.approx(np.exp(-total[1]) - np.exp(-total[0]), abs=1e-12)


@pytest.mark.parametrize(
    "rows",
    [
        cell_rows((3, "x", 2, True, 10), (3, "x", 4, False, 10)),
        cell_rows((1, "x", 1, True, 5), (1, "x", 1, False, 5), (5, "x", 1, True, 2), (5, "x", 1, False, 5)),
    ],
    ids=["one level", "one period"],
)
def test_proportionality_is_not_judged_where_it_cannot_be(rows: pd.DataFrame) -> None:
    spec = spec_for(horizon=2)
    spells = spells_from(rows, spec)
    assert proportionality(spells, spec, hazard_requests(spells, spec)[-1]) is None


def test_the_trend_is_walds_test_of_the_linear_effect_in_either_direction() -> None:
    periods = person_periods(spells_from(random_rows(23, 900, strata=2), spec_for(adjust=("plan",))))
    fit, found = fit_hazards(periods, "linear"), trend(periods, 0.9)
    assert isinstance(fit, HazardFit)
    assert found is not None
    beta, error = fit.solution.beta[0], fit.standard_errors[0]
    assert found.z == pytest.approx(beta / error, abs=1e-12)
    assert found.estimate == pytest.approx(np.exp(beta), abs=1e-12)
    assert found.conf_low == pytest.approx(np.exp(beta - 1.6448536269514722 * error), abs=1e-10)
    assert found.conf_high == pytest.approx(np.exp(beta + 1.6448536269514722 * error), abs=1e-10)
    turned = random_rows(23, 900, strata=2).assign(score=lambda rows: 6 - rows["score"])
    back = trend(person_periods(spells_from(turned, spec_for(adjust=("plan",)))), 0.9)
    assert back is not None
    assert (back.estimate, back.z) == pytest.approx((1 / found.estimate, -found.z), abs=1e-9)
    assert trend(person_periods(spells_from(turned.assign(score=3), spec_for())), 0.9) is None


def test_held_out_log_scores_are_those_of_single_customers() -> None:
    """Each customer of each fold predicted one by one from a fit to the other folds."""
    spells = spells_from(random_rows(24, 400, strata=2, late=True), spec_for(adjust=("plan",), late=True))
    found = predictions(spells, np.random.default_rng(5))
    folds = np.random.default_rng(5).multinomial(spells.n, np.full(FOLDS, 1 / FOLDS))
    for effect, mine in ((one.effect, one) for one in found):
        scores: list[float] = []
        free: list[float] = []
        for fold in range(FOLDS):
            train = _without(spells, folds[:, fold])
            for name, into in ((effect, scores), ("levels", free)):
                fit = fit_hazards(train, name)  # type: ignore[arg-type]
                assert isinstance(fit, HazardFit)
                into += _each(spells, folds[:, fold], fit)
        assert mine.per_customer == pytest.approx(np.mean(scores), abs=1e-10)
        gain = np.subtract(scores, free)
        assert mine.gain == pytest.approx(gain.mean(), abs=1e-10)
        assert mine.std_error == pytest.approx(gain.std(ddof=1) / np.sqrt(len(gain)), abs=1e-10)


def _without(spells: Spells, held: np.ndarray) -> PersonPeriods:
    return person_periods(replace(spells, n=spells.n - held))


def _each(spells: Spells, held: np.ndarray, fit: HazardFit) -> list[float]:
    draws, n_strata = estimated(fit), len(spells.strata)
    step = np.diff(draws.cumulative[0])
    scores = []
    for i in np.flatnonzero(held):
        level, stratum = spells.level[spells.pair[i]], spells.stratum[spells.pair[i]]
        hazard = -np.expm1(-step * np.exp(fit.design.matrix[level * n_strata + stratum] @ draws.beta[0]))
        total = 0.0
        for t in range(spells.entry[i], spells.exit[i]):
            gone = spells.cause[i] > 0 and t == spells.exit[i] - 1
            if fit.informative[t]:
                total += np.log(hazard[t]) if gone else np.log1p(-hazard[t])
        scores += [total] * int(held[i])
    return scores


def test_the_right_shape_predicts_best() -> None:
    rng = np.random.default_rng(25)
    steps = np.arange(5)[:, None] - 2.0
    line = {
        s.effect: s
        for s in predictions(spells_from(_drawn(4000, -0.3 * steps * np.ones(9), rng), spec_for()), rng)
    }
    assert line["linear"].gain > -2 * line["linear"].std_error
    bent = {
        s.effect: s
        for s in predictions(spells_from(_drawn(8000, 0.25 * steps**2 * np.ones(9), rng), spec_for()), rng)
    }
    assert bent["linear"].gain < -4 * bent["linear"].std_error
    assert bent["monotone"].gain < -4 * bent["monotone"].std_error
    assert bent["spline"].gain > bent["linear"].gain
    assert bent["levels"].gain == bent["levels"].std_error == 0


def test_two_levels_have_one_shape() -> None:
    rows = random_rows(26, 500).assign(score=lambda r: np.where(r["score"] > 3, 5, 1))
    for one in predictions(spells_from(rows, spec_for()), np.random.default_rng(1)):
        assert one.gain == pytest.approx(0, abs=1e-12)


def test_folds_that_cannot_be_fitted_give_no_comparison() -> None:
    rows = cell_rows((1, "x", 1, True, 1), (5, "x", 1, False, 1))
    assert predictions(spells_from(rows, spec_for()), np.random.default_rng(1)) == []

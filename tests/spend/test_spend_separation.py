"""Regressions of spend where nobody, everybody or one customer spent, where cells are empty, and under refunds."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from spenders import PLANS, cells_of, counted, question_of, spending

from cxlink.cohort.count.spells import spells_of
from cxlink.spend.estimating_equations import POISSON
from cxlink.spend.fitted_regressions import NoSpendFit, SpendFit
from cxlink.spend.means import MeanSpend
from cxlink.spend.regressions import fit_poisson, fit_spend
from cxlink.spend.sandwich import stacked
from cxlink.spend.solve import Sums, solve
from cxlink.spend.spend_design import additive, independent, separated
from cxlink.spend.standardised_means import SpendQuestion, group_means, inestimable_groups, spend_question

MODELS = ("poisson", "gamma", "two_part", "log_ols")


@pytest.fixture
def rows() -> pd.DataFrame:
    return spending(2, 1500)


def answers(question: SpendQuestion, refunds: bool = False) -> dict[str, tuple[SpendFit, MeanSpend]]:
    found = {}
    for fit in fit_spend(question.cells, question.effect, refunds):
        assert isinstance(fit, SpendFit), fit
        found[fit.model] = fit, group_means(fit, question, np.random.default_rng(5))
    return found


def of(means: MeanSpend, group: str) -> tuple[float, float, float]:
    g = means.groups.index(group)
    low, high = np.quantile(means.draws[:, g], [0.025, 0.975])
    return float(means.point[g]), float(low), float(high)


def test_a_level_that_spent_nothing_is_held_by_half_a_spender(rows: pd.DataFrame) -> None:
    rows.loc[rows["score"] == 1, "spend"] = rows.loc[rows["score"] == 1, "spend"] * 0
    question = question_of(rows)
    n = int(rows.loc[rows["score"] == 1, "spend"].notna().sum())
    positive = float(rows.loc[rows["spend"] > 0, "spend"].mean())
    share = stats.beta(0.5, n + 0.5)  # what the saturated means draw
    for fit, means in answers(question).values():
        assert fit.penalised == ("1",)
        point, low, high = of(means, "1")
        assert 0 < low < point < high
        assert point == pytest.approx(positive * 0.5 / n, rel=0.25)
        assert high == pytest.approx(positive * share.ppf(0.975), rel=0.25)
        assert means.draws[:, means.groups.index("1")].mean() == pytest.approx(
            positive * share.mean(), rel=0.25
        )


def test_the_curvature_of_the_penalised_likelihood_is_its_variance() -> None:
    # three customers who spent nothing, beside forty who spent 25 between them, in units of an amount
    sums = Sums(np.array([3.0, 40.0]), np.array([0.0, 25.0]), np.array([0.0, 30.0]))
    equation = solve(POISSON, np.eye(2), sums)
    objective, theta = equation.objective, equation.theta
    (penalty,) = objective.penalties
    assert penalty.centre == pytest.approx(np.log(25 / 43), abs=1e-12)
    moves = np.array([[1e-3, 0.0], [-1e-3, 0.0]])
    up, down = (objective.value(theta + move) for move in moves)
    information = -(up + down - 2 * objective.value(theta)) / 1e-6
    covariance = stacked([equation], {}, {}).covariance
    assert covariance[0, 0] == pytest.approx(1 / information, rel=1e-5)
    # 3·e^η + e^β/(1 + e^β) = ½ and the variance of the other level is s²/n relative to its mean
    assert objective.gradient(theta) == pytest.approx([0, 0], abs=1e-9)
    assert covariance[1, 1] == pytest.approx((30 - 25**2 / 40) / 39 / 40 / (25 / 40) ** 2, rel=1e-10)


def test_the_other_levels_hardly_notice_it(rows: pd.DataFrame) -> None:
    nothing = rows.assign(spend=rows["spend"].where(rows["score"] > 1, rows["spend"] * 0))
    found = []
    for table in (nothing, rows[rows["score"] > 1]):
        cells = cells_of(table)
        fit = fit_poisson(cells)
        assert isinstance(fit, SpendFit)
        at = fit.terms[0].design.rows(cells)[[cells.levels[level] > 1 for level in cells.level]]
        found.append((at @ fit.stack.theta[0], np.sqrt(np.sum((at @ fit.stack.covariance) * at, axis=1))))
    (ours, error), (theirs, expected) = found
    assert np.abs(ours - theirs).max() < 0.1 * expected.min()
    assert error == pytest.approx(expected, rel=0.01)


def test_a_category_that_spent_nothing(rows: pd.DataFrame) -> None:
    rows.loc[rows["plan"] == "y", "spend"] *= 0
    question = question_of(rows)
    mean = rows[(rows["score"] == 3) & (rows["plan"] != "y")]["spend"].mean()
    for fit, means in answers(question).values():
        assert fit.penalised == ("plan=y",)
        point, low, high = of(means, "3")
        assert 0.3 * mean < low < point < high < 1.5 * mean


def test_levels_and_categories_that_spent_nothing_at_once(rows: pd.DataFrame) -> None:
    rows.loc[(rows["plan"] == "y") | (rows["score"] == 2), "spend"] *= 0
    for fit, means in answers(question_of(rows)).values():
        assert fit.penalised == ("2", "plan=y")
        assert np.isfinite(means.draws[:, list(means.own)]).all()
        assert of(means, "2")[2] < 2 < of(means, "3")[1]


def test_a_level_in_which_everybody_spent(rows: pd.DataFrame) -> None:
    rows.loc[rows["score"] == 1, "spend"] += 5
    found = answers(question_of(rows))
    assert [fit.penalised for fit, _ in found.values()] == [(), (), ("1",), ("1",)]
    whole = of(found["poisson"][1], "1")
    for _, means in found.values():
        assert of(means, "1") == pytest.approx(whole, rel=0.05)


def test_everybody_spent(rows: pd.DataFrame) -> None:
    rows["spend"] += 5
    found = answers(question_of(rows))
    gamma, parts = found["gamma"][0], found["two_part"][0]
    assert len(parts.terms) == 1
    assert parts.stack.theta[0] == pytest.approx(gamma.stack.theta[0], abs=1e-10)
    assert parts.stack.covariance == pytest.approx(gamma.stack.covariance, rel=1e-9)
    assert len(found["log_ols"][0].terms) == 2


def test_one_customer_takes_the_spread_of_the_others(rows: pd.DataFrame) -> None:
    first = rows[(rows["score"] == 1) & (rows["spend"] > 0)].index[0]
    question = question_of(rows[(rows["score"] > 1) | (rows.index == first)])
    for fit, means in answers(question).values():
        point, low, high = of(means, "1")
        assert low < point / 3
        assert high > 3 * point
        if fit.model in ("poisson", "gamma"):  # the plain sandwich says next to nothing
            at = fit.terms[0].design.rows(question.cells)[question.cells.level == 0][0]
            # relative variance of one customer: φ/μ of the Poisson in its unit, φ of the gamma
            mean = np.exp(at @ fit.stack.theta[0]) if fit.model == "poisson" else 1.0
            dispersion = fit.dispersion / (fit.unit if fit.model == "poisson" else 1.0)
            assert at @ fit.stack.covariance @ at == pytest.approx(dispersion / mean, rel=0.02)
            assert at @ fit.stack.plain @ at < 1e-10


def test_one_spender_of_many(rows: pd.DataFrame) -> None:
    spent = rows[(rows["score"] == 1) & (rows["spend"] > 0)].index
    rows.loc[spent[1:], "spend"] = 0.0
    for fit, means in answers(question_of(rows)).values():
        assert fit.penalised == ()
        point, low, high = of(means, "1")
        assert 0 < low < point / 3 < point < high < 40 * point


def test_equal_amounts_leave_the_shares_uncertain_alone(rows: pd.DataFrame) -> None:
    equal = rows.assign(spend=rows["spend"].where(~(rows["spend"] > 0), 7.77))
    for _, means in answers(question_of(equal)).values():
        point, low, high = of(means, "3")
        assert low < point - 0.1 < point + 0.1 < high < 7.77
    for _, means in answers(question_of(rows.assign(spend=7.77))).values():
        assert of(means, "3") == pytest.approx((7.77, 7.77, 7.77), abs=1e-6)


def test_an_empty_combination_beside_one_that_spent_nothing(rows: pd.DataFrame) -> None:
    few = rows[rows["score"].isin([1, 2]) & rows["plan"].isin(["x", "y"])]
    few = few[~((few["score"] == 2) & (few["plan"] == "y"))].copy()
    few.loc[(few["score"] == 1) & (few["plan"] == "x"), "spend"] *= 0
    question = question_of(few, adjust=("plan",))
    poisson, gamma, *parts = fit_spend(question.cells, "levels")
    for fit in (poisson, gamma):
        assert isinstance(fit, SpendFit)
        assert fit.penalised == ("1",)
        # score 2 under plan y would run away upwards: nobody tells
        assert inestimable_groups(fit, question) == ["2"]
        means = group_means(fit, question, np.random.default_rng(1))
        shares = few["plan"].value_counts(normalize=True)
        y = few[(few["score"] == 1) & (few["plan"] == "y")]["spend"].mean()
        assert of(means, "1")[0] == pytest.approx(shares["y"] * y, rel=0.05)
        assert means.contrasts == ()
    for fit in parts:
        assert isinstance(fit, SpendFit)
        assert inestimable_groups(fit, question) == ["1", "2", "worst"]


def test_effects_that_cannot_be_told_apart_have_no_mean(rows: pd.DataFrame) -> None:
    aliased = rows[(rows["score"] == 5) == (rows["plan"] == "z")]
    question = question_of(aliased, adjust=("plan",))
    for fit, means in answers(question).values():
        assert inestimable_groups(fit, question) == ["1", "2", "3", "4", "5", "best", "worst"]
        assert means.own == ()


def test_levels_and_categories_without_windows(rows: pd.DataFrame) -> None:
    rows.loc[rows["score"] == 1, "spend"] = np.nan
    question = question_of(rows)
    for fit, means in answers(question).values():
        assert inestimable_groups(fit, question) == ["1", "worst"]
        assert "1" not in [means.groups[g] for g in means.own]
        assert "4" in [means.groups[g] for g in means.own]
    rows.loc[(rows["score"] == 5) & (rows.index % 2 == 0), "spend"] = np.nan
    alone = question_of(rows, adjust=())
    for _, means in answers(alone).values():
        assert [means.groups[g] for g in means.own] == ["2", "3", "4", "5", "best", "all"]
        # bands of unadjusted means weigh levels by the customers whose window was over
        assert of(means, "best")[0] == pytest.approx(rows.loc[rows["score"] >= 4, "spend"].mean(), rel=1e-10)
        assert of(means, "all")[0] == pytest.approx(rows["spend"].mean(), rel=1e-10)


def test_one_level_and_constant_columns(rows: pd.DataFrame) -> None:
    rows["region"] = "n"
    for _, means in answers(question_of(rows[rows["score"] == 3])).values():
        assert [means.groups[g] for g in means.own] == ["3"]
        assert np.isfinite(means.draws[:, list(means.own)]).all()
    constant = answers(question_of(rows.assign(plan="x")))
    none = answers(question_of(rows, adjust=()))
    for model in MODELS:
        assert constant[model][1].labels["adjusted"] == "no"
        assert of(constant[model][1], "best") == of(none[model][1], "best")


@pytest.mark.parametrize(
    ("spend", "reasons"),
    [
        (0.0, {"nothing_net", "nobody_spent"}),
        (np.nan, {"no_complete_window"}),
    ],
)
def test_cohorts_without_spend_have_no_models(rows: pd.DataFrame, spend: float, reasons: set[str]) -> None:
    fits = fit_spend(question_of(rows.assign(spend=spend)).cells, "levels")
    assert {fit.reason for fit in fits if isinstance(fit, NoSpendFit)} == reasons
    assert [fit.model for fit in fits] == list(MODELS)


def test_one_customer_in_all_who_spent() -> None:
    one = spending(2, 60)
    one = one[one["spend"] > 0].iloc[:1]
    for _, means in answers(question_of(one)).values():
        point, low, high = of(means, str(one["score"].iloc[0]))
        assert point == pytest.approx(one["spend"].iloc[0], rel=1e-9)
        assert 0 < low < point < high < np.inf


def test_refunds_leave_the_poisson_alone(rows: pd.DataFrame) -> None:
    rows.loc[rows.index % 7 == 0, "spend"] -= 20
    question = question_of(rows, refunds=True)
    poisson, *others = fit_spend(question.cells, "levels", refunds=True)
    assert isinstance(poisson, SpendFit)
    assert [fit.reason for fit in others if isinstance(fit, NoSpendFit)] == ["refunds"] * 3
    whole = rows.dropna(subset=["spend"])
    score = [whole.loc[whole["score"] == level, "spend"].sum() for level in range(1, 6)]
    # the score equations: fitted and observed totals agree in every level
    fitted = np.exp(poisson.terms[0].design.rows(question.cells) @ poisson.stack.theta[0]) * poisson.unit
    assert np.bincount(question.cells.level, question.cells.n * fitted) == pytest.approx(score, rel=1e-9)


def test_refunds_over_spend_in_a_level_are_refused(rows: pd.DataFrame) -> None:
    rows.loc[rows["score"] == 1, "spend"] -= 100
    found = fit_poisson(question_of(rows, refunds=True).cells)
    assert isinstance(found, NoSpendFit)
    assert found.reason == "nothing_net_somewhere"
    rows["spend"] -= 100
    found = fit_poisson(question_of(rows, refunds=True).cells)
    assert isinstance(found, NoSpendFit)
    assert found.reason == "nothing_net"


def test_cells_that_separate_are_found_by_hand() -> None:
    # scores 1 and 2, plans x and y; nobody is in (2, y), nobody spent in (1, x)
    rows = np.array([[1, 0, 0], [1, 0, 1], [0, 1, 0]], dtype=float)
    assert separated(rows, np.array([-1, 0, 0])).tolist() == [True, False, False]
    full = np.vstack([rows, [0, 1, 1]])
    assert separated(full, np.array([-1, 0, 0, 0])).tolist() == [False] * 4
    # for a logit, everybody in (1, y) and nobody in (1, x)
    assert separated(full, np.array([-1, 1, 0, 0])).tolist() == [False] * 4
    assert separated(full, np.array([-1, 1, -1, 0])).tolist() == [True, True, True, False]
    assert independent(np.array([[1, 0, 1, 1], [0, 1, 1, 0.0]])).tolist() == [0, 1]


def test_the_reference_category_is_the_one_that_tells_most(rows: pd.DataFrame) -> None:
    rows.loc[rows["plan"] != "y", "spend"] *= 0
    names = additive(cells_of(rows), "levels").names
    assert "plan=y" not in names
    assert {"plan=x", "plan=z"} <= set(names)


def test_the_headline_can_stand_on_the_additive_model(rows: pd.DataFrame) -> None:
    some = rows[~((rows["score"] == 1) & (rows["plan"] != "x"))]  # worst customers in one plan alone
    counts = counted(some)
    question = spend_question(counts, spells_of(counts))
    fit = fit_poisson(question.cells, question.effect)
    assert isinstance(fit, SpendFit)
    means = group_means(fit, question, np.random.default_rng(1))
    own = [means.groups[g] for g in means.own]
    assert {"worst", "best"} <= set(own)
    assert (means.groups[means.contrasts[0][0]], means.groups[means.contrasts[0][1]]) == ("best", "worst")
    nobody = counted(some.assign(spend=0.0))
    assert not isinstance(fit_poisson(spend_question(nobody, spells_of(nobody)).cells, "levels"), SpendFit)


def test_the_truth_is_found_under_heavy_tails() -> None:
    rng = np.random.default_rng(20260)
    n = 200_000
    plan, region = rng.integers(0, 3, n), rng.integers(0, 2, n)
    score = np.clip(np.round(2.2 + 0.8 * plan + 1.4 * rng.standard_normal(n)), 1, 5).astype(int)
    effect = np.exp(0.12 * score + np.array([0.0, 0.9, 1.5])[plan] + 0.3 * region)
    spread = 0.8 + 0.1 * score  # log-normal, wider for high scores
    amount = np.exp(3 + spread * rng.standard_normal(n) - spread**2 / 2) * effect
    rows = pd.DataFrame({
        "score": score, "plan": np.array(list("abc"))[plan], "region": np.array(list("no"))[region],
        "entry": 0, "exit": 6, "cause": "", "spend": np.where(rng.random(n) < 0.4, 0.0, amount),
    })  # fmt: skip
    other = np.mean(np.exp(np.array([0.0, 0.9, 1.5])[plan] + 0.3 * region))
    truth = {level: 0.6 * np.exp(3 + 0.12 * level) * other for level in range(1, 6)}
    for model, (_, means) in answers(question_of(rows, adjust=PLANS)).items():
        for level, expected in truth.items():
            g = means.groups.index(str(level))
            assert abs(means.point[g] - expected) < 4 * means.draws[:, g].std(), (model, level)
        a, b = (means.groups.index(str(level)) for level in (5, 1))
        ratio, error = means.point[a] / means.point[b], (means.draws[:, a] / means.draws[:, b]).std()
        assert abs(ratio - np.exp(0.48)) < 4 * error, model
        assert error < 0.1
    naive = rows[rows["score"] == 5]["spend"].mean() / rows[rows["score"] == 1]["spend"].mean()
    assert naive > np.exp(0.48) + 10 * error  # there is something to adjust for

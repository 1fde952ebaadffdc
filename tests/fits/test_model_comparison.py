"""Models compared out of sample: scores by hand, folds that hold everybody once, and the flexible rival."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_poisson_deviance
from subscribers import cohort_of_subscribers, subscribers

import cxlink
from cxlink.cohort.errors import InputError
from cxlink.fits.formulas.formula import parse_formula
from cxlink.fits.formulas.model_cells import ModelCells, model_cells
from cxlink.fits.model_comparison import _folds
from cxlink.fits.scores import scores_of
from cxlink.fits.spend_comparison import spenders


def cells_of(rows: list[tuple[int, int, int]]) -> ModelCells:
    """Score, months and whether lost, each a customer."""
    frame = pd.DataFrame(rows, columns=["score", "months", "left"]).assign(spend=1.0)
    return model_cells(cohort_of_subscribers(frame), parse_formula("score"))


def test_the_log_score_by_hand() -> None:
    cells = cells_of([(1, 2, 1), (1, 3, 0), (5, 1, 1)])
    hazard = np.array([[0.2, 0.3, 0.1], [0.05, 0.1, 0.2]])
    log_s = np.concatenate([np.zeros((2, 1)), np.cumsum(np.log1p(-hazard), axis=1)], axis=1)
    by_hand = np.log(0.8 * 0.3) + np.log(0.8 * 0.7 * 0.9) + np.log(0.05)
    assert scores_of(cells, log_s, 3)["log_score"] == pytest.approx(by_hand / 3, abs=1e-12)


@pytest.mark.filterwarnings("ignore:score is")  # one score is what is wanted here
def test_the_brier_score_by_hand() -> None:
    # four customers: followed for 1 month; for 3, lost in the second; for 3; for 3, lost in the first
    cells = cells_of([(1, 1, 0), (1, 2, 1), (1, 3, 0), (1, 1, 1)])
    log_s = np.log(np.array([[1.0, 0.9, 0.7, 0.6]]))
    # the share followed for two months and longer: of the three that the first month left, one ended there
    seen = 2 / 3
    by_hand = ((0 - 0.7) ** 2 * (1 / seen + 1 / 1.0) + (1 - 0.7) ** 2 / seen) / 4
    assert scores_of(cells, log_s, 2)["brier"] == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.filterwarnings("ignore:score is")  # one score is what is wanted here
def test_the_brier_score_of_the_truth_is_its_variance() -> None:
    rng, n = np.random.default_rng(3), 40_000
    period, follow = rng.geometric(0.1, n), rng.integers(2, 13, n)
    rows = zip(np.full(n, 3), np.minimum(period, follow), (period <= follow).astype(int), strict=True)
    cells = cells_of(list(rows))
    log_s = np.log(0.9) * np.arange(13.0)[None]
    truth = 0.9**6 * (1 - 0.9**6)
    # weights of up to 2 and a share of some .5: standard error under .002
    assert scores_of(cells, log_s, 6)["brier"] == pytest.approx(truth, abs=0.008)


def test_folds_hold_everybody_once() -> None:
    cells = model_cells(cohort_of_subscribers(), parse_formula("score + plan"))
    parts = np.array(_folds(cells, 5))
    np.testing.assert_array_equal(parts.sum(axis=0), cells.n)
    assert (np.abs(parts.sum(axis=1) - 300) < 4 * np.sqrt(1500 * 0.2 * 0.8)).all()


@pytest.mark.long
def test_the_model_with_the_true_terms_predicts_better() -> None:
    cohort = cohort_of_subscribers(subscribers(2000, seed=7))
    table = cxlink.compare_models(
        cxlink.hazards(cohort, "plan"), cxlink.hazards(cohort, "score + plan + visits")
    )
    assert list(table["model"]) == ["grouped_ph", "grouped_ph", "gradient_boosting"]
    assert table.loc[1, "difference"] > 4 * table.loc[1, "std_error"] > 0
    assert table.loc[1, "brier"] < table.loc[0, "brier"]
    # with hazards that are proportional in truth there is nothing left to find
    assert table.loc[2, "log_score"] < table.loc[1, "log_score"]


def test_models_of_different_cohorts_are_refused() -> None:
    models = [cxlink.hazards(cohort_of_subscribers(subscribers(n))) for n in (300, 400)]
    with pytest.raises(InputError, match="of different cohorts"):
        cxlink.compare_models(*models)
    with pytest.raises(InputError, match="at least one model"):
        cxlink.compare_models()
    cohort = cohort_of_subscribers(subscribers(300))
    with pytest.raises(InputError, match=r"'score' lacks plan\. Give one that has them all"):
        cxlink.compare_models(cxlink.hazards(cohort), cxlink.hazards(cohort, "plan"))


def test_equal_models_score_the_same_on_the_same_folds() -> None:
    cohort = cohort_of_subscribers(subscribers(800))
    table = cxlink.compare_models(
        cxlink.hazards(cohort, "score"), cxlink.hazards(cohort, "score + plan"), cxlink.hazards(cohort, "score"),
        rival=False,
    )  # fmt: skip
    assert table.loc[2, "difference"] == 0
    assert table.loc[2, "log_score"] == table.loc[0, "log_score"]


def test_regressions_of_spend_on_folds_by_hand() -> None:
    """Means by score of the other folds, fold by fold; deviance and squared errors by scikit-learn on the rows."""
    frame = subscribers(60, seed=3)
    cohort = cohort_of_subscribers(frame)
    constant, by_score = (cxlink.spend_regression(cohort, formula) for formula in ("1", "score"))
    table = cxlink.compare_models(constant, by_score, folds=3, rival=False)
    cells = spenders(by_score)
    level = cells.profiles["score"].astype(int).to_numpy()[cells.profile]
    amount = cells.spend["spend_sum"] / cells.n
    np.testing.assert_allclose(np.sort(np.repeat(amount, cells.n.astype(int))), np.sort(frame["spend"]))
    deviances, shares = [], []
    for part in _folds(cells, 3):
        rest = cells.n - part
        means = [rest @ amount / rest.sum() * np.ones(len(amount))]
        by_level = {k: (rest * amount)[level == k].sum() / rest[level == k].sum() for k in set(level)}
        means.append(np.array([by_level[k] for k in level]))
        deviances.append([mean_poisson_deviance(amount, mean, sample_weight=part) for mean in means])
        shares.append([
            1 - (part @ (amount - mean) ** 2) / (part @ (amount - means[0]) ** 2) for mean in means
        ])  # fmt: skip
    np.testing.assert_allclose(table["poisson_deviance"], np.mean(deviances, axis=0), rtol=1e-6)
    np.testing.assert_allclose(table["r_squared"], np.mean(shares, axis=0), rtol=1e-6, atol=1e-12)
    difference = np.diff(deviances, axis=1)[:, 0]
    assert table.loc[1, "difference"] == pytest.approx(difference.mean(), rel=1e-6)
    assert table.loc[1, "std_error"] == pytest.approx(difference.std(ddof=1) / np.sqrt(3), rel=1e-6)


@pytest.mark.long
def test_the_regression_with_the_true_terms_predicts_better_than_none_and_as_well_as_the_rival() -> None:
    rng, n = np.random.default_rng(5), 3_000
    frame = subscribers(n, seed=5)
    mean = 20 * np.exp(0.3 * frame["score"] + 0.5 * (frame["plan"] == "pro"))
    frame["spend"] = np.round(mean * rng.gamma(2, 0.5, n) * (rng.random(n) < 0.8), 2)
    cohort = cohort_of_subscribers(frame)
    models = [
        cxlink.spend_regression(cohort, formula, family)
        for formula, family in (
            ("1", "poisson"), ("score + plan", "poisson"), ("score + plan", "two_part"), ("score + plan", "log_ols"),
        )
    ]  # fmt: skip
    table = cxlink.compare_models(*models)
    assert list(table["model"]) == ["poisson", "poisson", "two_part", "log_ols", "gradient_boosting"]
    assert table.loc[1, "difference"] < -4 * table.loc[1, "std_error"] < 0
    assert table.loc[1, "r_squared"] > 0.1 > table.loc[0, "r_squared"] == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(
        table.loc[2:3, "poisson_deviance"], table.loc[1, "poisson_deviance"], rtol=0.02
    )
    assert table.loc[4, "poisson_deviance"] > table.loc[1, "poisson_deviance"]
    same = cxlink.compare_models(models[1], models[1], rival=False)
    assert same.loc[1, "difference"] == 0


def test_what_cannot_be_compared_of_spend_is_refused() -> None:
    cohort = cohort_of_subscribers(subscribers(300))
    spend = cxlink.spend_regression(cohort, "score")
    with pytest.raises(InputError, match="no score in common"):
        cxlink.compare_models(spend, cxlink.hazards(cohort))
    with pytest.raises(InputError, match="counts do not say what single customers spent"):
        cxlink.compare_models(cxlink.spend_regression(cohort.count(), "score"))


def test_models_of_cohorts_of_equal_size_are_told_apart_by_their_customers() -> None:
    frame = subscribers(300, seed=4)
    cohort, other = cohort_of_subscribers(frame), cohort_of_subscribers(subscribers(300, seed=5))
    richer = cohort_of_subscribers(frame.assign(spend=frame["spend"] + 1))
    moved = cohort_of_subscribers(frame.assign(score=frame["score"] % 5 + 1))
    for one, theirs in ((other, "score"), (other, "1"), (moved, "score")):
        with pytest.raises(InputError, match="of different cohorts"):
            cxlink.compare_models(
                cxlink.hazards(cohort, "score + plan"), cxlink.hazards(one, theirs), rival=False
            )
    with pytest.raises(InputError, match="of different cohorts"):
        cxlink.compare_models(
            cxlink.spend_regression(cohort, "score"), cxlink.spend_regression(richer, "1"), rival=False
        )
    # the same customers read again, by an effect of the score that is another
    linear = cohort_of_subscribers(frame, score={"column": "score", "scale": "1-5", "effect": "linear"})
    models = (
        cxlink.hazards(cohort, "score + plan"),
        cxlink.hazards(linear, "score"),
        cxlink.aft(cohort, "plan"),
    )
    assert len(cxlink.compare_models(*models, folds=2, rival=False)) == 3


@pytest.mark.parametrize(
    ("folds", "message"),
    [(1, "two folds or more"), (0, "two folds or more"), (5000, "more than the 200 customers"),
     (200, "one of 200 folds has none"), (2.5, "of whole folds"), ("5", "of whole folds")],
)  # fmt: skip
def test_folds_that_customers_cannot_be_dealt_into_are_refused(folds: int, message: str) -> None:
    model = cxlink.hazards(cohort_of_subscribers(subscribers(200)))
    with pytest.raises(InputError, match=message):
        cxlink.compare_models(model, folds=folds)

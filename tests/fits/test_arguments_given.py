"""What is no cohort, model, formula or time is refused in one line that says how to come by it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from subscribers import cohort_of_subscribers, subscribers

import cxlink
from cxlink.cohort.arguments_given import whole_numbers
from cxlink.cohort.errors import InputError
from cxlink.cohort.table import Cohort
from cxlink.fits.retention_model import RetentionModel

FRAME = subscribers(200)


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return cohort_of_subscribers(FRAME)


@pytest.fixture(scope="module")
def model(cohort: Cohort) -> RetentionModel:
    return cxlink.hazards(cohort, "score + plan")


OF_COHORTS = [
    cxlink.analyse, cxlink.kaplan_meier, cxlink.hazards, cxlink.aft, cxlink.spend_regression, cxlink.posterior,
    cxlink.profile, lambda given: cxlink.pool(given, []),
]  # fmt: skip


@pytest.mark.parametrize("given", [FRAME, None], ids=["frame", "None"])
@pytest.mark.parametrize("function", OF_COHORTS)
def test_a_table_is_no_cohort(function: Callable[[Any], Any], given: Any) -> None:
    with pytest.raises(
        InputError, match=r"cohort: found .*\. Give a Cohort from cxlink\.read_cohort\(table, spec\)"
    ):
        function(given)


def test_other_arguments_of_another_type_are_refused(cohort: Cohort) -> None:
    calls: list[tuple[str, Callable[..., Any], tuple[Any, ...]]] = [
        (r"add: found a Cohort\. Give Counts from \.count\(\)", cxlink.add, (cohort, cohort)),
        (r"compare: found None\. Give Counts", cxlink.compare, (None, None)),
        (r"compare: found a Cohort\. Give Counts", cxlink.compare, ([cohort, cohort],)),
        (
            r"compare_models: found a DataFrame\. Give models from cxlink\.hazards",
            cxlink.compare_models,
            (FRAME,),
        ),
        (r"run: found None\. Give Counts .*, or a path", cxlink.value_of, (None,)),
        (r"folder: found None\. Give a path", cxlink.load_run, (None,)),
        (r"path: found None\. Give a path", cxlink.load_counts, (None,)),
        (r"spec: found a str\. Give a spec from cxlink\.read_spec", cxlink.read_cohort, (FRAME, "spec.toml")),
        (r"by: found a list\. Give text, such as 'score'", cxlink.kaplan_meier, (cohort, ["score", "plan"])),
        (r"formula: found None\. Give text, such as 'score'", cxlink.hazards, (cohort, None)),
    ]
    for message, function, arguments in calls:
        with pytest.raises(InputError, match=message):
            function(*arguments)


@pytest.mark.parametrize("choice", ["hc9", "naive", None, 7, "Robust"])
def test_a_covariance_that_is_none_is_refused(cohort: Cohort, choice: Any) -> None:
    with pytest.raises(InputError, match=f"covariance: {choice!r} is none of robust, model, jackknife"):
        cxlink.hazards(cohort, covariance=choice)
    with pytest.raises(InputError, match="no such sampler"):
        cxlink.posterior(cohort, sampler=str(choice))


def test_the_jackknife_is_of_clusters_and_is_not_the_model_s() -> None:
    rng = np.random.default_rng(4)
    frame = subscribers(600).assign(account=rng.integers(0, 150, 600))
    clustered = cohort_of_subscribers(frame)
    errors = {
        how: cxlink.hazards(clustered, "plan", covariance=how, cluster="account")
        .summary()["std_error"]
        .item()
        for how in ("robust", "jackknife")
    }
    alone = cxlink.hazards(clustered, "plan", covariance="model").summary()["std_error"].item()
    assert errors["jackknife"] != pytest.approx(alone, rel=1e-3)
    assert 1 < errors["jackknife"] / errors["robust"] < 1.1
    with pytest.raises(InputError, match=r"leaves out clusters: give cluster="):
        cxlink.hazards(clustered, "plan", covariance="jackknife")
    with pytest.raises(InputError, match="Cox's regression on rows has no"):
        fine = cohort_of_subscribers(subscribers(300, last=60, rate=0.03).assign(account=np.arange(300) % 90))
        cxlink.hazards(fine, "visits", covariance="jackknife", cluster="account")


@pytest.mark.parametrize("times", [2.5, "6", True, -1, np.nan, np.inf, [], [3, -1]])
def test_times_that_are_none_are_refused(cohort: Cohort, model: RetentionModel, times: Any) -> None:
    curves = cxlink.kaplan_meier(cohort)
    asked = [
        lambda: model.predict({"score": 3, "plan": "plus"}, times=times), lambda: curves.at(times),
        lambda: curves.restricted_mean(times), lambda: curves.difference("best", "worst", times),
        lambda: model.average(horizon=times),
    ]  # fmt: skip
    for ask in asked[: 2 if times == [] else None]:
        with pytest.raises(InputError, match="of whole months"):
            ask()


@pytest.mark.parametrize("times", [6, np.int64(6), 6.0, [6], np.array([6]), pd.Series([6]), range(6, 7)])
def test_times_of_any_kind_of_whole_number_are_taken(
    cohort: Cohort, model: RetentionModel, times: Any
) -> None:
    assert whole_numbers(times, "months") == [6]
    assert model.predict({"score": 3, "plan": "plus"}, times=times)["time"].tolist() == [6]
    assert set(cxlink.kaplan_meier(cohort).at(times)["time"]) == {6}


@pytest.mark.parametrize("score", [3, "3", 3.0, np.int32(3)])
def test_a_score_is_the_same_however_it_is_written(model: RetentionModel, score: Any) -> None:
    mine, other = (
        model.predict({"score": one, "plan": "plus"}, times=6)["estimate"].item() for one in (score, 3)
    )
    assert mine == other


@pytest.mark.parametrize("score", [2.5, "2.5", True, np.bool_(True), None, np.nan, np.inf, "three", 6])
def test_a_score_that_nobody_had_is_refused_and_not_rounded(model: RetentionModel, score: Any) -> None:
    with pytest.raises(InputError, match=r"a profile has score = .*, which nobody in the cohort had"):
        model.predict({"score": score, "plan": "plus"}, times=6)
    with pytest.raises(InputError, match=r"a profile has score = .*, which nobody in the cohort had"):
        model.predict(pd.DataFrame({"score": [1, score], "plan": "plus"}), times=6)

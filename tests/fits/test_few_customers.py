"""Coefficients that rest on one account, or a few customers: an estimate without an interval, or the model's error."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clustered import account_rows, account_spec
from scipy.stats import t

from cxlink import aft, hazards, read_cohort, spend_regression
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.table import Cohort
from cxlink.groups.effective_buckets import effective_buckets

ENDS = ["std_error", "conf_low", "conf_high"]
MODELS: list[Callable[..., Any]] = [hazards, aft, spend_regression]


def one_account(accounts: int = 1, cluster: str | None = "account") -> Cohort:
    """Level 5 has six customers alone: of one account, or of as many as are asked for; all alike."""
    rows = account_rows()
    rows["score"] = rows["score"].clip(upper=4)
    rows.loc[:5, "score"], rows.loc[:5, "account"] = 5, [f"one{k % accounts}" for k in range(6)]
    rows.loc[:5, ["months", "left", "spend"]] = [6, 1, 50.0]
    return read_cohort(rows, account_spec(cluster))


@pytest.mark.parametrize("fit", MODELS)
def test_a_level_of_one_account_has_an_estimate_alone(fit: Callable[..., Any]) -> None:
    model, spend = fit(one_account(), "score + plan"), fit is spend_regression
    table = model.summary().reset_index().set_index("term")
    nothing = [*(name for name in table if name in (*ENDS, "z", "p_value"))]
    assert table.loc["score[T.5]", nothing].isna().all()
    assert np.isfinite(table.loc["score[T.5]", "coefficient"])
    assert table.drop(index="score[T.5]")[nothing].notna().all(axis=None)
    profiles = [{"score": 5, "plan": "a"}, {"score": 4, "plan": "a"}]
    shown = model.predict(profiles)
    assert shown["estimate"].notna().all()
    assert shown[ENDS].isna().all(axis=1).tolist() == [True, False]
    average = model.average("score", {"best": [5], "worst": [1], "four": [4]})
    about_five = average[["group", "reference"]].eq("best").any(axis=1)
    assert average["estimate"].notna().all()
    assert average[ENDS].isna().all(axis=1).equals(about_five)
    if not spend:
        checked = model.check()
        assert checked.loc["score[T.5]", ["conf_low", "conf_high", "p_value"]].isna().all()
        assert checked.drop(index="score[T.5]").notna().all(axis=None)
        assert model.predict(profiles, "rmst", 6)[ENDS].isna().all(axis=1).tolist() == [True, False]


def test_a_level_of_several_accounts_has_students_interval_by_its_own_buckets() -> None:
    cohort = one_account(6)
    model, buckets = hazards(cohort, "score"), effective_buckets(cohort.count())
    assert buckets is not None
    each = np.array([buckets.effective((level, "1"), "no") for level in ("2", "3", "4", "5")])
    assert each[3] < 10 < each[:3].min()
    table = model.summary()
    width = np.log(table["conf_high"] / table["hazard_ratio"]) / table["std_error"]
    np.testing.assert_allclose(width, t.isf(0.025, each), rtol=1e-9)
    np.testing.assert_allclose(table["p_value"], 2 * t.sf(np.abs(table["z"]), each), rtol=1e-9)


def lone(kind: str) -> tuple[pd.DataFrame, CohortSpec]:
    """Independent customers; in level 4 one alone has plan b, who is lost early and spends much."""
    rows = account_rows(1200, 1)
    rows.loc[rows["score"] == 4, "plan"] = "a"
    rows.loc[rows.index[rows["score"] == 4][0], ["plan", "months", "left", "spend"]] = ["b", 1, 1, 300.0]
    rows["age"] = np.random.default_rng(2).normal(40, 9, len(rows)).round(1)
    rows.loc[7, ["age", "months", "left"]] = [9000.0, 2, 1]
    return rows, account_spec("customer" if kind == "cluster" else None)


def test_an_interaction_of_one_customer_has_the_models_error_or_none() -> None:
    rows, spec = lone("independent")
    cohort = read_cohort(rows, spec)
    robust, model = (hazards(cohort, "score*plan", covariance=kind).summary() for kind in ("robust", "model"))
    term = "score[T.4]:plan[T.b]"
    # about the observed information, that of the model about the expected one
    assert robust.loc[term, "std_error"] > 0.9 * model.loc[term, "std_error"]
    others = robust.drop(index=term)
    assert np.abs(others["std_error"] / model.drop(index=term)["std_error"] - 1).max() < 0.15
    clustered = hazards(
        read_cohort(rows.assign(customer=[f"c{k}" for k in rows.index]), spec),
        "score*plan",
        cluster="customer",
    )
    assert clustered.summary()[ENDS].isna().any(axis=1).loc[lambda none: none].index.tolist() == [term]
    spend = spend_regression(cohort, "score*plan").summary().loc["amount"]
    assert spend[ENDS].isna().any(axis=1).loc[lambda none: none].index.tolist() == [term]


def test_a_number_that_one_customer_stretches_has_no_robust_interval() -> None:
    rows, spec = lone("independent")
    cohort = read_cohort(rows, spec)
    robust, model = (
        hazards(cohort, "score + age", covariance=kind).summary() for kind in ("robust", "model")
    )
    assert robust.loc["age", [*ENDS, "p_value"]].isna().all()
    assert model.loc["age", ENDS].notna().all()
    assert robust.drop(index="age")[ENDS].notna().all(axis=None)


def test_a_level_with_few_losses_has_the_error_of_an_analysis() -> None:
    rows = account_rows(1200, 1)
    rows.loc[rows["score"] == 5, "left"] = 0
    rows.loc[rows.index[rows["score"] == 5][:4], ["left", "months"]] = [1, 5]
    table, plain = (
        hazards(read_cohort(rows, account_spec(None)), "score", covariance=kind).summary()
        for kind in ("robust", "model")
    )
    assert table.loc["score[T.5]", "std_error"] == pytest.approx(
        plain.loc["score[T.5]", "std_error"], rel=5e-3
    )
    assert table.loc["score[T.5]", "std_error"] > 0.45

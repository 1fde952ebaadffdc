"""Rows and findings of the regressions of spend."""

import numpy as np
import pandas as pd
import pytest
from check_fields import check_fields

from cxlink.checks import Check, matching, once
from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.estimands.model_rows.regression_rows import agreement, spend_model_rows
from cxlink.estimands.tidy import tidy
from cxlink.report.check_notes import note

Row = dict[str, object]
MODELS = ["gamma", "log_ols", "poisson", "two_part"]


def counts_for(
    refunds: bool = False, spend: bool = True, adjust: tuple[str, ...] = ("plan",), n: int = 900
) -> Counts:
    tables: dict[str, object] = {
        "score": {"column": "s", "scale": "1-5", "worst": [1], "best": [4, 5]},
        "adjust": {"columns": list(adjust)},
        "analysis": {"draws": 500},
    }
    if spend:
        tables["spend"] = {"column": "y", "complete": True, "currency": "USD", "refunds": refunds}
    else:
        tables["subscription"] = {"duration": "d", "event": "e"}
    rng = np.random.default_rng(2)
    score, plan = rng.integers(1, 6, n), np.array(["x", "y"])[rng.integers(0, 2, n)]
    y = np.where(rng.random(n) < 0.3, 0.0, rng.lognormal(3 + 0.2 * score + 0.5 * (plan == "y"), 0.6))
    log = np.log(np.where(y > 0, y, 1.0))
    cells = pd.DataFrame({
        "score": pd.array(score, dtype="Int64"), **{f"stratum.{name}": plan for name in adjust}, "entry": 0, "exit": 0,
        "cause": "", "wave": "", "n": 1, "spend_n": 1, "spend_zero": y == 0, "spend_sum": y, "spend_sum_sq": y**2,
        "spend_sum_log": log, "spend_sum_log_sq": log**2, "spend_sum_y_log": y * log,
    }).astype({"spend_zero": int})  # fmt: skip
    return Counts(add_up(cells), make_spec(tables), Profile("rows", n, n))


def made(counts: Counts, headline: list[Row] | None = None) -> tuple[list[Row], list[Check]]:
    return spend_model_rows(counts, spells_of(counts), headline or [], np.random.default_rng([7, 4]))[:2]


def test_every_model_has_the_rows_of_the_headline() -> None:
    rows, findings = made(counts_for())
    table = tidy(rows)
    assert sorted(set(table["model"])) == MODELS
    assert set(table["adjusted"]) == {"standardised"}
    assert not table["headline"].any()
    for _, mine in table.groupby("model"):
        assert sorted(mine.loc[mine["estimand"] == "spend", "group"]) == [
            "1",
            "2",
            "3",
            "4",
            "5",
            "best",
            "worst",
        ]
        for kind in ("spend_difference", "spend_ratio"):
            groups = mine.loc[mine["estimand"] == kind, "group"]
            assert sorted(groups) == ["2", "3", "4", "5", "best"]
    assert (table[["conf_low", "std_error"]] > 0).to_numpy()[table["estimand"] == "spend"].all()
    best = table[(table["estimand"] == "spend") & (table["group"] == "best")]
    assert set(best["unit"]) == {"USD"}
    assert best["estimate"].max() / best["estimate"].min() < 1.05
    converged = matching(findings, code="converged", case="equations")
    assert sorted(check.model for check in converged) == MODELS
    assert all(check.passed for check in converged)


def test_numbers_behind_each_model() -> None:
    counts = counts_for()
    _, findings = made(counts)
    found = {(check.model, check.code): check for check in findings}
    parameters = {model: found[model, "parameters"].value for model in MODELS}
    assert parameters == {"poisson": 6, "gamma": 6, "two_part": 12, "log_ols": 17}
    zero = counts.cells["spend_zero"].sum() / counts.cells["n"].sum()
    assert found["", "spent_nothing"].value == pytest.approx(zero, abs=1e-12)
    assert found["", "spent_nothing"].facts == {"case": "customers"}
    assert all(found[model, "dispersion"].facts == {"case": model} for model in MODELS)
    assert found["log_ols", "dispersion"].value == pytest.approx(0.36, rel=0.15)  # 0.6² by construction
    assert found["two_part", "dispersion"].value == pytest.approx(np.exp(0.36) - 1, rel=0.35)
    assert found["", "variance_power"].value == pytest.approx(2, abs=0.6)
    assert len(once(findings)) == len(findings)


def test_nothing_to_standardise_over_is_not_adjusted() -> None:
    rows, _ = made(counts_for(adjust=()))
    table = tidy(rows)
    assert set(table["adjusted"]) == {"no"}
    assert "all" in set(table["group"])


def test_draws_are_the_same_twice_and_the_headline_is_not_touched() -> None:
    counts = counts_for()
    first, second = (tidy(made(counts)[0]) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)


def test_a_cohort_without_spend_has_neither_rows_nor_findings() -> None:
    assert made(counts_for(spend=False)) == ([], [])


def test_refunds_are_said_to_rule_models_out() -> None:
    rows, findings = made(counts_for(refunds=True))
    assert {row["model"] for row in rows} == {"poisson"}
    refused = sorted(matching(findings, code="not_fitted"), key=lambda check: check.model)
    assert check_fields(*refused) == check_fields(
        *[
            Check("not_fitted", model, passed=False, facts={"case": "spend", "reason": "refunds"})
            for model in ("gamma", "log_ols", "two_part")
        ]
    )
    assert note(refused[0]) == "no row: refunds make spend negative, which this model does not allow"


def test_separation_is_named() -> None:
    counts = counts_for()
    of_one = counts.cells["score"] == 1
    for name in ("spend_sum", "spend_sum_sq", "spend_sum_log", "spend_sum_log_sq", "spend_sum_y_log"):
        counts.cells.loc[of_one, name] = 0.0
    counts.cells.loc[of_one, "spend_zero"] = counts.cells.loc[of_one, "n"]
    rows, findings = made(counts)
    named = {(check.model, check.group) for check in matching(findings, code="separated", case="spend")}
    assert named == {(model, "1") for model in MODELS}
    assert {(check.model, check.group) for check in matching(findings, code="no_amounts")} == {
        ("two_part", "1"),
        ("log_ols", "1"),
    }
    assert np.isfinite(tidy(rows)[["estimate", "std_error", "conf_low", "conf_high"]]).all(axis=None)


def ratio(model: str, estimate: float, **columns: object) -> Row:
    return {"estimand": "spend_ratio", "model": model, "group": "best", "reference": "worst", "estimate": estimate,
            **columns}  # fmt: skip


def test_agreement_with_the_headline() -> None:
    rows = [ratio("poisson", 2.2), ratio("gamma", 1.7), {**ratio("gamma", 9.0), "group": "3"}]
    headline = [
        ratio("means", 2.0, headline=True, conf_low=1.8, conf_high=2.4),
        ratio("means", 5.0, headline=False),
    ]
    found = list(agreement(rows, headline, ("best", "worst")))
    assert {(check.code, check.group, check.facts["reference"]) for check in found} == {
        ("agreement", "best", "worst")
    }
    assert [(check.model, check.passed) for check in found] == [("poisson", True), ("gamma", False)]
    assert [check.value for check in found] == pytest.approx([1.1, 0.85], rel=1e-12)
    assert list(agreement(rows, [], ("best", "worst"))) == []
    endless = [ratio("means", np.inf, headline=True, conf_low=3.0, conf_high=np.inf)]
    assert list(agreement(rows, endless, ("best", "worst"))) == []


def with_amount(counts: Counts, amount: float, n: int | None = None) -> Counts:
    cells = counts.cells.copy() if n is None else counts.cells.iloc[:n].copy()
    for power, name in ((1, "spend_sum"), (2, "spend_sum_sq")):
        cells.loc[cells.index[0], name] += amount**power
    return Counts(cells, counts.spec, counts.profile)


def test_no_regression_describes_one_customer_or_fewer_than_ten() -> None:
    for counts, reason in (
        (with_amount(counts_for(), 1e9), "one_customer_spent"),
        (counts_for(n=9), "few_customers"),
    ):
        rows, findings = made(counts)
        assert rows == []
        assert [check.model for check in findings] == ["poisson", "gamma", "two_part", "log_ols"]
        for check in findings:
            facts = {"case": "spend", "reason": reason}
            assert check_fields(check) == check_fields(
                Check("not_fitted", check.model, passed=False, facts=facts)
            )
    assert "fewer than ten customers" in note(findings[0])
    # page one stands on it, so there it is
    few = counts_for(n=9)
    rows = spend_model_rows(few, spells_of(few), [], np.random.default_rng(1), leads=True)[0]
    assert "poisson" in {row["model"] for row in rows}
    # refunds: a sum may be near 0 without anybody to blame
    findings = made(with_amount(counts_for(refunds=True), 1e9))[1]
    assert "one_customer_spent" not in {check.get("reason") for check in findings}

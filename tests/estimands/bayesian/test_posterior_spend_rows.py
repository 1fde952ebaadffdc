"""Posterior draws of spend become rows and findings."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from check_fields import check_fields

from cxlink.bayes.assessment.leave_one_out import LeftOut
from cxlink.bayes.draws.posterior_means import spend_draws
from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.models.spend_posterior import sample_spend
from cxlink.bayes.stacked_spend import StackedCells, stack_counts
from cxlink.checks import Check, matching
from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.estimands.bayesian.posterior_findings import bayes_findings, left_out_findings
from cxlink.estimands.bayesian.posterior_spend_rows import (
    no_posterior_spend,
    posterior_spend_findings,
    posterior_spend_rows,
)
from cxlink.estimands.model_rows.regression_rows import spend_model_rows
from cxlink.estimands.tidy import interval, select, tidy
from cxlink.report.check_notes import note
from cxlink.report.posterior_sections.posterior_warnings import sampling_failures
from cxlink.spend.fitted_regressions import NoSpendFit

Sampled = tuple[Counts, StackedCells, Posterior]


def counts_for(n: int = 900, plans: tuple[str, ...] = ("x", "y"), seed: int = 2) -> Counts:
    spec = make_spec(
        {
            "score": {"column": "s", "scale": "1-5", "worst": [1], "best": [4, 5]},
            "adjust": {"columns": ["plan"]},
            "spend": {"column": "y", "complete": True, "currency": "USD"},
            "analysis": {"level": 0.9},
        }
    )
    rng = np.random.default_rng(seed)
    score, plan = rng.integers(1, 6, n), np.array(plans)[rng.integers(0, len(plans), n)]
    mean = np.exp(3 + 0.2 * score + 0.5 * (plan == "y"))
    y = np.where(rng.random(n) < 0.3, 0.0, rng.gamma(2.0, mean / 2.0))
    log = np.log(np.where(y > 0, y, 1.0))
    cells = pd.DataFrame({
        "score": pd.array(score, dtype="Int64"), "stratum.plan": plan, "entry": 0, "exit": 0, "cause": "", "wave": "",
        "n": 1, "spend_n": 1, "spend_zero": y == 0, "spend_sum": y, "spend_sum_sq": y**2, "spend_sum_log": log,
        "spend_sum_log_sq": log**2, "spend_sum_y_log": y * log,
    }).astype({"spend_zero": int})  # fmt: skip
    return Counts(add_up(cells), spec, Profile("rows", n, n))


def sampled_of(**cohorts: Counts) -> tuple[StackedCells, Posterior]:
    stack = stack_counts(cohorts)
    assert isinstance(stack, StackedCells)
    return stack, sample_spend(stack, seed=1, draws=250, tune=300, chains=2, cores=1)


@pytest.fixture(scope="module")
def sampled() -> Sampled:
    counts = counts_for()
    return counts, *sampled_of(a=counts)


def table_of(sampled: Sampled) -> pd.DataFrame:
    counts, _, posterior = sampled
    return tidy(posterior_spend_rows(posterior, counts, spells_of(counts), spend_draws(posterior)))


def test_rows_are_those_of_the_other_models(sampled: Sampled) -> None:
    counts, _, _ = sampled
    table = table_of(sampled)
    theirs = tidy(spend_model_rows(counts, spells_of(counts), [], np.random.default_rng(1))[0])
    key = ["estimand", "group", "reference", "adjusted", "stratum", "unit", "n"]
    joined = table.merge(select(theirs, model="two_part"), on=key, suffixes=("", "_their"))
    assert len(joined) == len(table) == len(select(theirs, model="two_part"))
    assert set(table["model"]) == {"bayes"}
    assert set(table["adjusted"]) == {"standardised"}
    assert not table["headline"].any()
    # two fits of one likelihood to the same 900 customers: shrinkage and Monte Carlo error are a part of an error
    assert (np.abs(joined["estimate"] - joined["estimate_their"]) < joined["std_error_their"]).all()
    assert (joined["std_error"] / joined["std_error_their"]).between(0.6, 1.3).all()


def test_rows_are_means_and_intervals_of_draws_over_the_mix_of_all(sampled: Sampled) -> None:
    _, stack, posterior = sampled
    table = table_of(sampled).set_index(["estimand", "group"])
    share = np.bincount(stack.stratum, stack.n) / stack.n.sum()
    by_level = spend_draws(posterior) @ share
    size = np.bincount(stack.level, stack.n)
    drawn = {
        "worst": by_level[:, 0],
        "best": by_level[:, 3:] @ (size[3:] / size[3:].sum()),
        "3": by_level[:, 2],
    }
    for name, draws in drawn.items():
        row = table.loc[("spend", name)]
        assert row["estimate"] == pytest.approx(draws.mean(), rel=1e-10)
        assert list(row[["std_error", "conf_low", "conf_high"]]) == pytest.approx(
            interval(draws, 0.9), rel=1e-10
        )
    ratio = table.loc[("spend_ratio", "best")]
    assert ratio["estimate"] == pytest.approx(drawn["best"].mean() / drawn["worst"].mean(), rel=1e-10)
    ends = interval(drawn["best"] / drawn["worst"], 0.9)
    assert list(ratio[["std_error", "conf_low", "conf_high"]]) == pytest.approx(ends, rel=1e-10)
    difference = table.loc[("spend_difference", "best")]
    assert difference["estimate"] == pytest.approx((drawn["best"] - drawn["worst"]).mean(), rel=1e-9)


@pytest.mark.long
def test_one_stratum_is_not_adjusted() -> None:
    counts = counts_for(300, ("x",))
    _, posterior = sampled_of(a=counts)
    table = tidy(posterior_spend_rows(posterior, counts, spells_of(counts), spend_draws(posterior)))
    assert set(table["adjusted"]) == {"no"}
    assert "all" in set(table["group"])
    assert np.isfinite(table[["estimate", "std_error", "conf_low", "conf_high"]]).all(axis=None)


@pytest.mark.long
def test_a_cohort_of_several_is_chosen_by_name() -> None:
    old, new = counts_for(600), counts_for(200, ("x",), seed=3)
    _, posterior = sampled_of(old=old, new=new)
    rows = {
        name: tidy(posterior_spend_rows(posterior, counts, spells_of(counts), spend_draws(posterior, cohort)))
        for name, counts, cohort in (("old", old, "old"), ("new", new, "new"), ("last", new, None))
    }
    pd.testing.assert_frame_equal(rows["new"], rows["last"])
    n = {name: int(select(table, estimand="spend", group="3")["n"].iloc[0]) for name, table in rows.items()}
    assert n["old"] > n["new"]
    assert set(rows["new"]["adjusted"]) == {"no"}
    # plan y spends e^0.5 as much, and is half of the old cohort and none of the new
    mean = {
        name: float(select(table, estimand="spend", group="best")["estimate"].iloc[0])
        for name, table in rows.items()
    }
    assert mean["new"] < 0.9 * mean["old"]


def test_read_back_it_gives_the_same_rows(sampled: Sampled) -> None:
    counts, _, posterior = sampled
    # a file holds what the draws are of as text
    again = replace(posterior, about=json.loads(json.dumps(posterior.about)))
    rows = tidy(posterior_spend_rows(again, counts, spells_of(counts), spend_draws(again)))
    pd.testing.assert_frame_equal(rows, table_of(sampled))


def test_findings_say_what_was_looked_at(sampled: Sampled) -> None:
    counts, stack, posterior = sampled
    rows = posterior_spend_findings(posterior, stack, counts, spells_of(counts), np.random.default_rng(1))
    assert {(check.model, check.facts["of"]) for check in rows} == {("bayes", "spend")}
    (cells,) = matching(rows, code="cells")
    assert (cells.value, cells.facts["case"], cells.facts["draws"]) == (10, "one", 500)
    (diverged,) = matching(rows, code="divergences")
    assert diverged.value == 0
    judged = {(check.group, check.facts["reference"]) for check in matching(rows, code="prior_sensitivity")}
    assert judged == {("worst", ""), ("best", ""), ("best", "worst")}
    replicated = [check for check in rows if check.code.startswith("predicted")]
    assert {check.group for check in replicated} == {"1", "2", "3", "4", "5"}
    assert all(check.passed for check in replicated)
    # so few draws are too few for R-hat: that they hold together shows
    (rhat,) = matching(rows, code="rhat")
    assert rhat.value < 1.05
    assert sampling_failures(matching(rows, code=("divergences", "bfmi"))) == []


def test_a_posterior_that_did_not_converge_is_warned_of() -> None:
    checks = (
        Check("rhat", value=1.43, passed=False, facts={"parameter": "share"}),
        Check("ess_bulk", value=9.0, passed=False, facts={"parameter": "share"}),
        Check("ess_tail", value=np.nan, passed=False, facts={"parameter": "share"}),
        Check("divergences", value=12.0, passed=False),
        Check("bfmi", value=0.9, passed=True),
        Check("predicted_mean", "", "1", 0.001, passed=False),
    )
    findings = bayes_findings("bayes", checks, "spend")
    assert sampling_failures(findings) == [
        "Do not rely on the posterior of spend (bayes): its chains did not converge (R-hat 1.430, bulk effective "
        "sample size 9, tail effective sample size not computable and divergent transitions 12). The estimates of "
        "the other models do not depend on it."
    ]
    assert sampling_failures(findings[4:]) == []
    assert check_fields(*findings) == check_fields(
        *[replace(check, model="bayes", facts={**check.facts, "of": "spend"}) for check in checks]
    )


def test_cells_left_out_are_called_so() -> None:
    found = LeftOut(np.array([-2.0, -4.0]), np.array([1]), 1.5)
    # √(2·Var) of −2 and −4
    whole = {"of": "spend", "cells": 2, "std_error": 2.0}
    assert check_fields(*left_out_findings("bayes", found, "spend")) == check_fields(
        *[
            Check("elpd_left_out_cells", "bayes", value=-6.0, facts=whole),
            Check("refitted_cells", "bayes", value=1.0, facts={"of": "spend", "cells": 2}),
            Check("effective_parameters", "bayes", value=1.5, facts={"of": "spend"}),
        ]
    )
    said = note(left_out_findings("bayes", found, "spend")[0])
    assert said.endswith("standard error 2")
    assert "each of many customers" in said


def test_no_rows_have_their_reason() -> None:
    check = no_posterior_spend(NoSpendFit("bayes", "nobody_spent"))
    facts = {"case": "spend", "of": "spend", "reason": "nobody_spent"}
    assert check_fields(check) == check_fields(Check("not_fitted", "bayes", passed=False, facts=facts))
    assert note(check) == "no row: no customer spent anything, so there are no amounts"

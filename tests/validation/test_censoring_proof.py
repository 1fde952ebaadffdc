"""The proofs of informative censoring and of simultaneous intervals: truths, tallies, and rules that can fail."""

import numpy as np
import pandas as pd
import pytest

from validation.sensitivity import simultaneous_proof as together
from validation.sensitivity.censoring_proof import (
    SIZES,
    drawn_counts,
    hazard,
    observed,
    replicated,
    retention,
    share,
    truths,
    verdicts,
)


def test_the_law_is_a_table_of_probabilities() -> None:
    lost, over = observed()
    assert (lost + over).sum(axis=-1) == pytest.approx(np.ones((5, 3)), rel=1e-10)
    assert share().sum() == pytest.approx(1, rel=1e-10)
    assert (lost >= 0).all()
    assert (over >= 0).all()


def test_retention_is_that_of_the_hazards_where_censoring_is_independent() -> None:
    assert retention(1.0) == pytest.approx(np.prod(1 - hazard(), axis=-1), rel=1e-10)
    assert (retention(2.0) < retention(1.0)).all()
    _, over = observed()
    assert retention(0.0) == pytest.approx(over.sum(axis=-1), rel=1e-10)


def test_a_large_cohort_is_near_its_truths() -> None:
    rows = list(replicated(3_000_000, np.random.default_rng(2)))
    assert len(rows) == 7
    for row in rows:
        assert row["estimate"] == pytest.approx(row["truth"], abs=4 * float(str(row["std_error"])))
    known = truths(drawn_counts(3_000, np.random.default_rng(2)))
    assert known["retention", "best", "censored_hazard=2"] < known["retention", "best", "censored_hazard=0.5"]


def test_rules_fail_by_coverage_and_by_error() -> None:
    keys = {"estimand": "retention", "customers": SIZES[1], "coverage": 0.95, "errors": 1.0}
    for changed, held in (({}, True), ({"coverage": 0.91}, False), ({"errors": 1.2}, False)):
        (verdict,) = verdicts(pd.DataFrame([{**keys, **changed}]))
        assert verdict.held is held


def test_a_family_holds_where_every_interval_does() -> None:
    known = {("x_ratio", "2"): 1.0, ("x_ratio", "3"): 2.0}
    shared = {"estimand": "x_ratio", "reference": "worst"}
    alone = [
        {**shared, "group": "2", "conf_low": 0.9, "conf_high": 1.1},
        {**shared, "group": "3", "conf_low": 2.1, "conf_high": 3},
    ]
    both = [{**row, "scenario": "simultaneous", "conf_low": 0.8, "conf_high": 3.5} for row in alone]
    (found,) = together.families([*alone, *both], known)
    assert found == {"estimand": "x_ratio", "members": 2, "made": 1, "together": 1, "each": 0}
    (other,) = together.families([*alone, both[0], {**both[1], "conf_low": 2.5}], known)
    assert (other["together"], other["each"]) == (0, 0)


def test_simultaneous_cohorts_are_tallied_and_judged() -> None:
    sums = together.tallied("planted", "no_effect", 1_500, 2, np.random.default_rng(1))
    assert set(sums["estimand"]) == {
        "retention_difference",
        "retention_ratio",
        "spend_difference",
        "spend_ratio",
    }
    assert (sums["made"] == 2).all()
    assert (sums["members"] == 8).all()
    keys = {"kind": "planted", "estimand": "x_ratio", "customers": 20_000, "process": "no_effect"}
    for share_held, held in ((0.95, True), (0.91, False), (0.99, False)):
        (verdict,) = together.verdicts(pd.DataFrame([{**keys, "together": share_held}]))
        assert verdict.held is held

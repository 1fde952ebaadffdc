"""The proof of weights for censoring: its law, its truths, and rules that can fail."""

import numpy as np
import pandas as pd
import pytest

from validation.sensitivity.weights_law import (
    LAWS,
    drawn_counts,
    ending,
    hazard,
    observed,
    retention,
    share,
    truths,
)
from validation.sensitivity.weights_proof import JUDGED, SIZES, replicated, weight_verdicts


def test_the_laws_are_tables_of_probabilities() -> None:
    assert share().sum() == pytest.approx(1, rel=1e-10)
    for law in LAWS.values():
        lost, over = observed(law)
        assert (lost + over).sum(axis=-1) == pytest.approx(np.ones((5, 3, 6)), rel=1e-10)
        assert (np.concatenate([lost, over]) >= 0).all()
        rate = np.log(-np.log1p(-ending(law)[..., :-1]))
        by_csat = rate[:, :, 0] - rate[:, :, 4]
        # the hazards of censoring of the judged law are proportional over csat, those of the other are not
        assert bool(np.ptp(by_csat) < 1e-10) is (law.name == JUDGED)
        assert np.ptp(np.log(-np.log1p(-hazard()))[:, :, 0] - np.log(-np.log1p(-hazard()))[:, :, 4]) > 0.1


def test_a_large_cohort_is_near_its_truths_with_weights_and_not_without() -> None:
    rows = list(replicated(JUDGED, 2_000_000, np.random.default_rng(2)))
    assert len(rows) == 6
    for row in rows:
        off = abs(float(str(row["estimate"])) - float(str(row["truth"]))) / float(str(row["std_error"]))
        assert (off < 4) is bool(row.get("scenario"))
    known = truths(drawn_counts(LAWS[JUDGED], 5_000_000, 100, np.random.default_rng(2)))
    mix = share().sum(axis=-1)
    worst = float(retention()[0] @ mix.sum(axis=0))
    # the cohort's own mix is the law's, but for sampling: a share of plans has a standard error of 0.0002
    assert known["retention", "worst"] == pytest.approx(worst, abs=4e-4)


def table(**changed: object) -> pd.DataFrame:
    row = {
        "process": JUDGED, "estimand": "retention", "group": "best", "scenario": "censoring_weighted",
        "customers": SIZES[1], "coverage": 0.95, "errors": 1.0, "bias": 0.0, **changed,
    }  # fmt: skip
    return pd.DataFrame([row])


@pytest.mark.parametrize(("changed", "held"), [
    ({}, True), ({"coverage": 0.91}, False), ({"errors": 1.2}, False), ({"errors": 0.85}, False),
    ({"customers": SIZES[0], "errors": 1.2}, True), ({"customers": SIZES[0], "coverage": 0.89}, False),
    ({"scenario": "", "customers": SIZES[2], "coverage": 0.4}, True),
    ({"scenario": "", "customers": SIZES[2], "coverage": 0.6}, False),
])  # fmt: skip
def test_rules_fail_by_coverage_and_by_error(changed: dict[str, object], held: bool) -> None:
    (verdict,) = weight_verdicts(table(**changed))
    assert verdict.held is held


@pytest.mark.parametrize(("left", "held"), [(0.2, True), (-0.3, False)])
def test_a_rule_fails_by_what_is_left_of_an_error(left: float, held: bool) -> None:
    other = {"process": "csat_tells_unlike", "customers": SIZES[2]}
    rows = [table(**other, bias=left), table(**other, scenario="", bias=1.0)]
    (verdict,) = weight_verdicts(pd.concat(rows, ignore_index=True))
    assert verdict.held is held

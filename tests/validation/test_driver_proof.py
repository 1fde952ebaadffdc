"""The proof of several scores: its law, the limits, and rules that fail where they should."""

import numpy as np
import pandas as pd
import pytest

from cxlink.study.replications import summary
from validation.driver_law import LEVELS, driver_law
from validation.driver_proof import COHORTS, DRIVER, SIZES, cells, limits, page, tallied, verdicts


def test_the_law_is_a_table_of_probabilities_with_a_driver_and_two_that_act_on_nothing() -> None:
    law = driver_law()
    assert law.share.sum() == pytest.approx(1, abs=1e-12)
    assert (law.share > 0).all()
    cells_, share = law.cells, law.share
    numbers = cells_[list(LEVELS)].to_numpy()
    mean = share @ numbers
    covariance = (numbers - mean).T @ ((numbers - mean) * share[:, None])
    size = np.sqrt(np.diag(covariance))
    assert (covariance / np.outer(size, size))[0, 1:] == pytest.approx([0.76, 0.78], abs=0.02)
    # given the driver's level and the plan, nobody's outcome or spend goes with another score
    keys = ["score", "stratum.plan"]
    weighted = cells_.assign(share=share, lost=share * (cells_["state"] > 0), spent=share * cells_["y"])
    for name in ("csat", "helpdesk"):
        by_level = weighted.groupby([*keys, name])[["share", "lost", "spent"]].sum()
        whole = (
            weighted.groupby(keys)[["share", "lost", "spent"]].sum().reindex(by_level.index.droplevel(name))
        )
        for what in ("lost", "spent"):
            own, all_levels = by_level[what] / by_level["share"], whole[what] / whole["share"]
            assert own.to_numpy() == pytest.approx(all_levels.to_numpy(), abs=1e-9)


def test_limits_are_of_a_true_driver_that_leads() -> None:
    found = limits()
    for outcome in ("retention", "spend"):
        assert found[outcome, "share", DRIVER] == pytest.approx(0.58, abs=0.02)
        assert found[outcome, "contrast", "csat"] == 0.0
        assert abs(found[outcome, "beyond", "csat"]) < 0.001 * found[outcome, "whole", ""]


def table(customers: tuple[int, ...] = SIZES, **changed: float) -> pd.DataFrame:
    """Give a table in which every rule holds, but for what is changed."""
    shared = {"coverage": 0.95, "errors": 1.0, "bias": 0.0, **changed}
    rows = []
    for n in customers:
        for outcome in ("retention", "spend"):
            for name in LEVELS:
                rows += [
                    {"estimand": f"{outcome} {what}", "group": name}
                    for what in ("contrast", "shapley", "share")
                ]
            rows += [
                {"estimand": f"{outcome} {said}", "group": ""} for said in ("other first", "other claimed")
            ]
        rows = [{**row, "customers": row.get("customers", n)} for row in rows]
    return pd.DataFrame([{**row, **shared} for row in rows])


@pytest.mark.parametrize(("changed", "failing"), [
    ({}, 0), ({"coverage": 0.91}, 8), ({"coverage": 0.99}, 8), ({"errors": 1.2}, 8), ({"errors": 0.89}, 8),
    ({"bias": 0.051}, 10), ({"bias": 0.04}, 2),
])  # fmt: skip
def test_rules_fail_where_they_should(changed: dict[str, float], failing: int) -> None:
    found = list(verdicts(table(**changed)))
    assert len(found) == 18
    assert sum(not one.held for one in found) == failing


def test_a_cohort_is_tallied_and_the_page_says_what_was_found() -> None:
    one = cells()[1]
    assert (one.cohorts, one.labels["customers"]) == (COHORTS, 20_000)
    sums = tallied(20_000, 2, np.random.default_rng(3))
    found = summary(sums, 2).set_index(["estimand", "group"])
    assert found.loc[("retention contrast", "csat"), "truth"] == 0.0
    assert found.loc[("retention driver claimed", ""), "bias"] == 1.0
    text = "\n".join(page([(one, sums)]).lines)
    assert "Shapley shares of retention among ten million customers: score 0.58" in text
    assert "| retention other claimed | 20,000 | 0.0% |" in text

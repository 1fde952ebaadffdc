"""The proof of gains at a cohort's own size: its truth by another way, what is tallied, and rules that fail."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from cxlink.metrics.drivers.driver_rows import drivers_of
from validation import own_size_gains
from validation.driver_law import LEVELS, driver_law
from validation.driver_proof import DRIVER, OUTCOMES, limits
from validation.gain_proof import COHORTS, KINDS, SAID, SIZES, cells, page, replicated, tallied, verdicts
from validation.own_size_gains import gains_of


@pytest.fixture(autouse=True)
def few_cohorts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_size_gains, "FURTHER", 4)
    gains_of.cache_clear()


def test_models_of_very_many_gain_the_limit_and_those_of_fewer_less() -> None:
    found, few = gains_of(20_000_000), gains_of(2_000)
    for outcome in OUTCOMES:
        for kind in KINDS:
            for name in ("",) if kind == "whole" else tuple(LEVELS):
                key = (outcome, kind, name)
                assert found[key][0] == pytest.approx(
                    limits()[key], abs=0.002 * limits()[outcome, "whole", ""]
                )
                assert few[key][0] < found[key][0]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_one_cohort_gains_what_statsmodels_says(outcome: str) -> None:
    """The whole gain of models fitted to the rows of one cohort, among everybody."""
    rng = np.random.default_rng(8)
    made = own_size_gains._one(outcome, 3_000, rng)
    drawn, everybody = (
        own_size_gains._laid_out(3_000, np.random.default_rng(8)),
        own_size_gains._everybody().table,
    )
    names = ("retained_weight", "lost_weight") if outcome == "retention" else ("spend_sum", "spend_n")
    reached = []
    for scores in ((), tuple(LEVELS)):
        factors = everybody[["stratum.plan", *scores]].astype(str)
        x = sm.add_constant(pd.get_dummies(factors, drop_first=True, dtype=float)).to_numpy()
        seen = (drawn[names[0]] + drawn[names[1]] > 0).to_numpy()
        first, second = (drawn.loc[seen, name].to_numpy() for name in names)
        if outcome == "retention":
            fit = sm.GLM(np.column_stack([first, second]), x[seen], family=sm.families.Binomial()).fit(
                tol=1e-12
            )
            p = fit.predict(x)
            weights = everybody[list(names)].to_numpy()
            reached.append(1000 * (weights * np.log(np.column_stack([p, 1 - p]))).sum() / weights.sum())
        else:
            fit = sm.GLM(first, x[seen], exposure=second, family=sm.families.Poisson()).fit(tol=1e-12)
            mu, n = fit.predict(x, exposure=np.ones(len(x))), everybody["spend_n"]
            reached.append(2 * (everybody["spend_sum"] * np.log(mu) - n * mu).sum() / n.sum())
    assert made[0] == pytest.approx(reached[1] - reached[0], rel=1e-5)


def test_what_is_said_to_add_nothing_is_counted_of_each_score() -> None:
    rng = np.random.default_rng(3)
    found = drivers_of(driver_law().drawn(1_000_000, rng), rng)
    said = {(row["estimand"], row["group"]): row["estimate"] for row in replicated(found, 1_000_000)}
    for outcome in OUTCOMES:
        assert [said[f"{outcome} {SAID}", name] for name in LEVELS] == [0.0, 1.0, 1.0]
    silent = [one for one in found.checks if one.code != "driver_adds_nothing"]
    rows = replicated(replace(found, checks=tuple(silent)), 1_000_000)
    assert {row["estimate"] for row in rows if row["estimand"].endswith(SAID)} == {0.0}


def _table(**changed: float) -> pd.DataFrame:
    shared = {"coverage": 0.95, "errors": 1.0, **changed}
    rows = [
        {"estimand": f"{outcome} {kind}", "group": name, "customers": n, "bias": 0.0}
        for n in SIZES for outcome in OUTCOMES for kind in KINDS
        for name in (("",) if kind == "whole" else tuple(LEVELS))
    ]  # fmt: skip
    rows += [
        {"estimand": f"{outcome} {SAID}", "group": name, "customers": n, "bias": float(name != DRIVER)}
        for n in SIZES for outcome in OUTCOMES for name in LEVELS
    ]  # fmt: skip
    return pd.DataFrame([{**shared, **row} for row in rows])


@pytest.mark.parametrize(("changed", "failing"), [
    ({}, 0), ({"coverage": 0.91}, 24), ({"coverage": 0.99}, 24), ({"errors": 1.2}, 24), ({"errors": 0.89}, 24),
])  # fmt: skip
def test_rules_of_gains_fail_where_they_should(changed: dict[str, float], failing: int) -> None:
    found = list(verdicts(_table(**changed)))
    assert len(found) == 2 * 24 + 4
    assert sum(not one.held for one in found) == failing


def test_rules_of_what_is_said_fail_where_they_should() -> None:
    table = _table()
    said = table["estimand"].str.endswith(SAID)
    driver = table.assign(bias=table["bias"].mask(said & (table["group"] == DRIVER), 0.051))
    assert sum(not one.held for one in verdicts(driver)) == 3
    others = table.assign(bias=table["bias"].mask(said & (table["group"] == "csat"), 0.94))
    assert [one.rule[:10] for one in verdicts(others) if not one.held] == ["each other"]


def test_a_page_is_made_of_few_cohorts() -> None:
    one = cells()[1]
    assert (one.cohorts, one.labels["customers"]) == (COHORTS, 20_000)
    text = "\n".join(page([(one, tallied(20_000, 2, np.random.default_rng(1)))]).lines)
    assert "| retention beyond | csat | 20,000 |" in text
    assert f"| spend {SAID} | helpdesk | 20,000 |" in text

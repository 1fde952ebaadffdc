"""The proof of extrapolated tenure: its truths, cohorts, tallies, verdicts and page."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad

from cxlink.cohort.count.spells import person_periods
from validation.page import write_page
from validation.process import Cell
from validation.tenure_page import SHOWN, tenure_page, verdicts
from validation.tenure_proof import COHORTS, added, cells, coverage, replicated, summed
from validation.tenure_truths import KEPT, LONGEST, YEAR, drawn_spells, tenure_truths

pytestmark = pytest.mark.long

LAWS = tenure_truths()


@pytest.mark.parametrize("name", LAWS)
def test_each_truth_keeps_the_shares_of_the_study_after_a_year(name: str) -> None:
    kept = [np.exp(LAWS[name].log_survival(np.array([12.0]), level))[0] for level in range(3)]
    np.testing.assert_allclose(kept, KEPT, rtol=1e-9)


@pytest.mark.parametrize("name", ["weibull", "log_logistic", "cure"])
def test_tenure_of_a_continuous_truth_is_its_integral(name: str) -> None:
    law = LAWS[name]
    for months in (24, LONGEST):
        exact = quad(
            lambda t: np.exp(law.log_survival(np.array([t]), 1))[0], 1e-12, months, epsabs=1e-9, limit=200
        )[0]
        assert law.tenure(1, months) == pytest.approx(exact, abs=1e-6)


def test_tenure_of_the_cure_and_of_the_spikes_by_hand() -> None:
    # S(12) = π + (1 − π)·e^(−1.8) = .6
    gone = np.exp(-0.15 * 12)
    cured = (0.6 - gone) / (1 - gone)
    exact = cured * 120 + (1 - cured) * (1 - np.exp(-0.15 * 120)) / 0.15
    assert LAWS["cure"].tenure(1, 120) == pytest.approx(exact, abs=1e-8)
    # a year holds eleven months at one rate and one at five times it: 16 in all
    rate = -np.log(0.43) / 16
    months = np.where(np.arange(1, 121) % 12 == 0, 5 * rate, rate)
    survival = np.exp(-np.r_[0.0, np.cumsum(months)])
    exact = float(((survival[:-1] - survival[1:]) / months).sum())
    assert LAWS["renewal_spike"].tenure(0, 120) == pytest.approx(exact, rel=1e-10)


def test_tenure_of_the_beta_geometric_sums_its_product() -> None:
    law = LAWS["beta_geometric"]
    churn = -np.expm1(law.log_survival(np.array([1.0]), 0))[0]
    a, b = 9 * churn, 9 * (1 - churn)
    t = np.arange(1, 121)
    survival = np.r_[1.0, np.cumprod((b + t - 1) / (a + b + t - 1))]
    assert survival[12] == pytest.approx(0.43, rel=1e-9)
    exact = float((np.diff(survival) / np.diff(np.log(survival))).sum())
    assert law.tenure(0, 120) == pytest.approx(exact, rel=1e-9)


def test_only_truths_of_the_menu_are_judged() -> None:
    assert {name for name, law in LAWS.items() if not law.inside} == {"renewal_spike", "piecewise"}
    pieces = -np.diff(np.r_[0.0, LAWS["piecewise"].log_survival(np.arange(1.0, 49), 2)])
    np.testing.assert_allclose(pieces[12:30] / pieces[0], 1.6 / 0.6, rtol=1e-9)
    np.testing.assert_allclose(pieces[30:] / pieces[0], 0.35 / 0.6, rtol=1e-9)


def test_a_drawn_cohort_has_the_truth_s_margins() -> None:
    spells = drawn_spells(LAWS["weibull"], 100_000, 24, np.random.default_rng(1))
    assert spells.n.sum() == 100_000
    assert spells.levels == (1, 2, 3)
    assert (spells.exit <= 24).all()
    # nobody is censored before the end of follow-up
    assert (spells.exit[spells.cause == 0] == 24).all()
    periods = person_periods(spells)
    np.testing.assert_allclose(periods.at_risk[:, 0] / 1e5, [0.25, 0.5, 0.25], atol=4 * np.sqrt(0.25 / 1e5))
    for level, kept in enumerate(KEPT):
        n, left = periods.at_risk[level, 0], periods.at_risk[level, 12]
        assert left / n == pytest.approx(kept, abs=4 * np.sqrt(kept * (1 - kept) / n))


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return pd.DataFrame(replicated(LAWS["weibull"], 2_000, 12, np.random.default_rng(2)))


def test_one_cohort_s_rows(rows: pd.DataFrame) -> None:
    assert set(rows["model"]) == {*SHOWN, "averaged", ""}
    found = rows[rows["model"] != ""]
    assert (found.groupby("model").size() == 6).all()
    assert set(found["horizon"]) == {24, 120}
    assert (found["conf_low"] < found["estimate"]).all()
    assert (found["estimate"] < found["conf_high"]).all()
    truth = found[(found["level"] == 2) & (found["horizon"] == 24)]["truth"].unique()
    np.testing.assert_allclose(truth, [LAWS["weibull"].tenure(1, 24)], rtol=1e-12)
    flagged = rows.loc[rows["model"] == "", "estimate"]
    assert list(flagged) == [0.0]


def test_tallies_by_hand() -> None:
    shared = {"model": "averaged_aic", "level": 1, "horizon": 24, "truth": 10.0}
    made = summed([
        {**shared, "estimate": 11.0, "conf_low": 9.0, "conf_high": 12.0},
        {**shared, "estimate": 8.0, "conf_low": 7.0, "conf_high": 9.0},
        {**shared, "horizon": 120, "estimate": 10.0, "conf_low": 10.0, "conf_high": 10.0},
        {"model": "", "level": 0, "horizon": 0, "truth": 1.0, "estimate": 1.0},
        {"model": "", "level": 0, "horizon": 0, "truth": 1.0, "estimate": 0.0},
    ])  # fmt: skip
    table = made.set_index(["model", "horizon"])
    np.testing.assert_allclose(table.loc[("averaged_aic", 24)], [2, 1, 0.5, -0.1], atol=1e-12)
    np.testing.assert_allclose(table.loc[("averaged_aic", 120)], [1, 1, 0, 0], atol=1e-12)
    np.testing.assert_array_equal(table.loc[("", 0)], [2, 1, 0, 0])


def test_every_cell_has_its_cohorts() -> None:
    made = cells()
    assert {one.cohorts for one in made} == {COHORTS}
    assert len({tuple(one.labels.values()) for one in made}) == len(made) == 6 * 2 * 2


def test_sums_of_blocks_become_coverage() -> None:
    shared = {"model": "averaged_aic", "level": 1, "horizon": 24, "truth": 10.0}
    blocks = [
        summed([{**shared, "estimate": 11.0, "conf_low": 9.0, "conf_high": 12.0}]),
        summed([{**shared, "estimate": 8.0, "conf_low": 7.0, "conf_high": 9.0}]),
    ]
    one: Cell = cells()[0]
    table = coverage([(one, added(blocks))])
    assert list(table.columns) == [
        "process", "customers", "follow_up", "horizon", "model", "n", "coverage", "width", "error",
    ]  # fmt: skip
    assert table.iloc[0, :5].tolist() == ["beta_geometric", 2_000, 12, 24, "averaged_aic"]
    np.testing.assert_allclose(table.iloc[0, 5:].to_numpy(float), [2, 0.5, 0.25, -0.05], atol=1e-12)


def table(**changed: float) -> pd.DataFrame:
    """Cells in which every rule holds, but for what is changed."""
    said = {"coverage": 0.95, "width": 0.2, "equal": 0.3, "constant": 0.2, "spike": 0.97, **changed}
    rows = []
    for name in LAWS:
        for customers in (2_000, 50_000):
            for follow_up in (12, 24):
                shared = {"process": name, "customers": customers, "follow_up": follow_up}
                for horizon in {2 * follow_up, LONGEST} if follow_up == YEAR else {2 * follow_up}:
                    for model in SHOWN:
                        constant, equal = model == "exponential", model == "averaged_equal"
                        rows.append({
                            **shared, "horizon": horizon, "model": model, "n": 600, "error": 0.01,
                            "coverage": said["constant"] if constant else said["coverage"],
                            "width": said["equal"] if equal else said["width"],
                        })  # fmt: skip
                flagged = said["spike"] if name == "renewal_spike" else 0.0
                rows.append({
                    **shared, "horizon": 0, "model": "", "n": 200, "coverage": flagged, "width": 0.0, "error": 0.0,
                })  # fmt: skip
    return pd.DataFrame(rows)


def test_every_rule_holds_where_all_is_well() -> None:
    found = verdicts(table())
    assert len(found) == 14
    assert all(verdict.held for verdict in found)


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({"coverage": 0.89}, {"at least 90 % on average", "at least 93 % on average"}),
        ({"coverage": 0.92}, {"at least 93 % on average"}),
        ({"equal": 0.25}, {"mean width at most .75"}),
        ({"equal": 0.15}, {"narrower than equal weights", "mean width at most .75"}),
        ({"constant": 0.6}, {"constant hazard"}),
        ({"spike": 0.89}, {"a spike inside follow-up"}),
    ],
)
def test_each_rule_fails_where_it_should(changed: dict[str, float], broken: set[str]) -> None:
    for verdict in verdicts(table(**changed)):
        assert verdict.held != any(part in verdict.rule for part in broken)


def test_truths_outside_the_menu_are_not_judged() -> None:
    made = table()
    outside = made["process"].isin(["piecewise", "renewal_spike"]) & made["model"].ne("")
    made.loc[outside, "coverage"] = 0.1
    assert all(verdict.held for verdict in verdicts(made))


def test_the_page_shows_what_was_found(tmp_path: Path) -> None:
    made = table(spike=0.5)
    at = made["process"].eq("cure") & made["customers"].eq(50_000) & made["horizon"].eq(48)
    made.loc[at & made["model"].eq("averaged_aic"), ["coverage", "width", "error"]] = [0.875, 0.123, -0.046]
    write_page(tenure_page(made), tmp_path)
    page = (tmp_path / "tenure.md").read_text(encoding="utf-8")
    assert (
        "| cure | 50,000 | 24 months | 95.0% (0.20; +0.01) | 87.5% (0.12; -0.05) | 95.0% (0.20; +0.01) |"
        in page
    )
    assert "| a spike inside follow-up is flagged in at least 90 % | 50.0% to 50.0% | **not held** |" in page
    assert page.count("**not held**") == 1
    assert "200 simulated cohorts a cell" in page
    for name, law in LAWS.items():
        assert f"- `{name}`: {law.about}." in page
    again = pd.read_csv(tmp_path / "tenure.csv", keep_default_na=False)
    assert len(again) == len(made)

"""Coefficients from a table to the run folder: every fitted model is there, and small groups leave no number."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from cohorts import random_rows

from cxlink.analysis import analyse
from cxlink.cohort.count.counts import load_counts
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.display import Analysis
from cxlink.estimands.model_rows.coefficients import COLUMNS

pytestmark = pytest.mark.usefixtures("few_families")
SPEC = {
    "score": {"column": "score", "scale": "1-5"},
    "subscription": {"duration": "exit", "event": "lost"},
    "spend": {"column": "spend", "complete": True},
    "adjust": {"columns": ["plan"]},
    "analysis": {"draws": 100, "horizon": 6, "tenure_horizons": [8], "models": "all"},
}


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    rows, rng = random_rows(5, 800, strata=2), np.random.default_rng(6)
    amounts = np.where(rng.random(800) < 0.3, 0.0, np.round(rng.gamma(2, 10.0 * rows["score"]), 2))
    return rows.assign(lost=rows["cause"] != "", spend=amounts)[["score", "plan", "exit", "lost", "spend"]]


@pytest.fixture(scope="module")
def analysis(customers: pd.DataFrame) -> Analysis:
    return analyse(read_cohort(customers, make_spec(SPEC)))


@pytest.mark.long
@pytest.mark.usefixtures("empty_pictures")
def test_a_run_writes_every_term_of_every_fitted_model(analysis: Analysis, tmp_path: Path) -> None:
    analysis.write(tmp_path / "run")
    read = pd.read_csv(tmp_path / "run" / "coefficients.csv", keep_default_na=False)
    assert tuple(read.columns) == COLUMNS
    assert not read.duplicated(["model", "adjusted", "part", "term", "level"]).any()
    every = pd.concat([analysis.estimates, analysis.families()])
    fitted = set(every["model"]) - {"kaplan_meier", "means", "aalen_johansen", "spliced"}
    fitted = {model for model in fitted if model and not model.startswith("averaged")}
    assert set(read["model"]) == fitted
    assert {"grouped_ph", "weibull", "poisson", "gamma", "two_part", "log_ols"} <= fitted
    for _, mine in read[read["adjusted"] != "no"].groupby(["model", "adjusted"]):
        assert {"score", "plan"} <= set(mine["term"])
    assert set(read.loc[read["adjusted"] == "interacting", "model"]) == {"grouped_ph"}
    again = analyse(load_counts(tmp_path / "run" / "counts.parquet"))
    pd.testing.assert_frame_equal(again.coefficients(), analysis.coefficients(), check_exact=True)


def test_a_hazard_ratio_of_the_estimates_is_that_of_its_coefficients(analysis: Analysis) -> None:
    table, ratios = analysis.coefficients(), analysis.estimates
    ratios = ratios[(ratios["estimand"] == "hazard_ratio") & (ratios["adjusted"] == "conditional")]
    mine = table[
        (table["model"] == "grouped_ph") & (table["adjusted"] == "conditional") & (table["term"] == "score")
    ]
    log = mine.set_index("level")["estimate"].to_dict()
    ordinary = ratios[ratios["scenario"] == ""]
    shown = ordinary[(ordinary["group"] == "5") & (ordinary["reference"] == "worst")]
    assert len(shown) == 1
    assert log.get("5", 0.0) - log.get("1", 0.0) == pytest.approx(
        float(np.log(shown["estimate"].iloc[0])), abs=1e-9
    )


@pytest.mark.long
def test_small_groups_leave_no_coefficient(analysis: Analysis, customers: pd.DataFrame) -> None:
    sizes = customers["score"].value_counts()
    spec = make_spec({**SPEC, "publish": {"smallest_cell": int(sizes.min()) + 1}})
    table = analyse(read_cohort(customers, spec)).coefficients()
    assert len(table) == len(analysis.coefficients())
    about = (table["term"] == "score") & (table["level"] == str(sizes.idxmin()))
    assert about.any()
    numbers = ["estimate", "std_error", "conf_low", "conf_high", "n"]
    assert table.loc[about, numbers].isna().all(axis=None)
    assert table.loc[table["term"] == "plan", numbers].notna().all(axis=None)


@pytest.mark.long
def test_every_table_is_a_data_frame_of_its_own_for_a_paper_and_a_page(analysis: Analysis) -> None:
    tables = {
        "headline": analysis.headline, "hazard_ratios": analysis.hazard_ratios, "checks": analysis.checks,
        "coefficients": analysis.coefficients, "spend_models": analysis.spend_models, "families": analysis.families,
    }  # fmt: skip
    for name, give in tables.items():
        table = give()
        assert len(table) > 1, name
        assert table.index.tolist() == list(range(len(table))), name
        assert table.to_latex(index=False, escape=True).count("\\\\") == len(table) + 1, name
        assert table.to_html().count("<tr") == len(table) + 1, name
        table.iloc[:, 0] = "altered"
        assert not give().iloc[:, 0].eq("altered").any(), name


def test_checks_are_chosen_by_fields_and_facts(analysis: Analysis) -> None:
    every = analysis.checks()
    assert analysis.checks(code="support").equals(every[every["code"] == "support"].reset_index(drop=True))
    passed = analysis.checks(passed=True)
    assert len(passed) == every["ok"].eq(True).sum() > 0
    assert analysis.checks(code=("aic", "support"), group="all", reference="worst").empty


def test_ratios_and_regressions_are_those_of_the_coefficients(analysis: Analysis) -> None:
    table = analysis.coefficients()
    ratios, hazards = analysis.hazard_ratios(), table[table["model"] == "grouped_ph"]
    np.testing.assert_allclose(np.log(ratios["hazard_ratio"]), hazards["estimate"], rtol=1e-10)
    np.testing.assert_allclose(np.log(ratios["conf_high"]), hazards["conf_high"], rtol=1e-10)
    assert set(analysis.spend_models()["model"]) == {"poisson", "gamma", "two_part", "log_ols"}


def test_a_figure_is_shown_where_it_is_drawn_unless_axes_are_given(analysis: Analysis) -> None:
    plt.close("all")
    axes = analysis.retention_by_score()
    assert [plt.figure(number) for number in plt.get_fignums()] == [axes.figure]
    own = plt.figure().add_subplot()
    assert analysis.retention_by_score(ax=own) is own
    assert len(plt.get_fignums()) == 2
    plt.close("all")

"""Tables that nobody here made: whole runs on them, against lifelines on their rows."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter

from cxlink.analysis import analyse
from cxlink.checks import matching
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.starter.starter_spec import starter_spec
from cxlink.cohort.table import read_cohort
from cxlink.display import Analysis
from cxlink.estimands.tidy import select

pytestmark = pytest.mark.long

FOLDER = Path(__file__).parents[2] / "shared" / "data"
SAAS, TELCO = FOLDER / "saas_churn.csv", FOLDER / "telco.csv"
needs_saas = pytest.mark.skipif(not SAAS.exists(), reason="saas_churn.csv is not beside the project")
needs_telco = pytest.mark.skipif(not TELCO.exists(), reason="telco.csv is not beside the project")


@pytest.fixture(scope="module")
def saas(families: None) -> Analysis:
    spec = {
        "score": {"column": "csat_score", "scale": "1-10"},
        "subscription": {"duration": "months_active", "event": "churned", "unit": "month"},
        "adjust": {"columns": ["company_size"]},
        "analysis": {"horizon": 6, "draws": 200},
    }
    return analyse(read_cohort(SAAS, make_spec(spec)))


@pytest.fixture(scope="module")
def telco(families: None) -> Analysis:
    spec = {
        "cohort": {"id": "Customer ID"},
        "score": {"column": "Satisfaction Score", "scale": "1-5"},
        "subscription": {
            "duration": "Tenure in Months", "event": "Churn Value", "window": 3, "cause": "Churn Category",
        },
        "adjust": {"columns": ["Contract"]},
        "analysis": {"draws": 200},
    }  # fmt: skip
    return analyse(read_cohort(TELCO, make_spec(spec)))


def _compare(rows: pd.DataFrame, fitted: KaplanMeierFitter) -> int:
    expected = fitted.survival_function_at_times(rows["horizon"].astype(int)).to_numpy()
    np.testing.assert_allclose(rows["estimate"], expected, rtol=0, atol=1e-9)
    return len(rows)


@needs_saas
def test_saas_is_lifelines_at_every_period_and_level(saas: Analysis) -> None:
    frame = pd.read_csv(SAAS)
    frame = frame[frame["months_active"] > 0]
    compared = 0
    for level, rows in frame.groupby("csat_score"):
        fitted = KaplanMeierFitter().fit(rows["months_active"], rows["churned"])
        mine = select(
            saas.estimates,
            estimand="retention",
            model="kaplan_meier",
            adjusted="no",
            stratum="",
            scenario="",
            group=str(level),
        )
        last = max(rows["months_active"].max(), 6)
        assert (mine.loc[mine["horizon"] > last, "estimate"] == 0).all()  # of a level that lost everybody
        mine = mine[mine["horizon"] <= last]
        # a level whose last few customers were all lost has no answer beyond them
        assert rows["months_active"].max() <= mine["horizon"].max() <= last
        compared += _compare(mine, fitted)
    assert compared > 30


@needs_saas
def test_saas_says_what_is_odd_about_it(saas: Analysis) -> None:
    assert Remark("followed_briefly", 42, {"unit": "month"}) in saas.counts.profile.notes
    (widened,) = matching(saas.results.checks, code="band_widened")
    assert (widened.group, widened.value, widened.facts["levels"]) == (
        "worst",
        6.0,
        "1-5",
    )  # nobody scored 1 to 4
    difference = select(saas.headline(), estimand="retention_difference")
    assert difference["group"].tolist() == ["best"]
    assert 0 < difference["conf_low"].item() < difference["estimate"].item()


@needs_telco
def test_telco_since_signup_is_lifelines_with_entry(telco: Analysis) -> None:
    frame = pd.read_csv(TELCO)
    compared = 0
    for level, rows in frame.groupby("Satisfaction Score"):
        leave = rows["Tenure in Months"]
        fitted = KaplanMeierFitter().fit(leave, rows["Churn Value"], entry=(leave - 3).clip(lower=0))
        mine = select(telco.estimates, estimand="retention", scenario="since_signup", group=str(level))
        compared += _compare(mine, fitted)
    assert compared > 300


@needs_telco
def test_telco_intervals_are_finite_where_levels_separate(telco: Analysis) -> None:
    rows = select(telco.estimates, model="kaplan_meier", estimand=("retention", "tenure"), scenario="")
    assert np.isfinite(rows[["estimate", "conf_low", "conf_high"]]).all().all()
    always = select(rows, group="5", estimand="retention", horizon=12, adjusted="standardised")
    assert always["estimate"].item() == pytest.approx(1, abs=1e-12)
    assert 0.9 < always["conf_low"].item() < 1
    never = select(rows, group="1", estimand="retention", horizon=12, adjusted="standardised")
    assert 0 < never["conf_high"].item() - never["estimate"].item() < 0.5


@needs_telco
def test_telco_causes_add_up(telco: Analysis) -> None:
    rows = select(telco.estimates, estimand="cumulative_incidence", adjusted="no", stratum="", scenario="")
    lost = rows.groupby("group")["estimate"].sum()
    stayed = select(
        telco.estimates,
        estimand="retention",
        model="kaplan_meier",
        adjusted="no",
        stratum="",
        scenario="",
        horizon=12,
    ).set_index("group")["estimate"]
    np.testing.assert_allclose(lost, 1 - stayed[lost.index], atol=1e-10)


@needs_saas
@needs_telco
def test_starter_specs_of_both_tables() -> None:
    saas, telco = starter_spec(SAAS), starter_spec(TELCO)
    for line in (
        'column = "csat_score"',
        'duration = "months_active"',
        'event = "churned"',
        'scale = "1-10"',
    ):
        assert line in saas
    for line in (
        'id = "Customer ID"', 'column = "Satisfaction Score"', 'scale = "1-5"', 'duration = "Tenure in Months"',
        'event = "Churn Value"',
    ):  # fmt: skip
        assert f"\n{line}" in telco
    assert '\n# column = "Total Revenue"' in telco
    assert "only spend AFTER the score counts" in telco
    assert "\n[spend]" not in telco
    assert "\n[spend]" not in saas

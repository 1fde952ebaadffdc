"""The study end to end: its figures recovered from cohorts whose truth is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from empty_pictures import unpictured

from cxlink.cohort.spec.cohort_spec import make_spec, merged
from cxlink.study import reproduce
from cxlink.study.reproduce import Reproduced, reproduce_study

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, families: None) -> Path:
    return tmp_path_factory.mktemp("reproduction")


@pytest.fixture(scope="module")
def made(folder: Path, families: None) -> Reproduced:
    """The study, its intervals from a fifth of the usual draws, and its pictures empty."""
    with pytest.MonkeyPatch.context() as patch, unpictured():
        patch.setattr(
            reproduce, "make_spec", lambda spec: make_spec(merged(spec, {"analysis": {"draws": 400}}))
        )
        return reproduce_study(folder, command="cxlink reproduce")


def _rows(made: Reproduced, figure: str) -> pd.DataFrame:
    return made.comparison[made.comparison["figure"] == figure]


def test_the_truth_is_what_was_published(made: Reproduced) -> None:
    for figure in ("one_year_retention", "relative_annual_revenue"):
        rows = _rows(made, figure)
        np.testing.assert_allclose(rows["truth"], rows["published"], atol=1e-9)
    assert len(_rows(made, "relative_annual_revenue")) == 5


def test_adjusted_figures_find_the_truth_and_naive_ones_do_not(made: Reproduced) -> None:
    rows = pd.concat([_rows(made, "one_year_retention"), _rows(made, "relative_annual_revenue")])
    wide = (rows["adjusted_high"] - rows["adjusted_low"]) / (2 * 1.96)
    assert ((rows["adjusted"] - rows["truth"]).abs() < 4 * wide).all()
    assert ((rows["naive_high"] < rows["truth"]) | (rows["naive_low"] > rows["truth"])).all()


def test_tenure_inside_follow_up_is_found_and_six_years_are_no_target(made: Reproduced) -> None:
    first = _rows(made, "restricted_mean_tenure").query("horizon == 12")
    wide = (first["adjusted_high"] - first["adjusted_low"]) / (2 * 1.96)
    assert ((first["adjusted"] - first["truth"]).abs() < 4 * wide).all()
    best = _rows(made, "expected_further_membership").query("group == 'best'")
    assert best["published"].item() == 6
    assert abs(best["truth"].item() - 6) > 0.5


def test_the_paradox_is_computed(made: Reproduced) -> None:
    table = made.paradox
    exponential = table.iloc[0]
    assert exponential["years_of_worst"] == pytest.approx(-1 / np.log(0.43), abs=1e-12)
    assert exponential["years_of_best"] == pytest.approx(-1 / np.log(0.74), abs=1e-12)
    assert exponential["retention_needed_for_six_years"] == pytest.approx(np.exp(-1 / 6), abs=1e-12)


def test_of_three_scores_the_one_that_acts_is_told_from_its_readings(made: Reproduced) -> None:
    rows = made.drivers.set_index("score")
    assert (rows["alone_low"] > 0).all()
    assert (
        rows.index[rows["beside_others_low"] > 0].tolist()
        == rows.index[rows["truth"] > 0].tolist()
        == ["score"]
    )
    assert (rows["gain_beyond_low"] > 0).tolist() == [True, False, False]
    wide = (rows["beside_others_high"] - rows["beside_others_low"]) / (2 * 1.96)
    assert ((rows["beside_others"] - rows["truth"]).abs() < 4 * wide).all()
    assert rows["base"].unique() == [40_000]


def test_a_fall_that_acts_on_nothing_is_no_warning_of_its_own(made: Reproduced) -> None:
    rows = made.changes
    assert list(zip(rows["change"], rows["given"], strict=True)) == [
        (change, given) for change in ("fell", "rose") for given in ("last", "present")
    ]
    wide = (rows["conf_high"] - rows["conf_low"]) / (2 * 1.96)
    assert ((rows["difference"] - rows["truth"]).abs() < 4 * wide).all()
    last, present = rows["conf_high"][0], rows["conf_low"][1]
    assert (
        last < 0 < present
    )  # less often than those at the last score, more often than those at the present one
    assert rows["truth"][0] < 0 < rows["truth"][1]


def test_the_folder_holds_two_runs_and_one_report(made: Reproduced, folder: Path) -> None:
    assert {p.name for p in folder.iterdir()} == {
        "run.json", "report.html", "report.pdf", "figures", "comparison.csv", "implied.csv", "subscription",
        "transaction", "third_chart.csv", "public_curves.csv", "drivers.csv",
        "changes.csv",
    }  # fmt: skip
    for figure in ("study-third-chart", "study-public-curves"):
        assert (folder / "figures" / f"{figure}.svg").is_file()
    third = pd.read_csv(folder / "third_chart.csv")
    assert set(third["group"]) == {"worst", "best"}
    assert np.isinf(third["years"]).any()
    curves = pd.read_csv(folder / "public_curves.csv")
    np.testing.assert_allclose(curves["estimate"], made.public_curves["estimate"], rtol=1e-9)  # ten digits
    for name in ("subscription", "transaction"):
        assert (folder / name / "report.pdf").is_file()
    assert (folder / "report.html").read_text(encoding="utf-8").count("<h1>") == 1
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    written = pd.read_csv(folder / "comparison.csv")
    assert list(written["published_wording"].dropna().unique())[-2:] == [
        "a little over a year",
        "another six years",
    ]
    np.testing.assert_allclose(written["adjusted"], made.comparison["adjusted"], rtol=1e-9)  # ten digits

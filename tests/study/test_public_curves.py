"""Families and averages fitted to the first years of published curves, beside what happened."""

import numpy as np
import pandas as pd
import pytest

from cxlink.study.public_curves import (
    AIC,
    CONSTANT,
    EQUAL,
    WINDOWS,
    first_years,
    interval_coverage,
    public_curves,
)
from cxlink.study.published import read

SEGMENTS = ("Regular", "High End")
PANELS = [(segment, window) for segment in SEGMENTS for window in WINDOWS]


@pytest.fixture(scope="module", name="curves")
def _curves() -> pd.DataFrame:
    return public_curves(20140801)


def _panel(curves: pd.DataFrame, segment: str, window: int, model: str) -> pd.DataFrame:
    mine = curves[
        (curves["segment"] == segment) & (curves["fitted_to"] == window) & (curves["model"] == model)
    ]
    return mine.set_index("year")


def test_first_years_are_the_published_customers() -> None:
    actual = read("fader_hardie_2007").query("segment == 'Regular'").sort_values("year")["surviving"]
    periods = first_years(actual.to_numpy(), 4)
    # Of 1,000: the years 0 to 4 of the textbook cohort.
    assert periods.at_risk.tolist() == [[1000, 631, 468, 382]]
    assert periods.lost.tolist() == [[369, 163, 86, 56]]


@pytest.mark.parametrize("segment", SEGMENTS)
def test_seven_years_give_the_published_fit_and_twelve_within_four_and_a_half_per_cent(
    curves: pd.DataFrame, segment: str
) -> None:
    rows = _panel(curves, segment, 7, "shifted_beta_geometric")
    printed = (
        read("fader_hardie_2007_fits").query("years == '1-7'").set_index(["segment", "quantity"])["value"]
    )
    log_likelihood = 2 - rows["aic"].iloc[0] / 2  # of two parameters
    # Half of its last digit for what is printed with one.
    assert log_likelihood == pytest.approx(printed[segment, "log_likelihood"], abs=0.05)
    alpha, beta = printed[segment, "alpha"], printed[segment, "beta"]
    theirs = np.prod((beta + np.arange(12)) / (alpha + beta + np.arange(12)))
    # α and β are printed to three decimals.
    assert rows.loc[12, "estimate"] == pytest.approx(theirs, rel=2e-3)
    assert abs(rows.loc[12, "estimate"] / rows.loc[12, "actual"] - 1) < 0.045


@pytest.mark.parametrize(("segment", "window"), PANELS)
def test_the_average_by_aic_holds_what_happened_from_year_five_on(
    curves: pd.DataFrame, segment: str, window: int
) -> None:
    rows = _panel(curves, segment, window, AIC).loc[5:]
    assert len(rows) == 8
    assert (rows["conf_low"] <= rows["actual"]).all()
    assert (rows["actual"] <= rows["conf_high"]).all()


@pytest.mark.parametrize(("segment", "window"), PANELS)
def test_the_average_by_aic_is_narrower_than_equal_weights(
    curves: pd.DataFrame, segment: str, window: int
) -> None:
    aic, equal = (
        _panel(curves, segment, window, model).eval("conf_high - conf_low") for model in (AIC, EQUAL)
    )
    # In each year beyond the window; within it, where families agree, by a hair in either direction.
    assert (aic.loc[max(5, window + 1) :] < equal.loc[max(5, window + 1) :]).all()
    assert aic.loc[5:].mean() < equal.loc[5:].mean()


@pytest.mark.parametrize(("segment", "printed"), [("Regular", 0.004), ("High End", 0.185)])
def test_the_first_year_kept_up_for_ever_fails(curves: pd.DataFrame, segment: str, printed: float) -> None:
    rows = _panel(curves, segment, 7, CONSTANT)
    assert rows.loc[12, "estimate"] == pytest.approx(printed, abs=5e-4)
    # Less than half of those who were still there.
    assert rows.loc[12, "estimate"] < 0.5 * rows.loc[12, "actual"]
    assert rows[["conf_low", "conf_high"]].isna().all(axis=None)
    for window in WINDOWS:
        assert rows.loc[12, "estimate"] < _panel(curves, segment, window, AIC).loc[12, "conf_low"]


def test_actual_years_are_those_on_file_whatever_the_model(curves: pd.DataFrame) -> None:
    published = read("fader_hardie_2007").set_index(["segment", "year"])["surviving"]
    beside = [published[key] for key in zip(curves["segment"], curves["year"], strict=True)]
    np.testing.assert_array_equal(curves["actual"], beside)
    assert curves.groupby(["segment", "fitted_to", "model"])["year"].apply(list).map(len).eq(12).all()


def test_a_window_fits_the_families_that_its_losses_can_carry(curves: pd.DataFrame) -> None:
    for segment in SEGMENTS:
        four, seven = (
            curves[(curves["segment"] == segment) & (curves["fitted_to"] == window) & curves["aic"].notna()]
            for window in WINDOWS
        )
        assert four["n_parameters"].max() == 3
        assert set(seven["model"]) - set(four["model"]) == {
            "spline_2", "spline_3", "spline_4", "cure_generalised_gamma",
        }  # fmt: skip
        for table in (four, seven):
            assert table.query("year == 12")["weight"].sum() == pytest.approx(1, abs=1e-12)


def test_the_verdicts_count_what_the_table_holds(curves: pd.DataFrame) -> None:
    verdicts = interval_coverage(curves).set_index(["segment", "fitted_to"])
    assert list(verdicts.index) == PANELS
    assert (verdicts["years_held"] == 8).all()
    assert (verdicts["n_families"] == [14, 18, 14, 18]).all()
    worse = curves.copy()
    mine = (worse["segment"] == "Regular") & (worse["fitted_to"] == 4) & (worse["model"] == AIC)
    # Years 5 and 6 of eight no longer held, and year 4 does not count.
    worse.loc[mine & worse["year"].isin([4, 5, 6]), "conf_low"] = 0.9
    worse.loc[mine, "conf_high"] = 1.0
    found = interval_coverage(worse).set_index(["segment", "fitted_to"]).loc[("Regular", 4)]
    assert found["years_held"] == 6
    assert found["years_narrower"] == 2
    assert found["actual"] == 0.173
    assert found["constant"] == pytest.approx(0.631**12, rel=1e-12)
    assert found["sbg"] == _panel(curves, "Regular", 4, "shifted_beta_geometric").loc[12, "estimate"]

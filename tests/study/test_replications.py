"""Tallies of intervals add up, and say what they hold."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cxlink.study.cells import draw, spec_of
from cxlink.study.population import NEEDS
from cxlink.study.processes import BANDS, processes
from cxlink.study.repeated import COLUMNS, repeated
from cxlink.study.replications import added, replicated, summary, tally, true_values
from cxlink.study.tenure_replications import true_tenure
from cxlink.study.truth import cell_survival


def _row(estimate: float, low: float, high: float, truth: float = 1.0) -> dict[str, object]:
    return {
        "estimand": "retention", "model": "kaplan_meier", "group": "1", "adjusted": "no", "estimate": estimate,
        "std_error": 0.5, "conf_low": low, "conf_high": high, "n": 10, "truth": truth,
    }  # fmt: skip


def test_a_tally_worked_by_hand() -> None:
    rows = [_row(1.2, 0.5, 1.5), _row(0.6, 0.1, 0.9), _row(2.0, 1.1, 3.0), _row(1.0, 1.0, 1.0)]
    found = summary(tally(rows), 5).iloc[0]
    assert found["made"] == 4
    assert found["coverage"] == pytest.approx(2 / 5)
    assert (found["below"], found["above"]) == (0.2, 0.2)
    assert found["bias"] == pytest.approx(0.2)
    assert found["deviation"] == pytest.approx(np.std([0.2, -0.4, 1.0, 0.0], ddof=1))
    assert found["width"] == pytest.approx((1.0 + 0.8 + 1.9 + 0.0) / 4)
    assert (found["std_error"], found["n"]) == (0.5, 10)


def test_an_interval_without_numbers_misses() -> None:
    found = summary(tally([_row(1.0, np.nan, np.nan)]), 1).iloc[0]
    assert found["coverage"] == 0


def test_tallies_of_blocks_add_up() -> None:
    rng = np.random.default_rng(3)
    rows = [_row(x, x - 1, x + 1, truth=0.1 * x) for x in rng.standard_normal(30)]
    whole, parts = tally(rows), added([tally(rows[:7]), tally(rows[7:])])
    pd.testing.assert_frame_equal(whole, parts, check_dtype=False, rtol=1e-12)


def test_the_truth_of_a_band_weights_its_levels_by_their_shares() -> None:
    law = processes()["fading"]
    assert law.survival is not None
    truth = true_values(law)
    each = law.weight @ law.survival[:, :, 12]
    share = law.level_share
    best = (each[8] * share[8] + each[9] * share[9]) / (share[8] + share[9])
    assert truth["retention", "1", ""] == pytest.approx(each[0], rel=1e-12)
    assert truth["retention", "best", ""] == pytest.approx(best, rel=1e-12)
    assert truth["retention_difference", "best", "worst"] == pytest.approx(best - each[0], rel=1e-12)
    assert truth["retention_ratio", "best", "worst"] == pytest.approx(best / each[0], rel=1e-12)


def test_the_study_s_own_truth_is_the_published_one() -> None:
    truth = true_values(processes()["study_subscription"])
    assert truth["retention", "worst", ""] == pytest.approx(0.43, abs=1e-9)
    assert truth["retention", "best", ""] == pytest.approx(0.74, abs=1e-9)


def test_the_truth_of_a_cohort_has_its_own_weights() -> None:
    law = processes()["heavy_spend"]
    assert law.spending is not None
    counts = draw(law, 300, spec_of(law, 100), np.random.default_rng(4))
    cells = counts.cells
    mean = np.einsum("gk,gsk,gsk->gs", law.spending.class_share, law.spending.buys, law.spending.mean)
    strata = [
        (need, band) for need in ("low", "medium", "high") for band in ("<3", "3-<12", "12-<24", ">=24")
    ]
    n = [
        cells.loc[(cells["stratum.need"] == need) & (cells["stratum.tenure"] == band), "n"].sum()
        for need, band in strata
    ]
    expected = np.array(n) @ mean[:, 4] / 300
    assert true_values(law, counts)["spend", "5", ""] == pytest.approx(expected, rel=1e-12)
    assert true_values(law)["spend", "5", ""] != pytest.approx(expected, rel=1e-3)


def test_a_large_cohort_is_estimated_where_its_truth_is() -> None:
    rows = replicated(processes()["no_effect"], 1_000_000, 100, np.random.default_rng(5))
    table = pd.DataFrame(rows).fillna({"reference": "", "scenario": ""})
    plain = table[table["scenario"].eq("") & table["estimand"].eq("retention")]
    off = (plain["estimate"] - plain["truth"]).abs() / plain["std_error"]
    assert off[plain["adjusted"] == "standardised"].max() < 4
    assert off[(plain["adjusted"] == "no") & plain["group"].isin(["1", "10"])].min() > 10
    naive = table[table["scenario"].eq("from_signup") & table["estimand"].eq("retention_difference")]
    best = naive[naive["group"].eq("best")].iloc[0]
    assert best["conf_low"] > 0


@pytest.mark.long
def test_the_study_repeated() -> None:
    customers = {"one_year_retention": 10_000, "relative_annual_revenue": 10_000}
    found = repeated(1, customers, 1)
    assert list(found.columns) == list(COLUMNS)
    tenure = found[found["figure"] == "restricted_mean_tenure"]
    assert list(zip(tenure["group"], tenure["horizon"], strict=True)) == [
        (group, horizon) for horizon in (36, 60, 120) for group in ("worst", "best")
    ]
    assert (tenure["adjusted_bias"].abs() < 0.4 * tenure["truth"]).all()
    figures = found[found["figure"] != "restricted_mean_tenure"]
    assert figures["figure"].value_counts().to_dict() == {
        "relative_annual_revenue": 5,
        "one_year_retention": 2,
    }
    assert figures["horizon"].isna().all()
    assert found["truth"].iloc[:2].to_numpy() == pytest.approx([0.43, 0.74], abs=0.02)
    assert (figures["naive_bias"].abs() > 3 * figures["adjusted_bias"].abs()).mean() > 0.5
    assert found["adjusted_coverage"].isin([0, 1]).all()


def test_the_truth_of_tenure_is_the_area_under_the_law_with_the_cohort_s_own_mix() -> None:
    """Two months of S by hand; the follow-up is that of the sample's design, 10 to 27 months."""
    law = replace(processes()["study_subscription"], survival=cell_survival()[:, :, :121], spending=None)
    counts = draw(law, 4000, spec_of(law, 100, horizons=(36,)), np.random.default_rng(2), {10: 0.5, 27: 0.5})
    stayed = counts.cells[counts.cells["cause"] == ""]
    assert set(stayed["exit"]) == {10, 27}
    found = true_tenure(law, counts)
    cells = counts.cells
    strata = [(need, band) for need in NEEDS for band in BANDS]
    n = [
        cells.loc[(cells["stratum.need"] == a) & (cells["stratum.tenure"] == b), "n"].sum() for a, b in strata
    ]
    assert law.survival is not None
    curve = np.array(n) @ law.survival[:, 0, :37] / 4000
    steps = (curve[1:] - curve[:-1]) / np.log(curve[1:] / curve[:-1])
    assert found["worst", 36] == pytest.approx(steps.sum(), rel=1e-10)
    assert found["worst", 36] < found["worst", 60] < found["worst", 120]

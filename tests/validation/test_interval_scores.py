"""Interval scores and paired ratios by hand, and the proofs of extrapolated tenure that are judged by them."""

import numpy as np
import pandas as pd
import pytest

from validation.extrapolation import law_proof, study_proof
from validation.extrapolation.drawn_laws import JUDGED, KINDS, LAWS
from validation.extrapolation.scored import (
    beside_truth,
    interval_score,
    judged_rows,
    paired_ratio,
    renumbered,
    with_scale,
)
from validation.page import short_run
from validation.process import Cell


def test_interval_scores_by_hand() -> None:
    low, high = np.array([9.0, 9.0, 9.0]), np.array([11.0, 11.0, 11.0])
    # 2, and 2/.05 = 40 times what lies outside
    np.testing.assert_allclose(interval_score(low, high, np.array([9.0, 11.5, 8.0])), [2, 22, 42], rtol=1e-12)
    np.testing.assert_allclose(
        interval_score(low, high, np.array([9.0, 11.5, 8.0]), 0.8), [2, 7, 12], rtol=1e-12
    )


def rows(*said: tuple[str, str, str, float, float, float]) -> pd.DataFrame:
    table = pd.DataFrame(said, columns=["model", "estimand", "group", "truth", "conf_low", "conf_high"])
    reference = np.where(table["estimand"].str.contains("_"), "worst", "")
    return table.assign(
        cohort=0, reference=reference, horizon=24, estimate=(table["conf_low"] + table["conf_high"]) / 2
    )


def test_differences_are_judged_over_the_tenure_of_their_group() -> None:
    table = rows(
        ("a", "tenure", "best", 20.0, 18.0, 23.0), ("a", "tenure_difference", "best", 5.0, 6.0, 8.0),
        ("a", "tenure_ratio", "best", 1.25, 1.0, 1.5),
    )  # fmt: skip
    found = judged_rows(with_scale(table))
    np.testing.assert_allclose(found["scale"], [20, 20, 1.25])
    assert found["held"].tolist() == [True, False, True]
    np.testing.assert_allclose(found["width"], [0.25, 0.1, 0.4])
    np.testing.assert_allclose(found["score"], [0.25, 0.1 + 40 * 1 / 20, 0.4])
    np.testing.assert_allclose(found["error"], [0.025, 0.1, 0.0], atol=1e-12)


def test_paired_ratios_by_hand() -> None:
    table = pd.DataFrame({
        "cohort": [0, 0, 0, 0, 1, 1, 2], "model": ["a", "a", "b", "b", "a", "b", "a"],
        "score": [1.0, 3.0, 4.0, 4.0, 1.0, 2.0, 99.0],
    })  # fmt: skip
    # the third cohort has no rival; means a: 2 and 1, b: 4 and 2
    found = paired_ratio(table, "b", "a")
    assert found == {"ratio": 0.5, "upper": 0.5, "cohorts": 2}
    apart = table.assign(score=[1.0, 3.0, 4.0, 4.0, 3.0, 2.0, 99.0])
    found = paired_ratio(apart, "b", "a")
    assert found["ratio"] == pytest.approx(5 / 6)
    assert found["upper"] == pytest.approx(3 / 2)  # the second cohort alone, in a quarter of the resamples
    assert paired_ratio(table, "c", "a")["cohorts"] == 0


def test_cohorts_are_numbered_through() -> None:
    tables = [
        pd.DataFrame({"cohort": [0, 1, 1]}),
        pd.DataFrame({"cohort": [0, 1]}),
        pd.DataFrame({"cohort": [0]}),
    ]
    assert renumbered(tables)["cohort"].tolist() == [0, 1, 1, 2, 3, 4]


def test_a_row_stands_beside_its_own_truth() -> None:
    shown = {"model": "a", "estimate": 1.23456789, "std_error": 1.0, "conf_low": 0.0, "conf_high": 2.0}
    made = [
        {**shown, "estimand": "tenure", "group": "1", "horizon": 24},
        {**shown, "estimand": "tenure", "group": "1", "horizon": 48},
        {**shown, "estimand": "tenure_ratio", "group": "1", "reference": "worst", "horizon": 24},
    ]
    known = [
        {"estimand": "tenure", "group": "1", "reference": "", "horizon": 24, "truth": 7.0},
        {"estimand": "tenure_ratio", "group": "1", "reference": "worst", "horizon": 24, "truth": 2.0},
        {"estimand": "tenure_ratio", "group": "2", "reference": "worst", "horizon": 24, "truth": 3.0},
    ]
    found = beside_truth(4, iter(made), iter(known))
    assert found["truth"].tolist() == [7.0, 2.0]
    assert found["estimate"].tolist() == [1.23457] * 2
    assert (found["cohort"] == 4).all()


def test_every_class_has_its_laws() -> None:
    made = law_proof.cells()
    assert [one.process for one in made] == list(KINDS)
    assert {one.cohorts for one in made if one.process in JUDGED} == {LAWS} == {300}
    assert {one.labels["customers"]: one.cohorts for one in study_proof.cells()} == {
        29_571: 200,
        300_000: 200,
    }


def law_rows(held: float) -> pd.DataFrame:
    made = []
    for cohort in range(4):
        for customers in law_proof.CUSTOMERS:
            for reach in law_proof.REACH:
                for model in (law_proof.SHIPPED, *law_proof.RIVALS):
                    made.append({
                        "cohort": cohort, "follow_up": 24, "customers": customers, "reach": reach, "model": model,
                        "quantity": "levels", "held": held, "width": 0.1, "error": 0.0, "score": 0.2,
                    })  # fmt: skip
    return pd.DataFrame(made).drop_duplicates()


def test_classes_are_judged_apart_and_those_shown_are_not() -> None:
    cells: list[Cell] = law_proof.cells()
    tables = [(one, law_rows(0.875 if one.process == "renewal" else 0.2)) for one in cells]
    made = law_proof.page(tables)
    page = "\n".join(made.lines)
    assert (
        "| renewal, 20,000 customers, levels at 5 T: at least 85% | 87.5% (± 0.0%) of 4 laws | held |" in page
    )
    assert (
        "| renewal, 20,000 customers, levels at 2 T: at least 90% | 87.5% (± 0.0%) of 4 laws | **not held** |"
        in page
    )
    assert (
        "| fading, 300,000 customers, levels at 2 T: at least 90% | 20.0% (± 0.0%) of 4 laws | **not held** |"
        in page
    )
    assert "one_spike, 20,000" not in page
    assert "| one_spike | 20,000 | 2 | levels |" in page
    assert "4 `renewal`" in page
    assert "A short run: 4 of the 300 that are planned" in page
    assert short_run(300, 300) == ""


def study_rows(cohorts: int, missed: int, width: float) -> pd.DataFrame:
    made = []
    for cohort in range(cohorts):
        for group in study_proof.GROUPS:
            for horizon in (study_proof.INSIDE, *study_proof.HORIZONS):
                for model in ("shipped", *study_proof.RIVALS):
                    half = width if model == "shipped" else 1.0
                    off = 2 * half if model == "shipped" and cohort < missed else (-1) ** cohort * half / 2
                    made.append({
                        "cohort": cohort, "model": model, "estimand": "tenure", "group": group, "reference": "",
                        "horizon": horizon, "truth": 10.0, "estimate": 10 + off, "std_error": half / 2,
                        "conf_low": 10 + off - half, "conf_high": 10 + off + half,
                    })  # fmt: skip
    return pd.DataFrame(made)


def test_the_study_s_rules_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_proof, "SHIPPED", "shipped")
    cells = study_proof.cells()
    tables = [(cells[0], study_rows(100, 7, 0.5)), (cells[1], study_rows(100, 9, 0.9))]
    made = study_proof.page(tables)
    found = made.tables["extrapolation_study"].query("model == 'shipped' and horizon == 36 and group == '1'")
    assert found["held"].tolist() == [0.93, 0.91]
    ratios = made.tables["extrapolation_ratios"].query("rival == 'averaged' and horizon == 36")
    # 2·.5 for 93, and .5 outside for seven: (93·1 + 7·(1 + 40·.5))/100 over 2
    np.testing.assert_allclose(ratios["ratio"], [(1 + 0.07 * 20) / 2, (1.8 + 0.09 * 36) / 2], rtol=1e-9)
    page = "\n".join(made.lines)
    assert "| score 1, 29,571 customers, 36 months: at least 92 % | 93.0% of 100 | held |" in page
    assert (
        "| scores 9–10, 300,000 customers, 120 months: at least 92 % | 91.0% of 100 | **not held** |" in page
    )
    assert "100 cohorts of 29,571 and 100 cohorts of 300,000 customers scored (planned: 200 each)" in page
    assert (
        "**A short run: 100 of the 200 that are planned. The Monte Carlo error of a share of 95 % is 2.2%"
        in page
    )

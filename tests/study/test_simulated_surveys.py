"""Simulated surveys, row by row in pandas, against the truth that is worked out by recursion."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlink import InputError, make_spec, read_cohort, read_spec, simulate
from cxlink.estimands.tidy import select
from cxlink.groups.changed_scores import changed_scores
from cxlink.study.drifting_trait import GAP, SCORES, answered_surveys, opinion_law
from cxlink.study.simulate import OBSERVED_UNTIL, Simulated
from cxlink.study.simulated_files import write_simulated

FOUR, YEAR, WAVES = 4.0, 12, 3


@pytest.fixture(scope="module")
def made() -> Simulated:
    return simulate("subscription", 60_000, 20140801, waves=WAVES)


@pytest.fixture(scope="module")
def surveys(made: Simulated) -> pd.DataFrame:
    """Answered surveys, with what came before each and whether the customer was retained for a year."""
    rows = pd.concat([made.table, made.hidden], axis=1)
    rows = rows[rows["score"].notna()].astype({"score": int})
    by_customer = rows.groupby("customer_id")
    rows["last"] = by_customer["score"].shift().fillna(0).astype(int)
    rows["number"] = by_customer.cumcount().clip(upper=2)
    rows["since"] = (GAP * (rows["wave"] - by_customer["wave"].shift())).fillna(0).astype(int)
    rows["retained"] = rows["lost_in_month"] - GAP * rows["wave"] > YEAR
    return rows


def _true(cohort: Simulated, **where: object) -> float:
    found = select(cohort.truth, reference="", estimand="retention", **where)
    assert len(found) == 1
    return float(found["estimate"].iloc[0])


@pytest.mark.parametrize("level", range(1, SCORES + 1))
def test_retention_of_each_level_is_the_truth(made: Simulated, surveys: pd.DataFrame, level: int) -> None:
    mine = surveys[surveys["score"] == level]
    plain = _true(made, group=str(level), adjusted="no", scenario="")
    kept = mine["retained"].mean()
    # customers are clusters: three surveys share a loss, so that the error is at most sqrt(3) as wide
    assert abs(kept - plain) < FOUR * np.sqrt(WAVES * plain * (1 - plain) / len(mine))
    strata = ["last", "number", "since"]
    weight = surveys.groupby(strata).size() / len(surveys)
    cells = mine.groupby(strata)["retained"].agg(["mean", "size"]).reindex(weight.index)
    standard = (weight * cells["mean"]).sum()
    error = np.sqrt(WAVES * (weight**2 * plain * (1 - plain) / cells["size"]).sum())
    assert abs(standard - _true(made, group=str(level), adjusted="standardised", scenario="")) < FOUR * error


@pytest.mark.parametrize("move", ["fall", "rise"])
@pytest.mark.parametrize(("beside", "column"), [("last", "last"), ("present", "score")])
def test_both_contrasts_of_a_change_are_the_truth(
    made: Simulated, surveys: pd.DataFrame, move: str, beside: str, column: str
) -> None:
    later = surveys[surveys["last"] > 0]
    sign = -1 if move == "fall" else 1
    strata = [column, "number", "since"]
    changed = later[np.sign(later["score"] - later["last"]) == sign].groupby(strata)["retained"]
    stayed = later[later["score"] == later["last"]].groupby(strata)["retained"]
    weight = changed.size() / changed.size().sum()
    scenario = f"{move}_given_{beside}"
    for group, rows in (("fell" if move == "fall" else "rose", changed), ("stayed", stayed)):
        value = _true(made, group=group, scenario=scenario)
        size = rows.size().reindex(weight.index)
        error = np.sqrt(WAVES * (weight**2 * value * (1 - value) / size).sum())
        assert abs((weight * rows.mean().reindex(weight.index)).sum() - value) < FOUR * error


def test_a_fall_is_no_warning_of_its_own_though_it_looks_like_one(made: Simulated) -> None:
    difference = made.truth[made.truth["estimand"] == "retention_difference"].set_index("scenario")[
        "estimate"
    ]
    assert difference["fall_given_last"] < -0.05
    assert difference["fall_given_present"] > 0.03


def test_surveys_are_a_year_before_the_end_and_a_customer_is_lost_once(made: Simulated) -> None:
    table = made.table
    assert table.groupby("customer_id")["end_date"].nunique().max() == 1
    sent = table["survey_date"].dropna()
    assert (sent + pd.DateOffset(months=YEAR)).max() <= pd.Timestamp(str(OBSERVED_UNTIL))
    assert (table["end_date"].dropna() <= pd.Timestamp(str(OBSERVED_UNTIL))).all()
    ended = table.dropna(subset=["survey_date", "end_date"])
    assert (ended["end_date"] > ended["survey_date"]).all()


def test_counts_hold_the_periods_that_were_drawn() -> None:
    made = simulate("subscription", 500, 3, waves=2)
    counts = read_cohort(made.table, make_spec(made.spec)).count()
    scored = made.table["score"].notna()
    lost = (made.hidden["lost_in_month"] - GAP * made.hidden["wave"])[scored & made.table["end_date"].notna()]
    cells = counts.scored[(counts.scored["cause"] != "") & (counts.scored["exit"] <= YEAR)]
    expected = lost[lost <= YEAR].value_counts().sort_index()
    pd.testing.assert_series_equal(
        cells.groupby("exit")["n"].sum(),
        expected,
        check_names=False,
        check_index_type=False,
        check_dtype=False,
    )
    assert {one.scenario for one in changed_scores(counts)} == {
        f"{move}_given_{beside}" for move in ("fall", "rise") for beside in ("last", "present")
    }


def test_the_law_adds_up() -> None:
    law = opinion_law()
    np.testing.assert_allclose(law.first @ law.drift, law.first, atol=1e-12)
    np.testing.assert_allclose(law.reading.sum(axis=1), 1, atol=1e-12)
    # survival of a year by brute force over the three stretches between drifts
    kept = (1 - law.hazard) ** GAP
    np.testing.assert_allclose(
        law.survival[YEAR], kept * (law.drift @ (kept * (law.drift @ kept))), atol=1e-12
    )
    one = answered_surveys(1).mass[0]
    np.testing.assert_allclose(one.sum(), (law.first @ law.reading) @ law.answer, atol=1e-12)
    assert one[1:].sum() == 0  # no second survey


@pytest.mark.parametrize("waves", [0, -1, 7])
def test_a_number_of_waves_that_cannot_be_is_refused(waves: int) -> None:
    with pytest.raises(InputError, match="--waves 2 to 6, or leave it out"):
        simulate("subscription", 100, 1, waves=waves)


def test_designs_and_scores_that_do_not_go_with_waves_are_refused() -> None:
    with pytest.raises(InputError, match="subscription design"):
        simulate("transaction", 100, 1, waves=3)
    with pytest.raises(InputError, match="further scores"):
        simulate("subscription", 100, 1, waves=3, scores=True)


def test_the_files_are_read_as_surveys(tmp_path: Path) -> None:
    table, spec, truth = write_simulated("subscription", 300, 3, tmp_path / "made.csv", waves=2)
    assert read_spec(spec).every_survey
    assert read_cohort(table, read_spec(spec)).count().scored["previous"].notna().any()
    assert set(pd.read_csv(truth)["scenario"].dropna()) == {
        f"{move}_given_{beside}" for move in ("fall", "rise") for beside in ("last", "present")
    }

"""Surveys followed to the next one, and weighted so that each customer counts once: exact counts, and their rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from waves import SPEC, waves

from cxlink import Counts, InputError, load_counts, make_spec, read_cohort, save_counts
from cxlink.cohort.counted import Counted, counted
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.model_rows.survey_scenarios import survey_scenarios, weighted

N = 1_200


@pytest.fixture(scope="module")
def spec() -> CohortSpec:
    return make_spec({**SPEC, "analysis": {"horizon": 4, "draws": 100}})


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return waves(N, 8)


@pytest.fixture(scope="module")
def made(table: pd.DataFrame, spec: CohortSpec) -> Counted:
    return counted(read_cohort(table, spec))


@pytest.fixture(scope="module")
def rows(made: Counted) -> pd.DataFrame:
    main = [
        {"estimand": "retention", "group": str(level), "adjusted": "no", "horizon": 4, "n": 7, "n_events": 3}
        for level in range(1, 6)
    ]
    return pd.DataFrame(survey_scenarios(made.counts, made.until_next, main, np.random.default_rng(1)))


def _by_hand(months: pd.Series, lost: pd.Series, weight: pd.Series, horizon: int) -> float:
    """Kaplan–Meier, row by row."""
    factors = [
        1 - weight[(months == t) & lost].sum() / weight[months >= t].sum() for t in range(1, horizon + 1)
    ]
    return float(np.prod(factors))


@pytest.mark.parametrize("level", [1, 3, 5])
def test_estimates_equal_those_of_the_rows(table: pd.DataFrame, rows: pd.DataFrame, level: int) -> None:
    by_customer = table.groupby("customer")
    day = pd.to_datetime(table["day"]).dt.month
    ahead = day.groupby(table["customer"]).shift(-1) - day
    cut, one = ahead.fillna(99).astype(int), pd.Series(1.0, table.index)
    share = 1 / by_customer["score"].transform("size")
    followed = np.minimum(table["months"], cut)
    lost = table["left"].astype(bool)
    mine = table["score"] == level
    plain = rows[
        (rows["adjusted"] == "no") & (rows["estimand"] == "retention") & (rows["group"] == str(level))
    ]
    found = plain.set_index("scenario")["estimate"]
    assert found["until_next"] == pytest.approx(
        _by_hand(followed[mine], (lost & (table["months"] <= cut))[mine], one[mine], 4), abs=1e-12
    )
    assert found["per_customer"] == pytest.approx(
        _by_hand(table["months"][mine], lost[mine], share[mine], 4), abs=1e-12
    )


def test_each_customer_is_counted_once(table: pd.DataFrame, made: Counted) -> None:
    scored = made.counts.scored
    assert scored["per_customer"].sum() == pytest.approx(table["customer"].nunique(), abs=1e-9)
    assert weighted(made.counts).scored["n"].sum() == pytest.approx(table["customer"].nunique(), abs=1e-9)
    of_four = replace(made.counts, cells=made.counts.cells.drop(columns="per_customer"))
    without = survey_scenarios(of_four, None, [], np.random.default_rng(1))
    assert without == []


def test_cut_surveys_are_as_many_and_none_is_followed_longer(made: Counted) -> None:
    assert made.until_next is not None
    assert made.until_next.scored["n"].sum() == made.counts.scored["n"].sum()
    followed, cut = ((c.scored["exit"] * c.scored["n"]).sum() for c in (made.counts, made.until_next))
    assert 0 < cut < followed


def test_rows_are_of_both_contrasts_and_know_their_surveys(rows: pd.DataFrame) -> None:
    names = set(rows["scenario"])
    assert {"until_next", "fall_given_last_until_next", "fall_given_present_until_next"} <= names
    assert not rows["headline"].any()
    per_customer = rows[rows["scenario"] == "per_customer"]
    assert set(per_customer["n"]) == {7}  # of the main rows: those that it lacks are not there
    assert set(per_customer["group"]) == {"1", "2", "3", "4", "5"}
    errors = rows[(rows["scenario"] == "until_next") & (rows["estimand"] == "retention")]["std_error"]
    assert (errors > 0).all()


def test_dated_surveys_are_cut_on_the_day_of_the_next() -> None:
    surveys = pd.DataFrame({
        "customer": ["a", "a", "b", "c", "c"],
        "score": [3, 4, 2, 5, 1],
        "day": ["2024-01-10", "2024-04-09", "2024-02-01", "2024-01-31", "2024-02-29"],
        "end": ["2024-06-01", "2024-06-01", None, "2024-12-01", "2024-12-01"],
    })  # fmt: skip
    tables = {
        "cohort": {"id": "customer", "repeat": "all"},
        "score": {"column": "score", "scale": "1-5"},
        "subscription": {"survey": "day", "end": "end", "observed_until": "2024-12-31"},
    }
    cut = read_cohort(surveys, make_spec(tables)).count_until_next()
    assert cut is not None
    exits = cut.cells.set_index("score")[["exit", "cause"]]
    # 10 January to 9 April holds two whole months; 31 January to 29 February one
    assert exits.loc[3].tolist() == [2, ""]
    assert exits.loc[5].tolist() == [1, ""]
    assert exits.loc[4].tolist() == [2, "lost"]
    assert exits.loc[2].tolist() == [10, ""]
    assert exits.loc[1].tolist() == [10, "lost"]


def test_older_counts_are_read_without_the_shares(made: Counted, tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "counts.parquet"
    older = replace(made.counts, cells=made.counts.cells.drop(columns="per_customer"))
    save_counts(older, path)
    assert "per_customer" not in load_counts(path).cells
    save_counts(made.counts, path)
    pd.testing.assert_frame_equal(load_counts(path).cells, made.counts.cells)
    wrong: Counts = replace(made.counts, cells=made.counts.cells.assign(per_customer=np.nan))
    save_counts(wrong, path)
    with pytest.raises(InputError, match="per_customer is missing"):
        load_counts(path)

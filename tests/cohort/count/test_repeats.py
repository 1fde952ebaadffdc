"""Pairs of scores of one customer: the first two that were answered, by date, in any order of rows."""

import numpy as np
import pandas as pd
import pytest
from tabled import count, spec

from cxlink.cohort.table import Cohort, read_cohort

DATED = {"survey": "survey", "end": "end", "observed_until": "2026-06-30"}
SURVEYS = pd.DataFrame({
    "who": [1, 1, 1, 2, 2, 3, 4, 4, 5, 5],
    "score": [7, 5, 8, 3, None, 6, None, 9, 2, 4],
    "survey": ["2025-02-01", "2025-01-01", "2025-03-01", "2025-01-01", "2025-02-01", "2025-01-05", "2025-01-05",
               "2025-05-01", "2025-01-09", "2025-01-09"],
    "end": None,
})  # fmt: skip


def read(table: pd.DataFrame, repeat: str = "first") -> Cohort:
    return read_cohort(table, spec(cohort={"id": "who", "repeat": repeat}, subscription=DATED))


def pairs(cohort: Cohort) -> dict[tuple[int, int], int]:
    found = cohort.count_repeats()
    return dict(zip(zip(found["score"], found["again"], strict=True), found["n"], strict=True))


def test_the_first_two_answers_are_paired_and_the_first_is_the_one_that_counts() -> None:
    cohort = read(SURVEYS)
    assert pairs(cohort) == {(5, 7): 1, (2, 4): 1}
    kept = cohort.count().cells
    assert sorted(kept["score"]) == [2, 3, 5, 6, 9]
    for seed in range(3):
        assert pairs(read(SURVEYS.sample(frac=1, random_state=seed))) == {(5, 7): 1, (2, 4): 1}


def test_pairs_are_those_of_pandas() -> None:
    rng = np.random.default_rng(4)
    n = 3000
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.permutation(n), unit="h")
    table = pd.DataFrame(
        {"who": rng.integers(0, 900, n), "score": rng.integers(1, 11, n), "survey": days, "end": pd.NaT}
    )
    table["score"] = table["score"].astype("Int64").mask(rng.random(n) < 0.3)
    table["survey"] = table["survey"].dt.normalize() + pd.to_timedelta(np.arange(n) % 2, unit="D")
    table = table.drop_duplicates(["who", "survey"])
    answered = table.dropna(subset=["score"]).sort_values(["who", "survey"])
    by_customer = answered.groupby("who")["score"]
    both = pd.DataFrame(
        {"score": by_customer.nth(0).to_numpy(), "who": answered.drop_duplicates("who")["who"].to_numpy()}
    )
    second = answered[answered.groupby("who").cumcount() == 1].set_index("who")["score"]
    expected = both.assign(again=both["who"].map(second)).dropna().groupby(["score", "again"]).size()
    assert pairs(read(table)) == {key: int(size) for key, size in expected.items()}


@pytest.mark.parametrize("repeat", ["error", "first"])
def test_customers_with_one_row_each_have_none(repeat: str) -> None:
    one = SURVEYS.drop_duplicates("who")
    assert read(one, repeat).count_repeats().empty
    assert list(read(one, repeat).count_repeats().columns) == ["score", "again", "n"]


def test_rows_that_break_a_rule_are_in_no_pair() -> None:
    bad = SURVEYS.assign(score=[7, 55, 8, 3, None, 6, None, 9, 2, 4])
    cohort = read_cohort(
        bad, spec(cohort={"id": "who", "repeat": "first"}, subscription=DATED), drop_invalid=True
    )
    assert pairs(cohort) == {(7, 8): 1, (2, 4): 1}


def test_without_an_id_nothing_is_paired() -> None:
    plain = count(SURVEYS, subscription=DATED)
    assert plain.cells["n"].sum() == len(SURVEYS)

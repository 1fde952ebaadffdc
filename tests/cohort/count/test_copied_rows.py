"""Rows that equal another one in every column are noted, unless chance makes such rows or an id tells them apart."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.count.copied_rows import _alike_but_for_one, copied_rows
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.read.source import open_source
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.report.profile_lines import profile_lines

TABLES = {
    "score": {"column": "score", "scale": "1-10"},
    "subscription": {"duration": "months", "event": "left"},
}


def rows(n: int, copies: int) -> pd.DataFrame:
    """Customers with an amount to the cent, the last of them copies of the first."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({
        "score": rng.integers(1, 11, n), "months": rng.integers(1, 25, n), "left": rng.integers(0, 2, n),
        "bill": rng.integers(100, 10_000_000, n) / 100, "phone": rng.integers(10**8, 10**9, n),
    })  # fmt: skip
    return pd.concat([frame, frame.head(copies)], ignore_index=True)


def codes(frame: pd.DataFrame, **cohort: str) -> dict[str, int]:
    counts = read_cohort(frame, make_spec({**TABLES, "cohort": cohort})).count()
    return {note.code: note.n for note in counts.profile.notes}


def test_copies_are_noted_with_their_number() -> None:
    assert codes(rows(300, 7))["copied_rows"] == 7
    assert codes(rows(300, 1))["copied_rows"] == 1
    assert "copied_rows" not in codes(rows(300, 0))


def test_equal_rows_of_a_table_with_few_columns_are_customers_alike() -> None:
    # 480 equal combinations for 400 rows: 79,800 pairs / (10 · 24 · 2) = 166 equal pairs by chance
    assert "copied_rows" not in codes(rows(400, 0)[["score", "months", "left"]])


def test_an_id_or_a_number_of_customers_tells_rows_apart() -> None:
    frame = rows(50, 0).assign(n=3)
    assert "copied_rows" not in codes(pd.concat([frame, frame.head(5)]), count="n")


def test_what_chance_makes_is_the_product_of_the_columns_agreement() -> None:
    # four rows, each column two values twice: 6 pairs · (1/2)² = 1.5 equal pairs, so that two copies are no news
    frame = pd.DataFrame({"a": [1, 1, 2, 2], "b": [1, 1, 2, 2]})
    spec = make_spec({"score": {"column": "a", "scale": "1-2"}, "spend": {"column": "b", "complete": True}})
    assert copied_rows(frame.assign(other=1), [*frame, "other"], spec, 4) == ()
    # with a third column of three values 6 · 1/4 · 6/16 = .5625, with two such columns .21
    assert copied_rows(frame.assign(c=[1, 1, 2, 3]), "abc", spec, 4) == ()
    twice = frame.assign(c=[1, 1, 2, 3], d=[1, 1, 2, 3])
    assert copied_rows(twice, "abcd", spec, 4) == (Remark("copied_rows", 1, {"columns": 4}),)


def test_columns_that_the_spec_does_not_name_tell_rows_apart_in_files_too(tmp_path: Path) -> None:
    file = tmp_path / "churn.csv"
    rows(300, 7).to_csv(file, index=False)
    spec = make_spec(TABLES)
    assert [remark.n for remark in copied_rows(file, list(rows(1, 0)), spec, 307)] == [7]
    assert [note.code for note in read_cohort(file, spec).notes] == ["copied_rows"]


def left_empty(n: int, copies: int = 0) -> pd.DataFrame:
    """As `rows` with four amounts to the cent that only the retained have; nothing else tells customers apart."""
    rng = np.random.default_rng(8)
    left = rng.random(n) < 0.4
    bill = pd.Series(rng.integers(100, 10_000_000, n) / 100).where(~left)
    frame = pd.DataFrame({
        "score": rng.integers(1, 6, n), "months": rng.integers(1, 25, n), "left": left.astype(int), "bill": bill,
        "margin": bill / 4, "growth": bill * 2, "plan": rng.choice(["a", "b"], n), "cost": bill * 3,
    })  # fmt: skip
    return pd.concat([frame, frame[~left].head(copies)], ignore_index=True)


def test_amounts_that_are_empty_for_whoever_left_make_no_copies() -> None:
    # some 240 left: 28,680 pairs / (5 · 24 · 2) = 120 equal pairs
    found = codes(left_empty(600))
    assert "copied_rows" not in found
    assert found["equal_rows"] == left_empty(600).duplicated().sum() > 60


def test_equal_rows_without_certainty_are_a_number_alone() -> None:
    cohort = read_cohort(left_empty(600), make_spec(TABLES))
    (said,) = [line for line in profile_lines(cohort) if "rows equal" in line]
    assert said.endswith(
        "rows equal another one in all 8 columns. Without [cohort] id each counts as a customer."
    )
    (said,) = [
        line for line in profile_lines(read_cohort(rows(300, 7), make_spec(TABLES))) if "rows equal" in line
    ]
    assert said.endswith("if they are copies, delete them.")


def test_pairs_that_differ_in_one_column_are_counted_by_hand() -> None:
    # of 6 rows two pairs differ in the score alone (2 of 15 pairs agree in it: odds 2/13), those of a and of b
    frame = pd.DataFrame(
        {"score": [1, 2, 3, 4, 1, 2], "left": [1.5, 1.5, 2.5, 2.5, 3.5, 4.5], "who": list("aabbcd")}
    )
    source = open_source(frame, make_spec(TABLES).table)
    try:
        assert _alike_but_for_one(source) == pytest.approx(2 * 2 / 13, rel=1e-12)
    finally:
        source.close()


def test_columns_of_any_kind_are_compared() -> None:
    more = pd.DataFrame({
        "nothing": [None] * 307, "day": pd.date_range("2020-01-01", periods=307), "yes": [True] * 307,
        "part": [float("nan")] * 307,
    })  # fmt: skip
    frame = rows(300, 7).assign(**more)
    frame.loc[300:, "day"] = frame["day"].head(7).to_numpy()
    assert codes(frame)["copied_rows"] == 7

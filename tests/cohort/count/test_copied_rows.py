"""Rows that equal another one in every column are noted, unless chance makes such rows or an id tells them apart."""

from pathlib import Path

import numpy as np
import pandas as pd

from cxlink.cohort.count.copied_rows import copied_rows
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort

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

"""Sums of the negative control: exact, in any writing, refused where they are none, and kept with the counts."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tabled import count, refusal, spec, stay

from cxlink.cohort.count.counts import CONTROL, Counts, add, load_counts, save_counts, suppress
from cxlink.cohort.count.profile import number_of_rows
from cxlink.cohort.errors import InputError
from cxlink.cohort.table import read_cohort

PRIOR = {"control": {"column": "prior"}}
STAY = {"duration": "months", "event": "lost"}


def surveyed(n: int = 600, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    table = {"score": rng.integers(1, 6, n), "months": rng.integers(1, 9, n), "lost": rng.integers(0, 2, n)}
    return pd.DataFrame({**table, **columns})


def counted(table: pd.DataFrame) -> Counts:
    return count(table, PRIOR, score={"scale": "1-5"})


@pytest.mark.parametrize("scale", [1.0, 1e-7, 1e9])
def test_sums_are_exact_in_any_order(scale: float) -> None:
    rng = np.random.default_rng(1)
    prior = pd.Series(rng.normal(0, 300, 600) * scale).mask(rng.random(600) < 0.2)
    table = surveyed(prior=prior)
    cells = counted(table).cells
    for _, cell in cells.iterrows():
        same = (table["score"] == cell["score"]) & (table["months"] == cell["exit"])
        same &= (table["lost"] == 1) == (cell["cause"] != "")
        mine = prior[same].dropna()
        assert cell["control_n"] == len(mine)
        size = math.fsum(abs(x) for x in mine)
        assert cell["control_sum"] == pytest.approx(math.fsum(mine), abs=1e-10 * size)
        assert cell["control_sum_sq"] == pytest.approx(math.fsum(x * x for x in mine), rel=1e-10)
    shuffled = counted(table.sample(frac=1, random_state=1)).cells
    pd.testing.assert_frame_equal(cells, shuffled, check_exact=True)


def test_yes_and_no_in_any_writing_are_one_and_zero_and_blanks_are_left_out() -> None:
    numbers = [1, 0, 1, None, 0]
    table = {"score": [1, 2, 3, 4, 5], "months": [2] * 5, "lost": [0] * 5}
    expected = counted(stay(**table, prior=numbers)).cells[list(CONTROL)]
    assert expected["control_n"].tolist() == [1, 1, 1, 0, 1]
    for words in (
        ["true", "False", " TRUE ", "", "false"],
        ["1", "0", "1.0", None, "0"],
        [True, False, True, None, False],
    ):
        pd.testing.assert_frame_equal(counted(stay(**table, prior=words)).cells[list(CONTROL)], expected)


def test_text_that_is_no_number_is_refused_as_spend_is() -> None:
    table = stay([1, 5, None, 4], [2, 3, 1, 2], [0, 1, 0, 0], prior=["12", "many", "few", "1e13"])
    said = refusal(table, PRIOR)
    assert said == (
        "table: prior must be a number of at most 1e+12 in size, true or false, or empty, in every row with a score. "
        "2 of 4 rows fail, the first in row 2 (found many). Recode it (0 and 1 for no and yes)."
    )
    kept = read_cohort(table, spec(PRIOR, subscription=STAY), drop_invalid=True)
    assert kept.count().cells["control_n"].sum() == 1
    assert number_of_rows(kept.dropped) == 2


@pytest.mark.parametrize(
    ("column", "what"),
    [
        ("score", "the score"),
        ("plan", "adjusted for"),
        ("lost", "an outcome of the score"),
        ("spent", "an outcome of the score"),
    ],
)
def test_what_is_no_control(column: str, what: str) -> None:
    with pytest.raises(
        InputError, match=rf"\[control\] {column} is {what}: name an outcome that the score cannot"
    ):
        spec(
            control={"column": column}, subscription=STAY,
            adjust={"columns": ["plan"]}, spend={"column": "spent", "complete": True},
        )  # fmt: skip


def test_a_column_that_is_not_there_is_named() -> None:
    assert "no column 'prior' (control)" in refusal(stay([1], [2], [0], prio=[1]), PRIOR)


def test_without_a_control_nothing_is_counted_for_it() -> None:
    table = surveyed(prior=1.5)
    plain = count(table, score={"scale": "1-5"})
    assert not set(CONTROL) & set(plain.cells.columns)
    keys = list(plain.cells.columns)
    pd.testing.assert_frame_equal(counted(table).cells[keys], plain.cells)


def test_counts_with_a_control_add_up_are_kept_and_are_suppressed(tmp_path: Path) -> None:
    table = surveyed(400, prior=np.arange(400) / 7)
    halves = [counted(table.iloc[part]) for part in (slice(0, 150), slice(150, 400))]
    whole = counted(table)
    together = add(*halves)
    assert together.cells["n"].tolist() == whole.cells["n"].tolist()
    for name in CONTROL:
        assert together.cells[name].to_numpy() == pytest.approx(whole.cells[name].to_numpy(), rel=1e-10)
    save_counts(whole, tmp_path / "counts.parquet")
    again = load_counts(tmp_path / "counts.parquet")
    pd.testing.assert_frame_equal(again.cells, whole.cells, check_exact=True)
    assert again.spec == whole.spec
    small = suppress(counted(table.assign(prior=table["prior"].where(np.arange(400) % 3 == 0))), 5)
    assert small.cells.loc[small.cells["control_n"] == 0, "control_sum_sq"].eq(0).all()
    assert not small.cells["control_n"].between(1, 4).any()
    with pytest.raises(
        InputError, match=r"not of the same kind: \[control\] column differs \(prior and none\)"
    ):
        add(whole, count(table, score={"scale": "1-5"}))


def test_amounts_above_the_usual_are_exact_where_their_size_is_not_known_beforehand() -> None:
    # text has no largest number until it is read
    table = stay([1, 1, 5], [2, 2, 3], [0, 0, 1], prior=["50000000.25", "2.5", "-3e11"])
    cells = counted(table).cells
    assert cells["control_n"].tolist() == [2, 1]
    assert cells["control_sum"].tolist() == pytest.approx([50000002.75, -3e11], rel=1e-14)
    assert cells["control_sum_sq"].tolist() == pytest.approx([50000000.25**2 + 2.5**2, 9e22], rel=1e-10)

"""Sums of a column of margin: counted as spend is, exact, refused where they are none, and kept with the counts."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tabled import count, refusal, spec

from cxlink.cohort.count.counts import (
    MARGIN,
    Counts,
    add,
    load_counts,
    refuse_mismatch,
    save_counts,
    suppress,
)
from cxlink.cohort.errors import InputError

STAY = {"duration": "months", "event": "lost"}
SECTIONS: dict[str, dict[str, Any]] = {
    "score": {"scale": "1-5"}, "subscription": STAY, "spend": {"column": "spend", "complete": "done"},
    "value": {"margin": "earned"},
}  # fmt: skip


def paid(n: int = 600, scale: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    table = pd.DataFrame({
        "score": rng.integers(1, 6, n), "months": rng.integers(1, 9, n), "lost": rng.integers(0, 2, n),
        "spend": rng.gamma(2, 50, n).round(2), "done": rng.random(n) < 0.8,
    })  # fmt: skip
    return table.assign(earned=rng.normal(10, 30, n) * scale)


def counted(table: pd.DataFrame, **more: dict[str, Any]) -> Counts:
    return count(table, SECTIONS, **more)


@pytest.mark.parametrize("scale", [1.0, 1e-7, 1e9])
def test_sums_are_exact_over_complete_windows(scale: float) -> None:
    table = paid(scale=scale).assign(score=3, months=2)
    cells = counted(table).cells
    for lost, cause in ((1, "lost"), (0, "")):
        mine = table.loc[(table["lost"] == lost) & table["done"], "earned"]
        cell = cells[cells["cause"] == cause].iloc[0]
        assert cell["margin_n"] == cell["spend_n"] == len(mine)
        size = math.fsum(abs(x) for x in mine)
        assert cell["margin_sum"] == pytest.approx(math.fsum(mine), abs=1e-10 * size)
        assert cell["margin_sum_sq"] == pytest.approx(math.fsum(x * x for x in mine), rel=1e-10)


def test_a_missing_margin_is_refused_where_spend_counts_and_only_there() -> None:
    table = paid(6).assign(done=[True, True, True, True, False, True], score=[1, 2, 3, 4, 5, None])
    table["earned"] = [1.0, None, -2.0, 4.0, None, None]
    with pytest.raises(InputError) as refused:
        counted(table)
    must = "earned must be an amount of at most 1e+12 in size in every row with a score whose spend counts"
    assert f"{must}. 1 of 6 rows fails, in row 2" in str(refused.value)
    assert "Write 0 for no margin." in str(refused.value)


def test_it_is_kept_added_and_suppressed_with_the_counts(tmp_path: Path) -> None:
    first = counted(paid())
    save_counts(first, tmp_path / "counts.parquet")
    assert load_counts(tmp_path / "counts.parquet").cells.equals(first.cells)
    both = add(first, counted(paid(300)))
    assert both.cells["margin_sum"].sum() == pytest.approx(
        first.cells["margin_sum"].sum() + counted(paid(300)).cells["margin_sum"].sum()
    )
    few = suppress(first, 8).cells
    assert (few.loc[few["margin_n"] > 0, "margin_n"] >= 8).all()
    assert (few.loc[few["margin_n"] == 0, list(MARGIN)] == 0).all().all()


def test_counts_with_and_without_a_column_do_not_go_together() -> None:
    share = counted(paid(), value={"margin": 0.4})
    assert not set(MARGIN) & set(share.cells)
    with pytest.raises(InputError, match=r"\[value\] margin differs \(earned and no column\)"):
        refuse_mismatch(counted(paid()), share)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            {"margin": 1.5},
            "[value] margin: a share of spend is from -1 to 1 (found 1.5): write 0.3, or name a column.",
        ),
        ({"margin": True}, "[value] margin: input should be a valid number (found True)."),
        ({"discount": -0.1}, "[value] discount: input should be greater than or equal to 0 (found -0.1)."),
        ({"horizon": 0}, "[value] horizon: input should be greater than or equal to 1 (found 0)."),
        ({"rate": 1}, "[value] rate is not a key of the spec"),
    ],
)
def test_what_no_value_can_be_is_refused(value: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        spec(SECTIONS, value=value)
    assert said in str(refused.value)


def test_value_needs_spend() -> None:
    assert "[value] needs [spend]: a margin is earned in the window of spend." in refusal(
        paid(), subscription=STAY, value={"margin": 0.3}
    )


def test_defaults_are_three_years_at_the_rate_of_the_analysis() -> None:
    made = spec(SECTIONS, analysis={"discount": 0.07}, subscription={"unit": "quarter"})
    assert (made.value_horizon, made.value_discount, made.margin_column) == (12, 0.07, "earned")
    assert "earned" in made.table_columns
    assert spec(SECTIONS, value={"discount": 0.0, "horizon": 5}).value_discount == 0.0

"""The proof of simultaneous intervals of partial contrasts: what is counted as held, and rules that fail."""

import numpy as np
import pandas as pd
import pytest

from cxlink.metrics.drivers.partial_contrasts import PointContrast
from validation.contrast_proof import (
    COHORTS,
    SCORES,
    SIZES,
    TOUCHPOINTS,
    cells,
    held,
    page,
    tallied,
    verdicts,
)


def _pair(*errors: float) -> list[PointContrast]:
    parts = zip("ab", errors, ((1.0, 0.0), (0.0, 1.0)), strict=True)
    return [PointContrast(name, 0.0, error, 9, np.inf, covariance) for name, error, covariance in parts]


@pytest.mark.parametrize(("truth", "together", "each"), [(1.9, 1, 1), (2.1, 1, 0), (2.3, 0, 0), (-2.1, 1, 0)])
def test_a_family_holds_where_every_member_does(truth: float, together: int, each: int) -> None:
    """Two independent contrasts of 0 ± 1: by itself an interval reaches to 1.96, of both at once to 2.236."""
    (found,) = held({"retention": (_pair(1.0, 1.0), {"a": 0.0, "b": truth})})
    assert (found["members"], found["together"], found["each"]) == (2, together, each)


def test_a_contrast_without_an_interval_does_not_hold() -> None:
    (found,) = held({"spend": (_pair(1.0, np.nan), {"a": 0.0, "b": 0.0})})
    assert (found["members"], found["together"], found["each"]) == (0, 0, 0)


def _table(together: float) -> pd.DataFrame:
    return pd.DataFrame([
        {"process": law, "customers": n, "outcome": "retention", "together": together}
        for law in (SCORES, TOUCHPOINTS) for n in SIZES
    ])  # fmt: skip


@pytest.mark.parametrize(("together", "is_held"), [(0.95, True), (0.919, False), (0.981, False)])
def test_rules_fail_where_they_should(together: float, is_held: bool) -> None:
    found = list(verdicts(_table(together)))
    assert [one.held for one in found] == [is_held] * 6


def test_a_page_is_made_of_few_cohorts() -> None:
    made = {cell.name: cell for cell in cells()}
    assert {cell.cohorts for cell in made.values()} == {COHORTS}
    tables = [
        (made[f"{law}-20000"], tallied(law, 20_000, 2, np.random.default_rng(2)))
        for law in (SCORES, TOUCHPOINTS)
    ]
    assert [list(table["members"]) for _, table in tables] == [[6, 6], [4]]
    text = "\n".join(page(tables).lines)
    assert "contrasts of touchpoints, retention, 20,000 customers: all hold at once in 92% to 98%" in text
    assert "| one_driver | 20,000 | spend | 3 | 2 |" in text

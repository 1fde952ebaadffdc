"""Customers by row: what each gives, and what all give to a period."""

import numpy as np
import pytest
from cohorts import random_rows, spec_for, spells_from

from cxlink.cohort.count.exposures import Exposures
from cxlink.cohort.count.spells import merged_over_strata, person_periods

HAND = Exposures(
    np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([2, 3, 1]), np.array([True, False, True]), np.array([4, 5, 6])
)  # fmt: skip
"""Two rows over three periods: lost in the second; there in the second and third; lost in the first."""


def test_what_a_customer_gives_is_added_up_over_the_periods_at_risk() -> None:
    at_risk, lost = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]]), 100.0 * np.arange(1, 7).reshape(2, 3)
    assert HAND.over(at_risk, lost).tolist() == [3.0 + 200.0, 6.0, 8.0 + 400.0]


def test_what_customers_give_to_a_period_is_the_reverse_of_it() -> None:
    values = np.array([1.0, 10.0, 100.0])
    at_risk, lost = HAND.by_period(values, (2, 3))
    assert at_risk.tolist() == [[1, 11, 10], [100, 0, 0]]
    assert lost.tolist() == [[0, 1, 0], [100, 0, 0]]


@pytest.mark.parametrize("merged", [False, True])
def test_the_customers_of_person_periods_are_those_at_risk_and_lost(merged: bool) -> None:
    periods = person_periods(
        spells_from(random_rows(3, 500, strata=3, late=True), spec_for(adjust=("plan",), late=True))
    )
    periods = merged_over_strata(periods) if merged else periods
    assert periods.exposures is not None
    at_risk, lost = periods.exposures.by_period(periods.exposures.n, periods.at_risk.shape)
    np.testing.assert_array_equal(at_risk, periods.at_risk)
    np.testing.assert_array_equal(lost, periods.lost)


def test_some_periods_and_rows_are_those_of_the_counts_alone() -> None:
    periods = person_periods(
        spells_from(random_rows(4, 500, strata=2, late=True), spec_for(adjust=("plan",), late=True))
    )
    columns, rows = np.arange(periods.at_risk.shape[1]) % 3 > 0, np.arange(len(periods.level)) != 1
    assert periods.exposures is not None
    some = periods.exposures.within(columns, np.where(rows, np.cumsum(rows) - 1, -1))
    counted = some.by_period(some.n, (int(rows.sum()), int(columns.sum())))
    np.testing.assert_array_equal(counted[0], periods.at_risk[rows][:, columns])
    np.testing.assert_array_equal(counted[1], periods.lost[rows][:, columns])

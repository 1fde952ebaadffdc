"""Which columns are sums of a constant and of others."""

import numpy as np

from cxlink.estimation.independence import independent_columns

FIRST = np.array([1.0, 0.0, 0.0, 1.0])
SECOND = np.array([0.0, 1.0, 0.0, 1.0])


def test_a_sum_of_a_constant_and_of_columns_before_it_is_not_independent():
    columns = [FIRST, SECOND, 3 - 2 * FIRST + 1e6 * SECOND, np.zeros(4), FIRST * SECOND]
    rest = np.arange(4.0)  # a constant and three columns span every column of four rows
    assert list(independent_columns(np.column_stack([*columns, rest]))) == [
        True,
        True,
        False,
        False,
        True,
        False,
    ]


def test_a_small_part_of_its_own_is_enough_and_rounding_is_not():
    columns = np.column_stack([FIRST, FIRST + 1e-11 * SECOND, FIRST + 1e-6 * SECOND])
    assert list(independent_columns(columns)) == [True, False, True]

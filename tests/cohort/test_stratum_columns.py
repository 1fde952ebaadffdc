"""Adjustment variables as columns of counts, and the labels of their categories."""

import pandas as pd

from cxlink.cohort.strata import Category, categories_of, stratum_column, stratum_variables

CELLS = pd.DataFrame({
    "score": [1, 1, 2],
    stratum_column("plan"): ["b=c", "a", "a"],
    stratum_column("stratum.of"): ["x", None, "x"],
    "n": [3, 4, 5],
})  # fmt: skip


def test_variables_are_those_of_the_columns():
    assert stratum_variables(CELLS) == ("score", "plan", "stratum.of", "n")


def test_categories_with_customers_stand_in_the_order_of_their_values():
    found = categories_of(CELLS, ["stratum.of", "plan"])
    assert found == (Category("stratum.of", "x"), Category("plan", "a"), Category("plan", "b=c"))
    assert [one.label for one in found] == ["stratum.of=x", "plan=a", "plan=b=c"]

"""The trial of contacts of customers in accounts: what it draws, and that accounts are what widens errors."""

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.count.clusters import BUCKETS
from validation.account_contacts import contact_counts, contact_rows
from validation.account_law import ICC
from validation.account_trials import judged


def test_customers_of_an_account_are_alike_and_the_tables_are_of_the_same_customers() -> None:
    """The design effect of accounts of 1 to 6 is 1 + .3·(13/3 − 1) = 2; what is retained also follows the score."""
    journey = contact_counts("by_account", 1.0, 60_000, np.random.default_rng(1))
    cells, contacts, paths = journey.cells, journey.contacts, journey.paths
    assert cells["n"].sum() == paths["n"].sum() == (cells["retained"] + cells["lost"]).sum()
    for name in journey.touchpoints:
        there = cells.loc[cells[f"touchpoint.{name}"].notna(), "n"].sum()
        assert there == contacts.loc[contacts["touchpoint"] == name, "n"].sum()
    n, retained = (np.bincount(cells["bucket"], cells[one], BUCKETS) for one in ("n", "retained"))
    mean = retained.sum() / n.sum()
    effect = ((retained - mean * n) ** 2).sum() / (n.sum() * mean * (1 - mean))
    # a variance from 200 buckets to 10 %: three times that
    assert effect == pytest.approx(1 + ICC * 10 / 3, rel=0.35)


def test_errors_over_buckets_are_wider_and_the_estimates_are_the_same() -> None:
    rows = pd.DataFrame(contact_rows("by_account", 1.0, cohorts=2, large=20_000))
    assert set(judged(iter(rows.to_dict("records")))["how"]) == {"independent", "accounts"}
    by_how = rows.pivot_table(index=["quantity", "group"], columns="how", values=["estimate", "std_error"])
    np.testing.assert_allclose(
        by_how["estimate", "accounts"], by_how["estimate", "independent"], rtol=1e-8, atol=1e-12
    )
    assert (by_how["std_error", "accounts"] > 1.1 * by_how["std_error", "independent"]).mean() > 0.9

"""Trials of customers in accounts: what they draw is alike within accounts, and what they say of it has a truth."""

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.count.clusters import BUCKETS
from validation.account_law import ICC
from validation.account_trials import judged, posterior_rows, score_counts, score_rows


def test_customers_of_one_account_are_alike_in_what_they_do_and_in_their_scores() -> None:
    """Of accounts of 1 to 6 the design effect is 1 + .3·(13/3 − 1) = 2; that of scores between accounts alone 13/3."""
    counts = score_counts("by_account", 1.0, 60_000, np.random.default_rng(1), clustered=True)
    assert counts.drivers is not None
    cells = counts.drivers.cells
    n = np.bincount(cells["bucket"], cells["n"], BUCKETS)
    effects = {}
    for name, one in (("lost", cells["lost"]), ("score", cells["n"] * cells["score"])):
        mean = one.sum() / n.sum()
        apart = np.bincount(cells["bucket"], one, BUCKETS) - mean * n
        spread = (
            mean * (1 - mean)
            if name == "lost"
            else (cells["n"] * (cells["score"] - mean) ** 2).sum() / n.sum()
        )
        effects[name] = (apart**2).sum() / n.sum() / spread
    # a variance from 200 buckets to 10 %: three times that; what is lost also follows the score
    assert effects["lost"] == pytest.approx(1 + ICC * 10 / 3, rel=0.35)
    assert effects["score"] == pytest.approx(13 / 3, rel=0.3)


@pytest.mark.long
def test_posteriors_are_judged_by_every_level_with_accounts_and_without() -> None:
    found = judged(posterior_rows("by_account", 1_500, "bayes", cohorts=3))
    assert set(found["quantity"]) == {"retention", "retention_difference"}
    pairs = found.pivot_table(index=["quantity", "group", "reference"], columns="how", values="std_error")
    assert (pairs["accounts"] > 1.1 * pairs["independent"]).mean() > 0.9
    assert (found["n"] == 3).all()


@pytest.mark.long
def test_scores_that_do_not_act_have_the_truth_0() -> None:
    rows = pd.DataFrame(score_rows("by_account", 0.5, customers=2_000, cohorts=1, large=100_000))
    nulls = rows[(rows["quantity"] == "contrast") & (rows["score"] != "score")]
    assert len(nulls) == 8
    assert (nulls["truth"] == 0).all()
    acts = rows[(rows["quantity"] == "contrast") & (rows["score"] == "score")]
    assert (acts["truth"] > 0.01).all()  # .018 a point of retention, 1.9 of spend
    assert set(rows["how"]) == {"accounts", "independent"}


def test_an_estimate_without_an_interval_counts_neither_way() -> None:
    """By hand: errors of ±1 have a deviation of √2, of which a standard error of 1 is .71; one of two is covered."""
    row = {
        "quantity": "retention",
        "group": "1",
        "reference": "",
        "how": "accounts",
        "truth": 0.0,
        "std_error": 1.0,
    }
    rows = [
        {**row, "estimate": 1.0, "conf_low": -1.0, "conf_high": 3.0},
        {**row, "estimate": -1.0, "conf_low": -2.0, "conf_high": -0.5},
        {**row, "estimate": 9.0, "std_error": np.nan, "conf_low": np.nan, "conf_high": np.nan},
    ]
    found = judged(iter(rows)).iloc[0]
    assert found["n"] == 2
    assert found["coverage"] == 0.5
    assert found["errors"] == pytest.approx(1 / np.sqrt(2), rel=1e-12)

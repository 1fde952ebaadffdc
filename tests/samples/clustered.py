"""Customers in accounts that share a frailty: rows, and the same counted with and without their clusters."""

from functools import cache

import numpy as np
import pandas as pd

from cxlink.cohort.count.clusters import bucket_of
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.cohort.table import Cohort, read_cohort


def account_rows(n: int = 1200, size: int = 6, seed: int = 4) -> pd.DataFrame:
    """Customers of accounts with one score each, who are lost and spend alike."""
    rng = np.random.default_rng(seed)
    account = np.arange(n) // size
    alike = rng.standard_normal(account.max() + 1)[account]
    score = rng.integers(1, 6, account.max() + 1)[account]
    left = rng.exponential(1 / np.exp(-2.4 - 0.15 * score + 0.7 * alike))
    spend = np.where(rng.random(n) < 0.2, 0.0, np.exp(3 + 0.1 * score + 0.6 * alike + rng.normal(0, 0.5, n)))
    return pd.DataFrame({
        "score": score, "months": np.minimum(np.ceil(left), 12).astype(int), "left": (left < 12).astype(int),
        "spend": spend.round(2), "plan": np.array(["a", "b"])[rng.integers(0, 2, n)],
        "account": [f"A{k:04d}" for k in account],
    })  # fmt: skip


def account_spec(cluster: str | None = "account", **sections: object) -> CohortSpec:
    """The spec of these rows: five levels, two plans."""
    return make_spec({
        "cohort": {"cluster": cluster} if cluster else {},
        "score": {"column": "score", "scale": "1-5"}, "subscription": {"duration": "months", "event": "left"},
        "spend": {"column": "spend", "complete": True}, "adjust": {"columns": ["plan"]},
        "analysis": {"horizon": 6, "tenure_horizons": [6], "draws": 400, "models": "quick"}, **sections,
    })  # fmt: skip


def n_buckets() -> int:
    """Buckets that the accounts of the rows are in."""
    return int(account_rows()["account"].map(bucket_of).nunique())


@cache
def account_cohort(cluster: str | None = "account") -> Cohort:
    """The cohort, read."""
    return read_cohort(account_rows(), account_spec(cluster))


@cache
def account_counts(cluster: str | None = "account") -> Counts:
    """The cohort, counted."""
    return account_cohort(cluster).count()

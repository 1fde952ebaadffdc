"""Random numbers of simulated customers: independent, or alike within accounts and each distributed as ever."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from cxlink.cohort.errors import InputError

FEWEST = 3
"""Accounts: of two one has half of the customers, which no cohort may."""
LIKENESS = 0.6
"""Correlation of the normal scores of two customers' numbers in one account."""
_SHAPE = 2.0
"""Of the gamma distribution of accounts' sizes."""
_STREAM = 3


class AlikeNumbers:
    """Random numbers of customers, alike within accounts (a Gaussian copula).

    With one standard normal number z an account and one e a customer, Φ(√ρ·z + √(1 − ρ)·e) is uniform: each customer
    has the distribution of an independent one, and so has every share and mean of the population. What is drawn from
    the numbers (stratum, score, unobserved class, time to loss, spend) is shared in part.

    Parameters
    ----------
    rng : Generator
        Where numbers come from.
    account : int ndarray of shape (n,)
        Account of each customer.
    """

    def __init__(self, rng: np.random.Generator, account: np.ndarray) -> None:
        self._rng, self._account = rng, account

    def standard_normal(self, size: int) -> np.ndarray:
        """Give a normal number a customer, of shape (n,)."""
        shared = self._rng.standard_normal(int(self._account.max(initial=0)) + 1)[self._account]
        alike: np.ndarray = np.sqrt(LIKENESS) * shared + np.sqrt(1 - LIKENESS) * self._rng.standard_normal(
            size
        )
        return alike

    def random(self, size: int) -> np.ndarray:
        """Give a number in (0, 1) a customer, of shape (n,)."""
        uniform: np.ndarray = np.clip(ndtr(self.standard_normal(size)), 0.0, 1 - 2.0**-53)
        return uniform

    def exponential(self, size: int) -> np.ndarray:
        """Give an exponential number of mean 1 a customer, of shape (n,)."""
        return -np.log1p(-self.random(size))

    def integers(self, low: int | np.ndarray, high: int | np.ndarray, size: int | None = None) -> np.ndarray:
        """Give a whole number a customer, of those in [low, high) alike: days, independent of the account."""
        whole: np.ndarray = self._rng.integers(low, high, size)
        return whole


Numbers = np.random.Generator | AlikeNumbers
"""Where numbers of customers come from."""


def pick(rng: Numbers, shares: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Draw a column of a table of shares for each entry of ``row``, in one search over all its rows."""
    n_columns = shares.shape[1]
    edges = np.cumsum(shares, axis=1) + np.arange(len(shares))[:, None]
    position = np.searchsorted(edges.ravel(), rng.random(row.size) + row, side="right")
    # Sums of shares are 1 only up to rounding: limit each draw to its own row.
    column: np.ndarray = np.clip(position - row * n_columns, 0, n_columns - 1)
    return column


def dealt_accounts(n: int, accounts: int, seed: int) -> np.ndarray:
    """Deal customers into accounts of unequal sizes, each with at least one; of shape (n,), numbered from 0.

    Parameters
    ----------
    n, accounts : int
        Customers and accounts.
    seed : int
        The same seed deals alike.

    Raises
    ------
    InputError
        If there are fewer than three accounts, or more than customers.
    """
    if not FEWEST <= accounts <= n:
        raise InputError(
            f"{n:,} customers cannot be dealt into {accounts:,} accounts. Ask for {FEWEST} accounts or more, and at "
            "least as many customers (-n)."
        )
    rng = np.random.default_rng([seed, _STREAM])
    share = rng.gamma(_SHAPE, size=accounts)
    account: np.ndarray = np.repeat(
        np.arange(accounts), 1 + rng.multinomial(n - accounts, share / share.sum())
    )
    return rng.permutation(account)


def in_accounts(
    table: pd.DataFrame, spec: dict[str, Any], account: np.ndarray
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Name the account of each customer, beside the customer's own id, and the cluster in the spec."""
    named = table.copy()
    named.insert(1, "account_id", [f"A{k + 1:06d}" for k in account])
    return named, {**spec, "cohort": {**spec["cohort"], "cluster": "account_id"}}

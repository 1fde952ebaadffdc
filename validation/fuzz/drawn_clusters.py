"""Cases whose customers belong to accounts: one that has half of them, or a customer without one, is refused."""

from collections.abc import Callable
from random import Random
from typing import Any

SHARE = 0.15
"""Of the cases that can have accounts."""
_LARGEST, _ABSENT = 0.1, 0.05


def into_clusters(
    spec: dict[str, dict[str, Any]], columns: dict[str, list[Any]], add: Callable[[list[Any]], str], seed: int
) -> bool:
    """Give the customers of some cases an account each, by a stream of numbers of their own.

    Parameters
    ----------
    spec : dict
        Of the case.
    columns : dict of str to list
        Its cells by column.
    add : callable
        Adds a column and gives its name.
    seed : int
        Of the case.

    Returns
    -------
    bool
        Whether it was done.
    """
    random = Random(f"clusters of {seed}")
    sub = spec.get("subscription", {})
    if random.random() > SHARE or "gap_days" in sub or spec.get("cohort", {}).get("repeat") == "all":
        return False
    n = len(next(iter(columns.values())))
    kinds: list[Callable[[int], Any]] = [int, float, str, "acct {}".format, "Ä{} ".format, "=1+{}".format]
    written = random.choice(kinds)
    size = random.choice([1, 2, 3, max(n // 3, 1)])
    accounts = [written(i // size) for i in range(n)]
    if n and random.random() < _LARGEST:
        accounts = [written(0) if i < n // 2 + 1 else one for i, one in enumerate(accounts)]
    if n and random.random() < _ABSENT:
        accounts[random.randrange(n)] = (
            random.choice([None, "", " "]) if isinstance(accounts[0], str) else None
        )
    spec.setdefault("cohort", {})["cluster"] = add(accounts)
    return True

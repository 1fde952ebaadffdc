"""Cases whose surveys repeat made into cases in which every survey counts."""

from random import Random
from typing import Any

SHARE = 0.6
"""Of the cases with several surveys a customer."""
_NOT_WITH = ("entry", "window", "gap_days")


def into_repeats(spec: dict[str, dict[str, Any]], seed: int) -> bool:
    """Let every survey count in some of the cases that keep the first, by a stream of numbers of their own.

    Parameters
    ----------
    spec : dict
        Of the case.
    seed : int
        Of the case.

    Returns
    -------
    bool
        Whether it was done.
    """
    cohort, sub = spec.get("cohort", {}), spec.get("subscription", {})
    if cohort.get("repeat") != "first" or sub.get("clock") == "signup" or set(_NOT_WITH) & set(sub):
        return False
    if Random(f"repeats of {seed}").random() > SHARE:
        return False
    cohort["repeat"] = "all"
    return True

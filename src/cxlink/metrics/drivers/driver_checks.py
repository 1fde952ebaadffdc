"""What is found of several scores beside their rows: who gave them, which cannot be compared, and which tells most."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd

from cxlink.checks import Check, Fact
from cxlink.cohort.count.driver_counts import DriverCounts
from cxlink.metrics.drivers.driver_metrics import GAINS
from cxlink.metrics.drivers.joint_cells import JointCells
from cxlink.metrics.metric_table import Row

NEGLIGIBLE = 0.05
"""Share of the whole gain under which the upper limit of what a score adds to the others counts as nothing."""
_FEWEST_ANSWERS = 10
_GAP = 0.05
"""Difference of retention between those who gave a score and those who did not that is said."""
_FAR = 3.0


def nobody_checks(held: DriverCounts | None) -> tuple[Check, ...]:
    """Say that nobody gave every score, or that the table of all scores is not at hand."""
    return (Check("drivers_nobody" if held is not None else "drivers_uncounted"),)


def _lacking(held: DriverCounts) -> tuple[int, int]:
    """Customers who gave every score, and those with the score who lack another."""
    n = int(held.cells["n"].sum())
    return n, int(held.answered.groupby("score")["n"].sum().max()) - n


def tells_of_few(held: DriverCounts, smallest: int) -> bool:
    """Whether what is said of who gave every score would tell of fewer customers than may be told of."""
    return smallest > 1 and any(0 < n < smallest for n in _lacking(held))


def answer_checks(held: DriverCounts, smallest: int, size: float = 1.0) -> Iterator[Check]:
    """Say how many gave every score, and of which score it goes with the outcome whether it was given.

    Parameters
    ----------
    held : DriverCounts
        The customers.
    smallest : int
        Nobody is told of fewer customers.
    size : float
        Mean size of a customer's cluster: errors are those of clusters in which all are alike.
    """
    n, lacking = _lacking(held)
    yield Check("drivers_answered", value=float(n), facts={"lacking": lacking})
    for name in held.left_out:
        yield Check("driver_after_outcome", passed=False, facts={"score": name})
    for name in dict.fromkeys(held.answered["score"].astype(str)):
        own = held.answered[held.answered["score"] == name]
        told = name not in held.left_out and (own["n"] >= smallest).all()
        if told and (gap := _gap(own, size)) is not None:
            facts: dict[str, Fact] = {"score": name, "given": gap[0], "lacking": gap[1]}
            yield Check("driver_missing", value=gap[0] - gap[1], passed=False, facts=facts)


def _gap(own: pd.DataFrame, size: float) -> tuple[float, float] | None:
    """Retention of those who gave a score and of those who did not, where chance hardly explains that they differ."""
    known = (own["retained"] + own["lost"]).to_numpy(dtype=float)
    weights = own[["retained_weight", "lost_weight"]].to_numpy(dtype=float)
    if len(own) < 2 or (known < _FEWEST_ANSWERS).any():
        return None
    share = weights[:, 0] / weights.sum(axis=1)
    error = np.sqrt((share * (1 - share) / known).sum() * size)
    if abs(share[0] - share[1]) < max(_GAP, _FAR * error):
        return None
    by_given = dict(zip(own["given"], share.tolist(), strict=True))
    return by_given[True], by_given[False]


def level_checks(held: DriverCounts, cells: JointCells) -> Iterator[Check]:
    """Scores whose levels were merged, of which all customers gave the same, and of which one tells the other."""
    for name, classes in held.merged:
        yield Check("driver_merged", value=float(classes), facts={"score": name})
    several = {one.name for one in cells.scores}
    for name in held.scores:
        if name not in several:
            yield Check("driver_constant", passed=False, facts={"score": name})
    for one, other in combinations(cells.scores, 2):
        pairs = len(set(zip(one.codes.tolist(), other.codes.tolist(), strict=True)))
        if pairs == len(one.points) == len(other.points):
            yield Check("driver_twin", passed=False, facts={"score": one.name, "twin": other.name})


def verdicts(outcome: str, rows: list[Row], names: list[str]) -> Iterator[Check]:
    """Which score tells most, as far as intervals say so, and which add nothing to the others."""
    at = {(row["version"], row.get("category", "")): row for row in rows if row["metric"] == GAINS[outcome]}
    whole = at["whole", ""]
    behind = [name for name in names if ("ahead", name) in at]
    first = next(name for name in names if name not in behind)
    case = "none" if whole["conf_low"] <= 0 else "unknown"
    if whole["conf_low"] > 0:
        case = "claimed" if all(at["ahead", name]["conf_low"] > 0 for name in behind) else "open"
    rivals = tuple(name for name in behind if at["ahead", name]["conf_low"] <= 0)
    facts: dict[str, Fact] = {"outcome": outcome, "score": first, "case": case, "rivals": rivals}
    value, low, high = (whole[name] for name in ("estimate", "conf_low", "conf_high"))
    yield Check("driver_first", "drivers", value=value, low=low, high=high, facts=facts)
    if case not in ("claimed", "open"):
        return
    for name in names:
        top = at["beyond", name]["conf_high"]
        if top < NEGLIGIBLE * whole["estimate"]:
            facts = {"outcome": outcome, "score": name}
            share = top / whole["estimate"]
            yield Check("driver_adds_nothing", "drivers", value=share, bound=NEGLIGIBLE, facts=facts)

"""The second table of a cohort with several scores: customers by all of them, with the outcome at the horizon."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.other_scores import MAIN

WHOLE = ("n", "retained", "lost", "spend_n")
WEIGHTS = ("retained_weight", "retained_weight_sq", "lost_weight", "lost_weight_sq")
SPEND_SUMS = ("spend_sum", "spend_sum_sq")
BUCKET = "bucket"
"""Of the customers' clusters; one more key where they are clustered."""
MOST_JOINT = 200_000
"""Joint cells of all scores, strata and buckets; with more, levels of the scores are merged."""
ANSWERED = ("score", "given", "n", "retained", "lost", "retained_weight", "lost_weight")
_TELLS = 10
"""Customers of one outcome who did not give a score, of whom none gave it, from which the score is known after it."""


@dataclass(frozen=True, slots=True)
class DriverCounts:
    """Customers who gave every score, by all scores and strata, without exits.

    Attributes
    ----------
    cells : DataFrame, one row a cell, sorted
        A column of each score (``score`` and the names of the others; the level, or the mean level of those merged),
        ``stratum.*``, ``bucket`` where customers are clustered, ``n``; with a subscription ``retained`` and ``lost``
        (known to be so at the horizon), and of both the sums of w and of w², w the inverse of the probability that the
        outcome could have been observed; with spend ``spend_n`` (complete windows), ``spend_sum``, ``spend_sum_sq``.
    answered : DataFrame
        ``score, given, n, retained, lost, retained_weight, lost_weight``: of each further score the customers with the
        score who gave it, and those who did not.
    horizon : int
        Periods after which retention is looked at; 0 where nobody could be followed so far, or nothing is followed.
    merged : tuple of (str, int)
        Scores whose adjacent levels were merged, and the number of classes that are left.
    left_out : tuple of str
        Further scores that only those retained gave, or only those lost: known after the outcome, and not compared.
    """

    cells: pd.DataFrame
    answered: pd.DataFrame
    horizon: int = 0
    merged: tuple[tuple[str, int], ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def scores(self) -> tuple[str, ...]:
        """Names of the scores that are compared, in the order of the cells' columns."""
        names = {MAIN, *self.answered["score"]} - set(self.left_out)
        return tuple(name for name in self.cells.columns if name in names)


def driver_names(spec: CohortSpec) -> tuple[str, ...]:
    """Names of all scores: ``score``, and those of ``[score] others``."""
    return (MAIN, *spec.others)


def add_drivers(first: DriverCounts | None, second: DriverCounts | None) -> DriverCounts | None:
    """Pool two tables, exactly; None where their scores, horizons or levels differ."""
    if first is None or second is None or list(first.cells.columns) != list(second.cells.columns):
        return None
    same = first.horizon == second.horizon and first.left_out == second.left_out
    if not same or first.merged or second.merged:
        return None
    keys = [name for name in first.cells.columns if name not in (*WHOLE, *WEIGHTS, *SPEND_SUMS)]
    cells = pd.concat([first.cells, second.cells]).groupby(keys, sort=True, as_index=False).sum()
    answered = pd.concat([first.answered, second.answered])
    answered = answered.groupby(["score", "given"], sort=False, as_index=False).sum()
    return DriverCounts(cells, answered, first.horizon, left_out=first.left_out)


def joint(
    cells: pd.DataFrame, scores: Sequence[str], strata: Sequence[str], most: int = MOST_JOINT
) -> DriverCounts:
    """Add equal cells up, with adjacent levels merged where there are too many joint cells.

    While there are more than ``most``, the levels of the score that has most are merged two by two, from the lowest.

    Parameters
    ----------
    cells : DataFrame
        With the columns of `DriverCounts.cells`, in any number of rows a cell.
    scores, strata : sequence of str
        Its keys; ``bucket`` is as good as a stratum.
    most : int
        Joint cells that are kept.

    Raises
    ------
    InputError
        If there are still too many once each score has two classes.

    Returns
    -------
    DriverCounts
        Without `DriverCounts.answered`.
    """
    codes, levels = cells.copy(), {}
    for name in scores:
        codes[name], values = pd.factorize(cells[name], sort=True)
        levels[name] = len(values)
    sums = [name for name in cells.columns if name not in (*scores, *strata)]
    level_sums = {name: cells[name] * cells["n"] for name in scores}
    codes = codes.assign(**{f"sum.{name}": total for name, total in level_sums.items()})
    merged: dict[str, int] = {}
    while len(added := codes.groupby([*scores, *strata], sort=True, as_index=False).sum()) > most:
        widest = max(scores, key=lambda name: levels[name])
        if levels[widest] <= 2:
            raise InputError(
                f"more than {most:,} joint cells of scores and strata. Name fewer [score] others, or adjust for fewer "
                "or coarser columns."
            )
        codes[widest] //= 2
        levels[widest] = merged[widest] = (levels[widest] + 1) // 2
    for name in scores:
        by_class = added[added[name] >= 0].groupby(name)[[f"sum.{name}", "n"]].sum()  # -1: not given
        added[name] = added[name].map(by_class[f"sum.{name}"] / by_class["n"]).astype(float)
    return DriverCounts(added[[*scores, *strata, *sums]], nobody_answered(), merged=tuple(merged.items()))


def after_outcome(answered: pd.DataFrame) -> tuple[str, ...]:
    """Name the scores that only those retained gave, or only those lost, where ten or more of the others did not."""
    names = []
    for name, own in answered.groupby("score", sort=False):
        given, lacking = own[own["given"]].sum(), own[~own["given"]].sum()
        told = [given[kind] == 0 and lacking[kind] >= _TELLS for kind in ("retained", "lost")]
        if given["n"] > 0 and any(told):
            names.append(str(name))
    return tuple(names)


def nobody_answered() -> pd.DataFrame:
    """Give the table of who answered, without a row."""
    return pd.DataFrame(columns=list(ANSWERED))


def is_discreet(counts: DriverCounts, smallest: int) -> bool:
    """Whether no cell over all buckets, and nobody's outcome in one, is of fewer customers than ``smallest``."""
    cells, answered = without_buckets(counts).cells, counts.answered
    sizes = [cells["n"], answered["n"], cells["n"].sum()]
    if "retained" in cells:
        known = [(table["retained"], table["lost"]) for table in (cells, answered)]
        sizes += [size for pair in known for size in pair]
        sizes += [table["n"] - table["retained"] - table["lost"] for table in (cells, answered)]
    if "spend_n" in cells:
        sizes += [cells["spend_n"], cells["n"] - cells["spend_n"]]
    every = np.concatenate([np.atleast_1d(np.asarray(size, float)) for size in sizes])
    return not bool(((every > 0) & (every < smallest)).any())


def without_buckets(counts: DriverCounts) -> DriverCounts:
    """Add the buckets of clusters up."""
    if BUCKET not in counts.cells:
        return counts
    cells = counts.cells.drop(columns=BUCKET)
    sums = [name for name in cells.columns if name in (*WHOLE, *WEIGHTS, *SPEND_SUMS)]
    keys = [name for name in cells.columns if name not in sums]
    return replace(counts, cells=cells.groupby(keys, sort=True, as_index=False)[sums].sum())
